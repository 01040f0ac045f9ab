//! Lints: what a filter means, but was hardly meant to.
//!
//! [`lint`] looks at an analysed text. Each lint has a row in [`LINTS`] with its code, its name, its default level and
//! an explanation; [`Levels`] says what becomes of its findings, and `# divertc: allow(name)` in the text says where
//! one is not wanted. [`fix`] carries out the edits that keep the filter's meaning.
//!
//! Lints are about probability, never about correctness: nothing but the severity of what they say depends on them.

mod absent;
mod allow;
mod chain;
mod driver;
mod edit;
mod exact;
mod flow;
mod levels;
mod outcome;
mod parts;
mod registry;
mod sets;

use std::collections::HashSet;

use divert_grammar::ast::Comment;
use divert_grammar::diagnostic::{Applicability, Diagnostic, Severity};
use divert_grammar::span::Span;
use divert_vm::layer::Layer;

pub use edit::{apply, fix};
pub use levels::{Levels, NoSuchLint};
pub use registry::{Info, LINTS, Level, Lint};

use crate::codes;
use crate::dialect::Dialect;
use crate::front::text::typed::{Expr, ExprKind, Test, Typed};
use crate::front::text::{Analysis, load_and_set};
use crate::graph::Load;
use crate::set::IntervalSet;
use allow::Allowed;
use flow::Flow;
use parts::Parts;

/// Longest piece of a filter that a message repeats.
const MOST_SHOWN: usize = 48;

/// What the lints look at.
struct Context<'t> {
    source: &'t str,
    typed: &'t Typed,
    layer: Layer,
    dialect: Dialect,
    levels: &'t Levels,
    parts: Parts,
    comments: Vec<Span>,
    /// Where the analysis has found a comparison to be settled by its constant.
    settled: Vec<Span>,
}

impl<'t> Context<'t> {
    /// Calls `look` with every part of the definitions and the filter.
    fn each(&self, look: &mut dyn FnMut(&'t Expr)) {
        let mut todo: Vec<&'t Expr> = self.typed.definitions.iter().map(|known| &known.filter).collect();
        todo.push(&self.typed.filter);
        while let Some(expr) = todo.pop() {
            look(expr);
            match &expr.kind {
                ExprKind::And(operands) | ExprKind::Or(operands) => todo.extend(operands),
                ExprKind::Not(operand) => todo.push(operand),
                ExprKind::Cond { condition, yes, no } => todo.extend([&**condition, yes, no]),
                ExprKind::Test(_) | ExprKind::Definition(_) | ExprKind::Const(_) => {}
            }
        }
    }

    /// Whether the analysis has said that a comparison in here is settled by its constant.
    fn is_settled(&self, span: Span) -> bool {
        let first = self.settled.partition_point(|known| known.start() < span.start());
        self.settled.get(first).is_some_and(|known| known.end() <= span.end())
    }

    fn has_comment(&self, span: Span) -> bool {
        self.comments.iter().any(|comment| span.start() <= comment.start() && comment.end() <= span.end())
    }
}

/// Everything to be said about an analysed text: the findings of the analysis with their levels, and the lints. `levels`
/// also know the dialect that the text was analysed in.
#[must_use]
pub fn lint(source: &str, analysis: &Analysis, levels: &Levels) -> Vec<Diagnostic> {
    let parsed = divert_grammar::parse(source);
    let allowed = Allowed::new(source, &parsed.file.comments);
    let mut found = analysis.diagnostics.clone();
    if let Some(typed) = &analysis.typed {
        let settled = |found: &&Diagnostic| matches!(found.code, codes::CERTAIN | codes::IMPOSSIBLE_MASK);
        let mut settled: Vec<Span> = found.iter().filter(settled).map(|found| found.primary.span).collect();
        settled.sort_by_key(|span| span.start());
        let context = Context {
            source,
            typed,
            layer: typed.layer,
            dialect: levels.dialect(),
            levels,
            parts: Parts::of(&parsed.file),
            comments: parsed.file.comments.iter().map(|Comment { span, .. }| *span).collect(),
            settled,
        };
        found.extend(all(&context));
    }
    found.extend(allowed.unknown.iter().cloned());
    found.retain(|diagnostic| !allowed.covers(diagnostic));
    let mut found: Vec<Diagnostic> = found.into_iter().filter_map(|found| levels.apply(found)).collect();
    if !analysis.failed() {
        // Errors of the text have an order of their own.
        found.sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.primary.span.start()));
    }
    found
}

