//! What comes by, as the driver and the model are told of it.

use std::rc::Rc;

use divert_driver_core::{Arrival, Born, Origin, Verdict};
use divert_driver_protocol::{Address, Code, Counter, Data, Sent};
use divert_vm::checksum::{Leave, update};
use divert_vm::{Endpoint, Event, Layer};

use super::common::{endpoint, id_of, send, udp};
use super::model::{Model, Subject};
use super::steps::{Comes, SOCKET_EVENTS};
use super::world::World;

/// A UDP packet with this identification and time to live.
pub(crate) fn packet(id: u16, payload: usize, ttl: u8) -> Vec<u8> {
    let mut packet = udp(id, payload);
    packet[8] = ttl;
    update(&mut packet, Leave::default());
    packet
}

/// The address record of a packet, not yet sniffed.
fn record(now: i64, layer: Layer, outbound: bool, loopback: bool, impostor: bool, if_idx: u32) -> Address {
    Address {
        timestamp: now,
        layer: layer.number(),
        outbound,
        loopback,
        impostor,
        ip_checksum: true,
        tcp_checksum: true,
        udp_checksum: true,
        data: Data::Network { if_idx, sub_if_idx: 0 },
        ..Address::default()
    }
}

impl World {
    pub(crate) fn packet(&mut self, comes: Comes) {
        let Comes { payload, outbound, loopback, impostor, seen, ttl, if_idx, .. } = comes;
        let layer = if comes.forward { Layer::Forward } else { Layer::Network };
        self.next += 1;
        let data = packet(self.next, payload, ttl);
        let padded = [data.as_slice(), &vec![0xEE; comes.padding]].concat();
        let origin = if impostor { Origin::Impostor } else { Origin::Stack };
        let arrival =
            Arrival { layer, loopback, seen, origin, if_idx, ..Arrival::network(&padded, outbound) };
        let blocked = self.verdict(|world| world.driver.packet(&arrival));
        let subject = Subject {
            layer,
            number: u32::from(self.next),
            address: record(self.model.now, layer, outbound, loopback, impostor, if_idx),
            data: data.into(),
            seen,
            below: None,
            born: None,
            only: None,
        };
        // Loopback packets are never seen on the way in.
        let expected = (outbound || !loopback) && self.model.offer(&subject);
        assert_eq!(expected, blocked);
    }

    fn verdict(&mut self, work: impl FnOnce(&Self) -> Verdict) -> bool {
        let blocked = work(self) == Verdict::Block;
        self.blocked += u64::from(blocked);
        blocked
    }

    /// The oldest packet of the stack comes by again, below its sender, or leaves unseen.
    pub(crate) fn deliver(&mut self, again: bool) {
        let Some(injection) = self.stack.pop_front() else { return };
        let sent = self.model.stack.pop_front().unwrap();
        let owner = self.model.owners.pop_front().unwrap();
        if again {
            let arrival = Arrival {
                layer: injection.layer,
                loopback: injection.loopback,
                if_idx: injection.if_idx,
                origin: Origin::Injected(injection.mark),
                ..Arrival::network(&injection.bytes, injection.outbound)
            };
            let blocked = self.verdict(|world| world.driver.packet(&arrival));
            let subject = Subject {
                layer: sent.layer,
                number: u32::from(id_of(&sent.data)),
                address: record(
                    self.model.now,
                    sent.layer,
                    sent.outbound,
                    sent.loopback,
                    sent.impostor,
                    sent.if_idx,
                ),
                data: sent.data.into(),
                seen: divert_driver_core::Seen::Whole,
                below: Some(sent.priority),
                born: None,
                only: None,
            };
            let expected = (sent.outbound || !sent.loopback) && self.model.offer(&subject);
            assert_eq!(expected, blocked);
        }
        self.tickets.push_back((injection.ticket, owner));
    }

    /// The stack is done with the packet that it has had longest.
    pub(crate) fn settle(&mut self, well: bool) {
        let Some((ticket, owner)) = self.tickets.pop_front() else { return };
        self.driver.injected(ticket, well);
        if !well {
            self.model.tally(owner, Counter::InjectFailed);
        }
    }

    pub(crate) fn flow(&mut self, process: u32) {
        let endpoint = Endpoint { process_id: process, ..endpoint() };
        let born = self.driver.flow_established(&endpoint, true, false);
        // Handles that are opened from now on do not see it.
        let youngest = self.model.serial;
        self.happens(Event::FlowEstablished, endpoint, Some(youngest));
        self.flows.push((endpoint, born, youngest));
    }

