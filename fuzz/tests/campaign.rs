//! The search behind `divertc fuzz`: it reaches what can be reached, is repeatable, and finds where filters differ.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use divert_compiler::explain::{Explainer, Outcome};
use divert_compiler::front::text::eval::eval;
use divert_compiler::front::text::{Options, Typed, analyse};
use divert_compiler::reach::Reach;
use divert_fuzz::campaign::{Goal, Limits, Report, Target, is_impossible, search};
use divert_fuzz::r#gen::tree;
use divert_fuzz::oracle::agree::{Depth, Forms};
use divert_fuzz::{Case, Source};
use divert_vm::layer::Layer;
use proptest::prelude::*;

fn typed(text: &str, layer: Layer) -> Typed {
    analyse(text, &Options { layer: Some(layer), ..Options::default() }).typed.unwrap()
}

fn target(typed: &Typed) -> Target<'_> {
    let forms = Forms::of_tree(typed.clone(), Depth::All).unwrap().unwrap();
    Target::new(forms, typed)
}

fn run(text: &str, layer: Layer, runs: u64) -> (Report, Vec<(usize, Outcome)>) {
    let typed = typed(text, layer);
    let target = target(&typed);
    let count = target.explainer.tests().len();
    let targets = [target];
    let report = search(&targets, layer, &[], 1, &Limits::runs(runs));
    let mut missing = Vec::new();
    for test in 0..count {
        for outcome in Outcome::ALL {
            let goal = Goal { target: 0, test: Some(test), outcome };
            if !report.reached.contains_key(&goal) && !is_impossible(&targets[0], test, outcome, layer) {
                missing.push((test, outcome));
            }
        }
    }
    (report, missing)
}

#[test]
fn every_branch_is_reached() {
    for (layer, text) in [
        (Layer::Network, "tcp.DstPort == 443 or udp.Payload32[2] == 0x12345678 or icmp.Type == 3"),
        (Layer::Network, "ip.SrcAddr in 10.0.0.0/8 or ipv6.DstAddr == 2001:db8::7 or ip.TTL < 5"),
        (Layer::Network, "tcp.Payload[0] == \"GET \" or tcp.Payload[-1] == 0x0a or length > 900"),
        (Layer::Network, "fragment or ip.TOS & 0xfc == 0x20 or ifIdx == 7 or timestamp == 123456789"),
        (Layer::Forward, "ip.DF or tcp.Syn or tcp.Ack or tcp.Window in {1024, 65535}"),
        (Layer::Socket, "event == BIND or processId == 1234 or localAddr in fe80::/10 or localPort == 80"),
        (Layer::Flow, "protocol == 17 and remoteAddr == 10.1.2.3 and endpointId > 99"),
        (Layer::Reflect, "priority == -17 and layer == SOCKET and event == CLOSE"),
    ] {
        let (report, missing) = run(text, layer, 20_000);
        assert_eq!(missing, [], "{text}");
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert!(report.cover.len() < 24, "{text}: {}", report.cover.len());
        for outcome in [Outcome::True, Outcome::False] {
            assert!(report.reached.contains_key(&Goal { target: 0, test: None, outcome }), "{text}");
        }
    }
}

#[test]
fn a_search_is_repeatable() {
    let (first, _) = run("tcp.DstPort in {1..9, 80} and random8 < 9", Layer::Network, 2_000);
    let (second, _) = run("tcp.DstPort in {1..9, 80} and random8 < 9", Layer::Network, 2_000);
    assert_eq!((first.reached, first.cover), (second.reached, second.cover));
}

#[test]
fn filters_that_differ_are_told_apart_by_a_small_case() {
    let (one, two) = (
        typed("tcp.DstPort == 80 or udp.DstPort in 100..200", Layer::Network),
        typed("tcp.DstPort == 80 or udp.DstPort in 100..199", Layer::Network),
    );
    let targets = [target(&one), target(&two)];
    let report = search(&targets, Layer::Network, &[], 3, &Limits::runs(20_000));
    assert_eq!(report.findings.len(), 1, "one for each way to differ");
    let found = &report.findings[0];
    assert_eq!(found.what, "filter 1 matches, filter 2 does not match");
    let zeros = found.case.to_json()["packet"].as_str().unwrap().matches("00").count();
    assert!(zeros > 20, "{}", found.case);
}

#[test]
fn what_cannot_be_reached_is_proved() {
    let goal = |test, outcome| Goal { target: 0, test, outcome };
    for (text, unreachable) in [
        // A port below 10 is not above 20, and it is there.
        (
            "tcp.DstPort < 10 and tcp.DstPort > 20",
            vec![goal(None, Outcome::True), goal(Some(1), Outcome::True), goal(Some(1), Outcome::Absent)],
        ),
        // Behind `tcp` the port is there.
        ("tcp and tcp.DstPort == 5", vec![goal(Some(1), Outcome::Absent)]),
        ("tcp or tcp.DstPort == 5", vec![goal(Some(1), Outcome::True), goal(Some(1), Outcome::False)]),
        // No packet is of both versions.
        ("(ip? ipv6 : true)", vec![goal(Some(1), Outcome::True)]),
        ("let a = tcp; let b = a and udp; b or a", vec![goal(Some(1), Outcome::True)]),
        (
            "udp.Payload[3] == \"abc\" and udp.PayloadLength < 6",
            vec![goal(None, Outcome::True), goal(Some(1), Outcome::True), goal(Some(1), Outcome::Absent)],
        ),
        ("tcp.DstPort == 7 or true", vec![goal(None, Outcome::False)]),
    ] {
        let (report, _) = run(text, Layer::Network, 2_000);
        let found: Vec<Goal> = report.unreachable.iter().copied().collect();
        let mut wanted = unreachable;
        wanted.sort();
        assert_eq!(found, wanted, "{text}");
    }
}

