//! What the harness asks for, and the answers.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use divert_testbed_model::Rule;
pub use divert_testbed_model::arbiter::Fate;
use divert_testbed_model::layer::Kind;

use crate::report::Report;
use crate::wire::{Malformed, Wire, choice, members};

/// Whose hands a packet went through before it comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Hands {
    /// Nobody's: it is the stack's.
    #[default]
    None,
    /// Another driver injected it.
    Other,
}

/// A list of packets that comes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// INBOUND_IPPACKET, OUTBOUND_IPPACKET or IPFORWARD; the version follows from the first packet.
    pub kind: Kind,
    /// `FWP_CONDITION_FLAG_` bits.
    pub flags: u32,
    /// Interface; at IPFORWARD the one where it came from.
    pub interface: u32,
    /// Its sub-interface.
    pub sub_interface: u32,
    /// The checksum entry of the list's information.
    pub checksum: u32,
    /// Who injected it.
    pub hands: Hands,
    /// Bytes in each memory descriptor; 0: all in one.
    pub split: u16,
    /// Unused bytes in the chain before each packet.
    pub before: u16,
    /// Another list is chained to it: a fragment group.
    pub chained: bool,
    /// The packets.
    pub buffers: Vec<Vec<u8>>,
}

impl Packet {
    /// A list of one packet, in one piece, of interface 5 and its sub-interface 6, that nobody injected.
    #[must_use]
    pub fn one(kind: Kind, packet: Vec<u8>) -> Self {
        Self {
            kind,
            flags: 0,
            interface: 5,
            sub_interface: 6,
            checksum: 0,
            hands: Hands::None,
            split: 0,
            before: 0,
            chained: false,
            buffers: vec![packet],
        }
    }
}

/// A socket or flow event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// One of the ALE layers.
    pub kind: Kind,
    /// IPv6; else addresses are IPv4 in the low 32 bits.
    pub ipv6: bool,
    /// `FWP_CONDITION_FLAG_` bits.
    pub flags: u32,
    /// Outbound, where the layer has a direction.
    pub outbound: bool,
    /// Local address, as a number.
    pub local: u128,
    /// Remote address, as a number.
    pub remote: u128,
    /// Local port.
    pub local_port: u16,
    /// Remote port.
    pub remote_port: u16,
    /// Protocol.
    pub protocol: u8,
    /// Process.
    pub process: u64,
    /// Endpoint.
    pub endpoint: u64,
    /// Endpoint from which it was made.
    pub parent: u64,
}

/// When the stack is done with what was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Completion {
    /// Within the call.
    #[default]
    Now,
    /// On another thread, at once.
    Thread,
    /// On another thread, a while later.
    Delayed,
    /// On another thread, several at once, the last first.
    Reversed,
}

/// How the stack behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When it is done.
    pub completion: Completion,
    /// Milliseconds of the delay; of a reversal: how long it is waited for more.
    pub delay: u32,
    /// Whether outcomes are kept; else they are counted only.
    pub keep: bool,
    /// Bytes in each memory descriptor of what was injected and comes by again; 0: all in one.
    pub split: u16,
    /// Whether the threads that cancel requests are ending.
    pub ending: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { completion: Completion::Now, delay: 0, keep: true, split: 0, ending: false }
    }
}

/// What shall fail, once, after so many successes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing more.
    None,
    /// An allocation of the client.
    Memory(u64),
    /// A call of the engine, with a status.
    Engine(u64, i32),
    /// An injection is refused with a status.
    Injection(u64, i32),
    /// An injection is accepted and ends with a status.
    Completion(u64, i32),
}

/// A callout of another driver, in a sublayer of its own, that decides about all that comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its layer.
    pub kind: Kind,
    /// For IPv6; else for IPv4.
    pub ipv6: bool,
    /// Weight of its sublayer: the higher the earlier.
    pub weight: u16,
    /// What it decides.
    pub fate: Fate,
    /// Whether for good.
    pub hard: bool,
}

/// Many classifications by threads of the double's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blast {
    /// Threads at once.
    pub threads: u32,
    /// Lists for each thread.
    pub count: u32,
    /// What comes by, in turn.
    pub packets: Vec<Packet>,
}

