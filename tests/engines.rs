//! One case, every engine: what the original answered (or should have, by its documentation) against the typed tree,
//! and all its other forms.

use divert_compiler::Dialect;
use divert_compiler::back::windivert;
use divert_compiler::front::text::Options;
use divert_compiler::front::windivert::decode;
use divert_compiler::opt::optimise;
use divert_fuzz::oracle::agree::{Depth, Forms};
use divert_tests::vectors::{Case, conformance, expected, layer, shared};
use divert_vm::Layer;
use serde_json::Value;

/// A filter in every form that can be run; `None` when it is refused.
fn forms(filter: &str, layer: Layer) -> Option<Forms> {
    if filter.starts_with('@') {
        return Some(Forms::of_graph(&decode(filter, layer).ok()?, Depth::All, optimise).unwrap());
    }
    let options = Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() };
    Forms::of_text(filter, &options).unwrap()
}

fn verdicts(file: &str, least: usize) {
    let (mut run, mut wrong) = (0, Vec::new());
    for line in conformance(file) {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        // Code 87: the call itself fails, because of the filter or because packet and address do not agree.
        let wanted = (answer["code"] == 0).then(|| answer["match"].as_bool().unwrap());
        let forms = layer(&line["addr"]["layer"]).and_then(|layer| forms(filter, layer));
        let found = Case::of(&line).zip(forms).map(|(case, forms)| forms.judge(&case).transpose());
        let found = found.flatten().transpose();
        run += 1;
        let agrees = match (&found, wanted) {
            (Ok(Some(found)), Some(wanted)) => *found == wanted,
            (Ok(None), None) => true,
            // Its limit of 256 tests is no limit of the language.
            (Ok(Some(found)), None) => filter.matches("ip and").count() > 250 && *found,
            (Ok(None), Some(_)) | (Err(_), _) => false,
        };
        if !agrees {
            wrong.push(format!("{filter:.300} on {}: wanted {wanted:?}, not {found:?}", line["addr"]));
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
        let Some(forms) = forms(filter, layer) else { continue };
        let (_, optimised) = forms.graphs().iter().find(|(name, _)| name == "-O2").unwrap();
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
            if accepted.contains(&layer) != forms(filter, layer).is_some() {
                wrong.push(format!(
                    "{filter:.300} at {}: the original accepts it at {accepted:?}",
                    layer.name()
                ));
            }
        }
    }
    report(&wrong, filters.len());
}
