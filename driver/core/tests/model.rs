//! Random interleavings of all operations over several handles against a model that is as simple as the reference's
//! sentences: lists of packets, no locks, no classes, no fast path.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::VecDeque;

use common::*;
use divert_driver_core::{Arrival, HandleId, Mark, Origin, Verdict};
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Address, Code, Counter, Parameter};
use proptest::prelude::*;

const HANDLES: usize = 5;

type Meaning = fn(u16) -> bool;

/// Filters and what they mean for an outbound packet with this identification.
const FILTERS: [(&str, Meaning); 4] = [
    ("true", |_| true),
    ("ip.Id & 1 == 1", |id| id % 2 == 1),
    ("ip.Id & 2 == 2", |id| id & 2 == 2),
    ("false", |_| false),
];
const PRIORITIES: [i16; 3] = [-7, 0, 7];
const FLAGS: [u64; 7] = [0, 1, 2, 4, 8, 1 | 4, 2 | 8];
const SIZES: [usize; 4] = [0, 100, 20_000, 40_000];

#[derive(Clone, Debug)]
enum Step {
    Open {
        at: usize,
        filter: usize,
        priority: usize,
        flags: usize,
    },
    Close(usize),
    Packet(usize),
    /// The oldest packet in the stack's hands comes by again, or leaves.
    Deliver,
    Receive {
        at: usize,
        addresses: usize,
        data: usize,
    },
    Cancel {
        at: usize,
        number: usize,
    },
    /// Sends the oldest packets that were received there.
    Send {
        at: usize,
        most: usize,
    },
    Shutdown(usize, How),
    Length(usize, u64),
    Size(usize, u64),
    Time(usize, u64),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0..HANDLES;
    let how = prop_oneof![Just(How::Receive), Just(How::Send), Just(How::Both)];
    prop_oneof![
        6 => (at.clone(), 0..FILTERS.len(), 0..PRIORITIES.len(), 0..FLAGS.len())
            .prop_map(|(at, filter, priority, flags)| Step::Open { at, filter, priority, flags }),
        2 => at.clone().prop_map(Step::Close),
        20 => (0..SIZES.len()).prop_map(Step::Packet),
        8 => Just(Step::Deliver),
        10 => (at.clone(), 1_usize..4, prop_oneof![Just(50_usize), Just(156), Just(40_056), Just(70_000)])
            .prop_map(|(at, addresses, data)| Step::Receive { at, addresses, data }),
        2 => (at.clone(), 0_usize..3).prop_map(|(at, number)| Step::Cancel { at, number }),
        6 => (at.clone(), 1_usize..4).prop_map(|(at, most)| Step::Send { at, most }),
        1 => (at.clone(), how).prop_map(|(at, how)| Step::Shutdown(at, how)),
        1 => (at.clone(), prop_oneof![Just(32_u64), Just(33), Just(31)]).prop_map(|(at, value)| Step::Length(at, value)),
        1 => (at.clone(), prop_oneof![Just(65_535_u64), Just(100_000), Just(1)])
            .prop_map(|(at, value)| Step::Size(at, value)),
        1 => (at, Just(100_u64)).prop_map(|(at, value)| Step::Time(at, value)),
        4 => prop_oneof![0_i64..120, Just(50), Just(100)].prop_map(Step::Pass),
    ]
}

/// A packet of the model.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    id: u16,
    length: usize,
    since: i64,
}

struct Waiting {
    key: u64,
    data: usize,
}

/// A handle of the model.
struct Handle {
    filter: Meaning,
    priority: i16,
    serial: u64,
    flags: u64,
    receives: bool,
    sends: bool,
    queue: Vec<Item>,
    waiting: VecDeque<Waiting>,
    limits: (u64, u64, u64),
    matched: u64,
    dropped: [u64; 5],
    received: u64,
    injected: u64,
}

/// What a receive of the model came to: its key, identifications, bytes, and whether cut.
#[derive(Debug, PartialEq)]
struct Done {
    key: u64,
    result: Result<(Vec<u16>, usize, bool), Code>,
}

#[derive(Default)]
struct Model {
    handles: [Option<Handle>; HANDLES],
    now: i64,
    done: Vec<Done>,
    /// In the stack's hands: identification and the priority it was sent with.
    stack: VecDeque<(u16, usize, i16)>,
}

impl Handle {
    fn bytes(&self) -> u64 {
        self.queue.iter().map(|item| item.length as u64).sum()
    }