/// What chance does not find, the engine does: two fields that must be equal in an unusual way.
#[test]
fn what_is_hard_to_reach_is_found() {
    let text = "packet32[12] == 0x0a0b0c0d and ip.SrcAddr != 10.11.12.13 and ipv6.SrcAddr & 0xffff == 0x1234";
    let (report, missing) = run(text, Layer::Network, 40);
    let unreachable: Vec<_> =
        report.unreachable.iter().filter_map(|goal| Some((goal.test?, goal.outcome))).collect();
    assert!(missing.iter().all(|goal| unreachable.contains(goal)), "{missing:?} {unreachable:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The filter that asks whether a test runs with an outcome matches exactly when it does.
    #[test]
    fn conditions_of_tests_are_right(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut source = Source::endless(&bytes);
        let layer = source.pick(&Layer::ALL);
        let about = Case::any(&mut source, layer);
        let Some(Some(typed)) = about.with(|input| tree::any(&mut source, input)) else { return Ok(()) };
        let explainer = Explainer::new(&typed);
        let reach = Reach::of(&typed).unwrap();
        for _ in 0..8 {
            let case = Case::any(&mut source, typed.layer);
            case.with(|input| {
                let mut heard = Vec::new();
                explainer.listen(input, |test, outcome| heard.push((test, outcome)));
                for test in 0..explainer.tests().len() {
                    for outcome in Outcome::ALL {
                        let filter = reach.filter(test, outcome).unwrap();
                        assert_eq!(eval(&filter, input), heard.contains(&(test, outcome)), "{typed}{case}");
                    }
                }
            });
        }
    }
}

/// However early time is up, in preparation, in the search or in the proofs at the end, there is a report of what was done.
#[test]
fn time_is_up_at_any_step() {
    let text = "tcp.DstPort == 443 and (ip or ipv6) or udp and not udp.DstPort in {53, 123}";
    let typed = typed(text, Layer::Network);
    let whole = run(text, Layer::Network, 300).0;
    let (mut cut, mut undecided, mut last) = (0, 0, 0);
    for steps in 0..400_u32 {
        let left = std::cell::Cell::new(steps);
        let in_time = || left.replace(left.get().saturating_sub(1)) > 0;
        let forms = Forms::of_tree_in_time(typed.clone(), Depth::All, &in_time).unwrap().unwrap();
        cut += u32::from(forms.is_cut());
        let targets = [Target::new(forms, &typed)];
        let limits = Limits { runs: 300, in_time: &in_time };
        let report = search(&targets, Layer::Network, &[], 1, &limits);
        assert!(report.findings.is_empty() && report.runs >= last && report.runs <= whole.runs);
        assert!(report.undecided || report == whole, "{steps}: {report:?}");
        last = report.runs;
        undecided += u32::from(report.undecided);
    }
    assert!(cut > 5 && undecided > cut && undecided < 400, "{cut}, {undecided}");
}

/// The text of such a chain is nested too deeply to be read again: that is no disagreement.
#[test]
fn a_chain_too_deep_for_texts_has_its_other_forms() {
    let tests: Vec<String> =
        (0..4_000).map(|id| format!("ip.Id == {id} and tcp.DstPort == {}", id % 7)).collect();
    let typed = typed(&tests.join(" or "), Layer::Network);
    let forms = Forms::of_tree(typed, Depth::All).unwrap().unwrap();
    assert!(!forms.is_cut() && forms.graphs().len() >= 4, "{}", forms.graphs().len());
}

/// Once a flow was shown as IPv4 whose address was `::1`: what is searched with is what a driver could report.
#[test]
fn addresses_are_of_the_events_version() {
    for layer in [Layer::Flow, Layer::Socket] {
        for text in [
            "remoteAddr == ::1 or localAddr in 10.0.0.0/8 or remoteAddr == 2001:db8::1",
            "ip and remoteAddr != 10.0.0.1 or ipv6 and localAddr == fe80::1",
            "icmp or icmpv6 or remoteAddr & 1 == 1",
        ] {
            let (report, missing) = run(text, layer, 3_000);
            assert_eq!(missing, [], "{text}");
            for case in &report.cover {
                let Case::Endpoint(_, _, endpoint, _) = case else { panic!("{case}") };
                for address in [endpoint.local_addr, endpoint.remote_addr] {
                    assert_eq!(address >> 32 == 0xFFFF, !endpoint.ipv6, "{text}: {case}");
                }
            }
        }
    }
    // Where the filter leaves no other way, the proof still finds it.
    let (report, _) = run("ip and remoteAddr == ::1", Layer::Flow, 500);
    assert!(report.reached.contains_key(&Goal { target: 0, test: None, outcome: Outcome::True }));
}
