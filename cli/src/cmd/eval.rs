//! `divertc eval`: which packets or events of an input a filter matches.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use divert_compiler::explain::Explainer;
use divert_vm::limits::USER_WORK;
use serde_json::json;

use super::plural;
use crate::args::{Forced, Reading, Selection, usage};
use crate::capture::write::{CaptureWriter, WriteError};
use crate::capture::{CaptureReader, damage};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Assume, Bytes, Explain, Judge, Opened, Sink, Source, Tally, Trouble, Which};
use crate::finding::{Finding, Origin, SourceText};
use crate::input::{self, cannot_read};
use crate::output::{OutFile, cannot_write};
use crate::pipeline;
use crate::subject::Subject;

/// Evaluate a filter over captures and events
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("report").args(["json", "list", "count", "explain"]), after_help = "\
Examples:
  divertc eval 'udp.DstPort == 53' capture.pcapng
  divertc eval web.dvf --local 192.168.1.0/24 -w web.pcap capture.pcap
  divertc eval --layer socket 'processId == 4' events.jsonl --json
  tcpdump -w - | divertc eval --list 'tcp.Syn and not tcp.Ack' -

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
    /// Write what matches to this file, in the format of the input
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
        let readers =
            usize::from(selection == Selection::Stdin) + inputs.iter().filter(|name| *name == "-").count();
        if readers > 1 {
            return Err(usage("standard input can be read once only, and `-` is given twice"));
        }
        let filter = input::read(selection)?;
        let origin = filter.origin.clone();
        let (bytes, subject) = if self.explain.is_some() {
            let subject = Subject::of(filter, &self.reading, console)?;
            (subject.bytes.clone(), Some(subject))
        } else {
            (pipeline::compiled(filter, &self.reading, console)?, None)
        };
        let verified = pipeline::program(&origin, &bytes, &self.reading, USER_WORK)?;
        let mut run = Run {
            judge: self.assume.judge(verified),
            writer: self.write.as_ref().map(|path| Writer::Planned(path.clone())),
            total: Tally::default(),
            failed: false,
            events_only: true,
            several: inputs.len() > 1,
            // What is written to standard output would be mixed with what is said.
            aside: self.write.as_ref().is_some_and(|path| path.as_os_str() == "-"),
            explainer: subject.as_ref().map(|subject| (Explainer::new(&subject.typed), &*subject.source)),
            command: &self,
        };
        for name in &inputs {
            run.input(name, console)?;
        }
        run.finish(console)
    }
}

/// An evaluation under way.
struct Run<'r> {
    command: &'r Eval,
    judge: Judge<'r>,
    writer: Option<Writer>,
    total: Tally,
    failed: bool,
    events_only: bool,
    several: bool,
    aside: bool,
    /// For those who want explanations: the filter and its text.
    explainer: Option<(Explainer<'r>, &'r SourceText)>,
}

/// Where matches are written.
enum Writer {
    /// Nothing was written yet.
    Planned(PathBuf),
    /// A capture.
    Capture(PathBuf, CaptureWriter),
    /// Lines of events.
    Events(PathBuf, OutFile),
}

