//! `divertc format`: canonical layout, and text for what is no text.

use std::ffi::OsString;

use clap::Args;
use divert_compiler::Dialect;

use super::plural;
use crate::args::{Forced, Reading, Selection, usage};
use crate::console::{Console, Outcome, Status, Stop};
use crate::finding::{Finding, Origin};
use crate::input::{self, Content, Filter};
use crate::output;
use crate::pipeline;

/// Format filters, or turn compiled ones back into text
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc format web.dvf                    # print it
  divertc format --write filters/*.dvf      # change the files
  divertc format --check filters/*.dvf      # name the files that would change
  divertc format -e 'tcp&&!(loopback)'
  divertc format web.dvc                    # decompile

Exit status: 0 fine, 1 files would change (--check), 2 could not do it.")]
pub(crate) struct Format {
    /// Filters: files, texts, objects; standard input when there are none
    #[arg(value_name = "FILTER")]
    filters: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Name what is not formatted, and change nothing
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Change the files
    #[arg(long)]
    write: bool,
}

impl Format {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let forced = std::mem::take(&mut self.forced);
        let mut filters = forced.all(std::mem::take(&mut self.filters))?;
        if filters.is_empty() {
            filters.push(Selection::Stdin);
        }
        let (mut status, mut changed, count) = (Status::Fine, 0_u64, filters.len() as u64);
        for selection in filters {
            match self.one(selection, console) {
                Ok(differs) => {
                    changed += u64::from(differs);
                    if differs && self.check {
                        status = status.max(Status::No);
                    }
                }
                Err(stop @ (Stop::Output(_) | Stop::Closed(_))) => return Err(stop),
                Err(Stop::Finding(finding)) => {
                    console.report(finding)?;
                    status = Status::Failed;
                }
                Err(Stop::Said) => status = Status::Failed,
            }
        }
        if self.check || self.write {
            let verb = if self.check { "would change" } else { "changed" };
            console.remark(format_args!("{changed} of {} {verb}", plural(count, "filter")))?;
        }
        Ok(status)
    }

    /// Whether the filter is not formatted.
    fn one(&self, selection: Selection, console: &mut Console) -> Outcome<bool> {
        let filter = input::read(selection)?;
        let text = formatted(&filter, &self.reading, console)?;
        if !self.check && !self.write {
            console.bytes(text.as_bytes())?;
            return Ok(false);
        }
        let differs = match &filter.content {
            Content::Text(source) => source.text != text,
            Content::Object(_) | Content::Bytecode(_) => {
                let message = format!("`{}` is no text; --check and --write are for texts", filter.origin);
                return Err(usage(&message));
            }
        };
        if self.check && differs {
            console.result(format_args!("{}\n", filter.origin))?;
        }
        if self.write {
            match &filter.origin {
                Origin::File(path) if differs => output::write_file(path, text.as_bytes())?,
                Origin::File(_) => {}
                Origin::Argument | Origin::Stdin => return Err(usage("--write is for files")),
            }
        }
        Ok(differs)
    }
}

/// The canonical text of a filter.
fn formatted(filter: &Filter, reading: &Reading, console: &mut Console) -> Outcome<String> {
    let Content::Text(source) = &filter.content else {
        return pipeline::decompile(filter, reading, console);
    };
    let parsed = divert_grammar::parse(&source.text);
    let plain = pipeline::dialect(reading) == Dialect::Windivert;
    if parsed.errors.is_empty() && !plain {
        return Ok(divert_grammar::format_as(&parsed.file, &source.text));
    }
    let mut wrong = !parsed.errors.is_empty();
    for finding in pipeline::understand(filter, reading, 1).findings {
        if finding.is_error() && is_layout(&finding) {
            wrong = true;
            console.report(finding)?;
        }
    }
    if wrong { Err(Stop::Said) } else { Ok(divert_grammar::format_as(&parsed.file, &source.text)) }
}

/// To lay a text out, its fields need not exist; so only what the grammar says, and what the dialect lacks, counts here.
fn is_layout(finding: &Finding) -> bool {
    let code = finding.diagnostic.code;
    code.starts_with("E01") || code.starts_with("E05")
}
