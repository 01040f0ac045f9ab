//! From bytes to lines and columns.

use divert_grammar::span::Span;

/// A place as people count it: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line.
    pub(crate) line: usize,
    /// Column.
    pub(crate) column: usize,
}

/// What some editors put before a text.
pub(crate) const MARK: char = '\u{FEFF}';

/// Where `offset` is in `text`. A byte-order mark takes no column. Lines end with `\n`, `\r\n` or `\r`; an offset beyond the text, or inside of a character,
/// counts as the nearest place before it.
pub(crate) fn place(text: &str, offset: usize) -> Place {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = text.get(..at).unwrap_or_default();
    let before = before.strip_prefix(MARK).unwrap_or(before);
    let line = line_starts(before).count();
    let start = line_starts(before).last().unwrap_or(0);
    // Between `\r` and `\n` the line has not ended yet.
    if before.ends_with('\r') && text.get(at..).is_some_and(|rest| rest.starts_with('\n')) {
        let start = line_starts(before.strip_suffix('\r').unwrap_or(before)).last().unwrap_or(0);
        return Place { line: line - 1, column: before.get(start..).unwrap_or_default().chars().count() };
    }
    Place { line, column: before.get(start..).unwrap_or_default().chars().count() + 1 }
}

/// Finds the places of many offsets of one text; those that rise cost one way through the text in all.
pub(crate) struct Walk<'t> {
    text: &'t str,
    at: usize,
    place: Place,
}

impl<'t> Walk<'t> {
    /// A walk that begins where the text does.
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { text, at: 0, place: Place { line: 1, column: 1 } }
    }

    /// As [`place`].
    pub(crate) fn place(&mut self, offset: usize) -> Place {
        let bytes = self.text.as_bytes();
        let between =
            offset > 0 && bytes.get(offset - 1) == Some(&b'\r') && bytes.get(offset) == Some(&b'\n');
        if between || offset < self.at || !self.text.is_char_boundary(offset) {
            return place(self.text, offset);
        }
        for (at, character) in self.text.get(self.at..offset).unwrap_or_default().char_indices() {
            let at = self.at + at;
            match character {
                '\n' => self.place = Place { line: self.place.line + 1, column: 1 },
                '\r' if bytes.get(at + 1) != Some(&b'\n') => {
                    self.place = Place { line: self.place.line + 1, column: 1 };
                }
                MARK if at == 0 => {}
                _ => self.place.column += 1,
            }
        }
        self.at = offset;
        self.place
    }
}

/// The first and the last place of a span; the last one is behind its last character.
pub(crate) fn places(text: &str, span: Span) -> (Place, Place) {
    let range = span.range();
    (place(text, range.start), place(text, range.end))
}

/// Offsets at which lines begin; the first is 0.
pub(crate) fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let ends = move |(at, byte): (usize, &u8)| match byte {
        b'\n' => Some(at + 1),
        b'\r' if bytes.get(at + 1) != Some(&b'\n') => Some(at + 1),
        _ => None,
    };
    std::iter::once(0).chain(bytes.iter().enumerate().filter_map(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_finds_the_same_places() {
        for text in ["é tcp\r\nudp\rip\n", "\u{FEFF}a\n\r\n\r\r\nb", ""] {
            for step in 1..5 {
                let mut walk = Walk::new(text);
                for offset in (0..text.len() + 2).step_by(step).chain([0, 3, 2]) {
                    assert_eq!(walk.place(offset), place(text, offset), "{text:?} at {offset} by {step}");
                }
            }
        }
    }

    #[test]
    fn places_count_characters() {
        let text = "é tcp\r\nudp\rip\n";
        let cases =
            [(0, 1, 1), (2, 1, 2), (3, 1, 3), (6, 1, 6), (8, 2, 1), (11, 2, 4), (12, 3, 1), (15, 4, 1)];
        for (offset, line, column) in cases {
            assert_eq!(place(text, offset), Place { line, column }, "offset {offset}");
        }
        assert_eq!(place(text, 99), Place { line: 4, column: 1 });
        assert_eq!(place(text, 1), Place { line: 1, column: 1 });
        assert_eq!(place("", 0), Place { line: 1, column: 1 });
        for (offset, line, column) in [(0, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 2), (6, 2, 1), (7, 2, 2)] {
            assert_eq!(place("\u{FEFF}ip\nudp", offset), Place { line, column }, "offset {offset}");
        }
    }
}
