//! A simulated stack: several handles, each with a small program behind it, over a sequence of packets and events, so
//! that a set of filters and priorities can be tried before it is near a machine.
//!
//! The driver is the real one on the [host platform](crate::host). What it injects comes by again as in a stack, what
//! nobody blocks comes out. Each handle's program receives at once and does one thing with every packet; queues
//! therefore stay short, and what a slow program would lose does not show.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::string::String;
use std::vec::Vec;

use divert_driver_protocol::{Address, Counter, Flags, Open, Send, Statistics};
use divert_vm::packet::{Version, ipv4, ipv6};
use divert_vm::{Endpoint, Event, Layer, Packet};

use crate::classify::{Arrival, Born, Origin, Seen, Verdict};
use crate::driver::{Driver, HandleId};
use crate::error::Refusal;
use crate::host::{FREQUENCY, Host, HostReceive};
use crate::inject::Injection;
use crate::receive::Answer;

/// Ticks in a millisecond of the simulation.
pub const TICKS_PER_MS: i64 = FREQUENCY as i64 / 1000;

/// What the program behind a handle does with every packet that it receives and that was not merely copied to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends it as it is.
    Pass,
    /// Forgets it.
    Drop,
    /// Sets time to live or hop limit, and sends it.
    TimeToLive(u8),
    /// Sends it after so many milliseconds.
    Delay(u32),
}

/// A handle to be simulated.
#[derive(Clone, Debug)]
pub struct Handle {
    /// What people call it.
    pub name: String,
    /// Its layer.
    pub layer: Layer,
    /// Its priority.
    pub priority: i16,
    /// Its flags.
    pub flags: Flags,
    /// Its program.
    pub program: Vec<u8>,
    /// What is done with its packets.
    pub action: Action,
}

/// What the program behind a handle did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    /// Copies and events that it looked at.
    pub looked_at: u64,
    /// Packets sent, changed or not.
    pub sent: u64,
    /// Packets forgotten.
    pub forgotten: u64,
    /// Packets that could not be sent, such as by a handle that is `RECV_ONLY`; they are lost.
    pub refused: u64,
}

/// A packet that leaves the simulated stack.
#[derive(Debug)]
pub struct Output<'a> {
    /// The number that was given to the packet when it came in.
    pub source: u64,
    /// When it leaves, in ticks.
    pub ticks: i64,
    /// The packet.
    pub bytes: &'a [u8],
    /// Outbound; else inbound.
    pub outbound: bool,
}

/// Something happens to a flow or a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// What; nothing comes of it at another layer than FLOW and SOCKET.
    pub event: Event,
    /// To what.
    pub endpoint: Endpoint,
    /// Outbound; else inbound.
    pub outbound: bool,
    /// Loopback traffic.
    pub loopback: bool,
}

/// What makes a flow the same: identifier and version, protocol, addresses, ports.
#[derive(PartialEq, Eq, Hash)]
struct Flow((u64, bool, u8), (u128, u16), (u128, u16));

impl Flow {
    const fn of(endpoint: &Endpoint) -> Self {
        Self(
            (endpoint.endpoint_id, endpoint.ipv6, endpoint.protocol),
            (endpoint.local_addr, endpoint.local_port),
            (endpoint.remote_addr, endpoint.remote_port),
        )
    }
}

struct Running {
    spec: Handle,
    id: HandleId,
    tally: Tally,
    /// Its counters, once it is closed.
    last: Option<Statistics>,
}

/// A packet on its way through the stack.
struct Travelling {
    source: u64,
    injection: Injection,
}

/// A packet that waits to be sent.
struct Delayed {
    source: u64,
    handle: usize,
    address: Address,
    bytes: Vec<u8>,
}

/// The simulated stack.
pub struct Simulation {
    driver: Driver<Host>,
    handles: Vec<Running>,
    travelling: VecDeque<Travelling>,
    /// By the time at which they are due, then by number.
    delayed: BTreeMap<(i64, u64), Delayed>,
    delays: u64,
    /// Those that are established.
    flows: HashMap<Flow, Born>,
    now: i64,
}

