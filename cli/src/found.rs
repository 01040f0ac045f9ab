//! Packets and events that a command found, as a file: the witness of an answer, the cover of a filter. `eval` reads it,
//! and what the file cannot hold but the filters look at is said, with the options of `eval` that stand for it.

use std::path::Path;

use divert_compiler::analysis::Witness;
use divert_fuzz::Case;
use divert_vm::field::Field;
use divert_vm::input::Address;
use divert_vm::layer::Layer;
use serde_json::Value;

use crate::capture::make::pcapng;
use crate::capture::raw_ip::{RawIpWriter, Unit};
use crate::codes;
use crate::console::{Console, Outcome, Stop};
use crate::finding::Finding;
use crate::output::{self, OutFile};

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Direction,
    Loopback,
    Impostor,
    IfIdx,
    SubIfIdx,
    Timestamp,
}

impl Fact {
    const ALL: [Self; 6] =
        [Self::Direction, Self::Loopback, Self::Impostor, Self::IfIdx, Self::SubIfIdx, Self::Timestamp];

    /// What people call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Direction => "the direction",
            Self::Loopback => "loopback",
            Self::Impostor => "impostor",
            Self::IfIdx => "ifIdx",
            Self::SubIfIdx => "subIfIdx",
            Self::Timestamp => "the timestamp",
        }
    }

    /// The fields that depend on it. The hash behind the random fields begins with the time.
    const fn fields(self) -> &'static [Field] {
        match self {
            Self::Direction => &[
                Field::Inbound,
                Field::Outbound,
                Field::LocalAddr,
                Field::RemoteAddr,
                Field::LocalPort,
                Field::RemotePort,
            ],
            Self::Loopback => &[Field::Loopback],
            Self::Impostor => &[Field::Impostor],
            Self::IfIdx => &[Field::IfIdx],
            Self::SubIfIdx => &[Field::SubIfIdx],
            Self::Timestamp => &[Field::Timestamp, Field::Random8, Field::Random16, Field::Random32],
        }
    }

    /// What makes `eval` assume it: an option, or nothing where that is what it assumes anyway; `None` when there is no
    /// option for it.
    fn option(self, address: &Address) -> Option<String> {
        let flag = |set: bool, option: &str| if set { option.to_owned() } else { String::new() };
        let number = |number: u32, option: &str| match number {
            0 => String::new(),
            number => format!("{option} {number}"),
        };
        match self {
            Self::Direction => Some(if address.outbound { "--outbound" } else { "--inbound" }.to_owned()),
            Self::Loopback => Some(flag(address.loopback, "--loopback")),
            Self::Impostor => Some(flag(address.impostor, "--impostor")),
            Self::IfIdx => Some(number(address.if_idx, "--if-idx")),
            Self::SubIfIdx => Some(number(address.sub_if_idx, "--sub-if-idx")),
            Self::Timestamp => None,
        }
    }
}

/// What was found, as an event object: what a line of events is.
pub(crate) fn event(witness: &Witness) -> Value {
    serde_json::from_str(&witness.to_json()).unwrap_or_default()
}

/// What filters look at beside the bytes of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LookedAt(Vec<Fact>);

impl LookedAt {
    /// `reads` says whether a filter reads a field.
    pub(crate) fn of(reads: impl Fn(Field) -> bool) -> Self {
        Self(Fact::ALL.into_iter().filter(|fact| fact.fields().iter().any(|field| reads(*field))).collect())
    }
}

/// What a file with packets or events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Lines of events, which keep everything.
    Events,
    /// A capture with directions.
    Pcapng,
    /// A capture.
    Pcap,
}

