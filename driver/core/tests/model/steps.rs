//! What can happen.

use divert_driver_core::Seen;
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Address, Data, Parameter};
use divert_vm::{Event, Layer};
use proptest::prelude::*;

pub(crate) const HANDLES: usize = 6;

/// What a filter means: a number (identification or process) and the address record tell.
pub(crate) type Meaning = fn(u32, &Address) -> bool;

/// Filters by layer.
pub(crate) const FILTERS: [(Layer, &str, Meaning); 18] = [
    (Layer::Network, "true", |_, _| true),
    (Layer::Network, "true", |_, _| true),
    (Layer::Network, "ip.Id & 1 == 1", |id, _| id % 2 == 1),
    (Layer::Network, "inbound or ip.Id & 2 == 2", |id, address| !address.outbound || id & 2 == 2),
    (Layer::Network, "impostor", |_, address| address.impostor),
    (Layer::Network, "ipv6", |_, _| false),
    (Layer::Forward, "true", |_, _| true),
    (Layer::Forward, "ip.Id & 1 == 1 and not (impostor)", |id, address| id % 2 == 1 && !address.impostor),
    (Layer::Flow, "true", |_, _| true),
    (Layer::Flow, "event == DELETED", |_, address| address.event == 2),
    (Layer::Flow, "processId & 1 == 1", |process, _| process % 2 == 1),
    (Layer::Socket, "true", |_, _| true),
    (Layer::Socket, "event == CONNECT or event == CLOSE", |_, address| matches!(address.event, 4 | 7)),
    (Layer::Socket, "remotePort == 0 and processId & 1 == 1", |process, address| {
        matches!(address.event, 3 | 5) && process % 2 == 1
    }),
    (Layer::Reflect, "true", |_, _| true),
    (Layer::Reflect, "event == OPEN", |_, address| address.event == 8),
    (Layer::Reflect, "layer == NETWORK", |_, address| reflected(address).0 == 0),
    (Layer::Reflect, "priority > 0", |_, address| reflected(address).1 > 0),
];

fn reflected(address: &Address) -> (u32, i16) {
    match address.data {
        Data::Reflect(handle) => (handle.layer, handle.priority),
        Data::Network { .. } | Data::Endpoint(_) => panic!("a handle"),
    }
}

pub(crate) const PRIORITIES: [i16; 3] = [-7, 0, 7];

/// Flags that a handle of this layer may have.
pub(crate) const fn flags(layer: Layer) -> &'static [u64] {
    match layer {
        Layer::Network | Layer::Forward => &[0, 0, 1, 2, 4, 8, 1 | 4, 2 | 8, 0x20],
        Layer::Flow | Layer::Reflect => &[5],
        Layer::Socket => &[4, 5, 6],
    }
}

const SIZES: [usize; 4] = [0, 100, 20_000, 40_000];
pub(crate) const SOCKET_EVENTS: [Event; 5] =
    [Event::SocketBind, Event::SocketConnect, Event::SocketListen, Event::SocketAccept, Event::SocketClose];

/// A packet that comes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comes {
    pub(crate) forward: bool,
    pub(crate) payload: usize,
    pub(crate) outbound: bool,
    pub(crate) loopback: bool,
    pub(crate) impostor: bool,
    pub(crate) seen: Seen,
    pub(crate) ttl: u8,
    pub(crate) if_idx: u32,
    /// Bytes behind the packet in its buffer.
    pub(crate) padding: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Open {
        at: usize,
        filter: usize,
        priority: usize,
        flags: usize,
    },
    Close(usize),
    Packet(Comes),
    Flow(u32),
    /// One of the flows ends.
    FlowEnds(usize),
    Socket {
        event: usize,
        process: u32,
        /// Whether it is known that the socket came to be before the youngest handle.
        older: bool,
    },
    /// The oldest packet in the stack's hands comes by again, or leaves unseen; the stack is not done with it yet.
    Deliver {
        again: bool,
    },
    /// The stack is done with a packet.
    Settle {
        well: bool,
    },
    Receive {
        at: usize,
        addresses: usize,
        data: usize,
    },
    Cancel {
        at: usize,
        number: usize,
    },
    /// Sends the oldest packets that were received there; the last one may be cut short.
    Send {
        at: usize,
        most: usize,
        cut: bool,
    },
    Shutdown(usize, How),
    Set(usize, Parameter, u64),
    /// Milliseconds pass.
    Pass(i64),
    /// The next askings for memory are refused.
    RefuseMemory(u32),
    /// The stack refuses packets from now on, or takes them.
    RefuseInjections(bool),
}

