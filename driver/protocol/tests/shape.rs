//! The protocol's shape may not change without its version. `golden.txt` holds a message of every kind; `versions.txt`
//! says which shape each version has. With `BLESS=1` a new version is added to both; a version that is there already
//! is never given another shape.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use divert_driver_protocol::limits::{NAME, VERSION};

fn golden() -> String {
    let mut text = String::new();
    for (name, bytes) in common::messages() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // The version itself is no part of the shape.
        let _ = writeln!(text, "{name}: ....{}", &hex[4..]);
    }
    text
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[test]
fn a_changed_shape_has_a_new_version() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (golden_file, versions_file) = (folder.join("golden.txt"), folder.join("versions.txt"));
    let (shape, versions) = (golden(), fs::read_to_string(&versions_file).unwrap_or_default());
    let line = format!("{VERSION} {:016x}", hash(&shape));
    let known = versions.lines().find(|line| line.split(' ').next() == Some(&VERSION.to_string()));
    if known.is_none() && std::env::var_os("BLESS").is_some() {
        fs::write(&golden_file, &shape).unwrap();
        fs::write(&versions_file, format!("{versions}{line}\n")).unwrap();
        return;
    }
    assert_eq!(known, Some(line.as_str()), "the shape changed: raise limits::VERSION, then BLESS=1");
    assert_eq!(fs::read_to_string(golden_file).unwrap(), shape);
}

#[test]
fn every_message_reads_back() {
    use divert_driver_protocol::{Layout, Reply, Request};
    for (name, bytes) in common::messages() {
        let mut again = vec![0; bytes.len()];
        if let Ok(request) = Request::decode(&bytes) {
            assert_eq!(request.encode(&mut again), Ok(bytes.len()), "{name}");
        } else if let Ok(reply) = Reply::decode(&bytes) {
            assert_eq!(reply.encode(&mut again), Ok(bytes.len()), "{name}");
        } else {
            let layout = Layout::new(bytes.len(), 2).unwrap();
            let received = layout.read(&bytes).unwrap();
            assert_eq!((received.len(), received.data), (2, b"packets!".as_slice()), "{name}");
            again.clone_from(&bytes);
        }
        assert_eq!(again, bytes, "{name}");
    }
}

#[test]
fn names_hold_the_version() {
    assert_eq!(NAME, format!("Divert{VERSION}"));
}

#[test]
fn control_codes_are_those_of_the_kit() {
    use divert_driver_protocol::{Code, ControlCode};
    // CTL_CODE(FILE_DEVICE_NETWORK, 0x901, METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA), and 0x902, OUT_DIRECT.
    assert_eq!(ControlCode::Message.number(), 0x0012_E404);
    assert_eq!(ControlCode::Receive.number(), 0x0012_E40A);
    for code in [ControlCode::Message, ControlCode::Receive] {
        assert_eq!(ControlCode::from_number(code.number()), Some(code));
    }
    assert_eq!(ControlCode::from_number(0x0012_E408), None);
    assert_eq!(Code::NoData.status().cast_unsigned(), 0xC007_00E8);
}
