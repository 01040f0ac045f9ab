//! What the filter's own order of evaluation tells: the facts that hold wherever a part of it is looked at, and the
//! parts that these facts decide.
//!
//! This is the one place that says "always" and "never" to the other lints. It is sound and not complete: facts are
//! those of the optimiser (presence of headers, intervals of values), kept along the chains. An exact engine can take
//! its place behind [`Flow::alone`], [`Flow::given`] and the events.

use std::collections::HashSet;

use divert_grammar::span::Span;
use divert_vm::field::{Field, Header};

use crate::front::text::load_and_set;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test, Typed};
use crate::graph::Load;
use crate::opt::facts::Facts;
use crate::set::IntervalSet;

use super::absent;

/// Most parts that are looked at, those of definitions counted at each use. What is beyond is not judged.
const MOST_STEPS: usize = 200_000;
/// Deepest nesting that is looked into; each level is a stack frame or two.
const MOST_DEPTH: u32 = 256;
/// Most bytes of a byte string that facts are kept of.
const MOST_BYTES: usize = 8;
/// Most operands behind a test that are asked whether they need its field anyway.
const MOST_LATER: usize = 64;

/// What holds when a part is true and when it is false; `None` where it cannot be.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) yes: Option<Facts>,
    pub(super) no: Option<Facts>,
}

impl Split {
    fn unknown(here: &Facts) -> Self {
        Self { yes: Some(here.clone()), no: Some(here.clone()) }
    }

    /// What holds with this outcome.
    fn by(self, value: bool) -> Option<Facts> {
        if value { self.yes } else { self.no }
    }

    /// The outcome, when it is certain.
    pub(super) fn certain(&self) -> Option<bool> {
        match (&self.yes, &self.no) {
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// A place in a chain: the part at `at` is looked at when all before had the outcome `value`, and it matters only when
/// all behind have it, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'t> {
    pub(super) operands: &'t [Expr],
    pub(super) at: usize,
    pub(super) value: bool,
}

/// Something that the facts tell.
#[derive(Clone, Debug)]
pub(super) struct Event<'t> {
    pub(super) expr: &'t Expr,
    pub(super) kind: EventKind,
    /// The chains around it, the outermost first.
    pub(super) frames: Vec<Frame<'t>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    /// It always has the outcome with which its chain goes on, so it could go.
    Redundant {
        /// The outcome.
        value: bool,
    },
    /// It always has this outcome, which decides its chain or conditional; `rest` is then never looked at.
    Decisive {
        /// The outcome.
        value: bool,
        /// What is never looked at.
        rest: Option<Span>,
    },
    /// It is never looked at, because a literal `true` or `false` decides.
    Dead,
    /// With what is before it, it covers every value of its field.
    Covers,
    /// A test with `not` before it, which packets without its field can get to.
    Negated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Only facts are wanted.
    Quiet,
    /// Inside of a definition that is used: only negated tests are reported, since all else was reported where the
    /// definition stands.
    Use,
    /// Everything is reported but negated tests: a definition where it stands.
    Definition,
    /// Everything is reported.
    Filter,
}

/// A walk over a typed tree.
pub(super) struct Flow<'t> {
    typed: &'t Typed,
    negated: &'t HashSet<Span>,
    steps: usize,
    depth: u32,
    mode: Mode,
    frames: Vec<Frame<'t>>,
    events: Vec<Event<'t>>,
    negations: Vec<Event<'t>>,
    /// Exceptions for fields of this header count as tests of unknown outcome.
    blind: Option<Header>,
}

impl<'t> Flow<'t> {
    pub(super) fn new(typed: &'t Typed, negated: &'t HashSet<Span>) -> Self {
        Self {
            typed,
            negated,
            steps: 0,
            depth: 0,
            mode: Mode::Quiet,
            frames: Vec::new(),
            events: Vec::new(),
            negations: Vec::new(),
            blind: None,
        }
    }

    /// Everything that is to be told about the definitions and the filter, and the filter's own outcomes.
    pub(super) fn events(&mut self) -> (Vec<Event<'t>>, Split) {
        let typed = self.typed;
        let none = Facts::none(typed.layer);
        self.mode = Mode::Definition;
        for definition in &typed.definitions {
            self.split(&definition.filter, &none);
        }
        self.mode = Mode::Filter;
        let whole = self.split(&typed.filter, &none);
        self.mode = Mode::Quiet;
        let mut events = std::mem::take(&mut self.events);
        events.append(&mut self.negations);
        (events, whole)
    }

