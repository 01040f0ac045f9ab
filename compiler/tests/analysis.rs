//! The decision procedure: hand-picked ties, random graphs, broken transformations.

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
use divert_compiler::analysis::{
    Always, Answer, Budget, Exists, Reason, Witness, equivalent, implies, overlap, sat,
};
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::{Builder, Graph};
use divert_vm::layer::Layer;
use proptest::prelude::*;

fn at(layer: Layer, text: &str) -> Graph {
    let analysis = analyse(text, &Options { layer: Some(layer), ..Options::default() });
    let typed = analysis.typed.unwrap_or_else(|| panic!("{text}: {:?}", analysis.diagnostics));
    let mut builder = Builder::plain(typed.layer);
    let entry = lower(&typed, &mut builder).unwrap();
    builder.finish(entry)
}

fn graph(text: &str) -> Graph {
    at(Layer::Network, text)
}

fn verdict(graph: &Graph, witness: &Witness) -> bool {
    witness.with(|input| eval(graph, input)).unwrap()
}

#[test]
fn ties_are_known() {
    let budget = Budget::default();
    for impossible in [
        "tcp and udp",
        "ip and ipv6",
        "not ip and not ipv6",
        "inbound and outbound",
        "icmp and ipv6",
        "icmpv6 and ip",
        "tcp and protocol == 17",
        "tcp and ip.Protocol != 6",
        "ip and ip.Protocol == 6 and protocol != 6",
        "tcp.DstPort == 80 and outbound and remotePort != 80",
        "tcp.DstPort == 80 and inbound and localPort != 80",
        "icmp.Type == 8 and outbound and (localPort != 8 or remotePort != 0)",
        "ip.SrcAddr == 10.0.0.1 and outbound and localAddr != 10.0.0.1",
        "ip.SrcAddr == 10.0.0.1 and packet32[3] != 0x0a000001",
        "ip.TTL == 5 and packet[8] == 6",
        "ip and packet[0] & 0x0f < 5",
        "packet[0] == 0x45 and ip.HdrLength != 5",
        "packet[0] == 0x45 and tcp.DstPort == 80 and packet16[11] != 80",
        "ip.HdrLength == 7 and udp.SrcPort == 53 and packet16[14] != 53",
        "ip.MF and not fragment",
        "ip.FragOff > 0 and tcp",
        "fragment and ip.FragOff == 0 and not ip.MF",
        "ip and ip.Length < 20",
        "ip.HdrLength == 6 and ip.Length < 24",
        "ip.HdrLength == 6 and length < 24",
        "length < 20",
        "ipv6 and length < 40",
        "tcp and length < 40",
        "ipv6 and tcp and ipv6.Length < 20",
        "udp and ip.Length < 28",
        "ip.Length == 50 and tcp.PayloadLength > 10",
        "ip.Length == 50 and tcp.PayloadLength > 5 and tcp.HdrLength == 7",
        "length == 50 and udp.PayloadLength > 22",
        "udp.PayloadLength < 5 and udp.Payload[5] == 1",
        "not udp.PayloadLength >= 6 and udp.Payload16[2] == 1",
        "packet[100] == 5 and length <= 100",
        "packet[-30] == 5 and length < 30",
        "packet[-20] == 0x60 and length == 20",
        "packet[-1] == 1 and packet[-1] == 2",
        "packet16[-2b] == 0x0102 and packet[-1] != 2",
        "length == 60 and packet[-1] == 1 and packet[59] == 2",
        "udp.PayloadLength == 4 and udp.Payload[-4] == 1 and udp.Payload[0] == 2",
        "length == 28 and udp and ip.Length == 28 and packet[-1] == 1 and packet[27] == 2",
        "ipv6 and ipv6.NextHdr == 6 and protocol == 17",
        "ipv6.NextHdr == 0 and length == 72 and ipv6.Length == 32 and tcp and tcp.PayloadLength == 0 and tcp.HdrLength == 5",
        "ipv6.NextHdr == 44 and not fragment and udp",
        "ipv6.NextHdr == 59 and protocol == 6",
        "ipv6.NextHdr == 6 and tcp.DstPort == 80 and packet16[21] != 80",
        "udp and tcp.PayloadLength == 0",
        "tcp.HdrLength < 5",
        "random8 > 255",
        "event != 0",
        "zero",
    ] {
        let answer = sat(&graph(impossible), &budget);
        assert_eq!(answer, Answer::No(()), "{impossible}");
    }
}