    fn make_room(&mut self, packets: u64, bytes: u64) {
        let (length, size, _) = self.limits;
        while self.queue.len() as u64 + packets > length || self.bytes() + bytes > size {
            let by_length = self.queue.len() as u64 + packets > length;
            self.queue.remove(0);
            self.dropped[usize::from(!by_length)] += 1;
        }
    }

    fn expire(&mut self, now: i64) {
        let (_, _, time) = self.limits;
        let before = self.queue.len();
        // Packets are in the order of their age.
        self.queue.retain(|item| now - item.since <= time as i64);
        self.dropped[2] += (before - self.queue.len()) as u64;
    }
}

impl Model {
    /// Offers a packet to the handles below a priority; whether it is blocked.
    fn offer(&mut self, id: u16, length: usize, below: Option<i16>) -> bool {
        let mut order: Vec<usize> = (0..HANDLES).filter(|at| self.handles[*at].is_some()).collect();
        order.sort_by_key(|at| {
            let handle = self.handles[*at].as_ref().unwrap();
            (-handle.priority, handle.serial)
        });
        for at in order {
            let now = self.now;
            let handle = self.handles[at].as_mut().unwrap();
            let sees = below.is_none_or(|below| handle.priority < below) && handle.receives;
            // One that only sends takes no part, unless it drops.
            if !sees || !(handle.filter)(id) || (handle.flags & 8 != 0 && handle.flags & 2 == 0) {
                continue;
            }
            handle.matched += 1;
            let sniffs = handle.flags & 1 != 0;
            if handle.flags & 2 != 0 {
                handle.dropped[3] += 1;
            } else if let Some(waiting) = handle.waiting.pop_front() {
                handle.received += 1;
                let copied = length.min(waiting.data);
                self.done.push(Done { key: waiting.key, result: Ok((vec![id], copied, copied < length)) });
            } else if length as u64 > handle.limits.1 {
                handle.dropped[4] += 1;
            } else {
                handle.make_room(1, length as u64);
                handle.queue.push(Item { id, length, since: now });
            }
            if !sniffs {
                return true;
            }
        }
        false
    }

    fn receive(&mut self, at: usize, key: u64, addresses: usize, data: usize) {
        let now = self.now;
        let Some(handle) = self.handles[at].as_mut() else { return };
        if handle.flags & 8 != 0 {
            return self.done.push(Done { key, result: Err(Code::InvalidParameter) });
        }
        handle.expire(now);
        if handle.queue.is_empty() {
            if handle.receives {
                handle.waiting.push_back(Waiting { key, data });
            } else {
                self.done.push(Done { key, result: Err(Code::NoData) });
            }
            return;
        }
        let (mut ids, mut used, mut cut) = (Vec::new(), 0, false);
        while ids.len() < addresses && !handle.queue.is_empty() {
            let length = handle.queue[0].length;
            if length > data - used && !ids.is_empty() {
                break;
            }
            ids.push(handle.queue.remove(0).id);
            cut = length > data;
            used += length.min(data);
            if cut {
                break;
            }
        }
        handle.received += ids.len() as u64;
        self.done.push(Done { key, result: Ok((ids, used, cut)) });
    }
}

/// What came out of the driver, in the model's words.
fn outcome(key: u64, got: Result<Got, Code>) -> Done {
    let result = got.map(|got| {
        let mut ids = Vec::new();
        let mut rest = got.data.as_slice();
        for _ in 0..got.filled.packets {
            ids.push(id_of(rest));
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            rest = &rest[length.min(rest.len())..];
        }
        (ids, got.filled.bytes, got.filled.truncated)
    });
    Done { key, result }
}

struct World {
    driver: Host1,
    model: Model,
    ids: [Option<HandleId>; HANDLES],
    /// Whole packets that were received, to be sent again.
    kept: [VecDeque<(Address, Vec<u8>)>; HANDLES],
    owners: Vec<usize>,
    stack: VecDeque<divert_driver_core::Injection>,
    done: Vec<Done>,
    serial: u64,
    next: u16,
    sizes: Vec<usize>,
}

impl World {
    fn new() -> Self {
        Self {
            driver: driver(),
            model: Model::default(),
            ids: [None; HANDLES],
            kept: Default::default(),
            owners: Vec::new(),
            stack: VecDeque::new(),
            done: Vec::new(),
            serial: 0,
            next: 0,
            sizes: Vec::new(),
        }
    }

