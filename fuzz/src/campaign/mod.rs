//! The search behind `divertc fuzz`: inputs are changed, directed at the constants of the filters, until every outcome
//! of every test has been seen; on the way every form of each filter, and all filters, must give the same verdict.
//!
//! What the search does not reach is decided by the exact engine: it gives a case, or a proof that there is none.
//!
//! The search is a function of the filters, the seeds and one number; there is no other randomness and no clock in it. Only
//! when the caller says that time is up it ends wherever it is, and says what it has not come to.

mod aim;
mod minimise;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use divert_compiler::analysis::{Answer, Budget, Exists};
use divert_compiler::explain::{Explainer, Outcome};
use divert_compiler::front::text::typed::{Expr, ExprKind, Typed};
use divert_compiler::reach::{self, Reach};
use divert_vm::layer::Layer;

use crate::r#gen::case::Case;
use crate::oracle::agree::Forms;
use crate::source::Source;

/// A filter under test.
#[derive(Debug)]
pub struct Target<'t> {
    /// What evaluates it.
    pub forms: Forms,
    /// What it means.
    pub typed: &'t Typed,
    /// Where its tests are.
    pub explainer: Explainer<'t>,
}

impl<'t> Target<'t> {
    /// A filter whose forms are made.
    #[must_use]
    pub fn new(forms: Forms, typed: &'t Typed) -> Self {
        Self { forms, typed, explainer: Explainer::new(typed) }
    }
}

/// Something that was reached: of which filter, which test, which outcome; or a verdict of the filter, without a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Goal {
    /// The filter.
    pub target: usize,
    /// The test, or none for the verdict of the filter.
    pub test: Option<usize>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What is wrong, with the least case that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub what: String,
    /// For which case.
    pub case: Case,
}

/// What came of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Cases that were judged.
    pub runs: u64,
    /// What was reached, and how often.
    pub reached: BTreeMap<Goal, u64>,
    /// What is proved to be out of reach for every case.
    pub unreachable: BTreeSet<Goal>,
    /// A few cases that reach all that was reached.
    pub cover: Vec<Case>,
    /// What is wrong; at most [`MOST_FINDINGS`].
    pub findings: Vec<Found>,
    /// Whether time was up before everything that was not reached had been decided.
    pub undecided: bool,
}

/// How long to search.
pub struct Limits<'l> {
    /// Cases to look at before the rest is decided.
    pub runs: u64,
    /// Whether there is time for another step; asked often.
    pub in_time: &'l dyn Fn() -> bool,
}

impl Limits<'_> {
    /// So many cases, however long it takes.
    #[must_use]
    pub const fn runs(runs: u64) -> Self {
        Self { runs, in_time: &|| true }
    }
}

impl fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("runs", &self.runs).finish_non_exhaustive()
    }
}

/// What each question may cost that is left at the end: some milliseconds.
const BUDGET: Budget = Budget { nodes: 1 << 18, steps: 1 << 20, tries: 1 << 10 };

/// After so many findings a search ends.
pub const MOST_FINDINGS: usize = 8;

/// A case that reached something first.
struct Kept {
    case: Case,
    goals: BTreeSet<Goal>,
}

/// Searches. All filters are for `layer`.
pub fn search(
    targets: &[Target<'_>],
    layer: Layer,
    seeds: &[Case],
    seed: u64,
    limits: &Limits<'_>,
) -> Report {
    let mut search = Search {
        targets,
        layer,
        in_time: limits.in_time,
        source: Source::seeded(seed),
        kept: Vec::new(),
        reaching: BTreeMap::new(),
        tries: BTreeMap::new(),
        known: BTreeSet::new(),
        report: Report::default(),
    };
    let mut seeds = seeds.iter();
    while search.report.runs < limits.runs
        && (limits.in_time)()
        && search.report.findings.len() < MOST_FINDINGS
    {
        let case = match seeds.next() {
            Some(case) => case.clone(),
            None => {
                let mut case = search.next();
                place::settle(&mut case);
                case
            }
        };
        search.judge(case);
    }
    search.decide();
    search.report.cover = cover(&search.kept, search.report.reached.keys().copied().collect());
    search.report
}

struct Search<'s, 't> {
    targets: &'s [Target<'t>],
    layer: Layer,
    in_time: &'s dyn Fn() -> bool,
    source: Source<'static>,
    kept: Vec<Kept>,
    /// For each test of each filter, cases in which it runs.
    reaching: BTreeMap<(usize, usize), Vec<usize>>,
    /// How often a goal was tried; the least tried comes next.
    tries: BTreeMap<Goal, u32>,
    /// Complaints that there were.
    known: BTreeSet<String>,
    report: Report,
}

