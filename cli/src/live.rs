//! What the commands that talk to the driver have in common.

use std::time::{Duration, Instant};

use clap::Args;
use divert_driver_client::{
    Address, Buffer, Code, Data, Error, EventKind, Filter, Flags, Handle, Layer, Options, Reflect, system,
};
use divert_vm::address::Ipv6;
use divert_vm::packet::{Packet, Protocol, Version};
use serde_json::{Value, json};

use crate::codes;
use crate::console::{Outcome, Stop};
use crate::finding::Finding;

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
        Layer::from_number(u8::try_from(self.handle.layer).ok()?)
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
        let flags = flag_names(Flags::from_bits(flags)).join(" ");
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
            "flags": flag_names(Flags::from_bits(self.handle.flags)),
            "timestamp": self.handle.timestamp,
            "filter": self.filter(),
            "object": self.object,
        })
    }
}

fn program(process_id: u32) -> Option<String> {
    system::program(process_id).ok().map(|path| path.display().to_string())
}

/// Names of the flags that are set.
pub(crate) fn flag_names(flags: Flags) -> Vec<&'static str> {
    let known = [
        (Flags::SNIFF, "sniff"),
        (Flags::DROP, "drop"),
        (Flags::RECV_ONLY, "recv-only"),
        (Flags::SEND_ONLY, "send-only"),
        (Flags::NO_INSTALL, "no-install"),
        (Flags::FRAGMENTS, "fragments"),
    ];
    known.into_iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| name).collect()
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
        Data::Network { if_idx, .. } => format!("{way} if {if_idx}  {}", packet(data)),
        Data::Endpoint(end) => {
            let event = EventKind::from_number(address.event).map_or("?", EventKind::name);
            let (local, remote) = (Ipv6(end.local_addr), Ipv6(end.remote_addr));
            format!(
                "{event:<11}  {way}  process {}  protocol {}  {local} port {}  {remote} port {}",
                end.process_id, end.protocol, end.local_port, end.remote_port
            )
        }
        Data::Reflect(_) => Seen::of(address, data).map_or_else(String::new, |seen| {
            format!("{}  {}", seen.kind.name(), seen.lines().split_whitespace().collect::<Vec<_>>().join(" "))
        }),
    }
}

fn packet(bytes: &[u8]) -> String {
    let Ok(packet) = Packet::parse(bytes) else { return format!("{} bytes", bytes.len()) };
    let addresses = match packet.version() {
        Version::V4 => bytes.get(12..20).map(|found| found.split_at(4)),
        Version::V6 => bytes.get(8..40).map(|found| found.split_at(16)),
    };
    let shown = |bytes: &[u8]| match bytes {
        [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        long => {
            long.first_chunk().map_or_else(String::new, |all| Ipv6(u128::from_be_bytes(*all)).to_string())
        }
    };
    let (from, to) = addresses.map_or_else(Default::default, |(from, to)| (shown(from), shown(to)));
    let transport = packet.transport();
    let at = transport.offset as usize;
    let port = |at: usize| {
        bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u16::from_be_bytes(*word))
    };
    let payload = packet.end().saturating_sub(transport.payload as usize);
    match transport.kind {
        Protocol::Tcp | Protocol::Udp => {
            let name = if transport.kind == Protocol::Tcp { "TCP" } else { "UDP" };
            format!("{name} {from} port {} > {to} port {}, {payload} bytes", port(at), port(at + 2))
        }
        Protocol::Icmp | Protocol::Icmpv6 => {
            let name = if transport.kind == Protocol::Icmp { "ICMP" } else { "ICMPv6" };
            format!("{name} {from} > {to}, type {}", bytes.get(at).copied().unwrap_or(0))
        }
        Protocol::Other => format!("protocol {} {from} > {to}, {payload} bytes", transport.number),
    }
}

/// A packet or event in the form that `eval` reads.
pub(crate) fn event(address: &Address, data: &[u8]) -> Value {
    let mut addr = json!({
        "layer": address.layer,
        "event": address.event,
        "timestamp": address.timestamp,
        "outbound": address.outbound,
        "loopback": address.loopback,
        "impostor": address.impostor,
        "ipv6": address.ipv6,
    });
    let words = |number: u128| {
        json!([number as u32, (number >> 32) as u32, (number >> 64) as u32, (number >> 96) as u32])
    };
    let mut put = |name: &str, value: Value| {
        if let Some(members) = addr.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    match &address.data {
        Data::Network { if_idx, sub_if_idx } => {
            put("ifIdx", json!(if_idx));
            put("subIfIdx", json!(sub_if_idx));
        }
        Data::Endpoint(end) => put(
            if address.layer == Layer::Flow.number() { "flow" } else { "socket" },
            json!({
                "endpointId": end.endpoint_id,
                "parentEndpointId": end.parent_endpoint_id,
                "processId": end.process_id,
                "localAddr": words(end.local_addr),
                "remoteAddr": words(end.remote_addr),
                "localPort": end.local_port,
                "remotePort": end.remote_port,
                "protocol": end.protocol,
            }),
        ),
        Data::Reflect(handle) => put(
            "reflect",
            json!({
                "timestamp": handle.timestamp,
                "processId": handle.process_id,
                "layer": handle.layer,
                "flags": handle.flags,
                "priority": handle.priority,
            }),
        ),
    }
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    let packet = matches!(address.data, Data::Network { .. }).then_some(hex);
    json!({"packet": packet, "addr": addr})
}
