//! Parts of a filter whose outcome is certain where they stand: what decides them, and what to do about it.

use divert_grammar::ast::CompareOp;
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_vm::field::{Field, Header};

use super::flow::{Event, EventKind, Flow};
use super::registry::Lint;
use super::{Context, absent, shown, warning};
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test};

/// Most parts that are asked whether they decide another.
const MOST_CAUSES: usize = 256;

/// A part that decides another one.
struct Cause<'t> {
    expr: &'t Expr,
    /// Its outcome.
    value: bool,
    /// Whether it stands in the same chain.
    near: bool,
}

/// Says what an event means; `None` when something else said so already.
pub(super) fn diagnostic<'t>(event: &Event<'t>, flow: &mut Flow<'t>, cx: &Context<'t>) -> Option<Diagnostic> {
    match event.kind {
        EventKind::Negated => absent::negated(event.expr, cx),
        EventKind::Dead => Some(dead(event, cx)),
        EventKind::Covers => Some(covers(event, cx)),
        EventKind::Redundant { value } => redundant(event, value, flow, cx),
        EventKind::Decisive { value, rest } => decisive(event, value, rest, flow, cx),
    }
}

fn dead(event: &Event<'_>, cx: &Context<'_>) -> Diagnostic {
    let found = warning(
        Lint::UnreachableOperand,
        format!("`{}` is never looked at", shown(event.expr, cx)),
        event.expr.span,
    )
    .label("never looked at");
    let before = event.frames.last().and_then(|frame| frame.operands.get(frame.at));
    match before {
        Some(before) => found.also(before.span, "this decides"),
        None => found,
    }
}

fn covers(event: &Event<'_>, cx: &Context<'_>) -> Diagnostic {
    let ExprKind::Test(test) = &event.expr.kind else { return dead(event, cx) };
    let name = test.field.name();
    let message = format!("these alternatives cover every value of `{name}`");
    let found = warning(Lint::CoversAllValues, message, event.expr.span);
    let found = match absent::header(test) {
        Some(header) if !test.field.always_present() => {
            found.label(format!("true wherever there is `{}`, when it gets here", header.name()))
        }
        Some(_) | None => found.label("true whenever it gets here"),
    };
    neither(earlier(event, test, found), event)
}

/// Points to the tests on the same field before the event.
fn earlier(event: &Event<'_>, test: &Test, mut found: Diagnostic) -> Diagnostic {
    let Some(frame) = event.frames.last() else { return found };
    for before in frame.operands.iter().take(frame.at).take(MOST_CAUSES) {
        if let ExprKind::Test(other) = &before.kind
            && other.field == test.field
            && other.index == test.index
            && found.secondary.len() < 3
        {
            found = found.also(before.span, "together with this");
        }
    }
    found
}

/// `f != a or f != b` means something else than "neither".
fn neither(found: Diagnostic, event: &Event<'_>) -> Diagnostic {
    let ExprKind::Test(Test { matcher: Matcher::Compare { op: CompareOp::Ne, .. }, .. }) = event.expr.kind
    else {
        return found.help("if all of them must hold, write `and`");
    };
    found.help("for \"neither of them\" write `and`, or `not in {…}`")
}

