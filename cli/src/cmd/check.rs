//! `divertc check`: says what is wrong with filters, and what is probably not meant.

use std::ffi::OsString;

use clap::Args;
use divert_grammar::diagnostic::Severity;

use super::plural;
use crate::args::{Forced, MessageFormat, Reading, Selection};
use crate::codes;
use crate::console::{Console, Outcome, Status};
use crate::finding::Finding;
use crate::input;
use crate::pipeline;

/// Check filters
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc check 'tcp.DstPort = 80'
  divertc check filters/*.dvf --deny warnings
  divertc check --message-format sarif filters/*.dvf > findings.sarif

Findings go to standard output, a line that sums up to standard error.
Exit status: 0 no errors, 1 errors or denied warnings, 2 could not read.")]
pub(crate) struct Check {
    /// Filters: files, texts, objects; standard input when there are none
    #[arg(value_name = "FILTER")]
    filters: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Treat this finding as an error: a code, its name, or `warnings`
    #[arg(short = 'D', long, value_name = "FINDING")]
    deny: Vec<String>,
}

impl Check {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        console.findings_are_results();
        let mut filters = self.forced.all(self.filters)?;
        if filters.is_empty() {
            filters.push(Selection::Stdin);
        }
        let (mut status, mut count) = (Status::Fine, 0_u64);
        for selection in filters {
            let filter = match input::read(selection) {
                Ok(filter) => filter,
                Err(finding) => {
                    console.report(finding)?;
                    status = Status::Failed;
                    continue;
                }
            };
            count += 1;
            for mut finding in pipeline::understand(&filter, &self.reading, 1).findings {
                deny(&mut finding, &self.deny);
                if finding.is_error() {
                    status = status.max(Status::No);
                }
                console.report(finding)?;
            }
        }
        if console.format() == MessageFormat::Human {
            let (errors, warnings) = console.counts();
            let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
            console.remark(format_args!("checked {}: {errors}, {warnings}", plural(count, "filter")))?;
        }
        Ok(status)
    }
}

fn deny(finding: &mut Finding, denied: &[String]) {
    let diagnostic = &mut finding.diagnostic;
    let name = codes::find(diagnostic.code).map(|(name, _)| name);
    let meant = |word: &String| match diagnostic.severity {
        Severity::Error => false,
        Severity::Warning if word == "warnings" => true,
        Severity::Warning | Severity::Note => word == diagnostic.code || Some(word.as_str()) == name,
    };
    if denied.iter().any(meant) {
        diagnostic.severity = Severity::Error;
    }
}
