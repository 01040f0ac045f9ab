//! What the samples have in common: their arguments, one line about a packet, and packets made in answer to others.
#![allow(dead_code, reason = "each sample uses its part")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "samples talk to people")]

pub(crate) mod answer;

use std::process::ExitCode;

use divert_driver_client::{Address, Data, Error, EventKind};
use divert_vm::address::Ipv6;
use divert_vm::packet::{Packet, Protocol, Version};

/// Arguments: a filter, and options of the form `--name NUMBER`.
#[derive(Debug)]
pub(crate) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    /// Those of the process.
    pub(crate) fn read() -> Self {
        Self { words: std::env::args().skip(1).collect() }
    }

    /// Takes an option out; its default when it is not there.
    pub(crate) fn option<T: std::str::FromStr>(&mut self, name: &str, default: T) -> T {
        let Some(at) = self.words.iter().position(|word| word == name) else { return default };
        self.words.remove(at);
        if at < self.words.len() { self.words.remove(at).parse().unwrap_or(default) } else { default }
    }

    /// Takes the next word out; a default when there is none.
    pub(crate) fn word(&mut self, default: &str) -> String {
        if self.words.is_empty() { default.to_owned() } else { self.words.remove(0) }
    }

    /// All words that are left.
    pub(crate) fn rest(self) -> Vec<String> {
        self.words
    }
}

/// Ends a sample.
pub(crate) fn ended(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// One line about a packet or an event.
pub(crate) fn line(address: &Address, data: &[u8]) -> String {
    let way = if address.outbound { "out" } else { "in" };
    match &address.data {
        Data::Network { if_idx, .. } => format!("{way} if={if_idx} {}", packet(data)),
        Data::Endpoint(end) => format!(
            "{} {way} pid={} protocol={} {} {} > {} {}",
            EventKind::from_number(address.event).map_or("?", EventKind::name),
            end.process_id,
            end.protocol,
            Ipv6(end.local_addr),
            end.local_port,
            Ipv6(end.remote_addr),
            end.remote_port
        ),
        Data::Reflect(handle) => format!("pid={} priority={}", handle.process_id, handle.priority),
    }
}

/// One line about a packet.
pub(crate) fn packet(bytes: &[u8]) -> String {
    let Ok(packet) = Packet::parse(bytes) else { return format!("{} bytes", bytes.len()) };
    let (from, to) = match packet.version() {
        Version::V4 => (v4(bytes, 12), v4(bytes, 16)),
        Version::V6 => (v6(bytes, 8), v6(bytes, 24)),
    };
    let transport = packet.transport();
    let at = transport.offset as usize;
    let name = match transport.kind {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Icmp => return format!("ICMP {from} > {to} type={}", bytes.get(at).copied().unwrap_or(0)),
        Protocol::Icmpv6 => {
            return format!("ICMPv6 {from} > {to} type={}", bytes.get(at).copied().unwrap_or(0));
        }
        Protocol::Other => return format!("protocol={} {from} > {to}", transport.number),
    };
    let length = packet.end() - transport.payload as usize;
    format!("{name} {from} {} > {to} {} payload={length}", word(bytes, at), word(bytes, at + 2))
}

/// The big-endian 16 bits there.
pub(crate) fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u16::from_be_bytes(*word))
}

fn v4(bytes: &[u8], at: usize) -> String {
    let address = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    std::net::Ipv4Addr::from(address).to_string()
}

fn v6(bytes: &[u8], at: usize) -> String {
    let address = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()).copied().unwrap_or_default();
    Ipv6(u128::from_be_bytes(address)).to_string()
}
