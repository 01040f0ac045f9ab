//! What is written is what is read; what is cut short or followed by more is nothing.

use divert_testbed_control::*;
use divert_testbed_model::layer::Kind;
use divert_testbed_model::{Finding, Rule};

fn packet() -> Packet {
    Packet {
        kind: Kind::Forward,
        flags: 0x21,
        interface: 7,
        sub_interface: 8,
        checksum: 0x15,
        hands: Hands::Other,
        split: 3,
        before: 4,
        chained: true,
        buffers: vec![vec![1, 2, 3], vec![]],
    }
}

fn requests() -> Vec<Request> {
    let event = Event {
        kind: Kind::Accept,
        ipv6: true,
        flags: 1,
        outbound: true,
        local: 1 << 100,
        remote: 5,
        local_port: 80,
        remote_port: 81,
        protocol: 6,
        process: 9,
        endpoint: 10,
        parent: 11,
    };
    let settings =
        Settings { completion: Completion::Reversed, delay: 5, keep: false, split: 9, ending: true };
    vec![
        Request::Ping,
        Request::Packets(vec![packet(), packet()]),
        Request::Event(event),
        Request::FlowEnd(77),
        Request::Outcomes(5),
        Request::Settle,
        Request::Set(settings),
        Request::Fail(Failure::None),
        Request::Fail(Failure::Memory(3)),
        Request::Fail(Failure::Engine(3, -4)),
        Request::Fail(Failure::Injection(3, -4)),
        Request::Fail(Failure::Completion(3, -4)),
        Request::Blast(Blast { threads: 2, count: 3, packets: vec![packet()] }),
        Request::Report,
        Request::Forget,
        Request::Misuse(Rule::LockTwice),
        Request::Others(vec![Other {
            kind: Kind::Connect,
            ipv6: true,
            weight: 7,
            fate: Fate::Blocked,
            hard: true,
        }]),
    ]
}

fn replies() -> Vec<Reply> {
    let outcome = Outcome {
        kind: Kind::Inbound,
        how: How::Injected,
        interface: 1,
        sub_interface: 2,
        checksum: 3,
        bytes: vec![9; 5],
    };
    let report = Report {
        findings: vec![Finding { rule: Rule::PoolLeaked, subject: 1, detail: -2 }],
        found: 3,
        lists: [1, 2, 3, 4],
        memory: [5; 5],
        objects: [6; 11],
        flows: [7; 2],
        requests: [12; 3],
        fates: [8; 3],
        outcomes: [9; 2],
        watched: 10,
        armed: true,
        unloaded: true,
    };
    vec![
        Reply::Done,
        Reply::Fates(vec![Fate::Permitted, Fate::Blocked, Fate::Absorbed]),
        Reply::Event(Fate::Absorbed, 3),
        Reply::Outcomes(vec![outcome], true),
        Reply::Blasted(Blasted { time: 1, permitted: 2, blocked: 3 }),
        Reply::Report(Box::new(report)),
        Reply::Refused,
    ]
}

/// What is echoed has no length of its own.
#[test]
fn echoes() {
    for bytes in [vec![], vec![1, 2, 3]] {
        assert_eq!(Request::decode(&Request::Echo(bytes.clone()).encode()), Ok(Request::Echo(bytes.clone())));
        assert_eq!(Reply::decode(&Reply::Echo(bytes.clone()).encode()), Ok(Reply::Echo(bytes)));
    }
}

#[test]
fn there_and_back() {
    for request in requests() {
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Ok(request));
        for cut in 0..bytes.len() {
            assert_eq!(Request::decode(&bytes[..cut]), Err(Malformed), "{cut}");
        }
        assert_eq!(Request::decode(&[&bytes[..], &[0]].concat()), Err(Malformed));
    }
    for reply in replies() {
        let bytes = reply.encode();
        assert_eq!(Reply::decode(&bytes), Ok(reply));
        for cut in 0..bytes.len() {
            assert_eq!(Reply::decode(&bytes[..cut]), Err(Malformed), "{cut}");
        }
    }
}
