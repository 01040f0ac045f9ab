//! Graphs to bytecode and back: the verifier accepts what the compiler emits, and nothing changes its verdict.
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_compiler::back::bytecode::emit;
use divert_compiler::front::bytecode::lift;
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph, Load, NodeId, check::check};
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::FIELDS;
use divert_vm::packet::Packet;
use divert_vm::{Address, Endpoint, Event, Field, Input, Layer, Program, Reflected};
use proptest::prelude::*;

/// Seeds of one node: field, index, mask, intervals (low, length as shares of 2¹⁶), successors.
type Seed = (usize, i32, Option<u32>, Vec<(u16, u16)>, usize, usize);

fn graph(layer: Layer, seeds: Vec<Seed>) -> Graph {
    let fields: Vec<_> = FIELDS.iter().filter(|info| info.layers.contains(layer)).collect();
    let mut builder = Builder::plain(layer);
    let mut ids = vec![NodeId::REJECT, NodeId::ACCEPT];
    for (field, index, mask, intervals, yes, no) in seeds {
        let info = fields[field % fields.len()];
        let mask = match mask {
            Some(mask) if info.range.origin == divert_vm::Number::ZERO && mask != 0 => {
                u128::from(mask) & info.range.high
            }
            _ => Load::NO_MASK,
        };
        let mask = if mask == 0 { Load::NO_MASK } else { mask };
        let index = if info.element == 0 { 0 } else { index };
        let load = Load { field: info.field, index, mask };
        let keys = load.keys(layer);
        let span = keys.high - keys.low;
        let at = |share: u16| {
            keys.low + (span / 65_535).saturating_mul(u128::from(share)).max(u128::from(share)).min(span)
        };
        let set: IntervalSet = intervals
            .into_iter()
            .map(|(low, length)| Interval {
                low: at(low),
                high: at(low).saturating_add(u128::from(length % 512)),
            })
            .collect();
        let (yes, no) = (ids[yes % ids.len()], ids[no % ids.len()]);
        ids.push(builder.test(load, set, yes, no));
    }
    builder.finish(*ids.last().unwrap())
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let index = prop_oneof![0..60_i32, -40..-4_i32];
    let mask = proptest::option::weighted(0.2, any::<u32>());
    let intervals = prop_oneof![
        8 => proptest::collection::vec((any::<u16>(), any::<u16>()), 1..4),
        1 => proptest::collection::vec((any::<u16>(), any::<u16>()), 4..80),
    ];
    let successor = || prop_oneof![0..2_usize, any::<usize>()];
    proptest::collection::vec((any::<usize>(), index, mask, intervals, successor(), successor()), 1..24)
}

/// A packet that often parses, with a transport header that often is one.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let protocol = prop_oneof![Just(6_u8), Just(17), Just(1), Just(58), Just(44), any::<u8>()];
    (any::<bool>(), protocol, proptest::collection::vec(any::<u8>(), 60..140), any::<bool>()).prop_map(
        |(ipv6, protocol, mut bytes, fragment)| {
            let length = bytes.len() as u16;
            if ipv6 {
                bytes[0] = 0x60;
                bytes[4..6].copy_from_slice(&(length - 40).to_be_bytes());
                bytes[6] = protocol;
                bytes[52] = 0x50;
            } else {
                bytes[0] = 0x45;
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                if !fragment {
                    bytes[6..8].fill(0);
                }
                bytes[9] = protocol;
                bytes[32] = 0x50;
            }
            bytes
        },
    )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (
        any::<bool>(),
        any::<u64>(),
        any::<u32>(),
        any::<u128>(),
        any::<u16>(),
        prop_oneof![Just(6), Just(17), any::<u8>()],
    )
        .prop_map(|(ipv6, id, process_id, address, port, protocol)| Endpoint {
            ipv6,
            endpoint_id: id,
            parent_endpoint_id: id.rotate_left(7),
            process_id,
            local_addr: address,
            remote_addr: address.rotate_left(64),
            local_port: port,
            remote_port: port.rotate_left(8),
            protocol,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn emitted_programs_mean_the_same(
        layer in 0_u8..5, seeds in seeds(), packets in proptest::collection::vec(packet(), 6),
        endpoint in endpoint(), outbound: bool, timestamp: i64, event in 0_u8..10, priority: i16,
    ) {
        let layer = Layer::from_number(layer).unwrap();
        let graph = graph(layer, seeds);
        prop_assert_eq!(check(&graph), Ok(()));
        let bytes = emit(&graph, b"").unwrap();
        let verified = Program::decode(&bytes).unwrap().verify(u32::MAX).unwrap();
        let lifted = lift(&verified);
        prop_assert_eq!(check(&lifted), Ok(()));
        prop_assert_eq!(emit(&lifted, b"").unwrap(), bytes.clone());
        let address = Address { timestamp, outbound, ..Address::default() };
        let mut inputs = Vec::new();
        let packets: Vec<_> = packets.iter().filter_map(|bytes| Packet::parse(bytes).ok()).collect();
        for packet in &packets {
            inputs.push(Input::network(packet, &address));
            inputs.push(Input::forward(packet, &address));
        }
        let event = Event::from_number(event).unwrap();
        inputs.extend(Input::flow(event, &endpoint, &address));
        inputs.extend(Input::socket(event, &endpoint, &address));
        let handle = Reflected { process_id: 4, layer: Layer::Flow, priority };
        inputs.extend(Input::reflect(event, &handle, &address));
        for input in &inputs {
            let (verdict, steps) = verified.matches_counting(input);
            prop_assert_eq!(verdict, eval(&graph, input));
            prop_assert!(steps <= verified.work());
            if verdict {
                prop_assert!(verified.needs().can_match(input.event(), outbound, input.is_ipv6().unwrap_or(false)));
            }
        }
    }
}

#[test]
fn constant_graphs_are_programs_too() {
    for verdict in [false, true] {
        let graph = Builder::plain(Layer::Network).finish(NodeId::verdict(verdict));
        let bytes = emit(&graph, b"").unwrap();
        let verified = Program::decode(&bytes).unwrap().verify(1).unwrap();
        assert_eq!(verified.needs().is_nothing(), !verdict);
        let packet =
            Packet::parse(&[0x45, 0, 0, 20, 0, 0, 0, 0, 1, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(verified.matches(&Input::network(&packet, &Address::default())), verdict);
    }
}

#[test]
fn a_million_intervals() {
    let set: IntervalSet =
        (0..1_000_000_u128).map(|n| Interval { low: n * 4096, high: n * 4096 + 255 }).collect();
    let mut builder = Builder::plain(Layer::Network);
    let entry = builder.test(Load::field(Field::IpDstAddr), set, NodeId::ACCEPT, NodeId::REJECT);
    let bytes = emit(&builder.finish(entry), b"").unwrap();
    let verified = Program::decode(&bytes).unwrap().verify(64).unwrap();
    assert_eq!(lift(&verified).nodes()[0].set.intervals().len(), 1_000_000);
}
