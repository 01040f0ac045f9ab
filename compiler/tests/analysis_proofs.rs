//! Proofs and refutations at work: what the original compiled, filters of real programs, large filters, and
//! transformations that are broken on purpose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{Random, layer, text, vectors};
use divert_compiler::Dialect;
use divert_compiler::analysis::{
    Always, Answer, Budget, Exists, Reason, equivalent, equivalent_at_cost, overlap, prove,
};
use divert_compiler::back::bytecode::emit;
use divert_compiler::back::windivert::{Shape, encode};
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::front::windivert::{Object, Op, Target};
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph, Load, Node, NodeId};
use divert_compiler::opt::optimise;
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::{Field, Place};
use divert_vm::layer::Layer;
use divert_vm::number::Number;
use serde_json::Value;

fn graph(filter: &str, layer: Layer, dialect: Dialect) -> Option<Graph> {
    let typed = analyse(filter, &Options { layer: Some(layer), dialect, ..Options::default() }).typed?;
    let mut builder = Builder::plain(typed.layer);
    let entry = lower(&typed, &mut builder).ok()?;
    Some(builder.finish(entry))
}

/// An object as the original executes it: minus zero lies between −1 and 0.
fn executed(object: &Object, layer: Layer) -> Option<Graph> {
    let mut builder = Builder::plain(layer);
    let mut ids = vec![NodeId::REJECT; object.instructions().len()];
    for (own, test) in object.instructions().iter().enumerate().rev() {
        if !test.field.info().layers.contains(layer) {
            return None;
        }
        let id = |target| match target {
            Target::Accept => NodeId::ACCEPT,
            Target::Reject => NodeId::REJECT,
            Target::Test(to) => ids[usize::from(to)],
        };
        let (yes, no) = (id(test.yes), id(test.no));
        let mut set = test.set(layer);
        if test.negative && test.magnitude == 0 {
            let (low, high) = test.field.keys_at(layer);
            let zero = match test.field.place(Number::ZERO) {
                Place::At(key) => key,
                Place::Below | Place::Above => low,
            };
            let below =
                zero.checked_sub(1).map_or_else(IntervalSet::empty, |last| IntervalSet::range(low, last));
            set = match test.op {
                Op::Eq => IntervalSet::empty(),
                Op::Ne => IntervalSet::range(low, high),
                Op::Lt | Op::Le => below,
                Op::Gt | Op::Ge => IntervalSet::range(zero, high),
            };
        }
        let mut load = Load::field(test.field);
        load.index = test.index;
        ids[own] = builder.test(load, set, yes, no);
    }
    Some(builder.finish(ids[0]))
}

const WRONG_MATCHES: [&str; 6] = [
    "fold-false-to-not-header",
    "fold-true-ignores-index",
    "constant-truncated-to-32-bits",
    "negative-zero",
    "flowlabel-byte-order",
    "ip-at-flow-socket",
];

/// The first four families of wrong matches change the object or its execution, and are found. The other two are in the
/// fields' values: the original reads a flow label or an IP version that is not there, from any object.
#[test]
fn what_the_original_compiled() {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut random = Random::new(3);
    let start = Instant::now();
    for line in vectors("compile.jsonl") {
        let (filter, Some(object)) = (text(&line, "filter"), line["object"].as_str()) else { continue };
        let Some(layer) =
            line["layer"].as_u64().filter(|layer| *layer < 5).map(|layer| common::layer(&layer.into()))
        else {
            continue;
        };
        let families = text(&line, "deviates");
        if filter.starts_with('@') || line["documented"]["ok"] == false {
            continue;
        }
        let Some(theirs) = Object::parse(object).ok().and_then(|object| executed(&object, layer)) else {
            assert_eq!(families, "object-256-tests", "{filter}");
            continue;
        };
        let ours = graph(filter, layer, Dialect::Windivert).unwrap_or_else(|| panic!("{filter}"));
        let is_wrong = families.split('+').any(|family| WRONG_MATCHES.contains(&family));
        let name = if is_wrong { families } else { "none" };
        let count = counts.entry(name.to_owned()).or_default();
        let outcome = match equivalent(&theirs, &ours, &Budget::default()) {
            Answer::Yes(()) => 0,
            Answer::No(witness) => {
                let verdicts = witness.with(|input| (eval(&theirs, input), eval(&ours, input)));
                assert!(verdicts.is_some_and(|(theirs, ours)| theirs != ours));
                1
            }
            Answer::Unknown(reason) => {
                assert_eq!(reason, Reason::Hash, "{filter}");
                2
            }
        };
        count[outcome] += 1;
        if is_wrong && outcome == 0 {
            // Another spelling, but no packet shows it: `packet[0] == -0`, where no packet begins with 0.
            for case in (0..300).map(|_| random.case(layer)) {
                let same = case.with(|input| eval(&theirs, input) == eval(&ours, input));
                assert_ne!(same, Some(false), "{filter}: {case:?}");
            }
            println!("proved to change nothing: {filter}");
        }
        assert!(is_wrong || outcome == 0, "{families:?} at {layer:?}: {filter} {object}");
    }
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for (families, [same, different, unknown]) in &counts {
        println!("{families}: {same} the same, {different} different, {unknown} unknown");
        for family in families.split('+') {
            *found.entry(family).or_default() += different;
        }
    }
    println!("{:?}", start.elapsed());
    assert!(
        counts.is_empty()
            || WRONG_MATCHES[..4].iter().all(|family| found.get(family).is_some_and(|found| *found >= 20))
    );
}

