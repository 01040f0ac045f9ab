//! The queue of one handle: limits of length, size and time (reference §5).

use alloc::vec::Vec;
use core::mem::size_of;

use divert_driver_protocol::limits::ADDRESS;
use divert_driver_protocol::{Counter, Parameter, Statistics};

use crate::memory::{NoMemory, try_copy};
use crate::platform::Memory;
use crate::ring::Ring;

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most packets.
    pub length: u64,
    /// Milliseconds that a packet may wait at least before it may be dropped.
    pub time: u64,
    /// Most bytes.
    pub size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let default = |parameter: Parameter| parameter.bounds().map_or(0, |bounds| bounds.default);
        Self {
            length: default(Parameter::QueueLength),
            time: default(Parameter::QueueTime),
            size: default(Parameter::QueueSize),
        }
    }
}

/// A packet or event that waits.
#[derive(Debug)]
pub(crate) struct Queued {
    /// Its address record, as it will be received.
    pub(crate) record: [u8; ADDRESS],
    /// Whether it is a copy, of which the original went on.
    pub(crate) sniffed: bool,
    /// When it came, in ticks.
    pub(crate) since: i64,
    /// The packet.
    pub(crate) bytes: Vec<u8>,
}

impl Queued {
    /// What it takes from the budget.
    pub(crate) fn charge(&self) -> usize {
        Self::charge_for(self.bytes.len())
    }

    pub(crate) const fn charge_for(bytes: usize) -> usize {
        bytes.saturating_add(size_of::<Self>())
    }

    /// Lets go of the bytes.
    pub(crate) fn strip(&mut self, memory: &impl Memory) {
        memory.give(self.bytes.len());
        self.bytes = Vec::new();
    }

    /// A copy that is charged to the budget of all handles.
    pub(crate) fn copy(
        memory: &impl Memory,
        record: [u8; ADDRESS],
        sniffed: bool,
        since: i64,
        bytes: &[u8],
    ) -> Result<Self, NoMemory> {
        let charge = Self::charge_for(bytes.len());
        if !memory.take(charge) {
            return Err(NoMemory);
        }
        match try_copy(bytes) {
            Ok(bytes) => Ok(Self { record, sniffed, since, bytes }),
            Err(NoMemory) => {
                memory.give(charge);
                Err(NoMemory)
            }
        }
    }
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    ring: Ring<Queued>,
    bytes: u64,
    limits: Limits,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { ring: Ring::new(), bytes: 0, limits: Limits::default() }
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Whether a packet of this size could ever be queued.
    pub(crate) const fn admits(&self, bytes: usize) -> bool {
        bytes as u64 <= self.limits.size
    }

    /// Appends. Of a full queue the oldest are dropped to make room; a packet that is larger than the queue may be is
    /// dropped itself.
    pub(crate) fn push(&mut self, packet: Queued, memory: &impl Memory, statistics: &mut Statistics) {
        let size = packet.bytes.len() as u64;
        if size > self.limits.size {
            statistics.count(Counter::DroppedTooLarge);
            return memory.give(packet.charge());
        }
        self.trim(1, size, memory, statistics);
        if let Err(packet) = self.ring.push_back(packet) {
            statistics.count(Counter::DroppedMemory);
            return memory.give(packet.charge());
        }
        self.bytes = self.bytes.saturating_add(size);
        statistics.count(Counter::Queued);
        self.show(statistics);
    }

    /// Sets the limits; what does not fit any more is dropped at once, the oldest first.
    pub(crate) fn limit(&mut self, limits: Limits, memory: &impl Memory, statistics: &mut Statistics) {
        self.limits = limits;
        self.trim(0, 0, memory, statistics);
        self.show(statistics);
    }

    /// Drops the oldest until this many packets of this size more fit.
    fn trim(&mut self, packets: u64, size: u64, memory: &impl Memory, statistics: &mut Statistics) {
        loop {
            let reason = if (self.ring.len() as u64).saturating_add(packets) > self.limits.length {
                Counter::DroppedLength
            } else if self.bytes.saturating_add(size) > self.limits.size {
                Counter::DroppedSize
            } else {
                return;
            };
            let Some(oldest) = self.pop() else { return };
            statistics.count(reason);
            memory.give(oldest.charge());
        }
    }

    /// The oldest that has not waited too long and for which `fits` holds. Those that waited too long are dropped.
    pub(crate) fn serve(
        &mut self,
        now: i64,
        ticks_to_wait: i64,
        memory: &impl Memory,
        statistics: &mut Statistics,
        fits: impl FnOnce(&Queued) -> bool,
    ) -> Option<Queued> {
        while self.ring.front().is_some_and(|oldest| now.saturating_sub(oldest.since) > ticks_to_wait) {
            if let Some(expired) = self.pop() {
                statistics.count(Counter::DroppedTime);
                memory.give(expired.charge());
            }
        }
        let served = self.ring.front().is_some_and(fits).then(|| self.pop()).flatten();
        self.show(statistics);
        served
    }

    /// Takes out the oldest, however long it waited.
    pub(crate) fn pop(&mut self) -> Option<Queued> {
        let oldest = self.ring.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.bytes.len() as u64);
        Some(oldest)
    }

    fn show(&self, statistics: &mut Statistics) {
        let (length, bytes) = (self.ring.len() as u64, self.bytes);
        statistics.set(Counter::QueueLength, length);
        statistics.set(Counter::QueueBytes, bytes);
        statistics.set(Counter::QueueLengthPeak, statistics.get(Counter::QueueLengthPeak).max(length));
        statistics.set(Counter::QueueBytesPeak, statistics.get(Counter::QueueBytesPeak).max(bytes));
    }
}