fn redundant<'t>(
    event: &Event<'t>,
    value: bool,
    flow: &mut Flow<'t>,
    cx: &Context<'t>,
) -> Option<Diagnostic> {
    let expr = event.expr;
    let text = shown(expr, cx);
    if flow.alone(expr).certain() == Some(value) {
        return intrinsic(event, value, None, cx).map(|found| cx.removable(found, expr.span));
    }
    let cause = cause(event, value, flow);
    let subsumed = if is_presence(expr, cx, 0) { Lint::ImpliedPresence } else { Lint::SubsumedOperand };
    let found = match cause {
        Some(Cause { expr: other, near: true, .. })
            if same(expr, other, 0) && (is_kind(expr) || !is_presence(expr, cx, 0)) =>
        {
            warning(Lint::DuplicateOperand, format!("`{text}` stands twice"), expr.span)
                .label("the same again")
                .also(other.span, "first here")
        }
        Some(Cause { expr: other, value: true, .. }) if value => {
            warning(subsumed, format!("`{text}` adds nothing"), expr.span)
                .label("always true here")
                .also(other.span, "because this is")
        }
        Some(Cause { expr: other, value: false, near: true }) if !value => {
            warning(Lint::SubsumedOperand, format!("`{text}` adds nothing"), expr.span)
                .label("never true when it gets here")
                .also(other.span, "what it matches, this does, too")
        }
        Some(Cause { expr: other, value: outcome, .. }) if !value => {
            let because = if outcome { "this rules it out" } else { "what it matches, this does, too" };
            warning(Lint::AlwaysFalse, format!("`{text}` is never true here"), expr.span)
                .label("never true here")
                .also(other.span, because)
        }
        Some(Cause { expr: other, .. }) => warning(subsumed, format!("`{text}` adds nothing"), expr.span)
            .label("always true here")
            .also(other.span, "because this is not"),
        None => {
            let label = if value {
                "what comes before makes it true"
            } else {
                "what comes before leaves nothing for it"
            };
            let lint = if value { subsumed } else { Lint::SubsumedOperand };
            warning(lint, format!("`{text}` adds nothing"), expr.span).label(label)
        }
    };
    Some(cx.removable(found, expr.span))
}

fn decisive<'t>(
    event: &Event<'t>,
    value: bool,
    rest: Option<Span>,
    flow: &mut Flow<'t>,
    cx: &Context<'t>,
) -> Option<Diagnostic> {
    let expr = event.expr;
    let text = shown(expr, cx);
    if flow.alone(expr).certain() == Some(value) {
        return intrinsic(event, value, rest, cx);
    }
    let cause = cause(event, value, flow);
    let one_field = match (&expr.kind, cause.as_ref().map(|cause| &cause.expr.kind)) {
        (ExprKind::Test(test), Some(ExprKind::Test(other))) => {
            test.field == other.field && test.index == other.index
        }
        _ => false,
    };
    let mut found = match (value, cause) {
        (true, Some(cause)) if one_field && !is_kind(expr) => {
            let ExprKind::Test(test) = &expr.kind else { return None };
            let name = test.field.name();
            let message = format!("these alternatives cover every value of `{name}`");
            let found = warning(Lint::CoversAllValues, message, expr.span)
                .label("always true when it gets here")
                .also(cause.expr.span, "together with this");
            neither(found, event)
        }
        (true, cause) => {
            let either =
                is_kind(expr) && cause.as_ref().is_some_and(|cause| is_kind(cause.expr)) && !one_field;
            let lint = if either { Lint::ImpliedPresence } else { Lint::AlwaysTrue };
            let found =
                warning(lint, format!("`{text}` is always true here"), expr.span).label("always true here");
            match cause {
                Some(Cause { expr: other, value, .. }) => {
                    found.also(other.span, if value { "because this is" } else { "because this is not" })
                }
                None => found,
            }
        }
        (false, cause) => {
            let found = warning(Lint::AlwaysFalse, format!("`{text}` is never true here"), expr.span)
                .label("never true here");
            match cause {
                Some(Cause { expr: other, value: true, .. }) if one_field => found
                    .also(other.span, "this rules it out")
                    .help("one field cannot have both values; for either of them write `or`"),
                Some(Cause { expr: other, value, .. }) => {
                    found.also(other.span, if value { "this rules it out" } else { "because this is not" })
                }
                None => found.note("what comes before it, taken together, rules it out"),
            }
        }
    };
    if let Some(rest) = rest {
        found = found.also(rest, "so this is never looked at");
    }
    Some(found)
}

/// A part whose outcome is certain wherever it stands.
fn intrinsic(event: &Event<'_>, value: bool, rest: Option<Span>, cx: &Context<'_>) -> Option<Diagnostic> {
    let expr = event.expr;
    // The comparison was reported where its constant was looked at.
    if cx.is_settled(expr.span) {
        return None;
    }
    if let ExprKind::Test(test) = &expr.kind {
        if test.field == Field::Zero {
            return None;
        }
        if test.field == Field::Event {
            return Some(absent::constant_field(test, value, expr, cx));
        }
    }
    let text = shown(expr, cx);
    let found = if value {
        warning(Lint::AlwaysTrue, format!("`{text}` is always true"), expr.span).label("always true")
    } else {
        warning(Lint::AlwaysFalse, format!("`{text}` is never true"), expr.span).label("never true")
    };
    Some(match rest {
        Some(rest) => found.also(rest, "so this is never looked at"),
        None => found,
    })
}

