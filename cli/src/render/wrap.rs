//! Breaking text at blanks so that it fits a width.

use unicode_width::UnicodeWidthStr as _;

/// The lines of `text`, each at most `width` columns wide where its words allow that. Line ends in the text stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let indent: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        for word in words(paragraph) {
            if !line.trim_start().is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::replace(&mut line, indent.clone()));
            }
            if line.is_empty() {
                line.push_str(&indent);
            } else if !line.ends_with(' ') {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Words; what stands between backquotes stays together unless it is long, since it is to be copied.
fn words(text: &str) -> Vec<&str> {
    const LONG: usize = 32;
    let mut words = Vec::new();
    let (mut start, mut quoted_from) = (None, None);
    for (at, c) in text.char_indices() {
        if c == '`' {
            quoted_from = match quoted_from {
                None => Some(at),
                Some(_) => None,
            };
        }
        let kept = quoted_from.is_some_and(|from: usize| {
            let quoted = text.get(from + 1..).and_then(|rest| rest.find('`'));
            quoted.is_some_and(|length| length <= LONG)
        });
        match (c == ' ' && !kept, start) {
            (true, Some(from)) => {
                words.push(text.get(from..at).unwrap_or_default());
                start = None;
            }
            (false, None) => start = Some(at),
            (true, None) | (false, Some(_)) => {}
        }
    }
    if let Some(from) = start {
        words.push(text.get(from..).unwrap_or_default());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_keeps_short_quotes() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("write `tcp == 1` here", 10), ["write", "`tcp == 1`", "here"]);
        assert_eq!(wrap("a\n  b c", 4), ["a", "  b", "  c"]);
        assert_eq!(wrap("überlanges Wort", 3), ["überlanges", "Wort"]);
        assert_eq!(wrap("", 3), Vec::<String>::new());
    }
}
