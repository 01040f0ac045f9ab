//! The example of README.md: it is this file's, and it runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

// README begins
use divert_vm::limits::DRIVER_WORK;
use divert_vm::{Address, Input, Packet, Program};

/// Whether the filter in `program` matches an outbound packet.
fn matches(program: &[u8], packet: &[u8]) -> Result<bool, Box<dyn std::error::Error>> {
    // Once: bytes from anywhere become a program, or an error that says where it is wrong.
    let program = Program::decode(program)?.verify(DRIVER_WORK)?;
    // For each packet: no errors, no allocation, at most `program.work()` steps.
    let packet = Packet::parse(packet)?;
    let address = Address { outbound: true, ..Address::default() };
    Ok(program.matches(&Input::network(&packet, &address)))
}
// README ends

const WEB: &[u8] = include_bytes!("../../tests/golden/v1-web.bin");

#[test]
fn example_runs() {
    let mut packet = vec![0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend([0x12, 0x34, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
    packet.extend(b"GET ");
    assert!(matches(WEB, &packet).unwrap());
    packet[23] = 81;
    assert!(!matches(WEB, &packet).unwrap());
    assert!(matches(&WEB[1..], &packet).is_err());
    assert!(matches(WEB, &packet[..19]).is_err());
}

#[test]
fn example_is_the_one_of_the_readme() {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (readme, source) = (read("README.md"), read("tests/readme.rs"));
    let example = source.split("// README begins\n").nth(1).unwrap().split("// README ends").next().unwrap();
    assert!(readme.contains(&format!("```rust\n{example}```")), "copy this to README.md:\n{example}");
}
