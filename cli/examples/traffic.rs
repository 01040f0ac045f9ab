//! Writes a capture of ordinary traffic, of any size and the same every time: what the figures of `cli/PERFORMANCE.md`
//! are measured on. `cargo run --release -p divertc --example traffic -- OUT.pcap [PACKETS]`
//!
//! A few thousand conversations of one network run side by side: TCP to web and mail servers, QUIC, names, time; a
//! seventh of it over IPv6, and some ARP and ICMP. Most packets are bare acknowledgements, a seventh fill the link.

#[allow(dead_code, reason = "the samples make more kinds of packets than occur here")]
#[path = "../tests/sample_captures/packet.rs"]
mod packet;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use packet::{ACK, Ends, ICMP, PSH, SYN, TCP, UDP, icmp};

/// Packets of the capture that is measured: 500 MB.
const PACKETS: u64 = 1_400_000;
/// Conversations at a time.
const FLOWS: usize = 4_000;
/// 2024-01-01 00:00:00 UTC, in microseconds.
const START: u64 = 1_704_067_200_000_000;

/// Numbers that look random: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// True so many times of a hundred.
    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// A conversation, seen from its client.
struct Flow {
    ends: Ends,
    protocol: u8,
    seq: u32,
    ack: u32,
    /// Packets so far, and how many there will be.
    age: u64,
    life: u64,
}

impl Flow {
    fn new(dice: &mut Dice) -> Self {
        let (protocol, port) = match dice.below(100) {
            0..=54 => (TCP, 443),
            55..=66 => (TCP, 80),
            67..=72 => (TCP, 22),
            73..=76 => (TCP, 993),
            77..=80 => (TCP, 8080),
            81..=90 => (UDP, 443),
            91..=96 => (UDP, 53),
            97 => (UDP, 123),
            _ => (ICMP, 0),
        };
        let ports = (49_152 + dice.below(16_000) as u16, port);
        // A few servers have most of the traffic.
        let spread = dice.below(14);
        let server = dice.below(1 << spread);
        let client = dice.below(200);
        let (source, destination): (IpAddr, IpAddr) = if protocol != ICMP && dice.percent(14) {
            let address =
                |net, host| Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, (host >> 8) as u16, host as u16);
            (address(1, client).into(), address(2, server).into())
        } else {
            let [.., high, low] = server.to_be_bytes();
            (
                Ipv4Addr::new(10, 0, 4, 10 + client as u8).into(),
                Ipv4Addr::new(198, 18 + (high >> 5), high, low).into(),
            )
        };
        let spread = 2 + dice.below(10);
        let life = if protocol == UDP && port != 443 { 2 } else { 4 + dice.below(1 << spread) };
        let (seq, ack) = (dice.roll() as u32, dice.roll() as u32);
        Self { ends: Ends { source, destination, ports }, protocol, seq, ack, age: 0, life }
    }

    /// The next packet, and whether it comes from the client.
    fn packet(&mut self, dice: &mut Dice, noise: &[u8]) -> (Vec<u8>, bool) {
        let first = self.age == 0;
        let sends = first || dice.percent(42);
        self.age += 1;
        let length = match dice.below(100) {
            _ if first && self.protocol == TCP => 0,
            _ if self.ends.ports.1 == 53 => 30 + dice.below(120),
            _ if self.protocol == ICMP || self.ends.ports.1 == 123 => 48,
            0..=13 => 1_428,
            14..=40 => 40 + dice.below(600),
            _ if self.protocol == UDP => 30 + dice.below(40),
            _ => 0,
        };
        let from = dice.below(noise.len() as u64 - length) as usize;
        let payload = noise.get(from..from + length as usize).unwrap_or_default();
        let ends = if sends { self.ends } else { self.ends.reversed() };
        let inner = match self.protocol {
            TCP => {
                // Timestamps, as all current systems send them.
                let options = [1, 1, 8, 10, 0, 0, 0, self.age as u8, 0, 0, 0, 1];
                let (seq, ack) = if sends { (self.seq, self.ack) } else { (self.ack, self.seq) };
                let sent = if sends { &mut self.seq } else { &mut self.ack };
                *sent = sent.wrapping_add(length as u32);
                let flags = if first {
                    SYN
                } else if length > 0 {
                    PSH | ACK
                } else {
                    ACK
                };
                ends.tcp((seq, if first { 0 } else { ack }), flags, &options, payload)
            }
            UDP => ends.udp(payload),
            _ => icmp(if sends { 8 } else { 0 }, 0, payload),
        };
        (ends.ip(self.protocol, dice.roll() as u16, &inner), sends)
    }
}

fn write(out: &mut impl Write, packets: u64) -> io::Result<()> {
    let mut dice = Dice(0x5eed_0fd1_7e27_c0de);
    let noise = packet::noise(1, 1 << 16);
    let mut flows: Vec<Flow> = (0..FLOWS).map(|_| Flow::new(&mut dice)).collect();
    let mut micros = START;
    out.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])?;
    for _ in 0..packets {
        let spread = dice.below(9);
        micros += dice.below(1 << spread);
        let (mine, router) = ([2, 0, 0, 0, 4, 1], [2, 0, 0, 0, 4, 0]);
        let frame = if dice.below(500) == 0 {
            [
                &[0xff; 6][..],
                &mine,
                &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
                &mine,
                &[10, 0, 4, 10],
                &[0; 6],
                &[10, 0, 4, 1],
            ]
            .concat()
        } else {
            let at = dice.below(FLOWS as u64) as usize;
            let Some(flow) = flows.get_mut(at) else { continue };
            let (packet, sends) = flow.packet(&mut dice, &noise);
            if flow.age >= flow.life {
                *flow = Flow::new(&mut dice);
            }
            let (to, from) = if sends { (router, mine) } else { (mine, router) };
            let kind =
                if packet.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
            [&to[..], &from, &kind, &packet].concat()
        };
        for number in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32] {
            out.write_all(&number.to_le_bytes())?;
        }
        let length = (frame.len() as u32).to_le_bytes();
        out.write_all(&length)?;
        out.write_all(&length)?;
        out.write_all(&frame)?;
    }
    out.flush()
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        return Err(io::Error::other("usage: traffic OUT.pcap [PACKETS]"));
    };
    let packets = match arguments.next() {
        Some(text) => text.parse().map_err(io::Error::other)?,
        None => PACKETS,
    };
    write(&mut BufWriter::with_capacity(1 << 20, File::create(path)?), packets)
}