impl Format {
    /// What the name says, if anything.
    fn named(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "jsonl" => Some(Self::Events),
            "pcapng" => Some(Self::Pcapng),
            "pcap" | "cap" => Some(Self::Pcap),
            _ => None,
        }
    }

    /// What the name says; else pcap, or lines where there are events.
    fn of(path: &Path, cases: &[Case]) -> Self {
        let events = cases.iter().any(|case| packet(case).is_none());
        Self::named(path).unwrap_or(if events { Self::Events } else { Self::Pcap })
    }

    /// Whether the file says this of a packet.
    fn keeps(self, fact: Fact, address: &Address) -> bool {
        match (self, fact) {
            (Self::Events, _) | (Self::Pcapng, Fact::Direction) => true,
            (Self::Pcap, Fact::Direction) => false,
            // Time begins in 1970 in both, and pcap has 32 bits for its seconds.
            (Self::Pcapng, Fact::Timestamp) => address.timestamp >= 0,
            (Self::Pcap, Fact::Timestamp) => moment(address).is_some(),
            (Self::Pcapng | Self::Pcap, Fact::Loopback | Fact::Impostor | Fact::IfIdx | Fact::SubIfIdx) => {
                false
            }
        }
    }
}

/// Units of 100 ns in a second.
const TICKS: i64 = 10_000_000;

/// Seconds since 1970 and nanoseconds, where pcap has room for them.
fn moment(address: &Address) -> Option<(u32, u32)> {
    let seconds = u32::try_from(address.timestamp.div_euclid(TICKS)).ok()?;
    Some((seconds, u32::try_from(address.timestamp.rem_euclid(TICKS) * 100).ok()?))
}

fn packet(case: &Case) -> Option<(&[u8], &Address)> {
    match case {
        Case::Packet(_, bytes, address) => Some((bytes.as_slice(), address)),
        Case::Endpoint(..) | Case::Reflected(..) => None,
    }
}

/// Refuses a name of a capture for what is found at a layer of events.
///
/// # Errors
/// When it is one.
pub(crate) fn fits(path: &Path, layer: Layer) -> Outcome<()> {
    match Format::named(path) {
        Some(Format::Pcapng | Format::Pcap) if !layer.has_packets() => Err(not_packets(path)),
        Some(Format::Events | Format::Pcapng | Format::Pcap) | None => Ok(()),
    }
}

/// Writes what was found to `path`, in the format that its name says; `-` is standard output.
///
/// # Errors
/// When that cannot be done: an event in a capture, a folder that is not there.
pub(crate) fn write(path: &Path, cases: &[Case], looked_at: &LookedAt, console: &mut Console) -> Outcome<()> {
    let format = Format::of(path, cases);
    if format != Format::Events && cases.iter().any(|case| packet(case).is_none()) {
        return Err(not_packets(path));
    }
    let binary = (format != Format::Events).then_some("a capture");
    save(output::open(path, binary, console)?, path, format, cases)?;
    let lost = Lost::of(format, cases, looked_at);
    if lost.options.is_empty() && lost.gone.is_empty() {
        return Ok(());
    }
    let name = if output::is_stdout(path) { "a pcap".to_owned() } else { format!("`{}`", path.display()) };
    console.remark(lost.words(&name))
}

/// Writes to a file that is called `path`.
fn save(mut file: OutFile, path: &Path, format: Format, cases: &[Case]) -> Outcome<()> {
    let packets = || cases.iter().filter_map(packet);
    let written = match format {
        Format::Events => cases.iter().try_for_each(|case| file.write(format!("{case}\n").as_bytes())),
        Format::Pcapng => file.write(&pcapng(&packets().collect::<Vec<_>>())),
        Format::Pcap => {
            let mut writer = RawIpWriter::new(file, Unit::Nanoseconds);
            for (bytes, address) in packets() {
                let (seconds, nanos) = moment(address).unwrap_or_default();
                writer.put(seconds, nanos, bytes);
            }
            return writer.finish(path);
        }
    };
    output::written(path, written.and_then(|()| file.finish()))
}

