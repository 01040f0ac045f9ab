//! The model: what each handle has, and what every request does to it.

use std::collections::VecDeque;
use std::rc::Rc;

use divert_driver_core::Seen;
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Address, Code, Counter, Data, Parameter, Reflect, Statistics};
use divert_vm::Layer;

use super::steps::{HANDLES, Meaning};

pub(crate) const TICKS_PER_MS: i64 = 10_000;

/// A packet or event that waits.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) address: Address,
    pub(crate) data: Rc<[u8]>,
    since: i64,
}

pub(crate) struct Waiting {
    pub(crate) key: u64,
    room: usize,
}

/// A handle.
pub(crate) struct Handle {
    pub(crate) layer: Layer,
    pub(crate) filter: Meaning,
    pub(crate) priority: i16,
    pub(crate) serial: u64,
    pub(crate) flags: u64,
    pub(crate) opened: i64,
    pub(crate) process: u32,
    pub(crate) object: Rc<[u8]>,
    pub(crate) receives: bool,
    pub(crate) sends: bool,
    pub(crate) queue: Vec<Item>,
    pub(crate) waiting: VecDeque<Waiting>,
    /// Length, size, time.
    pub(crate) limits: (u64, u64, i64),
    pub(crate) counted: Statistics,
}

/// Something that handles are asked about.
pub(crate) struct Subject {
    pub(crate) layer: Layer,
    pub(crate) number: u32,
    /// But for `sniffed`.
    pub(crate) address: Address,
    pub(crate) data: Rc<[u8]>,
    pub(crate) seen: Seen,
    pub(crate) below: Option<i16>,
    /// The serial number of the youngest handle that was there before.
    pub(crate) born: Option<u64>,
    pub(crate) only: Option<usize>,
}

impl Subject {
    /// Flows, closes of sockets and handles cannot be stopped.
    fn can_block(&self) -> bool {
        !matches!(self.address.event, 1 | 2 | 7 | 8 | 9)
    }
}

/// How a receive ended: address records, data, and whether they were cut.
#[derive(Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) key: u64,
    pub(crate) result: Result<(Vec<Address>, Vec<u8>, bool), Code>,
}

/// A packet in the stack's hands.
#[derive(Debug, PartialEq)]
pub(crate) struct Travelling {
    pub(crate) data: Vec<u8>,
    pub(crate) layer: Layer,
    pub(crate) outbound: bool,
    pub(crate) loopback: bool,
    pub(crate) if_idx: u32,
    pub(crate) priority: i16,
    pub(crate) impostor: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) handles: [Option<Handle>; HANDLES],
    pub(crate) serial: u64,
    pub(crate) closed: Statistics,
    /// Packets of closing handles that the stack did not take.
    pub(crate) lost_at_close: u64,
    pub(crate) now: i64,
    pub(crate) refusals: u32,
    pub(crate) refuses_injections: bool,
    pub(crate) done: Vec<Done>,
    pub(crate) stack: VecDeque<Travelling>,
    /// Whose they are, beside the above.
    pub(crate) owners: VecDeque<u64>,
}

impl Handle {
    pub(crate) fn bytes(&self) -> u64 {
        self.queue.iter().map(|item| item.data.len() as u64).sum()
    }

    fn make_room(&mut self, packets: u64, bytes: u64) {
        let (length, size, _) = self.limits;
        while self.queue.len() as u64 + packets > length || self.bytes() + bytes > size {
            let by_length = self.queue.len() as u64 + packets > length;
            self.queue.remove(0);
            self.counted.count(if by_length { Counter::DroppedLength } else { Counter::DroppedSize });
        }
    }

    fn expire(&mut self, now: i64) {
        let (.., time) = self.limits;
        let before = self.queue.len();
        self.queue.retain(|item| now - item.since <= time * TICKS_PER_MS);
        self.counted.add(Counter::DroppedTime, (before - self.queue.len()) as u64);
    }

    fn keep(&mut self, item: Item) {
        self.make_room(1, item.data.len() as u64);
        self.queue.push(item);
        self.counted.count(Counter::Queued);
        for (peak, level) in
            [(Counter::QueueLengthPeak, self.queue.len() as u64), (Counter::QueueBytesPeak, self.bytes())]
        {
            self.counted.set(peak, self.counted.get(peak).max(level));
        }
    }

    fn count_received(&mut self, length: usize, room: usize) -> usize {
        self.counted.count(Counter::Received);
        self.counted.add(Counter::ReceivedBytes, length.min(room) as u64);
        self.counted.add(Counter::Truncated, u64::from(length > room));
        length.min(room)
    }

