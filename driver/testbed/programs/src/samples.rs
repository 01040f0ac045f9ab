//! The samples of the client.

use divert_testbed_control::{Event, Fate, How, Outcome};
use divert_testbed_model::layer::Kind;

use crate::child::Running;
use crate::packets::{is_sound, tcp, udp};
use crate::stack::Stack;
use crate::{Check, Test};

pub(crate) const TESTS: &[Test] = &[
    ("sample netdump", netdump),
    ("sample netfilter", netfilter),
    ("sample passthru", passthru),
    ("sample webfilter", webfilter),
    ("sample streamdump", streamdump),
    ("sample flowtrack", flowtrack),
    ("sample socketdump", socketdump),
    ("sample original, on our own DLL", original),
];

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Starts a sample and waits for its handle.
fn start(stack: &Stack, name: &str, arguments: &[&str]) -> Result<Running, String> {
    let running = Running::start(name, arguments)?;
    match stack.wait_for_handles(running.process(), 1) {
        Ok(_) => Ok(running),
        Err(error) => Err(format!("{error}; it said {:?}", running.finish())),
    }
}

pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Check {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}

fn injected(outcomes: &[Outcome]) -> Vec<&Outcome> {
    outcomes.iter().filter(|outcome| outcome.how == How::Injected).collect()
}

fn netdump(stack: &mut Stack) -> Check {
    let running = start(stack, "netdump.exe", &["udp", "--count", "2"])?;
    for packet in [udp(1, 53), tcp((1, 2), SYN, b""), udp(2, 54)] {
        expect("a packet that is only looked at", stack.packet(Kind::Outbound, &packet)?, Fate::Permitted)?;
    }
    let said = running.succeed()?;
    let wanted = ["UDP 10.0.0.1 4096 > 10.0.0.2 53 payload=8", "UDP 10.0.0.1 4096 > 10.0.0.2 54 payload=8"]
        .map(|line| format!("out if=5 {line}"));
    expect("what it says", said, wanted.to_vec())
}

fn netfilter(stack: &mut Stack) -> Check {
    let filter = "tcp.DstPort == 81 or udp.DstPort == 9 or ip.Protocol == 99";
    let running = start(stack, "netfilter.exe", &[filter, "--count", "3"])?;
    expect("other ports", stack.packet(Kind::Outbound, &tcp((7, 80), SYN, b""))?, Fate::Permitted)?;
    let mut odd = udp(3, 9);
    odd[9] = 99;
    for packet in [tcp((7, 81), SYN, b""), udp(2, 9), odd] {
        expect("what is refused", stack.packet(Kind::Outbound, &packet)? == Fate::Permitted, false)?;
    }
    running.succeed()?;
    let outcomes = stack.outcomes()?;
    let sent = injected(&outcomes);
    expect("answers", sent.len(), 3)?;
    for answer in &sent {
        expect("way of an answer", answer.kind, Kind::Inbound)?;
        expect("interface of an answer", (answer.interface, answer.sub_interface), (5, 6))?;
        expect("addresses of an answer", answer.bytes.get(12..20), Some(&[10, 0, 0, 2, 10, 0, 0, 1][..]))?;
        expect("checksums of an answer", is_sound(&answer.bytes), true)?;
    }
    let reset = &sent[0].bytes;
    expect("ports of the reset", reset.get(20..24), Some(&[0, 81, 0, 7][..]))?;
    expect("flags of the reset", reset.get(33), Some(&(RST | ACK)))?;
    // The SYN takes one number.
    expect("what it acknowledges", reset.get(28..32), Some(&1001_u32.to_be_bytes()[..]))?;
    for answer in &sent[1..] {
        expect("type and code", answer.bytes.get(20..22), Some(&[3, 3][..]))?;
        expect("protocol", answer.bytes.get(9), Some(&1))?;
    }
    Ok(())
}

fn passthru(stack: &mut Stack) -> Check {
    let arguments =
        ["outbound and udp", "--threads", "4", "--batch", "8", "--count", "40", "--priority", "11"];
    let running = start(stack, "passthru.exe", &arguments)?;
    for id in 0..40 {
        expect("a packet", stack.packet(Kind::Outbound, &udp(id, 53))? == Fate::Permitted, false)?;
    }
    expect("what it says", running.succeed()?, vec!["40 packets".to_owned()])?;
    let outcomes = stack.outcomes()?;
    let mut ids: Vec<u16> = injected(&outcomes)
        .iter()
        .filter_map(|outcome| outcome.bytes.get(4..)?.first_chunk().map(|id| u16::from_be_bytes(*id)))
        .collect();
    ids.sort_unstable();
    expect("packets", ids, (0..40).collect())
}

