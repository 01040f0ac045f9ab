//! The driver and the model side by side.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use divert_driver_core::host::HostReceive;
use divert_driver_core::platform::Receive;
use divert_driver_core::{Answer, Born, HandleId, Injection, Refusal, Ticket};
use divert_driver_protocol::{Address, Code, Counter, Flags, Open, Statistics};
use divert_vm::Endpoint;

use super::common::{Got, Host1, driver, filter, got, object};
use super::model::{Done, Handle, Model, TICKS_PER_MS, Travelling};
use super::steps::{FILTERS, HANDLES, PRIORITIES, Step, flags};

pub(crate) struct World {
    pub(crate) driver: Host1,
    pub(crate) model: Model,
    pub(crate) ids: [Option<HandleId>; HANDLES],
    /// Whole packets that were received, to be sent again.
    pub(crate) kept: [VecDeque<(Address, Vec<u8>)>; HANDLES],
    /// Of receives, by key.
    owners: Vec<usize>,
    pub(crate) stack: VecDeque<Injection>,
    /// What the stack is not done with, and whose it is.
    pub(crate) tickets: VecDeque<(Ticket, u64)>,
    pub(crate) flows: Vec<(Endpoint, Born, u64)>,
    done: Vec<Done>,
    /// Identification of the last packet.
    pub(crate) next: u16,
    process: u32,
    /// How often the driver's verdict was to block.
    pub(crate) blocked: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            driver: driver(),
            model: Model::default(),
            ids: [None; HANDLES],
            kept: Default::default(),
            owners: Vec::new(),
            stack: VecDeque::new(),
            tickets: VecDeque::new(),
            flows: Vec::new(),
            done: Vec::new(),
            next: 0,
            process: 0,
            blocked: 0,
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Open { at, filter, priority, flags } => self.open(at, filter, priority, flags),
            Step::Close(at) => {
                if let Some(id) = self.ids[at].take() {
                    self.driver.close(id).unwrap();
                    self.model.close(at);
                    self.kept[at].clear();
                }
            }
            Step::Packet(comes) => self.packet(comes),
            Step::Flow(process) => self.flow(process),
            Step::FlowEnds(number) => self.flow_ends(number),
            Step::Socket { event, process, older } => self.socket(event, process, older),
            Step::Deliver { again } => self.deliver(again),
            Step::Settle { well } => self.settle(well),
            Step::Receive { at, addresses, data } => self.receive(at, addresses, data),
            Step::Cancel { at, number } => {
                let Some(id) = self.ids[at] else { return };
                let key = self.model.cancel(at, number);
                let back = self.driver.cancel(id, key.unwrap_or(u64::MAX));
                assert_eq!(back.map(|receive| receive.key()), key);
            }
            Step::Send { at, most, cut } => self.send(at, most, cut),
            Step::Shutdown(at, how) => {
                let Some(id) = self.ids[at] else { return };
                self.driver.shutdown(id, how).unwrap();
                self.model.shutdown(at, how);
            }
            Step::Set(at, parameter, value) => {
                let Some(id) = self.ids[at] else { return };
                let set = self.driver.set_parameter(id, parameter, value);
                let fine = self.model.set(at, parameter, value);
                assert_eq!(set, if fine { Ok(()) } else { Err(Code::InvalidParameter) });
            }
            Step::Pass(milliseconds) => {
                self.driver.platform().pass(milliseconds);
                self.model.now += milliseconds * TICKS_PER_MS;
            }
            Step::RefuseMemory(times) => {
                self.driver.platform().refuse_memory.store(times, Ordering::Relaxed);
                self.model.refusals = times;
            }
            Step::RefuseInjections(refuse) => {
                self.driver.platform().refuse_injections.store(refuse, Ordering::Relaxed);
                self.model.refuses_injections = refuse;
            }
        }
    }

    fn open(&mut self, at: usize, number: usize, priority: usize, choice: usize) {
        if self.ids[at].is_some() {
            return;
        }
        let (layer, text, means) = FILTERS[number];
        let (priority, program) = (PRIORITIES[priority], filter(layer, text));
        let flags = flags(layer)[choice % flags(layer).len()];
        self.process += 1;
        let id = self.driver.create().unwrap();
        let request =
            Open { layer, priority, flags: Flags::from_bits(flags), work_limit: 0, program: &program };
        let opened = self.driver.open(id, self.process, &request);
        let handle = Handle {
            layer,
            filter: means,
            priority,
            serial: 0,
            flags,
            opened: 0,
            process: self.process,
            object: object(&program).into(),
            receives: true,
            sends: true,
            queue: Vec::new(),
            waiting: VecDeque::new(),
            limits: (4096, 4_194_304, 2000),
            counted: Statistics::default(),
        };
        if self.model.open(at, handle) {
            assert_eq!(opened.unwrap().serial, self.model.serial);
            self.ids[at] = Some(id);
        } else {
            assert_eq!(opened, Err(Refusal::NoMemory));
            self.driver.close(id).unwrap();
        }
    }

    fn receive(&mut self, at: usize, addresses: usize, data: usize) {
        let Some(id) = self.ids[at] else { return };
        let key = self.owners.len() as u64;
        self.owners.push(at);
        self.model.receive(at, key, addresses, data);
        if let Answer::Complete(receive, completion) =
            self.driver.receive(id, HostReceive::new(key, addresses, data))
        {
            self.completed(key, completion.map(|filled| got(&receive, filled)));
        }
    }

    /// A receive is done: whole packets are kept.
    fn completed(&mut self, key: u64, result: Result<Got, Code>) {
        if let Ok(got) = &result
            && !got.filled.truncated
        {
            assert_eq!(got.filled.packets, got.addresses.len());
            let mut rest = got.data.as_slice();
            for address in got.addresses.iter().filter(|address| address.layer < 2) {
                // Packets lie back to back.
                let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                self.kept[self.owners[key as usize]].push_back((*address, rest[..length].to_vec()));
                rest = &rest[length..];
            }
        }
        let result = result.map(|got| (got.addresses, got.data, got.filled.truncated));
        self.done.push(Done { key, result });
    }

    fn collect(&mut self) {
        while let Some((receive, completion)) = self.driver.platform().take_completed() {
            let result = completion.map(|filled| got(&receive, filled));
            self.completed(receive.key(), result);
        }
        while let Some(injection) = self.driver.platform().take_injected() {
            self.stack.push_back(injection);
        }
    }

    /// Everything that can be seen of both is the same.
    pub(crate) fn compare(&mut self) {
        self.collect();
        assert_eq!(std::mem::take(&mut self.done), std::mem::take(&mut self.model.done));
        assert_eq!(self.stack.len(), self.model.stack.len());
        for (injection, sent) in self.stack.iter().zip(&self.model.stack) {
            let Travelling { data, layer, outbound, loopback, if_idx, priority, impostor } = sent;
            assert_eq!(
                (&injection.bytes, injection.layer, injection.outbound, injection.loopback, injection.if_idx),
                (data, *layer, *outbound, *loopback, *if_idx)
            );
            let mark = 1 << 31 | u32::from(*impostor) << 16 | u32::from(priority.cast_unsigned());
            assert_eq!(injection.mark.to_raw(), mark);
        }
        let closed = self.driver.closed_statistics();
        assert_eq!(closed, self.model.closed);
        let mut blocked = closed.get(Counter::Blocked);
        for (id, handle) in self.ids.iter().zip(&self.model.handles) {
            let (Some(id), Some(handle)) = (id, handle) else { continue };
            let seen = self.driver.statistics(*id).unwrap();
            let mut expected = handle.counted;
            expected.set(Counter::QueueLength, handle.queue.len() as u64);
            expected.set(Counter::QueueBytes, handle.bytes());
            assert_eq!(seen, expected);
            // Nothing is lost or doubled: what matched is here, was received, or is counted as dropped.
            let accounted = seen.get(Counter::Received) + seen.get(Counter::QueueLength) + seen.dropped();
            assert_eq!(seen.get(Counter::Matched), accounted);
            blocked += seen.get(Counter::Blocked);
        }
        // A packet that is taken out of the stack's way is at one handle, and at no other.
        assert_eq!(self.blocked, blocked);
        let gone = closed.get(Counter::Received)
            + closed.get(Counter::Reinjected)
            + self.model.lost_at_close
            + closed.dropped();
        assert_eq!(closed.get(Counter::Matched), gone);
    }

    /// All handles are closed: when the stack is done with everything, so is the budget.
    pub(crate) fn end(mut self) {
        while let Some(injection) = self.stack.pop_front() {
            self.driver.injected(injection.ticket, true);
        }
        while let Some((ticket, _)) = self.tickets.pop_front() {
            self.driver.injected(ticket, false);
        }
        assert_eq!(self.driver.platform().memory.used(), 0);
        assert_eq!(self.driver.platform().callouts().iter().count(), 0);
    }
}
