//! `divertc equiv`: do two filters match the same packets?

use std::ffi::OsString;

use clap::Args;
use divert_compiler::analysis::{Answer, equivalent};
use divert_compiler::graph::eval::eval;

use super::answer::{Question, Told};
use crate::console::{Console, Outcome};

/// Tell whether two filters match the same packets
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc equiv old.dvf new.dvf
  divertc equiv 'not tcp.DstPort == 80' 'tcp.DstPort != 80'
  divertc equiv web.dvf web.dvc -w difference.jsonl

Exit status: 0 yes (proved), 1 no (with a packet that only one of them
matches), 2 unknown.")]
pub(crate) struct Equiv {
    /// Two filters: files, texts, objects, or - for standard input
    #[arg(value_name = "FILTER", num_args = 0..=2)]
    filters: Vec<OsString>,
    #[command(flatten)]
    question: Question,
}

impl Equiv {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let [a, b] = self.question.two(self.filters, console)?;
        let told = match equivalent(&a, &b, &Question::budget()) {
            Answer::Yes(()) => Told::new(true, "the filters match the same", None),
            Answer::No(witness) => {
                let first = witness.with(|input| eval(&a, input)).unwrap_or(false);
                let which = if first { "first" } else { "second" };
                Told::new(false, format!("only the {which} filter matches"), Some(witness))
            }
            Answer::Unknown(reason) => Told::unknown(reason),
        };
        self.question.tell(told, &[&a, &b], console)
    }
}
