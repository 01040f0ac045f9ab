//! Random trees and random texts.

use divert_grammar::ast::{
    Comment, CompareOp, Expr, ExprKind, File, Index, Item, ItemKind, LetBody, Matcher, Operand, Set, SetItem,
    SetItemKind, Test, Text, Value, ValueKind,
};
use divert_grammar::span::{Span, Spanned};
use divert_grammar::{SyntaxError, extensions, format, parse};
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

fn file() -> impl Strategy<Value = File> {
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
fn plain(file: &File) -> File {
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
            [condition, yes, no].into_iter().for_each(|part| plain_expr(part))
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

/// Whether the tree says that something is wrong.
fn is_damaged(file: &File) -> bool {
    let debug = format!("{file:?}");
    file.filter.is_none() || debug.contains("kind: Error")
}

fn check_parsed(source: &str) {
    let parsed = parse(source);
    assert_eq!(is_damaged(&parsed.file), !parsed.errors.is_empty(), "{source:?} {:?}", parsed.errors);
    let inside = |span: Span| assert!(source.get(span.range()).is_some(), "{source:?} {span:?}");
    for error in &parsed.errors {
        inside(error.span());
        let diagnostic = error.to_diagnostic(source);
        diagnostic.secondary.iter().for_each(|label| inside(label.span));
        diagnostic.suggestions.iter().for_each(|edit| inside(edit.span));
    }
    assert!(parsed.errors.is_sorted_by_key(|error: &SyntaxError| error.span().start()), "{source:?}");
    assert!(parsed.words.is_sorted_by_key(|word| word.span.start()), "{source:?}");
    extensions(&parsed.file, source).iter().for_each(|extension| inside(extension.span));
    if parsed.errors.is_empty() {
        check_format(&parsed.file, source);
    } else {
        let _ = format(&parsed.file);
    }
}

/// Formatting keeps tree and comments, and the second time changes nothing.
fn check_format(file: &File, source: &str) {
    let text = format(file);
    let again = parse(&text);
    assert_eq!(again.errors, [], "{source}\n---\n{text}");
    assert_eq!(plain(&again.file), plain(file), "{source}\n---\n{text}");
    assert_eq!(format(&again.file), text, "{source}\n---\n{text}");
    let texts =
        |comments: &[Comment]| comments.iter().map(|c| c.text.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(&again.file.comments), texts(&file.comments), "{source}\n---\n{text}");
}

/// Puts blanks, line ends and comments between the tokens of a text.
fn scatter(text: &str, seed: &[u8]) -> String {
    let mut result = String::new();
    let mut last = 0;
    let mut seeds = seed.iter().cycle();
    for (_, span) in divert_grammar::token::tokens(text) {
        let gap = &text[last..span.range().start];
        let more = match seeds.next().map_or(0, |seed| seed % 24) {
            0 => " # own?\n",
            1 => "\n# own\n",
            2 => " /* in */ ",
            3 => "\r\n\t",
            4 => "\n  /* own */\n",
            5 => " /* two\nlines */ ",
            6 => "\n/* own, then */ ",
            _ => gap,
        };
        result += more;
        result += span.of(text);
        last = span.range().end;
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatted_trees_parse_to_the_same_tree(file in file()) {
        check_format(&file, "(a tree)");
    }

    #[test]
    fn comments_survive_anywhere(file in file(), seed in proptest::collection::vec(any::<u8>(), 1..60)) {
        let text = scatter(&format(&file), &seed);
        let parsed = parse(&text);
        prop_assert_eq!(&parsed.errors, &[], "{}", text);
        prop_assert_eq!(plain(&parsed.file), plain(&file), "{}", text);
        check_format(&parsed.file, &text);
    }

    #[test]
    fn any_tokens_are_survived(tokens in proptest::collection::vec(prop::sample::select(TOKENS), 0..30), gaps in any::<u32>()) {
        let mut text = String::new();
        for (index, token) in tokens.iter().enumerate() {
            text += token;
            text += if gaps >> (index % 32) & 1 == 0 { " " } else { "" };
        }
        check_parsed(&text);
    }

    #[test]
    fn any_text_is_survived(text in "[ -~\\n\\r\\té€\u{feff}]{0,60}") {
        check_parsed(&text);
    }
}

const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "-",
    "?",
    ":",
    "!",
    "!=",
    "=",
    "==",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "and",
    "or",
    "not",
    "in",
    "not in",
    "let",
    "layer",
    "file",
    "tcp",
    "tcp.DstPort",
    "packet",
    "80",
    "10b",
    "10.0.0.1",
    "fe80::1",
    "::",
    "..",
    "/",
    ",",
    ";",
    "&",
    "|",
    "\"GET\"",
    "\"",
    "'",
    "'x'",
    "# c\n",
    "/* c */",
    "/*",
    "@",
    "é",
    "\n",
    "AND",
    "Not",
    "0..5",
    "(tcp? udp: ip)",
    "(",
    ")",
    "tcp",
    "80",
    "let x = ",
    "; ",
    "file(\"x\")",
];
