//! `divertc eval`: which packets or events of an input a filter matches.

mod writer;

use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::{ArgGroup, Args};
use divert_compiler::explain::Explainer;
use divert_vm::limits::USER_WORK;

use super::plural;
use crate::args::{Forced, MessageFormat, Once, Reading, Selection};
use crate::capture::damage::{self, Damage};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Assume, Event, Explain, Form, Name, Part, Stats, Tally, Trouble, Which, Work};
use crate::finding::{Finding, Origin, SourceText};
use crate::input::cannot_read;
use crate::output;
use crate::pipeline;
use crate::render::stats::{self, Statistics};
use crate::subject::Subject;
use writer::Writer;

/// Inputs of fewer bytes in all are judged before threads have begun.
const SMALL: u64 = 4 << 20;
/// More threads than any machine has cores; each takes about a megabyte.
const MOST_JOBS: i64 = 1024;
/// Values of each kind that are told as the most frequent ones.
const MOST: usize = 10;

/// Evaluate a filter over captures and events
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("report").args(["json", "list", "count", "explain"]), after_help = "\
Examples:
  divertc eval 'udp.DstPort == 53' capture.pcapng
  divertc eval web.dvf --local 192.168.1.0/24 -w web.pcap capture.pcap
  divertc eval --layer socket 'processId == 4' events.jsonl --json
  tcpdump -w - | divertc eval --list 'tcp.Syn and not tcp.Ack' -
  divertc eval --stats web.dvf captures/*.pcap.gz

Inputs are pcap and pcapng files and, where the name ends in .jsonl or the
first sign is {, events as lines of JSON; gzip and zstd are undone. A packet's
direction is what the capture says; else, with --local, outbound when its
source is local; else outbound. Its timestamp is in units of 100 ns since 1970.

Exit status: 0 fine, 1 nothing matched (--exit-status), 2 an input is damaged
or could not be read.")]
pub(crate) struct Eval {
    /// The filter (unless -f or -e gives it), then inputs; - is standard input
    #[arg(value_name = "FILTER> <INPUT", required = true)]
    arguments: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// A JSON object for each record, then one that sums up
    #[arg(long)]
    json: bool,
    /// A line for each match
    #[arg(long)]
    list: bool,
    /// Only the number of matches
    #[arg(long)]
    count: bool,
    /// Explain each record that matches, or each that does not
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "matches")]
    explain: Option<Which>,
    /// Count how often each test ran and what came of it, and what matched most
    #[arg(long)]
    stats: bool,
    /// Threads to use; nothing else depends on it (the default: as many as there are cores and are of use)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_JOBS))]
    jobs: Option<u16>,
    /// Write what matches to this file, in the format of the input; - is standard output
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    write: Option<PathBuf>,
    /// Exit with 1 when nothing matches
    #[arg(long)]
    exit_status: bool,
    #[command(flatten)]
    assume: Assume,
}

impl Eval {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let forced = std::mem::take(&mut self.forced);
        let (selection, inputs) = forced.one(std::mem::take(&mut self.arguments))?;
        if inputs.is_empty() {
            let finding = Finding::command(codes::USAGE, "no input is given");
            return Err(finding
                .help("name captures or event files behind the filter; - is standard input")
                .into());
        }
        self.check(&selection, &inputs)?;
        let filter = pipeline::read(selection, &self.reading, self.write.as_deref())?;
        let origin = filter.origin.clone();
        let (bytes, subject) = if self.explain.is_some() || self.stats {
            let subject = Subject::of(filter, &self.reading, console)?;
            (subject.bytes.clone(), Some(subject))
        } else {
            (pipeline::compiled(filter, &self.reading, console)?, None)
        };
        let verified = pipeline::program(&origin, &bytes, &self.reading, USER_WORK)?;
        let explainer = subject.as_ref().map(|subject| Explainer::new(&subject.typed));
        let parts = explainer.as_ref().zip(subject.as_ref().map(|subject| &*subject.source));
        let judge = self.assume.judge(verified);
        let form = match (self.json, self.list, self.explain, parts) {
            (true, ..) => Form::Json,
            (false, true, ..) => Form::List,
            (false, false, Some(which), Some((explainer, source))) => {
                let style = (console.format() != MessageFormat::Json).then(|| console.result_style());
                let judge = judge.clone().with_times();
                Form::Explain(Box::new(Explain { judge, explainer, source, which: Some(which), style }))
            }
            (false, false, ..) => Form::Nothing,
        };
        let silent = matches!(form, Form::Nothing);
        let counted = parts.filter(|_| self.stats);
        let work = Work::new(judge, form, self.write.is_some(), counted.map(|(explainer, _)| explainer));
        let size = inputs.iter().map(|name| fs::metadata(name).map_or(0, |metadata| metadata.len())).sum();
        let progress = console.progress(size, silent);
        let mut run = Run {
            command: &self,
            writer: self.write.as_deref().map(Writer::new),
            origin: Origin::Stdin,
            tally: Tally::default(),
            total: Tally::default(),
            failed: false,
            is_events: false,
            events_only: None,
            several: inputs.len() > 1,
            // What is written to standard output would be mixed with what is said.
            aside: self.write.as_deref().is_some_and(output::is_stdout),
            stats: counted.map(|(explainer, source)| {
                (Stats::new(explainer.tests().len(), work.layer()), explainer, source)
            }),
        };
        let jobs = self.jobs(&inputs, size, silent);
        let judged =
            eval::run(&inputs, jobs, &work, &progress, |name, event| run.event(name, event, console));
        judged.map_err(|stop| match stop {
            Stop::Closed(_) => Stop::Closed(run.status()),
            stop @ (Stop::Output(_) | Stop::Finding(_) | Stop::Said) => stop,
        })?;
        console.done();
        run.finish(console)
    }

    /// Refuses what cannot be done before anything is read.
    fn check(&self, selection: &Selection, inputs: &[OsString]) -> Outcome<()> {
        let mut stdin = Once::default();
        stdin.take(selection)?;
        inputs.iter().try_for_each(|name| stdin.take_input(name))?;
        let written = self.write.as_deref();
        let results = [
            (self.json, "--json"),
            (self.list, "--list"),
            (self.count, "--count"),
            (self.explain.is_some(), "--explain"),
        ];
        output::alone(written, &results)?;
        if let Some(path) = written {
            output::apart(path, inputs.iter().map(Path::new))?;
        }
        Ok(())
    }

    /// How many threads are of use. To read a capture takes longer than to judge it, and nothing is gained when two threads
    /// take turns: one input that is only counted has one thread.
    fn jobs(&self, inputs: &[OsString], size: u64, silent: bool) -> usize {
        let endless = inputs.iter().any(|name| name == "-");
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match self.jobs {
            Some(jobs) => usize::from(jobs),
            None if size < SMALL && !endless => 1,
            None if silent && !self.stats => cores().min(inputs.len()),
            None => cores(),
        }
    }
}

/// An evaluation under way: takes what happens to the inputs, one after the other.
struct Run<'r> {
    command: &'r Eval,
    writer: Option<Writer>,
    /// Of the input at hand, like the two below.
    origin: Origin,
    tally: Tally,
    is_events: bool,
    total: Tally,
    failed: bool,
    events_only: Option<bool>,
    several: bool,
    aside: bool,
    /// For those who want statistics: with the filter and its text.
    stats: Option<(Stats, &'r Explainer<'r>, &'r SourceText)>,
}

impl Run<'_> {
    fn event(&mut self, name: &Name, event: &Event, console: &mut Console) -> Outcome<()> {
        match event {
            Event::Opened(origin, announced) => {
                self.origin = origin.clone();
                self.tally = Tally::default();
                self.is_events = announced.is_none();
                self.events_only = Some(self.is_events && self.events_only != Some(false));
                match &mut self.writer {
                    Some(writer) => writer.begin(announced.as_ref(), console),
                    None => Ok(()),
                }
            }
            Event::Failed(finding) => {
                self.failed = true;
                console.report(finding.clone())?;
                if self.command.json {
                    console.result(failed_json(name, finding))?;
                }
                Ok(())
            }
            Event::Part(part) => self.part(name, part, console),
            Event::Ended(places, count) => {
                damaged(&self.origin, places, *count, console)?;
                self.total.add(&self.tally);
                self.sum_up(name, console)
            }
        }
    }

    fn part(&mut self, name: &Name, part: &Part, console: &mut Console) -> Outcome<()> {
        self.tally.add(&part.tally);
        let mut told = 0;
        for (at, trouble) in &part.troubles {
            self.text(name, part.text.get(told..*at).unwrap_or_default(), console)?;
            told = *at;
            console.report(bad_line(&self.origin, trouble))?;
        }
        self.text(name, part.text.get(told..).unwrap_or_default(), console)?;
        if let Some((stats, ..)) = &mut self.stats {
            stats.add(part);
        }
        if let Some(writer) = &mut self.writer {
            return writer.keep(part);
        }
        // When nobody sees the rest, it matters only where it can change the answer.
        if console.is_closed() && !(self.command.exit_status && self.status() == Status::No) {
            return Err(Stop::Closed(Status::Fine));
        }
        Ok(())
    }

    /// What is said of records. The lines of a list say of which input they are, where there are several.
    fn text(&self, name: &Name, text: &[u8], console: &mut Console) -> Outcome<()> {
        if !(self.command.list && self.several) {
            return console.bytes(text);
        }
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            console.bytes(name.text.as_bytes())?;
            console.bytes(b": ")?;
            console.bytes(line)?;
        }
        Ok(())
    }

    fn sum_up(&self, name: &Name, console: &mut Console) -> Outcome<()> {
        let Tally { records, ip, matched, wireless, unsupported, damaged } = self.tally;
        if self.command.json {
            let name = &name.quoted;
            return console.result(format_args!(
                "{{\"summary\":{{\"input\":{name},\"records\":{records},\"ip\":{ip},\"matched\":{matched},\
                 \"damaged\":{damaged}}}}}\n"
            ));
        }
        let prefix = if self.several { format!("{}: ", name.text) } else { String::new() };
        self.say(&prefix, &self.tally, self.is_events, console)?;
        for (count, what) in [(wireless, "of 802.11"), (unsupported, "of an unknown link type")] {
            if count > 0 {
                let frames = plural(count, "frame");
                console.remark(format_args!("{}: {frames} {what} not looked into", name.text))?;
            }
        }
        Ok(())
    }

    fn say(&self, prefix: &str, tally: &Tally, is_events: bool, console: &mut Console) -> Outcome<()> {
        let noun = if is_events { "events" } else { "packets" };
        let Tally { records, matched, .. } = tally;
        let text = match (self.command.count, self.command.list) {
            (true, _) => format!("{prefix}{matched}"),
            // The list is the result; what sums it up is not.
            (false, true) => {
                return console.remark(format_args!("{prefix}matched {matched} of {records} {noun}"));
            }
            (false, false) => format!("{prefix}matched {matched} of {records} {noun}"),
        };
        if self.aside { console.remark(text) } else { console.result(format_args!("{text}\n")) }
    }

    fn statistics(&self, console: &mut Console) -> Outcome<()> {
        let Some((stats, explainer, source)) = &self.stats else { return Ok(()) };
        let spans = explainer.tests().iter().map(|site| site.span);
        let statistics = Statistics {
            source,
            tests: spans.zip(stats.tests.iter().copied()).collect(),
            most: stats.most(MOST),
            tally: self.total,
        };
        let text = if self.command.json || console.format() == MessageFormat::Json {
            stats::json(&statistics)
        } else {
            stats::human(&statistics, &console.result_style())
        };
        if self.aside { console.remark(text.trim_end()) } else { console.result(text) }
    }

    fn finish(mut self, console: &mut Console) -> Outcome {
        if self.several && !self.command.json {
            self.say("total: ", &self.total, self.events_only == Some(true), console)?;
        }
        self.statistics(console)?;
        match self.writer.take().map(Writer::finish) {
            Some(Err(Stop::Closed(_)) | Ok(())) | None => Ok(self.status()),
            Some(Err(stop)) => Err(stop),
        }
    }

    /// What is known so far, the input at hand included.
    fn status(&self) -> Status {
        let matched = self.total.matched + self.tally.matched;
        match () {
            () if self.failed || self.total.damaged || self.tally.damaged => Status::Failed,
            () if self.command.exit_status && matched == 0 => Status::No,
            () => Status::Fine,
        }
    }
}

/// Says what is damaged: every place that was kept, and how many there are in all.
fn damaged(origin: &Origin, places: &[Damage], count: u64, console: &mut Console) -> Outcome<()> {
    for place in places {
        console.report(Finding::whole(origin, codes::DAMAGE, format!("`{origin}` is damaged {place}")))?;
    }
    let more = count.saturating_sub(places.len() as u64);
    if more > 0 {
        let message =
            format!("`{origin}` is damaged at {} beside these {}", plural(more, "place"), damage::MAX_DAMAGE);
        console.report(Finding::whole(origin, codes::DAMAGE, message))?;
    }
    Ok(())
}

/// The summary of an input that could not be judged, with the reason.
fn failed_json(name: &Name, finding: &Finding) -> String {
    let (name, error) = (&name.quoted, serde_json::Value::from(finding.diagnostic.message.as_str()));
    format!(
        "{{\"summary\":{{\"input\":{name},\"records\":0,\"ip\":0,\"matched\":0,\"damaged\":true,\"error\":{error}}}}}\n"
    )
}

fn bad_line(origin: &Origin, trouble: &Trouble) -> Finding {
    match trouble {
        Trouble::Line(number, error) => Finding::whole(
            origin,
            codes::BAD_EVENT,
            format!("line {number} of `{origin}` is no event: {error}"),
        ),
        Trouble::Read(error) => cannot_read(origin, error),
    }
}
