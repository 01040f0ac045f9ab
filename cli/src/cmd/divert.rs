//! `divertc divert --simulate`: several handles over a capture, as the driver would run them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use divert_driver_core::Arrival;
use divert_driver_core::simulate::{Action, Handle, Output, Simulation};
use divert_driver_protocol::{Counter, Flags};
use divert_vm::layer::Layer;
use divert_vm::packet::Packet;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::plural;
use crate::args::{DialectName, LayerName, Reading, Selection};
use crate::capture::damage;
use crate::capture::link::{Layer3, network_layer};
use crate::capture::record::{Direction, Record, Timestamp};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Bytes, Local, Source, Subnet};
use crate::finding::{Finding, Origin};
use crate::input;
use crate::output::{OutFile, cannot_write};
use crate::pipeline;

/// Run several handles over a capture, as the driver would
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc divert --simulate handles.toml capture.pcapng
  divertc divert --simulate handles.toml -w out.pcap --inbound capture.pcap

HANDLES is a TOML file with a table for each handle:
  [[handle]]
  name = \"slow dns\"            # default: its number
  filter = \"udp.DstPort == 53\" # or a .dvf or .dvc file beside HANDLES
  layer = \"network\"            # default: the filter's own, else network
  priority = 10                # default: 0
  flags = [\"sniff\"]            # sniff, drop, recv-only, send-only, fragments
  action = \"pass\"              # what the program does with its packets: pass,
                               # drop, { ttl = 9 } or { delay-ms = 50 }

What comes out is written as raw IP. A program receives at once, so that its
queue never overflows here. Packets that the capture has cut short are left out.

Exit status: 0 fine, 2 a handle is refused or the input is damaged.")]
pub(crate) struct Divert {
    /// The handles
    #[arg(long, value_name = "HANDLES", required = true)]
    simulate: PathBuf,
    /// The capture; - is standard input
    #[arg(value_name = "CAPTURE")]
    capture: OsString,
    /// A JSON object for each handle, then one that sums up
    #[arg(long)]
    json: bool,
    /// Write what comes out to this file, as pcap
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    write: Option<PathBuf>,
    /// Addresses of the machine that captured; may be repeated
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    local: Vec<Subnet>,
    /// Take packets as inbound where nothing else is known
    #[arg(long)]
    inbound: bool,
    /// The language that texts are written in
    #[arg(long, value_name = "DIALECT", value_enum, default_value_t = DialectName::Extended)]
    dialect: DialectName,
}

/// The file of handles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handles {
    #[serde(default)]
    handle: Vec<Described>,
}

