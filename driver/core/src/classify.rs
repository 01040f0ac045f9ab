//! The data's way: from a packet or an event to a verdict.
//!
//! The handles that could match are asked one after the other. What has to happen outside the locks (copying, asking
//! for memory, completing a receive) happens between two of them: the walk remembers its place by priority and age, so
//! that handles may come and go meanwhile.

use divert_driver_protocol::{Address, Data, Flags};
use divert_vm::input::Address as Facts;
use divert_vm::packet::Version;
use divert_vm::{Endpoint, Event, Input, Layer, Packet};

use crate::driver::{Driver, HandleId};
use crate::inject::Mark;
use crate::needs::class;
use crate::platform::{Lock, Platform, Program, Shared};
use crate::queue::Queued;
use crate::receive::{Filled, put};
use crate::session::{Fixed, Matched, Stored};
use crate::table::Place;

/// What is to be done with a packet or an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// It goes on.
    LetGo,
    /// It is blocked; a packet has been diverted or dropped.
    Block,
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The stack.
    Stack,
    /// This driver; it goes to lower priorities only.
    Injected(Mark),
    /// Another driver injected it.
    Impostor,
}

/// What the stack did to a packet before it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Nothing.
    Whole,
    /// It is a fragment that will be reassembled.
    Fragment,
    /// It was put together from fragments.
    Reassembled,
}

/// A packet that comes by.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// NETWORK or NETWORK_FORWARD; at other layers there are no packets, and what comes goes on.
    pub layer: Layer,
    /// The packet, from its IP header on.
    pub bytes: &'a [u8],
    /// Outbound; else inbound.
    pub outbound: bool,
    /// Loopback traffic.
    pub loopback: bool,
    /// Interface.
    pub if_idx: u32,
    /// Sub-interface.
    pub sub_if_idx: u32,
    /// The IPv4 header checksum is valid.
    pub ip_checksum: bool,
    /// The TCP checksum is valid.
    pub tcp_checksum: bool,
    /// The UDP checksum is valid.
    pub udp_checksum: bool,
    /// What the stack did to it.
    pub seen: Seen,
    /// Where it comes from.
    pub origin: Origin,
}

impl<'a> Arrival<'a> {
    /// An inbound or outbound packet at NETWORK with valid checksums, on interface 1.
    #[must_use]
    pub const fn network(bytes: &'a [u8], outbound: bool) -> Self {
        Self {
            layer: Layer::Network,
            bytes,
            outbound,
            loopback: false,
            if_idx: 1,
            sub_if_idx: 0,
            ip_checksum: true,
            tcp_checksum: true,
            udp_checksum: true,
            seen: Seen::Whole,
            origin: Origin::Stack,
        }
    }
}

/// When a flow or socket came to be, among the openings of handles: those that are opened later do not see its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Born(u64);

impl Born {
    /// As a number, for the context of a flow.
    #[must_use]
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// From such a number.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

/// Something that handles are asked about.
pub(crate) struct Subject<'s, 'a> {
    pub(crate) input: &'s Input<'a>,
    pub(crate) class: usize,
    /// As it will be received, but for `sniffed`.
    pub(crate) record: Address,
    pub(crate) data: &'s [u8],
    /// What happened matters more than the data: without room or memory for them, it is told without.
    pub(crate) bare: bool,
    pub(crate) seen: Seen,
    pub(crate) can_block: bool,
    /// Only those who sniff are asked.
    pub(crate) sniffers: bool,
    /// Handles with a greater serial number do not see it.
    pub(crate) born: u64,
    /// The only handle that is asked, by its slot.
    pub(crate) only: Option<u32>,
    pub(crate) now: i64,
}

impl Subject<'_, '_> {
    /// Whether a handle may see it, whatever its filter says.
    fn concerns<P: Platform>(&self, slot: u32, fixed: &Fixed<P>) -> bool {
        let fragments = match self.seen {
            Seen::Whole => true,
            Seen::Fragment => fixed.flags.has(Flags::FRAGMENTS),
            Seen::Reassembled => !fixed.flags.has(Flags::FRAGMENTS),
        };
        fragments
            && fixed.serial <= self.born
            && self.only.is_none_or(|only| only == slot)
            && (self.can_block || !fixed.flags.has(Flags::DROP))
            && (!self.sniffers || fixed.flags.has(Flags::SNIFF))
    }

    fn record(&self, sniffed: bool) -> [u8; 80] {
        Address { sniffed, ..self.record }.encode()
    }

    /// How many bytes a queue has to have room for at least.
    const fn least(&self) -> usize {
        if self.bare { 0 } else { self.data.len() }
    }
}

/// What the next handle that matches wants.
enum Step<R> {
    /// There is none.
    End,
    /// The packet is gone.
    Blocked,
    /// To put it into this receive.
    HandOver(R, bool),
    /// To store a copy.
    Store(HandleId, bool),
}

impl<P: Platform> Driver<P> {
    /// A packet comes by.
    pub fn packet(&self, arrival: &Arrival<'_>) -> Verdict {
        self.arrived(arrival, false)
    }

