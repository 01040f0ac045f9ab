//! One case, every engine: what the original answered (or should have, by its documentation) against the typed tree,
//! the graph at each level, the bytecode, and the WinDivert object that we write.

use divert_compiler::back::{bytecode, windivert};
use divert_compiler::front::text::{self, Options, analyse};
use divert_compiler::front::windivert::decode;
use divert_compiler::graph::{Builder, Graph, eval::eval};
use divert_compiler::opt::optimise;
use divert_compiler::{Dialect, front};
use divert_tests::vectors::{Case, conformance, expected, layer, shared};
use divert_vm::limits::USER_WORK;
use divert_vm::{Layer, Program};
use serde_json::Value;

/// A filter in every form that can be run.
struct Engines {
    typed: Option<text::Typed>,
    graphs: Vec<(String, Graph)>,
    programs: Vec<(String, Vec<u8>)>,
}

impl Engines {
    /// `None` when the filter is refused.
    fn new(filter: &str, layer: Layer) -> Option<Self> {
        let mut engines = Self { typed: None, graphs: Vec::new(), programs: Vec::new() };
        let plain = if filter.starts_with('@') {
            decode(filter, layer).ok()?
        } else {
            let options = Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() };
            let typed = analyse(filter, &options).typed?;
            let mut builder = Builder::simplifying(layer);
            let entry = text::lower(&typed, &mut builder).unwrap();
            engines.graphs.push(("simplified".into(), builder.finish(entry)));
            let mut builder = Builder::plain(layer);
            let entry = text::lower(&typed, &mut builder).unwrap();
            engines.typed = Some(typed);
            builder.finish(entry)
        };
        for level in 1..=2 {
            engines.graphs.push((format!("-O{level}"), optimise(&plain, level)));
        }
        engines.graphs.push(("-O0".into(), plain));
        for (name, graph) in engines.graphs.clone() {
            let bytes = bytecode::emit(&graph, b"").unwrap();
            let verified = Program::decode(&bytes).unwrap().verify(USER_WORK).unwrap();
            engines.graphs.push((format!("lifted {name}"), front::bytecode::lift(&verified)));
            if let Ok(encoded) = windivert::encode(&graph, windivert::Shape::Fewest) {
                let object = decode(&encoded.object.to_string(), layer).expect("our objects are read");
                engines.graphs.push((format!("object of {name}"), object));
            }
            engines.programs.push((name, bytes));
        }
        Some(engines)
    }

    /// Every engine's verdict on the case; `None` when it is no input.
    fn verdicts(&self, case: &Case) -> Option<Vec<(String, bool)>> {
        case.with(|input| {
            let tree = self.typed.iter().map(|typed| ("tree".to_owned(), text::eval::eval(typed, input)));
            let graphs = self.graphs.iter().map(|(name, graph)| (name.clone(), eval(graph, input)));
            let programs = self.programs.iter().map(|(name, bytes)| {
                let verified = Program::decode(bytes).unwrap().verify(USER_WORK).unwrap();
                let (verdict, steps) = verified.matches_counting(input);
                assert_eq!(verdict, verified.matches(input), "counting changes nothing");
                assert!(steps <= verified.work(), "{steps} steps, {} promised", verified.work());
                (format!("VM {name}"), verdict)
            });
            tree.chain(graphs).chain(programs).collect()
        })
    }
}

fn verdicts(file: &str, least: usize) {
    let (mut run, mut wrong) = (0, Vec::new());
    for line in conformance(file) {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        // Code 87: the call itself fails, because of the filter or because packet and address do not agree.
        let wanted = (answer["code"] == 0).then(|| answer["match"].as_bool().unwrap());
        let engines = layer(&line["addr"]["layer"]).and_then(|layer| Engines::new(filter, layer));
        let found = Case::of(&line).zip(engines).and_then(|(case, engines)| engines.verdicts(&case));
        run += 1;
        let agrees = match (&found, wanted) {
            (Some(found), Some(wanted)) => found.iter().all(|(_, verdict)| *verdict == wanted),
            (None, None) => true,
            // Its limit of 256 tests is no limit of the language.
            (Some(found), None) => {
                filter.matches("ip and").count() > 250 && found.iter().all(|(_, verdict)| *verdict)
            }
            (None, Some(_)) => false,
        };
        if !agrees {
            let odd: Vec<_> =
                found.iter().flatten().filter(|(_, verdict)| Some(*verdict) != wanted).collect();
            wrong.push(format!("{filter:.300} on {}: wanted {wanted:?}, not {odd:?}", line["addr"]));
        }
    }
    assert!(run >= least, "only {run} lines");
    report(&wrong, run);
}

fn report(wrong: &[String], run: usize) {
    let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {run} disagree:\n{shown}", wrong.len());
}

#[test]
fn verdicts_are_the_documented_ones() {
    verdicts("eval.jsonl", 5928);
}

#[test]
fn verdicts_with_random_fields_and_timestamps_are_the_documented_ones() {
    verdicts("eval_random.jsonl", 559);
}

#[test]
fn our_objects_are_not_longer_than_the_originals() {
    let (mut theirs, mut ours, mut longer) = (0, 0, Vec::new());
    let vectors: Vec<Value> = conformance("compile.jsonl");
    for line in &vectors {
        // Where the original is wrong, being as short as it is no merit.
        let object = line["object"].as_str().filter(|_| line.get("deviates").is_none());
        let (Some(object), Some(layer)) = (object, layer(&line["layer"])) else { continue };
        let (filter, Some(count)) = (line["filter"].as_str().unwrap(), object_tests(object)) else {
            continue;
        };
        let Some(engines) = Engines::new(filter, layer) else { continue };
        let (_, optimised) = engines.graphs.iter().find(|(name, _)| name == "-O2").unwrap();
        let Ok(encoded) = windivert::encode(optimised, windivert::Shape::Fewest) else { continue };
        (theirs, ours) = (theirs + count, ours + encoded.tests);
        if encoded.tests > count {
            longer.push(format!("{filter:.200}: {} tests, not {count}", encoded.tests));
        }
    }
    report(&longer, vectors.len());
    assert!(ours < theirs, "{ours} tests in all, the original's have {theirs}");
}

/// Number of tests of an object; `None` when it is none.
fn object_tests(object: &str) -> Option<usize> {
    object.strip_prefix("@WinDiv_").map(|rest| rest.split('_').count() - 1).filter(|count| *count > 0)
}

#[test]
fn filters_of_real_programs_compile_at_their_layers() {
    let Some(filters) = shared("real/filters.jsonl") else { return };
    let mut wrong = Vec::new();
    for line in &filters {
        let filter = line["filter"].as_str().unwrap();
        let accepted: Vec<_> = line["layers"].as_array().unwrap().iter().filter_map(layer).collect();
        for layer in Layer::ALL {
            if accepted.contains(&layer) != Engines::new(filter, layer).is_some() {
                wrong.push(format!(
                    "{filter:.300} at {}: the original accepts it at {accepted:?}",
                    layer.name()
                ));
            }
        }
    }
    report(&wrong, filters.len());
}
