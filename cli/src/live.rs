//! What the commands that talk to the driver have in common.

use std::time::{Duration, Instant};

use clap::Args;
use divert_compiler::analysis::{Content, Witness};
use divert_driver_client::{
    Address, Buffer, Code, Data, Endpoint, Error, EventKind, Filter, Flags, Handle, Layer, Options, Reflect,
    system,
};
use divert_vm::input::{Address as Facts, Reflected};
use divert_vm::packet::Packet;
use serde_json::{Value, json};

use crate::brief::{Ends, Flow};
use crate::codes;
use crate::console::{Outcome, Stop};
use crate::finding::Finding;
use crate::{flags, found};

/// How long a look at the driver waits for one more event.
const GLANCE: Duration = Duration::from_millis(50);
/// How often a command that waits looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);

/// When a command that watches ends by itself.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Ending {
    /// End after this many
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
}

/// The finding that the driver did not do something.
pub(crate) fn failed(error: &Error) -> Stop {
    let finding = Finding::command(codes::DRIVER, error.to_string());
    let help = match error.code() {
        2 => "`divert64.sys` must lie in the folder of `divertc`",
        5 => "run this as administrator",
        577 => "the system takes signed drivers only; see driver/kernel/README.md for test signing",
        1060 => "it starts with the first program that uses it",
        _ => return finding.into(),
    };
    finding.help(help).into()
}

/// A handle, as REFLECT tells of it.
pub(crate) struct Seen {
    pub(crate) kind: EventKind,
    pub(crate) handle: Reflect,
    pub(crate) object: String,
}

impl Seen {
    /// What an event of a REFLECT handle tells.
    pub(crate) fn of(address: &Address, data: &[u8]) -> Option<Self> {
        let Data::Reflect(handle) = address.data else { return None };
        let kind = EventKind::from_number(address.event)?;
        Some(Self { kind, handle, object: String::from_utf8_lossy(data).into_owned() })
    }

    fn layer(&self) -> Option<Layer> {
        layer_of(&self.handle)
    }

    /// The filter as text; the object where that is not to be had.
    pub(crate) fn filter(&self) -> String {
        let filter = self.layer().and_then(|layer| Filter::compile(&self.object, layer).ok());
        let text = filter.and_then(|filter| filter.text().ok());
        let text = text.unwrap_or_else(|| self.object.clone());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Two lines about it.
    pub(crate) fn lines(&self) -> String {
        let Reflect { process_id, priority, flags, .. } = self.handle;
        let layer = self.layer().map_or("?", Layer::name);
        let program = program(process_id).unwrap_or_else(|| "?".to_owned());
        let flags = flags::names(Flags::from_bits(flags)).join(" ");
        let flags = if flags.is_empty() { flags } else { format!("  [{flags}]") };
        format!("{process_id:>6}  {layer:<15}  {priority:>6}  {program}{flags}\n        {}\n", self.filter())
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "event": self.kind.name(),
            "processId": self.handle.process_id,
            "program": program(self.handle.process_id),
            "layer": self.layer().map(Layer::name),
            "priority": self.handle.priority,
            "flags": flags::names(Flags::from_bits(self.handle.flags)),
            "timestamp": self.handle.timestamp,
            "filter": self.filter(),
            "object": self.object,
        })
    }
}

fn program(process_id: u32) -> Option<String> {
    system::program(process_id).ok().map(|path| path.display().to_string())
}

/// The layer of a handle.
fn layer_of(handle: &Reflect) -> Option<Layer> {
    Layer::from_number(u8::try_from(handle.layer).ok()?)
}

/// A handle that is told of all others.
///
/// # Errors
/// What the driver says.
pub(crate) fn watching(install: bool) -> Result<Handle, Error> {
    let filter = Filter::compile("true", Layer::Reflect)?;
    let quiet = if install { Flags::NONE } else { Flags::NO_INSTALL };
    let options = Options { flags: Flags::SNIFF | Flags::RECV_ONLY | quiet, ..Options::default() };
    Handle::open(&filter, &options)
}