    /// A packet comes by that somebody else lets through for good: those who sniff have a copy, and nobody diverts it.
    pub fn sniff(&self, arrival: &Arrival<'_>) {
        let _ = self.arrived(arrival, true);
    }

    fn arrived(&self, arrival: &Arrival<'_>, sniffers: bool) -> Verdict {
        let Arrival { layer, bytes, outbound, loopback, if_idx, sub_if_idx, .. } = *arrival;
        // Loopback packets are outbound only.
        if !layer.has_packets() || (loopback && !outbound) {
            return Verdict::LetGo;
        }
        let Ok(packet) = Packet::parse(bytes) else { return Verdict::LetGo };
        let ipv6 = packet.version() == Version::V6;
        let (impostor, place) = match arrival.origin {
            Origin::Stack => (false, Place::FIRST),
            Origin::Impostor => (true, Place::FIRST),
            Origin::Injected(mark) => (mark.impostor, Place::below(mark.priority)),
        };
        let now = self.platform.ticks();
        let facts = Facts { timestamp: now, outbound, loopback, impostor, if_idx, sub_if_idx };
        let input = match layer {
            Layer::Forward => Input::forward(&packet, &facts),
            Layer::Network | Layer::Flow | Layer::Socket | Layer::Reflect => Input::network(&packet, &facts),
        };
        let record = Address {
            timestamp: now,
            layer: layer.number(),
            event: Event::Packet.number(),
            sniffed: false,
            outbound,
            loopback,
            impostor,
            ipv6,
            ip_checksum: arrival.ip_checksum,
            tcp_checksum: arrival.tcp_checksum,
            udp_checksum: arrival.udp_checksum,
            data: Data::Network { if_idx, sub_if_idx },
        };
        // Fragments are a matter of the way in at NETWORK.
        let seen = if outbound || layer == Layer::Forward { Seen::Whole } else { arrival.seen };
        let class = class(layer, Event::Packet, outbound, ipv6);
        let subject = Subject {
            input: &input,
            class,
            record,
            // What stands behind the packet in its buffer is padding of the link.
            data: packet.content(),
            bare: false,
            seen,
            can_block: true,
            sniffers,
            born: u64::MAX,
            only: None,
            now,
        };
        self.offer(&subject, place)
    }

    /// When something that happens now came to be.
    pub fn born_now(&self) -> Born {
        Born(self.table.read(crate::table::Table::last_serial))
    }

    /// A flow is established. What it gives back belongs to the flow and comes back with its deletion.
    pub fn flow_established(&self, endpoint: &Endpoint, outbound: bool, loopback: bool) -> Born {
        let born = self.born_now();
        let flags = (outbound, loopback);
        let _ = self.endpoint(Layer::Flow, Event::FlowEstablished, endpoint, flags, born, false);
        born
    }

    /// A flow is deleted.
    pub fn flow_deleted(&self, endpoint: &Endpoint, outbound: bool, loopback: bool, born: Born) {
        let _ = self.endpoint(Layer::Flow, Event::FlowDeleted, endpoint, (outbound, loopback), born, false);
    }

    /// Something happens to a socket. `born` is when the socket came to be, where that is known; handles that were
    /// opened later do not see it.
    pub fn socket(
        &self,
        event: Event,
        endpoint: &Endpoint,
        outbound: bool,
        loopback: bool,
        born: Option<Born>,
    ) -> Verdict {
        self.happened(event, endpoint, (outbound, loopback), born, false)
    }

    /// Something happens to a socket that somebody else allows for good: those who sniff are told, and nobody blocks it.
    pub fn sniff_socket(&self, event: Event, endpoint: &Endpoint, outbound: bool, loopback: bool) {
        let _ = self.happened(event, endpoint, (outbound, loopback), None, true);
    }

    fn happened(
        &self,
        event: Event,
        endpoint: &Endpoint,
        flags: (bool, bool),
        born: Option<Born>,
        sniffers: bool,
    ) -> Verdict {
        // What is asked for or announced has neither a peer nor its port yet.
        let unbound = matches!(event, Event::SocketBind | Event::SocketListen);
        let alone = Endpoint { remote_addr: 0, remote_port: 0, ..*endpoint };
        let endpoint = if unbound { &alone } else { endpoint };
        let born = born.unwrap_or(Born(u64::MAX));
        self.endpoint(Layer::Socket, event, endpoint, flags, born, sniffers)
    }

