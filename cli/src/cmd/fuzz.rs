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
use crate::args::{Forced, Once, Reading, Selection, usage};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::{self, Assume, Opened, Source};
use crate::finding::Finding;
use crate::found::{self, LookedAt};
use crate::output;
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

-w writes a few packets that reach all that was reached. The name says the
format: .jsonl are events with everything, .pcapng packets with directions,
else it is a pcap; - is standard output, and the report goes to standard error.
With --runs the result depends on the filters, the seeds and --seed only.

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
    /// Write packets that reach all that was reached to this file; - is standard output
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
        self.check(&selections)?;
        let begin = Instant::now();
        let time = self.time.map(Duration::from_secs);
        let in_time = || time.is_none_or(|time| begin.elapsed() < time);
        let mut subjects = Vec::new();
        let output = self.write.as_deref();
        for selection in selections {
            subjects.push(Subject::of(
                pipeline::read(selection, &self.reading, output)?,
                &self.reading,
                console,
            )?);
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
        if let Some(path) = &self.write {
            found::fits(path, layer)?;
        }
        let targets =
            subjects.iter().map(|subject| target(subject, &in_time)).collect::<Result<Vec<_>, Stop>>()?;
        let seeds = self.seeds(&subjects, layer, &in_time, console)?;
        let runs = self.runs.unwrap_or(if time.is_some() { u64::MAX } else { RUNS });
        let limits = Limits { runs, in_time: &in_time };
        let report = campaign::search(&targets, layer, &seeds, self.seed, &limits);
        let text = self.shown(&subjects, &targets, &report);
        match &self.write {
            Some(path) if output::is_stdout(path) => console.remark(text.trim_end())?,
            Some(_) | None => console.result(text)?,
        }
        if let Some(path) = &self.write {
            self.save(path, &subjects, &report, console)?;
        }
        Ok(if report.findings.is_empty() { Status::Fine } else { Status::No })
    }

    /// Writes the cover, and beside it what was found; on standard output there is no beside, and the report has it.
    fn save(&self, path: &Path, subjects: &[Subject], report: &Report, console: &mut Console) -> Outcome<()> {
        let mut programs = Vec::new();
        for subject in subjects {
            programs.push(pipeline::program(&subject.origin, &subject.bytes, &self.reading, USER_WORK)?);
        }
        let looked_at = LookedAt::of(|field| programs.iter().any(|program| program.reads(field)));
        found::write(path, &report.cover, &looked_at, console)?;
        if output::is_stdout(path) {
            return Ok(());
        }
        console.remark(format_args!("wrote {} to {}", cases_of(report), path.display()))?;
        if !report.findings.is_empty() {
            let beside = beside(path);
            let cases: Vec<Case> = report.findings.iter().map(|found| found.case.clone()).collect();
            found::write(&beside, &cases, &looked_at, console)?;
            console.remark(format_args!("wrote what was found to {}", beside.display()))?;
        }
        Ok(())
    }

    /// Refuses what cannot be done before the search begins.
    fn check(&self, selections: &[Selection]) -> Outcome<()> {
        let mut stdin = Once::default();
        selections.iter().try_for_each(|selection| stdin.take(selection))?;
        self.seeds.iter().try_for_each(|name| stdin.take_input(name))?;
        let Some(path) = &self.write else { return Ok(()) };
        let filters = selections.iter().filter_map(Selection::path);
        let inputs: Vec<&Path> = filters.chain(self.seeds.iter().map(Path::new)).collect();
        output::apart(path, inputs.iter().copied())?;
        if !output::is_stdout(path) {
            output::apart(&beside(path), inputs)?;
            output::probe(path)?;
        }
        Ok(())
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
        let what = cases_of(report);
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

/// How many packets or events the cover has.
fn cases_of(report: &Report) -> String {
    let events = report.cover.iter().any(|case| !case.layer().has_packets());
    plural(report.cover.len() as u64, if events { "event" } else { "packet" })
}

/// Where what was found is written.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".findings.jsonl");
    PathBuf::from(name)
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