    fn keep(&mut self, key: u64, got: &Result<Got, Code>) {
        if let Ok(got) = got
            && !got.filled.truncated
        {
            let owner = self.owners[key as usize];
            let mut rest = got.data.as_slice();
            for address in &got.addresses {
                let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                self.kept[owner].push_back((*address, rest[..length].to_vec()));
                rest = &rest[length..];
            }
        }
    }

    fn collect(&mut self) {
        while let Some((receive, completion)) = self.driver.platform().take_completed() {
            let key = divert_driver_core::platform::Receive::key(&receive);
            let result = completion.map(|filled| got(&receive, filled));
            self.keep(key, &result);
            self.done.push(outcome(key, result));
        }
        while let Some(injection) = self.driver.platform().take_injected() {
            self.stack.push_back(injection);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Open { at, filter, priority, flags } => {
                if self.ids[at].is_some() {
                    return;
                }
                let ((text, means), priority, flags) = (FILTERS[filter], PRIORITIES[priority], FLAGS[flags]);
                self.serial += 1;
                self.ids[at] = Some(network(&self.driver, text, priority, flags));
                self.model.handles[at] = Some(Handle {
                    filter: means,
                    priority,
                    serial: self.serial,
                    flags,
                    receives: true,
                    sends: true,
                    queue: Vec::new(),
                    waiting: VecDeque::new(),
                    limits: (4096, 4_194_304, 2000),
                    matched: 0,
                    dropped: [0; 5],
                    received: 0,
                    injected: 0,
                });
            }
            Step::Close(at) => {
                let Some(id) = self.ids[at].take() else { return };
                let before = self.driver.closed_statistics();
                self.driver.close(id).unwrap();
                let handle = self.model.handles[at].take().unwrap();
                for waiting in handle.waiting {
                    self.model.done.push(Done { key: waiting.key, result: Err(Code::OperationAborted) });
                }
                let queued = handle.queue.len() as u64;
                let sniffs = handle.flags & 1 != 0;
                if !sniffs {
                    let items = handle.queue.into_iter();
                    self.model.stack.extend(items.map(|item| (item.id, item.length, handle.priority)));
                }
                let after = self.driver.closed_statistics();
                let counter = if sniffs { Counter::DroppedAtClose } else { Counter::Reinjected };
                assert_eq!(after.get(counter) - before.get(counter), queued);
                self.kept[at].clear();
            }
            Step::Packet(size) => {
                self.next += 1;
                self.sizes.push(SIZES[size]);
                let packet = udp(self.next, SIZES[size]);
                let blocked = outbound(&self.driver, &packet) == Verdict::Block;
                assert_eq!(self.model.offer(self.next, packet.len(), None), blocked);
            }
            Step::Deliver => {
                let Some(injection) = self.stack.pop_front() else {
                    return assert!(self.model.stack.is_empty());
                };
                let mark = Mark::from_raw(injection.mark.to_raw()).unwrap();
                let arrival =
                    Arrival { origin: Origin::Injected(mark), ..Arrival::network(&injection.bytes, true) };
                let blocked = self.driver.packet(&arrival) == Verdict::Block;
                let (id, length, priority) = self.model.stack.pop_front().unwrap();
                assert_eq!((id, length), (id_of(&injection.bytes), injection.bytes.len()));
                assert_eq!(injection.bytes, udp(id, self.sizes[usize::from(id) - 1]));
                assert_eq!(self.model.offer(id, length, Some(priority)), blocked);
                self.driver.injected(injection.ticket, true);
            }
            Step::Receive { at, addresses, data } => {
                let Some(id) = self.ids[at] else { return };
                let key = self.owners.len() as u64;
                self.owners.push(at);
                self.model.receive(at, key, addresses, data);
                let receive = divert_driver_core::host::HostReceive::new(key, addresses, data);
                if let divert_driver_core::Answer::Complete(receive, completion) =
                    self.driver.receive(id, receive)
                {
                    let result = completion.map(|filled| got(&receive, filled));
                    self.keep(key, &result);
                    self.done.push(outcome(key, result));
                }
            }
            Step::Cancel { at, number } => {
                let Some(id) = self.ids[at] else { return };
                let waiting = &mut self.model.handles[at].as_mut().unwrap().waiting;
                let found = waiting.remove(number).map_or(u64::MAX, |waiting| waiting.key);
                assert_eq!(self.driver.cancel(id, found).is_some(), found != u64::MAX);
            }
            Step::Send { at, most } => self.send(at, most),
            Step::Shutdown(at, how) => {
                let Some(id) = self.ids[at] else { return };
                self.driver.shutdown(id, how).unwrap();
                let handle = self.model.handles[at].as_mut().unwrap();
                handle.receives &= !how.receive();
                handle.sends &= !how.send();
                if !handle.receives {
                    for waiting in std::mem::take(&mut handle.waiting) {
                        self.model.done.push(Done { key: waiting.key, result: Err(Code::NoData) });
                    }
                }
            }
            Step::Length(at, value) => self.set(at, Parameter::QueueLength, value),
            Step::Size(at, value) => self.set(at, Parameter::QueueSize, value),
            Step::Time(at, value) => self.set(at, Parameter::QueueTime, value),
            Step::Pass(milliseconds) => {
                self.driver.platform().pass(milliseconds);
                self.model.now += milliseconds;
            }
        }
    }

