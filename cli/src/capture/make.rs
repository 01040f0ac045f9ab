//! Making a capture of our own: pcapng, since a packet's direction must be in it.

use divert_vm::input::Address;

/// Raw IP.
const LINK: u16 = 101;

/// A pcapng file with these packets, their directions and times (ticks of 100 ns since 1970).
pub(crate) fn pcapng(packets: &[(&[u8], &Address)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend([0xff; 8]);
    block(&mut file, 0x0a0d_0d0a, &section);
    let mut interface = LINK.to_le_bytes().to_vec();
    interface.extend([0; 6]);
    // if_tsresol: 10^-7 s.
    interface.extend([9, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    block(&mut file, 1, &interface);
    for (bytes, address) in packets {
        // Times before 1970 have no place.
        let ticks = u64::try_from(address.timestamp).unwrap_or(0);
        let length = (bytes.len() as u32).to_le_bytes();
        let mut packet = vec![0; 4];
        packet.extend(((ticks >> 32) as u32).to_le_bytes());
        packet.extend((ticks as u32).to_le_bytes());
        packet.extend(length);
        packet.extend(length);
        packet.extend(*bytes);
        packet.resize(packet.len().next_multiple_of(4), 0);
        // epb_flags: 1 inbound, 2 outbound.
        packet.extend([2, 0, 4, 0, 1 + u8::from(address.outbound), 0, 0, 0, 0, 0, 0, 0]);
        block(&mut file, 6, &packet);
    }
    file
}

fn block(file: &mut Vec<u8>, kind: u32, content: &[u8]) {
    let length = (content.len() as u32 + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(content);
    file.extend(length);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::capture::CaptureReader;
    use crate::capture::record::Direction;

    #[test]
    fn what_is_made_is_read() {
        let out = Address { outbound: true, timestamp: 16_000_000_000_000_001, ..Address::default() };
        let file = pcapng(&[(&[0x45, 1, 2], &out), (&[0x60, 1, 2, 3], &Address::default())]);
        let mut reader = CaptureReader::open(file.as_slice()).unwrap();
        let first = reader.next().unwrap();
        assert_eq!((first.bytes, first.direction), (&[0x45, 1, 2][..], Some(Direction::Outbound)));
        assert_eq!(first.timestamp().unwrap().as_nanos(), 1_600_000_000_000_000_100);
        let second = reader.next().unwrap();
        assert_eq!((second.bytes, second.direction), (&[0x60, 1, 2, 3][..], Some(Direction::Inbound)));
        assert!(reader.next().is_none());
        assert_eq!(reader.damage_total(), 0);
    }
}
