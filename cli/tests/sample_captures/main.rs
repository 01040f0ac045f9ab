//! The sample captures in `tests/captures` of the repository: what is in them, and that they are what stands here.
//!
//! `BLESS=1 cargo test -p divertc --test sample_captures` writes them anew. They are made, not recorded, so that every
//! byte has a reason and nobody's traffic is published; checksums are right, and Wireshark has nothing to object but
//! that two packets are cut by the snap length.

mod file;
mod packet;
mod traffic;

use std::path::PathBuf;
use std::{env, fs, io};

/// The directory of the samples.
fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

fn compare(name: &str, made: &[u8]) -> io::Result<()> {
    let path = directory().join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, made)?;
    }
    let kept = fs::read(&path)?;
    assert!(kept == made, "{} differs from what is made here; see the head of this file", path.display());
    assert!(kept.len() < 60_000, "{name} is a sample, {} bytes are too many", kept.len());
    Ok(())
}

#[test]
fn pcap_is_current() -> io::Result<()> {
    compare("sample.pcap", &file::pcap(&traffic::all()))
}

#[test]
fn pcapng_is_current() -> io::Result<()> {
    compare("sample.pcapng", &file::pcapng(&traffic::all()))
}

#[test]
fn damaged_is_current() -> io::Result<()> {
    compare("damaged.pcap", &file::damaged(&traffic::all()))
}

#[test]
fn number_of_packets_is_reasonable() {
    assert!((60..=120).contains(&traffic::all().len()), "{}", traffic::all().len());
}
