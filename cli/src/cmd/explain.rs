//! `divertc explain`: why one packet or event matches, or does not.

use std::ffi::OsString;

use clap::Args;
use divert_compiler::explain::Explainer;
use divert_vm::limits::USER_WORK;

use crate::args::{Forced, MessageFormat, Once, Reading, usage};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Assume, Explain as Sink, Name, Opened};
use crate::finding::{Finding, Origin};
use crate::input;
use crate::pipeline;
use crate::subject::Subject;

/// Explain why a packet matches a filter, or does not
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc explain 'outbound and tcp.DstPort == 443' capture.pcap --packet 3
  divertc explain web.dvc capture.pcapng --packet 0
  divertc eval --explain=misses 'udp' capture.pcap

Each test that ran is underlined: ^ where it is part of the reason, ~ where it
is not. Tests are true, false, or absent: the packet does not have the field.
Records are counted from 0, as `divertc eval --json` does.

A compiled filter is explained on its own text when it was compiled with
--debug, else on what `divertc format` makes of it; so is an object.

Exit status: 0 it matches, 1 it does not, 2 there is no such record.")]
pub(crate) struct Explain {
    /// The filter (unless -f or -e gives it), then the input
    #[arg(value_name = "FILTER> <INPUT", required = true)]
    arguments: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Number of the record, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    packet: u64,
    #[command(flatten)]
    assume: Assume,
}

impl Explain {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let (selection, inputs) = self.forced.one(self.arguments)?;
        let [name] = inputs.as_slice() else {
            return Err(usage("one filter and one input are wanted"));
        };
        let mut stdin = Once::default();
        stdin.take(&selection)?;
        stdin.take_input(name)?;
        let subject = Subject::of(input::read(selection)?, &self.reading, console)?;
        let verified = pipeline::program(&subject.origin, &subject.bytes, &self.reading, USER_WORK)?;
        let judge = self.assume.judge(verified).with_times();
        let explainer = Explainer::new(&subject.typed);
        let Opened { origin, source, .. } = eval::open(name)?;
        let sink = Sink {
            judge: judge.clone(),
            explainer: &explainer,
            source: &subject.source,
            which: None,
            style: (console.format() != MessageFormat::Json).then(|| console.result_style()),
        };
        let mut text = Vec::new();
        let input = Name::of(name);
        let matched = eval::one(&judge, source, self.packet, |shown| sink.tell(&input, shown, &mut text));
        console.bytes(&text)?;
        match matched {
            Some(true) => Ok(Status::Fine),
            Some(false) => Ok(Status::No),
            None => Err(no_record(&origin, self.packet)),
        }
    }
}

fn no_record(origin: &Origin, number: u64) -> Stop {
    let message = format!("`{origin}` has no record {number} that can be read");
    Finding::whole(origin, codes::NO_SUCH_RECORDS, message).help("records are counted from 0").into()
}