#[test]
fn witnesses_are_found() {
    let budget = Budget::default();
    let mut shown = Vec::new();
    for possible in [
        "true",
        "protocol == 6 and not (tcp)",
        "protocol == 6 and not (tcp) and not fragment and length > 60",
        "ip.FragOff > 0 and protocol == 17",
        "ipv6 and fragment and tcp",
        "ipv6 and fragment and protocol == 6 and not (tcp)",
        "ipv6.NextHdr == 51 and udp.DstPort == 53",
        "ipv6.NextHdr == 0 and fragment and icmpv6.Type == 135",
        "ipv6 and protocol == 0",
        "ipv6 and protocol == 43 and length > 1000",
        "ipv6.NextHdr == 60 and protocol == 51 and length > 900",
        "ipv6.NextHdr == 60 and tcp and packet[40] == 6",
        "ipv6 and tcp.DstPort == 80 and packet[40] == 6",
        "ip.HdrLength == 15 and tcp.HdrLength == 15 and tcp.PayloadLength == 3",
        "ip.HdrLength == 15 and tcp.HdrLength == 15 and tcp.PayloadLength == 0 and ip.Length < 100",
        "packet[20] == 7 and tcp.DstPort == 80 and tcp.SrcPort != 1792 and packet[21] == 0",
        "packet[-1] == 9 and tcp",
        "packet[-40] == 0x45 and tcp and packet[-20] == 1 and tcp.SrcPort < 512",
        "packet[-4] == 1 and udp.Payload[-4] == 2",
        "udp.Payload[-4] == 1 and udp.Payload[2] == 1 and udp.PayloadLength == 6",
        "udp.Payload[0] == \"hello\" and udp.Payload[-5] == \"world\"",
        "tcp.Payload[0] == \"GET \" and tcp.DstPort == 80 and not (packet[40] == 0x47)",
        "length == 65575 and ipv6",
        "length == 65575 and ip",
        "length > 100 and ip.Length < 30",
        "length < 100 and ip.Length > 3000 and tcp.PayloadLength > 20",
        "ip.Checksum == 0x1234 and tcp.Checksum == 0x4321",
        "udp.Length == 9 and udp.PayloadLength == 0",
        "random8 == 7 and random16 < 100",
        "random8 == 7 and timestamp == 77",
        "random16 == 77",
        "localAddr in 192.168.0.0/16 and remoteAddr == 8.8.8.8 and inbound and remotePort == 443",
        "localAddr == ::1",
        "ip.SrcAddr & 255.0.255.0 == 10.0.7.0",
        "length & 0xff == 7 and ipv6",
        "udp.PayloadLength & 3 == 3",
        "ip.TOS & 0xfc == 0x20 and packet[1] & 3 == 2",
        "loopback and impostor and ifIdx == 9 and subIfIdx != 0",
        "timestamp < -5",
        "packet32[0] & 0xf00000ff == 0x40000022 and length > 200",
    ] {
        let graph = graph(possible);
        match sat(&graph, &budget) {
            Answer::Yes(witness) => {
                assert!(verdict(&graph, &witness), "{possible}");
                shown.push(format!("{possible}\n    {witness}"));
            }
            answer => panic!("{possible}: {answer:?}"),
        }
    }
    println!("{}", shown.join("\n"));
}

#[test]
fn witnesses_are_ordinary() {
    let line = |text: &str| match sat(&graph(text), &Budget::default()) {
        Answer::Yes(witness) => witness.to_string(),
        answer => panic!("{text}: {answer:?}"),
    };
    assert_eq!(
        line("tcp.DstPort == 443 and outbound"),
        "NETWORK PACKET: IPv4 TCP 10.0.0.1:49152 > 10.0.0.2:443 [SYN], 40 bytes, payload 0, outbound"
    );
    assert_eq!(
        line("udp.PayloadLength == 12 and ipv6 and inbound"),
        "NETWORK PACKET: IPv6 UDP [2001:db8::1]:49152 > [2001:db8::2]:53, 60 bytes, payload 12, inbound"
    );
}

#[test]
fn events_are_searched() {
    let budget = Budget::default();
    for (layer, possible, impossible) in [
        (Layer::Flow, "tcp and event == ESTABLISHED and processId == 7", "tcp and protocol != 6"),
        (Layer::Flow, "icmp and remoteAddr == 1.2.3.4", "icmp and ipv6"),
        (Layer::Flow, "protocol == 1 and ipv6", "protocol == 1 and ip and not icmp"),
        (Layer::Socket, "event == CLOSE and localPort in 1..5", "event == 8"),
        (Layer::Socket, "udp and ipv6 and remoteAddr == ::1", "icmpv6 and protocol == 1"),
        (Layer::Reflect, "layer == FLOW and priority == -7", "priority > 30000 or layer > 4"),
        (Layer::Reflect, "event == OPEN and timestamp > 9", "event == 0"),
        (Layer::Forward, "ip.TTL < 2", "tcp and udp"),
    ] {
        let graph = at(layer, possible);
        let Answer::Yes(witness) = sat(&graph, &budget) else { panic!("{possible}") };
        assert!(verdict(&graph, &witness));
        serde_json::from_str::<serde_json::Value>(&witness.to_json()).unwrap();
        assert_eq!(sat(&at(layer, impossible), &budget), Answer::No(()), "{impossible}");
    }
    let (flow, network) = (at(Layer::Flow, "tcp"), graph("tcp"));
    assert_eq!(overlap(&flow, &network, &budget), Answer::No(()));
    assert!(matches!(equivalent(&flow, &network, &budget), Answer::No(_)));
}

