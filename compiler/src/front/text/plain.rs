//! The windivert dialect: every construct that WinDivert's language lacks is an error, with its plain form where one
//! exists.

use divert_grammar::ast::{
    self, CompareOp, Expr, ExprKind, File, ItemKind, Matcher, Operand, SetItemKind, Test, Value,
};
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_grammar::{Extension, ExtensionKind, SyntaxError, extensions};
use divert_vm::field::Field;
use divert_vm::number::Number;

use super::literal::{self, Form};
use super::lower::words;
use super::sets::{Constant, subnet};
use super::typed::RangeForm;
use super::{Finding, Rank};
use crate::codes;

/// Most entries of a set that are written out in a suggestion.
const MOST_WRITTEN_OUT: usize = 64;

/// A test, and the `not`s before it.
struct Place<'t> {
    /// With the `not`s.
    whole: Span,
    test: &'t Test,
    negated: bool,
}

/// Reports what the plain language lacks; one finding for each statement, test, group and comment.
pub(super) fn check(file: &File, source: &str, errors: &[SyntaxError], findings: &mut Vec<Finding>) {
    let found = extensions(file, source);
    if found.is_empty() {
        return;
    }
    let (tests, groups) = places(file);
    let mut done: Option<Span> = None;
    for (position, extension) in found.iter().enumerate() {
        let at = extension.span;
        if done.is_some_and(|done| done.start() <= at.start() && at.end() <= done.end())
            && extension.kind != ExtensionKind::Comment
        {
            continue;
        }
        if errors.iter().any(|error| error.span().start() < at.end() && at.start() < error.span().end()) {
            continue;
        }
        let inside = |span: Span| span.start() <= at.start() && at.end() <= span.end();
        let several = |span: Span| {
            let more = found.get(position + 1..).unwrap_or_default();
            more.iter().any(|other| span.start() <= other.span.start() && other.span.end() <= span.end())
        };
        let diagnostic =
            match extension.kind {
                ExtensionKind::Comment => comment(at),
                ExtensionKind::ByteOrderMark => lacks(codes::PLAIN_MARK, "byte order mark", extension)
                    .suggest("remove the mark", at, "", Applicability::Safe),
                ExtensionKind::Let => {
                    done = file.items.iter().map(|item| item.span).find(|span| inside(*span));
                    lacks(codes::PLAIN_LET, "definitions", extension)
                        .help("write what the name stands for wherever it is used")
                }
                ExtensionKind::Layer => {
                    let statement = file.items.iter().map(|item| item.span).find(|span| inside(*span));
                    let found = lacks(codes::PLAIN_LAYER, "layer statements", extension)
                        .help("the layer is given when a handle is opened; here, by an option");
                    match statement {
                        Some(span) => {
                            found.suggest("remove the statement", span, "", Applicability::MaybeIncorrect)
                        }
                        None => found,
                    }
                }
                ExtensionKind::NegatedGroup => {
                    let group = groups.iter().find(|(_, operand, _)| operand.start() == at.start());
                    negated_group(extension, group, source, &several)
                }
                ExtensionKind::In
                | ExtensionKind::NotIn
                | ExtensionKind::Range
                | ExtensionKind::Subnet
                | ExtensionKind::Set
                | ExtensionKind::File
                | ExtensionKind::Mask
                | ExtensionKind::Bytes => {
                    // The tests are in the order of the text and do not overlap.
                    let index = tests.partition_point(|place| place.whole.end() <= at.start());
                    let place = tests.get(index).filter(|place| inside(place.whole));
                    done = place.map(|place| place.whole);
                    test(extension, place, source)
                }
            };
        let rank = if extension.kind == ExtensionKind::NegatedGroup { Rank::Sense } else { Rank::Word };
        findings.push(Finding { rank, diagnostic });
    }
}

