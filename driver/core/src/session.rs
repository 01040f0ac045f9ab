//! One handle: what never changes once it is open, and what its lock protects.
//!
//! The lock's invariant: while a receive waits, the queue is empty. So a packet that finds one waiting is handed over
//! at once and nothing overtakes.

use divert_driver_protocol::limits::{INTERFACE_MAJOR, INTERFACE_MINOR};
use divert_driver_protocol::{Code, request::How};
use divert_driver_protocol::{Counter, Flags, Parameter, Statistics};
use divert_vm::Layer;

use crate::needs::Callouts;
use crate::platform::{Platform, Program, Receive};
use crate::queue::{Limits, Queue, Queued};
use crate::receive::MAX_PENDED;
use crate::ring::Ring;
use crate::state::{Action, State};

/// What was settled at opening.
pub(crate) struct Fixed<P: Platform> {
    pub(crate) serial: u64,
    pub(crate) timestamp: i64,
    pub(crate) process_id: u32,
    pub(crate) layer: Layer,
    pub(crate) priority: i16,
    pub(crate) flags: Flags,
    pub(crate) program: P::Program,
    pub(crate) callouts: Callouts,
    /// What program and object (see [`crate::reflect::Portrait`]) take from the budget.
    pub(crate) charge: usize,
}

impl<P: Platform> Fixed<P> {
    /// Most steps that the filter can cost.
    pub(crate) fn work(&self) -> u32 {
        self.program.verified().work()
    }
}

/// What changes.
pub(crate) struct Live<P: Platform> {
    pub(crate) state: State,
    queue: Queue,
    pended: Ring<P::Receive>,
    pub(crate) statistics: Statistics,
    /// Bytes that were sent and that the stack is not done with.
    pub(crate) in_flight: usize,
}

/// What becomes of a match, as far as the lock can tell.
pub(crate) enum Matched<R> {
    /// The handle takes no part: it was shut down or is closing.
    Ignored,
    /// Dropped, and counted.
    Dropped,
    /// To be put into this receive.
    HandOver(R),
    /// To be copied and stored.
    Store,
}

/// What became of a packet that was to be stored.
pub(crate) enum Stored<R> {
    /// It is in the queue, or was dropped and counted.
    Done,
    /// To be put into this receive, which came in between.
    HandOver(R, Queued),
    /// The handle takes no part any more.
    Ignored(Queued),
}

/// What a receive finds.
pub(crate) enum Taken<R> {
    /// A packet, for this receive.
    Packet(R, Queued),
    /// The receive waits.
    Pended,
    /// The receive fails.
    Failed(R, Code),
}

