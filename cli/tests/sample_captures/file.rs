//! The packets as pcap, as pcapng, and damaged.

use crate::traffic::{Packet, Way};

/// 2024-01-01 00:00:00 UTC.
const START: u64 = 1_704_067_200;

/// The snap length that both files announce; two packets are cut shorter by hand, as by a filter on the host.
const SNAPLEN: u32 = 65_535;

fn record(packet: &Packet) -> Vec<u8> {
    let captured = packet.captured();
    let mut bytes = Vec::new();
    bytes.extend(((START + packet.micros / 1_000_000) as u32).to_le_bytes());
    bytes.extend(((packet.micros % 1_000_000) as u32).to_le_bytes());
    bytes.extend((captured.len() as u32).to_le_bytes());
    bytes.extend((packet.frame.len() as u32).to_le_bytes());
    bytes.extend(captured);
    bytes
}

fn header() -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(SNAPLEN.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes
}

/// All packets in Ethernet frames.
pub(crate) fn pcap(packets: &[Packet]) -> Vec<u8> {
    header().into_iter().chain(packets.iter().flat_map(record)).collect()
}

/// The first 40 packets, with: the header of number 10 overwritten, 37 foreign bytes before number 20, a page of zeros
/// in place of number 30, and the end of number 39 cut off. So 37 packets are left.
pub(crate) fn damaged(packets: &[Packet]) -> Vec<u8> {
    let mut bytes = header();
    for (number, packet) in packets.iter().take(40).enumerate() {
        let mut record = record(packet);
        match number {
            10 => record.iter_mut().take(16).for_each(|byte| *byte = 0xee),
            20 => drop(record.splice(0..0, crate::packet::noise(20, 37))),
            30 => record = vec![0; 512],
            39 => record.truncate(record.len() - 9),
            _ => {}
        }
        bytes.extend(record);
    }
    bytes
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(code.to_le_bytes());
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn block(kind: u32, body: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
    let mut inner = body.to_vec();
    inner.resize(inner.len().next_multiple_of(4), 0);
    inner.extend(options.concat());
    if !options.is_empty() {
        inner.extend([0; 4]);
    }
    let length = (inner.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &inner, &length].concat()
}

fn interface(link: u16, options: &[Vec<u8>]) -> Vec<u8> {
    let body = [&link.to_le_bytes()[..], &[0, 0], &SNAPLEN.to_le_bytes()].concat();
    block(1, &body, options)
}

/// Interface 0 is Ethernet with microseconds; interface 1 a tunnel of bare IP packets with nanoseconds, of which the
/// file says that they count from `START`. Names, statistics and comments stand around the packets.
pub(crate) fn pcapng(packets: &[Packet]) -> Vec<u8> {
    let section = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat();
    let mut bytes = block(
        0x0a0d_0d0a,
        &section,
        &[option(1, b"made traffic of many shapes, no recording"), option(4, b"divertc sample")],
    );
    bytes.extend(interface(1, &[option(2, b"eth0"), option(3, b"Ethernet, microseconds")]));
    bytes.extend(interface(101, &[option(2, b"tun0"), option(9, &[9]), option(14, &START.to_le_bytes())]));
    bytes.extend(block(
        4,
        &[1, 0, 16, 0, 192, 0, 2, 53, b'd', b'n', b's', b'.', b't', b'e', b's', b't', 0, 0, 0, 0, 0, 0, 0, 0],
        &[],
    ));
    for packet in packets {
        let (frame, captured) = match packet.interface {
            0 => (&packet.frame[..], packet.captured()),
            _ => {
                (packet.frame.get(14..).unwrap_or_default(), packet.captured().get(14..).unwrap_or_default())
            }
        };
        let time = match packet.interface {
            0 => START * 1_000_000 + packet.micros,
            _ => packet.micros * 1_000 + 789,
        };
        let mut body = Vec::new();
        for number in
            [packet.interface, (time >> 32) as u32, time as u32, captured.len() as u32, frame.len() as u32]
        {
            body.extend(number.to_le_bytes());
        }
        body.extend(captured);
        let mut options = Vec::new();
        if let Some(comment) = packet.comment {
            options.push(option(1, comment.as_bytes()));
        }
        match packet.way {
            Way::In => options.push(option(2, &1u32.to_le_bytes())),
            Way::Out => options.push(option(2, &2u32.to_le_bytes())),
            Way::Unknown => {}
        }
        bytes.extend(block(6, &body, &options));
    }
    let end = START * 1_000_000 + 3_600_000_000;
    for interface in [0u32, 1] {
        let body = [interface.to_le_bytes(), ((end >> 32) as u32).to_le_bytes(), (end as u32).to_le_bytes()]
            .concat();
        let count = packets.iter().filter(|packet| packet.interface == interface).count() as u64;
        bytes.extend(block(5, &body, &[option(4, &count.to_le_bytes()), option(5, &[0; 8])]));
    }
    bytes
}