/// What proofs did cost.
#[derive(Default)]
struct Table(Vec<(Duration, usize, String)>);

impl Table {
    fn print(mut self, what: &str) {
        self.0.sort();
        let total: Duration = self.0.iter().map(|row| row.0).sum();
        let Some(last) = self.0.last() else { return };
        let nodes = self.0.iter().map(|row| row.1).max().unwrap_or(0);
        println!(
            "{what}: {} proofs in {total:?}, median {:?}, longest {:?}, most nodes {nodes}",
            self.0.len(),
            self.0[self.0.len() / 2].0,
            last.0
        );
        for (time, nodes, filter) in self.0.iter().rev().take(5) {
            println!("    {time:?}, {nodes} nodes: {}", filter.chars().take(110).collect::<String>());
        }
    }
}

fn proved(source: &Graph, name: &str, table: &mut Table) {
    let best = optimise(source, 2);
    let bytes = emit(&best, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
    let object = encode(&best, Shape::Fewest).ok().map(|encoded| encoded.object.to_string());
    let start = Instant::now();
    let proof = prove(source, Some(&bytes), object.as_deref(), &Budget::default()).unwrap();
    table.0.push((start.elapsed(), proof.cost.nodes, name.to_owned()));
    assert_eq!(proof.bytecode, Some(Answer::Yes(())), "{name}");
    assert_eq!(proof.object, object.map(|_| Answer::Yes(())), "{name}");
}

fn real() -> Vec<(String, Layer)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/real/filters.jsonl");
    let Ok(lines) = std::fs::read_to_string(path) else { return Vec::new() };
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .flat_map(|line| {
            let filter = text(&line, "filter").to_owned();
            let layers: Vec<Layer> = line["layers"].as_array().unwrap().iter().map(layer).collect();
            layers.into_iter().map(move |layer| (filter.clone(), layer))
        })
        .collect()
}

#[test]
fn outputs_of_real_filters_are_proved() {
    let mut table = Table::default();
    for (filter, layer) in real() {
        proved(&graph(&filter, layer, Dialect::Extended).unwrap(), &filter, &mut table);
    }
    table.print("real filters");
}

#[test]
fn outputs_of_the_vectors_filters_are_proved() {
    let mut table = Table::default();
    for line in vectors("compile.jsonl").iter().step_by(3) {
        let filter = text(line, "filter");
        let layer =
            line["layer"].as_u64().filter(|layer| *layer < 5).map(|layer| common::layer(&layer.into()));
        if let Some(source) = layer.and_then(|layer| graph(filter, layer, Dialect::Windivert)) {
            proved(&source, filter, &mut table);
        }
    }
    table.print("filters of the vectors");
}

fn one_test(field: Field, set: IntervalSet) -> Graph {
    let mut builder = Builder::plain(Layer::Network);
    let entry = builder.test(Load::field(field), set, NodeId::ACCEPT, NodeId::REJECT);
    builder.finish(entry)
}

/// Subnets of /20 to /28, as they come.
fn subnets(random: &mut Random, count: usize) -> Vec<Interval> {
    let subnet = |random: &mut Random| {
        let bits = 4 + random.below(9);
        let low = random.below(1 << 32) >> bits << bits;
        Interval { low: low.into(), high: u128::from(low | ((1 << bits) - 1)) }
    };
    (0..count).map(|_| subnet(random)).collect()
}

#[test]
fn large_filters() {
    let mut random = Random::new(5);
    let mut table = Table::default();
    for (name, size) in [("200 addresses", 200), ("10,000 subnets", 10_000), ("100,000 subnets", 100_000)] {
        let subnets = subnets(&mut random, size);
        let whole: IntervalSet = subnets.iter().copied().collect();
        let source = one_test(Field::IpDstAddr, whole.clone());
        proved(&source, name, &mut table);
        let last = whole.intervals()[whole.intervals().len() / 2];
        let without = one_test(Field::IpDstAddr, whole.subtract(&IntervalSet::interval(last)));
        let start = Instant::now();
        let (answer, cost) = equivalent_at_cost(&source, &without, &Budget::default());
        table.0.push((start.elapsed(), cost.nodes, format!("{name}, one missing")));
        assert!(matches!(answer, Answer::No(_)));
        let both = one_test(Field::RemoteAddr, IntervalSet::range(0, u128::MAX));
        assert!(matches!(overlap(&source, &both, &Budget::default()), Exists::Yes(_)));
    }
    let chains: [(&str, String); 6] = [
        (
            "200 ports, or",
            (0..200).map(|port| format!("tcp.DstPort == {}", 7 * port)).collect::<Vec<_>>().join(" or "),
        ),
        (
            "250 ports, and not",
            (0..250).map(|port| format!("udp.DstPort != {}", 7 * port)).collect::<Vec<_>>().join(" and "),
        ),
        (
            "100 pairs",
            (0..100)
                .map(|n| format!("(ip.DstAddr == 10.{n}.7.{n} and tcp.DstPort == {})", 100 + n * 31))
                .collect::<Vec<_>>()
                .join(" or "),
        ),
        (
            "60 triples by direction",
            (0..60)
                .map(|n| {
                    format!(
                        "(remoteAddr == 10.{n}.7.{n} and remotePort == {} and ip.TTL > {n})",
                        100 + n * 31
                    )
                })
                .collect::<Vec<_>>()
                .join(" or "),
        ),
        (
            "a byte string of 200 bytes",
            (0..200).map(|n| format!("tcp.Payload[{n}] == {}", n % 256)).collect::<Vec<_>>().join(" and "),
        ),
        (
            "40 different fields",
            (0..20)
                .map(|n| format!("packet[{}] == {n} or udp.Payload[{n}] == {n}", 30 + n))
                .collect::<Vec<_>>()
                .join(" or "),
        ),
    ];
    for (name, filter) in chains {
        proved(&graph(&filter, Layer::Network, Dialect::Extended).unwrap(), name, &mut table);
    }
    table.print("large filters");
}