    /// The outcomes of a part on its own.
    pub(super) fn alone(&mut self, expr: &'t Expr) -> Split {
        let none = Facts::none(self.typed.layer);
        self.quietly(expr, &none)
    }

    /// The outcomes of a part where `other` has the outcome `value`; `None` when it cannot have it.
    pub(super) fn given(&mut self, expr: &'t Expr, other: &'t Expr, value: bool) -> Option<Split> {
        let facts = self.alone(other).by(value)?;
        Some(self.quietly(expr, &facts))
    }

    /// The filter's outcomes for inputs whose fields have these values; with `blind`, exceptions for fields of that
    /// header are taken to have any outcome.
    pub(super) fn assuming(&mut self, fields: &[(Field, bool)], blind: Option<Header>) -> Split {
        let typed = self.typed;
        let mut facts = Facts::none(typed.layer);
        for (field, value) in fields {
            let key = u128::from(*value);
            if facts.learn(Load::field(*field), &IntervalSet::range(key, key), true).is_err() {
                return Split { yes: None, no: None };
            }
        }
        self.blind = blind;
        let split = self.quietly(&typed.filter, &facts);
        self.blind = None;
        split
    }

    fn quietly(&mut self, expr: &'t Expr, here: &Facts) -> Split {
        let mode = std::mem::replace(&mut self.mode, Mode::Quiet);
        let split = self.split(expr, here);
        self.mode = mode;
        split
    }

