//! Findings as one SARIF 2.1.0 document, for code-scanning services and editors.

use std::collections::BTreeMap;
use std::sync::Arc;

use divert_grammar::diagnostic::Severity;
use divert_grammar::span::Span;
use serde_json::{Value, json};

use super::lines::places;
use crate::codes;
use crate::finding::{Finding, Origin, SourceText};

/// The document, on several lines. A filter that is no file is put into the document.
pub(crate) fn sarif(findings: &[Finding]) -> String {
    let mut rules: BTreeMap<&str, usize> =
        findings.iter().map(|finding| (finding.diagnostic.code, 0)).collect();
    rules.values_mut().enumerate().for_each(|(position, index)| *index = position);
    let mut artifacts = Artifacts::default();
    let results: Vec<Value> =
        findings.iter().map(|finding| result(finding, &rules, &mut artifacts)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "divertc",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.keys().map(|code| rule(code)).collect::<Vec<Value>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "artifacts": artifacts.values,
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn rule(code: &str) -> Value {
    match codes::find(code) {
        Some((name, explanation)) => {
            json!({ "id": code, "name": name, "shortDescription": { "text": name.replace('-', " ") },
                    "fullDescription": { "text": explanation } })
        }
        None => json!({ "id": code }),
    }
}

fn result(finding: &Finding, rules: &BTreeMap<&str, usize>, artifacts: &mut Artifacts) -> Value {
    let diagnostic = &finding.diagnostic;
    let mut text = diagnostic.message.clone();
    for more in std::iter::once(&diagnostic.primary.message).chain(&diagnostic.notes).chain(&diagnostic.help)
    {
        if !more.is_empty() {
            text.push_str(". ");
            text.push_str(more);
        }
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": rules.get(diagnostic.code),
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": { "text": text },
    });
    let Some(origin) = finding.origin() else { return result };
    let artifact = artifacts.of(origin, finding.source());
    let location = |span: Span| {
        let mut physical = json!({ "artifactLocation": artifact });
        if let Some(source) = finding.source() {
            physical["region"] = region(&source.text, span);
        }
        json!({ "physicalLocation": physical })
    };
    result["locations"] = json!([location(diagnostic.primary.span)]);
    if !diagnostic.secondary.is_empty() {
        let related: Vec<Value> = diagnostic
            .secondary
            .iter()
            .map(|label| {
                let mut value = location(label.span);
                value["message"] = json!({ "text": label.message });
                value
            })
            .collect();
        result["relatedLocations"] = json!(related);
    }
    let fixes: Vec<Value> = diagnostic
        .suggestions
        .iter()
        .filter_map(|edit| {
            let source = finding.source()?;
            Some(json!({
                "description": { "text": edit.message },
                "artifactChanges": [{
                    "artifactLocation": artifact,
                    "replacements": [{
                        "deletedRegion": region(&source.text, edit.span),
                        "insertedContent": { "text": edit.replacement },
                    }],
                }],
            }))
        })
        .collect();
    if !fixes.is_empty() {
        result["fixes"] = json!(fixes);
    }
    result
}

fn region(text: &str, span: Span) -> Value {
    let (start, end) = places(text, span);
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": span.start(),
        "byteLength": span.len(),
    })
}

/// Files and texts that results refer to.
#[derive(Default)]
struct Artifacts {
    known: Vec<(Origin, Option<Arc<SourceText>>)>,
    values: Vec<Value>,
}

impl Artifacts {
    fn of(&mut self, origin: &Origin, source: Option<&Arc<SourceText>>) -> Value {
        let content = match origin {
            Origin::File(_) => None,
            Origin::Argument | Origin::Stdin => source.cloned(),
        };
        let key = (origin.clone(), content);
        let index = match self.known.iter().position(|known| *known == key) {
            Some(index) => index,
            None => {
                self.values.push(match (origin, &key.1) {
                    (Origin::File(path), _) => json!({ "location": { "uri": uri(&path.to_string_lossy()) } }),
                    (Origin::Argument | Origin::Stdin, Some(source)) => {
                        json!({ "description": { "text": origin.to_string() }, "contents": { "text": source.text } })
                    }
                    (Origin::Argument | Origin::Stdin, None) => {
                        json!({ "description": { "text": origin.to_string() } })
                    }
                });
                self.known.push(key);
                self.known.len() - 1
            }
        };
        match origin {
            Origin::File(path) => json!({ "uri": uri(&path.to_string_lossy()), "index": index }),
            Origin::Argument | Origin::Stdin => json!({ "index": index }),
        }
    }
}

/// A path as a (relative) reference: separators of URLs, everything unusual in percent signs.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    let path = path.replace('\\', "/");
    if path.as_bytes().get(1) == Some(&b':') {
        uri.push_str("file:///");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
