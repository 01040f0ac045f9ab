//! Graphs as text, and the text as a graph again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod common;

use common::{Random, layer, vectors};
use divert_compiler::Dialect;
use divert_compiler::back::windivert::{Shape, encode};
use divert_compiler::back::{text, windivert_text};
use divert_compiler::front::text::{LowerError, Options, analyse, lower};
use divert_compiler::front::windivert::decode;
use divert_compiler::graph::eval::eval;
use divert_compiler::graph::print::print;
use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::limits;
use divert_compiler::opt::optimise;
use divert_compiler::set::IntervalSet;
use divert_vm::field::Field;
use divert_vm::layer::Layer;
use proptest::prelude::*;

fn compile(source: &str, layer: Layer, dialect: Dialect) -> Result<Graph, String> {
    let options = Options { layer: Some(layer), dialect, ..Options::default() };
    let analysis = analyse(source, &options);
    let Some(typed) = analysis.typed else {
        return Err(format!("{source:.999}\n{:.999?}", analysis.diagnostics));
    };
    let mut builder = Builder::simplifying(layer);
    let entry = lower(&typed, &mut builder).map_err(|error| error.to_string())?;
    Ok(builder.finish(entry))
}

fn network(source: &str) -> Graph {
    compile(source, Layer::Network, Dialect::Extended).expect("a filter")
}

fn assert_same(left: &Graph, right: &Graph, random: &mut Random, what: &str) {
    for _ in 0..40 {
        let case = random.case(left.layer());
        let _ = case.with(|input| {
            assert_eq!(eval(left, input), eval(right, input), "{what}\n{}\n{case:?}", print(left, 9));
        });
    }
}

#[test]
fn filters_come_back_as_they_were() {
    for same in [
        "tcp.DstPort == 80 and ip",
        "true",
        "false",
        "not tcp",
        "tcp.Syn and not tcp.Ack",
        "tcp or (udp and ip)",
        "(tcp or udp) and ip",
        "(tcp? ip: udp)",
        "outbound and (tcp.DstPort in {80, 443, 8000..8080} or udp.DstPort == 53)",
        "tcp.SrcPort not in {1, 5..7}",
        "ip.DstAddr in 10.0.0.0/8",
        "ip.DstAddr not in {10.0.0.0/8, 192.168.1.1}",
        "ipv6.SrcAddr in 2001:db8::/32",
        "localAddr in 10.0.0.0/8",
        "localAddr == ::1",
        "remoteAddr in {10.0.0.1, fe80::/10}",
        "ip.TOS & 0xfc == 0x20",
        "ip.DstAddr & 255.0.255.0 == 10.0.3.0",
        "packet[33] == 0x50",
        "packet32[2] == 0x1234",
        "packet16[9b] != 0x1234",
        "tcp.Payload32[-1] == 0x0",
        "ip.TTL <= 5",
        "tcp.SrcPort in 5..9",
        "tcp.SrcPort not in 5..9",
        "tcp.Payload[100] >= 0x0",
        "timestamp == -5",
        "not (tcp.Syn)",
        "not (tcp.DstPort == 80 and tcp.Syn)",
        "tcp and not (tcp.DstPort == 80)",
        "protocol != 6",
        "length <= 100 or length >= 1000",
        "tcp.DstPort >= 1024 and tcp.SrcPort < 1024 and ip.TTL >= 5",
        "(tcp.Syn? ip.TTL == 1: not (ipv6.HopLimit == 2))",
        "ip.Id == 0xff",
    ] {
        assert_eq!(text::text(&network(same)).trim_end(), same);
    }
    for (layer, same) in [
        (Layer::Socket, "event == BIND"),
        (Layer::Socket, "event in {BIND, CONNECT, CLOSE} and processId == 4"),
        (Layer::Reflect, "layer in {NETWORK, FLOW} and priority <= -5"),
        (Layer::Flow, "event == ESTABLISHED and localAddr == 127.0.0.1"),
    ] {
        let graph = compile(same, layer, Dialect::Extended).expect("a filter");
        let back = text::text(&graph);
        assert_eq!(back.trim_end(), format!("layer {};\n\n{same}", layer.name()));
        assert_eq!(compile(&back, layer, Dialect::Extended), Ok(graph));
    }
}

#[test]
fn optimised_filters_read_well() {
    for (source, wanted) in [
        ("not tcp and not udp and ip", "ip and not tcp and not udp"),
        ("tcp.DstPort == 80 or tcp.DstPort == 443", "tcp.DstPort in {80, 443}"),
        ("tcp and tcp.DstPort == 80", "tcp.DstPort == 80"),
        ("ip.TTL > 4 and ip.TTL < 9 and outbound", "outbound and ip.TTL in 5..8"),
        ("length < 100 and outbound", "outbound and length < 100"),
    ] {
        assert_eq!(text::text(&optimise(&network(source), 2)).trim_end(), wanted);
    }
}

