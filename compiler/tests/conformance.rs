//! The text front end against the answers of the original, or the documented ones where the original is wrong.
#![allow(missing_docs)]

mod vectors;

use divert_compiler::Dialect;
use divert_compiler::front::text::{Options, Typed, analyse, eval, lower};
use divert_compiler::graph::{Builder, Graph, check, eval as graph};
use divert_grammar::token::tokens;
use divert_vm::Input;
use divert_vm::layer::Layer;
use serde_json::Value;
use vectors::{bytes, input, layer, lines};

fn windivert(layer: Layer) -> Options<'static> {
    Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() }
}

/// Limits of the original that are no limits here.
fn liberal(filter: &str, error: &str) -> bool {
    let long_word = filter.split(|c: char| !(c.is_ascii_alphanumeric() || ".:_".contains(c)));
    error.contains("too long")
        || error.contains("too deep")
        || (error.contains("parse error") && filter.matches('(').count() > 340)
        || (error.contains("bad token") && long_word.map(str::len).max() >= Some(40))
}

fn graphs(typed: &Typed) -> [Graph; 2] {
    [Builder::plain(typed.layer), Builder::simplifying(typed.layer)].map(|mut builder| {
        let entry = lower(typed, &mut builder).unwrap();
        let graph = builder.finish(entry);
        assert_eq!(check::check(&graph), Ok(()));
        graph
    })
}

#[test]
fn the_same_filters_are_accepted_and_errors_are_in_the_same_place() {
    let mut wrong = Vec::new();
    for line in lines("conformance/compile.jsonl") {
        let filter = line["filter"].as_str().unwrap();
        let Some(layer) = layer(&line["layer"]) else { continue };
        if filter.starts_with('@') {
            continue;
        }
        let answer = if line["documented"].is_object() { &line["documented"] } else { &line };
        let ok = answer["ok"].as_bool().unwrap();
        let analysis = analyse(filter, &windivert(layer));
        let typed = match &analysis.typed {
            Some(typed) => typed,
            None => {
                let first = &analysis.diagnostics[0];
                let span = first.primary.span;
                let place = answer["pos"].as_u64().map_or(0, |pos| pos as u32);
                if ok {
                    wrong.push(format!("refused: {filter:?} at {}: {first:?}", layer.name()));
                } else if !matches_token(filter, span, place)
                    && !line["unstable"].is_boolean()
                    && !liberal(filter, answer["error"].as_str().unwrap())
                {
                    wrong.push(format!(
                        "{filter:?} at {}: {span:?} is not at {place}: {}",
                        layer.name(),
                        first.message
                    ));
                }
                continue;
            }
        };
        if !ok && !liberal(filter, answer["error"].as_str().unwrap()) {
            wrong.push(format!("accepted: {filter:?} at {}: {answer}", layer.name()));
        }
        let _ = graphs(typed);
    }
    report(&wrong);
}

/// Whether `span` lies within the token at `place`, or at the end of the text when that is the place.
fn matches_token(filter: &str, span: divert_grammar::span::Span, place: u32) -> bool {
    if place as usize >= filter.len() {
        return span.start() as usize == filter.len();
    }
    let bytes = filter.as_bytes();
    let in_word =
        |at: &u32| bytes.get(*at as usize).is_some_and(|b| b.is_ascii_alphanumeric() || b".:_".contains(b));
    if in_word(&place) {
        // The original's words may hold `..`.
        let end = (place..).take_while(in_word).last().map_or(place, |last| last + 1);
        return place <= span.start() && span.end() <= end;
    }
    let token =
        tokens(filter).map(|(_, token)| token).find(|token| token.start() <= place && place < token.end());
    token.map_or(span.start() == place, |token| token.start() <= span.start() && span.end() <= token.end())
}

fn report(wrong: &[String]) {
    for line in wrong.iter().take(60) {
        eprintln!("{line:.600}");
    }
    assert!(wrong.is_empty(), "{} lines disagree", wrong.len());
}

fn verdicts(file: &str) {
    let mut wrong = Vec::new();
    for line in lines(file) {
        let filter = line["filter"].as_str().unwrap();
        if filter.starts_with('@') {
            continue;
        }
        let answer: &Value = if line["documented"].is_object() { &line["documented"] } else { &line };
        let expected = (answer["code"] == 0).then(|| answer["match"].as_bool().unwrap());
        let packet = line["packet"].as_str().map(bytes);
        let analysis = layer(&line["addr"]["layer"]).map(|layer| analyse(filter, &windivert(layer)));
        let typed = analysis.as_ref().and_then(|analysis| analysis.typed.as_ref());
        let judged = |input: &Input<'_>| {
            let typed = typed?;
            let [plain, simple] = graphs(typed);
            Some([eval::eval(typed, input), graph::eval(&plain, input), graph::eval(&simple, input)])
        };
        let found = input(packet.as_deref(), &line["addr"], judged).flatten();
        // More tests than the original takes, which is no limit here.
        let long = expected.is_none() && filter.matches(" and ").count() >= 256;
        if found != expected.map(|expected| [expected; 3]) && !long {
            let why = analysis.as_ref().map(|analysis| &analysis.diagnostics);
            wrong.push(format!("{filter:?} on {}: {found:?} {answer} {why:?}", line["addr"]));
        }
    }
    report(&wrong);
}

#[test]
fn the_same_packets_and_events_match() {
    verdicts("conformance/eval.jsonl");
}

#[test]
fn random_fields_and_timestamps_match() {
    verdicts("conformance/eval_random.jsonl");
}

#[test]
fn filters_of_real_programs_compile() {
    let mut wrong = Vec::new();
    for line in lines("real/filters.jsonl") {
        let filter = line["filter"].as_str().unwrap();
        for layer in line["layers"].as_array().unwrap().iter().filter_map(layer) {
            for dialect in Dialect::ALL {
                let analysis =
                    analyse(filter, &Options { layer: Some(layer), dialect, ..Options::default() });
                match &analysis.typed {
                    Some(typed) => {
                        let _ = graphs(typed);
                    }
                    None => wrong.push(format!("{filter:?}: {:?}", analysis.diagnostics)),
                }
            }
        }
    }
    report(&wrong);
}
