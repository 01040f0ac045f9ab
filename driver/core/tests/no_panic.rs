//! No panic can be reached: an image whose panic handler cannot be linked links all the same.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

#[test]
fn no_panic_is_reachable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_panic");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_panic");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--locked", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "-Cpanic=abort -Clink-arg=-Wl,-z,defs -Clink-arg=-Wl,--gc-sections")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