#[test]
fn windivert_gets_its_own_language() {
    for (source, wanted) in [
        ("tcp.DstPort in {80, 443}", "tcp.DstPort == 80 or tcp.DstPort == 443"),
        ("tcp.DstPort not in {80, 443}", "tcp.DstPort != 80 and tcp.DstPort != 443"),
        ("tcp.DstPort in 80..90", "tcp.DstPort >= 80 and tcp.DstPort <= 90"),
        ("ip.DstAddr in 10.0.0.0/8", "ip.DstAddr >= 10.0.0.0 and ip.DstAddr <= 10.255.255.255"),
        ("ip.TOS & 0xfc == 0x20", "ip.TOS >= 32 and ip.TOS <= 35"),
        ("not (tcp.Syn)", "(tcp.Syn? false: true)"),
        ("not (tcp or udp)", "not tcp and not udp"),
        ("tcp.Payload[9] >= 0", "tcp.Payload[9] == 0x0 or tcp.Payload[9] != 0x0"),
        ("tcp.SrcPort >= 0", "tcp"),
        (
            "(ipv6? ipv6.SrcAddr == 1111:2222:3333:4444:5555:6666:7777:8888: true)",
            "not ipv6 or ipv6.SrcAddr == 0x11112222333344445555666677778888",
        ),
        ("(ipv6? ipv6.SrcAddr == ffff:: : udp)", "(ipv6? ipv6.SrcAddr == ffff:: : udp)"),
    ] {
        let graph = network(source);
        let text = windivert_text::text(&graph).expect("fits");
        assert_eq!(text, wanted);
        let back = compile(&text, Layer::Network, Dialect::Windivert).expect("WinDivert's own language");
        assert_same(&graph, &back, &mut Random::new(3), &text);
    }
    let many: Vec<String> = (0..300).map(|port| (2 * port).to_string()).collect();
    let graph = network(&format!("tcp.DstPort in {{{}}}", many.join(", ")));
    let error = windivert_text::text(&graph).expect_err("too long");
    assert_eq!(error.to_string(), "needs 300 tests, 45 over the 255 that WinDivert's driver takes");
}

#[test]
fn recorded_filters_come_back() {
    let mut random = Random::new(11);
    let (mut theirs, mut ours, mut plain, mut plain_refused) = (0, 0, 0, 0);
    for line in vectors("format.jsonl") {
        let layer = layer(&line["layer"]);
        let filter = common::text(&line, "filter");
        let graph = if filter.starts_with('@') {
            let Ok(graph) = decode(filter, layer) else { continue };
            graph
        } else {
            let Ok(graph) = compile(filter, layer, Dialect::Windivert) else { continue };
            graph
        };
        let text = text::text(&graph);
        let back = compile(&text, layer, Dialect::Extended).expect("our text");
        assert_same(&graph, &back, &mut random, &text);
        let wanted = common::text(&line, "text");
        if !wanted.is_empty() && line["deviates"].is_null() {
            (theirs, ours) =
                (theirs + wanted.len(), ours + text.split_whitespace().collect::<Vec<_>>().join(" ").len());
            assert!(text.len() < 3 * wanted.len() + 40, "{filter}\n{wanted}\n{text}");
        }
        let best = optimise(&graph, 2);
        let best_text = text::text(&best);
        assert_same(
            &graph,
            &compile(&best_text, layer, Dialect::Extended).expect("our text"),
            &mut random,
            &best_text,
        );
        match windivert_text::text(&graph) {
            Ok(text) => {
                let back = compile(&text, layer, Dialect::Windivert).expect("WinDivert's own language");
                assert_same(&graph, &back, &mut random, &text);
                plain += 1;
            }
            Err(error) => {
                eprintln!(
                    "{error}: {} tests as an object",
                    encode(&graph, Shape::Fewest).map_or(0, |e| e.tests)
                );
                plain_refused += 1;
            }
        }
    }
    eprintln!("{theirs} bytes of text by the original, {ours} by us; {plain} plain, {plain_refused} refused");
}

fn lowered(text: &str) -> (Result<NodeId, LowerError>, usize) {
    let typed = analyse(text, &Options::default()).typed.expect("a filter");
    let mut builder = Builder::simplifying(Layer::Network);
    let entry = lower(&typed, &mut builder);
    (entry, builder.len())
}