    /// Whether it is asked at all.
    fn concerns(&self, at: usize, subject: &Subject) -> bool {
        let (sends_only, drops, fragments) =
            (self.flags & 8 != 0, self.flags & 2 != 0, self.flags & 0x20 != 0);
        let way_in = subject.layer == Layer::Network && !subject.address.outbound;
        let seen = match subject.seen {
            Seen::Fragment if way_in => fragments,
            Seen::Reassembled if way_in => !fragments,
            Seen::Whole | Seen::Fragment | Seen::Reassembled => true,
        };
        self.layer == subject.layer
            && self.receives
            && seen
            && subject.below.is_none_or(|below| self.priority < below)
            && subject.born.is_none_or(|born| self.serial <= born)
            && subject.only.is_none_or(|only| only == at)
            // One that only sends takes no part, unless it drops; and what cannot be stopped cannot be dropped.
            && (!sends_only || drops)
            && (!drops || subject.can_block())
            && (self.filter)(subject.number, &subject.address)
    }

    /// What REFLECT handles are told of it.
    fn reflect(&self) -> Reflect {
        Reflect {
            timestamp: self.opened,
            process_id: self.process,
            layer: u32::from(self.layer.number()),
            flags: self.flags,
            priority: self.priority,
        }
    }
}

impl Model {
    pub(crate) fn refused(&mut self) -> bool {
        let refused = self.refusals > 0;
        self.refusals -= u32::from(refused);
        refused
    }

    /// Asks the handles in their order; whether it is blocked.
    pub(crate) fn offer(&mut self, subject: &Subject) -> bool {
        let mut order: Vec<usize> = (0..HANDLES).filter(|at| self.handles[*at].is_some()).collect();
        order.sort_by_key(|at| {
            let handle = self.handles[*at].as_ref().unwrap();
            (-handle.priority, handle.serial)
        });
        for at in order {
            if self.handles[at].as_ref().unwrap().concerns(at, subject) && !self.take_part(at, subject) {
                return true;
            }
        }
        false
    }

    /// A handle matches; whether the walk goes on.
    fn take_part(&mut self, at: usize, subject: &Subject) -> bool {
        let handle = self.handles[at].as_mut().unwrap();
        let sniffed = handle.flags & 1 != 0 || !subject.can_block();
        let address = Address { sniffed, ..subject.address };
        let length = subject.data.len();
        let mut bytes = length;
        if handle.flags & 2 != 0 {
            handle.counted.count(Counter::DroppedByFlag);
        } else if let Some(waiting) = handle.waiting.pop_front() {
            handle.counted.count(Counter::HandedOver);
            let copied = handle.count_received(length, waiting.room);
            let data = subject.data[..copied].to_vec();
            self.done.push(Done { key: waiting.key, result: Ok((vec![address], data, copied < length)) });
        } else if length as u64 > handle.limits.1 {
            handle.counted.count(Counter::DroppedTooLarge);
        } else {
            let mut item = Item { address, data: Rc::clone(&subject.data), since: self.now };
            let mut refused = self.refused();
            if refused && subject.layer == Layer::Reflect {
                // That it happened matters more.
                refused = self.refused();
                item.data = Rc::from([]);
                bytes = if refused { length } else { 0 };
            }
            let handle = self.handles[at].as_mut().unwrap();
            if refused {
                handle.counted.count(Counter::DroppedMemory);
            } else {
                handle.keep(item);
            }
        }
        let handle = self.handles[at].as_mut().unwrap();
        handle.counted.count(Counter::Matched);
        handle.counted.add(Counter::MatchedBytes, bytes as u64);
        handle.counted.count(if sniffed { Counter::Sniffed } else { Counter::Blocked });
        sniffed
    }

    /// Opens a handle; false for want of memory.
    pub(crate) fn open(&mut self, at: usize, mut handle: Handle) -> bool {
        // For the program, then for the object.
        if self.refused() || self.refused() {
            return false;
        }
        self.serial += 1;
        handle.serial = self.serial;
        handle.opened = self.now;
        if handle.layer == Layer::Reflect {
            self.handles[at] = Some(handle);
            let mut others: Vec<_> =
                self.handles.iter().flatten().filter(|other| other.layer != Layer::Reflect).collect();
            others.sort_by_key(|other| other.serial);
            let told: Vec<_> = others.into_iter().map(|other| self.change(8, other, Some(at))).collect();
            for subject in told {
                self.offer(&subject);
            }
        } else {
            let subject = self.change(8, &handle, None);
            self.handles[at] = Some(handle);
            self.offer(&subject);
        }
        true
    }

