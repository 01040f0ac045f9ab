//! The decision procedure against all packets of a small world.
//!
//! `WORLD` describes the world as a filter, [`packets`] builds every packet of it that the fields in [`LOADS`] can tell
//! apart. So "some packet matches the filter and the world" has to be what trying all of them says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod common;

use common::Random;
use divert_compiler::analysis::{Answer, Budget, Witness, implies, overlap};
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::Field;
use divert_vm::input::{Address, Input};
use divert_vm::layer::Layer;
use divert_vm::packet::Packet;

const WORLD: &str = "
let lengths = (length == 20 and ip.Length == 20) or (length == 28 and ip.Length == 28) or (length == 41 and ip.Length == 41);
let v4 = lengths and ip.HdrLength == 5 and protocol in {1, 6, 17, 50, 58} and ip.TTL < 2 and ip.FragOff < 2
    and packet32[3] == 1 and packet32[4] == 2
    and (length >= 28? packet16[10] < 2 and packet16[11] < 2 and packet32[6] == 0: true)
    and (length == 41? packet[28] < 2 and packet[32] in {0x40, 0x50} and packet[40] < 2: true);
let v6 = length == 64 and ipv6.Length == 24 and ipv6.NextHdr in {1, 6, 17, 44, 50, 58} and protocol in {1, 6, 17, 50, 58}
    and ipv6.HopLimit < 2 and ipv6.SrcAddr == :: and packet[63] < 2
    and (tcp? tcp.SrcPort < 2 and tcp.DstPort < 2 and tcp.HdrLength < 7 and not (tcp.Payload[0] > 1): true)
    and (udp? udp.SrcPort < 2 and udp.DstPort < 2 and not (udp.Payload[0] > 1): true)
    and (icmpv6? icmpv6.Type < 2 and icmpv6.Code < 2: true);
(ip? v4: v6)";

const LOADS: [(Field, i32); 34] = [
    (Field::Inbound, 0),
    (Field::Outbound, 0),
    (Field::Ip, 0),
    (Field::Ipv6, 0),
    (Field::Tcp, 0),
    (Field::Udp, 0),
    (Field::Icmp, 0),
    (Field::Icmpv6, 0),
    (Field::Protocol, 0),
    (Field::IpProtocol, 0),
    (Field::Ipv6NextHdr, 0),
    (Field::TcpSrcPort, 0),
    (Field::TcpDstPort, 0),
    (Field::TcpHdrLength, 0),
    (Field::UdpSrcPort, 0),
    (Field::UdpDstPort, 0),
    (Field::IcmpCode, 0),
    (Field::Icmpv6Type, 0),
    (Field::LocalPort, 0),
    (Field::RemotePort, 0),
    (Field::IpTtl, 0),
    (Field::Ipv6HopLimit, 0),
    (Field::Fragment, 0),
    (Field::IpMf, 0),
    (Field::IpFragOff, 0),
    (Field::Length, 0),
    (Field::TcpPayloadLength, 0),
    (Field::UdpPayloadLength, 0),
    (Field::TcpPayload, 0),
    (Field::UdpPayload, 0),
    (Field::Packet, 8),
    (Field::Packet, 21),
    (Field::Packet16, 22),
    (Field::Packet, -1),
];

const NUMBERS: [u8; 5] = [1, 6, 17, 50, 58];

/// All combinations of digits with these bases.
fn product(bases: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let count: usize = bases.iter().product();
    (0..count).map(move |mut number| {
        let mut digits = Vec::with_capacity(bases.len());
        for base in bases {
            digits.push(number % base);
            number /= base;
        }
        digits
    })
}

/// Every packet of the world, but for differences that no load can see.
fn packets() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for (length, inner) in [(20, [1, 1, 1, 1, 1]), (28, [2, 2, 1, 1, 1]), (41, [2, 2, 2, 2, 2])] {
        let mut bases = vec![5, 2, 2, 2];
        bases.extend(inner);
        for digits in product(&bases) {
            let [number, more, offset, ttl, source, destination, words, middle, last] = digits[..] else {
                panic!()
            };
            let mut packet = vec![0; 41];
            packet[0] = 0x45;
            packet[3] = length as u8;
            (packet[6], packet[7]) = ((more as u8) << 5, offset as u8);
            (packet[8], packet[9]) = (ttl as u8, NUMBERS[number]);
            (packet[15], packet[19]) = (1, 2);
            (packet[21], packet[23]) = (source as u8, destination as u8);
            (packet[28], packet[32], packet[40]) = (middle as u8, 0x40 + ((words as u8) << 4), last as u8);
            packet.truncate(length);
            packets.push(packet);
        }
    }
    // No extension header, or a fragment header: of a later fragment, alone, with 8, 12 or 16 bytes behind it.
    for digits in product(&[6, 5, 2, 2, 2, 3, 2, 2]) {
        let [chain, number, hops, source, destination, words, first, last] = digits[..] else { panic!() };
        let mut packet = vec![0; 64];
        (packet[0], packet[5], packet[7]) = (0x60, 24, hops as u8);
        let number = NUMBERS[number];
        let (begin, skipped): (&[u8], usize) = match chain {
            0 => (&[], 0),
            1 => (&[number, 0, 0, 8], 8),
            2 => (&[number, 0, 0, 1], 8),
            3 => (&[60, 0, 0, 1, 0, 0, 0, 0, number, 0], 16),
            4 => (&[51, 0, 0, 1, 0, 0, 0, 0, number, 1], 20),
            _ => (&[60, 0, 0, 1, 0, 0, 0, 0, number, 1], 24),
        };
        packet[6] = if chain == 0 { number } else { 44 };
        packet[40..40 + begin.len()].copy_from_slice(begin);
        let header = &mut packet[40 + skipped..];
        let mut set = |at: usize, value: u8| {
            if let Some(byte) = header.get_mut(at) {
                *byte = value;
            }
        };
        if number == 58 {
            set(0, source as u8);
        }
        set(if number == 58 { 1 } else { 3 }, destination as u8);
        set(if number == 58 { 3 } else { 1 }, source as u8);
        set(12, 0x40 + ((words as u8) << 4));
        set(if number == 6 { 20 } else { 8 }, first as u8);
        packet[63] = last as u8;
        packets.push(packet);
    }
    packets
}