/// What became of a blast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Blasted {
    /// Time from the first to the last, in hundreds of nanoseconds.
    pub time: u64,
    /// How many lists went on.
    pub permitted: u64,
    /// How many did not.
    pub blocked: u64,
}

/// How a packet got where it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It came by and went on.
    Passed,
    /// The client injected it.
    Injected,
}

/// A packet that left the filtering platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Towards the host, towards the network, or forwarded.
    pub kind: Kind,
    /// How it got there.
    pub how: How,
    /// Interface.
    pub interface: u32,
    /// Sub-interface.
    pub sub_interface: u32,
    /// The checksum entry of the list's information.
    pub checksum: u32,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// What the harness asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Nothing.
    Ping,
    /// These come by, one after the other; answered by [`Reply::Fates`].
    Packets(Vec<Packet>),
    /// An event; answered by [`Reply::Event`].
    Event(Event),
    /// A flow ends.
    FlowEnd(u64),
    /// Takes the oldest outcomes, up to so many; answered by [`Reply::Outcomes`].
    Outcomes(u32),
    /// Waits until the stack has nothing more to do.
    Settle,
    /// How the stack behaves from now on.
    Set(Settings),
    /// What shall fail.
    Fail(Failure),
    /// Many classifications; answered by [`Reply::Blasted`].
    Blast(Blast),
    /// What was seen so far; answered by [`Reply::Report`].
    Report,
    /// Forgets what was found.
    Forget,
    /// The double breaks a rule itself, as a bad client would.
    Misuse(Rule),
    /// The callouts of other drivers from now on.
    Others(Vec<Other>),
    /// These bytes, answered by [`Reply::Echo`].
    Echo(Vec<u8>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// What became of each list.
    Fates(Vec<Fate>),
    /// What became of an event, and the flow's number where it is one.
    Event(Fate, u64),
    /// Packets that left, and whether there are more.
    Outcomes(Vec<Outcome>, bool),
    /// What became of a blast.
    Blasted(Blasted),
    /// What was seen.
    Report(Box<Report>),
    /// The request cannot be served: it is malformed, or there is no such thing.
    Refused,
    /// The bytes.
    Echo(Vec<u8>),
}

choice!(Hands { None, Other });
choice!(Completion { Now, Thread, Delayed, Reversed });
choice!(How { Passed, Injected });
members!(Packet { kind, flags, interface, sub_interface, checksum, hands, split, before, chained, buffers });
members!(Event {
    kind,
    ipv6,
    flags,
    outbound,
    local,
    remote,
    local_port,
    remote_port,
    protocol,
    process,
    endpoint,
    parent
});
members!(Settings { completion, delay, keep, split, ending });
members!(Other { kind, ipv6, weight, fate, hard });
members!(Blast { threads, count, packets });
members!(Blasted { time, permitted, blocked });
members!(Outcome { kind, how, interface, sub_interface, checksum, bytes });

impl Wire for Kind {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(*self as u8);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Self::from_number(u8::get(from)?).ok_or(Malformed)
    }
}

impl Wire for Rule {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(*self as u8);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Self::from_number(u8::get(from)?).ok_or(Malformed)
    }
}

impl Wire for Fate {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(match self {
            Self::Permitted => 0,
            Self::Blocked => 1,
            Self::Absorbed => 2,
        });
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::get(from)? {
            0 => Ok(Self::Permitted),
            1 => Ok(Self::Blocked),
            2 => Ok(Self::Absorbed),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Failure {
    fn put(&self, to: &mut Vec<u8>) {
        let (number, after, status) = match *self {
            Self::None => (0_u8, 0, 0),
            Self::Memory(after) => (1, after, 0),
            Self::Engine(after, status) => (2, after, status),
            Self::Injection(after, status) => (3, after, status),
            Self::Completion(after, status) => (4, after, status),
        };
        number.put(to);
        after.put(to);
        status.put(to);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let (number, after, status) = (u8::get(from)?, u64::get(from)?, i32::get(from)?);
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Memory(after)),
            2 => Ok(Self::Engine(after, status)),
            3 => Ok(Self::Injection(after, status)),
            4 => Ok(Self::Completion(after, status)),
            _ => Err(Malformed),
        }
    }
}

