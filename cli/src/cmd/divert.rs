//! `divertc divert --simulate`: several handles over captures and events, as the driver would run them.

mod handles;
mod inputs;
mod report;
mod writer;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use divert_driver_core::Verdict;
use divert_driver_core::simulate::Simulation;
use divert_vm::layer::Layer;

use self::inputs::{Inputs, Item, Ways, What};
use self::writer::Writer;
use crate::args::{DialectName, Once};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{Local, Subnet};
use crate::finding::{Finding, Origin};
use crate::output;

/// Run several handles over captures and events, as the driver would
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc divert --simulate handles.toml capture.pcapng
  divertc divert --simulate handles.toml -w out.pcap --inbound capture.pcap
  divertc divert --simulate handles.toml capture.pcapng sockets.jsonl

HANDLES is a TOML file with a table for each handle:
  [[handle]]
  name = \"slow dns\"            # default: its number
  filter = \"udp.DstPort == 53\" # or a .dvf or .dvc file beside HANDLES
  layer = \"network\"            # default: the filter's own, else network
  priority = 10                # default: 0
  flags = [\"sniff\"]            # sniff, drop, recv-only, send-only, fragments
  action = \"pass\"              # what the program does with its packets: pass,
                               # drop, { ttl = 9 } or { delay-ms = 50 }

Inputs are captures and, where the name ends in .jsonl or the first sign is {,
events of FLOW and SOCKET and packets as lines of JSON. Several are taken as
one, in the order of time; what has no time comes at once. Flows that were
established before the inputs begin are older than the handles, which then do
not see their end. REFLECT handles see the other handles open, and close at the
end.

What comes out is written as raw IP. A program receives at once, so that its
queue never overflows here. Packets that the capture has cut short are left out.

Exit status: 0 fine, 2 a handle is refused or an input is damaged.")]
pub(crate) struct Divert {
    /// The handles
    #[arg(long, value_name = "HANDLES", required = true)]
    simulate: PathBuf,
    /// Captures and events; - is standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<OsString>,
    /// A JSON object for each handle, then one that sums up
    #[arg(long)]
    json: bool,
    /// Write what comes out to this file, as pcap; - is standard output
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

/// What went in and came out.
#[derive(Default)]
struct Counts {
    /// All that was read.
    records: u64,
    /// Packets.
    ip: u64,
    /// Of these: cut short by the capture.
    short: u64,
    /// Packets that came out.
    out: u64,
    /// Events of FLOW and SOCKET.
    events: u64,
    /// Of these: blocked.
    blocked: u64,
    /// Events of REFLECT, which are left out.
    reflected: u64,
}

impl Divert {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        self.check()?;
        let handles = handles::read(&self.simulate, self.dialect, self.write.as_deref(), console)?;
        let origin = Origin::File(self.simulate.clone());
        let has = |layer| handles.iter().any(|handle| handle.layer == layer);
        let layer = if has(Layer::Forward) { Layer::Forward } else { Layer::Network };
        let mixed = has(Layer::Forward) && has(Layer::Network);
        let names: Vec<String> = handles.iter().map(|handle| handle.name.clone()).collect();
        let simulation = Simulation::new(handles);
        let mut simulation = simulation.map_err(|(number, refusal)| {
            let name = names.get(number).map_or("", String::as_str);
            let message = format!("the driver refuses handle `{name}`: {refusal}");
            Stop::from(Finding::whole(&origin, codes::HANDLES, message))
        })?;
        let ways = Ways { layer, local: Local::new(&self.local), inbound: self.inbound };
        let mut inputs = Inputs::open(&self.inputs, ways)?;
        if mixed && inputs.has_captures() {
            let message = format!("`{origin}` has handles at NETWORK and at NETWORK_FORWARD");
            let finding = Finding::whole(&origin, codes::HANDLES, message);
            return Err(finding
                .help("a packet of a capture is at one of them; simulate one at a time")
                .into());
        }
        let mut writer = Writer::new(self.write.as_deref(), console)?;
        let mut counts = Counts::default();
        while let Some(item) = inputs.next(console)? {
            step(&item, &mut simulation, &mut counts, &mut writer);
        }
        simulation.finish(&mut |output| writer.put(&output, &mut counts));
        writer.finish()?;
        self.report(&simulation, &counts, console)?;
        Ok(if inputs.damage(console)? { Status::Failed } else { Status::Fine })
    }

    /// Refuses what cannot be done before anything is read.
    fn check(&self) -> Outcome<()> {
        let mut stdin = Once::default();
        self.inputs.iter().try_for_each(|name| stdin.take_input(name))?;
        let written = self.write.as_deref();
        output::alone(written, &[(self.json, "--json")])?;
        if let Some(path) = written {
            let inputs = self.inputs.iter().map(Path::new);
            output::apart(path, inputs.chain([self.simulate.as_path()]))?;
        }
        Ok(())
    }
}

/// Something of the inputs happens.
fn step(item: &Item, simulation: &mut Simulation, counts: &mut Counts, writer: &mut Writer<'_>) {
    counts.records += 1;
    match &item.what {
        What::Packet(came) => {
            counts.ip += 1;
            let source = counts.records;
            let mut out = |output: divert_driver_core::simulate::Output<'_>| writer.put(&output, counts);
            simulation.packet(item.ticks, source, &came.arrival(), &mut out);
        }
        What::Happening(happening) => {
            let mut out = |output: divert_driver_core::simulate::Output<'_>| writer.put(&output, counts);
            let verdict = simulation.event(item.ticks, happening, &mut out);
            counts.events += 1;
            counts.blocked += u64::from(verdict == Verdict::Block);
        }
        What::Short => {
            counts.ip += 1;
            counts.short += 1;
        }
        What::Reflected => counts.reflected += 1,
        What::Other => {}
    }
}
