//! Texts at the limits: the typed tree and its graphs agree, and nothing panics or takes long. Random trees are a property
//! of `divert-fuzz`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]
#![allow(missing_docs)]

mod common;

use common::Case;
use divert_compiler::front::text::{Options, Typed, analyse, eval, lower};
use divert_compiler::graph::{Builder, check, eval as graph};
use divert_fuzz::r#gen::text::soup;
use divert_fuzz::source::Source;
use divert_vm::input::{Address, Input};
use divert_vm::layer::Layer;
use proptest::prelude::*;

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
    fn no_text_makes_the_analysis_panic(text in "[ a-z0-9.:()\\[\\]{}<>=!&|?\"/,;#-]{0,60}", seed in any::<u64>()) {
        let mixed = format!("{text} {}", soup(&mut Source::seeded(seed)));
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
