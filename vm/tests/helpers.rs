//! The helper functions against what the original answered (`tests/conformance/helpers.jsonl`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use divert_vm::address::{Ipv4, Ipv6, parse_ipv4, parse_ipv6, write_terminated};
use divert_vm::checksum::{Leave, decrement_ttl, update};
use divert_vm::hash;
use divert_vm::packet::{Packet, Protocol, Version};
use serde_json::{Value, json};

fn bytes(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parsed(buffer: &[u8]) -> Value {
    let Ok(packet) = Packet::parse(buffer) else { return json!({"ok": false}) };
    if packet.is_truncated() {
        return json!({"ok": false});
    }
    let transport = packet.transport();
    let length = packet.end() - transport.payload as usize;
    let next = buffer.len() - packet.end();
    let mut result = json!({
        "ok": true,
        "protocol": transport.number,
        "payload": (length > 0).then_some(transport.payload),
        "payloadLength": length,
        "next": (next > 0).then_some(packet.end()),
        "nextLength": next,
    });
    result[if packet.version() == Version::V4 { "ip" } else { "ipv6" }] = json!(0);
    let name = match transport.kind {
        Protocol::Icmp => "icmp",
        Protocol::Icmpv6 => "icmpv6",
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Other => return result,
    };
    result[name] = json!(transport.offset);
    result
}

fn words(address: u128) -> Value {
    json!([address as u32, (address >> 32) as u32, (address >> 64) as u32, (address >> 96) as u32])
}

fn from_words(words: &Value) -> u128 {
    words
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .fold(0, |value, word| value << 32 | u128::from(word.as_u64().unwrap()))
}

/// Text into a buffer of `buflen` bytes, or as much as is needed.
fn text(shown: &dyn std::fmt::Display, case: &Value) -> Value {
    let mut buffer = vec![0; case["buflen"].as_u64().map_or(64, |length| length as usize)];
    match write_terminated(shown, &mut buffer) {
        Some(length) => json!({"ok": true, "text": std::str::from_utf8(&buffer[..length]).unwrap()}),
        None => json!({"ok": false, "code": 122}),
    }
}

fn answer(case: &Value) -> Option<Value> {
    let address = |address: Option<Value>| match address {
        Some(address) => json!({"ok": true, "addr": address}),
        None => json!({"ok": false, "code": 87}),
    };
    Some(match case["op"].as_str().unwrap() {
        "parse" => parsed(&bytes(&case["packet"])),
        "hash" => {
            let (buffer, seed) = (bytes(&case["packet"]), case["seed"].as_u64().unwrap());
            let hash = Packet::parse(&buffer).map_or(0, |packet| hash::packet(&packet, seed));
            json!({"hash": format!("{hash:#018x}")})
        }
        "checksums" => {
            let mut buffer = bytes(&case["packet"]);
            let done = update(&mut buffer, Leave::from_flags(case["flags"].as_u64().unwrap()));
            json!({"ok": done.ok, "packet": hex(&buffer), "ipChecksum": u8::from(done.ip),
                "tcpChecksum": u8::from(done.tcp), "udpChecksum": u8::from(done.udp)})
        }
        "ttl" => {
            let mut buffer = bytes(&case["packet"]);
            let ok = decrement_ttl(&mut buffer);
            json!({"ok": ok, "packet": hex(&buffer)})
        }
        "ipv4" => address(parse_ipv4(case["text"].as_str().unwrap()).map(|address| json!(address))),
        "ipv6" => address(parse_ipv6(case["text"].as_str().unwrap()).map(words)),
        "fmt4" => text(&Ipv4(case["addr"].as_u64().unwrap() as u32), case),
        "fmt6" => text(&Ipv6(from_words(&case["addr"])), case),
        // The object's buffer is the compiler's business.
        "compile" => return None,
        other => panic!("unknown operation {other}"),
    })
}

/// `expected` says nothing that `answer` does not.
fn fits(answer: &Value, expected: &Value) -> bool {
    if let Some(choices) = expected.get("anyOf") {
        return choices.as_array().unwrap().iter().any(|choice| fits(answer, choice));
    }
    expected.as_object().unwrap().iter().all(|(key, value)| answer[key] == *value)
}

#[test]
fn helpers_answer_as_the_original_or_as_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/helpers.jsonl");
    let file = std::fs::read_to_string(path).unwrap();
    let (mut run, mut wrong) = (0, Vec::new());
    for line in file.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(answer) = answer(&case) else { continue };
        run += 1;
        let expected = case.get("documented").unwrap_or(&case["result"]);
        if !fits(&answer, expected) {
            wrong.push(format!("{line}\n  ours: {answer}"));
        }
    }
    assert!(run > 900, "only {run} lines were run");
    assert!(
        wrong.is_empty(),
        "{} of {run} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
