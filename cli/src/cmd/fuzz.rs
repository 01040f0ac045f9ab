//! `divertc fuzz`: looks for packets on which the ways to evaluate a filter, or two filters, do not agree, and for
//! packets that reach every test both ways.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use divert_compiler::explain::Outcome as Seen;
use divert_compiler::reach::MOST_TESTS;
use divert_fuzz::campaign::{self, Goal, Limits, Report, Target};
use divert_fuzz::oracle::agree::{Depth, Forms};
use divert_fuzz::{Case, r#gen::case::to_hex};
use divert_vm::layer::Layer;
use divert_vm::limits::USER_WORK;

use super::plural;
use crate::args::{Forced, Reading, usage};
use crate::capture::make::pcapng;
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Assume, Opened, Source};
use crate::finding::Finding;
use crate::input;
use crate::output::write_file;
use crate::pipeline;
use crate::render::lines::Walk;
use crate::subject::Subject;

/// Search for packets that reach every test of a filter, and for disagreements
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc fuzz web.dvf
  divertc fuzz web.dvf --seeds capture.pcap --time 30 -w cover.pcapng
  divertc fuzz old.dvf new.dvf --runs 200000 --seed 7

Packets are changed where the filter looks: its constants and their neighbours,
headers that it asks for, lengths. Every way to evaluate the filter must give
the same verdict (reference evaluator, decision graphs, bytecode, objects and
decompiled texts), and several filters must agree with each other.

What is not reached is decided, where that can be done, by a proof: there is a
packet for it, or it is out of reach for every packet, and named as such.

-w writes a few packets that reach all that was reached: a .pcapng file, or
events when the name ends in .jsonl. With --runs the result depends on the
filters, the seeds and --seed only.

Exit status: 0 nothing found, 1 a disagreement, 2 could not do it.")]
pub(crate) struct Fuzz {
    /// Filters; several must agree
    #[arg(value_name = "FILTER")]
    filters: Vec<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// Captures or events to begin with
    #[arg(long, value_name = "FILE", num_args = 1)]
    seeds: Vec<OsString>,
    /// Stop after so many seconds
    #[arg(long, value_name = "S", conflicts_with = "runs")]
    time: Option<u64>,
    /// Stop after so many packets (the default: 20000)
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Another number is another search
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write packets that reach all that was reached to this file
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    write: Option<PathBuf>,
    #[command(flatten)]
    assume: Assume,
}

/// Packets when nothing is said.
const RUNS: u64 = 20_000;
/// Most seeds that are taken from captures.
const MOST_SEEDS: usize = 100_000;

