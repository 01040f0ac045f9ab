//! Packets to let come by.

use divert_testbed_control::{Hands, Packet};
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
    Packet {
        kind,
        flags: 0,
        interface: 5,
        sub_interface: 6,
        checksum: 0,
        hands: Hands::None,
        split: 0,
        before: 0,
        chained: false,
        buffers: vec![packet],
    }
}

/// One outbound packet.
pub(crate) fn outbound(packet: Vec<u8>) -> Packet {
    list(Kind::Outbound, packet)
}

/// One inbound packet.
pub(crate) fn inbound(packet: Vec<u8>) -> Packet {
    list(Kind::Inbound, packet)
}