impl Run<'_> {
    fn input(&mut self, name: &OsString, console: &mut Console) -> Outcome<()> {
        let Opened { origin, source, size } = match eval::open(name) {
            Ok(opened) => opened,
            Err(finding) => {
                self.failed = true;
                return console.report(finding);
            }
        };
        let is_events = matches!(source, Source::Events(_));
        if !is_events && !self.judge.layer().has_packets() {
            let layer = self.judge.layer().name();
            let message =
                format!("the filter is for {layer}, and `{origin}` is a capture, which holds packets");
            self.failed = true;
            let finding = Finding::whole(&origin, codes::NO_SUCH_RECORDS, message);
            return console.report(finding.help(format!("events at {layer} are read from .jsonl files")));
        }
        self.events_only &= is_events;
        let shown = name.to_string_lossy().into_owned();
        let tally = match (self.command.json, self.command.list) {
            (true, _) => self.judge(&origin, source, size, &mut eval::Json::new(&shown), console)?,
            (_, true) => self.judge(&origin, source, size, &mut eval::List::default(), console)?,
            (false, false) => match self.explainer.take() {
                Some((explainer, text)) => {
                    let judge = self.judge.clone().with_times();
                    let (input, which) = (shown.as_str(), self.command.explain);
                    let mut sink = Explain { judge, explainer: &explainer, source: text, input, which };
                    let tally = self.judge(&origin, source, size, &mut sink, console)?;
                    self.explainer = Some((explainer, text));
                    tally
                }
                None => self.judge(&origin, source, size, &mut eval::Nothing, console)?,
            },
        };
        self.total.add(&tally);
        self.sum_up(&shown, &tally, is_events, console)
    }

    fn judge<S: Sink>(
        &mut self,
        origin: &Origin,
        source: Source,
        size: u64,
        sink: &mut S,
        console: &mut Console,
    ) -> Outcome<Tally> {
        match source {
            Source::Capture(mut reader) => {
                let progress = console.progress(size, !S::WANTS_RECORDS);
                let tally = match Writer::capture(&mut self.writer, console)? {
                    None => eval::capture(&self.judge, &mut reader, &progress, sink, console)?,
                    Some(writer) => {
                        let copied = eval::copy(&self.judge, &mut reader, writer, &progress, sink, console)?;
                        let path = self.command.write.as_deref().unwrap_or(Path::new("-"));
                        copied.map_err(|error| write_failed(path, error))?
                    }
                };
                drop(progress);
                damaged(origin, &reader, console)?;
                Ok(tally)
            }
            Source::Events(mut reader) => {
                let mut writer = Writer::events(&mut self.writer, console)?;
                let path = self.command.write.clone().unwrap_or_default();
                let keep = |line: &[u8]| match &mut writer {
                    Some(writer) => {
                        let ended = if line.ends_with(b"\n") { "" } else { "\n" };
                        let written = writer.write(line).and_then(|()| writer.write(ended.as_bytes()));
                        written.map_err(|error| write_failed(&path, WriteError::Io(error)))
                    }
                    None => Ok(()),
                };
                let trouble =
                    |trouble: Trouble<'_>, console: &mut Console| console.report(bad_line(origin, &trouble));
                eval::events(&self.judge, &mut reader, keep, sink, console, trouble)
            }
        }
    }

    fn sum_up(&self, name: &str, tally: &Tally, is_events: bool, console: &mut Console) -> Outcome<()> {
        let Tally { records, ip, matched, wireless, unsupported, damaged } = *tally;
        if self.command.json {
            let name = json!(name);
            return console.result(format_args!(
                "{{\"summary\":{{\"input\":{name},\"records\":{records},\"ip\":{ip},\"matched\":{matched},\
                 \"damaged\":{damaged}}}}}\n"
            ));
        }
        let prefix = if self.several { format!("{name}: ") } else { String::new() };
        self.say(&prefix, tally, is_events, console)?;
        for (count, what) in [(wireless, "of 802.11"), (unsupported, "of an unknown link type")] {
            if count > 0 {
                console.remark(format_args!("{name}: {} {what} not looked into", plural(count, "frame")))?;
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

    fn finish(mut self, console: &mut Console) -> Outcome {
        if self.several && !self.command.json {
            self.say("total: ", &self.total, self.events_only, console)?;
        }
        match self.writer.take() {
            Some(Writer::Capture(path, writer)) => {
                writer.finish().map_err(|error| write_failed(&path, error))?;
            }
            Some(Writer::Events(path, writer)) => {
                writer.finish().map_err(|error| write_failed(&path, WriteError::Io(error)))?;
            }
            Some(Writer::Planned(_)) | None => {}
        }
        Ok(match () {
            () if self.failed || self.total.damaged => Status::Failed,
            () if self.command.exit_status && self.total.matched == 0 => Status::No,
            () => Status::Fine,
        })
    }
}

impl Writer {
    fn capture<'w>(
        writer: &'w mut Option<Self>,
        console: &Console,
    ) -> Outcome<Option<&'w mut CaptureWriter>> {
        if let Some(Self::Planned(path)) = writer {
            let opened = if path.as_os_str() == "-" {
                Self::not_to_a_terminal(console)?;
                CaptureWriter::to(console.raw())
            } else {
                CaptureWriter::create(path).map_err(|error| write_failed(path, error))?
            };
            *writer = Some(Self::Capture(std::mem::take(path), opened));
        }
        match writer {
            Some(Self::Capture(_, writer)) => Ok(Some(writer)),
            Some(Self::Events(..)) => Err(mixed()),
            Some(Self::Planned(_)) | None => Ok(None),
        }
    }

    fn events<'w>(writer: &'w mut Option<Self>, console: &Console) -> Outcome<Option<&'w mut OutFile>> {
        if let Some(Self::Planned(path)) = writer {
            let opened = if path.as_os_str() == "-" {
                OutFile::to(console.raw())
            } else {
                OutFile::create(path).map_err(|error| cannot_write(path, &error))?
            };
            *writer = Some(Self::Events(std::mem::take(path), opened));
        }
        match writer {
            Some(Self::Events(_, writer)) => Ok(Some(writer)),
            Some(Self::Capture(..)) => Err(mixed()),
            Some(Self::Planned(_)) | None => Ok(None),
        }
    }

    fn not_to_a_terminal(console: &Console) -> Outcome<()> {
        if !console.out_is_terminal() {
            return Ok(());
        }
        let finding = Finding::command(codes::USAGE, "a capture is not for terminals");
        Err(finding.help("write it to a file with -w FILE").into())
    }
}

fn mixed() -> Stop {
    usage("one file cannot hold both packets and events; use -w with inputs of one kind")
}

fn write_failed(path: &Path, error: WriteError) -> Stop {
    match error {
        // Only standard output and pipes have readers that go away.
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Stop::Output(error),
        WriteError::Io(error) => cannot_write(path, &error).into(),
        WriteError::Mixed(..) => Finding::whole(
            &Origin::File(path.to_path_buf()),
            codes::CANNOT_WRITE,
            format!("cannot write `{}`: {error}", path.display()),
        )
        .help("use -w with inputs of one format and link type, or once for each input")
        .into(),
    }
}

/// Says what is damaged: every place that was kept, and how many there are in all.
fn damaged(origin: &Origin, reader: &CaptureReader<Bytes>, console: &mut Console) -> Outcome<()> {
    for place in reader.damage() {
        console.report(Finding::whole(origin, codes::DAMAGE, format!("`{origin}` is damaged {place}")))?;
    }
    let more = reader.damage_total().saturating_sub(reader.damage().len() as u64);
    if more > 0 {
        let message =
            format!("`{origin}` is damaged at {} beside these {}", plural(more, "place"), damage::MAX_DAMAGE);
        console.report(Finding::whole(origin, codes::DAMAGE, message))?;
    }
    Ok(())
}

fn bad_line(origin: &Origin, trouble: &Trouble<'_>) -> Finding {
    match trouble {
        Trouble::Line(number, error) => Finding::whole(
            origin,
            codes::BAD_EVENT,
            format!("line {number} of `{origin}` is no event: {error}"),
        ),
        Trouble::Read(error) => cannot_read(origin, error),
    }
}