impl Fuzz {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let selections = std::mem::take(&mut self.forced).all(std::mem::take(&mut self.filters))?;
        if selections.is_empty() {
            return Err(usage("no filter is given"));
        }
        let begin = Instant::now();
        let time = self.time.map(Duration::from_secs);
        let in_time = || time.is_none_or(|time| begin.elapsed() < time);
        let mut subjects = Vec::new();
        for selection in selections {
            subjects.push(Subject::of(input::read(selection)?, &self.reading, console)?);
        }
        let layer = subjects.first().map_or(Layer::Network, |subject| subject.typed.layer);
        if let Some(other) = subjects.iter().find(|subject| subject.typed.layer != layer) {
            let message = format!(
                "filters for {} and {} judge nothing in common",
                layer.name(),
                other.typed.layer.name()
            );
            return Err(usage(&message));
        }
        let targets =
            subjects.iter().map(|subject| target(subject, &in_time)).collect::<Result<Vec<_>, Stop>>()?;
        let seeds = self.seeds(&subjects, layer, &in_time, console)?;
        let runs = self.runs.unwrap_or(if time.is_some() { u64::MAX } else { RUNS });
        let limits = Limits { runs, in_time: &in_time };
        let report = campaign::search(&targets, layer, &seeds, self.seed, &limits);
        console.result(self.shown(&subjects, &targets, &report))?;
        if let Some(path) = &self.write {
            save(path, &report.cover)?;
            let packets =
                plural(report.cover.len() as u64, if layer.has_packets() { "packet" } else { "event" });
            console.remark(format_args!("wrote {packets} to {}", path.display()))?;
            if !report.findings.is_empty() {
                let beside = PathBuf::from(format!("{}.findings.jsonl", path.display()));
                let cases: Vec<Case> = report.findings.iter().map(|found| found.case.clone()).collect();
                save(&beside, &cases)?;
                console.remark(format_args!("wrote what was found to {}", beside.display()))?;
            }
        }
        Ok(if report.findings.is_empty() { Status::Fine } else { Status::No })
    }

    /// The packets of the captures that were named.
    fn seeds(
        &self,
        subjects: &[Subject],
        layer: Layer,
        in_time: &dyn Fn() -> bool,
        console: &mut Console,
    ) -> Outcome<Vec<Case>> {
        let mut seeds = Vec::new();
        let Some(first) = subjects.first() else { return Ok(seeds) };
        let verified = pipeline::program(&first.origin, &first.bytes, &self.reading, USER_WORK)?;
        let judge = self.assume.judge(verified).with_times();
        for name in &self.seeds {
            let Opened { origin, source, .. } = eval::open(name)?;
            match source {
                Source::Capture(mut reader) if layer.has_packets() => {
                    while let Some(record) = reader.next() {
                        let case = judge.see(&record, |input| {
                            let bytes = input.packet().map(|packet| packet.bytes().to_vec());
                            Case::Packet(layer, bytes.unwrap_or_default(), *input.address())
                        });
                        seeds.extend(case);
                        if seeds.len() >= MOST_SEEDS || !in_time() {
                            break;
                        }
                    }
                }
                Source::Capture(_) => {
                    let message = format!("`{origin}` is a capture, and the filter judges no packets");
                    console.report(Finding::whole(&origin, codes::NO_SUCH_RECORDS, message))?;
                }
                Source::Events(mut reader) => {
                    while seeds.len() < MOST_SEEDS
                        && in_time()
                        && let Ok(Some(line)) = reader.next()
                    {
                        if let Ok(event) = &line.event {
                            seeds.extend(event.case(line.packet).filter(|case| case.layer() == layer));
                        }
                    }
                }
            }
        }
        Ok(seeds)
    }

    fn shown(&self, subjects: &[Subject], targets: &[Target<'_>], report: &Report) -> String {
        let mut out = String::new();
        let what = plural(report.cover.len() as u64, "packet");
        let _ = writeln!(out, "{} runs with seed {}; {what} reach what was reached", report.runs, self.seed);
        if targets.iter().any(|target| target.forms.is_cut()) {
            out.push_str("time was up before every form of the filters was made; the others were compared\n");
        } else if report.undecided {
            out.push_str("time was up before it was decided what can be reached\n");
        }
        for (number, (subject, target)) in subjects.iter().zip(targets).enumerate() {
            let mut places = Walk::new(&subject.source.text);
            let layer = subject.typed.layer;
            let count = |test, outcome| {
                report.reached.get(&Goal { target: number, test, outcome }).copied().unwrap_or(0)
            };
            let _ = writeln!(out, "\nfilter {} ({})", number + 1, subject.origin);
            let (yes, no) = (count(None, Seen::True), count(None, Seen::False));
            let proved = |test, outcome| report.unreachable.contains(&Goal { target: number, test, outcome });
            let never = |outcome| if proved(None, outcome) { " (proved: never)" } else { "" };
            let (never_yes, never_no) = (never(Seen::True), never(Seen::False));
            let _ = writeln!(out, "  matches {yes}{never_yes}, does not match {no}{never_no}");
            let (mut reached, mut possible, mut unreachable) = (0, 0, 0);
            for (test, site) in target.explainer.tests().iter().enumerate() {
                let at = places.place(site.span.range().start);
                let text = site.span.of(&subject.source.text);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ").escape_default().to_string();
                let text = text.replace("\\\"", "\"");
                let mut words = Vec::new();
                for outcome in Seen::ALL {
                    let (name, runs) = (outcome.name(), count(Some(test), outcome));
                    if campaign::is_impossible(target, test, outcome, layer) {
                        words.push(format!("never {name}"));
                        continue;
                    }
                    if proved(Some(test), outcome) {
                        unreachable += 1;
                        words.push(format!("proved unreachable: {name}"));
                        continue;
                    }
                    possible += 1;
                    reached += u64::from(runs > 0);
                    words.push(if runs > 0 {
                        format!("{name} {runs}")
                    } else {
                        format!("NOT REACHED: {name}")
                    });
                }
                let _ = writeln!(
                    out,
                    "  {:<6} {text}\n         {}",
                    format!("{}:{}", at.line, at.column),
                    words.join(", ")
                );
            }
            let proofs =
                if unreachable > 0 { format!("; {unreachable} proved unreachable") } else { String::new() };
            let _ = writeln!(out, "  {reached} of {possible} outcomes reached{proofs}");
            if reached < possible && target.explainer.tests().len() > MOST_TESTS {
                let _ =
                    writeln!(out, "  (of more than {MOST_TESTS} tests none is proved to be out of reach)");
            }
        }
        for found in &report.findings {
            let _ = writeln!(out, "\nfound: {}", found.what.trim_end());
            for (number, subject) in subjects.iter().enumerate() {
                let _ = writeln!(out, "  filter {}: {}", number + 1, subject.source.text.trim());
            }
            if let Case::Packet(_, bytes, _) = &found.case {
                let _ = writeln!(out, "  packet: {}", to_hex(bytes));
            }
            let _ = writeln!(out, "  event: {}", found.case);
        }
        out
    }
}

/// A filter in all its forms.
fn target<'s>(subject: &'s Subject, in_time: &dyn Fn() -> bool) -> Result<Target<'s>, Stop> {
    let broken = |what: String| Stop::from(Finding::whole(&subject.origin, codes::TARGET, what));
    let forms = Forms::of_tree_in_time(subject.typed.clone(), Depth::All, in_time)
        .map_err(|finding| broken(format!("the forms of the filter differ: {finding}")))?
        .ok_or_else(|| broken("the filter is too large".to_owned()))?
        .with_program(&subject.bytes);
    Ok(Target::new(forms, &subject.typed))
}

fn save(path: &Path, cases: &[Case]) -> Result<(), Finding> {
    let events = path.extension().is_some_and(|extension| extension == "jsonl");
    let packets = cases.iter().filter_map(|case| match case {
        Case::Packet(_, bytes, address) => Some((bytes.as_slice(), address)),
        Case::Endpoint(..) | Case::Reflected(..) => None,
    });
    let packets: Vec<_> = packets.collect();
    if events || packets.len() < cases.len() {
        let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
        return write_file(path, lines.as_bytes());
    }
    write_file(path, &pcapng(&packets))
}