/// One of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: Option<String>,
    filter: String,
    layer: Option<LayerWord>,
    #[serde(default)]
    priority: i16,
    #[serde(default)]
    flags: Vec<FlagWord>,
    #[serde(default)]
    action: ActionWord,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LayerWord {
    Network,
    Forward,
    Flow,
    Socket,
    Reflect,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FlagWord {
    Sniff,
    Drop,
    RecvOnly,
    SendOnly,
    Fragments,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionWord {
    #[default]
    Pass,
    Drop,
    Ttl(u8),
    DelayMs(u32),
}

/// What went in and came out.
#[derive(Default)]
struct Counts {
    records: u64,
    ip: u64,
    short: u64,
    out: u64,
}

impl Divert {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let handles = self.handles(console)?;
        let layer = if handles.iter().any(|handle| handle.layer == Layer::Forward) {
            Layer::Forward
        } else {
            Layer::Network
        };
        let mixed = layer == Layer::Forward && handles.iter().any(|handle| handle.layer == Layer::Network);
        let origin = Origin::File(self.simulate.clone());
        if mixed {
            let message = format!("`{origin}` has handles at NETWORK and at NETWORK_FORWARD");
            let finding = Finding::whole(&origin, codes::HANDLES, message);
            return Err(finding
                .help("a packet of a capture is at one of them; simulate one at a time")
                .into());
        }
        let names: Vec<String> = handles.iter().map(|handle| handle.name.clone()).collect();
        let mut simulation = Simulation::new(handles).map_err(|(number, refusal)| {
            let name = names.get(number).map_or("", String::as_str);
            let message = format!("the driver refuses handle `{name}`: {refusal}");
            Stop::from(Finding::whole(&origin, codes::HANDLES, message))
        })?;
        let opened = eval::open(&self.capture)?;
        let Source::Capture(mut reader) = opened.source else {
            let message = format!("`{}` holds events; simulations run over captures", opened.origin);
            return Err(Finding::whole(&opened.origin, codes::NOT_CAPTURE, message).into());
        };
        let mut writer = Writer::new(self.write.as_deref())?;
        let mut counts = Counts::default();
        let local = Local::new(&self.local);
        while let Some(record) = reader.next() {
            self.step(&record, layer, local.as_ref(), &mut simulation, &mut counts, &mut writer);
        }
        simulation.finish(&mut |output| writer.put(&output, &mut counts));
        writer.finish(self.write.as_deref())?;
        self.report(&simulation, &counts, console)?;
        let damaged = damage_of(&opened.origin, &reader, console)?;
        Ok(if damaged { Status::Failed } else { Status::Fine })
    }

    /// Reads and compiles the handles.
    fn handles(&self, console: &mut Console) -> Outcome<Vec<Handle>> {
        let origin = Origin::File(self.simulate.clone());
        let wrong = |message: String| Stop::from(Finding::whole(&origin, codes::HANDLES, message));
        let bytes = input::read_file(&self.simulate)?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(format!("`{origin}` is not UTF-8 text")))?;
        let file: Handles = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text.get(..span.start).unwrap_or_default().matches('\n').count());
            wrong(format!("`{origin}` does not describe handles: line {line}: {}", error.message()))
        })?;
        let folder = self.simulate.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut handles = Vec::new();
        for (number, described) in file.handle.into_iter().enumerate() {
            let selection = match Selection::of(described.filter.into())? {
                Selection::File(path) => Selection::File(folder.join(path)),
                Selection::Bytecode(path) => Selection::Bytecode(folder.join(path)),
                Selection::Stdin => return Err(wrong(format!("handle {number} has no filter"))),
                other @ Selection::Text(_) => other,
            };
            let filter = input::read(selection)?;
            let filter_origin = filter.origin.clone();
            let reading = Reading { layer: described.layer.map(LayerWord::name), dialect: self.dialect };
            let program = pipeline::compiled(filter, &reading, console)?;
            let limit = divert_vm::limits::USER_WORK;
            let layer = pipeline::program(&filter_origin, &program, &reading, limit)?.program().layer();
            handles.push(Handle {
                name: described.name.unwrap_or_else(|| number.to_string()),
                layer,
                priority: described.priority,
                flags: described.flags.into_iter().fold(Flags::NONE, |all, flag| all | flag.flag()),
                program,
                action: described.action.action(),
            });
        }
        Ok(handles)
    }

    fn step(
        &self,
        record: &Record<'_>,
        layer: Layer,
        local: Option<&Local>,
        simulation: &mut Simulation,
        counts: &mut Counts,
        writer: &mut Writer,
    ) {
        counts.records += 1;
        let Layer3::Ip { bytes, direction } = network_layer(record.link, record.bytes) else { return };
        let Ok(packet) = Packet::parse(bytes) else { return };
        counts.ip += 1;
        if packet.is_truncated() {
            counts.short += 1;
            return;
        }
        let outbound = match (record.direction.or(direction), local) {
            (Some(direction), _) => direction == Direction::Outbound,
            (None, Some(local)) => local.sent(&packet),
            (None, None) => !self.inbound,
        };
        let nanos = record.timestamp().map_or(0, Timestamp::as_nanos);
        let ticks = i64::try_from(nanos.div_euclid(100)).unwrap_or_default();
        let arrival = Arrival { layer, ..Arrival::network(packet.content(), outbound) };
        let mut out = |output: Output<'_>| writer.put(&output, counts);
        simulation.packet(ticks, record.index, &arrival, &mut out);
    }

    fn report(&self, simulation: &Simulation, counts: &Counts, console: &mut Console) -> Outcome<()> {
        let aside = self.write.as_ref().is_some_and(|path| path.as_os_str() == "-");
        let mut lines = String::new();
        for (handle, statistics, tally) in simulation.report() {
            let driver = Counter::ALL.into_iter().filter(|counter| !counter.is_level());
            let mut shown: Vec<(&str, u64)> =
                driver.map(|counter| (counter.name(), statistics.get(counter))).collect();
            shown.extend([
                ("program: looked at", tally.looked_at),
                ("program: sent", tally.sent),
                ("program: forgotten", tally.forgotten),
                ("program: could not send", tally.refused),
            ]);
            if self.json {
                let counters: Map<String, Value> =
                    shown.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
                let line = json!({
                    "handle": handle.name,
                    "layer": handle.layer.name(),
                    "priority": handle.priority,
                    "flags": handle.flags.bits(),
                    "counters": counters,
                });
                lines.push_str(&format!("{line}\n"));
            } else {
                lines.push_str(&format!(
                    "handle `{}`, {}, priority {}\n",
                    handle.name,
                    handle.layer.name(),
                    handle.priority
                ));
                for (name, value) in shown.into_iter().filter(|(_, value)| *value > 0) {
                    lines.push_str(&format!("  {name}: {value}\n"));
                }
            }
        }
        let Counts { records, ip, short, out } = *counts;
        if self.json {
            let summary = json!({"summary": {"records": records, "ip": ip, "short": short, "out": out}});
            lines.push_str(&format!("{summary}\n"));
        } else {
            lines.push_str(&format!("{} in, {out} out\n", plural(ip - short, "packet")));
        }
        if short > 0 && !self.json {
            console.remark(format_args!("{} cut short by the capture left out", plural(short, "packet")))?;
        }
        if aside { console.remark(lines.trim_end()) } else { console.result(lines) }
    }
}

