//! Filters from text, packets, and short ways to a driver on the host platform.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "each test uses its part; they are tests")]

use divert_compiler::back::bytecode::emit;
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::Builder;
use divert_driver_core::host::{Host, HostReceive};
use divert_driver_core::{Answer, Arrival, Driver, Filled, HandleId, Verdict};
use divert_driver_protocol::{Address, Code, Counter, Flags, Open, Send, Sent};
use divert_vm::limits::DRIVER_WORK;
use divert_vm::{Endpoint, Layer, Program};

pub(crate) type Host1 = Driver<Host>;

/// The bytecode of a filter.
pub(crate) fn filter(layer: Layer, text: &str) -> Vec<u8> {
    let text = format!("layer {}; {text}", layer.name());
    let analysis = analyse(&text, &Options::default());
    let typed = analysis.typed.unwrap_or_else(|| panic!("{text}: {:?}", analysis.diagnostics));
    let mut builder = Builder::simplifying(typed.layer);
    let entry = lower(&typed, &mut builder).unwrap();
    emit(&builder.finish(entry), &[]).unwrap()
}

/// What REFLECT handles receive of a program.
pub(crate) fn object(program: &[u8]) -> Vec<u8> {
    let verified = Program::decode(program).unwrap().verify(DRIVER_WORK).unwrap();
    let mut text = divert_compiler::back::object::text(&verified).into_bytes();
    text.push(0);
    text
}

pub(crate) fn driver() -> Host1 {
    Driver::new(Host::default())
}

/// Opens a handle; flags by their bits.
pub(crate) fn open(driver: &Host1, layer: Layer, text: &str, priority: i16, flags: u64) -> HandleId {
    let id = driver.create().unwrap();
    let program = filter(layer, text);
    let request = Open { layer, priority, flags: Flags::from_bits(flags), work_limit: 0, program: &program };
    driver.open(id, 77, &request).unwrap();
    id
}

pub(crate) fn network(driver: &Host1, text: &str, priority: i16, flags: u64) -> HandleId {
    open(driver, Layer::Network, text, priority, flags)
}

/// An IPv4 UDP packet with this identification and so many bytes of payload.
pub(crate) fn udp(id: u16, payload: usize) -> Vec<u8> {
    let total = (28 + payload) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet.extend([0x10, 0x00, 0x00, 0x35]);
    packet.extend((total - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|at| at as u8));
    divert_vm::checksum::update(&mut packet, divert_vm::checksum::Leave::default());
    packet
}

pub(crate) fn udp6(payload: usize) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 17, 64];
    packet[4..6].copy_from_slice(&((8 + payload) as u16).to_be_bytes());
    packet.extend([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend([0x10, 0x00, 0x00, 0x35]);
    packet.extend(((8 + payload) as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|at| at as u8));
    divert_vm::checksum::update(&mut packet, divert_vm::checksum::Leave::default());
    packet
}

/// The identification of an IPv4 packet.
pub(crate) fn id_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[4], packet[5]])
}

pub(crate) fn outbound(driver: &Host1, packet: &[u8]) -> Verdict {
    driver.packet(&Arrival::network(packet, true))
}

pub(crate) fn inbound(driver: &Host1, packet: &[u8]) -> Verdict {
    driver.packet(&Arrival::network(packet, false))
}

/// What a receive came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) data: Vec<u8>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) filled: Filled,
}

pub(crate) fn got(receive: &HostReceive, filled: Filled) -> Got {
    let addresses = receive.addresses().iter().take(filled.packets).map(Address::decode).collect();
    Got { data: receive.data()[..filled.bytes].to_vec(), addresses, filled }
}

/// Receives at once; `Ok(None)` when the receive waits (and is cancelled again).
pub(crate) fn receive_batch(
    driver: &Host1,
    id: HandleId,
    addresses: usize,
    data: usize,
) -> Result<Option<Got>, Code> {
    match driver.receive(id, HostReceive::new(u64::MAX, addresses, data)) {
        Answer::Complete(receive, completion) => completion.map(|filled| Some(got(&receive, filled))),
        Answer::Pended => {
            assert!(driver.cancel(id, u64::MAX).is_some());
            Ok(None)
        }
    }
}

pub(crate) fn receive(driver: &Host1, id: HandleId) -> Result<Option<Got>, Code> {
    receive_batch(driver, id, 1, 70_000)
}

/// Receives one packet and gives its identification.
pub(crate) fn receive_id(driver: &Host1, id: HandleId) -> Option<u16> {
    receive(driver, id).unwrap().map(|got| id_of(&got.data))
}

/// Leaves a receive waiting.
pub(crate) fn pend(driver: &Host1, id: HandleId, key: u64) {
    assert!(matches!(driver.receive(id, HostReceive::new(key, 1, 70_000)), Answer::Pended));
}

pub(crate) fn send(driver: &Host1, id: HandleId, addresses: &[Address], data: &[u8]) -> Result<Sent, Code> {
    let records: Vec<_> = addresses.iter().map(Address::encode).collect();
    driver.send(id, &Send::new(&records, data).unwrap())
}

/// An address for sending outbound, all checksums as they are.
pub(crate) fn out() -> Address {
    Address {
        outbound: true,
        ip_checksum: true,
        tcp_checksum: true,
        udp_checksum: true,
        ..Address::default()
    }
}

pub(crate) fn counter(driver: &Host1, id: HandleId, counter: Counter) -> u64 {
    driver.statistics(id).unwrap().get(counter)
}

/// Gives the packets in the stack's hands back and tells their identifications.
pub(crate) fn drain_injected(driver: &Host1) -> Vec<u16> {
    let mut ids = Vec::new();
    while let Some(injection) = driver.platform().take_injected() {
        ids.push(id_of(&injection.bytes));
        driver.injected(injection.ticket, true);
    }
    ids
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint {
        ipv6: false,
        endpoint_id: 5,
        parent_endpoint_id: 4,
        process_id: 42,
        local_addr: 0xFFFF_0A00_0001,
        remote_addr: 0xFFFF_0A00_0002,
        local_port: 4096,
        remote_port: 53,
        protocol: 17,
    }
}