impl Simulation {
    /// Opens the handles in their order.
    ///
    /// # Errors
    /// The number of the handle that is refused, and why.
    pub fn new(handles: Vec<Handle>) -> Result<Self, (usize, Refusal)> {
        let driver = Driver::new(Host::default());
        let mut running = Vec::new();
        for (number, spec) in handles.into_iter().enumerate() {
            let opened = driver.create().map_err(Refusal::State).and_then(|id| {
                let request = Open {
                    layer: spec.layer,
                    priority: spec.priority,
                    flags: spec.flags,
                    work_limit: 0,
                    program: &spec.program,
                };
                driver.open(id, 0, &request).map(|_| id)
            });
            match opened {
                Ok(id) => running.push(Running { spec, id, tally: Tally::default(), last: None }),
                Err(refusal) => return Err((number, refusal)),
            }
        }
        let mut simulation = Self {
            driver,
            handles: running,
            travelling: VecDeque::new(),
            delayed: BTreeMap::new(),
            delays: 0,
            flows: HashMap::new(),
            now: i64::MIN,
        };
        // The inputs may begin long after this.
        simulation.look();
        Ok(simulation)
    }

    /// A packet comes in at this time; what was delayed until then leaves first. Time that goes back stands still.
    pub fn packet(
        &mut self,
        ticks: i64,
        source: u64,
        arrival: &Arrival<'_>,
        out: &mut impl FnMut(Output<'_>),
    ) {
        self.advance(ticks, out);
        self.offer(source, arrival, out);
        self.settle(source, out);
    }

    /// Something happens to a flow or a socket at this time; what was delayed until then leaves first. A flow that is
    /// deleted and was not established here is older than the handles, which do not see it.
    pub fn event(&mut self, ticks: i64, happening: &Happening, out: &mut impl FnMut(Output<'_>)) -> Verdict {
        self.advance(ticks, out);
        let Happening { event, endpoint, outbound, loopback } = happening;
        let mut verdict = Verdict::LetGo;
        if *event == Event::FlowEstablished {
            let born = self.driver.flow_established(endpoint, *outbound, *loopback);
            self.flows.insert(Flow::of(endpoint), born);
        } else if *event == Event::FlowDeleted {
            let born = self.flows.remove(&Flow::of(endpoint)).unwrap_or(Born::from_raw(0));
            self.driver.flow_deleted(endpoint, *outbound, *loopback, born);
        } else {
            verdict = self.driver.socket(*event, endpoint, *outbound, *loopback, None);
        }
        self.look();
        verdict
    }

    /// Lets all delays pass, then closes the handles in their order, so that REFLECT handles, which stay, see it.
    pub fn finish(&mut self, out: &mut impl FnMut(Output<'_>)) {
        self.advance(i64::MAX, out);
        self.look();
        for number in 0..self.handles.len() {
            let Some(running) = self.handles.get_mut(number) else { break };
            if running.spec.layer != Layer::Reflect && running.last.is_none() {
                running.last = self.driver.statistics(running.id).ok();
                let _ = self.driver.close(running.id);
                self.look();
            }
        }
    }

    /// The handles with the driver's counters and what their programs did.
    pub fn report(&self) -> impl Iterator<Item = (&Handle, Statistics, Tally)> {
        self.handles.iter().map(|running| {
            let now = || self.driver.statistics(running.id).unwrap_or_default();
            let statistics = running.last.unwrap_or_else(now);
            (&running.spec, statistics, running.tally)
        })
    }

    fn set(&mut self, ticks: i64) {
        self.now = self.now.max(ticks);
        self.driver.platform().set_ticks(self.now);
    }

    /// Sends what is due until then, each at its time.
    fn advance(&mut self, ticks: i64, out: &mut impl FnMut(Output<'_>)) {
        while let Some(next) = self.delayed.first_entry().filter(|next| next.key().0 <= ticks) {
            let ((due, _), delayed) = next.remove_entry();
            self.set(due);
            let Delayed { source, handle, address, bytes } = delayed;
            self.send(handle, source, &address, &bytes);
            self.settle(source, out);
        }
        if ticks != i64::MAX {
            self.set(ticks);
        }
    }

    fn offer(&self, source: u64, arrival: &Arrival<'_>, out: &mut impl FnMut(Output<'_>)) {
        if self.driver.packet(arrival) == Verdict::LetGo {
            out(Output { source, ticks: self.now, bytes: arrival.bytes, outbound: arrival.outbound });
        }
    }

    /// Runs the programs and the stack until nothing moves. Every packet goes down in priority: it ends.
    fn settle(&mut self, source: u64, out: &mut impl FnMut(Output<'_>)) {
        self.act(source);
        while let Some(Travelling { source, injection }) = self.travelling.pop_front() {
            let Injection { bytes, layer, outbound, loopback, if_idx, sub_if_idx, mark, ticket } = injection;
            let arrival = Arrival {
                layer,
                bytes: &bytes,
                outbound,
                loopback,
                if_idx,
                sub_if_idx,
                ip_checksum: true,
                tcp_checksum: true,
                udp_checksum: true,
                seen: Seen::Whole,
                origin: Origin::Injected(mark),
            };
            self.offer(source, &arrival, out);
            self.driver.injected(ticket, true);
            self.act(source);
        }
    }

    /// Every program receives what there is.
    fn look(&mut self) {
        self.act(0);
    }

    fn act(&mut self, source: u64) {
        for number in 0..self.handles.len() {
            while let Some((address, bytes)) = self.receive(number) {
                let Some(running) = self.handles.get_mut(number) else { break };
                if address.sniffed || !running.spec.layer.has_packets() {
                    running.tally.looked_at = running.tally.looked_at.saturating_add(1);
                    continue;
                }
                match running.spec.action {
                    Action::Drop => running.tally.forgotten = running.tally.forgotten.saturating_add(1),
                    Action::Pass => self.send(number, source, &address, &bytes),
                    Action::TimeToLive(ttl) => {
                        let (address, bytes) = with_ttl(address, bytes, ttl);
                        self.send(number, source, &address, &bytes);
                    }
                    Action::Delay(milliseconds) => {
                        let wait = i64::from(milliseconds).saturating_mul(TICKS_PER_MS);
                        self.delays = self.delays.saturating_add(1);
                        let delayed = Delayed { source, handle: number, address, bytes };
                        self.delayed.insert((self.now.saturating_add(wait), self.delays), delayed);
                    }
                }
            }
        }
    }

    fn receive(&self, number: usize) -> Option<(Address, Vec<u8>)> {
        let running = self.handles.get(number)?;
        if self.driver.statistics(running.id).ok()?.get(Counter::QueueLength) == 0 {
            return None;
        }
        let largest = divert_vm::limits::MAX_PACKET;
        match self.driver.receive(running.id, HostReceive::new(0, 1, largest)) {
            Answer::Complete(receive, Ok(filled)) => {
                let address = receive.addresses().first().map(Address::decode)?;
                Some((address, receive.data().get(..filled.bytes)?.to_vec()))
            }
            Answer::Complete(_, Err(_)) => None,
            Answer::Pended => {
                let _ = self.driver.cancel(running.id, 0);
                None
            }
        }
    }

    fn send(&mut self, number: usize, source: u64, address: &Address, bytes: &[u8]) {
        let Some(running) = self.handles.get_mut(number) else { return };
        let record = [address.encode()];
        let sent = Send::new(&record, bytes).ok().and_then(|batch| self.driver.send(running.id, &batch).ok());
        if sent.is_some_and(|sent| sent.packets > 0) {
            running.tally.sent = running.tally.sent.saturating_add(1);
        } else {
            running.tally.refused = running.tally.refused.saturating_add(1);
        }
        while let Some(injection) = self.driver.platform().take_injected() {
            self.travelling.push_back(Travelling { source, injection });
        }
    }
}

/// The packet with another time to live; its IPv4 checksum is to be computed anew.
fn with_ttl(address: Address, mut bytes: Vec<u8>, ttl: u8) -> (Address, Vec<u8>) {
    let place = match Packet::parse(&bytes).map(|packet| packet.version()) {
        Ok(Version::V4) => ipv4::TTL,
        Ok(Version::V6) => ipv6::HOP_LIMIT,
        Err(_) => return (address, bytes),
    };
    if let Some(byte) = bytes.get_mut(place) {
        *byte = ttl;
    }
    (Address { ip_checksum: false, ..address }, bytes)
}
