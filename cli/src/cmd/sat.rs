//! `divertc sat`: can a filter match at all?

use std::ffi::OsString;

use clap::Args;
use divert_compiler::analysis::{Answer, sat};

use super::answer::{Question, Told};
use crate::args::usage;
use crate::console::{Console, Outcome};

/// Tell whether any packet can match a filter
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc sat 'tcp and protocol == 17'
  divertc sat web.dvf -w match.pcap

Exit status: 0 yes (with a packet that matches), 1 no (proved), 2 unknown.")]
pub(crate) struct Sat {
    /// The filter: a file, text, an object, or - for standard input
    #[arg(value_name = "FILTER")]
    filter: Option<OsString>,
    #[command(flatten)]
    question: Question,
}

impl Sat {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let graphs = self.question.graphs(self.filter.into_iter().collect(), console)?;
        let [graph] = graphs.as_slice() else { return Err(usage("one filter is wanted")) };
        let told = match sat(graph, &Question::budget()) {
            Answer::Yes(witness) => Told::new(true, "the filter can match", Some(witness)),
            Answer::No(()) => Told::new(false, "nothing can match", None),
            Answer::Unknown(reason) => Told::unknown(reason),
        };
        self.question.tell(told, &[graph], console)
    }
}
