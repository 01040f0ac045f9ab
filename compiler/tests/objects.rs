//! WinDivert objects against what the original answered, and through our own encoder and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod common;

use std::collections::BTreeMap;

use common::{Case, Random, layer, text, vectors};
use divert_compiler::back::windivert::{EncodeError, Shape, budget, encode};
use divert_compiler::front::windivert::{Object, ObjectErrorKind, decode};
use divert_compiler::graph::check::check;
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::opt::optimise;
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::Field;
use divert_vm::layer::Layer;
use proptest::prelude::*;

#[test]
fn reading_accepts_what_the_original_accepts() {
    for name in ["compile.jsonl", "format.jsonl"] {
        for line in vectors(name) {
            let filter = text(&line, "filter");
            if !filter.starts_with('@') {
                continue;
            }
            let object = Object::parse(filter);
            assert_eq!(object.is_ok(), line["ok"].as_bool().unwrap_or(true), "{filter}: {object:?}");
            if let (Ok(object), Some(wanted)) = (object, line["object"].as_str()) {
                assert_eq!(object.to_string(), wanted);
                let meaning = object.graph(layer(&line["layer"]));
                let foreign = |error| matches!(error, ObjectErrorKind::Layer { .. });
                assert!(
                    meaning.is_ok_and(|g| check(&g).is_ok())
                        || object.graph(layer(&line["layer"])).is_err_and(|e| foreign(e.kind))
                );
            }
        }
    }
}

#[test]
fn objects_match_as_the_original_does() {
    let mut judged = 0;
    for line in vectors("eval.jsonl") {
        let filter = text(&line, "filter");
        let answer = if line["documented"].is_object() { &line["documented"] } else { &line };
        if !filter.starts_with('@') || answer["code"] != 0 {
            continue;
        }
        let case = Case::of(&line).expect("an input");
        let graph = decode(filter, case.layer()).expect("an object");
        let verdict = case.with(|input| eval(&graph, input));
        assert_eq!(verdict, answer["match"].as_bool(), "{filter} {}", line["packet_name"]);
        judged += 1;
    }
    eprintln!("{judged} evaluations of objects");
}

/// Inputs by layer: some of the conformance vectors and some random ones.
fn inputs() -> BTreeMap<Layer, Vec<Case>> {
    let mut random = Random::new(7);
    let mut cases: BTreeMap<Layer, Vec<Case>> =
        Layer::ALL.map(|layer| (layer, (0..60).map(|_| random.case(layer)).collect())).into();
    for line in vectors("eval.jsonl").iter().step_by(17) {
        if let Some(case) = Case::of(line) {
            cases.entry(case.layer()).or_default().push(case);
        }
    }
    cases
}

fn assert_same(left: &Graph, right: &Graph, cases: &[Case], what: &str) {
    for case in cases {
        let verdicts = case.with(|input| (eval(left, input), eval(right, input)));
        assert!(verdicts.is_none_or(|(left, right)| left == right), "{what}: {case:?}");
    }
}

#[test]
fn written_objects_mean_the_same_and_are_not_longer() {
    let cases = inputs();
    let (mut original, mut plain, mut optimised, mut longer) = (0, 0, 0, Vec::new());
    for line in vectors("compile.jsonl") {
        let Some(text) = line["object"].as_str() else { continue };
        let Ok(object) = Object::parse(text) else { continue };
        let layer = layer(&line["layer"]);
        let Ok(graph) = object.graph(layer) else { continue };
        let count = object.instructions().len();
        let encoded = encode(&graph, Shape::Fewest).expect("fits");
        let best = encode(&optimise(&graph, 2), Shape::Fewest).expect("fits");
        for ours in [&encoded, &best] {
            let back = decode(&ours.object.to_string(), layer).expect("ours is read");
            assert_same(&graph, &back, &cases[&layer], text);
            if ours.tests > count {
                longer.push(format!("{text}: {count} -> {}", ours.tests));
            }
        }
        (original, plain, optimised) = (original + count, plain + encoded.tests, optimised + best.tests);
    }
    eprintln!("tests: original {original}, -O0 {plain}, -O2 {optimised}");
    assert!(longer.is_empty(), "{}", longer.join("\n"));
}

