//! Random trees, and trees without what formatting may change.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

use divert_grammar::ast::{
    CompareOp, Expr, ExprKind, File, Index, Item, ItemKind, LetBody, Matcher, Operand, Set, SetItem,
    SetItemKind, Test, Text, Value, ValueKind,
};
use divert_grammar::parse;
use divert_grammar::span::{Span, Spanned};
use proptest::prelude::*;

const NOWHERE: Span = Span::empty(0);

fn word(pattern: &'static str) -> impl Strategy<Value = Box<str>> {
    pattern.prop_map(String::into_boxed_str)
}

fn name() -> impl Strategy<Value = Spanned<Box<str>>> {
    let text = prop_oneof![
        Just("tcp".into()),
        Just("layer".into()),
        Just("file".into()),
        Just("true".into()),
        Just("b".into()),
        word("[a-z_][a-zA-Z0-9_]{0,6}(\\.[A-Z][a-z]{0,5})?")
    ];
    let keyword =
        |text: &str| ["and", "or", "not", "in", "let"].iter().any(|word| text.eq_ignore_ascii_case(word));
    text.prop_filter("a keyword", move |text| !keyword(text)).prop_map(|text| Spanned::new(text, NOWHERE))
}

fn value() -> impl Strategy<Value = Value> {
    let literal = prop_oneof![
        word("[0-9]{1,5}b?"),
        word("0x[0-9a-fA-F]{1,8}"),
        word("[0-9]{1,3}(\\.[0-9]{1,3}){3}"),
        word("[0-9a-f]{1,4}::"),
        word("::[0-9a-f]{0,4}"),
        word("[0-9]:[0-9a-f]{0,4}:[0-9]"),
        Just("1.".into()),
    ];
    let literal = literal.prop_map(|text| (ValueKind::Literal, text));
    let named = name().prop_map(|name| (ValueKind::Name, name.node));
    (any::<bool>(), prop_oneof![3 => literal, 1 => named]).prop_map(|(negative, (kind, text))| Value {
        negative,
        kind,
        text,
        span: NOWHERE,
    })
}

fn text() -> impl Strategy<Value = Text> {
    word("([ -!#-\\[\\]-~é]|\\\\n|\\\\x0f|\\\\\"|\\\\\\\\){0,6}").prop_map(|raw| {
        let parsed = parse(&format!("a == \"{raw}\"")).file.filter.expect("a filter");
        let ExprKind::Test(Test {
            matcher: Some(Matcher::Compare { operand: Operand::Bytes(text), .. }),
            ..
        }) = parsed.kind
        else {
            panic!("{raw}")
        };
        Text { span: NOWHERE, ..text }
    })
}

fn entry() -> impl Strategy<Value = SetItem> {
    let prefix = word("[0-9]{1,3}").prop_map(|text| Value {
        negative: false,
        kind: ValueKind::Literal,
        text,
        span: NOWHERE,
    });
    prop_oneof![
        4 => value().prop_map(SetItemKind::Value),
        1 => (value(), value()).prop_map(|(low, high)| SetItemKind::Range { low, high }),
        1 => (value(), prefix).prop_map(|(base, prefix)| SetItemKind::Subnet { base, prefix }),
        1 => text().prop_map(SetItemKind::File),
    ]
    .prop_map(|kind| SetItem { kind, span: NOWHERE })
}

fn set() -> impl Strategy<Value = Set> {
    let braces = proptest::collection::vec(entry(), 0..20).prop_map(|items| Set {
        braces: true,
        items,
        span: NOWHERE,
    });
    prop_oneof![braces, entry().prop_map(|item| Set { braces: false, items: vec![item], span: NOWHERE })]
}

fn test() -> impl Strategy<Value = Expr> {
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Lt,
        CompareOp::Le,
        CompareOp::Gt,
        CompareOp::Ge,
    ]);
    let operand = prop_oneof![3 => value().prop_map(Operand::Value), 1 => text().prop_map(Operand::Bytes)];
    let compare =
        (op, operand).prop_map(|(op, operand)| Matcher::Compare { op: Spanned::new(op, NOWHERE), operand });
    let inside =
        (any::<bool>(), set()).prop_map(|(negated, set)| Matcher::In { negated, keyword: NOWHERE, set });
    let matcher = prop_oneof![2 => compare, 1 => inside];
    let index = prop::option::weighted(0.2, value().prop_map(|value| Index { value, span: NOWHERE }));
    let rest = prop_oneof![
        1 => Just((None, None)),
        2 => matcher.prop_flat_map(|m| prop::option::weighted(0.2, value()).prop_map(move |mask| (mask, Some(m.clone())))),
    ];
    (name(), index, rest).prop_map(|(field, index, (mask, matcher))| {
        expr(ExprKind::Test(Test { field, index, mask, matcher }))
    })
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

fn paren(inner: Expr) -> Expr {
    expr(ExprKind::Paren(Box::new(inner)))
}

/// Puts parentheses around what could not stand there without.
fn operand(inner: Expr, of_or: bool) -> Expr {
    match inner.kind {
        ExprKind::Or(_) => paren(inner),
        ExprKind::And(_) if !of_or => paren(inner),
        _ => inner,
    }
}

fn filter() -> impl Strategy<Value = Expr> {
    test().prop_recursive(6, 40, 5, |inner| {
        let several = || proptest::collection::vec(inner.clone(), 2..5);
        let one = || inner.clone();
        prop_oneof![
            several().prop_map(|all| expr(ExprKind::Or(all.into_iter().map(|e| operand(e, true)).collect()))),
            several()
                .prop_map(|all| expr(ExprKind::And(all.into_iter().map(|e| operand(e, false)).collect()))),
            one().prop_map(paren),
            (1..3_usize, one()).prop_map(|(count, inner)| {
                let inner = match inner.kind {
                    ExprKind::Test(_) | ExprKind::Paren(_) | ExprKind::Cond { .. } => inner,
                    _ => paren(inner),
                };
                expr(ExprKind::Not { operators: vec![NOWHERE; count], operand: Box::new(inner) })
            }),
            (one(), one(), one()).prop_map(|(condition, yes, no)| {
                let (condition, yes, no) = (Box::new(condition), Box::new(yes), Box::new(no));
                expr(ExprKind::Cond { condition, yes, no })
            }),
        ]
    })
}

pub(crate) fn file() -> impl Strategy<Value = File> {
    let lone_name = |value: &Value| !value.negative && value.kind == ValueKind::Name;
    let set = set().prop_filter("a lone name is a filter", move |set| match set.items.as_slice() {
        [SetItem { kind: SetItemKind::Value(value), .. }] => set.braces || !lone_name(value),
        _ => true,
    });
    let body = prop_oneof![set.prop_map(LetBody::Set), filter().prop_map(LetBody::Filter)];
    let item = prop_oneof![
        name().prop_map(ItemKind::Layer),
        (name(), body).prop_map(|(name, body)| ItemKind::Let { name, body }),
    ];
    let item = item.prop_map(|kind| Item { kind, span: NOWHERE });
    (proptest::collection::vec(item, 0..3), filter()).prop_map(|(items, filter)| File {
        items,
        filter: Some(filter),
        comments: Vec::new(),
    })
}

/// The same tree without places and without parentheses, except one pair after `not` where there was any.
pub(crate) fn plain(file: &File) -> File {
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