fn not_packets(path: &Path) -> Stop {
    let message = "a capture holds packets, and what was found is an event";
    let name = path.with_extension("jsonl");
    let help = format!("`-w {}` writes it as a line, which `divertc eval` reads", name.display());
    Finding::command(codes::USAGE, message).help(help).into()
}

/// What the filters look at and a file does not keep, where `eval` would assume something else.
#[derive(Debug, Default)]
struct Lost {
    /// What options of `eval` stand for, and they.
    names: Vec<&'static str>,
    options: Vec<String>,
    /// What no option stands for, and whether pcapng would keep it.
    gone: Vec<&'static str>,
    in_pcapng: bool,
}

impl Lost {
    fn of(format: Format, cases: &[Case], looked_at: &LookedAt) -> Self {
        let addresses: Vec<&Address> = cases.iter().filter_map(packet).map(|(_, address)| address).collect();
        let mut lost = Self { in_pcapng: true, ..Self::default() };
        for fact in &looked_at.0 {
            let Some(first) = addresses.iter().find(|address| !format.keeps(*fact, address)) else {
                continue;
            };
            // One option is for all packets.
            let option = fact.option(first);
            match option.filter(|one| addresses.iter().all(|all| fact.option(all).as_ref() == Some(one))) {
                Some(option) if option.is_empty() => {}
                Some(option) => {
                    lost.names.push(fact.name());
                    lost.options.push(option);
                }
                None => {
                    lost.gone.push(fact.name());
                    lost.in_pcapng &= addresses.iter().all(|address| Format::Pcapng.keeps(*fact, address));
                }
            }
        }
        lost
    }

    /// The same for people; `name` is the file's.
    fn words(&self, name: &str) -> String {
        let mut lines = Vec::new();
        if !self.options.is_empty() {
            let (names, options) = (listed(&self.names), self.options.join(" "));
            lines.push(format!("{name} does not keep {names}: judge it with `divertc eval {options}`"));
        }
        if !self.gone.is_empty() {
            let does = if self.in_pcapng { "a .pcapng or .jsonl file does" } else { "a .jsonl file does" };
            let names = listed(&self.gone);
            lines.push(format!(
                "{name} does not keep {names}, and no option of `eval` brings it back: {does}"
            ));
        }
        lines.join("\n")
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use divert_compiler::analysis::{Answer, Budget, sat};
    use divert_compiler::back::bytecode::emit;
    use divert_compiler::front::text::{Options as TextOptions, analyse};
    use divert_compiler::graph::Graph;
    use divert_fuzz::Source;
    use divert_fuzz::r#gen::graph::{Masks, any};
    use divert_vm::limits::USER_WORK;
    use divert_vm::program::{Program, Verified};

    use super::*;
    use crate::eval::{Assume, one, open};
    use crate::pipeline::lowered;

    /// The options of `eval` that a file needs.
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        assume: Assume,
    }

    /// What was promised of the files that were written, and how often an option or nothing helped.
    #[derive(Debug, Default)]
    struct Seen {
        kept: u32,
        optioned: u32,
        gone: u32,
    }

    /// Writes cases as `name` and reads them again as `eval` would, with the options that are named.
    fn check(path: &Path, cases: &[Case], verified: &Verified<'_>, seen: &mut Seen) {
        let format = Format::of(path, cases);
        save(OutFile::create(path).unwrap(), path, format, cases).unwrap();
        let lost = Lost::of(format, cases, &LookedAt::of(|field| verified.reads(field)));
        if !lost.gone.is_empty() {
            assert_ne!(format, Format::Events, "lines keep everything");
            seen.gone += 1;
            return;
        }
        *(if lost.options.is_empty() { &mut seen.kept } else { &mut seen.optioned }) += 1;
        let words = lost.options.iter().flat_map(|option| option.split(' '));
        let options = Options::try_parse_from(std::iter::once("eval").chain(words)).unwrap();
        let judge = options.assume.judge(*verified);
        for (number, case) in cases.iter().enumerate() {
            let source = open(path.as_os_str()).unwrap().source;
            let found = one(&judge, source, number as u64, |_| ());
            let promised = case.with(|input| verified.matches(input));
            assert_eq!(found, promised, "{format:?} {lost:?} {case}\n{}", verified.program().len());
        }
    }

