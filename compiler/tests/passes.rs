//! Every pass keeps every verdict, and none adds tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod common;

use std::time::{Duration, Instant};

use common::Random;
use divert_compiler::back::windivert::{Shape, encode};
use divert_compiler::graph::check::check;
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::opt::{PASSES, optimise, share};
use divert_compiler::set::IntervalSet;
use divert_vm::field::Field;
use divert_vm::layer::Layer;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_stay(seed: u64, size in 1_u64..40, at in 0..5_usize, masks: bool) {
        let mut random = Random::new(seed);
        let layer = Layer::ALL[at];
        let plain = random.graph(layer, size, masks);
        let graph = share::share(&plain);
        let mut results: Vec<(String, Graph)> =
            PASSES.iter().map(|pass| (pass.name.to_owned(), (pass.run)(&graph))).collect();
        results.push(("share".to_owned(), graph.clone()));
        results.extend((0..=2).map(|level| (format!("-O{level}"), optimise(&graph, level))));
        for (name, result) in &results {
            prop_assert_eq!(check(result), Ok(()), "{}", name);
            prop_assert!(result.nodes().len() <= graph.nodes().len(), "{}", name);
            // Of a masked set a pass does not know which keys there are.
            if !masks && let (Ok(before), Ok(after)) = (encode(&graph, Shape::Fewest), encode(result, Shape::Fewest)) {
                // Two searches may happen to share a comparison, which a pass cannot see.
                prop_assert!(after.tests <= before.tests + 2, "{name}: {} -> {}", before.tests, after.tests);
            }
        }
        for _ in 0..60 {
            let case = random.case(layer);
            let Some(wanted) = case.with(|input| eval(&plain, input)) else { continue };
            for (name, result) in &results {
                prop_assert_eq!(case.with(|input| eval(result, input)), Some(wanted), "{} {:?}", name, case);
            }
        }
    }
}

fn one(key: u128) -> IntervalSet {
    IntervalSet::range(key, key)
}

/// Generous: these take milliseconds unless something is quadratic or worse.
fn quickly<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    eprintln!("{:?}", start.elapsed());
    result
}

#[test]
fn long_chains() {
    let chain = |fields: &[Field], count: u128| {
        let mut builder = Builder::plain(Layer::Network);
        let mut next = NodeId::REJECT;
        for (key, field) in (0..count).zip(fields.iter().cycle()) {
            next = builder.test(Load::field(*field), one(key % 65_536), NodeId::ACCEPT, next);
        }
        builder.finish(next)
    };
    let ports = quickly(|| optimise(&chain(&[Field::TcpDstPort], 20_000), 2));
    assert_eq!(ports.nodes().len(), 1);
    let mixed =
        quickly(|| optimise(&chain(&[Field::TcpDstPort, Field::UdpDstPort, Field::TcpSrcPort], 30_000), 2));
    assert_eq!(mixed.nodes().len(), 3);
    let mut builder = Builder::plain(Layer::Network);
    let mut next = NodeId::ACCEPT;
    for index in 0..20_000 {
        next = builder.test(Load::element(Field::Packet, 20 + index), one(1), next, NodeId::REJECT);
    }
    let bytes = builder.finish(next);
    assert_eq!(quickly(|| optimise(&bytes, 2)).nodes().len(), 20_000);
}

#[test]
fn switching_chains_and_diamonds() {
    // f == 0 or (f != 1 and (f == 2 or (f != 3 and …
    let mut builder = Builder::plain(Layer::Network);
    let mut next = NodeId::REJECT;
    for key in (0..20_000_u128).rev() {
        let load = Load::field(Field::TcpSeqNum);
        next = if key % 2 == 0 {
            builder.test(load, one(key), NodeId::ACCEPT, next)
        } else {
            builder.test(load, one(key).complement(load.keys(Layer::Network)), next, NodeId::REJECT)
        };
    }
    let graph = builder.finish(next);
    quickly(|| optimise(&graph, 2));

    let mut builder = Builder::plain(Layer::Network);
    let mut next = NodeId::ACCEPT;
    for index in 0..4_000 {
        let left = builder.test(Load::element(Field::Packet, index + 30), one(1), next, NodeId::REJECT);
        let right = builder.test(Load::element(Field::Packet, index + 31), one(2), next, NodeId::REJECT);
        next = builder.test(Load::element(Field::Packet, index + 32), one(3), left, right);
    }
    let graph = builder.finish(next);
    quickly(|| optimise(&graph, 2));
}

#[test]
fn a_seeded_defect_is_noticed() {
    // Swapping the edges of a test whose field may be absent is what a careless pass would do.
    let build = |set, yes, no| {
        let mut builder = Builder::plain(Layer::Network);
        let entry = builder.test(Load::field(Field::TcpSyn), set, yes, no);
        builder.finish(entry)
    };
    let graph = build(one(1), NodeId::ACCEPT, NodeId::REJECT);
    let wrong = build(one(0), NodeId::REJECT, NodeId::ACCEPT);
    let mut random = Random::new(1);
    let differs = (0..60).any(|_| {
        let case = random.case(Layer::Network);
        case.with(|input| eval(&graph, input) != eval(&wrong, input)) == Some(true)
    });
    assert!(differs);
}