impl LayerWord {
    const fn name(self) -> LayerName {
        match self {
            Self::Network => LayerName::Network,
            Self::Forward => LayerName::Forward,
            Self::Flow => LayerName::Flow,
            Self::Socket => LayerName::Socket,
            Self::Reflect => LayerName::Reflect,
        }
    }
}

impl FlagWord {
    const fn flag(self) -> Flags {
        match self {
            Self::Sniff => Flags::SNIFF,
            Self::Drop => Flags::DROP,
            Self::RecvOnly => Flags::RECV_ONLY,
            Self::SendOnly => Flags::SEND_ONLY,
            Self::Fragments => Flags::FRAGMENTS,
        }
    }
}

impl ActionWord {
    const fn action(self) -> Action {
        match self {
            Self::Pass => Action::Pass,
            Self::Drop => Action::Drop,
            Self::Ttl(ttl) => Action::TimeToLive(ttl),
            Self::DelayMs(milliseconds) => Action::Delay(milliseconds),
        }
    }
}

/// A pcap file with raw IP and nanoseconds, or nothing.
struct Writer {
    file: Option<OutFile>,
    failed: Option<std::io::Error>,
}

impl Writer {
    fn new(path: Option<&Path>) -> Outcome<Self> {
        let mut writer = Self { file: None, failed: None };
        if let Some(path) = path {
            let file = if path.as_os_str() == "-" {
                Ok(OutFile::to(Box::new(std::io::stdout())))
            } else {
                OutFile::create(path)
            };
            writer.file = Some(file.map_err(|error| cannot_write(path, &error))?);
        }
        for word in [0xA1B2_3C4D, 0x0004_0002, 0, 0, 65_575, 101_u32] {
            writer.bytes(&word.to_le_bytes());
        }
        Ok(writer)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(file) = self.file.as_mut().filter(|_| self.failed.is_none()) {
            self.failed = file.write(bytes).err();
        }
    }

    fn put(&mut self, output: &Output<'_>, counts: &mut Counts) {
        counts.out += 1;
        let second = 10_000_000;
        // pcap has 32 bits for either.
        let (seconds, ticks) = (output.ticks.div_euclid(second), output.ticks.rem_euclid(second));
        let length = output.bytes.len() as u32;
        for word in [seconds as u32, ticks as u32 * 100, length, length] {
            self.bytes(&word.to_le_bytes());
        }
        self.bytes(output.bytes);
    }

    fn finish(self, path: Option<&Path>) -> Outcome<()> {
        let ended = match (self.failed, self.file) {
            (Some(error), _) => Err(error),
            (None, Some(file)) => file.finish(),
            (None, None) => Ok(()),
        };
        ended.map_err(|error| cannot_write(path.unwrap_or(Path::new("-")), &error).into())
    }
}

/// Says what is damaged, if anything.
fn damage_of(
    origin: &Origin,
    reader: &crate::capture::CaptureReader<Bytes>,
    console: &mut Console,
) -> Outcome<bool> {
    for place in reader.damage().iter().take(damage::MAX_DAMAGE) {
        console.report(Finding::whole(origin, codes::DAMAGE, format!("`{origin}` is damaged {place}")))?;
    }
    Ok(reader.damage_total() > 0)
}
