//! Levels of lints on the command line, and the pages of the reference that are printed.

use clap::Args;
use divert_compiler::lint::{Level, Levels, Lint};
use divert_grammar::diagnostic::Severity;

use crate::args::{Reading, usage};
use crate::codes;
use crate::console::{Outcome, Stop};
use crate::finding::Finding;
use crate::pipeline;

/// What becomes of findings.
#[derive(Debug, Args)]
pub(crate) struct LintLevels {
    /// Treat a lint's findings as errors: its code, its name, or `warnings` for all that warn
    #[arg(short = 'D', long, value_name = "LINT")]
    deny: Vec<String>,
    /// Say nothing of a lint's findings
    #[arg(short = 'A', long, value_name = "LINT")]
    allow: Vec<String>,
    /// Warn of a lint's findings
    #[arg(short = 'W', long, value_name = "LINT")]
    warn: Vec<String>,
}

impl LintLevels {
    /// The level of each lint. `warnings` gives way to single lints; of several levels for one lint the most severe
    /// counts.
    pub(crate) fn levels(&self, reading: &Reading) -> Outcome<Levels> {
        let mut levels = Levels::new(pipeline::dialect(reading));
        let all = [(&self.allow, Level::Allow), (&self.warn, Level::Warn), (&self.deny, Level::Deny)];
        for group in [true, false] {
            for (words, level) in all {
                for word in words.iter().filter(|word| (*word == "warnings") == group && !is_note(word)) {
                    levels.set(word, level).map_err(|error| unknown(word, &error.to_string()))?;
                }
            }
        }
        Ok(levels)
    }

    /// Applies the levels to a note, which is no lint; `None` when it is allowed.
    pub(crate) fn note(&self, mut finding: Finding) -> Option<Finding> {
        let diagnostic = &mut finding.diagnostic;
        if diagnostic.severity != Severity::Note {
            return Some(finding);
        }
        let name = codes::find(diagnostic.code).map(|(name, _)| name);
        let meant = |words: &[String]| {
            words.iter().any(|word| word == diagnostic.code || Some(word.as_str()) == name)
        };
        if meant(&self.deny) {
            diagnostic.severity = Severity::Error;
        } else if meant(&self.warn) {
            diagnostic.severity = Severity::Warning;
        } else if meant(&self.allow) {
            return None;
        }
        Some(finding)
    }
}

fn is_note(word: &str) -> bool {
    codes::lookup(word).is_some_and(|(code, ..)| code.starts_with('N'))
}

fn unknown(word: &str, error: &str) -> Stop {
    match codes::lookup(word) {
        Some((code, name, _)) => usage(&format!("{code} ({name}) is no lint, and errors have no levels")),
        None => usage(error),
    }
}

/// What is to be said of a code or name, as a page.
pub(crate) fn page(word: &str) -> Outcome<String> {
    let Some((code, name, explanation)) = codes::lookup(word) else {
        return Err(usage(&format!("there is no finding `{word}`; codes and names are in the reference")));
    };
    let mut page = format!("{code} {name}\n\n{explanation}\n");
    let Some(info) = Lint::find(code).and_then(Lint::info) else { return Ok(page) };
    if !info.example.is_empty() {
        page.push_str(&format!("\nSpeaks of:\n    {}\n", info.example));
    }
    if let Some(better) = info.better {
        page.push_str(&format!("\nBetter:\n    {better}\n"));
    }
    page.push_str(&format!(
        "\nLevel: {}. Change it with --allow, --warn or --deny {name},\nor in the filter with `# divertc: allow({name})`.\n",
        info.level.name()
    ));
    Ok(page)
}
