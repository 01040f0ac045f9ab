//! Packets: small ones with few different values, so that tests often agree with them; IPv6 with chains of extension
//! headers; random bytes; and any of these with something changed.

use crate::source::Source;

/// A buffer that is a packet more often than not.
pub fn any(source: &mut Source<'_>) -> Vec<u8> {
    let packet = match source.byte() % 8 {
        0 => {
            let length = source.below(120);
            source.bytes(length)
        }
        1 | 2 => chained(source),
        3 | 4 => filled(source),
        _ => small(source),
    };
    changed(source, packet)
}

/// The packet with some bytes set, and perhaps cut or extended.
pub fn changed(source: &mut Source<'_>, mut packet: Vec<u8>) -> Vec<u8> {
    for _ in 0..source.pick(&[0, 0, 0, 1, 1, 2, 4]) {
        if !packet.is_empty() {
            // Mostly in the headers.
            let reach = if source.one_in(4) { 4096 } else { 64 };
            let at = source.below(packet.len().min(reach));
            packet[at] = source.byte();
        }
    }
    match source.byte() % 8 {
        1 => packet.truncate(source.below(packet.len() + 1)),
        2 => {
            let more = source.below(40);
            packet.extend(source.bytes(more));
        }
        _ => {}
    }
    packet
}

/// A packet with few different values in it.
pub fn small(source: &mut Source<'_>) -> Vec<u8> {
    let protocol = source.pick(&[6, 6, 17, 17, 1, 58, 50]);
    let mut body = vec![0, source.byte() % 4, 0, source.byte() % 4];
    body.extend((0..16).map(|_| source.byte() % 3));
    body[12] = 0x50;
    let payload = source.below(48);
    body.extend((0..payload).map(|_| source.byte() % 6));
    let total = body.len() as u16;
    let mut packet = if source.one_in(2) {
        let mut header = vec![0x60, 0, 0, source.byte() % 3];
        header.extend(total.to_be_bytes());
        header.extend([protocol, source.byte() % 5]);
        for _ in 0..2 {
            header.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, source.byte() % 4]);
        }
        header
    } else {
        let mut header = vec![0x45, source.byte() % 4];
        header.extend((total + 20).to_be_bytes());
        header.extend([0, 1, 0, 0]);
        if source.one_in(4) {
            header[6] = source.pick(&[0x20, 0x40]);
            header[7] = source.byte() % 2;
        }
        header.extend([source.byte() % 5, protocol, 0, 0, 10, 0, 0, source.byte() % 4]);
        header.extend([10, 0, 0, source.byte() % 4]);
        header
    };
    packet.extend(body);
    packet
}

/// A packet whose bytes are anything, but for what makes it one; with a transport header that often is one.
pub fn filled(source: &mut Source<'_>) -> Vec<u8> {
    let protocol = source.pick(&[6, 17, 1, 58, 47, 44]);
    let length = 20 + source.below(80);
    let mut bytes = source.bytes(length);
    if source.one_in(2) {
        bytes.resize(length.max(40), 7);
        bytes[0] = 0x60 | bytes[0] & 15;
        let payload = (bytes.len() - 40) as u16;
        bytes[4..6].copy_from_slice(&payload.to_be_bytes());
        bytes[6] = protocol;
        if let Some(offset) = bytes.get_mut(52) {
            *offset = 0x60;
        }
    } else {
        bytes[0] = 0x45;
        let total =
            (length as u16 + source.pick(&[0, 0, 0, 1, 4])).saturating_sub(source.pick(&[0, 0, 1, 4]));
        bytes[2..4].copy_from_slice(&total.max(20).to_be_bytes());
        if !source.one_in(4) {
            bytes[6..8].fill(0);
        }
        bytes[9] = protocol;
        if let Some(offset) = bytes.get_mut(32) {
            *offset = 0x50;
        }
    }
    bytes
}

/// An IPv6 packet with up to six extension headers before its transport header.
pub fn chained(source: &mut Source<'_>) -> Vec<u8> {
    const SKIPPED: [u8; 6] = [0, 43, 44, 51, 60, 135];
    let kinds: Vec<u8> = (0..source.below(7)).map(|_| source.pick(&SKIPPED)).collect();
    let last = source.pick(&[6, 6, 6, 17, 17, 58, 58, 1, 59, 50, 44, 253]);
    let mut content = Vec::new();
    for (position, kind) in kinds.iter().enumerate() {
        let next = kinds.get(position + 1).copied().unwrap_or(last);
        let words = usize::from(source.byte() % 3);
        let mut header = vec![next, words as u8];
        let length = match kind {
            44 => 8,
            51 => (words + 2) * 4,
            _ => (words + 1) * 8,
        };
        header.resize(length, 0);
        if *kind == 44 {
            let word = source.pick(&[0_u16, 0, 1, 6, 8, 9, 0xFFF8]);
            header[2..4].copy_from_slice(&word.to_be_bytes());
        } else if source.one_in(20) {
            header[1] = source.byte();
        }
        content.append(&mut header);
    }
    let mut transport = [0_u8; 20].map(|_| source.byte());
    transport[12] = source.pick(&[0x50, 0x50, 0x60, 0xF0, 0x40, 0]);
    content.extend(&transport[..source.pick(&[20, 20, 20, 8, 19, 7, 1, 0])]);
    let payload = source.below(30);
    content.extend(source.bytes(payload));
    let stated = match source.byte() % 8 {
        0 => source.below(65_536),
        1 => source.below(content.len() + 1),
        _ => content.len(),
    } as u16;
    let mut packet = vec![0x60, source.byte(), source.byte(), source.byte()];
    packet.extend(stated.to_be_bytes());
    packet.extend([kinds.first().copied().unwrap_or(last), source.byte()]);
    packet.extend(source.bytes(32));
    packet.extend(content);
    packet
}