    fn split(&mut self, expr: &'t Expr, here: &Facts) -> Split {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.depth > MOST_DEPTH {
            return Split::unknown(here);
        }
        if self.blind.is_some_and(|header| absent::is_exception(expr, header, self.typed.layer)) {
            return Split::unknown(here);
        }
        self.depth += 1;
        let split = match &expr.kind {
            ExprKind::And(operands) => {
                let (on, off) = self.chain(operands, true, here);
                Split { yes: on, no: off }
            }
            ExprKind::Or(operands) => {
                let (on, off) = self.chain(operands, false, here);
                Split { yes: off, no: on }
            }
            ExprKind::Not(operand) => {
                let Split { yes, no } = self.split(operand, here);
                Split { yes: no, no: yes }
            }
            ExprKind::Cond { condition, yes, no } => self.conditional(condition, yes, no, here),
            ExprKind::Test(test) => self.test(expr, test, here),
            ExprKind::Definition(id) => match self.typed.definition(*id) {
                Some(definition) => {
                    let inside = if self.mode == Mode::Filter { Mode::Use } else { Mode::Quiet };
                    let mode = std::mem::replace(&mut self.mode, inside);
                    let split = self.split(&definition.filter, here);
                    self.mode = mode;
                    split
                }
                None => Split::unknown(here),
            },
            ExprKind::Const(true) => Split { yes: Some(here.clone()), no: None },
            ExprKind::Const(false) => Split { yes: None, no: Some(here.clone()) },
        };
        self.depth -= 1;
        split
    }

    /// What holds when all operands have the outcome `goes`, and what holds when one has not.
    fn chain(&mut self, operands: &'t [Expr], goes: bool, here: &Facts) -> (Option<Facts>, Option<Facts>) {
        let mut on = Some(here.clone());
        let mut off = None;
        for (at, operand) in operands.iter().enumerate() {
            let Some(facts) = on.take() else { break };
            self.frames.push(Frame { operands, at, value: goes });
            let mark = self.events.len();
            let split = self.split(operand, &facts);
            if self.is_loud() {
                let rest =
                    operands.get(at + 1..).and_then(|rest| Some(rest.first()?.span.to(rest.last()?.span)));
                self.judge(operand, &split, Some(goes), rest, mark, &facts);
            }
            self.frames.pop();
            let (go, stop) = if goes { (split.yes, split.no) } else { (split.no, split.yes) };
            join(&mut off, stop);
            on = go;
        }
        (on, off)
    }

    fn conditional(&mut self, condition: &'t Expr, yes: &'t Expr, no: &'t Expr, here: &Facts) -> Split {
        let mark = self.events.len();
        let decided = self.split(condition, here);
        if self.is_loud() {
            let rest = if decided.yes.is_none() { yes.span } else { no.span };
            self.judge(condition, &decided, None, Some(rest), mark, here);
        }
        let mut whole = Split { yes: None, no: None };
        for (arm, facts, value) in [(yes, decided.yes, true), (no, decided.no, false)] {
            let Some(facts) = facts else { continue };
            self.frames.push(Frame { operands: std::slice::from_ref(condition), at: 1, value });
            let outcome = self.split(arm, &facts);
            self.frames.pop();
            join(&mut whole.yes, outcome.yes);
            join(&mut whole.no, outcome.no);
        }
        whole
    }

    fn is_loud(&self) -> bool {
        matches!(self.mode, Mode::Definition | Mode::Filter)
    }

    /// Takes note of what the facts say about an operand. `goes` is the outcome with which its chain goes on.
    fn judge(
        &mut self,
        expr: &'t Expr,
        split: &Split,
        goes: Option<bool>,
        rest: Option<Span>,
        mark: usize,
        here: &Facts,
    ) {
        let Some(value) = split.certain() else {
            if goes == Some(false) && split.yes.is_some() && covers(expr, here) {
                self.event(expr, EventKind::Covers);
            }
            return;
        };
        let redundant = goes == Some(value);
        if let ExprKind::Const(_) = expr.kind {
            if let (false, Some(span)) = (redundant, rest) {
                let dead = self
                    .frames
                    .last()
                    .and_then(|frame| frame.operands.iter().find(|other| other.span.start() >= span.start()));
                if let Some(dead) = dead.filter(|_| goes.is_some()) {
                    self.event(dead, EventKind::Dead);
                }
            }
            return;
        }
        let inner = self.events.len() > mark;
        if inner && self.alone(expr).certain() == Some(value) {
            // What is inside says why.
            return;
        }
        self.events.truncate(mark);
        let kind =
            if redundant { EventKind::Redundant { value } } else { EventKind::Decisive { value, rest } };
        self.event(expr, kind);
    }

    fn event(&mut self, expr: &'t Expr, kind: EventKind) {
        self.events.push(Event { expr, kind, frames: self.frames.clone() });
    }

    fn test(&mut self, expr: &'t Expr, test: &Test, here: &Facts) -> Split {
        if matches!(self.mode, Mode::Filter | Mode::Use) && self.negated.contains(&expr.span) {
            let load = Load { field: test.field, index: test.index, mask: Load::NO_MASK };
            if self.absent_gets_here(load, here) {
                let event = Event { expr, kind: EventKind::Negated, frames: self.frames.clone() };
                self.negations.push(event);
            }
        }
        let learn = |facts: &mut Facts, load, set: &IntervalSet, value| facts.learn(load, set, value).is_ok();
        if let Matcher::Bytes { negated, bytes, span: _ } = &test.matcher {
            let mut yes = here.clone();
            let mut possible = true;
            for (byte, index) in bytes.iter().zip(test.index..).take(MOST_BYTES) {
                let byte = u128::from(*byte);
                let set = if *negated { IntervalSet::range(0, 255) } else { IntervalSet::range(byte, byte) };
                possible = possible && learn(&mut yes, Load::element(test.field, index), &set, true);
            }
            return Split { yes: possible.then_some(yes), no: Some(here.clone()) };
        }
        let (load, set) = load_and_set(test);
        let outcome = |value| {
            let mut facts = here.clone();
            learn(&mut facts, load, &set, value).then_some(facts)
        };
        Split { yes: outcome(true), no: outcome(false) }
    }

    /// Whether inputs without the load can be here and matter: not if some other part of the conjunctions around needs
    /// the same header.
    fn absent_gets_here(&mut self, load: Load, here: &Facts) -> bool {
        if here.present(load).is_some() {
            return false;
        }
        let frames = std::mem::take(&mut self.frames);
        let mut facts = Some(here.clone());
        for frame in &frames {
            let later = frame.operands.get(frame.at + 1..).unwrap_or_default();
            for operand in later.iter().take(MOST_LATER) {
                facts = facts.and_then(|facts| self.quietly(operand, &facts).by(frame.value));
            }
        }
        self.frames = frames;
        facts.is_some_and(|facts| facts.present(load).is_none())
    }
}

/// Whether a test is true for every value that the facts leave to its field, which may be absent, and the facts left
/// something out.
fn covers(expr: &Expr, here: &Facts) -> bool {
    let ExprKind::Test(test) = &expr.kind else { return false };
    if matches!(test.matcher, Matcher::Bytes { .. }) {
        return false;
    }
    let (load, set) = load_and_set(test);
    let keys = here.keys(load);
    let all = IntervalSet::interval(load.keys(here.layer()));
    keys != all && keys.is_subset(&set) && set.intersect(&all) != all
}

/// Keeps what holds on both ways.
fn join(known: &mut Option<Facts>, other: Option<Facts>) {
    match (known.as_mut(), other) {
        (Some(known), Some(other)) => known.meet(&other),
        (None, other) => *known = other,
        (Some(_), None) => {}
    }
}
