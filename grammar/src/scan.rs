//! The first half of the lexer: leaves out comments (but keeps them), leaves out bad characters (but records them), and
//! looks into strings.

use crate::ast::Comment;
use crate::context::Context;
use crate::error::SyntaxError;
use crate::span::Span;
use crate::token::{self, Token};

/// A token with its place.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// Reads the tokens that matter.
pub(crate) struct Scanner<'c, 's> {
    cx: &'c Context<'s>,
    raw: logos::Lexer<'s, Token>,
    /// Where the last token was.
    last: Option<Span>,
    /// The length of the text.
    pub(crate) end: u32,
    /// The comments so far.
    pub(crate) comments: Vec<Comment>,
}

impl<'c, 's> Scanner<'c, 's> {
    /// A scanner at the beginning of the context's text.
    pub(crate) fn new(cx: &'c Context<'s>) -> Self {
        let end = u32::try_from(cx.source.len()).unwrap_or(u32::MAX);
        Self { cx, raw: token::start(cx.source), last: None, end, comments: Vec::new() }
    }

    /// The next token that is neither a comment nor bad.
    pub(crate) fn read(&mut self) -> Option<Place> {
        let before = self.last;
        let mut bad: Option<Span> = None;
        let found = loop {
            let Some((token, span)) = token::step(&mut self.raw) else { break None };
            if token == Token::Bad {
                match bad.take() {
                    Some(run) if run.end() == span.start() => bad = Some(run.to(span)),
                    Some(run) => {
                        self.cx.lexical(SyntaxError::BadCharacter { span: run });
                        bad = Some(span);
                    }
                    None => {
                        // Nothing between the two: one mistyped sign, as in `!@=`.
                        if let Some(before) = before.filter(|before| before.end() == span.start()) {
                            self.cx.excuse(before.start());
                        }
                        bad = Some(span);
                    }
                }
            } else if token == Token::Slash && self.begins_comment(span) {
                let rest = self.raw.remainder().split(['\n', '\r']).next().unwrap_or("").len();
                self.raw.bump(rest);
                let end = span.end() + u32::try_from(rest).unwrap_or(0);
                self.cx.lexical(SyntaxError::SlashComment { span: Span::new(span.start(), end) });
            } else if matches!(token, Token::LineComment | Token::BlockComment | Token::OpenComment) {
                self.comment(token, span);
            } else {
                break Some(Place { token: self.string(token, span), span });
            }
            if self.cx.stopped() {
                break None;
            }
        };
        if let Some(span) = bad {
            self.cx.lexical(SyntaxError::BadCharacter { span });
            self.cx.excuse(found.map_or(self.end, |place| place.span.start()));
        }
        self.last = found.map(|place| place.span);
        found
    }

    /// Checks a token that may be a string, and makes all strings one kind.
    fn string(&mut self, token: Token, span: Span) -> Token {
        if token == Token::OpenText {
            self.cx.lexical(SyntaxError::UnclosedText { span });
        } else if token == Token::SingleQuoted {
            self.cx.lexical(SyntaxError::SingleQuotes { span });
        } else if token == Token::Text {
            self.check_escapes(span);
        } else {
            return token;
        }
        Token::Text
    }

    /// Whether a slash begins a comment as other languages have it: a second one follows, and no constant touches it.
    fn begins_comment(&self, slash: Span) -> bool {
        let before = self.cx.source.get(..slash.range().start).unwrap_or("");
        self.raw.remainder().starts_with('/') && !before.ends_with(|last: char| last.is_ascii_alphanumeric())
    }

    fn comment(&mut self, token: Token, span: Span) {
        if token == Token::OpenComment {
            self.cx.lexical(SyntaxError::UnclosedComment { span });
            self.cx.excuse(self.end);
            return;
        }
        let text = span.of(self.cx.source).trim_end_matches('\r');
        let before = self.cx.source.get(..span.range().start).unwrap_or("");
        let blank = before.trim_end_matches([' ', '\t', '\x0B', '\x0C', '\r', '\u{FEFF}']);
        let own_line = blank.is_empty() || blank.ends_with('\n');
        let end = span.start() + u32::try_from(text.len()).unwrap_or(0);
        self.comments.push(Comment { text: text.into(), span: Span::new(span.start(), end), own_line });
    }

    fn check_escapes(&self, span: Span) {
        let text = span.of(self.cx.source);
        let raw = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
        if !raw.contains('\\') {
            return;
        }
        crate::text::unescape(raw, |range| {
            let at = |place: usize| span.start() + 1 + u32::try_from(place).unwrap_or(0);
            self.cx.lexical(SyntaxError::BadEscape { span: Span::new(at(range.start), at(range.end)) });
        });
    }
}