/// A way to break one test of a graph.
type Break = fn(&Node, Layer) -> Node;

const BREAKS: [(&str, Break); 6] = [
    ("edges swapped", |node, _| Node { yes: node.no, no: node.yes, ..node.clone() }),
    ("test dropped", |node, _| Node { no: node.yes, ..node.clone() }),
    ("interval too short", |node, _| {
        let mut intervals = node.set.intervals().to_vec();
        let last = intervals.pop().unwrap();
        intervals.extend(last.high.checked_sub(1).and_then(|high| Interval::new(last.low, high)));
        Node { set: intervals.into_iter().collect(), ..node.clone() }
    }),
    ("interval too long", |node, _| {
        let longer = node.set.bounds().map(|bounds| bounds.high.saturating_add(1)).unwrap();
        Node { set: node.set.union(&IntervalSet::range(longer, longer)), ..node.clone() }
    }),
    ("presence ignored", |node, layer| {
        let set = node.set.complement(node.load.keys(layer));
        Node { set, yes: node.no, no: node.yes, load: node.load }
    }),
    ("mask lost", |node, _| Node { load: Load { mask: Load::NO_MASK, ..node.load }, ..node.clone() }),
];

/// The graph with the test at `at` broken.
fn broken(graph: &Graph, at: usize, by: Break) -> Graph {
    let mut builder = Builder::plain(graph.layer());
    let mut ids = Vec::new();
    for (index, node) in graph.nodes().iter().enumerate() {
        let Node { load, set, yes, no } = if index == at { by(node, graph.layer()) } else { node.clone() };
        let id = |id: NodeId| id.index().map_or(id, |index| ids[index]);
        let (yes, no) = (id(yes), id(no));
        ids.push(builder.test(load, set, yes, no));
    }
    let entry = graph.entry();
    builder.finish(entry.index().map_or(entry, |index| ids[index]))
}

#[test]
fn broken_transformations_are_caught() {
    let mut sources: Vec<Graph> = [
        "tcp.DstPort == 443 and ip.DstAddr in 10.0.0.0/8 and not (loopback)",
        "(outbound? udp.DstPort in {53, 5353}: tcp.PayloadLength > 100) or ip.TOS & 0xfc == 0x20",
        "not (tcp.Payload[0] == 0x47) and ip.TTL <= 4 or ipv6.FlowLabel & 0xff00 != 0x1200",
        "packet[9] & 0xf0 == 0x10 and packet16[-4b] & 0xff < 7",
    ]
    .iter()
    .map(|filter| graph(filter, Layer::Network, Dialect::Extended).unwrap())
    .collect();
    sources.extend(
        real().iter().step_by(25).filter_map(|(filter, layer)| graph(filter, *layer, Dialect::Extended)),
    );
    let mut random = Random::new(11);
    for (name, by) in BREAKS {
        let (mut caught, mut harmless) = (0, 0);
        for source in &sources {
            let best = optimise(source, 2);
            for at in 0..best.nodes().len() {
                let result = broken(&best, at, by);
                let cases: Vec<_> = (0..50).map(|_| random.case(source.layer())).collect();
                match equivalent(source, &result, &Budget::default()) {
                    Always::No(witness) => {
                        caught += 1;
                        assert!(
                            witness.with(|input| eval(source, input) != eval(&result, input)) == Some(true)
                        );
                    }
                    Always::Yes(()) => {
                        harmless += 1;
                        for case in cases {
                            let same = case.with(|input| eval(source, input) == eval(&result, input));
                            assert_ne!(same, Some(false), "{name}: {case:?}");
                        }
                    }
                    Always::Unknown(reason) => panic!("{name}: {reason}"),
                }
            }
        }
        println!("{name}: {caught} caught, {harmless} change nothing");
        assert!(caught > 0, "{name}");
    }
}
