//! Findings for people: the place in the source with its labels, drawn by ariadne.
//!
//! ariadne neither wraps nor cuts. So it is given a [`View`] of the source that fits, and in place of each message one
//! private character; when the picture is drawn, the messages are put in, broken to the room that is there.

use ariadne::{CharSet, Color, Config, Fmt as _, IndexType, Label, Report, ReportKind};
use divert_grammar::diagnostic::{Diagnostic, Severity};
use unicode_width::UnicodeWidthChar as _;

use super::Style;
use super::lines::place;
use super::view::{PLACEHOLDER, TAB, View, harmless, shown};
use super::wrap::wrap;
use crate::finding::{Finding, SourceText, Subject};

/// Messages are not squeezed into less than this; then they go below.
const LEAST_ROOM: usize = 24;

/// The finding as text, with an empty line after it.
pub(crate) fn human(finding: &Finding, style: &Style) -> String {
    match &finding.subject {
        Subject::Text(source) => picture(&finding.diagnostic, source, style),
        Subject::Command | Subject::Whole(_) => plain(&finding.diagnostic, style),
    }
}

/// A finding without a source to show.
fn plain(diagnostic: &Diagnostic, style: &Style) -> String {
    let head = format!("[{}] {}:", diagnostic.code, title(diagnostic.severity));
    let mut text = paint(&head, color(diagnostic.severity), style);
    let message = wrap(&clean(&diagnostic.message), style.width.saturating_sub(head.len() + 1));
    text.push(' ');
    text.push_str(&message.join("\n  "));
    text.push('\n');
    for (name, lines) in [("Help", &diagnostic.help), ("Note", &diagnostic.notes)] {
        for line in lines {
            let wrapped = wrap(&clean(line), style.width.saturating_sub(8)).join("\n        ");
            text.push_str(&format!("  {}: {wrapped}\n", paint(name, ADVICE, style)));
        }
    }
    text
}

const ADVICE: Color = Color::Fixed(115);

fn picture(diagnostic: &Diagnostic, source: &SourceText, style: &Style) -> String {
    let last_line = place(&source.text, diagnostic.primary.span.range().end).line;
    let margin = last_line.to_string().len() + 4;
    let mut labels: Vec<_> = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary).collect();
    // In the order of the text they make one picture.
    labels.sort_by_key(|label| label.span.start());
    let first = labels.iter().position(|label| std::ptr::eq(*label, &diagnostic.primary)).unwrap_or(0);
    let spans: Vec<_> = labels.iter().map(|label| label.span).collect();
    let view = View::new(&source.text, &spans, first, style.width.saturating_sub(margin + 2));

    let at = place(&source.text, shown(&source.text, diagnostic.primary.span.range()).start);
    let mut slots = Slots { style, head: String::new(), messages: Vec::new() };
    slots.head = format!("{}:{}:{}", clean(&source.origin.to_string()), at.line, at.column);

    let primary = view.spans.get(first).cloned().unwrap_or_default();
    let kind = match diagnostic.severity {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
        // A kind of our own is drawn in its colour even where colours are off; so this one is renamed afterwards.
        Severity::Note => ReportKind::Advice,
    };
    let config = Config::new()
        .with_color(style.color)
        .with_char_set(CharSet::Unicode)
        .with_tab_width(TAB)
        .with_index_type(IndexType::Byte);
    let mut report = Report::build(kind, (NAME, primary))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(slots.slot(&diagnostic.message));
    for (number, (label, span)) in labels.iter().zip(&view.spans).enumerate() {
        // Without a message ariadne would not underline it.
        let message = if label.message.is_empty() { "here" } else { label.message.as_str() };
        let color = if number == first { color(diagnostic.severity) } else { Color::Cyan };
        let (message, priority) = (slots.slot(message), i32::from(number == first));
        report = report.with_label(
            Label::new((NAME, span.clone())).with_message(message).with_color(color).with_priority(priority),
        );
    }
    let room = style.width.saturating_sub(margin + 8);
    report.with_helps(advice(diagnostic).iter().map(|help| wrap(&clean(help), room).join("\n")));
    report.with_notes(diagnostic.notes.iter().map(|note| wrap(&clean(note), room).join("\n")));

    let mut drawn = Vec::new();
    let cache = (NAME, ariadne::Source::from(view.text.as_str()));
    if report.finish().write(cache, &mut drawn).is_err() {
        return plain(diagnostic, style);
    }
    let drawn = String::from_utf8_lossy(&drawn);
    match diagnostic.severity {
        Severity::Note => slots.fill(&drawn.replacen("Advice:", "Note:", 1)),
        Severity::Error | Severity::Warning => slots.fill(&drawn),
    }
}

/// What the drawing calls the source; the real name, line and column are put in afterwards, since those of a view
/// that was cut are other ones.
const NAME: &str = "\u{F8FF}";

/// Help, and the edits that would mend the text where help does not say the same.
fn advice(diagnostic: &Diagnostic) -> Vec<String> {
    let mut advice = diagnostic.help.clone();
    for edit in &diagnostic.suggestions {
        let text = edit.replacement.trim();
        let quoted = format!("`{text}`");
        let said =
            diagnostic.primary.message.contains(&quoted) || advice.iter().any(|help| help.contains(&quoted));
        if text.is_empty() || edit.message.contains(text) {
            if text.is_empty() || !said {
                advice.push(edit.message.clone());
            }
        } else if !said {
            advice.push(format!("{}: {quoted}", edit.message));
        }
    }
    advice
}

