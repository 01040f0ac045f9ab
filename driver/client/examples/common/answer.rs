//! Packets in answer to others. Their checksums are left for the driver to compute, but for ICMP's: about those the
//! address says nothing, so they are the sender's.

use divert_driver_client::Address;
use divert_vm::checksum::{Leave, update};
use divert_vm::packet::{Packet, Protocol, Version};

const TCP: u8 = 6;
const FIN: u8 = 1;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// The address of an answer: the other way, on the same interface, all checksums to be computed.
pub(crate) fn back(address: &Address) -> Address {
    Address {
        outbound: !address.outbound,
        ip_checksum: false,
        tcp_checksum: false,
        udp_checksum: false,
        ..*address
    }
}

/// The same way as a packet, all checksums to be computed.
pub(crate) fn along(address: &Address) -> Address {
    Address { ip_checksum: false, tcp_checksum: false, udp_checksum: false, ..*address }
}

/// What is known of a TCP segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'p> {
    bytes: &'p [u8],
    version: Version,
    /// Where its TCP header begins.
    pub(crate) offset: usize,
    /// Its payload.
    pub(crate) payload: &'p [u8],
}

impl<'p> Segment<'p> {
    /// The TCP segment that a packet carries.
    pub(crate) fn of(bytes: &'p [u8]) -> Option<Self> {
        let packet = Packet::parse(bytes).ok()?;
        let transport = packet.transport();
        if transport.kind != Protocol::Tcp {
            return None;
        }
        let payload = bytes.get(transport.payload as usize..packet.end())?;
        Some(Self { bytes, version: packet.version(), offset: transport.offset as usize, payload })
    }

    fn number(&self, at: usize) -> u32 {
        let bytes = self.bytes.get(self.offset + at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |number| u32::from_be_bytes(*number))
    }

    /// Bytes of its sequence space: payload, and one for SYN and FIN each.
    fn length(&self) -> u32 {
        let flags = self.flags();
        self.payload.len() as u32 + u32::from(flags & FIN) + u32::from(flags >> 1 & 1)
    }

    fn flags(&self) -> u8 {
        self.bytes.get(self.offset + 13).copied().unwrap_or(0)
    }

    /// A reset for whoever sent it.
    pub(crate) fn reset(&self) -> Vec<u8> {
        if self.flags() & ACK != 0 {
            self.answer(self.number(8), 0, RST, &[])
        } else {
            self.answer(0, self.number(4).wrapping_add(self.length()), RST | ACK, &[])
        }
    }

    /// A reset for whoever it was sent to.
    pub(crate) fn reset_along(&self) -> Vec<u8> {
        self.packet(false, self.number(4), self.number(8), RST | ACK, &[])
    }

    /// Data for whoever sent it, as if from its peer, and the end of the stream.
    pub(crate) fn reply(&self, data: &[u8]) -> Vec<u8> {
        let acknowledged = self.number(4).wrapping_add(self.length());
        self.answer(self.number(8), acknowledged, PSH | ACK | FIN, data)
    }

    fn answer(&self, sequence: u32, acknowledged: u32, flags: u8, data: &[u8]) -> Vec<u8> {
        self.packet(true, sequence, acknowledged, flags, data)
    }

    fn packet(&self, swapped: bool, sequence: u32, acknowledged: u32, flags: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = ip_header(self.bytes, self.version, swapped, TCP, 20 + data.len());
        let port = |at: usize| self.bytes.get(self.offset + at..).and_then(|rest| rest.first_chunk::<2>());
        let ports = (port(0).copied().unwrap_or_default(), port(2).copied().unwrap_or_default());
        let (from, to) = if swapped { (ports.1, ports.0) } else { ports };
        packet.extend(from);
        packet.extend(to);
        packet.extend(sequence.to_be_bytes());
        packet.extend(acknowledged.to_be_bytes());
        packet.extend([5 << 4, flags, 0x20, 0, 0, 0, 0, 0]);
        packet.extend(data);
        packet
    }
}

/// An ICMP or ICMPv6 "port unreachable" for whoever sent a packet; `None` for what is answered by nothing.
pub(crate) fn unreachable(bytes: &[u8]) -> Option<Vec<u8>> {
    let packet = Packet::parse(bytes).ok()?;
    let transport = packet.transport();
    if matches!(transport.kind, Protocol::Icmp | Protocol::Icmpv6) || transport.number == 58 {
        return None;
    }
    let (number, kind, code, most) = match packet.version() {
        // RFC 792: the header and eight bytes more; RFC 4443: as much as fits into 1,280 bytes.
        Version::V4 => (1, 3, 3, packet.header_length() + 8),
        Version::V6 => (58, 1, 4, 1280 - 48),
    };
    let quoted = packet.content();
    let quoted = quoted.get(..most).unwrap_or(quoted);
    let mut answer = ip_header(bytes, packet.version(), true, number, 8 + quoted.len());
    answer.extend([kind, code, 0, 0, 0, 0, 0, 0]);
    answer.extend(quoted);
    update(&mut answer, Leave::default());
    Some(answer)
}

/// An IP header between the addresses of a packet.
fn ip_header(bytes: &[u8], version: Version, swapped: bool, protocol: u8, length: usize) -> Vec<u8> {
    let (first, size) = if version == Version::V4 { (12, 4) } else { (8, 16) };
    let address = |number: usize| {
        let at = first + number * size;
        bytes.get(at..at + size).unwrap_or(&[0; 16])
    };
    let (source, destination) = if swapped { (address(1), address(0)) } else { (address(0), address(1)) };
    let mut header = match version {
        Version::V4 => {
            let [high, low] = (20 + length as u16).to_be_bytes();
            vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0]
        }
        Version::V6 => {
            let [high, low] = (length as u16).to_be_bytes();
            vec![0x60, 0, 0, 0, high, low, protocol, 64]
        }
    };
    header.extend(source);
    header.extend(destination);
    header
}

/// Exchanges the addresses of a packet.
pub(crate) fn swap_addresses(bytes: &mut [u8]) {
    let (first, size) = if bytes.first().is_some_and(|byte| byte >> 4 == 6) { (8, 16) } else { (12, 4) };
    if let Some(addresses) = bytes.get_mut(first..first + 2 * size) {
        let (source, destination) = addresses.split_at_mut(size);
        source.swap_with_slice(destination);
    }
}

/// Sets the big-endian 16 bits at `at`.
pub(crate) fn set_word(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}