/// Findings of the analysis without those that a comment in the text allows.
#[must_use]
pub fn quieted(source: &str, mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if source.contains("divertc:") {
        let allowed = Allowed::new(source, &divert_grammar::parse(source).file.comments);
        diagnostics.retain(|diagnostic| !allowed.covers(diagnostic));
    }
    diagnostics
}

/// The findings of all lints, whatever their levels.
fn all(cx: &Context<'_>) -> Vec<Diagnostic> {
    let mut flow = Flow::new(cx.typed, &cx.parts.negated);
    let (events, whole) = flow.events();
    let mut found: Vec<Diagnostic> =
        events.iter().filter_map(|event| outcome::diagnostic(event, &mut flow, cx)).collect();
    chain::tests(cx, &mut found);
    chain::groups(cx, &mut found);
    once(&mut found);
    let literal = matches!(cx.typed.filter.kind, ExprKind::Const(_));
    match whole.certain().or_else(|| exact::certain(cx.typed)) {
        Some(true) if !literal => found.push(whole_filter(cx, Lint::MatchesEverything, "everything", "true")),
        Some(false) if !literal => found.push(whole_filter(cx, Lint::MatchesNothing, "nothing", "false")),
        Some(_) => {}
        None => {
            found.extend(absent::one_ip_version(&mut flow, cx));
            found.extend(absent::misses_fragments(&mut flow, cx));
            exact::idle_operands(cx, &mut found);
        }
    }
    found.extend(absent::no_guard(&mut flow, cx));
    chain::arms(cx, &mut found);
    sets::entries(cx, &mut found);
    mixed(cx, &mut found);
    driver::over_limit(cx, &mut found);
    driver::families(cx, &mut found);
    found
}

/// Of several findings about the outcome of one part, keeps the first.
fn once(found: &mut Vec<Diagnostic>) {
    let mut seen: HashSet<Span> = HashSet::new();
    found.retain(|diagnostic| diagnostic.code == codes::NEGATED_TEST || seen.insert(diagnostic.primary.span));
}

fn whole_filter(cx: &Context<'_>, lint: Lint, what: &str, plain: &str) -> Diagnostic {
    warning(lint, format!("the filter matches {what}"), cx.typed.filter.span)
        .label(format!("the same as `{plain}`"))
        .help(format!("if that is meant, write `{plain}`"))
}

/// `a or b and c`.
fn mixed(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (whole, operands) in &cx.parts.mixed {
        let Some(first) = operands.first() else { continue };
        let mut text = String::new();
        let mut done = whole.start();
        for operand in operands {
            text.push_str(Span::new(done, operand.start()).of(cx.source));
            text.push('(');
            text.push_str(operand.of(cx.source));
            text.push(')');
            done = operand.end();
        }
        text.push_str(Span::new(done, whole.end()).of(cx.source));
        let mut diagnostic =
            warning(Lint::MixedAndOr, "`and` and `or` are mixed without parentheses", *first)
                .label("`and` binds tighter, so this is one operand of the `or`");
        for operand in operands.iter().skip(1).take(3) {
            diagnostic = diagnostic.also(*operand, "and this is one");
        }
        found.push(diagnostic.suggest("write the parentheses", *whole, text, Applicability::Safe));
    }
}

fn warning(lint: Lint, message: impl Into<String>, span: Span) -> Diagnostic {
    let code = lint.info().map_or(codes::UNKNOWN_LINT, |info| info.about.code);
    Diagnostic::new(code, Severity::Warning, message, span)
}

/// What a test reads and the keys for which it is true, with none that the field cannot have.
fn key(test: &Test) -> (Load, IntervalSet) {
    load_and_set(test)
}

/// A piece of the text in one line, cut where it is long.
fn shown(expr: &Expr, cx: &Context<'_>) -> String {
    let text = expr.span.of(cx.source);
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MOST_SHOWN {
            let cut = (0..=MOST_SHOWN).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(cut);
            line.push('…');
            break;
        }
    }
    line
}
