//! `# divertc: allow(lint)` in a filter: for the whole file before everything else, for the next line on a line of its
//! own, for its own line behind something.

use divert_grammar::ast::Comment;
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;

use super::levels;
use super::registry::Lint;
use super::warning;

/// What the comments of a text allow.
pub(super) struct Allowed {
    /// Lint, and the line that it is allowed on; `None` for all lines.
    entries: Vec<(Lint, Option<usize>)>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Names of no lint.
    pub(super) unknown: Vec<Diagnostic>,
}

impl Allowed {
    pub(super) fn new(source: &str, comments: &[Comment]) -> Self {
        let starts = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines: Vec<usize> = std::iter::once(0).chain(starts).collect();
        let mut allowed = Self { entries: Vec::new(), lines, unknown: Vec::new() };
        for comment in comments {
            let Some((at, list)) = list(&comment.text) else { continue };
            let place = allowed.place(source, comment, comments);
            let mut offset = comment.span.start() as usize + at;
            for word in list.split(',') {
                let blanks = word.len() - word.trim_start().len();
                let span = span(offset + blanks, word.trim().len());
                match levels::find(word.trim()) {
                    Ok(lint) => allowed.entries.push((lint, place)),
                    Err(error) => {
                        let mut found = warning(Lint::UnknownLint, error.to_string(), span).label("no lint");
                        for name in error.similar {
                            let message = format!("write `{name}`");
                            found = found.suggest(message, span, name, Applicability::MaybeIncorrect);
                        }
                        allowed.unknown.push(found);
                    }
                }
                offset += word.len() + 1;
            }
        }
        allowed
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// The line that a comment speaks of; `None` for all.
    fn place(&self, source: &str, comment: &Comment, comments: &[Comment]) -> Option<usize> {
        let begin = source.find(|c: char| !c.is_whitespace() && c != '\u{FEFF}').unwrap_or(0);
        // The first token: what follows the comments at the beginning.
        let mut first = begin;
        for other in comments {
            if source.get(first..other.span.start() as usize).is_some_and(|gap| gap.trim().is_empty()) {
                first = other.span.end() as usize;
            }
        }
        if (comment.span.end() as usize) <= first {
            return None;
        }
        let own = self.line(comment.span.start() as usize);
        if !comment.own_line {
            return Some(own);
        }
        let mut after = comment.span.end() as usize;
        for other in comments.iter().filter(|other| other.span.start() >= comment.span.end()) {
            if source.get(after..other.span.start() as usize).is_some_and(|gap| gap.trim().is_empty()) {
                after = other.span.end() as usize;
            }
        }
        let rest = source.get(after..).unwrap_or("");
        Some(self.line(after + (rest.len() - rest.trim_start().len())))
    }

    /// Whether a finding is allowed where it begins.
    pub(super) fn covers(&self, found: &Diagnostic) -> bool {
        let Some(lint) = Lint::find(found.code) else { return false };
        let line = self.line(found.primary.span.start() as usize);
        self.entries.iter().any(|(known, place)| *known == lint && place.is_none_or(|place| place == line))
    }
}

/// The names in `divertc: allow(…)` and where they begin in the comment.
fn list(comment: &str) -> Option<(usize, &str)> {
    let (_, rest) = comment.split_once("divertc:")?;
    let rest = rest.trim_start().strip_prefix("allow")?.trim_start().strip_prefix('(')?;
    let (list, _) = rest.split_once(')')?;
    Some((comment.len() - rest.len(), list))
}

fn span(at: usize, length: usize) -> Span {
    // INVARIANT: texts are at most 64 MiB.
    Span::new(at as u32, (at + length) as u32)
}