fn world() -> Graph {
    let analysis = analyse(WORLD, &Options { layer: Some(Layer::Network), ..Options::default() });
    let typed = analysis.typed.unwrap_or_else(|| panic!("{:?}", analysis.diagnostics));
    let mut builder = Builder::plain(typed.layer);
    let entry = lower(&typed, &mut builder).unwrap();
    builder.finish(entry)
}

/// A filter of a few tests on the fields of the world, with values that occur there and some that do not.
fn filter(random: &mut Random) -> Graph {
    let mut builder = Builder::plain(Layer::Network);
    let mut ids = vec![NodeId::REJECT, NodeId::ACCEPT];
    for _ in 0..2 + random.below(9) {
        let (field, index) = random.one(&LOADS);
        let mut load = Load { field, index, mask: Load::NO_MASK };
        let low: u128 = match field {
            Field::Protocol | Field::IpProtocol | Field::Ipv6NextHdr => {
                random.one(&[1, 6, 17, 50, 58, 44, 0])
            }
            Field::Length => random.one(&[20, 28, 40, 41, 64]),
            Field::TcpPayloadLength | Field::UdpPayloadLength => random.one(&[0, 1, 4, 8, 13, 16]),
            Field::TcpHdrLength => random.one(&[4, 5, 6]),
            _ => random.below(2).into(),
        };
        if random.chance(6) {
            load.mask = random.one(&[1, 4, 0x28]);
        }
        let keys = load.keys(Layer::Network);
        let high = if random.chance(3) { keys.high.max(low) } else { low + u128::from(random.below(2)) };
        let mut set = IntervalSet::interval(Interval { low, high });
        if random.chance(4) {
            set = set.complement(keys);
        }
        let (yes, no) = (pick(random, &ids), pick(random, &ids));
        let id = builder.test(load, set, yes, no);
        ids.push(id);
    }
    builder.finish(ids[ids.len() - 1])
}

fn pick(random: &mut Random, ids: &[NodeId]) -> NodeId {
    if random.chance(3) {
        random.one(&ids[..2])
    } else {
        ids[ids.len() - 1 - random.below(3).min(1) as usize]
    }
}

fn judged(graph: &Graph, packet: &[u8], outbound: bool) -> bool {
    let packet = Packet::parse(packet).unwrap();
    let address = Address { outbound, ..Address::default() };
    eval(graph, &Input::network(&packet, &address))
}

#[test]
fn all_packets_of_a_small_world() {
    let (world, packets) = (world(), packets());
    for packet in &packets {
        assert!(judged(&world, packet, true), "{packet:02x?} is not of the world");
    }
    let cases: u64 = std::env::var("DIVERT_BRUTE").ok().and_then(|text| text.parse().ok()).unwrap_or(1500);
    let (mut random, mut counts) = (Random::new(2026), [0_usize; 4]);
    for number in 0..cases {
        let graph = filter(&mut random);
        let (mut some, mut all) = (false, true);
        for packet in &packets {
            for outbound in [false, true] {
                let verdict = judged(&graph, packet, outbound);
                some |= verdict;
                all &= verdict;
            }
            if some && !all {
                break;
            }
        }
        let shown = |witness: &Witness, wanted: bool| {
            witness.with(|input| eval(&world, input) && eval(&graph, input) == wanted) == Some(true)
        };
        match overlap(&graph, &world, &Budget::default()) {
            Answer::Yes(witness) => assert!(some && shown(&witness, true), "{number}: {graph:?} {witness:?}"),
            Answer::No(()) => assert!(!some, "{number}: {graph:?}"),
            Answer::Unknown(reason) => panic!("{number}: {reason:?} {graph:?}"),
        }
        match implies(&world, &graph, &Budget::default()) {
            Answer::Yes(()) => assert!(all, "{number}: {graph:?}"),
            Answer::No(witness) => assert!(!all && shown(&witness, false), "{number}: {graph:?} {witness:?}"),
            Answer::Unknown(reason) => panic!("{number}: {reason:?} {graph:?}"),
        }
        counts[usize::from(some)] += 1;
        counts[2 + usize::from(all)] += 1;
    }
    let [never, sometimes, not_always, always] = counts;
    println!(
        "{cases} filters over {} packets: {sometimes} match some, {never} none; {always} match all, {not_always} not",
        2 * packets.len()
    );
    assert!(never * 20 > cases as usize, "too few filters that match nothing");
}