impl<P: Platform> Live<P> {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Opening,
            queue: Queue::new(),
            pended: Ring::new(),
            statistics: Statistics::default(),
            in_flight: 0,
        }
    }

    /// Applies `action` to the state.
    pub(crate) fn act(&mut self, action: Action) -> Result<(), Code> {
        self.state = self.state.after(action)?;
        Ok(())
    }

    fn count_match(&mut self, sniffed: bool, bytes: usize) {
        self.statistics.count(Counter::Matched);
        self.statistics.add(Counter::MatchedBytes, bytes as u64);
        self.statistics.count(if sniffed { Counter::Sniffed } else { Counter::Blocked });
    }

    /// The filter matched `bytes` bytes, of which the queue must have room for `least`. Only what is settled here is
    /// counted here.
    pub(crate) fn matched(
        &mut self,
        flags: Flags,
        sniffed: bool,
        bytes: usize,
        least: usize,
    ) -> Matched<P::Receive> {
        if !self.state.receives() {
            return Matched::Ignored;
        }
        if flags.has(Flags::DROP) {
            self.count_match(sniffed, bytes);
            self.statistics.count(Counter::DroppedByFlag);
            return Matched::Dropped;
        }
        if let Some(receive) = self.hand_over(sniffed, bytes) {
            return Matched::HandOver(receive);
        }
        if !self.queue.admits(least) {
            self.count_match(sniffed, bytes);
            self.statistics.count(Counter::DroppedTooLarge);
            return Matched::Dropped;
        }
        Matched::Store
    }

    fn hand_over(&mut self, sniffed: bool, bytes: usize) -> Option<P::Receive> {
        let mut receive = self.pended.pop_front()?;
        self.count_match(sniffed, bytes);
        self.statistics.count(Counter::HandedOver);
        let room = receive.window().data.len();
        self.count_received(bytes, room);
        Some(receive)
    }

    fn count_received(&mut self, bytes: usize, room: usize) {
        self.statistics.count(Counter::Received);
        self.statistics.add(Counter::ReceivedBytes, bytes.min(room) as u64);
        if bytes > room {
            self.statistics.count(Counter::Truncated);
        }
    }

    /// There was no memory for a copy. A receive that came in between needs none.
    pub(crate) fn no_memory(&mut self, sniffed: bool, bytes: usize) -> Matched<P::Receive> {
        if !self.state.receives() {
            return Matched::Ignored;
        }
        if let Some(receive) = self.hand_over(sniffed, bytes) {
            return Matched::HandOver(receive);
        }
        self.count_match(sniffed, bytes);
        self.statistics.count(Counter::DroppedMemory);
        Matched::Dropped
    }

    /// Stores a copy, of which `least` bytes are needed: more than that, or nothing, when the queue can never hold it.
    pub(crate) fn store(&mut self, platform: &P, mut packet: Queued, least: usize) -> Stored<P::Receive> {
        if !self.state.receives() {
            return Stored::Ignored(packet);
        }
        if let Some(receive) = self.hand_over(packet.sniffed, packet.bytes.len()) {
            return Stored::HandOver(receive, packet);
        }
        if packet.bytes.len() > least && !self.queue.admits(packet.bytes.len()) {
            packet.strip(platform);
        }
        self.count_match(packet.sniffed, packet.bytes.len());
        self.queue.push(packet, platform, &mut self.statistics);
        Stored::Done
    }

    fn ticks_to_wait(&self, platform: &P) -> i64 {
        let ticks =
            u128::from(self.queue.limits().time).saturating_mul(u128::from(platform.frequency())) / 1000;
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }

    /// The first packet for a receive, or its place among those that wait. A `deaf` handle only sends.
    pub(crate) fn take(
        &mut self,
        platform: &P,
        now: i64,
        deaf: bool,
        mut receive: P::Receive,
    ) -> Taken<P::Receive> {
        if let Err(code) = self.act(Action::Receive) {
            return Taken::Failed(receive, code);
        }
        if deaf {
            return Taken::Failed(receive, Code::InvalidParameter);
        }
        let wait = self.ticks_to_wait(platform);
        if let Some(packet) = self.queue.serve(now, wait, platform, &mut self.statistics, |_| true) {
            self.count_received(packet.bytes.len(), receive.window().data.len());
            return Taken::Packet(receive, packet);
        }
        if !self.state.receives() {
            return Taken::Failed(receive, Code::NoData);
        }
        if self.pended.len() >= MAX_PENDED {
            return Taken::Failed(receive, Code::NoSystemResources);
        }
        match self.pended.push_back(receive) {
            Ok(()) => Taken::Pended,
            Err(receive) => Taken::Failed(receive, Code::NoSystemResources),
        }
    }

    /// The next packet for a receive that has one already and `room` bytes left.
    pub(crate) fn take_more(&mut self, platform: &P, now: i64, room: usize) -> Option<Queued> {
        if self.queue.is_empty() || self.act(Action::Receive).is_err() {
            return None;
        }
        let wait = self.ticks_to_wait(platform);
        let fits = |packet: &Queued| packet.bytes.len() <= room;
        let packet = self.queue.serve(now, wait, platform, &mut self.statistics, fits)?;
        self.count_received(packet.bytes.len(), room);
        Some(packet)
    }

    /// Takes out the receive with this key, if it still waits.
    pub(crate) fn cancel(&mut self, key: u64) -> Option<P::Receive> {
        let receive = self.pended.take_first(|receive| receive.key() == key)?;
        self.statistics.count(Counter::Cancelled);
        Some(receive)
    }

    /// Shuts down; those that wait are to be taken out with [`Live::pop_pended`] until there are none.
    pub(crate) fn shutdown(&mut self, how: How) -> Result<(), Code> {
        self.act(Action::Shutdown(how))
    }

    /// A receive that waits in vain.
    pub(crate) fn pop_pended(&mut self) -> Option<P::Receive> {
        if self.state.receives() { None } else { self.pended.pop_front() }
    }

    /// A packet of a handle that is closing.
    pub(crate) fn pop_queued(&mut self) -> Option<Queued> {
        self.queue.pop()
    }

    /// Sets a parameter.
    pub(crate) fn set(&mut self, platform: &P, parameter: Parameter, value: u64) -> Result<(), Code> {
        self.act(Action::Ask)?;
        if !parameter.bounds().is_some_and(|bounds| bounds.admits(value)) {
            return Err(Code::InvalidParameter);
        }
        let limits = self.queue.limits();
        let limits = match parameter {
            Parameter::QueueLength => Limits { length: value, ..limits },
            Parameter::QueueTime => Limits { time: value, ..limits },
            Parameter::QueueSize => Limits { size: value, ..limits },
            Parameter::VersionMajor | Parameter::VersionMinor => return Err(Code::InvalidParameter),
        };
        self.queue.limit(limits, platform, &mut self.statistics);
        Ok(())
    }

    /// The value of a parameter.
    pub(crate) fn get(&mut self, parameter: Parameter) -> Result<u64, Code> {
        self.act(Action::Ask)?;
        let Limits { length, time, size } = self.queue.limits();
        Ok(match parameter {
            Parameter::QueueLength => length,
            Parameter::QueueTime => time,
            Parameter::QueueSize => size,
            Parameter::VersionMajor => INTERFACE_MAJOR,
            Parameter::VersionMinor => INTERFACE_MINOR,
        })
    }
}
