//! Packets to let come by.

use divert_testbed_control::Packet;
use divert_testbed_model::layer::Kind;
use divert_vm::checksum::{Leave, update};

/// An IPv4 UDP packet from 10.0.0.1:4096 to 10.0.0.2:53 with this identification and so many bytes of payload.
pub(crate) fn udp(id: u16, payload: usize) -> Vec<u8> {
    let total = (28 + payload) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet.extend([0x10, 0x00, 0x00, 0x35]);
    packet.extend((total - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|at| at as u8));
    update(&mut packet, Leave::default());
    packet
}

/// An IPv4 UDP packet of that kind with this time to live.
pub(crate) fn udp_ttl(id: u16, ttl: u8) -> Vec<u8> {
    let mut packet = udp(id, 8);
    packet[8] = ttl;
    update(&mut packet, Leave::default());
    packet
}

/// An IPv6 UDP packet between link-local addresses.
pub(crate) fn udp6(payload: usize) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 17, 64];
    packet[4..6].copy_from_slice(&((8 + payload) as u16).to_be_bytes());
    packet.extend([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend([0x10, 0x00, 0x00, 0x35]);
    packet.extend(((8 + payload) as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|at| at as u8));
    update(&mut packet, Leave::default());
    packet
}

/// The identification of an IPv4 packet.
pub(crate) fn id_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[4], packet[5]])
}

/// A list with one packet.
pub(crate) fn list(kind: Kind, packet: Vec<u8>) -> Packet {
    Packet::one(kind, packet)
}

/// One outbound packet.
pub(crate) fn outbound(packet: Vec<u8>) -> Packet {
    list(Kind::Outbound, packet)
}

/// One inbound packet.
pub(crate) fn inbound(packet: Vec<u8>) -> Packet {
    list(Kind::Inbound, packet)
}

/// One forwarded packet.
pub(crate) fn forwarded(packet: Vec<u8>) -> Packet {
    list(Kind::Forward, packet)
}

/// The packets of a capture file (pcap, Ethernet or raw IP), from the IP header on; what is no IP, or was cut short when
/// it was captured, is left out.
pub(crate) fn capture(bytes: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize| {
        bytes.get(at..at + 4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let ethernet = word(20) == Some(1);
    let mut packets = Vec::new();
    let mut at = 24;
    while let Some(length) = word(at + 8) {
        let frame = bytes.get(at + 16..at + 16 + length as usize).unwrap_or(&[]);
        at += 16 + length as usize;
        let packet = match (ethernet, frame.get(12..14)) {
            (true, Some([0x08, 0x00] | [0x86, 0xDD])) => &frame[14..],
            (true, _) => continue,
            (false, _) => frame,
        };
        // Ethernet pads short frames.
        if let Ok(parsed) = divert_vm::Packet::parse(packet)
            && !parsed.is_truncated()
        {
            packets.push(packet[..parsed.end()].to_vec());
        }
    }
    packets
}
