//! Packets to let come by.

use divert_vm::checksum::{Leave, update};

/// An IPv4 header between 10.0.0.1 and 10.0.0.2.
fn ipv4(protocol: u8, id: u16, length: usize) -> Vec<u8> {
    let [high, low] = (20 + length as u16).to_be_bytes();
    let [first, second] = id.to_be_bytes();
    vec![0x45, 0, high, low, first, second, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
}

/// A UDP packet to a port.
pub(crate) fn udp(id: u16, port: u16) -> Vec<u8> {
    let mut packet = ipv4(17, id, 16);
    packet.extend([0x10, 0]);
    packet.extend(port.to_be_bytes());
    packet.extend([0, 16, 0, 0]);
    packet.extend(b"packet  ");
    update(&mut packet, Leave::default());
    packet
}

/// A UDP packet to port 53 of this length.
pub(crate) fn long_udp(length: usize) -> Vec<u8> {
    let mut packet = ipv4(17, 1, length - 20);
    packet.extend([0x10, 0, 0, 53]);
    packet.extend((length as u16 - 20).to_be_bytes());
    packet.resize(length, 7);
    update(&mut packet, Leave::default());
    packet
}

/// A TCP segment between two ports.
pub(crate) fn tcp(ports: (u16, u16), flags: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(6, 1, 20 + data.len());
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend(1000_u32.to_be_bytes());
    packet.extend(2000_u32.to_be_bytes());
    packet.extend([5 << 4, flags, 0x20, 0, 0, 0, 0, 0]);
    packet.extend(data);
    update(&mut packet, Leave::default());
    packet
}

/// Whether all checksums of a packet are right.
pub(crate) fn is_sound(packet: &[u8]) -> bool {
    let mut again = packet.to_vec();
    update(&mut again, Leave::default()).ok && again == packet
}
