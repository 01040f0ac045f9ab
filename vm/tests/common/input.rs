//! Packets and inputs: recorded ones, changed ones, and IPv6 packets with chains of extension headers.

use std::sync::LazyLock;

use super::Source;
use divert_vm::{Address, Endpoint, Event, Input, Layer, Packet, Reflected};
use serde_json::Value;

/// The packets of the conformance tests.
pub(crate) static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/helpers.jsonl");
    let file = std::fs::read_to_string(path).unwrap();
    let mut packets: Vec<Vec<u8>> = file
        .lines()
        .filter_map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            case["packet"].as_str().map(from_hex)
        })
        .collect();
    packets.sort();
    packets.dedup();
    assert!(packets.len() > 50);
    packets
});

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A buffer that is a packet more often than not.
pub(crate) fn packet(source: &mut Source<'_>) -> Vec<u8> {
    let mut packet = match source.byte() % 8 {
        0 => {
            let length = source.below(120);
            source.bytes(length)
        }
        1..4 => chained(source),
        _ => RECORDED[source.below(RECORDED.len())].clone(),
    };
    for _ in 0..source.pick(&[0, 0, 0, 1, 1, 2, 4]) {
        if !packet.is_empty() {
            // Mostly in the headers.
            let reach = if source.one_in(4) { 4096 } else { 64 };
            let at = source.below(packet.len().min(reach));
            packet[at] = source.byte();
        }
    }
    match source.byte() % 8 {
        0 => packet.truncate(source.below(packet.len() + 1)),
        1 => {
            let more = source.below(40);
            packet.extend(source.bytes(more));
        }
        _ => {}
    }
    packet
}

/// An IPv6 packet with up to six extension headers before its transport header.
fn chained(source: &mut Source<'_>) -> Vec<u8> {
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

pub(crate) fn address(source: &mut Source<'_>) -> Address {
    let flags = source.byte();
    Address {
        timestamp: source.within(0, u64::MAX.into()) as i64,
        outbound: flags & 1 == 1,
        loopback: flags & 2 == 2,
        impostor: flags & 4 == 4,
        if_idx: source.within(0, u32::MAX.into()) as u32,
        sub_if_idx: source.within(0, u32::MAX.into()) as u32,
    }
}

/// Calls `judge` with an input at `layer`; not at all when the random bytes are no packet.
pub(crate) fn with_input<R>(
    source: &mut Source<'_>,
    layer: Layer,
    judge: impl FnOnce(&Input<'_>) -> R,
) -> Option<R> {
    let address = address(source);
    let (first, last) = layer.events();
    let event = Event::from_number(first + source.byte() % (last - first + 1)).unwrap();
    let (buffer, packet, endpoint, handle);
    let input = match layer {
        Layer::Network | Layer::Forward => {
            buffer = self::packet(source);
            packet = Packet::parse(&buffer).ok()?;
            if layer == Layer::Network {
                Input::network(&packet, &address)
            } else {
                Input::forward(&packet, &address)
            }
        }
        Layer::Flow | Layer::Socket => {
            let ids = u64::MAX.into();
            endpoint = Endpoint {
                ipv6: source.one_in(2),
                endpoint_id: source.within(0, ids) as u64,
                parent_endpoint_id: source.within(0, ids) as u64,
                process_id: source.within(0, u32::MAX.into()) as u32,
                local_addr: source.within(0, u128::MAX),
                remote_addr: source.within(0, u128::MAX),
                local_port: source.within(0, 65_535) as u16,
                remote_port: source.within(0, 65_535) as u16,
                protocol: source.pick(&[1, 6, 17, 58, 255]),
            };
            let input = if layer == Layer::Flow { Input::flow } else { Input::socket };
            input(event, &endpoint, &address).unwrap()
        }
        Layer::Reflect => {
            handle = Reflected {
                process_id: source.within(0, u32::MAX.into()) as u32,
                layer: source.pick(&Layer::ALL),
                priority: source.within(0, 65_535) as u16 as i16,
            };
            Input::reflect(event, &handle, &address).unwrap()
        }
    };
    Some(judge(&input))
}