/// A whole message: what was read, and nothing behind it.
fn whole<T>(bytes: &[u8], read: impl FnOnce(&mut &[u8]) -> Result<T, Malformed>) -> Result<T, Malformed> {
    let mut rest = bytes;
    let value = read(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(Malformed) }
}

impl Request {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        match self {
            Self::Ping => to.push(0),
            Self::Packets(packets) => {
                to.push(1);
                packets.put(&mut to);
            }
            Self::Event(event) => {
                to.push(2);
                event.put(&mut to);
            }
            Self::FlowEnd(flow) => {
                to.push(3);
                flow.put(&mut to);
            }
            Self::Outcomes(most) => {
                to.push(4);
                most.put(&mut to);
            }
            Self::Settle => to.push(5),
            Self::Set(settings) => {
                to.push(6);
                settings.put(&mut to);
            }
            Self::Fail(failure) => {
                to.push(7);
                failure.put(&mut to);
            }
            Self::Blast(blast) => {
                to.push(8);
                blast.put(&mut to);
            }
            Self::Report => to.push(9),
            Self::Forget => to.push(10),
            Self::Misuse(rule) => {
                to.push(11);
                rule.put(&mut to);
            }
            Self::Others(others) => {
                to.push(12);
                others.put(&mut to);
            }
            Self::Echo(bytes) => {
                to.push(13);
                to.extend_from_slice(bytes);
            }
        }
        to
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no request.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        whole(bytes, |from| match u8::get(from)? {
            0 => Ok(Self::Ping),
            1 => Ok(Self::Packets(Wire::get(from)?)),
            2 => Ok(Self::Event(Wire::get(from)?)),
            3 => Ok(Self::FlowEnd(Wire::get(from)?)),
            4 => Ok(Self::Outcomes(Wire::get(from)?)),
            5 => Ok(Self::Settle),
            6 => Ok(Self::Set(Wire::get(from)?)),
            7 => Ok(Self::Fail(Wire::get(from)?)),
            8 => Ok(Self::Blast(Wire::get(from)?)),
            9 => Ok(Self::Report),
            10 => Ok(Self::Forget),
            11 => Ok(Self::Misuse(Wire::get(from)?)),
            12 => Ok(Self::Others(Wire::get(from)?)),
            // To the end, in one piece: it is for measuring.
            13 => Ok(Self::Echo(core::mem::take(from).to_vec())),
            _ => Err(Malformed),
        })
    }
}

impl Reply {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        match self {
            Self::Done => to.push(0),
            Self::Fates(fates) => {
                to.push(1);
                fates.put(&mut to);
            }
            Self::Event(fate, flow) => {
                to.push(2);
                fate.put(&mut to);
                flow.put(&mut to);
            }
            Self::Outcomes(outcomes, more) => {
                to.push(3);
                outcomes.put(&mut to);
                more.put(&mut to);
            }
            Self::Blasted(blasted) => {
                to.push(4);
                blasted.put(&mut to);
            }
            Self::Report(report) => {
                to.push(5);
                report.put(&mut to);
            }
            Self::Refused => to.push(6),
            Self::Echo(bytes) => {
                to.push(7);
                to.extend_from_slice(bytes);
            }
        }
        to
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no reply.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        whole(bytes, |from| match u8::get(from)? {
            0 => Ok(Self::Done),
            1 => Ok(Self::Fates(Wire::get(from)?)),
            2 => Ok(Self::Event(Wire::get(from)?, Wire::get(from)?)),
            3 => Ok(Self::Outcomes(Wire::get(from)?, Wire::get(from)?)),
            4 => Ok(Self::Blasted(Wire::get(from)?)),
            5 => Ok(Self::Report(Box::new(Wire::get(from)?))),
            6 => Ok(Self::Refused),
            7 => Ok(Self::Echo(core::mem::take(from).to_vec())),
            _ => Err(Malformed),
        })
    }
}