/// The part before the event that alone decides it, if one does.
fn cause<'t>(event: &Event<'t>, value: bool, flow: &mut Flow<'t>) -> Option<Cause<'t>> {
    let mut asked = 0;
    for (depth, frame) in event.frames.iter().enumerate().rev() {
        let near = depth + 1 == event.frames.len();
        for other in frame.operands.iter().take(frame.at) {
            asked += 1;
            if asked > MOST_CAUSES {
                return None;
            }
            let decided = flow.given(event.expr, other, frame.value).and_then(|split| split.certain());
            if decided == Some(value) {
                return Some(Cause { expr: other, value: frame.value, near });
            }
        }
    }
    None
}

/// `tcp`, `ip` and the like, or a direction.
fn is_kind(expr: &Expr) -> bool {
    let ExprKind::Test(test) = &expr.kind else { return false };
    let headers = [Header::Ip, Header::Ipv6, Header::Icmp, Header::Icmpv6, Header::Tcp, Header::Udp];
    matches!(test.field, Field::Inbound | Field::Outbound)
        || headers.into_iter().any(|header| header.field() == Some(test.field))
}

/// Whether a part asks for no value: only whether something is there at all, or which of two kinds it is.
fn is_presence(expr: &Expr, cx: &Context<'_>, depth: u32) -> bool {
    match &expr.kind {
        ExprKind::Test(test) => {
            let (load, set) = super::key(test);
            is_kind(expr)
                || (!matches!(test.matcher, Matcher::Bytes { .. }) && set.covers(load.keys(cx.layer)))
        }
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            depth < 8 && operands.iter().all(|operand| is_presence(operand, cx, depth + 1))
        }
        ExprKind::Not(_) | ExprKind::Cond { .. } | ExprKind::Definition(_) | ExprKind::Const(_) => false,
    }
}

/// Whether two parts are written alike, but for places and spelling.
pub(super) fn same(left: &Expr, right: &Expr, depth: u32) -> bool {
    let all = |left: &[Expr], right: &[Expr]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right, depth + 1))
    };
    if depth > 64 {
        return false;
    }
    match (&left.kind, &right.kind) {
        (ExprKind::And(left), ExprKind::And(right)) | (ExprKind::Or(left), ExprKind::Or(right)) => {
            all(left, right)
        }
        (ExprKind::Not(left), ExprKind::Not(right)) => same(left, right, depth + 1),
        (
            ExprKind::Cond { condition: left, yes: left_yes, no: left_no },
            ExprKind::Cond { condition: right, yes: right_yes, no: right_no },
        ) => {
            same(left, right, depth + 1)
                && same(left_yes, right_yes, depth + 1)
                && same(left_no, right_no, depth + 1)
        }
        (ExprKind::Test(left), ExprKind::Test(right)) => same_test(left, right),
        (ExprKind::Definition(left), ExprKind::Definition(right)) => left == right,
        (ExprKind::Const(left), ExprKind::Const(right)) => left == right,
        _ => false,
    }
}

fn same_test(left: &Test, right: &Test) -> bool {
    let mask = |test: &Test| test.mask.map(|mask| mask.bits);
    if left.field != right.field || left.index != right.index || mask(left) != mask(right) {
        return false;
    }
    match (&left.matcher, &right.matcher) {
        (
            Matcher::Bytes { negated, bytes, span: _ },
            Matcher::Bytes { negated: other_negated, bytes: other_bytes, span: _ },
        ) => negated == other_negated && bytes == other_bytes,
        (Matcher::Bytes { .. }, _) | (_, Matcher::Bytes { .. }) => false,
        _ => super::key(left) == super::key(right),
    }
}

/// An edit that takes a part out of its chain, if that is possible.
impl Context<'_> {
    pub(super) fn removable(&self, found: Diagnostic, part: Span) -> Diagnostic {
        match self.parts.removal(part) {
            Some((span, sure)) => found.suggest("remove it", span, "", sure),
            None => found.suggest("it can go", part, "", Applicability::DisplayOnly),
        }
    }
}
