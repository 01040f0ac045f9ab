//! How many tests our objects need, and how many the original's: the table in `savings.txt`. `BLESS=1` rewrites it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use divert_compiler::Dialect;
use divert_compiler::back::windivert::{Shape, encode};
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::opt::optimise;
use divert_tests::vectors::{conformance, layer, root, shared};
use divert_vm::Layer;

/// Filters, tests of the original, our tests plain and optimised.
#[derive(Default)]
struct Row([usize; 4]);

fn plain(filter: &str, layer: Layer) -> Option<Graph> {
    let options = Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() };
    let typed = analyse(filter, &options).typed?;
    let mut builder = Builder::simplifying(layer);
    let entry = lower(&typed, &mut builder).ok()?;
    Some(builder.finish(entry))
}

fn tests(graph: &Graph) -> Option<usize> {
    encode(graph, Shape::Fewest).ok().map(|encoded| encoded.tests)
}

#[test]
fn optimised_objects_are_shorter() {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for line in conformance("compile.jsonl") {
        let (Some(object), Some(filter)) = (line["object"].as_str(), line["filter"].as_str()) else {
            continue;
        };
        let (Some(layer), None) = (layer(&line["layer"]), line.get("deviates")) else { continue };
        let original = object.split('_').count() - 2;
        let Some(graph) = plain(filter, layer).filter(|_| original > 0) else { continue };
        let (Some(ours), Some(optimised)) = (tests(&graph), tests(&optimise(&graph, 2))) else { continue };
        let size = match original {
            1 => "1 test",
            2..=7 => "2 to 7 tests",
            8..=31 => "8 to 31 tests",
            _ => "more tests",
        };
        let Row(row) = rows.entry(size).or_default();
        for (sum, more) in row.iter_mut().zip([1, original, ours, optimised]) {
            *sum += more;
        }
        assert!(optimised <= original, "{filter}: {optimised} tests, the original has {original}");
    }
    let mut table = String::from("original has    filters  original  ours  optimised\n");
    for (size, Row([filters, original, ours, optimised])) in &rows {
        let _ = writeln!(table, "{size:15}{filters:8}{original:10}{ours:6}{optimised:11}");
    }
    let path = root().join("tests/savings.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), table);
}

#[test]
fn optimising_filters_of_real_programs_never_costs_tests() {
    let Some(filters) = shared("real/filters.jsonl") else { return };
    let (mut before, mut after) = (0, 0);
    for line in &filters {
        for layer in line["layers"].as_array().unwrap().iter().filter_map(layer) {
            let Some(graph) = plain(line["filter"].as_str().unwrap(), layer) else { continue };
            let (Some(ours), Some(optimised)) = (tests(&graph), tests(&optimise(&graph, 2))) else {
                continue;
            };
            assert!(optimised <= ours, "{}: {optimised} tests, not {ours}", line["filter"]);
            (before, after) = (before + ours, after + optimised);
        }
    }
    assert!(after < before, "{after} tests of {before}");
}
