//! Flows, sockets, and handles themselves.

use divert_driver_protocol::{Address, Data, Flags};
use divert_testbed_control::{Event, Fate};
use divert_testbed_model::layer::Kind;
use divert_vm::Layer;

use super::equal;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::{Check, filters};

fn watching() -> Flags {
    Flags::SNIFF | Flags::RECV_ONLY
}

/// An event of a TCP connection from 10.0.0.1:4096 to 10.0.0.2:443.
pub(super) fn event(kind: Kind) -> Event {
    Event {
        kind,
        ipv6: false,
        flags: 0,
        outbound: true,
        local: 0x0A00_0001,
        remote: 0x0A00_0002,
        local_port: 4096,
        remote_port: 443,
        protocol: 6,
        process: 1234,
        endpoint: 0x77,
        parent: 0x76,
    }
}

/// An IPv4 address as FLOW and SOCKET data have it.
const fn mapped(address: u32) -> u128 {
    0xFFFF_0000_0000 | address as u128
}

fn check(address: &Address, number: u8, remote: bool) -> Check {
    equal("event", address.event, number)?;
    let Data::Endpoint(endpoint) = address.data else { return Err("no endpoint".into()) };
    equal("process", endpoint.process_id, 1234)?;
    equal("local", (endpoint.local_addr, endpoint.local_port), (mapped(0x0A00_0001), 4096))?;
    let there = if remote { (mapped(0x0A00_0002), 443) } else { (0, 0) };
    // The unspecified IPv4 address may be written either way.
    let found = (endpoint.remote_addr, endpoint.remote_port);
    let unspecified = !remote && found == (mapped(0), 0);
    if found != there && !unspecified {
        return Err(format!("remote: {found:?}, expected {there:?}"));
    }
    equal("protocol", endpoint.protocol, 6)?;
    equal("endpoint", endpoint.endpoint_id, 0x77)
}

pub(crate) fn flows(bed: &mut Bed) -> Check {
    let (_, early) = bed.event(event(Kind::FlowEstablished))?;
    let handle = Handle::open(Layer::Flow, "remotePort == 443", 0, watching())?;
    let (fate, flow) = bed.event(event(Kind::FlowEstablished))?;
    equal("nothing blocks a flow", fate, Fate::Permitted)?;
    let batch = handle.receive().context("established")?;
    check(&batch.addresses[0], 1, true)?;
    equal("no data", batch.data.len(), 0)?;
    equal("sniffed", batch.addresses[0].sniffed, true)?;
    equal("outbound", batch.addresses[0].outbound, true)?;
    bed.flow_end(flow)?;
    check(&handle.receive().context("deleted")?.addresses[0], 2, true)?;
    // A flow that is older than the handle is not seen.
    bed.flow_end(early)?;
    equal("older", handle.drain(1)?.len(), 0)?;
    // One that outlives the handle is nobody's.
    let (_, late) = bed.event(event(Kind::FlowEstablished))?;
    handle.receive().context("established")?;
    drop(handle);
    bed.flow_end(late)
}

pub(crate) fn flow_at_unload(bed: &mut Bed) -> Check {
    let handle = Handle::open(Layer::Flow, "true", 0, watching())?;
    for _ in 0..5 {
        bed.event(event(Kind::FlowEstablished))?;
    }
    equal("contexts", bed.report()?.flows, [5, 5])?;
    drop(handle);
    bed.cycle()
}

