//! Findings as workflow commands, which GitHub shows beside the changed lines.

use divert_grammar::diagnostic::Severity;

use super::lines::places;
use crate::codes;
use crate::finding::{Finding, Origin};

/// One line: `::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::message`.
pub(crate) fn github(finding: &Finding) -> String {
    let diagnostic = &finding.diagnostic;
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(Origin::File(path)) = finding.origin() {
        // The runner wants the separators of URLs.
        properties.push(("file", path.to_string_lossy().replace('\\', "/")));
    }
    if let Some(source) = finding.source() {
        let (start, end) = places(&source.text, diagnostic.primary.span);
        properties.push(("line", start.line.to_string()));
        properties.push(("col", start.column.to_string()));
        properties.push(("endLine", end.line.to_string()));
        properties.push(("endColumn", end.column.to_string()));
    }
    let name = codes::find(diagnostic.code).map(|(name, _)| format!(" {name}")).unwrap_or_default();
    properties.push(("title", format!("{}{name}", diagnostic.code)));
    let properties: Vec<String> =
        properties.iter().map(|(key, value)| format!("{key}={}", escape_property(value))).collect();
    let mut message = diagnostic.message.clone();
    if !diagnostic.primary.message.is_empty() {
        message.push_str(": ");
        message.push_str(&diagnostic.primary.message);
    }
    for help in &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    format!("::{command} {}::{}\n", properties.join(","), escape(&message))
}

/// The runner's rules for the message.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The runner's rules for properties.
fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use divert_grammar::diagnostic::Diagnostic;
    use divert_grammar::span::Span;

    use super::*;
    use crate::finding::SourceText;

    #[test]
    fn escapes_what_the_runner_reads() {
        let origin = Origin::File("a,b:c/x%.dvf".into());
        let source = Arc::new(SourceText { origin, text: "é\ntcp udp".into() });
        let diagnostic = Diagnostic::error("E0154", "100% wrong:\nsee", Span::new(7, 10)).help("a, b");
        assert_eq!(
            github(&Finding::text(&source, diagnostic)),
            "::error file=a%2Cb%3Ac/x%25.dvf,line=2,col=5,endLine=2,endColumn=8,title=E0154 missing-operator::\
             100%25 wrong:%0Asee%0Ahelp: a, b\n"
        );
    }
}