impl Search<'_, '_> {
    /// The next case to look at.
    fn next(&mut self) -> Case {
        const FIRST: u64 = 32;
        if self.kept.is_empty() || self.report.runs < FIRST || self.source.one_in(16) {
            return match self.layer {
                Layer::Network | Layer::Forward => {
                    let bytes = crate::r#gen::packet::small(&mut self.source);
                    Case::Packet(self.layer, bytes, crate::r#gen::case::address(&mut self.source))
                }
                Layer::Flow | Layer::Socket | Layer::Reflect => Case::any(&mut self.source, self.layer),
            };
        }
        if !self.source.one_in(4)
            && let Some(case) = self.towards()
        {
            return case;
        }
        let at = self.source.below(self.kept.len());
        let mut case = self.kept[at].case.clone();
        let target = &self.targets[self.source.below(self.targets.len())];
        aim::wander(&mut case, target.explainer.tests(), &mut self.source);
        case
    }

    /// A case towards the goal that was tried least, among those whose test runs in some case.
    fn towards(&mut self) -> Option<Case> {
        let mut best: Option<(u32, Goal)> = None;
        for (target, test) in self.reaching.keys().copied() {
            for outcome in Outcome::ALL {
                let goal = Goal { target, test: Some(test), outcome };
                if !self.report.reached.contains_key(&goal)
                    && !is_impossible(&self.targets[target], test, outcome, self.layer)
                {
                    let tries = self.tries.get(&goal).copied().unwrap_or(0);
                    if best.is_none_or(|(least, _)| tries < least) {
                        best = Some((tries, goal));
                    }
                }
            }
        }
        let (tries, goal) = best?;
        self.tries.insert(goal, tries + 1);
        let from = self.reaching.get(&(goal.target, goal.test?))?;
        let mut case = self.kept.get(from[self.source.below(from.len())])?.case.clone();
        let site = self.targets[goal.target].explainer.tests().get(goal.test?)?;
        if self.source.one_in(8) {
            aim::wander(&mut case, self.targets[goal.target].explainer.tests(), &mut self.source);
        }
        aim::aim(&mut case, site.test, goal.outcome, &mut self.source);
        Some(case)
    }

    /// Asks about each goal that was not reached whether it can be: there is a case, which is judged like the others, or a
    /// proof that there is none, or neither.
    fn decide(&mut self) {
        for (number, target) in self.targets.iter().enumerate() {
            for outcome in [Outcome::True, Outcome::False] {
                let goal = Goal { target: number, test: None, outcome };
                self.settle(goal, || match outcome {
                    Outcome::True => reach::matched(target.typed, &BUDGET),
                    Outcome::False | Outcome::Absent => {
                        let filter = Expr {
                            kind: ExprKind::Not(Box::new(target.typed.filter.clone())),
                            span: target.typed.filter.span,
                        };
                        reach::matched(&Typed { filter, ..target.typed.clone() }, &BUDGET)
                    }
                });
            }
            if !(self.in_time)() {
                self.report.undecided = true;
                return;
            }
            let Some(reach) = Reach::of(target.typed) else { continue };
            for test in 0..target.explainer.tests().len() {
                for outcome in Outcome::ALL {
                    if !is_impossible(target, test, outcome, self.layer) {
                        let goal = Goal { target: number, test: Some(test), outcome };
                        self.settle(goal, || reach.ask(test, outcome, &BUDGET));
                    }
                }
            }
        }
    }

    fn settle(&mut self, goal: Goal, ask: impl FnOnce() -> Exists) {
        if self.report.reached.contains_key(&goal) {
            return;
        }
        if !(self.in_time)() {
            self.report.undecided = true;
            return;
        }
        match ask() {
            Answer::Yes(witness) => self.judge(Case::from(*witness)),
            Answer::No(()) => drop(self.report.unreachable.insert(goal)),
            Answer::Unknown(_) => {}
        }
    }

    fn judge(&mut self, case: Case) {
        self.report.runs += 1;
        if let Some(what) = complaint(self.targets, &case)
            && self.known.insert(verdicts_of(&what).to_owned())
        {
            let same = |case: &Case| complaint(self.targets, case);
            let shows =
                |case: &Case| same(case).is_some_and(|other| verdicts_of(&other) == verdicts_of(&what));
            let case = minimise::minimise(case.clone(), shows, self.in_time);
            let what = same(&case).unwrap_or(what);
            self.report.findings.push(Found { what, case });
        }
        let goals = goals(self.targets, &case);
        let new = goals.iter().any(|goal| !self.report.reached.contains_key(goal));
        for goal in &goals {
            *self.report.reached.entry(*goal).or_default() += 1;
        }
        if new {
            let number = self.kept.len();
            for goal in &goals {
                if let Some(test) = goal.test {
                    let cases = self.reaching.entry((goal.target, test)).or_default();
                    if !cases.contains(&number) {
                        cases.push(number);
                    }
                }
            }
            self.kept.push(Kept { case, goals });
        }
    }
}

/// Who said what: a complaint without the case. Of each such there is one finding.
fn verdicts_of(complaint: &str) -> &str {
    complaint.split("case: ").next().unwrap_or(complaint)
}

/// Whether a test of a filter cannot have an outcome, wherever it stands.
#[must_use]
pub fn is_impossible(target: &Target<'_>, test: usize, outcome: Outcome, layer: Layer) -> bool {
    target.explainer.tests().get(test).is_none_or(|site| aim::impossible(site, layer, outcome))
}

/// What is wrong with the verdicts on a case.
fn complaint(targets: &[Target<'_>], case: &Case) -> Option<String> {
    let mut verdicts = Vec::with_capacity(targets.len());
    for target in targets {
        match target.forms.judge(case) {
            Ok(verdict) => verdicts.push(verdict?),
            Err(finding) => return Some(finding.to_string()),
        }
    }
    let first = verdicts.first()?;
    let odd = verdicts.iter().position(|verdict| verdict != first)?;
    let words = |verdict: bool| if verdict { "matches" } else { "does not match" };
    Some(format!("filter 1 {}, filter {} {}", words(*first), odd + 1, words(!first)))
}

/// What a case reaches.
fn goals(targets: &[Target<'_>], case: &Case) -> BTreeSet<Goal> {
    let mut goals = BTreeSet::new();
    for (number, target) in targets.iter().enumerate() {
        let verdict = case.with(|input| {
            target.explainer.listen(input, |test, outcome| {
                goals.insert(Goal { target: number, test: Some(test), outcome });
            })
        });
        if let Some(verdict) = verdict {
            let outcome = if verdict { Outcome::True } else { Outcome::False };
            goals.insert(Goal { target: number, test: None, outcome });
        }
    }
    goals
}

/// Few cases that reach all: the one that reaches most of what is left, again and again.
fn cover(kept: &[Kept], mut left: BTreeSet<Goal>) -> Vec<Case> {
    let mut cover = Vec::new();
    while !left.is_empty() {
        let gain = |kept: &Kept| kept.goals.intersection(&left).count();
        // The first of the best, so that the result does not depend on anything else.
        let best = kept.iter().rev().max_by_key(|kept| gain(kept)).filter(|kept| gain(kept) > 0);
        let Some(best) = best else { break };
        left.retain(|goal| !best.goals.contains(goal));
        cover.push(best.case.clone());
    }
    cover
}
