//! How fast the evaluators and compilers are, side by side in one run: `cargo bench -p divert-tests --features libpcap`.
//! Never a test: it fails only when evaluators disagree. `vm/PERFORMANCE.md` explains the figures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "other link types are skipped")]

mod native;
mod packets;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use divert_compiler::back::bytecode;
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::{Builder, Graph, eval::eval};
use divert_compiler::opt::optimise;
use divert_vm::address::Ipv4;
use divert_vm::{Address, Input, Packet, Program};

/// Passes over the packets for each evaluator, one after the other in each round.
const ROUNDS: usize = 60;

struct Case {
    name: &'static str,
    text: String,
    /// The same for libpcap, when it can say it.
    pcap: Option<String>,
    native: Option<fn(&[u8]) -> bool>,
}

fn main() {
    let (folder, packets) = packets::load();
    println!("{} packets of {}", packets.len(), folder.display());
    println!("ns per packet, parsing included: best of {ROUNDS} interleaved rounds\n");
    println!(
        "{:<16}{:>8}{:>8}{:>8}{:>8}{:>8}   {:>10}{:>12}",
        "filter", "matches", "VM", "native", "libpcap", "graph", "VM/native", "libpcap/VM"
    );
    let cases = cases(&packets);
    for case in &cases {
        measure(case, &packets);
    }
    println!("\nµs from text to verified bytecode: best of many\n");
    println!("{:<16}{:>10}{:>10}{:>12}", "filter", "ours", "libpcap", "libpcap/ours");
    for case in &cases {
        let rounds = if case.text.len() > 2000 { 20 } else { 500 };
        let ours = best(rounds, || compile(&case.text)) / 1e3;
        let libpcap =
            case.pcap.as_deref().and_then(|text| libpcap::compile_time(text, rounds)).map(|ns| ns / 1e3);
        println!(
            "{:<16}{ours:>10.1}{}{}",
            case.name,
            cell(libpcap, 10),
            cell(libpcap.map(|ns| ns / ours), 12)
        );
    }
}

fn graph(text: &str) -> Graph {
    let typed = analyse(text, &Options::default()).typed.expect(text);
    let mut builder = Builder::simplifying(typed.layer);
    let entry = lower(&typed, &mut builder).unwrap();
    optimise(&builder.finish(entry), 2)
}

/// Text to verified bytecode: the back end verifies what it emits.
fn compile(text: &str) -> Vec<u8> {
    bytecode::emit(&graph(text), b"").unwrap()
}

/// Nanoseconds of the fastest of `rounds` runs.
fn best<T>(rounds: usize, mut run: impl FnMut() -> T) -> f64 {
    (0..rounds).map(|_| time(&mut run).1).fold(f64::MAX, f64::min)
}

fn time<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = black_box(run());
    (result, start.elapsed().as_nanos() as f64)
}

/// Counts matches in one pass; each evaluator has its own loop, so that nothing stands between it and the packets.
type Pass<'p> = Box<dyn Fn() -> usize + 'p>;

fn measure(case: &Case, packets: &[Vec<u8>]) {
    let graph = graph(&case.text);
    let bytes = bytecode::emit(&graph, b"").unwrap();
    let program = Program::decode(&bytes).unwrap().verify(u32::MAX).unwrap();
    // The address record differs from packet to packet, as in a driver.
    let address = |number: usize| Address { outbound: true, timestamp: number as i64, ..Address::default() };
    let vm: Pass<'_> = Box::new(|| {
        let judge = |(number, bytes): &(usize, &Vec<u8>)| {
            Packet::parse(bytes)
                .is_ok_and(|packet| program.matches(&Input::network(&packet, &address(*number))))
        };
        packets.iter().enumerate().filter(judge).count()
    });
    let slow: Pass<'_> = Box::new(|| {
        let judge = |(number, bytes): &(usize, &Vec<u8>)| {
            Packet::parse(bytes).is_ok_and(|packet| eval(&graph, &Input::network(&packet, &address(*number))))
        };
        packets.iter().enumerate().filter(judge).count()
    });
    let native = case
        .native
        .map(|judge| -> Pass<'_> { Box::new(move || packets.iter().filter(|p| judge(p)).count()) });
    let libpcap = case.pcap.as_deref().and_then(|text| libpcap::pass(text, packets));
    let passes = [Some(vm), native, libpcap, Some(slow)];
    let mut times = [f64::MAX; 4];
    let mut matches = None;
    for round in 0..ROUNDS {
        for (pass, least) in passes.iter().zip(&mut times) {
            let Some(pass) = pass else { continue };
            let (count, ns) = time(pass);
            assert_eq!(*matches.get_or_insert(count), count, "{} in round {round}", case.name);
            *least = least.min(ns / packets.len() as f64);
        }
    }
    let shown = times.map(|ns| (ns < f64::MAX).then_some(ns));
    let [Some(vm), native, libpcap, _] = shown else { return };
    let columns: String = shown.iter().map(|ns| cell(*ns, 8)).collect();
    let ratios = cell(native.map(|ns| vm / ns), 10) + &cell(libpcap.map(|ns| ns / vm), 12);
    println!("{:<16}{:>8}{columns}   {ratios}", case.name, matches.unwrap_or(0));
}

