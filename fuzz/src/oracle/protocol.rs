//! Messages between user mode and the driver: any bytes are an error or a value, and a value is these bytes again.

use divert_driver_protocol::limits::{ADDRESS, HEADER, MAX_BATCH, VERSION};
use divert_driver_protocol::reply::ENTRY;
use divert_driver_protocol::{
    Address, Code, Completed, ControlCode, Data, Flags, HandleEntry, Handles, How, Layout, Open, Opened,
    Parameter, Reason, Receive, Reflect, Refused, Reply, Request, Send, Sent,
};
use divert_vm::Endpoint;
use divert_vm::layer::Layer;

use super::{Finding, Outcome, require};
use crate::source::Source;

/// The bytes as a message of each kind, as the body of one whose header is right, as records; and messages made of them.
///
/// # Errors
/// What does not hold.
pub fn any_message(bytes: &[u8]) -> Outcome {
    message(bytes)?;
    let mut source = Source::endless(bytes);
    let kind = source.pick(&KINDS);
    message(&framed(kind, bytes))?;
    records(&mut source)?;
    let (name, made) = made(&mut source);
    let made = made.ok_or_else(|| Finding::new(format!("{name} cannot be written")))?;
    require(Request::decode(&made).is_ok() != Reply::decode(&made).is_ok(), || {
        format!("{name} is not one message: {}", hex(&made))
    })?;
    message(&made)?;
    let mut damaged = made;
    for _ in 0..source.below(4) {
        let at = source.below(damaged.len());
        damaged[at] = source.byte();
    }
    message(&damaged)?;
    received(&mut source)
}

/// All kinds of messages, and some that do not exist.
const KINDS: [u16; 20] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x8000, 0x8001, 0x8002, 0x8003, 0x8006, 0x8007, 0x8008, 0x8009, 0x8101,
];

/// A message of this kind with this body.
fn framed(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    [&VERSION.to_le_bytes()[..], &kind.to_le_bytes(), &length.to_le_bytes(), body].concat()
}

/// Any bytes as a request, as a reply, and as the answer to a receive.
fn message(bytes: &[u8]) -> Outcome {
    let mut again = vec![0; bytes.len()];
    if let Ok(request) = Request::decode(bytes) {
        let written = request.encode(&mut again).ok();
        let same = written == Some(bytes.len()) && again == bytes && request.encoded_length() == bytes.len();
        require(same, || format!("a request is written differently: {request:?}\n{}", hex(bytes)))?;
        require(Request::decode(&again) == Ok(request), || format!("another request: {request:?}"))?;
        if let Request::Send(send) = request {
            require(send.addresses().count() == send.len(), || format!("records are missing: {send:?}"))?;
        }
    }
    if let Ok(reply) = Reply::decode(bytes) {
        let written = reply.encode(&mut again).ok();
        let same = written == Some(bytes.len()) && again == bytes && reply.encoded_length() == bytes.len();
        require(same, || format!("a reply is written differently: {reply:?}\n{}", hex(bytes)))?;
        require(Reply::decode(&again) == Ok(reply), || format!("another reply: {reply:?}"))?;
        if let Reply::Handles(handles) = reply {
            let all = (bytes.len() - HEADER - 8) / ENTRY;
            require(handles.entries().count() == all, || format!("entries are missing: {handles:?}"))?;
        }
    }
    [1, 2, 3, 255].iter().try_for_each(|addresses| answer(bytes, *addresses))
}

/// The bytes as the answer to a receive that asked for so many records.
fn answer(bytes: &[u8], addresses: u8) -> Outcome {
    let Ok(layout) = Layout::new(bytes.len(), addresses) else { return Ok(()) };
    let Ok(received) = layout.read(bytes) else { return Ok(()) };
    let mut again = vec![0; bytes.len()];
    let mut parts = layout.split(&mut again).ok_or_else(|| Finding::new("a layout without its parts"))?;
    let (count, data) = (received.len(), received.data.len());
    for (place, address) in parts.addresses.iter_mut().zip(received.addresses()) {
        *place = address.encode();
    }
    if let Some(place) = parts.data.get_mut(..data) {
        place.copy_from_slice(received.data);
    }
    let length = parts.finish(count, data, received.code).ok();
    let what = || format!("an answer is written differently: {received:?}\n{}", hex(bytes));
    let length = length.filter(|length| *length <= bytes.len()).ok_or_else(|| Finding::new(what()))?;
    let same = layout.read(&again).is_ok_and(|read| {
        read.addresses().eq(received.addresses()) && (read.data, read.code) == (received.data, received.code)
    });
    // Records have reserved bits; all the rest is bytes that mean something.
    let prefix = divert_driver_protocol::receive::PREFIX;
    let behind = length - data;
    let equal =
        again.get(..prefix) == bytes.get(..prefix) && again.get(behind..length) == bytes.get(behind..length);
    require(same && equal, what)
}

