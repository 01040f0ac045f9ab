//! `divertc check`: says what is wrong with filters, and what is probably not meant.

use std::ffi::OsString;
use std::sync::Arc;

use clap::Args;
use divert_compiler::lint::Levels;

use super::plural;
use crate::args::{Forced, MessageFormat, Reading, Selection, usage};
use crate::console::{Console, Outcome, Status, Stop};
use crate::finding::{Origin, SourceText};
use crate::input::{self, Content, Filter};
use crate::lints::{self, LintLevels};
use crate::output;
use crate::pipeline;

/// Check filters
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc check 'tcp.DstPort = 80'
  divertc check filters/*.dvf --deny warnings
  divertc check filters/*.dvf --allow mixed-and-or --warn no-impostor-guard
  divertc check --fix filters/*.dvf
  divertc check --explain negated-test
  divertc check --message-format sarif filters/*.dvf > findings.sarif

Findings go to standard output, a line that sums up to standard error.
Exit status: 0 no errors, 1 errors or denied lints, 2 could not read.")]
pub(crate) struct Check {
    /// Filters: files, texts, objects; standard input when there are none
    #[arg(value_name = "FILTER")]
    filters: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    lints: LintLevels,
    /// Change the files where that keeps the meaning
    #[arg(long)]
    fix: bool,
    /// Say what a code or lint means, and check nothing
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
}

impl Check {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        if let Some(word) = &self.explain {
            console.result(lints::page(word)?)?;
            return Ok(Status::Fine);
        }
        let levels = self.lints.levels(&self.reading)?;
        console.findings_are_results();
        let mut filters = std::mem::take(&mut self.forced).all(std::mem::take(&mut self.filters))?;
        if filters.is_empty() {
            filters.push(Selection::Stdin);
        }
        let (mut status, mut count, mut edits) = (Status::Fine, 0_u64, 0_u64);
        for selection in filters {
            let mut filter = match input::read(selection) {
                Ok(filter) => filter,
                Err(finding) => {
                    console.report(finding)?;
                    status = Status::Failed;
                    continue;
                }
            };
            count += 1;
            if self.fix {
                match fix(&mut filter, &self.reading, &levels) {
                    Ok(more) => edits += more,
                    Err(Stop::Finding(finding)) => {
                        console.report(finding)?;
                        status = Status::Failed;
                    }
                    Err(stop) => return Err(stop),
                }
            }
            for finding in pipeline::checked(&filter, &self.reading, &levels) {
                let Some(finding) = self.lints.note(finding) else { continue };
                if finding.is_error() {
                    status = status.max(Status::No);
                }
                console.report(finding)?;
            }
        }
        if self.fix && console.format() == MessageFormat::Human {
            console.remark(format_args!("made {}", plural(edits, "edit")))?;
        }
        if console.format() == MessageFormat::Human {
            let (errors, warnings) = console.counts();
            let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
            console.remark(format_args!("checked {}: {errors}, {warnings}", plural(count, "filter")))?;
        }
        Ok(status)
    }
}

/// Carries out the edits that keep the meaning, in the file itself.
fn fix(filter: &mut Filter, reading: &Reading, levels: &Levels) -> Outcome<u64> {
    let Content::Text(source) = &filter.content else { return Ok(0) };
    let Origin::File(path) = &filter.origin else { return Err(usage("--fix is for files")) };
    let (text, edits) = pipeline::fixed(source, reading, levels);
    if edits > 0 {
        output::write_file(path, text.as_bytes())?;
        filter.content = Content::Text(Arc::new(SourceText { origin: filter.origin.clone(), text }));
    }
    Ok(edits as u64)
}