#[test]
fn equal_and_not() {
    let budget = Budget::default();
    for (a, b, same) in [
        ("tcp", "ip.Protocol == 6 or ipv6.NextHdr == 6", false),
        ("not tcp.DstPort == 80", "tcp.DstPort != 80", true),
        ("not (tcp.DstPort == 80)", "tcp.DstPort != 80", false),
        (
            "(outbound? localPort == 5: remotePort == 5)",
            "tcp.SrcPort == 5 or udp.SrcPort == 5 or icmp.Type == 5 or icmpv6.Type == 5",
            true,
        ),
        ("tcp.DstPort == 80 and packet[0] == 0x45", "packet16[11] == 80 and tcp and packet[0] == 0x45", true),
        ("ip.SrcAddr in 10.0.0.0/8", "packet[12] == 10 and ip", true),
        ("ip.SrcAddr in 10.0.0.0/8", "packet[12] == 10", false),
        (
            "udp.PayloadLength == 0",
            "ip and udp and (length == 28 or ip.Length == 28) and ip.HdrLength == 5",
            false,
        ),
        ("fragment and ip", "ip.MF or ip.FragOff != 0", true),
        ("random8 < 128", "random8 < 129", false),
        ("random32 < 128", "random32 <= 127", true),
    ] {
        let answer = equivalent(&graph(a), &graph(b), &budget);
        match (answer, same) {
            (Answer::Yes(()), true) => {}
            (Answer::No(witness), false) => {
                assert_ne!(verdict(&graph(a), &witness), verdict(&graph(b), &witness));
            }
            (answer, _) => panic!("{a} / {b}: {answer:?}"),
        }
    }
    assert_eq!(implies(&graph("tcp.Syn"), &graph("protocol == 6"), &budget), Answer::Yes(()));
}

#[test]
fn unknown_is_said() {
    let budget = Budget { tries: 1000, ..Budget::default() };
    assert_eq!(sat(&graph("random32 == 5"), &budget), Answer::Unknown(Reason::Hash));
    let tight = Budget { nodes: 50, ..Budget::default() };
    assert_eq!(sat(&graph("ip.SrcAddr == 1.2.3.4 and ip.TTL == 9"), &tight), Answer::Unknown(Reason::Memory));
    let short = Budget { steps: 2, ..Budget::default() };
    assert_eq!(
        sat(&graph("(tcp.DstPort == 5 or tcp.SrcPort in 7..900) and not (packet[1] > 7)"), &short),
        Answer::Unknown(Reason::Steps)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Proofs are never contradicted by an input, witnesses always show what they claim.
    #[test]
    fn random_graphs(seed: u64, at in 0..5_usize, size in 1_u64..14) {
        let mut random = Random::new(seed);
        let layer = Layer::ALL[at];
        let (a, b) = (random.graph(layer, size, true), random.graph(layer, size, true));
        let budget = Budget { tries: 20_000, ..Budget::default() };
        let same = equivalent(&a, &b, &budget);
        let (one, both, within) = (sat(&a, &budget), overlap(&a, &b, &budget), implies(&a, &b, &budget));
        let shows = |answer: &Exists, wanted: &dyn Fn(bool, bool) -> bool| match answer {
            Answer::Yes(witness) => wanted(verdict(&a, witness), verdict(&b, witness)),
            Answer::No(()) | Answer::Unknown(_) => true,
        };
        let refutes = |answer: &Always, wanted: &dyn Fn(bool, bool) -> bool| match answer {
            Answer::No(witness) => wanted(verdict(&a, witness), verdict(&b, witness)),
            Answer::Yes(()) | Answer::Unknown(_) => true,
        };
        prop_assert!(shows(&one, &|a, _| a));
        prop_assert!(shows(&both, &|a, b| a && b));
        prop_assert!(refutes(&within, &|a, b| a && !b));
        prop_assert!(refutes(&same, &|a, b| a != b));
        for _ in 0..60 {
            let case = random.case(layer);
            let Some((x, y)) = case.with(|input| (eval(&a, input), eval(&b, input))) else { continue };
            prop_assert!(!x || !matches!(one, Answer::No(())), "{case:?}");
            prop_assert!(!(x && y && matches!(both, Answer::No(()))), "{case:?}");
            prop_assert!(!x || y || !matches!(within, Answer::Yes(())), "{case:?}");
            prop_assert!(x == y || !matches!(same, Answer::Yes(())), "{case:?}");
        }
        for reason in [
            if let Answer::Unknown(reason) = one { Some(reason) } else { None },
            if let Answer::Unknown(reason) = same { Some(reason) } else { None },
        ].into_iter().flatten() {
            prop_assert!(matches!(reason, Reason::Hash | Reason::Extensions | Reason::Layouts), "{reason:?}");
        }
    }
}