    fn endpoint(
        &self,
        layer: Layer,
        event: Event,
        endpoint: &Endpoint,
        (outbound, loopback): (bool, bool),
        born: Born,
        sniffers: bool,
    ) -> Verdict {
        let now = self.platform.ticks();
        let facts = Facts { timestamp: now, outbound, loopback, ..Facts::default() };
        let input = match layer {
            Layer::Flow => Input::flow(event, endpoint, &facts),
            Layer::Network | Layer::Forward | Layer::Socket | Layer::Reflect => {
                Input::socket(event, endpoint, &facts)
            }
        };
        let Ok(input) = input else { return Verdict::LetGo };
        let record = Address {
            timestamp: now,
            layer: layer.number(),
            event: event.number(),
            outbound,
            loopback,
            ipv6: endpoint.ipv6,
            data: Data::Endpoint(*endpoint),
            ..Address::default()
        };
        let subject = Subject {
            input: &input,
            class: class(layer, event, outbound, endpoint.ipv6),
            record,
            data: &[],
            bare: false,
            seen: Seen::Whole,
            can_block: layer == Layer::Socket && event != Event::SocketClose,
            sniffers,
            born: born.0,
            only: None,
            now,
        };
        self.offer(&subject, Place::FIRST)
    }

    /// Asks the handles after `place`, in order.
    pub(crate) fn offer(&self, subject: &Subject<'_, '_>, mut place: Place) -> Verdict {
        loop {
            let (taken, sniffed) = match self.step(subject, &mut place) {
                Step::End => return Verdict::LetGo,
                Step::Blocked => return Verdict::Block,
                Step::HandOver(receive, sniffed) => {
                    self.hand_over(receive, subject, sniffed);
                    (true, sniffed)
                }
                Step::Store(id, sniffed) => (self.store(id, subject, sniffed), sniffed),
            };
            if taken && !sniffed {
                return Verdict::Block;
            }
        }
    }

    fn step(&self, subject: &Subject<'_, '_>, place: &mut Place) -> Step<P::Receive> {
        self.table.read(|table| {
            for entry in table.after(subject.class, *place) {
                *place = entry.place;
                let Some((generation, session, fixed)) = table.at(entry.slot) else { continue };
                if !subject.concerns(entry.slot, fixed) || !fixed.program.verified().matches(subject.input) {
                    continue;
                }
                let sniffed = fixed.flags.has(Flags::SNIFF) || !subject.can_block;
                let (bytes, least) = (subject.data.len(), subject.least());
                match session.live.with(|live| live.matched(fixed.flags, sniffed, bytes, least)) {
                    Matched::Dropped if !sniffed => return Step::Blocked,
                    Matched::Ignored | Matched::Dropped => {}
                    Matched::HandOver(receive) => return Step::HandOver(receive, sniffed),
                    Matched::Store => {
                        return Step::Store(HandleId::new((entry.slot, generation)), sniffed);
                    }
                }
            }
            Step::End
        })
    }

    /// Stores a copy; false when the handle takes no part any more, and the packet goes on as if it were not there.
    /// Without memory a packet that was to be diverted is lost: who filters must not be bypassed by want of memory.
    // Not inlined: the stack that it takes is not to lie under whoever a receive is completed for.
    #[inline(never)]
    fn store(&self, id: HandleId, subject: &Subject<'_, '_>, sniffed: bool) -> bool {
        let record = subject.record(sniffed);
        let copy = |data| Queued::copy(&self.platform, record, sniffed, subject.now, data);
        let copied = copy(subject.data).or_else(|none| if subject.bare { copy(&[]) } else { Err(none) });
        let Ok(packet) = copied else { return self.store_nothing(id, subject, sniffed) };
        let least = subject.least();
        let mut copy = Some(packet);
        let stored = self.live(id, |live| Some(live.store(&self.platform, copy.take()?, least))).flatten();
        match (stored, copy) {
            (Some(Stored::Done), _) => true,
            (Some(Stored::HandOver(mut receive, packet)), _) => {
                let mut filled = Filled::default();
                self.put_queued(&mut receive, &mut filled, packet);
                self.platform.complete(receive, Ok(filled));
                true
            }
            (Some(Stored::Ignored(packet)), _) | (None, Some(packet)) => {
                self.free(packet);
                false
            }
            (None, None) => false,
        }
    }

    /// There is no memory for a copy: the packet is dropped and counted, unless a receive came in between.
    fn store_nothing(&self, id: HandleId, subject: &Subject<'_, '_>, sniffed: bool) -> bool {
        match self.live(id, |live| live.no_memory(sniffed, subject.data.len())) {
            Some(Matched::HandOver(receive)) => {
                self.hand_over(receive, subject, sniffed);
                true
            }
            Some(Matched::Dropped | Matched::Store) => true,
            Some(Matched::Ignored) | None => false,
        }
    }

    /// Completes a receive that waited.
    fn hand_over(&self, mut receive: P::Receive, subject: &Subject<'_, '_>, sniffed: bool) {
        let mut filled = Filled::default();
        put(&mut receive, &mut filled, &subject.record(sniffed), subject.data);
        self.platform.complete(receive, Ok(filled));
    }
}