    /// A filter that looks at what captures do not keep.
    fn curious(source: &mut Source<'_>, layer: Layer) -> Graph {
        const TESTS: [&str; 14] = [
            "outbound",
            "inbound",
            "loopback",
            "impostor",
            "ifIdx == 3",
            "subIfIdx > 0",
            "timestamp > 100",
            "timestamp < 0",
            "random8 < 100",
            "localPort == 80",
            "remoteAddr == 10.0.0.1",
            "tcp",
            "ip.TTL > 5",
            "ipv6",
        ];
        let usable = |test: &str| {
            let options = TextOptions { layer: Some(layer), ..TextOptions::default() };
            analyse(test, &options).typed.and_then(|typed| lowered(&typed, 1).ok())
        };
        let mut text = "zero == 0".to_owned();
        for _ in 0..3 {
            let word = source.pick(&[" and ", " or ", " and not "]);
            let test = source.pick(&TESTS);
            text.push_str(&if usable(test).is_some() { format!("{word}{test}") } else { String::new() });
        }
        usable(&text).unwrap()
    }

    #[test]
    fn what_is_written_is_judged_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = [Seen::default(), Seen::default(), Seen::default()];
        for seed in 0..500 {
            let mut source = Source::seeded(seed);
            let layer = if source.one_in(4) { source.pick(&Layer::ALL) } else { Layer::Network };
            let graph = if seed % 2 == 0 {
                any(&mut source, layer, 6, Masks::Few)
            } else {
                curious(&mut source, layer)
            };
            let Ok(bytes) = emit(&graph, &[]) else { continue };
            let verified = Program::decode(&bytes).unwrap().verify(USER_WORK).unwrap();
            let mut cases: Vec<Case> = (0..3).map(|_| Case::any(&mut source, layer)).collect();
            cases.retain(|case| case.with(|_| ()).is_some());
            if let Answer::Yes(witness) = sat(&graph, &Budget::default()) {
                cases.push(Case::from(*witness));
            }
            let files = ["a.jsonl", "a.pcapng", "a.pcap"].into_iter().zip(&mut seen);
            for (name, seen) in files.take(if layer.has_packets() { 3 } else { 1 }) {
                cases.iter().for_each(|case| {
                    check(&folder.path().join(name), std::slice::from_ref(case), &verified, seen);
                });
                check(&folder.path().join(name), &cases, &verified, seen);
            }
        }
        let [events, pcapng, pcap] = seen;
        assert!(events.kept > 500 && events.optioned + events.gone == 0, "{events:?}");
        assert!(pcapng.optioned > 50 && pcapng.gone > 10, "{pcapng:?}");
        assert!(pcap.optioned > pcapng.optioned && pcap.gone > pcapng.gone, "{pcap:?}");
    }

    #[test]
    fn names_say_formats() {
        let packet = Case::Packet(Layer::Network, Vec::new(), Address::default());
        let mut source = Source::seeded(1);
        let event = Case::any(&mut source, Layer::Flow);
        for (name, of_packet, of_event) in [
            ("a.jsonl", Format::Events, Format::Events),
            ("a.PCAPNG", Format::Pcapng, Format::Pcapng),
            ("a.pcap", Format::Pcap, Format::Pcap),
            ("a", Format::Pcap, Format::Events),
            ("-", Format::Pcap, Format::Events),
        ] {
            let of = |case: &Case| Format::of(Path::new(name), std::slice::from_ref(case));
            assert_eq!((of(&packet), of(&event)), (of_packet, of_event), "{name}");
        }
    }
}
