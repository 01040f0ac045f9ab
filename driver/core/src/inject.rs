//! Sending, and putting back what was queued: the bookkeeping of injected packets (reference §6).

use alloc::vec::Vec;

use divert_driver_protocol::{Address, Code, Counter, Data, Flags, Send, Sent, Statistics};
use divert_vm::checksum::{Leave, decrement_ttl, update};
use divert_vm::{Layer, Packet};

use crate::driver::{Driver, HandleId};
use crate::memory::try_copy;
use crate::platform::{Lock, Platform, Shared};
use crate::queue::Queued;
use crate::session::Fixed;
use crate::state::Action;

/// Most bytes of one handle that are in the stack's hands at once; as many as its queue can be set to hold.
pub const MAX_IN_FLIGHT: usize = 33_554_432;

/// What an injected packet costs beside its bytes.
const OVERHEAD: usize = 64;

/// Goes with an injected packet, so that it is offered to lower priorities only when it comes by again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Of the handle that sent it.
    pub(crate) priority: i16,
    /// Whether it was marked as another driver's when it was sent.
    pub(crate) impostor: bool,
}

impl Mark {
    /// As a number that fits where a pointer does; never zero.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        1 << 31 | (self.impostor as u32) << 16 | self.priority.cast_unsigned() as u32
    }

    /// From such a number.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        if raw >> 17 == 1 << 14 {
            Some(Self { priority: (raw as u16).cast_signed(), impostor: raw >> 16 & 1 == 1 })
        } else {
            None
        }
    }
}

/// To be given back when the stack is done with a packet.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    id: HandleId,
    bytes: usize,
    charge: usize,
}

/// A packet for the stack. Its checksums are right, or were to be left alone.
#[derive(Debug)]
pub struct Injection {
    /// The packet.
    pub bytes: Vec<u8>,
    /// NETWORK or NETWORK_FORWARD.
    pub layer: Layer,
    /// Outbound; else inbound.
    pub outbound: bool,
    /// Loopback traffic.
    pub loopback: bool,
    /// Interface.
    pub if_idx: u32,
    /// Sub-interface.
    pub sub_if_idx: u32,
    /// Goes with the packet.
    pub mark: Mark,
    /// To be given back.
    pub ticket: Ticket,
}

/// Length of the packet at the front of `data`, as its IP header has it.
fn first_packet(data: &[u8]) -> Result<usize, Code> {
    let header = match data.first().map(|byte| byte >> 4) {
        Some(4) => 20,
        Some(6) => 40,
        Some(_) => return Err(Code::InvalidParameter),
        None => return Err(Code::InsufficientBuffer),
    };
    if data.len() < header {
        return Err(Code::InsufficientBuffer);
    }
    if let (Some(4), Some([high, low])) = (data.first().map(|byte| byte >> 4), data.get(2..4))
        && usize::from(u16::from_be_bytes([*high, *low])) > data.len()
    {
        return Err(Code::InsufficientBuffer);
    }
    let packet = Packet::parse(data).map_err(|_| Code::InvalidParameter)?;
    if packet.is_truncated() { Err(Code::InsufficientBuffer) } else { Ok(packet.end()) }
}

/// The whole batch makes sense: as many whole packets as records, and nothing behind them.
fn check(batch: &Send<'_>) -> Result<(), Code> {
    let mut rest = batch.data();
    for _ in 0..batch.len() {
        let length = first_packet(rest)?;
        rest = rest.get(length..).ok_or(Code::InsufficientBuffer)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(Code::InvalidParameter) }
}

impl<P: Platform> Driver<P> {
    /// Sends a batch. Nothing is sent when it does not make sense as a whole: code 122 for a packet that is cut short,
    /// 87 for one that is none or for bytes behind the last. After that, a packet that fails does not stop the others.
    ///
    /// # Errors
    /// When the handle cannot send, or as above.
    #[inline(never)]
    pub fn send(&self, id: HandleId, batch: &Send<'_>) -> Result<Sent, Code> {
        let (layer, priority) = self.sender(id)?;
        if let Err(code) = check(batch) {
            self.tally(id, |statistics| statistics.add(Counter::SendRefused, batch.len() as u64));
            return Err(code);
        }
        let mut sent = Sent::default();
        let mut rest = batch.data();
        for address in batch.addresses() {
            let length = first_packet(rest)?;
            let (packet, behind) = rest.split_at_checked(length).ok_or(Code::InsufficientBuffer)?;
            rest = behind;
            match self.send_one(id, layer, priority, &address, packet) {
                Ok(()) => {
                    sent.packets = sent.packets.saturating_add(1);
                    sent.bytes = sent.bytes.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
                }
                Err((counter, code)) => {
                    self.tally(id, |statistics| statistics.count(counter));
                    sent.failed = sent.failed.saturating_add(1);
                    sent.code = sent.code.or(Some(code));
                }
            }
        }
        self.tally(id, |statistics| {
            statistics.add(Counter::Injected, u64::from(sent.packets));
            statistics.add(Counter::InjectedBytes, u64::from(sent.bytes));
        });
        Ok(sent)
    }

