//! Trees of syntax that the formatter must write down and the parser read back, and trees without what formatting may
//! change. Names and numbers need not mean anything.

use divert_grammar::ast::{
    Expr, ExprKind, File, Index, Item, ItemKind, LetBody, Matcher, Operand, Set, SetItem, SetItemKind, Test,
    Text, Value, ValueKind,
};
use divert_grammar::span::{Span, Spanned};

use super::tree::OPS;
use crate::source::Source;

const NOWHERE: Span = Span::empty(0);

const SMALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz_";
const ANY: &[u8] = b"abcxyzABCXYZ019_";
const HEX: &[u8] = b"0123456789abcdef";

/// A word: the first letter from one alphabet, up to `most` more from another.
fn word(source: &mut Source<'_>, first: &[u8], rest: &[u8], most: usize) -> String {
    let mut word = String::from(char::from(source.pick(first)));
    let count = source.below(most + 1);
    word.extend((0..count).map(|_| char::from(source.pick(rest))));
    word
}

fn name(source: &mut Source<'_>) -> Spanned<Box<str>> {
    let mut text = match source.below(8) {
        0 => source.pick(&["tcp", "layer", "file", "true", "b"]).to_owned(),
        1 => format!("{}.{}", word(source, SMALL, ANY, 6), word(source, b"ABC", SMALL, 5)),
        _ => word(source, SMALL, ANY, 6),
    };
    // Keywords are none, in capitals neither.
    if ["and", "or", "not", "in", "let"].iter().any(|keyword| text.eq_ignore_ascii_case(keyword)) {
        text.push('_');
    }
    Spanned::new(text.into(), NOWHERE)
}

fn literal(source: &mut Source<'_>) -> String {
    match source.below(7) {
        0 => word(source, b"0123456789", b"0123456789", 4) + source.pick(&["", "b"]),
        1 => format!("0x{}", word(source, HEX, b"0123456789abcdefABCDEF", 7)),
        2 => [(); 4].map(|()| source.byte().to_string()).join("."),
        3 => word(source, HEX, HEX, 3) + "::",
        4 => "::".to_owned() + &word(source, HEX, HEX, 3),
        5 => format!("{}:{}:{}", source.below(10), word(source, HEX, HEX, 3), source.below(10)),
        _ => "1.".to_owned(),
    }
}

fn value(source: &mut Source<'_>) -> Value {
    let negative = source.one_in(2);
    let (kind, text) = if source.one_in(4) {
        (ValueKind::Name, name(source).node)
    } else {
        (ValueKind::Literal, literal(source).into())
    };
    Value { negative, kind, text, span: NOWHERE }
}

fn text(source: &mut Source<'_>) -> Text {
    const PARTS: &[(&str, &[u8])] = &[
        ("a", b"a"),
        (" ", b" "),
        ("#", b"#"),
        ("é", "é".as_bytes()),
        ("\\n", b"\n"),
        ("\\x0f", b"\x0f"),
        ("\\\"", b"\""),
        ("\\\\", b"\\"),
        ("/*", b"/*"),
        ("'", b"'"),
    ];
    let count = source.below(6);
    let parts: Vec<_> = (0..count).map(|_| source.pick(PARTS)).collect();
    let raw: String = parts.iter().map(|(raw, _)| *raw).collect();
    let bytes: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    Text { raw: raw.into(), bytes: bytes.into(), span: NOWHERE }
}

fn entry(source: &mut Source<'_>) -> SetItem {
    let kind = match source.below(7) {
        1 => SetItemKind::Range { low: value(source), high: value(source) },
        2 => {
            let prefix = word(source, b"0123456789", b"0123456789", 2).into();
            let prefix = Value { negative: false, kind: ValueKind::Literal, text: prefix, span: NOWHERE };
            SetItemKind::Subnet { base: value(source), prefix }
        }
        3 => SetItemKind::File(text(source)),
        _ => SetItemKind::Value(value(source)),
    };
    SetItem { kind, span: NOWHERE }
}

fn set(source: &mut Source<'_>) -> Set {
    let braces = !source.one_in(3);
    let most = if source.one_in(8) { 20 } else { 4 };
    let count = if braces { source.below(most) } else { 1 };
    Set { braces, items: (0..count).map(|_| entry(source)).collect(), span: NOWHERE }
}

fn test(source: &mut Source<'_>) -> Expr {
    let field = name(source);
    let index = source.one_in(5).then(|| Index { value: value(source), span: NOWHERE });
    let matcher = match source.below(3) {
        0 => None,
        1 => Some(Matcher::In { negated: source.one_in(2), keyword: NOWHERE, set: set(source) }),
        _ => {
            let op = Spanned::new(source.pick(&OPS), NOWHERE);
            let operand =
                if source.one_in(4) { Operand::Bytes(text(source)) } else { Operand::Value(value(source)) };
            Some(Matcher::Compare { op, operand })
        }
    };
    let mask = (matcher.is_some() && source.one_in(5)).then(|| value(source));
    expr(ExprKind::Test(Test { field, index, mask, matcher }))
}

const fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

fn paren(inner: Expr) -> Expr {
    expr(ExprKind::Paren(Box::new(inner)))
}

