//! Object texts: every vector's filter there and back, their length, and texts that are none.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{layer, text, vectors};
use divert_compiler::back::{bytecode::emit, object};
use divert_compiler::dialect::Dialect;
use divert_compiler::front::object::{ObjectError, program};
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::opt::optimise;
use divert_vm::limits::USER_WORK;
use divert_vm::object::{ReadError, ReadErrorKind};
use divert_vm::{Layer, Program};

fn graph(filter: &str, layer: Layer) -> Option<Graph> {
    let options = Options { layer: Some(layer), dialect: Dialect::Extended, ..Options::default() };
    let typed = analyse(filter, &options).typed?;
    let mut builder = Builder::simplifying(typed.layer);
    let entry = lower(&typed, &mut builder).ok()?;
    Some(builder.finish(entry))
}

fn written(bytes: &[u8]) -> String {
    object::text(&Program::decode(bytes).unwrap().verify(USER_WORK).unwrap())
}

fn compiled(filter: &str) -> String {
    let graph = graph(filter, Layer::Network).unwrap();
    written(&emit(&optimise(&graph, 2), &[]).unwrap())
}

#[test]
fn every_filter_of_the_vectors_comes_back() {
    let mut seen = 0;
    for line in vectors("compile.jsonl") {
        let Some(graph) = graph(text(&line, "filter"), layer(&line["layer"])) else { continue };
        for graph in [optimise(&graph, 2), graph] {
            let bytes = emit(&graph, b"not part of it").unwrap();
            let object = written(&bytes);
            let again = program(&object).unwrap();
            assert_eq!(written(&again), object);
            assert_eq!(again, emit(&graph, &[]).unwrap(), "{object}");
            seen += 1;
        }
    }
    assert!(seen > 1000, "{seen}");
}

/// Programs give the text to calls that take it in a buffer of 4,096 bytes.
#[test]
fn a_hundred_and_twenty_tests_fit_a_buffer() {
    let address = |n: u32| format!("{:x}:{:x}:{n:x}:ffff:8000:1:7fff:{:x}", 0xfedc, 0xba98, n ^ 0x5a5a);
    let unlike: Vec<String> = (1..=120).map(|n| format!("ipv6.SrcAddr != {}", address(n))).collect();
    let bytes = emit(&graph(&unlike.join(" and "), Layer::Network).unwrap(), &[]).unwrap();
    assert_eq!(Program::decode(&bytes).unwrap().len(), 120);
    assert!(written(&bytes).len() < 4096, "{} characters", written(&bytes).len());
    let pairs: Vec<String> = (1..=60)
        .map(|n| format!("(localAddr >= {} and remoteAddr == {})", address(n), address(n + 60)))
        .collect();
    let bytes = emit(&graph(&pairs.join(" or "), Layer::Socket).unwrap(), &[]).unwrap();
    assert!(Program::decode(&bytes).unwrap().len() >= 120);
    assert!(written(&bytes).len() < 4096, "{} characters", written(&bytes).len());
}

#[test]
fn the_form_is_that_of_the_specification() {
    assert_eq!(compiled("true"), "@Divert_101000000");
    assert_eq!(compiled("false"), "@Divert_101001100");
    // Version, layer, one instruction; range, field 39 = 7 + 32, "match", "no match", 443 = 27 + 13 * 32, one key.
    assert_eq!(compiled("tcp.DstPort == 443"), "@Divert_1010d101xD0");
}

#[test]
fn other_texts_are_refused_where_they_are_wrong() {
    let of = |text: &str| match program(text) {
        Err(ObjectError::Read(ReadError { at, kind })) => (at, Some(kind)),
        Err(ObjectError::Emit(_)) => (0, None),
        Ok(_) => panic!("{text} is accepted"),
    };
    for (text, at, kind) in [
        ("", 0, ReadErrorKind::Prefix),
        ("@WinDiv_00", 0, ReadErrorKind::Prefix),
        ("@Divert_", 8, ReadErrorKind::End),
        ("@Divert_2", 8, ReadErrorKind::Version),
        ("@Divert_15", 9, ReadErrorKind::Name),
        ("@Divert_10a0", 10, ReadErrorKind::Number),
        ("@Divert_1010000", 15, ReadErrorKind::End),
        ("@Divert_1010000 ", 15, ReadErrorKind::Digit),
        ("@Divert_1010000000", 17, ReadErrorKind::Rest),
        ("@Divert_101002000", 13, ReadErrorKind::Name),
        ("@Divert_10----1", 10, ReadErrorKind::TooMany),
    ] {
        assert_eq!(of(text), (at, Some(kind)), "{text}");
    }
    // No instructions; an interval of no key of the field.
    assert_eq!(of("@Divert_100"), (0, None));
    assert_eq!(of("@Divert_101000010"), (0, None));
}
