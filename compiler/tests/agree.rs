//! The evaluator of typed trees against that of graphs, for random trees and random inputs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::Case;
use divert_compiler::front::text::typed::{
    Definition, Expr, ExprKind, Mask, Matcher, Range, RangeForm, Test,
};
use divert_compiler::front::text::{Options, Typed, analyse, eval, lower};
use divert_compiler::graph::{Builder, check, eval as graph};
use divert_grammar::ast::CompareOp;
use divert_grammar::span::Span;
use divert_vm::field::{FIELDS, Field};
use divert_vm::input::{Address, Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::load;
use divert_vm::number::Number;
use proptest::prelude::*;

/// A small generator of its own: trees depend on the packet, so that tests on values are not always false.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ value >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        let at = self.below(from.len() as u64) as usize;
        &from[at]
    }

    fn wide(&mut self) -> u128 {
        let bits = self.below(128) as u32;
        (u128::from(self.next()) << 64 | u128::from(self.next())) >> bits
    }

    fn packet(&mut self) -> Vec<u8> {
        let protocol = *self.pick(&[6, 17, 1, 58, 47, 44]);
        let mut bytes: Vec<u8> = (0..20 + self.below(80)).map(|_| self.next() as u8).collect();
        let total = bytes.len() as u16;
        if self.coin() {
            bytes[0] = 0x45;
            bytes[2..4].copy_from_slice(
                &total.saturating_add(self.below(9) as u16).saturating_sub(4).max(20).to_be_bytes(),
            );
            if self.below(4) > 0 {
                bytes[6..8].copy_from_slice(&[0, 0]);
            }
            bytes[9] = protocol;
            if let Some(offset) = bytes.get_mut(32) {
                *offset = 0x50;
            }
        } else {
            bytes.resize(bytes.len().max(40), 7);
            bytes[0] = 0x60 | bytes[0] & 15;
            let length = (bytes.len() - 40) as u16;
            bytes[4..6].copy_from_slice(&length.to_be_bytes());
            bytes[6] = protocol;
            if let Some(offset) = bytes.get_mut(52) {
                *offset = 0x60;
            }
        }
        bytes
    }

    fn case(&mut self, layer: Layer) -> Case {
        let address = Address {
            timestamp: *self.pick(&[0, -1, 1, i64::MIN, i64::MAX, 1234]),
            outbound: self.coin(),
            loopback: self.coin(),
            impostor: self.coin(),
            if_idx: self.below(3) as u32,
            sub_if_idx: self.next() as u32,
        };
        let (first, last) = layer.events();
        let event = Event::from_number(first + self.below(u64::from(last - first + 1)) as u8).unwrap();
        match layer {
            Layer::Network | Layer::Forward => Case::Packet(layer, self.packet(), address),
            Layer::Flow | Layer::Socket => {
                let endpoint = Endpoint {
                    ipv6: self.coin(),
                    endpoint_id: self.next(),
                    parent_endpoint_id: self.below(3),
                    process_id: self.below(5) as u32,
                    local_addr: self.wide(),
                    remote_addr: 0xFFFF_0A00_0001,
                    local_port: 443,
                    remote_port: self.next() as u16,
                    protocol: *self.pick(&[6, 17, 1, 58]),
                };
                Case::Endpoint(layer, event, endpoint, address)
            }
            Layer::Reflect => {
                let layer = *self.pick(&Layer::ALL);
                let priority = *self.pick(&[0, -30000, 30000, 5, -5]);
                Case::Reflected(event, Reflected { process_id: 4, layer, priority }, address)
            }
        }
    }

    fn number(&mut self, field: Field, index: i32, input: &Input<'_>) -> Number {
        let range = field.info().range;
        let near = |key: u128, step: u64| field.number_of(key.wrapping_add(u128::from(step)).wrapping_sub(1));
        match (self.below(5), load::key(input, field, index)) {
            (0 | 1, Some(key)) => near(key, self.below(3)),
            (2, _) => near(range.low, self.below(3)),
            (3, _) => near(range.high, self.below(3)),
            _ => Number::new(self.coin(), self.wide()),
        }
    }

    fn test(&mut self, input: &Input<'_>) -> Test {
        let fields: Vec<Field> =
            FIELDS.iter().filter(|info| info.layers.contains(input.layer())).map(|info| info.field).collect();
        let field = *self.pick(&fields);
        let width = i32::from(field.info().element);
        let index = match width {
            0 => 0,
            _ if self.coin() => self.below(60) as i32,
            _ => -width - self.below(40) as i32,
        };
        let bits = if self.coin() { self.wide() } else { 0xFFFF_FFFF_0000 >> self.below(20) };
        let mask = (self.below(4) == 0 && !field.info().range.origin.is_negative())
            .then_some(Mask { bits, span: SPAN });
        let masked =
            |number: Number| mask.map_or(number, |mask| Number::from(number.magnitude() & mask.bits));
        let matcher = match self.below(6) {
            0 if width == 1 && mask.is_none() => {
                let most = if index < 0 { -index } else { 9 };
                let length = 1 + self.below(most.min(9) as u64) as i32;
                let mut bytes: Vec<u8> = (index..index + length)
                    .map(|at| load::key(input, field, at).map_or(0, |key| key as u8))
                    .collect();
                if self.coin() {
                    let at = self.below(bytes.len() as u64) as usize;
                    bytes[at] ^= 1;
                }
                Matcher::Bytes { negated: self.coin(), bytes: bytes.into(), span: SPAN }
            }
            0 | 1 => {
                let ranges: Vec<Range> = (0..1 + self.below(4))
                    .map(|_| {
                        let one = masked(self.number(field, index, input));
                        let other = if self.coin() { one } else { self.number(field, index, input) };
                        Range {
                            low: one.min(other),
                            high: one.max(other),
                            span: SPAN,
                            line: 0,
                            form: RangeForm::Range,
                        }
                    })
                    .collect();
                Matcher::In { negated: self.coin(), set: Arc::from(ranges), span: SPAN }
            }
            _ => {
                let ops = [
                    CompareOp::Eq,
                    CompareOp::Ne,
                    CompareOp::Lt,
                    CompareOp::Le,
                    CompareOp::Gt,
                    CompareOp::Ge,
                ];
                let number = masked(self.number(field, index, input));
                Matcher::Compare { op: *self.pick(&ops), number, written: None }
            }
        };
        Test { field, field_span: SPAN, index, mask, matcher }
    }

    fn expr(&mut self, input: &Input<'_>, depth: u32, definitions: &[Expr]) -> Expr {
        let kind = match self.below(if depth == 0 { 2 } else { 8 }) {
            0 if !definitions.is_empty() => {
                // Ids are made by analysing a text only; the definitions here are such texts' trees.
                return self.pick(definitions).clone();
            }
            0 => ExprKind::Const(self.coin()),
            1..=3 => ExprKind::Test(self.test(input)),
            4 => ExprKind::Not(Box::new(self.expr(input, depth - 1, definitions))),
            5 => ExprKind::Cond {
                condition: Box::new(self.expr(input, depth - 1, definitions)),
                yes: Box::new(self.expr(input, depth - 1, definitions)),
                no: Box::new(self.expr(input, depth - 1, definitions)),
            },
            other => {
                let operands =
                    (0..2 + self.below(3)).map(|_| self.expr(input, depth - 1, definitions)).collect();
                if other == 6 { ExprKind::And(operands) } else { ExprKind::Or(operands) }
            }
        };
        Expr { kind, span: SPAN }
    }
}

