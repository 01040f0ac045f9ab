//! The extended language: every extension in every engine, against verdicts that were worked out by hand and against the
//! same filter in the plain language; and sets of the size of a routing table.
//!
//! `tests/extended/inputs.jsonl` holds packets and events, the other files a case a line: a filter, its layer, the names
//! of the inputs of that layer that match (all others do not), the plain form where there is one, and set files.

use std::collections::HashMap;
use std::fmt::Write as _;

use divert_compiler::back::{bytecode, text as extended_text, windivert, windivert_text};
use divert_compiler::front::text::eval::eval as eval_tree;
use divert_compiler::front::text::{Loader, Options, Typed, analyse, lower};
use divert_compiler::front::windivert::decode;
use divert_compiler::graph::{Builder, Graph, eval::eval};
use divert_compiler::opt::optimise;
use divert_compiler::{Dialect, front};
use divert_tests::vectors::{Case, conformance, layer, read, root};
use divert_vm::limits::{DRIVER_WORK, USER_WORK};
use divert_vm::{Layer, Program};
use serde_json::Value;

fn lines(name: &str) -> Vec<Value> {
    read(&root().join("tests/extended").join(name)).unwrap()
}

fn inputs() -> Vec<(String, Case)> {
    let named = |line: &Value| (line["name"].as_str().unwrap().to_owned(), Case::of(line).unwrap());
    lines("inputs.jsonl").iter().map(named).collect()
}

fn typed(filter: &str, layer: Layer, dialect: Dialect, loader: &dyn Loader) -> Typed {
    let analysis = analyse(filter, &Options { layer: Some(layer), dialect, loader });
    analysis.typed.unwrap_or_else(|| panic!("{filter}: {:?}", analysis.diagnostics))
}

fn graph(typed: &Typed, level: u8) -> Graph {
    let mut builder = Builder::plain(typed.layer);
    let entry = lower(typed, &mut builder).unwrap();
    optimise(&builder.finish(entry), level)
}

/// Forms of one filter with their names.
type Forms<T> = Vec<(String, T)>;

/// Everything that a filter becomes, as graphs that can be run, and as bytecode.
fn engines(typed: &Typed) -> (Forms<Graph>, Forms<Vec<u8>>) {
    let (mut graphs, mut programs) = (Vec::new(), Vec::new());
    let mut simplifying = Builder::simplifying(typed.layer);
    let entry = lower(typed, &mut simplifying).unwrap();
    graphs.push(("simplified".to_owned(), simplifying.finish(entry)));
    for level in 0..=2 {
        graphs.push((format!("-O{level}"), graph(typed, level)));
    }
    for (name, graph) in graphs.clone() {
        let bytes = bytecode::emit(&graph, b"").unwrap();
        let verified = Program::decode(&bytes).unwrap().verify(USER_WORK).unwrap();
        graphs.push((format!("lifted {name}"), front::bytecode::lift(&verified)));
        programs.push((name.clone(), bytes));
        for shape in [windivert::Shape::Fewest, windivert::Shape::Shallow] {
            if let Ok(encoded) = windivert::encode(&graph, shape) {
                let object = decode(&encoded.object.to_string(), graph.layer()).unwrap();
                graphs.push((format!("{shape:?} object of {name}"), object));
            }
        }
        let again = |text: &str, dialect| {
            let none = |_: &str| Err("none".to_owned());
            self::graph(&self::typed(text, graph.layer(), dialect, &none), 0)
        };
        let text = extended_text::text(&graph);
        graphs.push((format!("extended text of {name}"), again(&text, Dialect::Extended)));
        if let Ok(text) = windivert_text::text(&graph) {
            graphs.push((format!("WinDivert text of {name}"), again(&text, Dialect::Windivert)));
        }
    }
    (graphs, programs)
}

