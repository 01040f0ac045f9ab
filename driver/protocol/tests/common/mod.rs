//! Messages of every kind, for the tests.
#![allow(dead_code, reason = "each test uses its part")]

use divert_driver_protocol::request::How;
use divert_driver_protocol::{
    Address, Code, Completed, Counter, Data, FlagError, Flags, HandleEntry, Handles, Layout, Open, Opened,
    Parameter, Reason, Receive, Reflect, Refused, Reply, Request, Send, Sent, Statistics,
};
use divert_vm::{Endpoint, Layer};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint {
        ipv6: true,
        endpoint_id: 0x0102_0304_0506_0708,
        parent_endpoint_id: 0x1112_1314_1516_1718,
        process_id: 0x2122_2324,
        local_addr: 0x3132_3334_3536_3738_393A_3B3C_3D3E_3F40,
        remote_addr: 0x4142_4344_4546_4748_494A_4B4C_4D4E_4F50,
        local_port: 0x5152,
        remote_port: 0x6162,
        protocol: 0x71,
    }
}

pub(crate) fn addresses() -> Vec<Address> {
    let packet = Address {
        timestamp: 0x0123_4567_89AB_CDEF,
        outbound: true,
        impostor: true,
        ip_checksum: true,
        data: Data::Network { if_idx: 7, sub_if_idx: 9 },
        ..Address::default()
    };
    let socket = Address {
        timestamp: -2,
        layer: 3,
        event: 4,
        sniffed: true,
        loopback: true,
        ipv6: true,
        tcp_checksum: true,
        udp_checksum: true,
        data: Data::Endpoint(endpoint()),
        ..Address::default()
    };
    let reflect = Reflect { timestamp: 5, process_id: 6, layer: 3, flags: 0x25, priority: -30_000 };
    vec![
        packet,
        socket,
        Address { layer: 2, event: 2, ..socket },
        Address { layer: 4, event: 8, data: Data::Reflect(reflect), ..Address::default() },
    ]
}

/// Every kind of message with every member set, by name.
pub(crate) fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let records: Vec<[u8; 80]> = addresses().iter().map(Address::encode).collect();
    let request = |request: Request<'_>| {
        let mut buffer = vec![0; request.encoded_length()];
        request.encode(&mut buffer).unwrap();
        buffer
    };
    let reply = |reply: Reply<'_>| {
        let mut buffer = vec![0; reply.encoded_length()];
        reply.encode(&mut buffer).unwrap();
        buffer
    };
    let mut statistics = Statistics::default();
    for (number, counter) in Counter::ALL.into_iter().enumerate() {
        statistics.set(counter, 0x1000 + number as u64);
    }
    let entry = HandleEntry {
        serial: 3,
        timestamp: -4,
        process_id: 5,
        layer: Layer::Socket,
        priority: -6,
        flags: Flags::SNIFF | Flags::RECV_ONLY,
    };
    let entries = [entry.encode(), HandleEntry { serial: 4, ..entry }.encode()];
    let open = Open {
        layer: Layer::Forward,
        priority: -2,
        flags: Flags::FRAGMENTS | Flags::DROP,
        work_limit: 512,
        program: b"program",
    };
    let layout = Layout::new(Layout::length(2, 8), 2).unwrap();
    let mut received = vec![0; Layout::length(2, 8)];
    let mut parts = layout.split(&mut received).unwrap();
    parts.addresses.copy_from_slice(&records[..2]);
    parts.data.copy_from_slice(b"packets!");
    parts.finish(2, 8, Some(Code::InsufficientBuffer)).unwrap();
    vec![
        ("open", request(Request::Open(open))),
        ("receive", request(Request::Receive(Receive { addresses: 255, hold: 0x0102_0304_0506_0708 }))),
        ("send", request(Request::Send(Send::new(&records, b"packets").unwrap()))),
        ("shutdown", request(Request::Shutdown(How::Both))),
        ("set parameter", request(Request::SetParameter(Parameter::QueueTime, 1500))),
        ("get parameter", request(Request::GetParameter(Parameter::VersionMinor))),
        ("statistics?", request(Request::Statistics)),
        ("handles?", request(Request::Handles { from: 0x0807_0605_0403_0201 })),
        ("hold", request(Request::Hold { token: 0x1112_1314_1516_1718 })),
        ("release", request(Request::Release { token: 7, completed: Completed { code: None, length: 9 } })),
        ("complete", request(Request::Complete(Completed { code: Some(Code::NoData), length: 0x0102_0304 }))),
        ("opened", reply(Reply::Opened(Opened { serial: 11, work: 12 }))),
        (
            "refused",
            reply(Reply::Refused(Refused {
                code: Code::InvalidParameter,
                reason: Some(Reason::Flags(FlagError::Unknown(4))),
            })),
        ),
        (
            "sent",
            reply(Reply::Sent(Sent { packets: 1, bytes: 2, failed: 3, code: Some(Code::HostUnreachable) })),
        ),
        ("value", reply(Reply::Value(99))),
        ("statistics", reply(Reply::Statistics(statistics))),
        ("handles", reply(Reply::Handles(Handles::new(&entries, true)))),
        ("received", received),
    ]
}