fn comes() -> impl Strategy<Value = Comes> {
    let seen = prop_oneof![6 => Just(Seen::Whole), 1 => Just(Seen::Fragment), 1 => Just(Seen::Reassembled)];
    let ttl = prop_oneof![6 => Just(64_u8), 1 => Just(2), 1 => Just(1)];
    let flag = |often| proptest::bool::weighted(often);
    let sizes = proptest::sample::select(SIZES.as_slice());
    let facts = (flag(0.2), sizes, flag(0.7), flag(0.1), flag(0.15));
    (facts, seen, ttl, flag(0.8), prop_oneof![4 => Just(0_usize), 1 => Just(6)]).prop_map(
        |((forward, payload, outbound, loopback, impostor), seen, ttl, interface, padding)| Comes {
            forward,
            payload,
            outbound,
            loopback,
            impostor,
            seen,
            ttl,
            if_idx: u32::from(interface),
            padding,
        },
    )
}

fn setting() -> impl Strategy<Value = (Parameter, u64)> {
    let limits = vec![
        (Parameter::QueueLength, 32),
        (Parameter::QueueLength, 33),
        (Parameter::QueueLength, 31),
        (Parameter::QueueSize, 65_535),
        (Parameter::QueueSize, 100_000),
        (Parameter::QueueSize, 1),
        (Parameter::QueueTime, 100),
        (Parameter::QueueTime, 99),
        (Parameter::VersionMajor, 2),
    ];
    proptest::sample::select(limits)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let at = 0..HANDLES;
    let how = prop_oneof![Just(How::Receive), Just(How::Send), Just(How::Both)];
    let rooms = prop_oneof![Just(0_usize), Just(50), Just(156), Just(40_056), Just(70_000)];
    prop_oneof![
        8 => (at.clone(), 0..FILTERS.len(), 0..PRIORITIES.len(), 0_usize..18)
            .prop_map(|(at, filter, priority, flags)| Step::Open { at, filter, priority, flags }),
        3 => at.clone().prop_map(Step::Close),
        24 => comes().prop_map(Step::Packet),
        3 => (0_u32..4).prop_map(Step::Flow),
        2 => (0_usize..3).prop_map(Step::FlowEnds),
        5 => (0..SOCKET_EVENTS.len(), 0_u32..4, any::<bool>())
            .prop_map(|(event, process, older)| Step::Socket { event, process, older }),
        10 => proptest::bool::weighted(0.9).prop_map(|again| Step::Deliver { again }),
        4 => proptest::bool::weighted(0.8).prop_map(|well| Step::Settle { well }),
        14 => (at.clone(), 1_usize..5, rooms)
            .prop_map(|(at, addresses, data)| Step::Receive { at, addresses, data }),
        2 => (at.clone(), 0_usize..3).prop_map(|(at, number)| Step::Cancel { at, number }),
        9 => (at.clone(), 1_usize..4, proptest::bool::weighted(0.1))
            .prop_map(|(at, most, cut)| Step::Send { at, most, cut }),
        1 => (at.clone(), how).prop_map(|(at, how)| Step::Shutdown(at, how)),
        3 => (at, setting()).prop_map(|(at, (parameter, value))| Step::Set(at, parameter, value)),
        4 => prop_oneof![0_i64..120, Just(50), Just(100), Just(2000)].prop_map(Step::Pass),
        1 => (1_u32..3).prop_map(Step::RefuseMemory),
        1 => any::<bool>().prop_map(Step::RefuseInjections),
    ]
}