/// Records of 80 and 40 bytes, and numbers.
fn records(source: &mut Source<'_>) -> Outcome {
    let mut record = [0; ADDRESS];
    record.copy_from_slice(&source.bytes(ADDRESS));
    if source.one_in(2) {
        record[8] = source.byte() % 6;
    }
    let address = Address::decode(&record);
    let again = address.encode();
    require(Address::decode(&again) == address, || format!("another address: {address:?}"))?;
    // What is written has no bit that was not read.
    let kept = again.iter().zip(&record).all(|(new, old)| new & !old == 0);
    require(kept, || format!("an address gained bits: {}\n{}", hex(&record), hex(&again)))?;
    let made = any_address(source);
    require(Address::decode(&made.encode()) == made, || format!("another address: {made:?}"))?;

    let mut entry = [0; ENTRY];
    entry.copy_from_slice(&source.bytes(ENTRY));
    if source.one_in(2) {
        entry[20] %= 5;
        entry[21] = 0;
        entry[32..].fill(0);
    }
    if let Ok(handle) = HandleEntry::decode(&entry) {
        require(handle.encode() == entry, || format!("an entry is written differently: {handle:?}"))?;
    }
    let number = source.u32();
    let code = Code::from_number(number).is_none_or(|code| code.number() == number);
    let control = ControlCode::from_number(number).is_none_or(|code| code.number() == number);
    let parameter = Parameter::from_number(number).is_none_or(|parameter| parameter.number() == number);
    require(code && control && parameter, || format!("{number} is another number"))
}

/// An answer to a receive, filled in place and read.
fn received(source: &mut Source<'_>) -> Outcome {
    let addresses = source.pick(&[1, 2, 3, 9, 255]);
    let room = source.below(100);
    let mut buffer = vec![0xEE; Layout::length(addresses, room)];
    let layout = Layout::new(buffer.len(), addresses).map_err(|error| Finding::new(format!("{error:?}")))?;
    let count = 1 + source.below(usize::from(addresses));
    let filled: Vec<Address> = (0..count).map(|_| any_address(source)).collect();
    let data = source.below(room + 1);
    let data = source.bytes(data);
    let code = source.one_in(4).then_some(Code::InsufficientBuffer);
    let mut parts = layout.split(&mut buffer).ok_or_else(|| Finding::new("a layout without its parts"))?;
    for (place, address) in parts.addresses.iter_mut().zip(&filled) {
        *place = address.encode();
    }
    if let Some(place) = parts.data.get_mut(..data.len()) {
        place.copy_from_slice(&data);
    }
    require(parts.finish(count, data.len(), code).is_ok(), || "an answer cannot be finished".to_owned())?;
    let same = layout.read(&buffer).is_ok_and(|read| {
        read.addresses().eq(filled.iter().copied()) && read.data == data.as_slice() && read.code == code
    });
    require(same, || format!("another answer: {count} records, {} bytes, {code:?}", data.len()))?;
    let at = source.below(buffer.len());
    buffer[at] = source.byte();
    message(&buffer)
}

