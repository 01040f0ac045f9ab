//! What `sat`, `equiv`, `implies` and `overlap` have in common: reading the filters and telling the answer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use divert_compiler::analysis::{Budget, Reason, Witness};
use divert_compiler::graph::Graph;
use divert_fuzz::Case;
use serde_json::{Map, Value, json};

use crate::args::{Forced, MessageFormat, Reading, Selection, usage};
use crate::console::{Console, Outcome, Status};
use crate::finding::Finding;
use crate::found::{self, LookedAt};
use crate::output;
use crate::pipeline;

/// How filters are read and where the witness goes.
#[derive(Debug, Args)]
pub(crate) struct Question {
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Write what shows the answer to this file (.jsonl, .pcapng, else pcap); - is standard output
    #[arg(short = 'w', long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// What is known in the end.
pub(crate) struct Told {
    /// `None`: unknown.
    pub(crate) yes: Option<bool>,
    /// The answer in words.
    pub(crate) words: String,
    /// The input that shows it.
    pub(crate) witness: Option<Box<Witness>>,
    /// Whether the words say it already.
    pub(crate) is_listed: bool,
    /// More members of the JSON object.
    pub(crate) more: Map<String, Value>,
}

impl Told {
    /// An answer without more to it.
    pub(crate) fn new(yes: bool, words: impl Into<String>, witness: Option<Box<Witness>>) -> Self {
        Self { yes: Some(yes), words: words.into(), witness, is_listed: false, more: Map::new() }
    }

    /// No answer.
    pub(crate) fn unknown(reason: Reason) -> Self {
        let more = Map::from_iter([("reason".to_owned(), Value::from(reason.to_string()))]);
        Self { yes: None, words: reason.to_string(), witness: None, is_listed: false, more }
    }
}

impl Question {
    /// The meaning of the filters, as they are written: the optimiser has no part in an answer.
    pub(crate) fn graphs(&mut self, arguments: Vec<OsString>, console: &mut Console) -> Outcome<Vec<Graph>> {
        self.check(console)?;
        let selections = std::mem::take(&mut self.forced).all(arguments)?;
        let mut graphs = Vec::with_capacity(selections.len());
        for selection in selections {
            graphs.push(self.graph(selection, self.reading, console)?);
        }
        Ok(graphs)
    }

    /// The meaning of one filter.
    pub(crate) fn graph(
        &self,
        selection: Selection,
        reading: Reading,
        console: &mut Console,
    ) -> Outcome<Graph> {
        let filter = pipeline::read(selection, &reading, self.write.as_deref())?;
        pipeline::graph(&filter, &reading, 0, console)
    }

    /// Refuses two things on standard output.
    pub(crate) fn check(&self, console: &Console) -> Result<(), Finding> {
        let json = console.format() == MessageFormat::Json;
        output::alone(self.write.as_deref(), &[(json, "--message-format json")])
    }

    /// Refuses to write over what is read.
    pub(crate) fn keeps(&self, input: &Path) -> Result<(), Finding> {
        self.write.as_deref().map_or(Ok(()), |path| output::apart(path, [input]))
    }

    /// Whether standard output is for what is written.
    fn is_aside(&self) -> bool {
        self.write.as_deref().is_some_and(output::is_stdout)
    }

    /// How the filters are read.
    pub(crate) const fn reading(&self) -> Reading {
        self.reading
    }

    /// The meaning of exactly two filters.
    pub(crate) fn two(&mut self, arguments: Vec<OsString>, console: &mut Console) -> Outcome<[Graph; 2]> {
        let graphs: [Graph; 2] =
            self.graphs(arguments, console)?.try_into().map_err(|_| usage("two filters are wanted"))?;
        let [a, b] = &graphs;
        if a.layer() != b.layer() {
            let (a, b) = (a.layer().name(), b.layer().name());
            console.remark(format_args!("the first filter is for layer {a}, the second for {b}"))?;
        }
        Ok(graphs)
    }

    /// What a question may cost.
    pub(crate) fn budget() -> Budget {
        Budget::default()
    }

    /// Says what is known, and then writes the witness where it is wanted; `filters` are those that it is about.
    pub(crate) fn tell(self, told: Told, filters: &[&Graph], console: &mut Console) -> Outcome {
        let (answer, status) = match told.yes {
            Some(true) => ("yes", Status::Fine),
            Some(false) => ("no", Status::No),
            None => ("unknown", Status::Failed),
        };
        if console.format() == MessageFormat::Json {
            let mut object =
                json!({ "answer": answer, "witness": told.witness.as_deref().map(found::event) });
            if let Value::Object(members) = &mut object {
                members.extend(told.more);
            }
            console.result(format_args!("{object}\n"))?;
        } else {
            let mut text = format!("{answer}: {}\n", told.words);
            if let Some(witness) = told.witness.as_deref().filter(|_| !told.is_listed) {
                text.push_str(&shown(witness));
            }
            if self.is_aside() { console.remark(text.trim_end())? } else { console.result(text)? }
        }
        match (&self.write, told.witness) {
            (Some(path), Some(witness)) => {
                let read = |field| {
                    filters.iter().flat_map(|graph| graph.nodes()).any(|node| node.load.field == field)
                };
                found::write(path, &[Case::from(*witness)], &LookedAt::of(read), console)?;
            }
            (Some(_), None) => console.remark("there is nothing to write")?,
            (None, _) => {}
        }
        Ok(status)
    }
}

/// The witness for people: a line about it, and the bytes.
pub(crate) fn shown(witness: &Witness) -> String {
    let mut text = format!("  {witness}\n");
    for line in witness.packet().unwrap_or_default().chunks(32).take(64) {
        text.push_str("   ");
        for (at, byte) in line.iter().enumerate() {
            text.push_str(&format!("{}{byte:02x}", if at % 4 == 0 { " " } else { "" }));
        }
        text.push('\n');
    }
    if witness.packet().is_some_and(|packet| packet.len() > 32 * 64) {
        text.push_str("    …\n");
    }
    text
}