    pub(crate) fn flow_ends(&mut self, number: usize) {
        if number < self.flows.len() {
            let (endpoint, born, youngest) = self.flows.remove(number);
            self.driver.flow_deleted(&endpoint, true, false, Born::from_raw(born.to_raw()));
            self.happens(Event::FlowDeleted, endpoint, Some(youngest));
        }
    }

    pub(crate) fn socket(&mut self, event: usize, process: u32, older: bool) {
        let (event, endpoint) = (SOCKET_EVENTS[event], Endpoint { process_id: process, ..endpoint() });
        let (born, youngest) = match self.flows.first().filter(|_| older) {
            // As old as some flow.
            Some((_, born, youngest)) => (Some(*born), Some(*youngest)),
            None => (None, None),
        };
        let blocked = self.verdict(|world| world.driver.socket(event, &endpoint, true, false, born));
        // Neither has a peer yet.
        let told = if matches!(event, Event::SocketBind | Event::SocketListen) {
            Endpoint { remote_addr: 0, remote_port: 0, ..endpoint }
        } else {
            endpoint
        };
        assert_eq!(self.happens(event, told, youngest), blocked);
    }

    /// The model's half of an event.
    fn happens(&mut self, event: Event, endpoint: Endpoint, born: Option<u64>) -> bool {
        let layer = if event.happens_at(Layer::Flow) { Layer::Flow } else { Layer::Socket };
        let address = Address {
            timestamp: self.model.now,
            layer: layer.number(),
            event: event.number(),
            outbound: true,
            data: Data::Endpoint(endpoint),
            ..Address::default()
        };
        self.model.offer(&Subject {
            layer,
            number: endpoint.process_id,
            address,
            data: Rc::from([]),
            seen: divert_driver_core::Seen::Whole,
            below: None,
            born,
            only: None,
        })
    }

    /// Sends what was received first.
    pub(crate) fn send(&mut self, at: usize, most: usize, cut: bool) {
        let Some(id) = self.ids[at] else { return };
        let count = most.min(self.kept[at].len());
        let packets: Vec<_> = self.kept[at].drain(..count).collect();
        if packets.is_empty() {
            return;
        }
        let addresses: Vec<_> = packets.iter().map(|(address, _)| *address).collect();
        let mut data: Vec<u8> = packets.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        data.truncate(data.len() - usize::from(cut));
        let sent = send(&self.driver, id, &addresses, &data);
        assert_eq!(self.model.send(at, packets, cut), sent);
    }
}

impl Model {
    fn send(&mut self, at: usize, packets: Vec<(Address, Vec<u8>)>, cut: bool) -> Result<Sent, Code> {
        let mut handle = self.handles[at].take().unwrap();
        let result = self.send_by(&mut handle, packets, cut);
        self.handles[at] = Some(handle);
        result
    }

    fn send_by(
        &mut self,
        handle: &mut super::model::Handle,
        packets: Vec<(Address, Vec<u8>)>,
        cut: bool,
    ) -> Result<Sent, Code> {
        if !handle.sends {
            return Err(Code::NoData);
        }
        if handle.flags & 4 != 0 {
            return Err(Code::InvalidParameter);
        }
        if cut {
            handle.counted.add(Counter::SendRefused, packets.len() as u64);
            return Err(Code::InsufficientBuffer);
        }
        let mut sent = Sent::default();
        for (address, mut data) in packets {
            let Data::Network { if_idx, .. } = address.data else { panic!("a packet") };
            let length = data.len();
            let failure = if handle.layer == Layer::Network && !address.outbound && if_idx == 0 {
                Some((Counter::SendRefused, Code::InvalidParameter))
            } else if self.refused() {
                Some((Counter::SendRefused, Code::NoSystemResources))
            } else if address.impostor && data[8] <= 1 {
                Some((Counter::LoopsBroken, Code::HostUnreachable))
            } else if self.refuses_injections {
                Some((Counter::InjectFailed, Code::NoSystemResources))
            } else {
                if address.impostor {
                    data[8] -= 1;
                    update(&mut data, Leave::default());
                }
                self.inject(handle, &address, data);
                None
            };
            if let Some((counter, code)) = failure {
                handle.counted.count(counter);
                sent.failed += 1;
                sent.code = sent.code.or(Some(code));
            } else {
                sent.packets += 1;
                sent.bytes += length as u32;
            }
        }
        handle.counted.add(Counter::Injected, u64::from(sent.packets));
        handle.counted.add(Counter::InjectedBytes, u64::from(sent.bytes));
        Ok(sent)
    }
}