pub(crate) fn sockets(bed: &mut Bed) -> Check {
    let kinds = [
        (Kind::ResourceAssignment, 3, false),
        (Kind::Connect, 4, true),
        (Kind::Listen, 5, false),
        (Kind::Accept, 6, true),
        (Kind::EndpointClosure, 7, true),
    ];
    let handle = Handle::open(Layer::Socket, "true", 0, watching())?;
    for (kind, number, remote) in kinds {
        equal("fate", bed.event(event(kind))?.0, Fate::Permitted)?;
        let batch = handle.receive().context(&format!("{kind:?}"))?;
        check(&batch.addresses[0], number, remote)?;
        equal("ipv6", batch.addresses[0].ipv6, false)?;
    }
    let v6 = Event { ipv6: true, local: 1 << 64 | 1, remote: 1 << 64 | 2, ..event(Kind::Connect) };
    bed.event(v6)?;
    let batch = handle.receive().context("IPv6")?;
    let Data::Endpoint(endpoint) = batch.addresses[0].data else { return Err("no endpoint".into()) };
    equal("addresses", (endpoint.local_addr, endpoint.remote_addr), (1 << 64 | 1, 1 << 64 | 2))?;
    equal("ipv6", batch.addresses[0].ipv6, true)
}

pub(crate) fn blocking(bed: &mut Bed) -> Check {
    let handle = Handle::open(Layer::Socket, "event == CONNECT and remotePort == 443", 0, Flags::RECV_ONLY)?;
    let blocked = |fate| matches!(fate, Fate::Blocked | Fate::Absorbed);
    equal("a connect is blocked", blocked(bed.event(event(Kind::Connect))?.0), true)?;
    check(&handle.receive().context("connect")?.addresses[0], 4, true)?;
    let other = Event { remote_port: 80, ..event(Kind::Connect) };
    equal("another is not", bed.event(other)?.0, Fate::Permitted)?;
    equal("nor a bind", bed.event(event(Kind::ResourceAssignment))?.0, Fate::Permitted)?;
    drop(handle);
    let all = Handle::open(Layer::Socket, "true", 0, Flags::RECV_ONLY)?;
    for kind in [Kind::ResourceAssignment, Kind::Connect, Kind::Listen, Kind::Accept] {
        equal("blocked", blocked(bed.event(event(kind))?.0), true)?;
    }
    for kind in [Kind::ResourceRelease, Kind::EndpointClosure] {
        equal("a close is not", bed.event(event(kind))?.0, Fate::Permitted)?;
    }
    let seen = all.drain(10)?;
    let sniffed: Vec<(u8, bool)> = seen.iter().map(|(address, _)| (address.event, address.sniffed)).collect();
    if !sniffed.ends_with(&[(7, true)]) || sniffed[..4] != [(3, false), (4, false), (5, false), (6, false)] {
        return Err(format!("events {sniffed:?}"));
    }
    Ok(())
}

pub(crate) fn reflect(_: &mut Bed) -> Check {
    let (first, second) = ("tcp.DstPort == 80 and outbound", "udp or icmp");
    let one = Handle::network(first, 3, Flags::SNIFF)?;
    let watch = Handle::open(Layer::Reflect, "true", 0, watching())?;
    let two = Handle::open(Layer::Forward, second, -7, Flags::NONE)?;
    let expected = [
        (8_u8, Layer::Network, first, 3_i16, 1_u64),
        (8, Layer::Forward, second, -7, 0),
        (9, Layer::Network, first, 3, 1),
        (9, Layer::Forward, second, -7, 0),
    ];
    let mut closing = [Some(one), Some(two)].into_iter();
    for (index, (event, layer, filter, priority, flags)) in expected.into_iter().enumerate() {
        if index >= 2 {
            drop(closing.next());
        }
        let batch = watch.receive().context("receiving")?;
        let address = &batch.addresses[0];
        equal("event", address.event, event)?;
        let Data::Reflect(handle) = address.data else { return Err("no handle".into()) };
        equal("layer", handle.layer, u32::from(layer.number()))?;
        equal("priority", handle.priority, priority)?;
        equal("flags", handle.flags, flags)?;
        equal("process", handle.process_id, std::process::id())?;
        let program = filters::program(layer, filter)?;
        let text = filters::object(&program)?;
        equal("object", String::from_utf8_lossy(&batch.data), String::from_utf8_lossy(&text))?;
    }
    equal("itself is not told", watch.drain(1)?.len(), 0)
}