    fn send(&mut self, at: usize, most: usize) {
        let Some(id) = self.ids[at] else { return };
        let count = most.min(self.kept[at].len());
        let packets: Vec<_> = self.kept[at].drain(..count).collect();
        if packets.is_empty() {
            return;
        }
        let addresses: Vec<_> = packets.iter().map(|(address, _)| *address).collect();
        let data: Vec<u8> = packets.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let sent = send(&self.driver, id, &addresses, &data);
        let handle = self.model.handles[at].as_mut().unwrap();
        let expected = match handle {
            Handle { sends: false, .. } => Err(Code::NoData),
            Handle { flags, .. } if *flags & 4 != 0 => Err(Code::InvalidParameter),
            Handle { priority, injected, .. } => {
                *injected += count as u64;
                for (_, bytes) in &packets {
                    self.model.stack.push_back((id_of(bytes), bytes.len(), *priority));
                }
                Ok(count as u32)
            }
        };
        assert_eq!(sent.map(|sent| sent.packets), expected);
    }

    fn set(&mut self, at: usize, parameter: Parameter, value: u64) {
        let Some(id) = self.ids[at] else { return };
        let fine = parameter.bounds().unwrap().admits(value);
        assert_eq!(self.driver.set_parameter(id, parameter, value).is_ok(), fine);
        if fine {
            let handle = self.model.handles[at].as_mut().unwrap();
            match parameter {
                Parameter::QueueLength => handle.limits.0 = value,
                Parameter::QueueSize => handle.limits.1 = value,
                Parameter::QueueTime | Parameter::VersionMajor | Parameter::VersionMinor => {
                    handle.limits.2 = value;
                }
            }
            handle.make_room(0, 0);
        }
    }

    /// Everything that can be seen of both is the same.
    fn compare(&mut self) {
        self.collect();
        assert_eq!(self.done, self.model.done);
        let stacked: Vec<_> = self.stack.iter().map(|injection| id_of(&injection.bytes)).collect();
        assert_eq!(stacked, self.model.stack.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
        for (id, handle) in self.ids.iter().zip(&self.model.handles) {
            let (Some(id), Some(handle)) = (id, handle) else { continue };
            let seen = self.driver.statistics(*id).unwrap();
            let dropped = [
                Counter::DroppedLength,
                Counter::DroppedSize,
                Counter::DroppedTime,
                Counter::DroppedByFlag,
                Counter::DroppedTooLarge,
            ]
            .map(|counter| seen.get(counter));
            assert_eq!(dropped, handle.dropped);
            assert_eq!(seen.get(Counter::Matched), handle.matched);
            assert_eq!(seen.get(Counter::Received), handle.received);
            assert_eq!(seen.get(Counter::Injected), handle.injected);
            assert_eq!(seen.get(Counter::QueueLength), handle.queue.len() as u64);
            assert_eq!(seen.get(Counter::QueueBytes), handle.bytes());
            // Nothing is lost or doubled: what matched is here, was received, or is counted as dropped.
            let accounted = seen.get(Counter::Received) + seen.get(Counter::QueueLength) + seen.dropped();
            assert_eq!(seen.get(Counter::Matched), accounted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn the_driver_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.compare();
        }
        for at in 0..HANDLES {
            world.step(Step::Close(at));
        }
        world.compare();
        while let Some(injection) = world.stack.pop_front() {
            world.driver.injected(injection.ticket, true);
        }
        prop_assert_eq!(world.driver.platform().memory.used(), 0);
    }
}
