//! Giving a field of a case a value: the inverse of reading it, as far as that goes. Whoever aims looks afterwards what
//! came of it.

use divert_compiler::analysis::span;
use divert_vm::field::{Field, Header, IPV4_MAPPED, is_ipv4_mapped};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Protocol, Version};
use divert_vm::{Address, Endpoint, Packet, Reflected};

use crate::r#gen::case::Case;

/// The longest that packets are made.
const LONGEST: usize = 2_000;

/// Changes the case so that `field` at `index` has this key, more or less.
pub(super) fn write(case: &mut Case, field: Field, index: i32, key: u128) {
    match case {
        Case::Packet(_, bytes, address) => packet(bytes, address, field, index, key),
        Case::Endpoint(_, event, data, address) => {
            if !common(address, event, field, key) {
                endpoint(data, field, key);
            }
        }
        Case::Reflected(event, handle, address) => {
            if !common(address, event, field, key) {
                reflected(handle, field, key);
            }
        }
    }
}

/// Changes the case so that it does not have the field, if that is possible.
pub(super) fn remove(case: &mut Case, field: Field, index: i32) {
    let Case::Packet(_, bytes, _) = case else { return };
    match (field.info().header, usize::try_from(index)) {
        (Header::None, Ok(index)) => bytes.truncate(index.max(20)),
        // One byte less than the index needs.
        (Header::None, Err(_)) => bytes.truncate((index.unsigned_abs() as usize).max(21) - 1),
        (Header::Ip, _) => provide(bytes, Header::Ipv6),
        (Header::Ipv6, _) => provide(bytes, Header::Ip),
        (header @ (Header::Tcp | Header::Udp), _) if field.is_array() && is(bytes, header) => {
            resize_payload(bytes, index.unsigned_abs() as usize - usize::from(index < 0));
        }
        (Header::Tcp, _) => provide(bytes, Header::Udp),
        (Header::Udp | Header::Icmp | Header::Icmpv6, _) => provide(bytes, Header::Tcp),
    }
}

/// What all kinds of input have; whether it was that.
fn common(address: &mut Address, event: &mut Event, field: Field, key: u128) -> bool {
    if field == Field::Event {
        *event = u8::try_from(key).ok().and_then(Event::from_number).unwrap_or(*event);
        return true;
    }
    known(address, field, key)
}

