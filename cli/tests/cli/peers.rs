//! The same packets as tcpdump finds, where it is installed: `tests/peers/tcpdump.jsonl` has filters of equal meaning.
//!
//! Of equal meaning are those that say what WinDivert's `tcp` and the like imply, that the whole header is there. To look
//! behind VLAN tags, which tcpdump does not do by itself, is put around them here; frames where it cannot look at the packet
//! at all are left out.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::run::{data, divertc, workplace};

/// Bytes of a pcap file before its records.
const HEADER: usize = 24;

#[test]
fn tcpdump_finds_the_same_packets() {
    if Command::new("tcpdump").arg("--version").output().is_err() {
        return;
    }
    let folder = workplace();
    let capture = within_reach(&fs::read(folder.path().join("sample.pcap")).expect("a capture"));
    fs::write(folder.path().join("reach.pcap"), &capture).expect("a capture");
    let table = fs::read_to_string(data("peers/tcpdump.jsonl")).expect("a table");
    let (mut compared, mut found) = (0, 0);
    for line in table.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let (filter, peer) =
            (case["filter"].as_str().expect("text"), case["tcpdump"].as_str().expect("text"));
        let arguments = ["eval", "-e", filter, "reach.pcap", "-w", "-"];
        let ours = divertc(folder.path()).args(arguments).output().expect("divertc runs");
        let theirs = tcpdump(&format!("({peer}) or (vlan and (({peer}) or (vlan and ({peer}))))"), &capture);
        let records = |file: &[u8]| file.get(HEADER..).expect("a header").to_vec();
        assert!(records(&ours.stdout) == records(&theirs), "`{filter}` and `{peer}` differ");
        compared += 1;
        found += usize::from(theirs.len() > HEADER);
    }
    assert!(compared > 100 && found * 2 > compared, "{found} of {compared} filters match something");
}

/// The records of a little-endian capture of Ethernet frames, but for those with SNAP and with extension headers of IPv6
/// behind no tag: tcpdump's `ip` and `tcp[…]` do not look behind these.
fn within_reach(capture: &[u8]) -> Vec<u8> {
    let (header, mut rest) = capture.split_at(HEADER);
    let mut kept = header.to_vec();
    while let Some(captured) = rest.get(8..12).and_then(|bytes| bytes.try_into().ok()) {
        let (record, next) = rest.split_at(16 + u32::from_le_bytes(captured) as usize);
        match record.get(28..).expect("an Ethernet frame") {
            [0..6, ..] => {}
            [0x86, 0xdd, _, _, _, _, _, _, 0 | 43 | 44 | 51 | 60 | 135, ..] => {}
            _ => kept.extend(record),
        }
        rest = next;
    }
    kept
}

/// The capture of what tcpdump lets pass.
fn tcpdump(filter: &str, capture: &[u8]) -> Vec<u8> {
    let mut child = Command::new("tcpdump")
        .args(["-r", "-", "-w", "-", filter])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcpdump runs");
    let written = child.stdin.take().expect("piped").write_all(capture);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && written.is_ok(), "`{filter}`: {said}");
    output.stdout
}
