//! `divertc attach`: divert what a filter matches, show it, keep it, and send it on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use divert_driver_client::{Event, Filter, Flags, Handle, Layer, Options, Outgoing, system};

use super::plural;
use crate::args::{Forced, MessageFormat, Reading, usage};
use crate::capture::raw_ip::{RawIpWriter, Unit};
use crate::console::{Console, Outcome, Status, Stop};
use crate::live::{self, Ending, failed};
use crate::output;
use crate::pipeline;

/// Divert what a filter matches, show and capture it, and send it on (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc attach 'udp.DstPort == 53' --sniff
  divertc attach web.dvf --priority 100 -w web.pcap --for 60
  divertc attach --layer socket 'event == CONNECT'

A line for each packet or event; --message-format json prints what `eval`
reads. Packets go on after they were shown, unless --drop says otherwise.
Events of flows, sockets and handles are only watched. Captures are raw IP.
Ctrl-C ends it; what waits then goes on into the network.

Exit status: 0 fine, 2 the driver does not do it.")]
pub(crate) struct Attach {
    /// The filter: text, a .dvf or .dvc file, an object, or - for standard input
    #[arg(value_name = "FILTER", allow_hyphen_values = false)]
    arguments: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Who has a higher priority sees packets first; -30000 to 30000
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i16,
    /// Only look: packets go on at once
    #[arg(long, conflicts_with = "drop")]
    sniff: bool,
    /// Do not send on what was diverted
    #[arg(long)]
    drop: bool,
    /// See inbound fragments instead of reassembled packets
    #[arg(long)]
    fragments: bool,
    /// Fail when the driver is not running, instead of starting it
    #[arg(long)]
    no_install: bool,
    /// Write packets to this file, as pcap; - is standard output
    #[arg(short = 'w', long = "write", value_name = "CAPTURE")]
    write: Option<PathBuf>,
    /// Show nothing
    #[arg(short = 'q', long)]
    quiet: bool,
    #[command(flatten)]
    ending: Ending,
}

impl Attach {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let forced = std::mem::take(&mut self.forced);
        let (selection, rest) = forced.one(std::mem::take(&mut self.arguments))?;
        if !rest.is_empty() {
            return Err(usage("attach takes one filter"));
        }
        let json = console.format() == MessageFormat::Json && !self.quiet;
        output::alone(self.write.as_deref(), &[(json, "--message-format json")])?;
        let filter = pipeline::read(selection, &self.reading, self.write.as_deref())?;
        let program = pipeline::compiled(filter, &self.reading, console)?;
        let filter = Filter::from_program(program).map_err(|error| failed(&error.into()))?;
        let options = Options { priority: self.priority, flags: self.flags(filter.layer()), work_limit: 0 };
        let handle = Handle::open(&filter, &options).map_err(|error| failed(&error))?;
        self.follow(&handle, console)
    }

    fn flags(&self, layer: Layer) -> Flags {
        let when = |set: bool, flag: Flags| if set { flag } else { Flags::NONE };
        let watched = !layer.has_packets();
        when(self.sniff || watched, Flags::SNIFF)
            | when(self.sniff || self.drop || watched, Flags::RECV_ONLY)
            | when(self.fragments, Flags::FRAGMENTS)
            | when(self.no_install, Flags::NO_INSTALL)
    }

    fn follow(&self, handle: &Handle, console: &mut Console) -> Outcome {
        let mut capture = Capture::new(self.write.as_deref(), console)?;
        // What is shown would be mixed with what is written.
        let aside = self.write.as_deref().is_some_and(output::is_stdout);
        let back = !handle.flags().has(Flags::RECV_ONLY);
        let (mut batch, mut refused) = (Outgoing::new(), 0);
        let total = live::follow(handle, self.ending, |buffer, left| {
            batch.clear();
            let mut counted = 0;
            for event in buffer.events() {
                // What is more than was asked for goes on unseen.
                if counted < left {
                    counted += 1;
                    capture.put(&event);
                    if !self.quiet {
                        show(&event, aside, console)?;
                    }
                }
                if back && batch.push(event.data, &event.address).is_err() {
                    refused += 1;
                }
            }
            if back && !batch.is_empty() {
                refused += u64::from(handle.send_batch(&batch).map_err(|error| failed(&error))?.failed);
            }
            if !capture.flush() {
                return Err(Stop::Closed(Status::Fine));
            }
            console.flush()?;
            Ok(counted)
        });
        capture.finish()?;
        let total = total?;
        let noun = if handle.layer().has_packets() { "packet" } else { "event" };
        console.remark(plural(total, noun))?;
        if refused > 0 {
            console.remark(format_args!("{} could not be sent on", plural(refused, noun)))?;
        }
        Ok(Status::Fine)
    }
}

fn show(event: &Event<'_>, aside: bool, console: &mut Console) -> Outcome<()> {
    if aside {
        console.remark(live::line(&event.address, event.data))
    } else if console.format() == MessageFormat::Json {
        console.result(format_args!("{}\n", live::event(&event.address, event.data)))
    } else {
        console.result(format_args!("{}\n", live::line(&event.address, event.data)))
    }
}

/// What was diverted, as pcap, or nothing.
struct Capture<'p> {
    writer: Option<(&'p Path, RawIpWriter)>,
    /// The moment that a tick of the performance counter is counted from, in microseconds since 1970, and ticks in a
    /// second.
    origin: (i128, i128),
}

impl<'p> Capture<'p> {
    fn new(path: Option<&'p Path>, console: &mut Console) -> Outcome<Self> {
        let open = |path: &'p Path| {
            let file = output::open(path, Some("a capture"), console)?;
            Outcome::Ok((path, RawIpWriter::new(file, Unit::Microseconds)))
        };
        let writer = path.map(open).transpose()?;
        let (now, frequency) = system::ticks();
        let frequency = i128::from(frequency.max(1));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let origin = i128::try_from(since).unwrap_or(0) - i128::from(now) * 1_000_000 / frequency;
        Ok(Self { writer, origin: (origin, frequency) })
    }

    fn put(&mut self, event: &Event<'_>) {
        let Some((_, writer)) = self.writer.as_mut().filter(|_| !event.data.is_empty()) else { return };
        let (origin, frequency) = self.origin;
        let moment = origin + i128::from(event.address.timestamp) * 1_000_000 / frequency;
        let (seconds, micros) = (moment.div_euclid(1_000_000), moment.rem_euclid(1_000_000));
        writer.put(seconds as u32, micros as u32, event.data);
    }

    /// Lets what was written be seen, where it goes to a stream; whether anybody may still want more.
    fn flush(&mut self) -> bool {
        self.writer.as_mut().is_none_or(|(_, writer)| writer.flush())
    }

    fn finish(self) -> Outcome<()> {
        self.writer.map_or(Ok(()), |(path, writer)| writer.finish(path))
    }
}
