//! `divertc implies`: does one filter match whatever another one matches?

use std::ffi::OsString;

use clap::Args;
use divert_compiler::analysis::{Answer, implies};

use super::answer::{Question, Told};
use crate::console::{Console, Outcome};

/// Tell whether every packet that one filter matches is matched by another
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  divertc implies 'tcp.DstPort == 443' 'outbound or tcp'

Exit status: 0 yes (proved), 1 no (with a packet that the first matches and
the second does not), 2 unknown.")]
pub(crate) struct Implies {
    /// The narrow filter, then the wide one
    #[arg(value_name = "FILTER", num_args = 0..=2)]
    filters: Vec<OsString>,
    #[command(flatten)]
    question: Question,
}

impl Implies {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let [narrow, wide] = self.question.two(self.filters, console)?;
        let told = match implies(&narrow, &wide, &Question::budget()) {
            Answer::Yes(()) => Told::new(true, "the second filter matches whatever the first one does", None),
            Answer::No(witness) => {
                Told::new(false, "the first filter matches, the second does not", Some(witness))
            }
            Answer::Unknown(reason) => Told::unknown(reason),
        };
        self.question.tell(told, &[&narrow, &wide], console)
    }
}