fn webfilter(stack: &mut Stack) -> Check {
    let running = start(stack, "webfilter.exe", &["bad.example/ads", "--count", "2"])?;
    let get = |host: &str, path: &str| {
        tcp((9, 80), ACK, format!("GET {path} HTTP/1.1\r\nAccept: */*\r\nHost: {host}\r\n\r\n").as_bytes())
    };
    let fine = get("bad.example", "/news");
    stack.packet(Kind::Outbound, &fine)?;
    stack.packet(Kind::Outbound, &get("www.bad.example", "/ads/1"))?;
    expect("what it says", running.succeed()?, vec!["blocked www.bad.example/ads/1".to_owned()])?;
    let outcomes = stack.outcomes()?;
    let sent = injected(&outcomes);
    expect("packets", sent.len(), 3)?;
    expect("what is not blocked", &sent[0].bytes, &fine)?;
    expect("reset", (sent[1].kind, sent[1].bytes.get(33)), (Kind::Outbound, Some(&(RST | ACK))))?;
    let page = String::from_utf8_lossy(sent[2].bytes.get(40..).unwrap_or(&[])).into_owned();
    expect("page", (sent[2].kind, page.starts_with("HTTP/1.1 403 Forbidden\r\n")), (Kind::Inbound, true))?;
    expect("checksums", sent.iter().all(|outcome| is_sound(&outcome.bytes)), true)
}

fn streamdump(stack: &mut Stack) -> Check {
    let arguments = ["8080", "--proxy", "34011", "--other", "43011", "--count", "4"];
    let running = start(stack, "streamdump.exe", &arguments)?;
    // Client to server, proxy to client, proxy to server, server to proxy.
    for (kind, ports) in [
        (Kind::Outbound, (5000, 8080)),
        (Kind::Outbound, (34_011, 5000)),
        (Kind::Outbound, (5001, 43_011)),
        (Kind::Inbound, (8080, 5001)),
    ] {
        stack.packet(kind, &tcp(ports, ACK, b"data"))?;
    }
    running.succeed()?;
    let outcomes = stack.outcomes()?;
    let sent: Vec<_> = injected(&outcomes)
        .iter()
        .map(|outcome| {
            let word = |at: usize| {
                let bytes = outcome.bytes.get(at..).and_then(|rest| rest.first_chunk());
                bytes.map_or(0, |word| u16::from_be_bytes(*word))
            };
            (outcome.kind, outcome.bytes.get(15).copied(), word(20), word(22), is_sound(&outcome.bytes))
        })
        .collect();
    expect(
        "packets",
        sent,
        vec![
            (Kind::Inbound, Some(2), 5000, 34_011, true),
            (Kind::Inbound, Some(2), 8080, 5000, true),
            (Kind::Outbound, Some(1), 5001, 8080, true),
            (Kind::Inbound, Some(1), 43_011, 5001, true),
        ],
    )
}

fn event(kind: Kind) -> Event {
    Event {
        kind,
        ipv6: false,
        flags: 0,
        outbound: true,
        local: 0x0A00_0001,
        remote: 0x0808_0404,
        local_port: 5000,
        remote_port: 443,
        protocol: 6,
        process: 4711,
        endpoint: 99,
        parent: 98,
    }
}

fn flowtrack(stack: &mut Stack) -> Check {
    let running = start(stack, "flowtrack.exe", &["tcp", "--count", "2"])?;
    let (fate, flow) = stack.event(event(Kind::FlowEstablished))?;
    expect("a flow", fate, Fate::Permitted)?;
    stack.flow_ends(flow)?;
    let said = running.succeed()?;
    expect("lines", said.len(), 2)?;
    let ends = "out pid=4711 protocol=6 10.0.0.1 5000 > 8.8.4.4 443";
    expect("begin", said[0].contains(ends) && said[0].ends_with(", 1 open"), true)?;
    expect("end", said[1].contains(" ms, 0 open"), true)
}

fn socketdump(stack: &mut Stack) -> Check {
    let arguments = ["event == CONNECT and remotePort == 443", "--block", "1", "--count", "1"];
    let running = start(stack, "socketdump.exe", &arguments)?;
    let other = Event { remote_port: 80, ..event(Kind::Connect) };
    expect("another port", stack.event(other)?.0, Fate::Permitted)?;
    expect("a connection", stack.event(event(Kind::Connect))?.0 == Fate::Permitted, false)?;
    let said = running.succeed()?;
    let wanted = said.iter().all(|line| line.contains("forbade") && line.contains("8.8.4.4 443"));
    expect("what it says", (said.len(), wanted), (1, true))
}

/// The backend for the original's DLL, with ours in its place.
fn original(stack: &mut Stack) -> Check {
    let running =
        start(stack, "original.exe", &["WinDivert.dll", "udp.DstPort in {53, 55}", "--count", "2"])?;
    for packet in [udp(1, 53), udp(2, 54), udp(3, 55)] {
        stack.packet(Kind::Outbound, &packet)?;
    }
    let said = running.succeed()?;
    expect("lines", said.len(), 5)?;
    expect("version", said[0].as_str(), "version [2, 2]")?;
    expect("ends", (said[3].as_str(), said[4].as_str()), ("cancelled: true", "shut down: true"))?;
    expect("packets", injected(&stack.outcomes()?).len(), 2)
}