fn cell(value: Option<f64>, width: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.1}"))
}

fn cases(packets: &[Vec<u8>]) -> Vec<Case> {
    let case = |name, text: &str, pcap: Option<&str>, native| Case {
        name,
        text: text.to_owned(),
        pcap: pcap.map(str::to_owned),
        native,
    };
    let six = "tcp dst port 22 or tcp dst port 25 or tcp dst port 80 or tcp dst port 110 or tcp dst port 443 or \
               tcp dst port 8080";
    let mix = "tcp.DstPort == 80 or tcp.SrcPort == 80 or tcp.DstPort == 443 or tcp.SrcPort == 443 or \
               udp.DstPort == 53 or udp.SrcPort == 53";
    let mut all = vec![
        case("outbound", "outbound", None, Some(|_: &[u8]| true)),
        case("IPv4", "ip", Some("ip"), Some(native::ipv4 as fn(&[u8]) -> bool)),
        case("one port", "tcp.DstPort == 443", Some("tcp dst port 443"), Some(native::one_port)),
        case("six ports", "tcp.DstPort in {22, 25, 80, 110, 443, 8080}", Some(six), Some(native::six_ports)),
        case("TCP and UDP", mix, Some("tcp port 80 or tcp port 443 or udp port 53"), Some(native::mix)),
    ];
    // Some addresses of the packets, so that something matches, and arbitrary ones.
    let met = packets.iter().filter(|p| p[0] >> 4 == 4).step_by(1500);
    let met = met.map(|p| u32::from_be_bytes([p[16], p[17], p[18], p[19]]));
    let mut state = 12_345_u64;
    let arbitrary = std::iter::repeat_with(move || {
        for shift in [13, -7, 17] {
            state ^= if shift > 0 { state << shift } else { state >> -shift };
        }
        state as u32
    });
    let addresses: Vec<u32> = met.take(8).chain(arbitrary).take(10_000).collect();
    for (name, count, subnets) in [
        ("120 addresses", 120, false),
        ("1,000 addresses", 1_000, false),
        ("1,000 subnets", 1_000, true),
        ("10,000 subnets", 10_000, true),
    ] {
        let (mut text, mut pcap) = ("ip.DstAddr in {".to_owned(), String::new());
        for (number, address) in addresses.iter().take(count).enumerate() {
            let (comma, or) = if number > 0 { (", ", " or ") } else { ("", "") };
            let (shown, length) = if subnets { (address & !0xFF, "/24") } else { (*address, "") };
            write!(text, "{comma}{}{length}", Ipv4(shown)).unwrap();
            write!(pcap, "{or}ip dst host {}", Ipv4(shown)).unwrap();
        }
        text.push('}');
        all.push(case(name, &text, (!subnets).then_some(&pcap), None));
    }
    all
}

#[cfg(feature = "libpcap")]
mod libpcap {
    //! libpcap's compiler and interpreter.

    use pcap::{BpfProgram, Capture, Linktype};

    /// Raw IP without a link layer, by libpcap's own number.
    const RAW: Linktype = Linktype(12);

    fn compile(text: &str) -> BpfProgram {
        Capture::dead(RAW).unwrap().compile(text, true).unwrap()
    }

    pub(super) fn pass<'p>(text: &str, packets: &'p [Vec<u8>]) -> Option<super::Pass<'p>> {
        let program = compile(text);
        Some(Box::new(move || packets.iter().filter(|packet| program.filter(packet)).count()))
    }

    pub(super) fn compile_time(text: &str, rounds: usize) -> Option<f64> {
        let capture = Capture::dead(RAW).unwrap();
        Some(super::best(rounds, || capture.compile(text, true).unwrap()))
    }
}

#[cfg(not(feature = "libpcap"))]
mod libpcap {
    //! Stands in for libpcap where it is not wanted.

    pub(super) fn pass<'p>(_: &str, _: &'p [Vec<u8>]) -> Option<super::Pass<'p>> {
        None
    }

    pub(super) fn compile_time(_: &str, _: usize) -> Option<f64> {
        None
    }
}