/// A message with members of any value, and what it is called; `None` when it cannot be written.
fn made(source: &mut Source<'_>) -> (&'static str, Option<Vec<u8>>) {
    fn request(request: &Request<'_>) -> Option<Vec<u8>> {
        let mut buffer = vec![0xEE; request.encoded_length()];
        request.encode(&mut buffer).ok().map(|_| buffer)
    }
    fn reply(reply: &Reply<'_>) -> Option<Vec<u8>> {
        let mut buffer = vec![0xEE; reply.encoded_length()];
        reply.encode(&mut buffer).ok().map(|_| buffer)
    }
    let code = Code::from_number(source.below(2000) as u32);
    let how = source.pick(&[How::Receive, How::Send, How::Both]);
    let parameter = Parameter::from_number(source.below(4) as u32);
    let flags = Flags::from_bits(source.u64());
    match source.below(13) {
        0 => {
            let (layer, priority) = (source.pick(&Layer::ALL), source.u32() as i16);
            let length = 1 + source.below(80);
            let (work_limit, program) = (source.u32(), source.bytes(length));
            let open = Open { layer, priority, flags, work_limit, program: &program };
            ("open", request(&Request::Open(open)))
        }
        1 => {
            let (addresses, hold) = (source.byte().max(1), source.u64());
            ("receive", request(&Request::Receive(Receive { addresses, hold })))
        }
        2 => {
            let count = 1 + source.below(4).min(MAX_BATCH);
            let records: Vec<[u8; ADDRESS]> = (0..count).map(|_| any_address(source).encode()).collect();
            let length = 20 + source.below(80);
            let data = source.bytes(length);
            ("send", Send::new(&records, &data).ok().and_then(|send| request(&Request::Send(send))))
        }
        3 => ("shutdown", request(&Request::Shutdown(how))),
        4 => match parameter {
            Some(parameter) => ("set", request(&Request::SetParameter(parameter, source.u64()))),
            None => ("statistics", request(&Request::Statistics)),
        },
        5 => match parameter {
            Some(parameter) => ("get", request(&Request::GetParameter(parameter))),
            None => ("handles", request(&Request::Handles { from: source.u64() })),
        },
        6 => {
            let (token, completed) = (source.u64().max(1), Completed { code, length: source.u32() });
            match source.below(3) {
                0 => ("complete", request(&Request::Complete(completed))),
                1 => ("hold", request(&Request::Hold { token })),
                _ => ("release", request(&Request::Release { token, completed })),
            }
        }
        7 => {
            let (serial, work) = (source.u64(), source.u32());
            ("opened", reply(&Reply::Opened(Opened { serial, work })))
        }
        8 => match code {
            Some(code) => {
                let number = source.below(19) as u32;
                let detail = [0, source.below(5) as u64, source.u64()];
                let reason = Reason::from_parts(number, source.pick(&detail)).ok();
                ("refused", reply(&Reply::Refused(Refused { code, reason })))
            }
            None => ("value", reply(&Reply::Value(source.u64()))),
        },
        9 => {
            let (packets, bytes, failed) = (source.u32(), source.u32(), source.u32());
            ("sent", reply(&Reply::Sent(Sent { packets, bytes, failed, code })))
        }
        10 => {
            let mut statistics = divert_driver_protocol::Statistics::default();
            let counters = divert_driver_protocol::Counter::ALL;
            counters.iter().for_each(|counter| statistics.add(*counter, source.u64()));
            ("counters", reply(&Reply::Statistics(statistics)))
        }
        11 => {
            let count = source.below(5);
            let records: Vec<[u8; ENTRY]> = (0..count).map(|_| any_entry(source).encode()).collect();
            ("list", reply(&Reply::Handles(Handles::new(&records, source.one_in(2)))))
        }
        _ => ("value", reply(&Reply::Value(source.u64()))),
    }
}

fn any_entry(source: &mut Source<'_>) -> HandleEntry {
    HandleEntry {
        serial: source.u64(),
        timestamp: source.u64().cast_signed(),
        process_id: source.u32(),
        layer: source.pick(&Layer::ALL),
        priority: source.u32() as i16,
        flags: Flags::from_bits(source.u64()),
    }
}

fn any_address(source: &mut Source<'_>) -> Address {
    let (layer, bits) = (source.byte() % 6, source.u32());
    let bit = |number: u32| bits >> number & 1 == 1;
    let data = match layer {
        2 | 3 => Data::Endpoint(Endpoint {
            ipv6: bit(4),
            endpoint_id: source.u64(),
            parent_endpoint_id: source.u64(),
            process_id: source.u32(),
            local_addr: source.u128(),
            remote_addr: source.u128(),
            local_port: source.u32() as u16,
            remote_port: source.u32() as u16,
            protocol: source.byte(),
        }),
        4 => Data::Reflect(Reflect {
            timestamp: source.u64().cast_signed(),
            process_id: source.u32(),
            layer: source.u32(),
            flags: source.u64(),
            priority: source.u32() as i16,
        }),
        _ => Data::Network { if_idx: source.u32(), sub_if_idx: source.u32() },
    };
    Address {
        timestamp: source.u64().cast_signed(),
        layer,
        event: source.byte(),
        sniffed: bit(0),
        outbound: bit(1),
        loopback: bit(2),
        impostor: bit(3),
        ipv6: bit(4),
        ip_checksum: bit(5),
        tcp_checksum: bit(6),
        udp_checksum: bit(7),
        data,
    }
}

fn hex(bytes: &[u8]) -> String {
    crate::r#gen::case::to_hex(bytes)
}
