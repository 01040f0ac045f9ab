//! What of a source is shown to a person: the lines that a finding speaks of, cut to the width, and without characters
//! that would move the cursor or draw something else than they are.

use std::ops::Range;

use divert_grammar::span::Span;
use unicode_width::UnicodeWidthChar as _;

use super::lines::{MARK, line_starts};

/// First of the private characters that stand for messages while the picture is drawn; see `human`.
pub(super) const PLACEHOLDER: char = '\u{E000}';
/// Stands for what was cut off.
const CUT: char = '…';
/// As ariadne draws tabs.
pub(super) const TAB: usize = 4;

/// A text to show and where the spans are in it, in bytes of that text.
#[derive(Debug)]
pub(super) struct View {
    /// As many lines as the source has up to the last that matters; those that do not matter are empty.
    pub(super) text: String,
    /// The spans, in the order they were given.
    pub(super) spans: Vec<Range<usize>>,
}

impl View {
    /// The lines of `source` that the spans touch, `width` columns at most. On its line, the span with the number `main`
    /// decides what is cut away.
    pub(super) fn new(source: &str, spans: &[Span], main: usize, width: usize) -> Self {
        let ranges: Vec<Range<usize>> = spans.iter().map(|span| shown(source, span.range())).collect();
        let mut view = Self { text: String::new(), spans: vec![0..0; spans.len()] };
        let last = ranges.iter().map(|range| range.end).max().unwrap_or(0);
        let mut starts = line_starts(source).peekable();
        while let Some(start) = starts.next() {
            let end = starts.peek().copied().unwrap_or(source.len());
            let line = source.get(start..end).unwrap_or_default();
            let line = line.trim_end_matches(['\n', '\r']);
            let inside = |at: usize| at >= start && (at < end || end == source.len());
            if ranges.iter().any(|range| inside(range.start) || inside(range.end)) {
                let focus = ranges.get(main).filter(|range| inside(range.start));
                let focus = focus.or_else(|| ranges.iter().find(|range| inside(range.start)));
                let focus = focus.map_or(0, |range| range.start - start);
                view.add_line(start, line, &ranges, focus, width);
            }
            if end > last {
                break;
            }
            view.text.push('\n');
        }
        for span in &mut view.spans {
            span.end = span.end.max(span.start);
        }
        view
    }

    fn add_line(&mut self, start: usize, line: &str, ranges: &[Range<usize>], focus: usize, width: usize) {
        let window = window(line, focus, width);
        let cut_before = window.start > 0;
        let base = self.text.len();
        // Where each byte of the line went; cut ones went to the sign for it.
        let mut map = |at: usize, text: &str| {
            for (range, shown) in ranges.iter().zip(&mut self.spans) {
                if range.start.checked_sub(start) == Some(at) {
                    shown.start = text.len();
                }
                if range.end.checked_sub(start) == Some(at) {
                    shown.end = text.len();
                }
            }
        };
        let mut text = std::mem::take(&mut self.text);
        for (at, c) in line.char_indices() {
            if at < window.start {
                map(at, &text);
                continue;
            }
            if start + at == 0 && c == MARK {
                map(at, &text);
                continue;
            }
            if at == window.start && cut_before {
                text.push(CUT);
            }
            if at == window.end {
                text.push(CUT);
            }
            map(at, &text);
            if at < window.end {
                text.push(harmless(c));
            }
        }
        map(line.len(), &text);
        self.text = text;
        debug_assert!(self.text.len() >= base);
    }
}

/// The range that is underlined: inside the text, on characters, and not behind the end of what one can see.
pub(super) fn shown(source: &str, range: Range<usize>) -> Range<usize> {
    let clamp = |at: usize| {
        let mut at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let seen = source.trim_end().len();
    let (start, end) = (clamp(range.start).min(seen), clamp(range.end).min(seen));
    // Blanks and line ends at the end of a range would stretch the underline.
    let inside = source.get(start..end).unwrap_or_default();
    let end = if inside.trim().is_empty() { end } else { start + inside.trim_end().len() };
    start..end.max(start)
}

/// The bytes of a line that are shown, so that `focus` is among them and, where something is cut, room is left to write
/// on its right.
fn window(line: &str, focus: usize, width: usize) -> Range<usize> {
    let columns = |text: &str| text.chars().map(columns_of).sum::<usize>();
    if columns(line) <= width {
        return 0..line.len();
    }
    // Both signs for what was cut take a column.
    let room = width.saturating_sub(2).max(8);
    let before = line.get(..focus).unwrap_or(line);
    let mut start = focus;
    let mut used = 0;
    for (at, c) in before.char_indices().rev() {
        used += columns_of(c);
        if used > room / 4 {
            break;
        }
        start = at;
    }
    let mut end = start;
    let mut used = 0;
    for (at, c) in line.get(start..).unwrap_or_default().char_indices() {
        used += columns_of(c);
        if used > room {
            break;
        }
        end = start + at + c.len_utf8();
    }
    start..end
}

fn columns_of(c: char) -> usize {
    if c == '\t' { TAB } else { harmless(c).width().unwrap_or(0) }
}

/// A character that shows what `c` is where `c` itself would steer the terminal, end the line or turn the text around.
pub(crate) fn harmless(c: char) -> char {
    match c {
        '\t' => c,
        '\0'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{FFFD}'),
        '\u{7F}' => '\u{2421}',
        '\u{80}'..='\u{9F}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{E000}'..='\u{F8FF}' => '\u{FFFD}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(source: &str, spans: &[(u32, u32)], width: usize) -> (String, Vec<String>) {
        let spans: Vec<Span> = spans.iter().map(|(start, end)| Span::new(*start, *end)).collect();
        let view = View::new(source, &spans, 0, width);
        let parts = view.spans.iter().map(|span| view.text[span.clone()].to_owned()).collect();
        (view.text, parts)
    }

    #[test]
    fn shows_the_lines_that_matter() {
        let (text, parts) = view("tcp\r\nudp or\nip\nicmp", &[(5, 8), (12, 14)], 80);
        assert_eq!((text.as_str(), parts), ("\nudp or\nip", vec!["udp".into(), "ip".into()]));
    }

    #[test]
    fn cuts_long_lines_around_the_first_span() {
        let source = format!("{} ÄÖÜ {}", "a".repeat(100), "b".repeat(100));
        let (text, parts) = view(&source, &[(101, 107), (0, 3), (150, 160)], 40);
        assert!(text.chars().count() <= 40 && text.starts_with('…') && text.ends_with('…'), "{text}");
        assert_eq!(parts[0], "ÄÖÜ");
    }

    #[test]
    fn the_end_of_the_text_is_its_last_visible_character() {
        assert_eq!(view("tcp and \n\n", &[(10, 10)], 80), ("tcp and ".into(), vec![String::new()]));
        assert_eq!(View::new("tcp and \n\n", &[Span::empty(10)], 0, 80).spans[0], 7..7);
        assert_eq!(View::new("", &[Span::empty(0)], 0, 80).spans[0], 0..0);
    }

    #[test]
    fn a_byte_order_mark_is_not_shown() {
        let (text, parts) = view("\u{FEFF}tcp\nudp", &[(3, 6), (0, 3)], 80);
        assert_eq!((text.as_str(), parts), ("tcp", vec!["tcp".into(), String::new()]));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let (text, _) = view("tcp \u{1b}[2J \u{202e}x\u{2028}y\u{E000}", &[(0, 3)], 80);
        assert_eq!(text, "tcp ␛[2J \u{FFFD}x\u{FFFD}y\u{FFFD}");
    }
}