/// What is known beside the content; whether it was that.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields are no part of it")]
fn known(address: &mut Address, field: Field, key: u128) -> bool {
    match field {
        Field::Outbound => address.outbound = key == 1,
        Field::Inbound => address.outbound = key == 0,
        Field::Loopback => address.loopback = key == 1,
        Field::Impostor => address.impostor = key == 1,
        Field::IfIdx => address.if_idx = key as u32,
        Field::SubIfIdx => address.sub_if_idx = key as u32,
        Field::Timestamp => address.timestamp = (key as u64 ^ 1 << 63).cast_signed(),
        _ => return false,
    }
    true
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields are no part of it")]
fn endpoint(endpoint: &mut Endpoint, field: Field, key: u128) {
    let protocol = |number: u8, other: u8| if key == 1 { number } else { other };
    match field {
        Field::ProcessId => endpoint.process_id = key as u32,
        Field::EndpointId => endpoint.endpoint_id = key as u64,
        Field::ParentEndpointId => endpoint.parent_endpoint_id = key as u64,
        Field::LocalAddr => (endpoint.local_addr, endpoint.ipv6) = (key, !is_ipv4_mapped(key)),
        Field::RemoteAddr => (endpoint.remote_addr, endpoint.ipv6) = (key, !is_ipv4_mapped(key)),
        Field::LocalPort => endpoint.local_port = key as u16,
        Field::RemotePort => endpoint.remote_port = key as u16,
        Field::Protocol => endpoint.protocol = key as u8,
        Field::Ip => endpoint.ipv6 = key == 0,
        Field::Ipv6 => endpoint.ipv6 = key == 1,
        Field::Tcp => endpoint.protocol = protocol(6, 17),
        Field::Udp => endpoint.protocol = protocol(17, 6),
        Field::Icmp => (endpoint.protocol, endpoint.ipv6) = (protocol(1, 6), false),
        Field::Icmpv6 => (endpoint.protocol, endpoint.ipv6) = (protocol(58, 6), true),
        _ => {}
    }
    agree(endpoint);
}

/// Makes the addresses of an event those of its IP version, as a driver reports them.
pub(super) fn settle(case: &mut Case) {
    if let Case::Endpoint(_, _, data, _) = case {
        agree(data);
    }
}

/// The address keeps its last 32 bits when it is not of the event's IP version.
const fn agree(endpoint: &mut Endpoint) {
    const DOCUMENTATION: u128 = 0x2001_0db8 << 96;
    let Endpoint { ipv6, local_addr, remote_addr, .. } = endpoint;
    if *ipv6 == is_ipv4_mapped(*local_addr) {
        *local_addr = if *ipv6 { DOCUMENTATION } else { IPV4_MAPPED } | *local_addr & 0xFFFF_FFFF;
    }
    if *ipv6 == is_ipv4_mapped(*remote_addr) {
        *remote_addr = if *ipv6 { DOCUMENTATION } else { IPV4_MAPPED } | *remote_addr & 0xFFFF_FFFF;
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields are no part of it")]
fn reflected(handle: &mut Reflected, field: Field, key: u128) {
    match field {
        Field::ProcessId => handle.process_id = key as u32,
        Field::Priority => handle.priority = (key as i64 - 32_768).clamp(-30_000, 30_000) as i16,
        Field::Layer => {
            handle.layer = u8::try_from(key).ok().and_then(Layer::from_number).unwrap_or(handle.layer);
        }
        _ => {}
    }
}

/// Where a header's field lies: bits from the beginning of the header, and how many.
fn bits(field: Field) -> Option<(usize, usize)> {
    span(field).map(|(at, count)| (at as usize, count as usize))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "fields of headers are bits, above; the rest cannot be aimed at"
)]
fn packet(bytes: &mut Vec<u8>, address: &mut Address, field: Field, index: i32, key: u128) {
    if known(address, field, key) {
        return;
    }
    let header = field.info().header;
    if header != Header::None && !is(bytes, header) {
        provide(bytes, header);
    }
    if let Some((at, count)) = bits(field) {
        let start = if matches!(header, Header::Ip | Header::Ipv6) { 0 } else { shape(bytes).transport };
        write_bits(bytes, start * 8 + at, count, key);
        return;
    }
    let ports = |local: bool| if address.outbound == local { Field::TcpSrcPort } else { Field::TcpDstPort };
    match field {
        Field::Ip => provide(bytes, if key == 1 { Header::Ip } else { Header::Ipv6 }),
        Field::Ipv6 => provide(bytes, if key == 1 { Header::Ipv6 } else { Header::Ip }),
        Field::Tcp => provide(bytes, if key == 1 { Header::Tcp } else { Header::Udp }),
        Field::Udp => provide(bytes, if key == 1 { Header::Udp } else { Header::Tcp }),
        Field::Icmp => provide(bytes, if key == 1 { Header::Icmp } else { Header::Tcp }),
        Field::Icmpv6 => provide(bytes, if key == 1 { Header::Icmpv6 } else { Header::Tcp }),
        Field::Protocol => build(bytes, None, key as u8),
        Field::LocalPort | Field::RemotePort => {
            if !is(bytes, Header::Tcp) && !is(bytes, Header::Udp) {
                provide(bytes, Header::Tcp);
            }
            if let Some((at, count)) = bits(ports(field == Field::LocalPort)) {
                let start = shape(bytes).transport;
                write_bits(bytes, start * 8 + at, count, key);
            }
        }
        Field::LocalAddr | Field::RemoteAddr => {
            let mapped = is_ipv4_mapped(key);
            provide(bytes, if mapped { Header::Ip } else { Header::Ipv6 });
            let source = address.outbound == (field == Field::LocalAddr);
            let at = match (mapped, source) {
                (true, true) => (96, 32),
                (true, false) => (128, 32),
                (false, true) => (64, 128),
                (false, false) => (192, 128),
            };
            write_bits(bytes, at.0, at.1, key);
        }
        Field::Fragment => fragment(bytes, key == 1),
        Field::Length => resize(bytes, key as usize),
        Field::TcpPayloadLength | Field::UdpPayloadLength => resize_payload(bytes, key as usize),
        Field::Packet | Field::Packet16 | Field::Packet32 => element(bytes, 0, field, index, key),
        _ if field.is_array() => {
            let start = shape(bytes).payload;
            element(bytes, start, field, index, key);
        }
        _ => {}
    }
}

/// Makes the packet a first fragment, or none.
fn fragment(bytes: &mut Vec<u8>, wanted: bool) {
    let Shape { ipv6, number, .. } = shape(bytes);
    match (ipv6, wanted) {
        (false, wanted) => {
            write_bits(bytes, 50, 1, wanted.into());
            write_bits(bytes, 51, 13, 0);
        }
        (true, true) if bytes.len() >= 40 => {
            let next = std::mem::replace(&mut bytes[6], 44);
            bytes.splice(40..40, [next, 0, 0, 1, 0, 0, 0, 1]);
            fix_lengths(bytes);
        }
        (true, _) => build(bytes, None, number),
    }
}

/// An element of an array that begins at `start` and ends with the packet.
fn element(bytes: &mut Vec<u8>, start: usize, field: Field, index: i32, key: u128) {
    let size = usize::from(field.info().element);
    let needed = match usize::try_from(index) {
        Ok(index) => start + index + size,
        Err(_) => start + index.unsigned_abs() as usize,
    };
    if bytes.len() < needed {
        resize(bytes, needed);
    }
    let at = match usize::try_from(index) {
        Ok(index) => start + index,
        Err(_) => bytes.len().saturating_sub(index.unsigned_abs() as usize),
    };
    write_bits(bytes, at * 8, size * 8, key);
}

fn write_bits(bytes: &mut [u8], at: usize, count: usize, key: u128) {
    for bit in 0..count {
        let place = at + count - 1 - bit;
        if let Some(byte) = bytes.get_mut(place / 8) {
            let mask = 0x80 >> (place % 8);
            *byte = if key >> bit & 1 == 1 { *byte | mask } else { *byte & !mask };
        }
    }
}

/// Where the parts of a packet are.
struct Shape {
    ipv6: bool,
    kind: Protocol,
    number: u8,
    transport: usize,
    payload: usize,
}

fn shape(bytes: &[u8]) -> Shape {
    match Packet::parse(bytes) {
        Ok(packet) => {
            let transport = packet.transport();
            let start = transport.offset as usize;
            let payload = (transport.payload as usize).max(start).min(bytes.len());
            Shape {
                ipv6: packet.version() == Version::V6,
                kind: transport.kind,
                number: transport.number,
                transport: start.min(bytes.len()),
                payload,
            }
        }
        Err(_) => Shape {
            ipv6: false,
            kind: Protocol::Other,
            number: 0,
            transport: bytes.len(),
            payload: bytes.len(),
        },
    }
}

/// Whether the packet has this header.
fn is(bytes: &[u8], header: Header) -> bool {
    let Shape { ipv6, kind, .. } = shape(bytes);
    match header {
        Header::None => true,
        Header::Ip => !ipv6,
        Header::Ipv6 => ipv6,
        Header::Icmp => kind == Protocol::Icmp,
        Header::Icmpv6 => kind == Protocol::Icmpv6,
        Header::Tcp => kind == Protocol::Tcp,
        Header::Udp => kind == Protocol::Udp,
    }
}

/// Makes the packet one with this header; nothing when it is one.
fn provide(bytes: &mut Vec<u8>, header: Header) {
    if is(bytes, header) {
        return;
    }
    let number = shape(bytes).number;
    match header {
        Header::None => {}
        Header::Ip => build(bytes, Some(false), if number == 58 { 1 } else { number }),
        Header::Ipv6 => build(bytes, Some(true), if number == 1 { 58 } else { number }),
        Header::Icmp => build(bytes, Some(false), 1),
        Header::Icmpv6 => build(bytes, Some(true), 58),
        Header::Tcp => build(bytes, None, 6),
        Header::Udp => build(bytes, None, 17),
    }
}

/// Builds the packet anew with this version and transport protocol. Its payload stays, addresses and so on where the
/// version does, and the transport header where the protocol does.
fn build(bytes: &mut Vec<u8>, ipv6: Option<bool>, number: u8) {
    let old = shape(bytes);
    let ipv6 = ipv6.unwrap_or(old.ipv6);
    let payload = bytes.get(old.payload..).unwrap_or_default();
    let kept = bytes.get(old.transport..old.payload).filter(|_| old.number == number);
    let wanted = match number {
        6 => 20,
        1 | 17 | 58 => 8,
        _ => 0,
    };
    let mut transport = kept.unwrap_or_default().to_vec();
    if transport.len() < wanted {
        transport = vec![0; wanted];
        if number == 6 {
            transport[12] = 0x50;
        }
    }
    let mut built = match (ipv6, old.ipv6, bytes.get(..if ipv6 { 40 } else { 20 })) {
        (true, true, Some(header)) | (false, false, Some(header)) => header.to_vec(),
        (true, ..) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
            for last in [1, 2] {
                header.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            }
            header
        }
        (false, ..) => vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
    };
    if ipv6 {
        (built[0], built[6]) = (0x60 | built[0] & 15, number);
    } else {
        (built[0], built[9]) = (0x45, number);
        built[6..8].fill(0);
    }
    built.extend(transport);
    built.extend(payload);
    *bytes = built;
    fix_lengths(bytes);
}

/// Makes the packet this long, as its header says, too.
fn resize(bytes: &mut Vec<u8>, length: usize) {
    let least = if shape(bytes).ipv6 { 40 } else { 20 };
    bytes.resize(length.clamp(least, LONGEST.max(bytes.len())), 0);
    fix_lengths(bytes);
}

fn resize_payload(bytes: &mut Vec<u8>, length: usize) {
    let start = shape(bytes).payload;
    resize(bytes, start.saturating_add(length));
}

/// Makes the lengths in the headers those of the buffer.
fn fix_lengths(bytes: &mut [u8]) {
    let total = bytes.len().min(65_535) as u128;
    let ipv6 = bytes.first().is_some_and(|first| first >> 4 == 6);
    if ipv6 {
        write_bits(bytes, 32, 16, total.saturating_sub(40));
    } else {
        write_bits(bytes, 16, 16, total);
    }
    let Shape { kind, transport, .. } = shape(bytes);
    if kind == Protocol::Udp {
        let length = total.saturating_sub(transport as u128);
        write_bits(bytes, transport * 8 + 32, 16, length);
    }
}