/// In WinDivert's language `..` is part of a word. Where the text does not parse, such a word is the mistake, whatever
/// its pieces are taken for.
pub(super) fn dotted_words(source: &str, findings: &mut Vec<Finding>) {
    let bytes = source.as_bytes();
    let in_word = |at: &usize| {
        bytes.get(*at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_'))
    };
    let mut from = 0;
    while let Some(found) = source.get(from..).and_then(|rest| rest.find("..")) {
        let at = from + found;
        let start = (0..at).rev().take_while(in_word).last().unwrap_or(at);
        let mut end = (at..).take_while(in_word).last().map_or(at, |last| last + 1);
        if source.get(start..end).is_some_and(|word| word.ends_with(':') && !word.ends_with("::")) {
            end -= 1;
        }
        from = end.max(at + 2);
        let span = Span::new(u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0));
        let before = findings.len();
        findings.retain(|finding| {
            let at = finding.diagnostic.primary.span;
            at.end() <= span.start() || span.end() <= at.start()
        });
        if findings.len() < before {
            let message = format!("`{}` is neither a name nor a number", literal::shown(span.of(source)));
            let diagnostic = Diagnostic::error(codes::BAD_NUMBER, message, span)
                .label("one word in WinDivert's language, which has no ranges");
            findings.push(Finding { rank: Rank::Word, diagnostic });
        }
    }
}

fn lacks(code: &'static str, things: &str, extension: &Extension) -> Diagnostic {
    Diagnostic::error(code, format!("WinDivert's language has no {things}"), extension.span)
        .label(format!("{} of the extended dialect", extension.kind.name()))
}

fn comment(span: Span) -> Diagnostic {
    Diagnostic::error(codes::PLAIN_COMMENT, "WinDivert's language has no comments", span)
        .label("a comment of the extended dialect")
        .suggest("remove the comment", span, "", Applicability::Safe)
}

fn negated_group(
    extension: &Extension,
    group: Option<&(Span, Span, bool)>,
    source: &str,
    several: &dyn Fn(Span) -> bool,
) -> Diagnostic {
    let found = lacks(codes::PLAIN_NEGATED_GROUP, "negated groups", extension)
        .help("`not` stands before a test and inverts its operator, which is not the complement when the field is absent");
    let Some((whole, operand, odd)) = group else { return found };
    let text = operand.of(source);
    let conditional = text.contains('?');
    let inner = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        // A whole conditional has to keep its parentheses.
        Some(inner) if !conditional => inner.trim(),
        Some(_) | None => text,
    };
    let right = if *odd { format!("({inner}? false: true)") } else { text.to_owned() };
    let applicability = if several(*whole) { Applicability::MaybeIncorrect } else { Applicability::Safe };
    found.suggest(format!("write `{right}`"), *whole, right, applicability)
}

fn test(extension: &Extension, place: Option<&Place<'_>>, source: &str) -> Diagnostic {
    let (code, things) = if extension.kind == ExtensionKind::Mask {
        (codes::PLAIN_MASK, "masks")
    } else if extension.kind == ExtensionKind::Bytes {
        (codes::PLAIN_BYTES, "byte strings")
    } else {
        (codes::PLAIN_SET, "sets, ranges or subnets")
    };
    let found = lacks(code, things, extension);
    match place.and_then(|place| Some((place.whole, written_out(place.test, place.negated, source)?))) {
        Some((whole, right)) => found.suggest(format!("write `{right}`"), whole, right, Applicability::Safe),
        None => found,
    }
}

/// All tests, in the order of the text, and all negated groups: whole, operand, whether the number of `not`s is odd.
fn places(file: &File) -> (Vec<Place<'_>>, Vec<(Span, Span, bool)>) {
    let (mut tests, mut groups) = (Vec::new(), Vec::new());
    let mut todo: Vec<(&Expr, Option<(Span, bool)>)> = Vec::new();
    todo.extend(file.filter.iter().map(|filter| (filter, None)));
    for item in &file.items {
        if let ItemKind::Let { name: _, body: ast::LetBody::Filter(filter) } = &item.kind {
            todo.push((filter, None));
        }
    }
    while let Some((expr, outer)) = todo.pop() {
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                todo.extend(operands.iter().map(|operand| (operand, None)));
            }
            ExprKind::Not { operators, operand } => {
                let odd = operators.len() % 2 == 1;
                if !matches!(operand.kind, ExprKind::Test(_)) {
                    groups.push((expr.span, operand.span, odd));
                }
                todo.push((operand, Some((expr.span, odd))));
            }
            ExprKind::Paren(inner) => todo.push((inner, None)),
            ExprKind::Cond { condition, yes, no } => {
                todo.extend([(&**condition, None), (yes, None), (no, None)]);
            }
            ExprKind::Test(test) => {
                let (whole, negated) = outer.unwrap_or((expr.span, false));
                tests.push(Place { whole, test, negated });
            }
            ExprKind::Error => {}
        }
    }
    tests.sort_by_key(|place| place.whole.start());
    (tests, groups)
}

