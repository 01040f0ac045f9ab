//! Fields that are not there, and fields that could be left out: `not` before tests, exceptions for one IP version,
//! fragments, fields with one value.

use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_vm::field::{Field, Header, Style};
use divert_vm::layer::Layer;

use super::flow::Flow;
use super::registry::Lint;
use super::{Context, shown, warning};
use crate::dialect::Dialect;
use crate::front::text::load_and_set;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test};
use crate::set::IntervalSet;

/// The field that tells whether a test's field is there.
pub(super) fn header(test: &Test) -> Option<Field> {
    test.field.info().header.field()
}

/// `not TEST`, which packets without the field can get to.
pub(super) fn negated(expr: &Expr, cx: &Context<'_>) -> Option<Diagnostic> {
    let ExprKind::Test(test) = &expr.kind else { return None };
    let written = cx.source.get(expr.span.range())?;
    let mut bare = written;
    while let Some(rest) = bare.strip_prefix("not").or_else(|| bare.strip_prefix('!')) {
        bare = rest.trim_start();
    }
    let without = match header(test) {
        Some(header) if !test.field.is_array() => format!("packets without the `{}` header", header.name()),
        Some(_) | None => "packets that do not reach that far".to_owned(),
    };
    let complement = match cx.dialect {
        Dialect::Extended => format!("not ({bare})"),
        Dialect::Windivert => format!("({bare}? false: true)"),
    };
    let turned = turned(test, bare, cx);
    Some(
        warning(Lint::NegatedTest, format!("`{}` is false for {without}", shown(expr, cx)), expr.span)
            .label("`not` turns the operator around here, and a test on an absent field is false")
            .suggest(
                format!("write `{complement}` to match them"),
                expr.span,
                complement,
                Applicability::MaybeIncorrect,
            )
            .suggest(
                format!("write `{turned}` if they are not meant to match"),
                expr.span,
                turned,
                Applicability::DisplayOnly,
            ),
    )
}

/// The test with its operator turned around: what `not` before it means.
fn turned(test: &Test, bare: &str, cx: &Context<'_>) -> String {
    match &test.matcher {
        Matcher::Compare { written: None, .. } => format!("{bare} == 0"),
        Matcher::Compare { op, written: Some(at), .. } => {
            let constant = at.of(cx.source).trim_start_matches(['=', '!', '<', '>']).trim_start();
            let left = bare.split(['=', '!', '<', '>']).next().unwrap_or(bare).trim_end();
            format!("{left} {} {constant}", op.text())
        }
        Matcher::In { negated, span, .. } => {
            let left = cx.source.get(test.field_span.range()).unwrap_or("");
            let index = bare.strip_prefix(left).unwrap_or("");
            let index =
                index.split_inclusive(']').next().filter(|index| index.starts_with('[')).unwrap_or("");
            let op = if *negated { "not in" } else { "in" };
            format!("{left}{index} {op} {}", span.of(cx.source))
        }
        Matcher::Bytes { negated, span, .. } => {
            let left = bare.split(['=', '!']).next().unwrap_or(bare).trim_end();
            format!("{left} {} {}", if *negated { "!=" } else { "==" }, span.of(cx.source))
        }
    }
}

/// Whether a part leaves some addresses of that IP version out, at most a quarter, and takes all others: `ip.DstAddr != 1.2.3.4`,
/// `(ip.DstAddr < 10.0.0.0 or ip.DstAddr > 10.255.255.255)`.
pub(super) fn is_exception(expr: &Expr, header: Header, layer: Layer) -> bool {
    let tests: Vec<&Test> = match &expr.kind {
        ExprKind::Test(test) => vec![test],
        ExprKind::Or(operands) => {
            let test = |operand: &'_ Expr| matches!(operand.kind, ExprKind::Test(_));
            if !operands.iter().all(test) {
                return false;
            }
            operands
                .iter()
                .filter_map(
                    |operand| if let ExprKind::Test(test) = &operand.kind { Some(test) } else { None },
                )
                .collect()
        }
        ExprKind::And(_)
        | ExprKind::Not(_)
        | ExprKind::Cond { .. }
        | ExprKind::Definition(_)
        | ExprKind::Const(_) => {
            return false;
        }
    };
    let Some(first) = tests.first() else { return false };
    if !matches!(first.field.info().style, Style::Ipv4 | Style::Address) {
        return false;
    }
    let fits = |test: &&Test| {
        test.field == first.field
            && test.mask.is_none()
            && !matches!(test.matcher, Matcher::Bytes { .. } | Matcher::Compare { written: None, .. })
    };
    if first.field.info().header != header || !tests.iter().all(fits) {
        return false;
    }
    let mut taken = IntervalSet::empty();
    for test in &tests {
        taken = taken.union(&load_and_set(test).1);
    }
    let keys = crate::graph::Load::field(first.field).keys(layer);
    let left_out = taken.complement(keys);
    let quarter = keys.high / 4;
    let mut rest = quarter;
    !left_out.is_empty()
        && left_out.intervals().iter().all(|interval| {
            rest = rest.checked_sub(interval.high - interval.low).unwrap_or(u128::MAX);
            rest <= quarter
        })
}