/// Puts parentheses around what could not stand there without.
fn operand(inner: Expr, of_or: bool) -> Expr {
    let bare = match &inner.kind {
        ExprKind::Or(_) => false,
        ExprKind::And(_) => of_or,
        ExprKind::Not { .. }
        | ExprKind::Paren(_)
        | ExprKind::Cond { .. }
        | ExprKind::Test(_)
        | ExprKind::Error => true,
    };
    if bare { inner } else { paren(inner) }
}

fn filter(source: &mut Source<'_>, depth: usize) -> Expr {
    let choices = if depth == 0 { 2 } else { 8 };
    let several = |source: &mut Source<'_>, of_or| {
        let count = 2 + source.below(3);
        (0..count).map(|_| operand(filter(source, depth - 1), of_or)).collect()
    };
    match source.below(choices) {
        2 => expr(ExprKind::Or(several(source, true))),
        3 => expr(ExprKind::And(several(source, false))),
        4 => paren(filter(source, depth - 1)),
        5 => {
            let inner = filter(source, depth - 1);
            let bare = matches!(inner.kind, ExprKind::Test(_) | ExprKind::Paren(_) | ExprKind::Cond { .. });
            let operand = Box::new(if bare { inner } else { paren(inner) });
            expr(ExprKind::Not { operators: vec![NOWHERE; 1 + source.below(2)], operand })
        }
        6 => {
            let [condition, yes, no] = [(); 3].map(|()| Box::new(filter(source, depth - 1)));
            expr(ExprKind::Cond { condition, yes, no })
        }
        _ => test(source),
    }
}

fn item(source: &mut Source<'_>) -> Item {
    let kind = if source.one_in(4) {
        ItemKind::Layer(name(source))
    } else {
        let mut body =
            if source.one_in(2) { LetBody::Set(set(source)) } else { LetBody::Filter(filter(source, 2)) };
        // A lone name is a filter.
        if let LetBody::Set(set) = &mut body
            && let [SetItem { kind: SetItemKind::Value(value), .. }] = set.items.as_mut_slice()
        {
            set.braces |= !value.negative && value.kind == ValueKind::Name;
        }
        ItemKind::Let { name: name(source), body }
    };
    Item { kind, span: NOWHERE }
}

/// Statements and a filter.
pub fn file(source: &mut Source<'_>) -> File {
    let count = source.pick(&[0, 0, 1, 2]);
    let items = (0..count).map(|_| item(source)).collect();
    let depth = source.pick(&[3, 3, 4, 2, 1, 0]);
    File { items, filter: Some(filter(source, depth)), comments: Vec::new() }
}

/// The same tree without places and without parentheses, except one pair after `not` where there was any.
#[must_use]
pub fn plain(file: &File) -> File {
    let mut file = file.clone();
    file.comments.clear();
    for item in &mut file.items {
        item.span = NOWHERE;
        match &mut item.kind {
            ItemKind::Layer(name) => name.span = NOWHERE,
            ItemKind::Let { name, body } => {
                name.span = NOWHERE;
                match body {
                    LetBody::Set(set) => plain_set(set),
                    LetBody::Filter(expr) => plain_expr(expr),
                }
            }
            ItemKind::Error => {}
        }
    }
    file.filter.iter_mut().for_each(plain_expr);
    file
}

fn plain_expr(expr: &mut Expr) {
    while let ExprKind::Paren(inner) = &mut expr.kind {
        let inner = std::mem::replace(&mut **inner, Expr { kind: ExprKind::Error, span: NOWHERE });
        *expr = inner;
    }
    expr.span = NOWHERE;
    match &mut expr.kind {
        ExprKind::Or(operands) | ExprKind::And(operands) => operands.iter_mut().for_each(plain_expr),
        ExprKind::Not { operators, operand } => {
            operators.fill(NOWHERE);
            let complement = matches!(operand.kind, ExprKind::Paren(_) | ExprKind::Cond { .. });
            plain_expr(operand);
            if complement && !matches!(operand.kind, ExprKind::Cond { .. }) {
                **operand = paren((**operand).clone());
            }
        }
        ExprKind::Paren(_) | ExprKind::Error => {}
        ExprKind::Cond { condition, yes, no } => {
            [condition, yes, no].into_iter().for_each(|part| plain_expr(part));
        }
        ExprKind::Test(test) => {
            test.field.span = NOWHERE;
            test.mask.iter_mut().for_each(|mask| mask.span = NOWHERE);
            if let Some(index) = &mut test.index {
                index.span = NOWHERE;
                index.value.span = NOWHERE;
            }
            match &mut test.matcher {
                Some(Matcher::Compare { op, operand }) => {
                    op.span = NOWHERE;
                    match operand {
                        Operand::Value(value) => value.span = NOWHERE,
                        Operand::Bytes(text) => text.span = NOWHERE,
                    }
                }
                Some(Matcher::In { negated: _, keyword, set }) => {
                    *keyword = NOWHERE;
                    plain_set(set);
                }
                None => {}
            }
        }
    }
}

fn plain_set(set: &mut Set) {
    set.span = NOWHERE;
    for item in &mut set.items {
        item.span = NOWHERE;
        match &mut item.kind {
            SetItemKind::Value(value) => value.span = NOWHERE,
            SetItemKind::Range { low, high } => (low.span, high.span) = (NOWHERE, NOWHERE),
            SetItemKind::Subnet { base, prefix } => (base.span, prefix.span) = (NOWHERE, NOWHERE),
            SetItemKind::File(text) => text.span = NOWHERE,
            SetItemKind::Error => {}
        }
    }
}
