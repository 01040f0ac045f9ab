//! Lines of a source with some places underlined.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ariadne::{Color, Fmt as _};
use divert_grammar::span::Span;
use unicode_width::UnicodeWidthChar as _;

use super::Style;
use super::view::{TAB, harmless};

/// Longest text of a test in its line.
pub(super) const WIDEST: usize = 48;

/// A place that is underlined.
pub(super) struct Mark {
    /// The place.
    pub(super) span: Span,
    /// What is drawn below it.
    pub(super) mark: char,
    /// In which colour, where there are colours.
    pub(super) color: Color,
}

/// The lines of the source that have marks, each with its underlines.
pub(super) fn pictures(source: &str, marks: &[Mark], style: &Style, out: &mut String) {
    // Begin of each line to its number and the marks that touch it.
    let mut lines: BTreeMap<usize, (usize, Vec<&Mark>)> = BTreeMap::new();
    let mut start = 0;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        let touches = |mark: &&Mark| mark.span.range().start < end && mark.span.range().end > start;
        let touching: Vec<_> = marks.iter().filter(touches).collect();
        if !touching.is_empty() {
            lines.insert(start, (number + 1, touching));
        }
        start = end;
    }
    let margin = lines.values().last().map_or(1, |(number, _)| number.to_string().len());
    let mut last = 0;
    for (start, (number, touching)) in lines {
        let Some(line) = source.get(start..).and_then(|rest| rest.lines().next()) else { continue };
        if number > last + 1 {
            let _ = writeln!(out, "{:>margin$} :", "");
        }
        last = number;
        let (mut text, mut below) = (String::new(), String::new());
        for (at, c) in line.char_indices() {
            let (shown, columns) = match c {
                '\t' => (" ".repeat(TAB), TAB),
                c => (harmless(c).to_string(), harmless(c).width().unwrap_or(0)),
            };
            text.push_str(&shown);
            let mark = touching.iter().find(|mark| mark.span.range().contains(&(start + at)));
            below.push_str(&match mark {
                Some(Mark { mark, color, .. }) => paint(&mark.to_string().repeat(columns), *color, style),
                None => " ".repeat(columns),
            });
        }
        let _ = writeln!(out, "{number:>margin$} | {}", text.trim_end());
        let _ = writeln!(out, "{:>margin$} | {}", "", below.trim_end());
    }
}

/// A test on one line of so many columns.
pub(super) fn brief(text: &str, widest: usize) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(harmless).collect();
    if width(&line) <= widest {
        return line;
    }
    let mut cut = String::new();
    for c in line.chars() {
        if width(&cut) + c.width().unwrap_or(0) >= widest {
            break;
        }
        cut.push(c);
    }
    cut + "…"
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The text in a colour, where there are colours.
pub(super) fn paint(text: &str, color: Color, style: &Style) -> String {
    if style.color { text.fg(color).to_string() } else { text.to_owned() }
}