/// The test in the plain language; `None` when it has no plain form, or none that anybody would want to read.
fn written_out(test: &Test, negated: bool, source: &str) -> Option<String> {
    if test.mask.is_some() {
        return None;
    }
    let end = test.index.as_ref().map_or(test.field.span.end(), |index| index.span.end());
    let left = Span::new(test.field.span.start(), end).of(source);
    match test.matcher.as_ref()? {
        Matcher::In { negated: not_in, keyword: _, set } => {
            let negated = negated != *not_in;
            if set.items.len() > MOST_WRITTEN_OUT || set.items.is_empty() {
                return None;
            }
            let parts: Option<Vec<String>> = set
                .items
                .iter()
                .map(|item| entry(left, &item.kind, negated, set.items.len() > 1, source))
                .collect();
            let one = matches!(set.items.as_slice(), [item] if matches!(item.kind, SetItemKind::Value(_)));
            let text = parts?.join(if negated { " and " } else { " or " });
            Some(if one { text } else { format!("({text})") })
        }
        Matcher::Compare { op, operand: Operand::Bytes(text) } => {
            let equal = match op.node {
                CompareOp::Eq => !negated,
                CompareOp::Ne => negated,
                CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => return None,
            };
            let field = Field::from_name(&test.field.node).filter(|field| field.info().element == 1)?;
            let index = &test.index.as_ref()?.value;
            let (number, _) = literal::index(&index.text).ok()?;
            let offset = i32::try_from(number.value).ok()?;
            let words =
                words(field, if index.negative { offset.checked_neg()? } else { offset }, &text.bytes);
            if words.is_empty() || words.len() > MOST_WRITTEN_OUT || (!equal && words.len() > 1) {
                return None;
            }
            let sign = if equal { "==" } else { "!=" };
            let parts: Vec<String> = words
                .iter()
                .map(|(load, word)| format!("{}[{}b] {sign} {word:#x}", load.field.name(), load.index))
                .collect();
            Some(if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" and ")) })
        }
        Matcher::Compare { op: _, operand: Operand::Value(_) } => None,
    }
}

fn entry(left: &str, item: &SetItemKind, negated: bool, group: bool, source: &str) -> Option<String> {
    let (low, high) = match item {
        SetItemKind::Value(value) if known(value) => {
            let sign = if negated { "!=" } else { "==" };
            return Some(format!("{left} {sign} {}", value.span.of(source)));
        }
        SetItemKind::Range { low, high } if known(low) && known(high) => {
            (low.span.of(source).to_owned(), high.span.of(source).to_owned())
        }
        SetItemKind::Subnet { base, prefix } => ends(base, prefix)?,
        SetItemKind::Value(_) | SetItemKind::Range { .. } | SetItemKind::File(_) | SetItemKind::Error => {
            return None;
        }
    };
    let both = if negated {
        format!("{left} < {low} or {left} > {high}")
    } else {
        format!("{left} >= {low} and {left} <= {high}")
    };
    Some(if group { format!("({both})") } else { both })
}

/// Whether the plain language has the constant, too: it is no definition.
fn known(value: &Value) -> bool {
    value.kind == ast::ValueKind::Literal || value.text.bytes().all(|byte| !byte.is_ascii_lowercase())
}

/// First and last address of a subnet.
fn ends(base: &Value, prefix: &Value) -> Option<(String, String)> {
    let literal = literal::literal(&base.text).ok()?;
    let constant = Constant { number: Number::from(literal.value), form: literal.form };
    let (low, high, form) = subnet(constant, &prefix.text, prefix.negative).ok()?;
    let show = |number: Number| match form {
        RangeForm::Ipv4Subnet => {
            divert_vm::address::Ipv4((number.magnitude() & 0xFFFF_FFFF) as u32).to_string()
        }
        RangeForm::Value | RangeForm::Range | RangeForm::Ipv6Subnet => {
            divert_vm::address::Ipv6(number.magnitude()).to_string()
        }
    };
    debug_assert!(matches!(literal.form, Form::Ipv4 | Form::Ipv6));
    Some((show(low), show(high)))
}