/// All handles that are open now.
pub(crate) fn open_handles() -> Outcome<Vec<Seen>> {
    match watching(false) {
        Ok(handle) => glance(&handle),
        // Without a driver there are none.
        Err(error) if error.is(Code::ServiceDoesNotExist) => Ok(Vec::new()),
        Err(error) => Err(failed(&error)),
    }
}

/// All handles that are open now, as one that has just been opened is told of them.
pub(crate) fn glance(handle: &Handle) -> Outcome<Vec<Seen>> {
    let mut found: Vec<Seen> = Vec::new();
    let mut buffer = batch()?;
    loop {
        let mut pending = handle.receive_later(buffer).map_err(|error| failed(&error))?;
        if !pending.wait(GLANCE) {
            pending.cancel();
        }
        let (back, ended) = pending.finish();
        buffer = back;
        match ended {
            Err(error) if error.is(Code::OperationAborted) => return Ok(found),
            ended => ended.map_err(|error| failed(&error))?,
        }
        for event in buffer.events() {
            let Some(seen) = Seen::of(&event.address, event.data) else { continue };
            if seen.kind == EventKind::ReflectClose {
                let gone = |one: &Seen| one.handle == seen.handle;
                if let Some(at) = found.iter().position(gone) {
                    found.remove(at);
                }
            } else {
                found.push(seen);
            }
        }
    }
}

/// Room for many events with their objects.
pub(crate) fn batch() -> Outcome<Buffer> {
    Buffer::for_batch(64, 1 << 20).map_err(|error| failed(&Error::Request(error)))
}

/// Receives until it is time to end; `each` says how many events it counts and whether to go on.
pub(crate) fn follow(
    handle: &Handle,
    ending: Ending,
    mut each: impl FnMut(&Buffer, u64) -> Outcome<u64>,
) -> Outcome<u64> {
    let until = ending.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut buffer = batch()?;
    let mut left = ending.count.unwrap_or(u64::MAX);
    let mut total = 0;
    system::hear_interrupts();
    while left > 0 {
        let mut pending = handle.receive_later(buffer).map_err(|error| failed(&error))?;
        while !pending.wait(TICK) {
            if system::interrupted() || until.is_some_and(|until| Instant::now() >= until) {
                left = 0;
                pending.cancel();
                break;
            }
        }
        let (back, ended) = pending.finish();
        buffer = back;
        match ended {
            Err(error) if error.is(Code::OperationAborted) || error.is(Code::NoData) => break,
            ended => ended.map_err(|error| failed(&error))?,
        }
        let counted = each(&buffer, left)?;
        total += counted;
        left = left.saturating_sub(counted);
    }
    Ok(total)
}

/// One line about a packet or event.
pub(crate) fn line(address: &Address, data: &[u8]) -> String {
    let way = if address.outbound { "out" } else { "in " };
    match &address.data {
        Data::Network { if_idx, .. } => match Packet::parse(data) {
            Ok(packet) => format!("{way} if {if_idx}  {}", Flow(&packet)),
            Err(_) => format!("{way} if {if_idx}  {} bytes", data.len()),
        },
        Data::Endpoint(end) => {
            let event = EventKind::from_number(address.event).map_or("?", EventKind::name);
            format!("{event:<11}  {way}  {}", Ends(&Endpoint { ipv6: address.ipv6, ..*end }))
        }
        Data::Reflect(_) => Seen::of(address, data).map_or_else(String::new, |seen| {
            format!("{}  {}", seen.kind.name(), seen.lines().split_whitespace().collect::<Vec<_>>().join(" "))
        }),
    }
}