    /// Layer and priority of a handle that may send.
    fn sender(&self, id: HandleId) -> Result<(Layer, i16), Code> {
        let (slot, generation) = id.parts();
        self.table.read(|table| {
            let session = table.session(slot, generation).ok_or(Code::InvalidHandle)?;
            session.live.with(|live| live.act(Action::Send))?;
            let fixed = session.fixed.as_ref().ok_or(Code::NotReady)?;
            if !fixed.layer.has_packets() || fixed.flags.has(Flags::RECV_ONLY) {
                return Err(Code::InvalidParameter);
            }
            Ok((fixed.layer, fixed.priority))
        })
    }

    fn send_one(
        &self,
        id: HandleId,
        layer: Layer,
        priority: i16,
        address: &Address,
        packet: &[u8],
    ) -> Result<(), (Counter, Code)> {
        let no_memory = (Counter::SendRefused, Code::NoSystemResources);
        let (if_idx, sub_if_idx) = match address.data {
            Data::Network { if_idx, sub_if_idx } => (if_idx, sub_if_idx),
            Data::Endpoint(_) | Data::Reflect(_) => (0, 0),
        };
        if layer == Layer::Network && !address.outbound && if_idx == 0 {
            return Err((Counter::SendRefused, Code::InvalidParameter));
        }
        let charge = packet.len().saturating_add(OVERHEAD);
        let reserved = self.live(id, |live| {
            let in_flight = live.in_flight.saturating_add(packet.len());
            let fits = in_flight <= MAX_IN_FLIGHT && self.platform.take(charge);
            live.in_flight = if fits { in_flight } else { live.in_flight };
            fits
        });
        match reserved {
            Some(true) => {}
            Some(false) => return Err(no_memory),
            None => return Err((Counter::SendRefused, Code::InvalidHandle)),
        }
        let ticket = Ticket { id, bytes: packet.len(), charge };
        let Ok(mut bytes) = try_copy(packet) else {
            self.settle(ticket);
            return Err(no_memory);
        };
        if address.impostor && !decrement_ttl(&mut bytes) {
            self.settle(ticket);
            return Err((Counter::LoopsBroken, Code::HostUnreachable));
        }
        let injection = prepare(bytes, layer, priority, address, (if_idx, sub_if_idx), ticket);
        self.platform.inject(injection).map_err(|refused| {
            self.settle(refused.ticket);
            (Counter::InjectFailed, Code::NoSystemResources)
        })
    }

    /// Puts a packet back into the stack whose handle has closed; gives what is to be counted.
    pub(crate) fn reinject(&self, id: HandleId, fixed: &Fixed<P>, queued: Queued) -> Counter {
        let address = Address::decode(&queued.record);
        let ticket = Ticket { id, bytes: 0, charge: queued.charge() };
        let interface = match address.data {
            Data::Network { if_idx, sub_if_idx } => (if_idx, sub_if_idx),
            Data::Endpoint(_) | Data::Reflect(_) => (0, 0),
        };
        let injection = prepare(queued.bytes, fixed.layer, fixed.priority, &address, interface, ticket);
        match self.platform.inject(injection) {
            Ok(()) => Counter::Reinjected,
            Err(refused) => {
                self.settle(refused.ticket);
                Counter::InjectFailed
            }
        }
    }

    /// The stack is done with a packet, well or not.
    pub fn injected(&self, ticket: Ticket, well: bool) {
        let id = ticket.id;
        self.settle(ticket);
        if !well {
            self.tally(id, |statistics| statistics.count(Counter::InjectFailed));
        }
    }

    /// Counts for a handle, or for all closed ones when it was closed meanwhile.
    fn tally(&self, id: HandleId, count: impl Fn(&mut Statistics)) {
        if self.live(id, |live| count(&mut live.statistics)).is_none() {
            self.closed.with(count);
        }
    }

    fn settle(&self, ticket: Ticket) {
        let Ticket { id, bytes, charge } = ticket;
        self.platform.give(charge);
        self.live(id, |live| live.in_flight = live.in_flight.saturating_sub(bytes));
    }
}

/// A packet for the stack, with the checksums computed that the address does not call valid.
fn prepare(
    mut bytes: Vec<u8>,
    layer: Layer,
    priority: i16,
    address: &Address,
    (if_idx, sub_if_idx): (u32, u32),
    ticket: Ticket,
) -> Injection {
    let leave = Leave {
        ip: address.ip_checksum,
        tcp: address.tcp_checksum,
        udp: address.udp_checksum,
        // The address says nothing about these: they are the sender's.
        icmp: true,
        icmpv6: true,
    };
    let _ = update(&mut bytes, leave);
    Injection {
        bytes,
        layer,
        outbound: address.outbound,
        loopback: address.loopback,
        if_idx,
        sub_if_idx,
        mark: Mark { priority, impostor: address.impostor },
        ticket,
    }
}