/// Runs the cases of a file; gives how many filters became WinDivert objects.
fn run(name: &str) -> usize {
    let (inputs, mut wrong, mut objects) = (inputs(), Vec::new(), 0);
    let others: Vec<Case> = conformance("eval.jsonl").iter().step_by(7).filter_map(Case::of).collect();
    for line in lines(name) {
        let filter = line["filter"].as_str().unwrap();
        let layer = layer(&line["layer"]).unwrap();
        let files = |path: &str| {
            let content = line["files"][path].as_str().ok_or_else(|| "no such file".to_owned())?;
            Ok(content.as_bytes().to_vec())
        };
        let tree = typed(filter, layer, Dialect::Extended, &files);
        let (graphs, programs) = engines(&tree);
        objects += usize::from(graphs.iter().any(|(name, _)| name.contains("object")));
        let names: Vec<&str> =
            line["match"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert!(names.iter().all(|name| inputs.iter().any(|(known, _)| known == name)), "{filter}");
        let plain = line["plain"].as_str().map(|plain| typed(plain, layer, Dialect::Windivert, &files));
        for (name, case) in inputs.iter().filter(|(_, case)| case.layer() == layer) {
            let wanted = names.contains(&name.as_str());
            let mut check = |engine: &str, verdict: bool| {
                if verdict != wanted {
                    wrong.push(format!("{filter} on {name}: {engine} says {verdict}"));
                }
            };
            case.with(|input| {
                check("tree", eval_tree(&tree, input));
                graphs.iter().for_each(|(name, graph)| check(name, eval(graph, input)));
                plain.iter().for_each(|plain| check("plain form", eval_tree(plain, input)));
                for (name, bytes) in &programs {
                    let verified = Program::decode(bytes).unwrap().verify(USER_WORK).unwrap();
                    check(&format!("VM {name}"), verified.matches(input));
                }
            })
            .unwrap();
        }
        for case in others.iter().filter(|case| case.layer() == layer) {
            let Some(plain) = &plain else { break };
            if case.with(|input| eval_tree(plain, input) == eval_tree(&tree, input)) == Some(false) {
                wrong.push(format!("{filter} differs from its plain form on {case:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    objects
}

#[test]
fn ranges() {
    assert_eq!(run("ranges.jsonl"), lines("ranges.jsonl").len());
}

#[test]
fn subnets() {
    assert_eq!(run("subnets.jsonl"), lines("subnets.jsonl").len());
}

#[test]
fn sets() {
    assert_eq!(run("sets.jsonl"), lines("sets.jsonl").len());
}

#[test]
fn masks() {
    // Scattered bits of wide fields are no short list of ranges.
    assert!(run("masks.jsonl") >= 15);
}

#[test]
fn byte_strings() {
    assert_eq!(run("bytes.jsonl"), lines("bytes.jsonl").len());
}

#[test]
fn negated_groups() {
    assert_eq!(run("negation.jsonl"), lines("negation.jsonl").len());
}

#[test]
fn definitions() {
    assert_eq!(run("definitions.jsonl"), lines("definitions.jsonl").len());
}

#[test]
fn files() {
    assert_eq!(run("files.jsonl"), lines("files.jsonl").len());
}

/// A generator of numbers that needs no crate; the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }
}

/// Subnets as registries publish them: of many sizes, some inside others, some adjacent, some twice.
fn routes(count: usize) -> (String, Vec<(u32, u32)>) {
    let mut random = Random(4);
    let (mut text, mut pairs) = (String::from("# routes\n"), Vec::new());
    for _ in 0..count {
        let length = 16 + random.next() % 13;
        let mask = u32::MAX << (32 - length);
        let base = random.next() & mask;
        let [a, b, c, d] = base.to_be_bytes();
        let _ = writeln!(text, "{a}.{b}.{c}.{d}/{length}");
        pairs.push((base, base | !mask));
    }
    (text, pairs)
}

fn packet_to(address: u32) -> Case {
    let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1];
    bytes.extend(address.to_be_bytes());
    bytes.extend([0, 53, 0, 53, 0, 8, 0, 0]);
    Case::Packet(
        Layer::Network,
        bytes,
        divert_vm::Address { outbound: true, ..divert_vm::Address::default() },
    )
}

#[test]
fn ten_thousand_routes() {
    let (text, pairs) = routes(10_000);
    let files = |_: &str| Ok(text.clone().into_bytes());
    let filter = "outbound and ip.DstAddr in file(\"10k.txt\")";
    let analysis = analyse(filter, &Options { loader: &files, ..Options::default() });
    assert!(analysis.diagnostics.iter().any(|found| found.code == "N0401"), "overlaps are noted");
    let tree = analysis.typed.unwrap();
    let optimised = graph(&tree, 2);
    let bytes = bytecode::emit(&optimised, b"").unwrap();
    let verified = Program::decode(&bytes).unwrap().verify(DRIVER_WORK).expect("a driver loads it");
    assert!(verified.work() <= 20, "work {}", verified.work());

    let mut random = Random(5);
    let mut addresses: Vec<u32> = (0..20_000).map(|_| random.next()).collect();
    for (low, high) in pairs.iter().step_by(10) {
        addresses.extend([*low, *high, low.wrapping_sub(1), high.wrapping_add(1)]);
    }
    let mut matched = 0;
    for address in addresses {
        let wanted = pairs.iter().any(|(low, high)| (*low..=*high).contains(&address));
        matched += usize::from(wanted);
        packet_to(address)
            .with(|input| {
                assert_eq!(verified.matches(input), wanted, "{address:#x}");
                assert_eq!(eval(&optimised, input), wanted, "{address:#x}");
            })
            .unwrap();
    }
    assert!(matched > 2_000);

    let object = windivert::encode(&optimised, windivert::Shape::Fewest).unwrap_err().to_string();
    let tests = object.strip_prefix("needs ").and_then(|rest| rest.split(' ').next()).unwrap();
    let tests: usize = tests.parse().unwrap();
    assert!(tests > 10_000, "{object}");
    let over = tests - 255;
    assert_eq!(object, format!("needs {tests} tests, {over} over the 255 that WinDivert's driver takes"));
    assert!(windivert_text::text(&optimised).is_err());
}

#[test]
fn sixty_routes_fit_into_an_object_and_are_searched() {
    let (text, pairs) = routes(60);
    let files = |_: &str| Ok(text.clone().into_bytes());
    let tree = typed("ip.DstAddr in file(\"60.txt\")", Layer::Network, Dialect::Extended, &files);
    let encoded = windivert::encode(&graph(&tree, 2), windivert::Shape::Shallow).unwrap();
    assert!(encoded.tests <= windivert::DRIVER_TESTS, "{} tests", encoded.tests);
    let object = decode(&encoded.object.to_string(), Layer::Network).unwrap();
    let mut depth = HashMap::new();
    for (index, node) in object.nodes().iter().enumerate() {
        let below = |id: divert_compiler::graph::NodeId| id.index().map_or(0, |index| depth[&index]);
        let deepest: usize = 1 + below(node.yes).max(below(node.no));
        depth.insert(index, deepest);
    }
    let deepest = depth.values().max().unwrap();
    assert!(*deepest <= 16, "{deepest} tests one after the other for {} in all", encoded.tests);
    for (low, high) in &pairs {
        for address in [*low, *high, low.wrapping_sub(1), high.wrapping_add(1)] {
            let wanted = pairs.iter().any(|(low, high)| (*low..=*high).contains(&address));
            packet_to(address)
                .with(|input| assert_eq!(eval(&object, input), wanted, "{address:#x}"))
                .unwrap();
        }
    }
}

#[test]
fn a_set_of_thousands_without_a_file() {
    let ports: Vec<u16> = (0..6_000_u16).map(|number| number * 10 + 7).collect();
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let none = |_: &str| Err("none".to_owned());
    let tree = typed(&format!("udp.DstPort not in {{{list}}}"), Layer::Network, Dialect::Extended, &none);
    let bytes = bytecode::emit(&graph(&tree, 2), b"").unwrap();
    let verified = Program::decode(&bytes).unwrap().verify(DRIVER_WORK).unwrap();
    for port in 0..=u16::MAX {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1];
        bytes.extend(port.to_be_bytes());
        bytes.extend([0, 8, 0, 0]);
        let case = Case::Packet(Layer::Network, bytes, divert_vm::Address::default());
        let wanted = ports.binary_search(&port).is_err();
        case.with(|input| assert_eq!(verified.matches(input), wanted, "{port}")).unwrap();
    }
}