const SPAN: Span = Span::empty(0);

fn all_agree(typed: &Typed, input: &Input<'_>) {
    let expected = eval::eval(typed, input);
    for mut builder in [Builder::plain(typed.layer), Builder::simplifying(typed.layer)] {
        let entry = lower(typed, &mut builder).unwrap();
        let built = builder.finish(entry);
        assert_eq!(check::check(&built), Ok(()));
        assert_eq!(graph::eval(&built, input), expected, "{typed}{input:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_and_graphs_agree(seed in any::<u64>()) {
        let mut random = Random(seed);
        let layer = *random.pick(&[Layer::Network, Layer::Network, Layer::Forward, Layer::Flow, Layer::Socket, Layer::Reflect]);
        let case = random.case(layer);
        // Two definitions; the second one uses the first.
        let text = "let a = event >= 1 or not (timestamp < 0); let b = a and not a or (a? zero : not a); b or not b";
        let defined = analyse(text, &Options { layer: Some(layer), ..Options::default() }).typed.unwrap();
        let uses: Vec<Expr> = match &defined.filter.kind {
            ExprKind::Or(operands) => operands.clone(),
            other => panic!("{other:?}"),
        };
        let mut definitions = defined.definitions;
        let judged = case.with(|input| {
            definitions[0] = Definition { filter: random.expr(input, 2, &[]), ..definitions[0].clone() };
            let filter = random.expr(input, 4, &uses);
            all_agree(&Typed { layer, definitions, filter }, input);
        });
        prop_assert!(judged.is_some());
    }

    #[test]
    fn no_text_makes_the_analysis_panic(text in "[ a-z0-9.:()\\[\\]{}<>=!&|?\"/,;#-]{0,60}", seed in any::<u64>()) {
        let words = ["tcp", "udp", "ip.SrcAddr", "not", "and", "or", "in", "let", "a", "=", "==", "{", "}", ";", "(", ")", "?", ":",
            "10.0.0.0", "/", "8", "80", "packet[0]", "packet", "[", "]", "-1", "\"x\"", "&", "0xff", "..", ",", "layer", "FLOW",
            "file(\"x\")", "event", "localAddr", "fe80::1", "true", "#", "b", "TCP", "CLOSE"];
        let mut random = Random(seed);
        let mut mixed = text;
        for _ in 0..random.below(25) {
            mixed.push(' ');
            mixed.push_str(random.pick::<&str>(&words));
        }
        for dialect in divert_compiler::Dialect::ALL {
            let analysis = analyse(&mixed, &Options { dialect, ..Options::default() });
            let errors = analysis.diagnostics.iter()
                .any(|found| found.severity == divert_grammar::diagnostic::Severity::Error);
            prop_assert_eq!(analysis.typed.is_none(), errors, "{} {:?}", mixed, analysis.diagnostics);
        }
    }
}

/// An IPv4 packet without a transport header.
fn small() -> Case {
    let bytes = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    Case::Packet(Layer::Network, bytes, Address::default())
}

/// Runs `work` in a thread with a 2 MiB stack.
fn in_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn deep_texts_fit_a_small_stack() {
    in_a_small_stack(|| {
        let case = small();
        for (open, close) in
            [("(", ")"), ("(ip and ", ")"), ("not (udp or ", ")"), ("(ip? ", ": udp)"), ("(udp? ip: ", ")")]
        {
            let text = format!("{}ip.TTL == 64{}", open.repeat(1_000), close.repeat(1_000));
            let typed = analyse(&text, &Options::default()).typed.unwrap();
            let judged = case.with(|input| {
                all_agree(&typed, input);
                assert!(eval::eval(&typed, input));
            });
            assert!(judged.is_some());
            assert!(typed.to_string().len() > 10);
        }
    });
}

#[test]
fn definitions_nest_up_to_a_limit() {
    in_a_small_stack(|| {
        let deep = |levels: usize, count: usize| {
            let mut text = "let d0 = ip; ".to_owned();
            for at in 1..=count {
                text.push_str(&format!(
                    "let d{at} = {}d{}{}; ",
                    "(ip and ".repeat(levels),
                    at - 1,
                    ")".repeat(levels)
                ));
            }
            text + &format!("d{count}")
        };
        let typed = analyse(&deep(100, 15), &Options::default()).typed.unwrap();
        assert!(small().with(|input| all_agree(&typed, input)).is_some());
        let refused = analyse(&deep(100, 40), &Options::default());
        assert_eq!(refused.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["E0426"]);
    });
}

#[test]
fn multiplied_definitions_are_refused_quickly() {
    let mut text = "let d0 = ip.TTL == 1 and ip.Id == 2; ".to_owned();
    for at in 1..=60 {
        text.push_str(&format!("let d{at} = d{0} and (d{0} or udp); ", at - 1));
    }
    let typed = analyse(&(text + "d60"), &Options::default()).typed.unwrap();
    assert!(lower(&typed, &mut Builder::plain(Layer::Network)).is_err());
}

#[test]
fn a_large_file_is_read_in_about_a_second() {
    let mut content = String::new();
    for at in 0..1_000_000_u32 {
        let [_, a, b, c] = (at * 2).to_be_bytes();
        content.push_str(&format!("10.{a}.{b}.{c}\r\n"));
    }
    let content = content.into_bytes();
    let loader = |_: &str| Ok(content.clone());
    let typed = analyse("ip.DstAddr in file(\"routes\")", &Options { loader: &loader, ..Options::default() })
        .typed
        .unwrap();
    let mut builder = Builder::simplifying(Layer::Network);
    let entry = lower(&typed, &mut builder).unwrap();
    let nodes = builder.finish(entry);
    assert_eq!(nodes.nodes()[0].set.intervals().len(), 1_000_000);
}
