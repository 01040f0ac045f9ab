//! Explanations: what ran, what it found, what decided; and the text in a debug section.
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_compiler::Dialect;
use divert_compiler::back::bytecode::emit;
use divert_compiler::debug::{belongs, section};
use divert_compiler::explain::{Explainer, Outcome, shown};
use divert_compiler::front::text::{NoFiles, Options, Typed, analyse, lower};
use divert_compiler::graph::Builder;
use divert_compiler::opt::optimise;
use divert_vm::packet::Packet;
use divert_vm::{Address, Input, Program};

fn typed(text: &str) -> Typed {
    analyse(text, &Options::default()).typed.unwrap()
}

/// UDP from 10.0.0.1 port 53 to 10.0.0.2 port 80, with the payload "ab".
const UDP: [u8; 30] = [
    0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 53, 0, 80, 0, 10, 0, 0, b'a', b'b',
];

/// What is said of each test that ran: text, outcome, value, and `!` when it decides.
fn said(text: &str) -> (bool, Vec<String>) {
    let typed = typed(text);
    let explainer = Explainer::new(&typed);
    let (packet, address) = (Packet::parse(&UDP).unwrap(), Address::default());
    let input = Input::network(&packet, &address);
    let explanation = explainer.explain(&input);
    let line = |evaluated: &divert_compiler::explain::Evaluated| {
        let site = explainer.tests()[evaluated.test];
        let value =
            evaluated.value.as_ref().map_or_else(|| "-".into(), |value| shown(value, site.test, &input));
        let mark = if evaluated.decides { " !" } else { "" };
        format!("{} {} {value}{mark}", site.span.of(text), evaluated.outcome.name())
    };
    (explanation.verdict, explanation.evaluated.iter().map(line).collect())
}

#[test]
fn tests_that_ran_and_those_that_decided() {
    for (text, verdict, wanted) in [
        ("udp and tcp.DstPort != 80", false, &["udp true 1", "tcp.DstPort != 80 absent - !"][..]),
        ("udp and not tcp", true, &["udp true 1 !", "not tcp true 0 !"]),
        (
            "tcp or ip.SrcAddr in 10.0.0.0/8 or udp",
            true,
            &["tcp false 0", "ip.SrcAddr in 10.0.0.0/8 true 10.0.0.1 !"],
        ),
        (
            "(tcp? true : udp.DstPort & 0xf0 == 0x50)",
            true,
            &["tcp false 0 !", "udp.DstPort & 0xf0 == 0x50 true 0x50 !"],
        ),
        ("udp.Payload[0] == \"ax\"", false, &["udp.Payload[0] == \"ax\" false \"ab\" !"]),
        ("udp.Payload[1] != \"bcd\"", false, &["udp.Payload[1] != \"bcd\" absent - !"]),
        // A definition runs once.
        ("let d = udp; d and (tcp or d)", true, &["udp true 1 !", "tcp false 0"]),
        ("not (udp and (tcp or ipv6))", true, &["udp true 1", "tcp false 0 !", "ipv6 false 0 !"]),
        ("true", true, &[]),
    ] {
        let (found, lines) = said(text);
        assert_eq!((found, lines), (verdict, wanted.iter().map(|&line| line.to_owned()).collect()), "{text}");
    }
}

#[test]
fn numbers_of_tests_follow_the_text() {
    let typed = typed("let d = udp or tcp; (ip? d : ipv6) and not (loopback)");
    let explainer = Explainer::new(&typed);
    let starts: Vec<u32> = explainer.tests().iter().map(|site| site.span.start()).collect();
    assert_eq!(starts.len(), 5);
    assert!(starts.is_sorted());
    assert_eq!(Outcome::ALL.map(Outcome::name), ["true", "false", "absent"]);
}

#[test]
fn a_debug_section_counts_only_when_it_is_the_programs() {
    let text = "udp.DstPort in {53, 80} # names and web\nand not loopback";
    let typed = typed(text);
    for level in 0..=2 {
        let mut builder = if level == 0 { Builder::plain } else { Builder::simplifying }(typed.layer);
        let entry = lower(&typed, &mut builder).unwrap();
        let graph = optimise(&builder.finish(entry), level);
        for (kept, wanted) in
            [(text, Some(text)), ("udp.DstPort in {53, 81} and not loopback", None), ("(", None)]
        {
            let bytes = emit(&graph, &section(kept, Dialect::Extended)).unwrap();
            let program = Program::decode(&bytes).unwrap();
            assert_eq!(belongs(&program, &NoFiles).map(|(text, _)| text), wanted, "-O{level} {kept}");
        }
        for odd in [&b"SRC1"[..], b"SRC2\0udp", b"SRC1\x07udp", b"SRC1\0\xff", b""] {
            let bytes = emit(&graph, odd).unwrap();
            assert!(belongs(&Program::decode(&bytes).unwrap(), &NoFiles).is_none());
        }
    }
}