    /// A handle comes or goes.
    fn change(&self, event: u8, handle: &Handle, only: Option<usize>) -> Subject {
        let data = Data::Reflect(handle.reflect());
        let address = Address { timestamp: self.now, layer: 4, event, data, ..Address::default() };
        Subject {
            layer: Layer::Reflect,
            number: handle.process,
            address,
            data: Rc::clone(&handle.object),
            seen: Seen::Whole,
            below: None,
            born: None,
            only,
        }
    }

    pub(crate) fn close(&mut self, at: usize) {
        let Some(mut handle) = self.handles[at].take() else { return };
        if handle.layer != Layer::Reflect {
            self.offer(&self.change(9, &handle, None));
        }
        for waiting in std::mem::take(&mut handle.waiting) {
            self.done.push(Done { key: waiting.key, result: Err(Code::OperationAborted) });
        }
        for item in std::mem::take(&mut handle.queue) {
            if item.address.sniffed || !handle.layer.has_packets() {
                handle.counted.count(Counter::DroppedAtClose);
            } else if self.refuses_injections {
                handle.counted.count(Counter::InjectFailed);
                self.lost_at_close += 1;
            } else {
                handle.counted.count(Counter::Reinjected);
                self.inject(&handle, &item.address, item.data.to_vec());
            }
        }
        self.closed.merge(&handle.counted);
    }

    pub(crate) fn inject(&mut self, handle: &Handle, address: &Address, data: Vec<u8>) {
        let Data::Network { if_idx, .. } = address.data else { panic!("a packet") };
        self.stack.push_back(Travelling {
            data,
            layer: handle.layer,
            outbound: address.outbound,
            loopback: address.loopback,
            if_idx,
            priority: handle.priority,
            impostor: address.impostor,
        });
        self.owners.push_back(handle.serial);
    }

    /// Counts for a handle, or for the closed ones.
    pub(crate) fn tally(&mut self, serial: u64, counter: Counter) {
        let handle = self.handles.iter_mut().flatten().find(|handle| handle.serial == serial);
        handle.map_or(&mut self.closed, |handle| &mut handle.counted).count(counter);
    }

    pub(crate) fn receive(&mut self, at: usize, key: u64, addresses: usize, room: usize) {
        let now = self.now;
        let Some(handle) = self.handles[at].as_mut() else { return };
        if handle.flags & 8 != 0 {
            return self.done.push(Done { key, result: Err(Code::InvalidParameter) });
        }
        handle.expire(now);
        if handle.queue.is_empty() {
            if handle.receives {
                handle.waiting.push_back(Waiting { key, room });
            } else {
                self.done.push(Done { key, result: Err(Code::NoData) });
            }
            return;
        }
        let (mut records, mut data, mut cut) = (Vec::new(), Vec::new(), false);
        while records.len() < addresses && !cut && !handle.queue.is_empty() {
            let left = room - data.len();
            if handle.queue[0].data.len() > left && !records.is_empty() {
                break;
            }
            let item = handle.queue.remove(0);
            let copied = handle.count_received(item.data.len(), left);
            records.push(item.address);
            data.extend(&item.data[..copied]);
            cut = copied < item.data.len();
        }
        self.done.push(Done { key, result: Ok((records, data, cut)) });
    }

    /// Takes back a receive by its place among those that wait; its key.
    pub(crate) fn cancel(&mut self, at: usize, number: usize) -> Option<u64> {
        let handle = self.handles[at].as_mut()?;
        let waiting = handle.waiting.remove(number)?;
        handle.counted.count(Counter::Cancelled);
        Some(waiting.key)
    }

    pub(crate) fn shutdown(&mut self, at: usize, how: How) {
        let Some(handle) = self.handles[at].as_mut() else { return };
        handle.receives &= !how.receive();
        handle.sends &= !how.send();
        if !handle.receives {
            for waiting in std::mem::take(&mut handle.waiting) {
                self.done.push(Done { key: waiting.key, result: Err(Code::NoData) });
            }
        }
    }

    /// Sets a parameter; whether it may have this value.
    pub(crate) fn set(&mut self, at: usize, parameter: Parameter, value: u64) -> bool {
        let handle = self.handles[at].as_mut().unwrap();
        let fine = parameter.bounds().is_some_and(|bounds| bounds.min <= value && value <= bounds.max);
        if fine {
            match parameter {
                Parameter::QueueLength => handle.limits.0 = value,
                Parameter::QueueSize => handle.limits.1 = value,
                Parameter::QueueTime => handle.limits.2 = value as i64,
                Parameter::VersionMajor | Parameter::VersionMinor => panic!("read only"),
            }
            handle.make_room(0, 0);
        }
        fine
    }
}
