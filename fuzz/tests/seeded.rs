//! The oracles notice what they are for: wrong optimisers, verifiers and formatters are each caught soon.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use divert_compiler::graph::{Builder, Graph, Node, NodeId};
use divert_compiler::opt::optimise;
use divert_compiler::set::IntervalSet;
use divert_fuzz::oracle::agree::{Optimiser, any_graph_with};
use divert_fuzz::oracle::roundtrip::{Formatter, any_tree_with};
use divert_fuzz::oracle::verifier::{Verifier, accepted, any_damage_with};
use divert_fuzz::{Outcome, Source};
use divert_grammar::ast::File;
use divert_grammar::format;
use divert_vm::{Instruction, Program};

/// How many inputs it takes; a fuzzer does more in a few seconds.
const SOON: u64 = 3_000;

/// The first input that shows the defect.
fn caught(name: &str, run: impl Fn(&[u8]) -> Outcome) -> u64 {
    (0..SOON)
        .find(|seed| run(&Source::seeded(*seed).bytes(160)).is_err())
        .unwrap_or_else(|| panic!("nobody notices: {name}"))
}

/// The graph with each test changed.
fn rewritten(graph: &Graph, change: impl Fn(&Node) -> (IntervalSet, bool)) -> Graph {
    let mut builder = Builder::plain(graph.layer());
    let mut ids: Vec<NodeId> = Vec::new();
    let at = |id: NodeId, ids: &[NodeId]| id.index().map_or(id, |index| ids[index]);
    for node in graph.nodes() {
        let (set, swapped) = change(node);
        let (yes, no) = (at(node.yes, &ids), at(node.no, &ids));
        let (yes, no) = if swapped { (no, yes) } else { (yes, no) };
        ids.push(builder.test(node.load, set, yes, no));
    }
    builder.finish(at(graph.entry(), &ids))
}

/// Forgets that an absent field fails a test and its complement.
fn forgets_presence(graph: &Graph, level: u8) -> Graph {
    let layer = graph.layer();
    rewritten(&optimise(graph, level), |node| {
        let complement = node.set.complement(node.load.keys(layer));
        if complement.is_empty() { (node.set.clone(), false) } else { (complement, true) }
    })
}

/// Loses the last key of a set.
fn loses_a_key(graph: &Graph, level: u8) -> Graph {
    rewritten(&optimise(graph, level), |node| {
        let last = node.set.bounds().unwrap().high;
        (node.set.subtract(&IntervalSet::range(last, last)), false)
    })
}

/// Takes a test for certain when its set has one interval that begins at the least key.
fn drops_a_test(graph: &Graph, level: u8) -> Graph {
    let layer = graph.layer();
    rewritten(&optimise(graph, level), |node| {
        let keys = node.load.keys(layer);
        let certain = node.set.as_interval().is_some_and(|interval| interval.low == keys.low);
        (if certain { IntervalSet::interval(keys) } else { node.set.clone() }, false)
    })
}

#[test]
fn wrong_optimisers_are_caught() {
    let wrong: [(&str, Optimiser); 3] = [
        ("forgets presence", forgets_presence),
        ("loses a key", loses_a_key),
        ("drops a test", drops_a_test),
    ];
    for (name, optimiser) in wrong {
        caught(name, |bytes| any_graph_with(bytes, optimiser));
    }
}

/// The verifier but for what `forgives` sees in an instruction.
fn any_instruction(program: &Program<'_>, sees: impl Fn(&Instruction) -> bool) -> bool {
    (0..program.len()).filter_map(|number| program.instruction(number)).any(|instruction| sees(&instruction))
}

#[test]
fn wrong_verifiers_are_caught() {
    let wrong: [(&str, Verifier); 5] = [
        ("accepts everything", |_, _| true),
        ("knows no limit", |program, _| accepted(program, u32::MAX)),
        ("stops one step early", |program, limit| accepted(program, limit - 1)),
        ("refuses sets", |program, limit| {
            accepted(program, limit) && !any_instruction(program, |instruction| instruction.op.is_set())
        }),
        ("does not look at operands", |program, limit| match program.verify(limit) {
            Ok(_) => true,
            Err(error) => error.rule.number() == 10,
        }),
    ];
    for (name, verifier) in wrong {
        caught(name, |bytes| any_damage_with(bytes, verifier));
    }
}

#[test]
fn wrong_formatters_are_caught() {
    let wrong: [(&str, Formatter); 5] = [
        ("loses parentheses", |file| format(file).replace("not (", "not ").replace(')', " ")),
        ("loses comments", |file| format(&File { comments: Vec::new(), ..file.clone() })),
        ("is not idempotent", |file| {
            let places = file.items.iter().filter(|item| !item.span.is_empty()).count();
            "\n".repeat(places) + &format(file)
        }),
        ("turns a comparison", |file| format(file).replace(" <= ", " < ")),
        ("forgets statements", |file| format(&File { items: Vec::new(), ..file.clone() })),
    ];
    for (name, formatter) in wrong {
        caught(name, |bytes| any_tree_with(bytes, formatter));
    }
}
