//! The inputs of a simulation, as one sequence in the order of time.

use std::ffi::OsString;

use divert_driver_core::simulate::Happening;
use divert_driver_core::{Arrival, Origin as From};
use divert_vm::input::Address;
use divert_vm::layer::Layer;
use divert_vm::packet::Packet;

use crate::capture::damage;
use crate::capture::link::{Layer3, network_layer};
use crate::capture::record::{Direction, Record, Timestamp};
use crate::codes;
use crate::console::{Console, Outcome};
use crate::eval::{self, Local, Opened, Source};
use crate::events::Described;
use crate::finding::{Finding, Origin};
use crate::input::cannot_read;

/// What is known of the packets of captures beside their bytes.
pub(super) struct Ways {
    /// Where they are.
    pub(super) layer: Layer,
    /// Which addresses are ours.
    pub(super) local: Option<Local>,
    /// Whether they are inbound where nothing else is known.
    pub(super) inbound: bool,
}

/// Something of an input.
pub(super) struct Item {
    /// When, in units of 100 ns since 1970; 0 where the input does not say.
    pub(super) ticks: i64,
    /// What.
    pub(super) what: What,
}

pub(super) enum What {
    /// A packet.
    Packet(Came),
    /// An event of FLOW or SOCKET.
    Happening(Happening),
    /// A packet that the capture has cut short.
    Short,
    /// An event of REFLECT.
    Reflected,
    /// Anything else.
    Other,
}

/// A packet that comes by.
pub(super) struct Came {
    layer: Layer,
    bytes: Vec<u8>,
    facts: Address,
}

impl Came {
    pub(super) fn arrival(&self) -> Arrival<'_> {
        let Address { outbound, loopback, impostor, if_idx, sub_if_idx, .. } = self.facts;
        let origin = if impostor { From::Impostor } else { From::Stack };
        let arrival = Arrival::network(&self.bytes, outbound);
        Arrival { layer: self.layer, loopback, if_idx, sub_if_idx, origin, ..arrival }
    }
}

/// One input.
struct Input {
    origin: Origin,
    source: Source,
    /// What comes next of it.
    head: Option<Item>,
    ended: bool,
}

/// All inputs.
pub(super) struct Inputs {
    inputs: Vec<Input>,
    ways: Ways,
    bad_lines: bool,
}

impl Inputs {
    /// Opens them.
    ///
    /// # Errors
    /// When one cannot be read or is neither a capture nor events.
    pub(super) fn open(names: &[OsString], ways: Ways) -> Result<Self, Finding> {
        let open = |name: &OsString| {
            let Opened { origin, source, .. } = eval::open(name)?;
            Ok(Input { origin, source, head: None, ended: false })
        };
        Ok(Self { inputs: names.iter().map(open).collect::<Result<_, _>>()?, ways, bad_lines: false })
    }

    pub(super) fn has_captures(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input.source, Source::Capture(_)))
    }

    /// What comes next: of all inputs the earliest, of several the one that was named first. Each is taken in its own
    /// order.
    ///
    /// # Errors
    /// When an input cannot be read. A line that is no event is said and passed over.
    pub(super) fn next(&mut self, console: &mut Console) -> Outcome<Option<Item>> {
        for input in self.inputs.iter_mut().filter(|input| input.head.is_none() && !input.ended) {
            input.head = input.read(&self.ways, &mut self.bad_lines, console)?;
            input.ended = input.head.is_none();
        }
        let heads = self.inputs.iter_mut().filter(|input| input.head.is_some());
        let first = heads.min_by_key(|input| input.head.as_ref().map(|item| item.ticks));
        Ok(first.and_then(|input| input.head.take()))
    }

    /// Says what is damaged; whether anything is.
    pub(super) fn damage(&self, console: &mut Console) -> Outcome<bool> {
        let mut damaged = self.bad_lines;
        for Input { origin, source, .. } in &self.inputs {
            let Source::Capture(reader) = source else { continue };
            for place in reader.damage().iter().take(damage::MAX_DAMAGE) {
                let message = format!("`{origin}` is damaged {place}");
                console.report(Finding::whole(origin, codes::DAMAGE, message))?;
            }
            damaged |= reader.damage_total() > 0;
        }
        Ok(damaged)
    }
}

impl Input {
    fn read(&mut self, ways: &Ways, bad: &mut bool, console: &mut Console) -> Outcome<Option<Item>> {
        let Self { origin, source, .. } = self;
        match source {
            Source::Capture(reader) => Ok(reader.next().map(|record| of_record(&record, ways))),
            Source::Events(reader) => loop {
                let Some(line) = reader.next().map_err(|error| cannot_read(origin, &error))? else {
                    return Ok(None);
                };
                match line.event {
                    Ok(event) => return Ok(Some(of_event(&event, line.packet))),
                    Err(error) => {
                        *bad = true;
                        let message = format!("line {} of `{origin}` is no event: {error}", line.number);
                        console.report(Finding::whole(origin, codes::BAD_EVENT, message))?;
                    }
                }
            },
        }
    }
}

fn of_record(record: &Record<'_>, ways: &Ways) -> Item {
    let nanos = record.timestamp().map_or(0, Timestamp::as_nanos);
    let ticks = i64::try_from(nanos.div_euclid(100)).unwrap_or_default();
    Item { ticks, what: packet_of(record, ticks, ways) }
}

fn packet_of(record: &Record<'_>, timestamp: i64, ways: &Ways) -> What {
    let Layer3::Ip { bytes, direction } = network_layer(record.link, record.bytes) else {
        return What::Other;
    };
    let Ok(packet) = Packet::parse(bytes) else { return What::Other };
    if packet.is_truncated() {
        return What::Short;
    }
    let outbound = match (record.direction.or(direction), &ways.local) {
        (Some(direction), _) => direction == Direction::Outbound,
        (None, Some(local)) => local.sent(&packet),
        (None, None) => !ways.inbound,
    };
    let facts = Address { timestamp, outbound, if_idx: 1, ..Address::default() };
    What::Packet(Came { layer: ways.layer, bytes: packet.content().to_vec(), facts })
}

fn of_event(event: &Described, packet: &[u8]) -> Item {
    let facts = *event.address();
    let (outbound, loopback) = (facts.outbound, facts.loopback);
    let what = match (event.layer(), event.endpoint()) {
        (Layer::Reflect, _) => What::Reflected,
        (_, Some(endpoint)) => {
            What::Happening(Happening { event: event.event(), endpoint: *endpoint, outbound, loopback })
        }
        (layer, None) if event.judge(packet, |_| ()).is_some() => match Packet::parse(packet) {
            Ok(parsed) if parsed.is_truncated() => What::Short,
            Ok(_) => {
                // Every packet of a stack has an interface; 0 is one that the line does not name.
                let facts = Address { if_idx: facts.if_idx.max(1), ..facts };
                What::Packet(Came { layer, bytes: packet.to_vec(), facts })
            }
            Err(_) => What::Other,
        },
        (_, None) => What::Other,
    };
    Item { ticks: facts.timestamp, what }
}