/// Messages that wait for the picture to be drawn.
struct Slots<'s> {
    style: &'s Style,
    head: String,
    messages: Vec<String>,
}

impl Slots<'_> {
    /// The character that stands for `message`.
    fn slot(&mut self, message: &str) -> char {
        self.messages.push(clean(message));
        let number = u32::try_from(self.messages.len() - 1).unwrap_or(0);
        char::from_u32(u32::from(PLACEHOLDER) + number % 0x1000).unwrap_or(PLACEHOLDER)
    }

    fn fill(&self, drawn: &str) -> String {
        let mut text = String::new();
        for line in drawn.lines() {
            match line.char_indices().find(|(_, c)| ('\u{E000}'..='\u{F8FF}').contains(c)) {
                None => text.push_str(line.trim_end()),
                Some((at, c)) if c == '\u{F8FF}' => {
                    let rest = line.get(at + c.len_utf8()..).unwrap_or_default();
                    text.push_str(line.get(..at).unwrap_or_default());
                    text.push_str(&self.head);
                    text.push_str(
                        rest.trim_start_matches([':', '?', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']),
                    );
                }
                Some((at, c)) => {
                    let number = (u32::from(c) - u32::from(PLACEHOLDER)) as usize;
                    let message = self.messages.get(number).map_or("", String::as_str);
                    let rest = line.get(at + c.len_utf8()..).unwrap_or_default();
                    self.put(&mut text, line.get(..at).unwrap_or_default(), message, number == 0);
                    text.push_str(rest.trim_end());
                }
            }
            text.push('\n');
        }
        text.push('\n');
        text
    }

    /// Writes `message` behind `before`, which may hold colours; what does not fit goes on below it.
    fn put(&self, text: &mut String, before: &str, message: &str, is_title: bool) {
        let column = visible(before).map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let room = self.style.width.saturating_sub(column);
        if is_title {
            let lines = wrap(message, room.max(LEAST_ROOM));
            text.push_str(before);
            text.push_str(&lines.join("\n  "));
            return;
        }
        if room >= LEAST_ROOM || message.chars().count() <= room {
            let lines = wrap(message, room);
            text.push_str(before);
            text.push_str(&lines.join(&format!("\n{}", below(before))));
        } else {
            let margin: String = below(before).chars().take(self.margin(before)).collect();
            let lines = wrap(message, self.style.width.saturating_sub(margin.chars().count() + 2));
            text.push_str(before.trim_end());
            for line in lines {
                text.push_str(&format!("\n{margin}  {line}"));
            }
        }
    }

    /// Columns up to and with the bar between line numbers and source.
    fn margin(&self, before: &str) -> usize {
        visible(before).position(|c| c == '│').map_or(0, |at| at + 1)
    }
}

/// The beginning of a line that continues the one which begins with `before`: bars go on, all else is blank.
fn below(before: &str) -> String {
    let line: String = visible(before)
        .map(|c| match c {
            '│' | '┼' => '│',
            '┆' => '┆',
            _ => ' ',
        })
        .collect();
    line
}

/// The characters that take room, without the codes for colours.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let mut in_code = false;
    text.chars().filter(move |c| {
        if in_code {
            in_code = *c != 'm';
            return false;
        }
        in_code = *c == '\u{1b}';
        !in_code
    })
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { harmless(c) }).collect()
}

const fn title(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
        Severity::Note => "Note",
    }
}

const fn color(severity: Severity) -> Color {
    match severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Note => Color::Fixed(147),
    }
}

fn paint(text: &str, color: Color, style: &Style) -> String {
    if style.color { text.fg(color).to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use divert_grammar::span::Span;
    use proptest::prelude::*;

    use super::*;
    use crate::finding::Origin;

    proptest! {
        /// Whatever the text, the places and the width: no panic, no steering of the terminal, every message is there.
        #[test]
        fn anything_can_be_drawn(
            text in "([a-z =.]|ß|日|\t|\r\n|\n|\r|\u{2028}|\u{1b}|\u{E000}|\u{301}){0,80}",
            places in prop::collection::vec((0_u32..200, 0_u32..200), 1..5),
            width in 30_usize..120,
            color: bool,
        ) {
            let mut places = places.into_iter().map(|(start, end)| Span::new(start, end));
            let first = places.next().unwrap_or_default();
            let mut diagnostic = Diagnostic::error("E0101", "the title", first).label("the first label");
            for place in places {
                diagnostic = diagnostic.also(place, "another");
            }
            diagnostic = diagnostic.help("some help").note("a note");
            let source = SourceText { origin: Origin::Argument, text };
            let drawn = human(&Finding::text(&Arc::new(source), diagnostic), &Style { color, width });
            let words = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in ["the title", "the first label", "some help", "a note"] {
                prop_assert!(words.contains(part), "{part} is not in\n{drawn}");
            }
            let steering = drawn.chars().any(|c| c.is_control() && c != '\n' && !(color && c == '\u{1b}'));
            prop_assert!(!steering, "{drawn:?}");
        }
    }
}
