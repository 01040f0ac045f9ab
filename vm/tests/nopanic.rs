//! The proof by linking in `nopanic/`: no public function of this crate can panic, and the proof would notice.
//!
//! On one platform only: what the optimiser removes is not promised anywhere, but what is absent from the program that
//! it made is absent.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Assembly, range};
use divert_vm::{Field, Layer, Target};

/// What the panic handler calls and nobody defines.
const SYMBOL: &str = "DIVERT_VM_CAN_PANIC";

fn build(features: &str) -> (Output, PathBuf) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nopanic").join(features);
    let output = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/nopanic"))
        .args(["build", "--release", "--offline", "--quiet", "--features", features])
        .env("CARGO_TARGET_DIR", &target)
        // Coverage and sanitizers, which bring panics of their own, are not wanted here.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .unwrap();
    (output, target.join("release/divert-vm-nopanic"))
}

fn run(binary: &Path, program: &[u8], packet: &[u8]) -> Option<i32> {
    let mut child = Command::new(binary).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&(program.len() as u32).to_le_bytes()).unwrap();
    input.write_all(program).unwrap();
    input.write_all(packet).unwrap();
    drop(input);
    child.wait().unwrap().code()
}

#[test]
fn links_without_panics_and_runs() {
    let (output, binary) = build("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut assembly = Assembly::new(Layer::Network);
    assembly.instructions.push(range(Field::IpTtl, 64, 64, Target::ACCEPT, Target::REJECT));
    let program = assembly.encode();
    let mut packet = [0_u8; 20];
    (packet[0], packet[3], packet[8]) = (0x45, 20, 64);
    assert_eq!(run(&binary, &program, &packet), Some(0));
    packet[8] = 63;
    assert_eq!(run(&binary, &program, &packet), Some(1));
    assert_eq!(run(&binary, &program[1..], &packet), Some(2));
    assert_eq!(run(&binary, &[], &[]), Some(2));
}

#[test]
fn one_panic_keeps_it_from_linking() {
    for feature in ["seeded-panic", "seeded-overflow"] {
        let (output, _) = build(feature);
        assert!(!output.status.success(), "{feature} links");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(SYMBOL), "{feature} fails for another reason: {said}");
    }
}