/// Each of these definitions doubles the tests of the one before it, so that none of them may be built for long.
#[test]
fn definitions_that_multiply_each_other_are_refused_early() {
    for step in [
        "B and B",
        "B and tcp.SrcPort == I and B",
        "(B and ip.TTL == I) or (B and ip.Length == I)",
        "B and not B or udp and B",
    ] {
        let mut text = String::from("let a0 = tcp.DstPort == 80 or udp.DstPort == 53;\n");
        for index in 1..40 {
            let body = step.replace('B', &format!("a{}", index - 1)).replace('I', &index.to_string());
            text.push_str(&format!("let a{index} = {body};\n"));
        }
        let (entry, nodes) = lowered(&format!("{text}a39"));
        assert_eq!(entry, Err(LowerError::Multiplied), "{step}");
        assert!(nodes <= limits::MAX_MULTIPLIED + 1_000, "{step}: {nodes} tests");
    }
}

/// Nor may they be refused for what is only written often: equal parts are one.
#[test]
fn uses_that_share_are_not_counted() {
    for step in ["(tcp.SrcPort == I? B: B)", "(tcp.SrcPort == I? B: not B)", "(B and ip) or (B and ipv6)"] {
        let mut text = String::from("let a0 = tcp.DstPort == 80 or udp.DstPort == 53;\n");
        for index in 1..15 {
            let body = step.replace('B', &format!("a{}", index - 1)).replace('I', &index.to_string());
            text.push_str(&format!("let a{index} = {body};\n"));
        }
        let (entry, nodes) = lowered(&format!("{text}a14"));
        assert!(entry.is_ok() && nodes < limits::MAX_MULTIPLIED, "{step}: {entry:?}, {nodes} tests");
    }
    // 2³⁹ uses of the first definition, and 40 tests.
    let mut text = String::from("let a0 = tcp.DstPort == 80 or udp.DstPort == 53;\n");
    for index in 1..40 {
        text.push_str(&format!("let a{index} = (tcp.SrcPort == {index}? a{0}: not a{0});\n", index - 1));
    }
    let (entry, nodes) = lowered(&format!("{text}a39"));
    assert!(entry.is_ok() && nodes < 200, "{entry:?}, {nodes} tests");
}

/// What is written out may be as long as ever.
#[test]
fn written_tests_are_not_multiplied_ones() {
    let text: Vec<String> = (0..limits::MAX_MULTIPLIED + 10).map(|id| format!("ifIdx == {id}")).collect();
    let (entry, nodes) = lowered(&text.join(" or "));
    assert!(entry.is_ok());
    assert_eq!(nodes, limits::MAX_MULTIPLIED + 10);
}

#[test]
fn sharing_costs_nothing() {
    let mut builder = Builder::plain(Layer::Network);
    let mut next = NodeId::ACCEPT;
    let one = IntervalSet::range(1, 1);
    for index in 0..500 {
        let byte = |offset| Load::element(Field::Packet, index + offset);
        let left = builder.test(byte(30), one.clone(), next, NodeId::REJECT);
        let right = builder.test(byte(2031), one.clone(), NodeId::ACCEPT, next);
        next = builder.test(byte(4032), one.clone(), left, right);
    }
    let graph = builder.finish(next);
    let text = text::text(&graph);
    assert!(text.len() < 60_000, "{}", text.len());
    let back = compile(&text, Layer::Network, Dialect::Extended).expect("our text");
    assert!(back.nodes().len() <= graph.nodes().len());
    assert!(matches!(
        windivert_text::text(&graph),
        Err(windivert_text::TextError::TooManyTests { tests: usize::MAX, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_survives(seed: u64, size in 1_u64..30, at in 0..5_usize) {
        let mut random = Random::new(seed);
        let layer = Layer::ALL[at];
        let graph = random.graph(layer, size, true);
        let text = text::text(&graph);
        let back = compile(&text, layer, Dialect::Extended);
        prop_assert!(back.is_ok(), "{:?}", back);
        assert_same(&graph, &back.expect("checked"), &mut random, &text);
        if let Ok(text) = windivert_text::text(&graph) {
            let back = compile(&text, layer, Dialect::Windivert);
            prop_assert!(back.is_ok(), "{:?}", back);
            assert_same(&graph, &back.expect("checked"), &mut random, &text);
        }
    }
}

/// Sets of sets grow by powers; they are counted before they are put in their places. Each is refused once.
#[test]
fn powers_of_sets_are_refused_early() {
    let mut source = String::from("let s0 = {1..2};\n");
    for at in 1..60 {
        let before = at - 1;
        source.push_str(&format!("let s{at} = {{s{before}, s{before}, {}}};\n", 5 * at));
    }
    source.push_str("tcp.DstPort in s59");
    let codes: Vec<&str> =
        analyse(&source, &Options::default()).diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["E0407"]);
}