#[test]
fn canonical_texts() {
    let graph = |text| decode(text, Layer::Network).expect("an object");
    let again = |text| encode(&graph(text), Shape::Fewest).expect("fits").object.to_string();
    for same in ["@WinDiv_WX_eXWWAX", "@WinDiv_WX_WWWWAA", "@WinDiv_WX_WWWWXX", "@WinDiv_WY_1dWW2mLXX_bXWWAX"]
    {
        assert_eq!(again(same), same);
    }
    assert_eq!(again("@WinDiv_WX_1dWX2mAX"), "@WinDiv_WX_WWWWXX", "tcp.DstPort == -80");
    assert_eq!(again("@WinDiv_WX_1daXWAX"), "@WinDiv_WX_1dXWWAX", "tcp.DstPort > -0");
    assert_eq!(again("@WinDiv_WX_1dbWWAX"), "@WinDiv_WX_eXWWAX", "tcp.DstPort >= 0");
}

fn lookup(keys: impl Iterator<Item = u128>) -> Graph {
    let mut builder = Builder::simplifying(Layer::Network);
    let set = keys.map(Interval::one).collect();
    let entry = builder.test(Load::field(Field::TcpDstPort), set, NodeId::ACCEPT, NodeId::REJECT);
    builder.finish(entry)
}

#[test]
fn limits_are_counted() {
    let ports = |count: u128| lookup((0..count).map(|port| 2 * port + 1));
    assert_eq!(encode(&ports(256), Shape::Fewest).expect("fits").tests, 256);
    assert_eq!(encode(&ports(300), Shape::Fewest), Err(EncodeError::TooManyTests { tests: 300, limit: 256 }));
    assert_eq!(encode(&ports(64), Shape::Shallow).expect("fits").tests, 71);
    assert_eq!(encode(&ports(250), Shape::Shallow).expect("fits").tests, 250);
    let clauses = [ports(3), ports(40)];
    let costs = budget(&ports(43), &clauses, Shape::Fewest).expect("no masks");
    assert_eq!((costs.tests, costs.clauses), (43, vec![3, 40]));
}

#[test]
fn presence_alone() {
    let mut builder = Builder::simplifying(Layer::Network);
    let byte = Load::element(Field::Packet, 5000);
    let entry = builder.test(byte, IntervalSet::range(0, 255), NodeId::REJECT, NodeId::ACCEPT);
    let graph = builder.finish(entry);
    let encoded = encode(&graph, Shape::Fewest).expect("fits");
    assert_eq!(decode(&encoded.object.to_string(), Layer::Network), Ok(graph));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_survives(seed: u64, size in 1_u64..30, at in 0..5_usize, shallow: bool) {
        let mut random = Random::new(seed);
        let layer = Layer::ALL[at];
        let graph = random.graph(layer, size, true);
        let shape = if shallow { Shape::Shallow } else { Shape::Fewest };
        let encoded = encode(&graph, shape);
        let Ok(encoded) = encoded else {
            prop_assert!(matches!(encoded, Err(EncodeError::TooManyTests { .. })), "{:?}", encoded);
            return Ok(());
        };
        for test in encoded.object.instructions() {
            let (low, high) = test.field.keys_at(layer);
            prop_assert!(!test.set(layer).is_empty() || test.field == Field::Zero, "constant {low}..{high} {test:?}");
            prop_assert!(!(test.negative && test.field.is_array()));
        }
        let back = decode(&encoded.object.to_string(), layer).expect("ours is read");
        prop_assert_eq!(check(&back), Ok(()));
        for _ in 0..40 {
            let case = random.case(layer);
            let verdicts = case.with(|input| (eval(&graph, input), eval(&back, input)));
            prop_assert!(verdicts.is_none_or(|(before, after)| before == after), "{:?}", case);
        }
    }
}

/// The budget of a filter is the number of tests of the object that is written for it, whatever its shape.
#[test]
fn budgets_are_what_objects_cost() {
    for count in [1_u128, 9, 21, 200, 240, 254] {
        let odd: IntervalSet = (0..count).filter_map(|at| Interval::new(2 * at + 1, 2 * at + 1)).collect();
        let mut builder = Builder::simplifying(Layer::Network);
        let entry = builder.test(Load::field(Field::TcpDstPort), odd, NodeId::ACCEPT, NodeId::REJECT);
        let graph = builder.finish(entry);
        for shape in [Shape::Fewest, Shape::Shallow] {
            let written = encode(&graph, shape).expect("an object").tests;
            let counted = budget(&graph, std::slice::from_ref(&graph), shape).expect("a budget");
            assert_eq!((counted.tests, counted.clauses), (written, vec![written]), "{count} ports");
        }
    }
}
