//! Filters as text: ones that mostly compile at a layer, and rows of tokens that mostly do not.

use std::fmt::Write as _;

use divert_vm::field::{FIELDS, FieldInfo, Style};
use divert_vm::layer::{Event, Layer};

use crate::source::Source;

/// A filter of the extended dialect that compiles at `layer`, as a rule.
pub fn filter(source: &mut Source<'_>, layer: Layer) -> String {
    let mut text = String::new();
    let definitions = source.pick(&[0, 0, 0, 1, 2]);
    for number in 0..definitions {
        let _ = write!(text, "let d{number} = ");
        expr(source, layer, 2, number, &mut text);
        text.push_str(";\n");
    }
    let depth = source.pick(&[3, 3, 4, 2, 1]);
    expr(source, layer, depth, definitions, &mut text);
    text
}

fn expr(source: &mut Source<'_>, layer: Layer, depth: usize, definitions: usize, text: &mut String) {
    let choices = if depth == 0 { 3 } else { 8 };
    match source.below(choices) {
        1 if definitions > 0 => {
            let _ = write!(text, "d{}", source.below(definitions));
        }
        0..3 => test(source, layer, text),
        3 => {
            text.push_str("not (");
            expr(source, layer, depth - 1, definitions, text);
            text.push(')');
        }
        4 => {
            text.push('(');
            expr(source, layer, depth - 1, definitions, text);
            text.push_str("? ");
            expr(source, layer, depth - 1, definitions, text);
            text.push_str(" : ");
            expr(source, layer, depth - 1, definitions, text);
            text.push(')');
        }
        other => {
            let word = source.pick(if other == 5 { &[" or ", " || "] } else { &[" and ", " && "] });
            let count = 2 + source.below(3);
            text.push('(');
            for position in 0..count {
                text.push_str(if position > 0 { word } else { "" });
                expr(source, layer, depth - 1, definitions, text);
            }
            text.push(')');
        }
    }
}

fn test(source: &mut Source<'_>, layer: Layer, text: &mut String) {
    let fields: Vec<&FieldInfo> = FIELDS.iter().filter(|info| info.layers.contains(layer)).collect();
    let info = source.pick(&fields);
    if info.style == Style::Bool && !source.one_in(4) {
        let not = source.pick(&["", "", "not ", "!"]);
        let _ = write!(text, "{not}{}", info.name);
        return;
    }
    text.push_str(info.name);
    if info.element > 0 {
        let index = source.below(40);
        let (sign, unit) = (source.pick(&["", "", "-"]), source.pick(&["", "b"]));
        let least = usize::from(sign == "-") * if unit == "b" { usize::from(info.element) } else { 1 };
        let _ = write!(text, "[{sign}{}{unit}]", index + least);
        if info.element == 1 && source.one_in(4) {
            let bytes: String = (0..=source.below(6)).map(|_| source.pick(&['a', 'b', '0', 'G'])).collect();
            let _ = write!(text, " {} \"{bytes}\"", source.pick(&["==", "!="]));
            return;
        }
    }
    let plain = matches!(info.style, Style::Decimal | Style::Hex) && info.range.origin.magnitude() == 0;
    if plain && source.one_in(6) {
        let _ = write!(text, " & {:#x}", source.within(1, info.range.high));
    }
    if source.one_in(3) {
        text.push_str(source.pick(&[" in {", " not in {"]));
        let count = 1 + source.below(5);
        for position in 0..count {
            text.push_str(if position > 0 { ", " } else { "" });
            value(source, info, layer, text);
            if info.style == Style::Ipv4 && source.one_in(3) {
                // Only a base without further bits is a subnet: this one has none.
                let _ = write!(text, ", 10.{}.0.0/{}", source.byte(), 16 + source.below(17));
            }
        }
        text.push('}');
    } else {
        let listed = matches!(info.style, Style::Event | Style::Layer);
        let operators: &[&str] =
            if listed { &["==", "!="] } else { &["==", "!=", "<", "<=", ">", ">=", "="] };
        let _ = write!(text, " {} ", source.pick(operators));
        value(source, info, layer, text);
    }
}

fn value(source: &mut Source<'_>, info: &FieldInfo, layer: Layer, text: &mut String) {
    let (first, last) = layer.events();
    let _ = match info.style {
        Style::Event => {
            let event = Event::from_number(first + source.byte() % (last - first + 1));
            write!(text, "{}", event.map_or("PACKET", Event::name))
        }
        Style::Layer => write!(text, "{}", source.pick(&Layer::ALL).name()),
        Style::Ipv4 => write!(text, "10.0.{}.{}", source.byte() % 2, source.byte() % 4),
        Style::Address if source.one_in(2) => write!(text, "10.0.0.{}", source.byte() % 4),
        Style::Address => write!(text, "2001:db8::{:x}", source.byte() % 4),
        Style::Bool => write!(text, "{}", source.byte() % 2),
        Style::Decimal | Style::Hex => {
            let keys = (info.range.low, info.range.high);
            let key = if source.one_in(2) {
                source.within(keys.0, keys.1)
            } else {
                (info.range.origin.magnitude() + source.below(5) as u128).clamp(keys.0, keys.1)
            };
            write!(text, "{}", info.field.number_of(key))
        }
    };
}

/// Tokens and what looks like some.
pub const TOKENS: &[&str] = &[
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
    "tcp",
    "let x = ",
    "; ",
    "file(\"x\")",
    "udp",
    "ip.SrcAddr",
    "10.0.0.0",
    "8",
    "packet[0]",
    "-1",
    "\"x\"",
    "0xff",
    "FLOW",
    "event",
    "localAddr",
    "true",
    "#",
    "b",
    "TCP",
    "CLOSE",
    "x",
    "false",
    "\u{feff}",
    "\r\n",
    "0x",
    "1.2.3.4/33",
    "18446744073709551616",
    "random8",
];

/// A row of tokens.
pub fn soup(source: &mut Source<'_>) -> String {
    let mut text = String::new();
    let count = source.below(40);
    for _ in 0..count {
        text.push_str(source.pick(TOKENS));
        text.push_str(source.pick(&[" ", " ", ""]));
    }
    text
}

/// The text with something put between its tokens: blanks, line ends, comments.
pub fn scattered(source: &mut Source<'_>, text: &str) -> String {
    let mut result = String::new();
    let mut last = 0;
    for (_, span) in divert_grammar::token::tokens(text) {
        let range = span.range();
        result += match source.byte() % 24 {
            1 => " # own?\n",
            2 => "\n# own\n",
            3 => " /* in */ ",
            4 => "\r\n\t",
            5 => "\n  /* own */\n",
            6 => " /* two\nlines */ ",
            7 => "\n/* own, then */ ",
            _ => text.get(last..range.start).unwrap_or_default(),
        };
        result += span.of(text);
        last = range.end;
    }
    result
}
