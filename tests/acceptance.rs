//! What the language accepts, and where its errors are: every line of `compile.jsonl` in the windivert dialect.

use divert_compiler::Dialect;
use divert_compiler::front::text::{Options, analyse};
use divert_compiler::front::windivert::Object;
use divert_grammar::span::Span;
use divert_grammar::token::tokens;
use divert_tests::vectors::{conformance, expected, layer};

/// Limits of the original that are no limits here: length, depth, and words of 40 characters.
pub(crate) fn is_artefact(filter: &str, error: &str) -> bool {
    let mut words = filter.split(|c: char| !(c.is_ascii_alphanumeric() || ".:_".contains(c)));
    error.contains("too long")
        || error.contains("too deep")
        || (error.contains("parse error") && filter.matches('(').count() > 340)
        || (error.contains("bad token") && words.any(|word| word.len() >= 40))
}

/// Whether `span` lies within the token at `place`, or at the end of the text when that is the place.
pub(crate) fn is_at(filter: &str, span: Span, place: u32) -> bool {
    if place as usize >= filter.len() {
        return span.start() as usize == filter.len();
    }
    let is_word = |at: &u32| {
        filter
            .as_bytes()
            .get(*at as usize)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b".:_".contains(byte))
    };
    let token = if is_word(&place) {
        // The original's words may hold `..`.
        Span::new(place, place + (place..).take_while(is_word).count() as u32)
    } else {
        let found = tokens(filter)
            .map(|(_, token)| token)
            .find(|token| (token.start()..token.end()).contains(&place));
        let character = filter[place as usize..].chars().next().map_or(1, char::len_utf8);
        found.unwrap_or(Span::new(place, place + character as u32))
    };
    token.start() <= span.start() && span.end() <= token.end()
}

#[test]
fn texts_are_accepted_as_documented_and_errors_are_where_the_mistake_is() {
    let (mut run, mut wrong) = (0, Vec::new());
    for line in conformance("compile.jsonl") {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        // The original takes `true` at layers that do not exist; here there are none.
        let Some(layer) = layer(&line["layer"]) else { continue };
        if filter.starts_with('@') {
            continue;
        }
        run += 1;
        let options = Options { layer: Some(layer), dialect: Dialect::Windivert, ..Options::default() };
        let analysis = analyse(filter, &options);
        let error = answer["error"].as_str().unwrap_or("");
        let agrees = match (&analysis.typed, answer["ok"] == true) {
            (Some(_), true) => true,
            (Some(_), false) => is_artefact(filter, error),
            (None, true) => false,
            (None, false) => {
                let place = answer["pos"].as_u64().map(|place| u32::try_from(place).unwrap());
                line["unstable"].is_boolean()
                    || is_artefact(filter, error)
                    || place.is_none_or(|place| is_at(filter, analysis.diagnostics[0].primary.span, place))
            }
        };
        if !agrees {
            wrong.push(format!(
                "{filter:.200} at {}: {answer}, ours {:?}",
                layer.name(),
                analysis.diagnostics.first()
            ));
        }
    }
    assert!(run > 5000, "only {run} lines");
    let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {run} disagree:\n{shown}", wrong.len());
}

#[test]
fn objects_are_accepted_and_written_as_by_the_original() {
    let mut run = 0;
    for line in conformance("compile.jsonl") {
        let (filter, answer) = (line["filter"].as_str().unwrap(), expected(&line));
        if !filter.starts_with('@') {
            continue;
        }
        run += 1;
        let ours = Object::parse(filter).ok().map(|object| object.to_string());
        assert_eq!(ours.as_deref(), answer["object"].as_str(), "{filter}");
    }
    assert_eq!(run, 161);
}