/// A filter that one IP version cannot match because of an exception for addresses of the other.
pub(super) fn one_ip_version<'t>(flow: &mut Flow<'t>, cx: &Context<'t>) -> Option<Diagnostic> {
    if !cx.layer.has_packets() {
        return None;
    }
    for (header, other, name) in [(Header::Ip, Field::Ipv6, "IPv6"), (Header::Ipv6, Field::Ip, "IPv4")] {
        let excluded = flow.assuming(&[(other, true)], None).yes.is_none();
        if !excluded || flow.assuming(&[(other, true)], Some(header)).yes.is_none() {
            continue;
        }
        let mut first: Option<&Expr> = None;
        let mut others = false;
        cx.each(&mut |expr| {
            if let ExprKind::Test(test) = &expr.kind {
                others |= test.field.info().header != header;
            }
            let better = first.is_none_or(|known| expr.span.start() < known.span.start());
            if better && is_exception(expr, header, cx.layer) {
                first = Some(expr);
            }
        });
        // Who tests nothing but IPv6 addresses has not forgotten IPv4.
        let Some(exception) = first.filter(|_| others || header == Header::Ip) else { continue };
        let text = shown(exception, cx);
        let version = header.field().map_or("", Field::name);
        let found = warning(Lint::OneIpVersion, format!("no {name} packet can match"), exception.span)
            .label(format!("false for every {name} packet, which has no such address"))
            .help(format!("if only this version is meant, say so: `{version} and …`"));
        return Some(match complement(exception, cx) {
            Some(edit) => found.suggest(
                format!("write `{edit}` to match {name} packets, too"),
                exception.span,
                edit,
                Applicability::MaybeIncorrect,
            ),
            None => found.help(format!(
                "to match {name} packets, too, write `(… or {})` around `{text}`",
                other.name()
            )),
        });
    }
    None
}

/// `not (f == a)` for `f != a`.
fn complement(expr: &Expr, cx: &Context<'_>) -> Option<String> {
    let ExprKind::Test(test) = &expr.kind else { return None };
    let written = cx.source.get(expr.span.range())?;
    if cx.parts.negated.contains(&expr.span) {
        return None;
    }
    let inner = match &test.matcher {
        Matcher::Compare { op: divert_grammar::ast::CompareOp::Ne, .. } => written.replacen("!=", "==", 1),
        Matcher::In { negated: true, span, .. } => {
            format!("{} in {}", test.field.name(), span.of(cx.source))
        }
        Matcher::Compare { .. } | Matcher::In { .. } | Matcher::Bytes { .. } => return None,
    };
    Some(match cx.dialect {
        Dialect::Extended => format!("not ({inner})"),
        Dialect::Windivert => format!("({inner}? false: true)"),
    })
}

/// A filter that tests transport headers and so never sees later fragments.
pub(super) fn misses_fragments<'t>(flow: &mut Flow<'t>, cx: &Context<'t>) -> Option<Diagnostic> {
    if !cx.layer.has_packets() {
        return None;
    }
    let later = [
        (Field::Fragment, true),
        (Field::Tcp, false),
        (Field::Udp, false),
        (Field::Icmp, false),
        (Field::Icmpv6, false),
    ];
    if flow.assuming(&later, None).yes.is_some() {
        return None;
    }
    let transport = |field: Field| {
        let headers = [Header::Tcp, Header::Udp, Header::Icmp, Header::Icmpv6];
        headers.into_iter().any(|header| field.info().header == header || header.field() == Some(field))
    };
    let mut first: Option<&Expr> = None;
    cx.each(&mut |expr| {
        if let ExprKind::Test(test) = &expr.kind
            && transport(test.field)
            && first.is_none_or(|known| expr.span.start() < known.span.start())
        {
            first = Some(expr);
        }
    });
    let test = first?;
    Some(
        warning(Lint::MissesFragments, "later fragments of a packet never match", test.span)
            .label("only the first fragment has this header")
            .help("to take all later fragments, add `or fragment`"),
    )
}

/// A filter that takes packets which other drivers have injected.
pub(super) fn no_guard<'t>(flow: &mut Flow<'t>, cx: &Context<'t>) -> Option<Diagnostic> {
    if !cx.layer.has_packets() || flow.assuming(&[(Field::Impostor, true)], None).yes.is_none() {
        return None;
    }
    let span = cx.typed.filter.span;
    let text = span.of(cx.source);
    let chain = matches!(cx.typed.filter.kind, ExprKind::Or(_));
    let guarded =
        if chain { format!("not impostor and ({text})") } else { format!("not impostor and {text}") };
    Some(
        warning(Lint::NoImpostorGuard, "packets injected by other drivers match", span)
            .label("nothing here tests `impostor`")
            .suggest("add a guard against them", span, guarded, Applicability::MaybeIncorrect),
    )
}

/// A test on a field that has one value at this layer.
pub(super) fn constant_field(test: &Test, value: bool, expr: &Expr, cx: &Context<'_>) -> Diagnostic {
    let outcome = if value { "always" } else { "never" };
    let found = warning(Lint::ConstantField, format!("`{}` is {outcome} true", shown(expr, cx)), expr.span)
        .label(format!("at {} `{}` has one value", cx.layer.name(), test.field.name()));
    match cx.layer {
        Layer::Network | Layer::Forward => found.note("the only event of packets is PACKET"),
        Layer::Flow | Layer::Socket | Layer::Reflect => found,
    }
}
