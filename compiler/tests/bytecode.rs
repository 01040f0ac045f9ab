//! Graphs to bytecode and back, at the limits. That random graphs mean the same as bytecode is a property of
//! `divert-fuzz`.
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_compiler::back::bytecode::emit;
use divert_compiler::front::bytecode::lift;
use divert_compiler::graph::{Builder, Load, NodeId};
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::packet::Packet;
use divert_vm::{Address, Field, Input, Layer, Program};

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