/// A packet or event in the form that `eval` reads; of a handle also its flags and when it was opened.
pub(crate) fn event(address: &Address, data: &[u8]) -> Value {
    let (if_idx, sub_if_idx) = match address.data {
        Data::Network { if_idx, sub_if_idx } => (if_idx, sub_if_idx),
        Data::Endpoint(_) | Data::Reflect(_) => (0, 0),
    };
    let content = match &address.data {
        Data::Network { .. } => Content::Packet(data.to_vec()),
        // Whether it is IPv6 stands in the record.
        Data::Endpoint(end) => Content::Endpoint(Endpoint { ipv6: address.ipv6, ..*end }),
        Data::Reflect(handle) => Content::Reflected(Reflected {
            process_id: handle.process_id,
            layer: layer_of(handle).unwrap_or(Layer::Network),
            priority: handle.priority,
        }),
    };
    let Address { timestamp, outbound, loopback, impostor, .. } = *address;
    let witness = Witness {
        layer: Layer::from_number(address.layer).unwrap_or(Layer::Network),
        event: EventKind::from_number(address.event).unwrap_or(EventKind::Packet),
        address: Facts { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx },
        content,
    };
    let mut line = found::event(&witness);
    if let (Data::Reflect(handle), Some(members)) =
        (&address.data, line.pointer_mut("/addr/reflect").and_then(Value::as_object_mut))
    {
        members.insert("layer".to_owned(), handle.layer.into());
        members.insert("timestamp".to_owned(), handle.timestamp.into());
        members.insert("flags".to_owned(), handle.flags.into());
    }
    line
}

#[cfg(test)]
mod tests {
    use divert_fuzz::{Case, Source};

    use super::*;
    use crate::events::EventReader;
    use crate::properties::keys;

    /// What the driver says of a case.
    fn address(case: &Case) -> Address {
        let Witness { layer, event, address, content } = case.clone().into();
        let (ipv6, data) = match content {
            Content::Packet(bytes) => {
                let data = Data::Network { if_idx: address.if_idx, sub_if_idx: address.sub_if_idx };
                (bytes.first().is_some_and(|first| first >> 4 == 6), data)
            }
            Content::Endpoint(end) => (end.ipv6, Data::Endpoint(Endpoint { ipv6: false, ..end })),
            Content::Reflected(handle) => {
                let Reflected { process_id, layer, priority } = handle;
                let layer = u32::from(layer.number());
                (false, Data::Reflect(Reflect { timestamp: 5, process_id, layer, flags: 9, priority }))
            }
        };
        let Facts { timestamp, outbound, loopback, impostor, .. } = address;
        let (layer, event) = (layer.number(), event.number());
        Address { timestamp, layer, event, outbound, loopback, impostor, ipv6, data, ..Address::default() }
    }

    #[test]
    fn what_is_shown_is_what_eval_reads() {
        for seed in 0..500 {
            let mut source = Source::seeded(seed);
            let layer = source.pick(&Layer::ALL);
            let mut case = Case::any(&mut source, layer);
            // Other layers have no place for an interface.
            if let Case::Endpoint(_, _, _, address) | Case::Reflected(_, _, address) = &mut case {
                (address.if_idx, address.sub_if_idx) = (0, 0);
            }
            let address = address(&case);
            let bytes = match &case {
                Case::Packet(_, bytes, _) => bytes.as_slice(),
                Case::Endpoint(..) | Case::Reflected(..) => &[],
            };
            let line = event(&address, bytes).to_string();
            let mut reader = EventReader::new(line.as_bytes());
            let read = reader.next().unwrap().unwrap();
            let described = read.event.unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(described.judge(read.packet, keys), case.with(keys), "{line}");
            assert!(layer != Layer::Reflect || line.contains("\"flags\":9"), "{line}");
        }
    }

    #[test]
    fn lines_are_those_of_eval() {
        let mut address = Address { outbound: true, ..Address::default() };
        let packet =
            [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x10, 0, 0, 53, 0, 8, 0, 0];
        assert_eq!(line(&address, &packet), "out if 0  10.0.0.1:4096 -> 10.0.0.2:53  UDP  28 bytes");
        assert_eq!(line(&address, b"?"), "out if 0  1 bytes");
        let v4 = |last: u128| 0xFFFF_0A00_0000 + last;
        let end = Endpoint { local_addr: v4(1), remote_addr: v4(2), remote_port: 53, ..Endpoint::default() };
        let end = Endpoint { protocol: 17, process_id: 4, ..end };
        (address.layer, address.event) = (Layer::Socket.number(), EventKind::SocketConnect.number());
        address.data = Data::Endpoint(end);
        let shown = line(&address, &[]);
        assert_eq!(shown, "CONNECT      out  10.0.0.1:0 - 10.0.0.2:53  UDP  process 4");
    }
}
