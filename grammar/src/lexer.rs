//! From tokens to what the grammar takes: contextual words become keywords, and brackets are made to match, so that the grammar never sees an unbalanced text.
//!
//! Mistakes that can be told from a token and its two neighbours are recorded here and mended on the spot; the grammar
//! then sees what was probably meant and need not recover.

mod list;

use std::collections::VecDeque;

use crate::ast::{Comment, ValueKind};
use crate::context::Context;
use crate::error::{Expected, Found, SyntaxError};
use crate::limits::MAX_NESTING;
use crate::scan::{Place, Scanner};
use crate::span::Span;
use crate::token::{Token, tokens};
use list::List;

/// A word of the text: what a compiler has to know even where the text does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// Where it stands.
    pub span: Span,
    /// Whether it is a name or a literal.
    pub kind: ValueKind,
}

/// The reason is in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop;

/// What lalrpop takes.
pub(crate) type Item = Result<(u32, Token, u32), Stop>;

/// An open bracket.
struct Open {
    /// What closes it in the text.
    closer: Token,
    /// What the parser gets for that: not the same where a set is in the wrong brackets.
    given: Token,
    span: Span,
    /// Question marks directly inside that still wait for their colon.
    questions: u32,
}

/// The lexer.
pub(crate) struct Lexer<'c, 's> {
    cx: &'c Context<'s>,
    scanner: Scanner<'c, 's>,
    /// The token after the one that is decided upon.
    ahead: Option<Place>,
    /// Brackets that are closed on the writer's behalf, and the token that made it necessary.
    queue: VecDeque<Place>,
    opens: Vec<Open>,
    /// As in [`Open`], outside all brackets.
    questions: u32,
    /// The last token given to the parser.
    previous: Option<Token>,
    /// The keyword of the statement that is being read.
    statement: Option<Span>,
    /// Whether that is a definition whose `=` has not come yet.
    defining: bool,
    /// What might turn out to be a set without its braces.
    list: Option<List>,
    /// Whether a statement may begin here.
    fresh: bool,
    /// Whether the end of the text was seen.
    finished: bool,
    /// The words so far.
    words: Vec<Word>,
}

impl<'c, 's> Lexer<'c, 's> {
    /// A lexer at the beginning of the context's text.
    pub(crate) fn new(cx: &'c Context<'s>) -> Self {
        let mut scanner = Scanner::new(cx);
        let ahead = scanner.read();
        Self {
            cx,
            scanner,
            ahead,
            queue: VecDeque::new(),
            opens: Vec::new(),
            questions: 0,
            previous: None,
            statement: None,
            defining: false,
            list: None,
            fresh: true,
            finished: false,
            words: Vec::new(),
        }
    }

    /// The words and the comments so far.
    pub(crate) fn into_parts(self) -> (Vec<Word>, Vec<Comment>) {
        (self.words, self.scanner.comments)
    }

    /// How far the text was read.
    pub(crate) fn reached(&self) -> u32 {
        self.ahead.map_or(self.scanner.end, |place| place.span.start())
    }

    /// Decides what the parser gets for the next token; `None` when it gets nothing for it.
    fn decide(&mut self, place: Place) -> Option<Place> {
        let Place { token, span } = place;
        match token {
            Token::ParenOpen | Token::BracketOpen
                if matches!(self.previous, Some(Token::In | Token::NotIn)) =>
            {
                let closer = if token == Token::ParenOpen { Token::ParenClose } else { Token::BracketClose };
                self.open_as(closer, Token::BraceClose, place)?;
                Some(Place { token: Token::BraceOpen, span })
            }
            Token::ParenOpen => self.open(Token::ParenClose, place),
            Token::BracketOpen => self.open(Token::BracketClose, place),
            Token::BraceOpen => self.open(Token::BraceClose, place),
            Token::ParenClose | Token::BracketClose | Token::BraceClose => self.close(place),
            Token::Question => {
                *self.questions() += 1;
                Some(place)
            }
            Token::Colon if *self.questions() > 0 => {
                *self.questions() -= 1;
                Some(place)
            }
            Token::Colon => self.refuse(SyntaxError::StrayColon { span }),
            Token::Comma if self.opens.last().is_some_and(|open| open.given == Token::BraceClose) => {
                Some(place)
            }
            Token::Comma => {
                let list = self.bare_list();
                self.refuse(SyntaxError::StrayComma { span, list })
            }
            Token::And | Token::Or | Token::Pipe if self.in_wrong_brackets() => {
                Some(Place { token: Token::Comma, span })
            }
            Token::Semicolon if self.statement.is_some() => {
                self.close_all(span);
                self.statement = None;
                self.fresh = true;
                self.enqueue(place)
            }
            Token::Semicolon => self.refuse(SyntaxError::StraySemicolon { span }),
            Token::Let if self.fresh => {
                self.statement = Some(span);
                self.defining = true;
                Some(place)
            }
            Token::Let => match self.statement {
                Some(keyword) => {
                    self.cx.lexical(SyntaxError::MissingSemicolon { span, keyword });
                    self.close_all(span);
                    self.queue.push_back(Place { token: Token::Semicolon, span: Span::empty(span.start()) });
                    self.statement = Some(span);
                    self.defining = true;
                    self.enqueue(place)
                }
                None => {
                    self.skip_statement();
                    self.refuse(SyntaxError::LateStatement { span })
                }
            },
            Token::Name => Some(Place { token: self.name(span), span }),
            Token::Literal => {
                self.words.push(Word { span, kind: ValueKind::Literal });
                Some(place)
            }
            Token::Ampersand if self.lacks_mask() => {
                self.refuse(SyntaxError::MissingConstant { span, found: Found::Sign })
            }
            Token::Ampersand if !self.is_mask() => {
                self.cx.lexical(SyntaxError::LoneAmpersand { span });
                self.cx.excuse(self.reached());
                Some(Place { token: Token::And, span })
            }
            Token::Pipe => {
                self.cx.lexical(SyntaxError::LonePipe { span });
                Some(Place { token: Token::Or, span })
            }
            Token::Not => match self.ahead {
                Some(next) if next.token == Token::In && self.after_operand() => {
                    self.advance();
                    Some(Place { token: Token::NotIn, span: span.to(next.span) })
                }
                _ => Some(place),
            },
            Token::Bang => match self.ahead {
                Some(next)
                    if matches!(next.token, Token::Assign | Token::Equal)
                        && self.after_operand()
                        && self.only_blanks(span.end(), next.span.start()) =>
                {
                    let operator = span.to(next.span);
                    self.advance();
                    self.cx.lexical(SyntaxError::SplitOperator { span, operator });
                    Some(Place { token: Token::NotEqual, span: operator })
                }
                _ => Some(place),
            },
            Token::Minus
                if self.after_operand()
                    && !self.ahead.is_some_and(|next| {
                        matches!(next.token, Token::Name | Token::Literal | Token::Minus)
                    }) =>
            {
                let expected = vec![Expected::Operator, Expected::Connective];
                self.refuse(SyntaxError::Unexpected { span, found: Found::Sign, expected })
            }
            // A sign that has nothing to stand before. Where a constant is due, the mistake is what follows it.
            Token::Minus
                if !self.constant_is_due()
                    && !self.ahead.is_some_and(|next| {
                        matches!(next.token, Token::Name | Token::Literal | Token::Minus)
                    }) =>
            {
                self.refuse(SyntaxError::MissingConstant { span, found: Found::Sign })
            }
            Token::Minus | Token::Slash | Token::Range | Token::Ampersand | Token::Text => Some(place),
            Token::Assign | Token::Equal | Token::NotEqual => self.operator(place),
            Token::Less | Token::LessEqual | Token::Greater | Token::GreaterEqual => self.operator(place),
            Token::And | Token::Or | Token::In => Some(place),
            // Made by this function, or handled by the scanner.
            Token::NotIn | Token::Layer | Token::File | Token::OpenText | Token::SingleQuoted => Some(place),
            Token::LineComment | Token::BlockComment | Token::OpenComment | Token::Bad => Some(place),
        }
    }

    /// A comparison; a second one behind the constant of the first is wrong, whatever follows.
    fn operator(&self, place: Place) -> Option<Place> {
        if self.has_compared() {
            let (span, expected) = (place.span, vec![Expected::Connective]);
            self.cx.lexical(SyntaxError::Unexpected { span, found: Found::Operator, expected });
            self.cx.excuse(self.reached());
        }
        Some(place)
    }

    fn only_blanks(&self, start: u32, end: u32) -> bool {
        Span::new(start, end).of(self.cx.source).bytes().all(|byte| byte.is_ascii_whitespace())
    }

    /// Takes the token ahead.
    fn advance(&mut self) -> Option<Place> {
        let next = self.scanner.read();
        core::mem::replace(&mut self.ahead, next)
    }

    /// Records an error about a token that the parser does not get.
    fn refuse(&mut self, error: SyntaxError) -> Option<Place> {
        self.cx.lexical(error);
        self.cx.excuse(self.reached());
        None
    }

    fn after_operand(&self) -> bool {
        self.previous.is_some_and(Token::ends_operand)
    }

    fn questions(&mut self) -> &mut u32 {
        self.opens.last_mut().map_or(&mut self.questions, |open| &mut open.questions)
    }

    /// `&` is a mask between a field and a constant; everywhere else somebody meant `&&`.
    fn is_mask(&self) -> bool {
        matches!(self.previous, Some(Token::Name | Token::BracketClose))
            && !self.ahead.is_some_and(|next| {
                matches!(next.token, Token::ParenOpen | Token::Not | Token::Bang | Token::Ampersand)
            })
    }

    /// Whether something follows that is neither a mask nor a second test.
    fn lacks_mask(&self) -> bool {
        let may_follow = |token: Token| {
            token.begins_operand() || matches!(token, Token::Minus | Token::Ampersand | Token::Text)
        };
        matches!(self.previous, Some(Token::Name | Token::BracketClose))
            && self.ahead.is_some_and(|next| !may_follow(next.token))
    }

    /// Whether only a constant is right here: behind an operator, in a set, in an index.
    const fn constant_is_due(&self) -> bool {
        match self.previous {
            Some(previous) => {
                previous.is_operator()
                    || matches!(
                        previous,
                        Token::BracketOpen
                            | Token::BraceOpen
                            | Token::Comma
                            | Token::Range
                            | Token::Slash
                            | Token::Ampersand
                    )
            }
            None => false,
        }
    }

    fn name(&mut self, span: Span) -> Token {
        let text = span.of(self.cx.source);
        let next = self.ahead.map(|place| place.token);
        let operand_follows = next.is_some_and(Token::begins_operand);
        let wrong = |keyword, token| {
            self.cx.lexical(SyntaxError::WrongCase { span, keyword });
            token
        };
        match (text.len(), self.after_operand()) {
            (3, true) if operand_follows && text.eq_ignore_ascii_case("and") => {
                return wrong("and", Token::And);
            }
            (2, true) if operand_follows && text.eq_ignore_ascii_case("or") => return wrong("or", Token::Or),
            (2, true) if text.eq_ignore_ascii_case("in") => return wrong("in", Token::In),
            (3, false)
                if operand_follows && next != Some(Token::Literal) && text.eq_ignore_ascii_case("not") =>
            {
                return wrong("not", Token::Not);
            }
            (5, _) if self.fresh && text == "layer" && self.layer_follows() => {
                self.statement = Some(span);
                return Token::Layer;
            }
            (4, _) if text == "file" && next == Some(Token::ParenOpen) && self.set_begins() => {
                return Token::File;
            }
            _ => {}
        }
        self.words.push(Word { span, kind: ValueKind::Name });
        Token::Name
    }

    /// Whether what follows makes `layer` a statement and not the field of that name: a word and a semicolon, or a word
    /// that may be a layer's, with which nothing else is begun.
    fn layer_follows(&self) -> bool {
        let Some(next) = self.ahead else { return false };
        let text = next.span.of(self.cx.source);
        let keyword = ["and", "or", "in", "not"].iter().any(|keyword| text.eq_ignore_ascii_case(keyword));
        let rest = self.cx.source.get(next.span.range().end..).unwrap_or("");
        let mut after = tokens(rest).map(|(token, _)| token);
        let after = after.find(|token| !matches!(token, Token::LineComment | Token::BlockComment));
        if next.token == Token::Semicolon {
            return true;
        }
        if keyword || !matches!(next.token, Token::Name | Token::Literal) {
            return false;
        }
        let may_be = next.token == Token::Name && text.starts_with(|first: char| first.is_ascii_uppercase());
        let begins_test = after.is_some_and(|after| {
            after.is_operator() || matches!(after, Token::BracketOpen | Token::Ampersand)
        });
        after == Some(Token::Semicolon) || (may_be && !begins_test)
    }

    /// Whether an entry of a set may begin here.
    fn set_begins(&self) -> bool {
        matches!(
            self.previous,
            Some(Token::In | Token::NotIn | Token::BraceOpen | Token::Comma | Token::Assign | Token::Equal)
        )
    }

    fn open(&mut self, closer: Token, place: Place) -> Option<Place> {
        self.open_as(closer, closer, place)
    }

    /// The bracket that `closer` closes; the parser gets `given` for that.
    fn open_as(&mut self, closer: Token, given: Token, place: Place) -> Option<Place> {
        if self.opens.len() >= MAX_NESTING {
            self.cx.lexical(SyntaxError::TooDeep { span: place.span });
            self.cx.stop();
            return None;
        }
        self.opens.push(Open { closer, given, span: place.span, questions: 0 });
        Some(place)
    }

    fn close(&mut self, place: Place) -> Option<Place> {
        let Some(depth) = self.opens.iter().rposition(|open| open.closer == place.token) else {
            return self.refuse(SyntaxError::Unopened { span: place.span });
        };
        self.close_to(depth + 1, place.span);
        let Open { closer, given, span, questions: _ } = self.opens.pop()?;
        if given != closer {
            self.cx.lexical(SyntaxError::SetBrackets { span, whole: span.to(place.span) });
        }
        self.enqueue(Place { token: given, ..place })
    }

    /// Closes everything that is open.
    fn close_all(&mut self, at: Span) {
        self.close_to(0, at);
        self.questions = 0;
    }

    /// Closes brackets on the writer's behalf until `depth` are left.
    fn close_to(&mut self, depth: usize, at: Span) {
        let count = self.opens.len().saturating_sub(depth);
        if let Some(open) = self.opens.last().filter(|_| count > 0) {
            self.cx.lexical(SyntaxError::Unclosed { span: at, opener: open.span, count });
        }
        let place = Span::empty(at.start());
        self.queue
            .extend(self.opens.drain(depth..).rev().map(|open| Place { token: open.given, span: place }));
    }

    /// Gives a token, but only after those in the queue.
    fn enqueue(&mut self, place: Place) -> Option<Place> {
        if self.queue.is_empty() {
            return Some(place);
        }
        self.queue.push_back(place);
        None
    }

    fn in_wrong_brackets(&self) -> bool {
        self.opens.last().is_some_and(|open| open.given != open.closer)
    }

    /// Leaves out a statement in the middle of a filter.
    fn skip_statement(&mut self) {
        while let Some(place) = self.ahead {
            if self.cx.stopped() {
                return;
            }
            self.advance();
            if place.token == Token::Semicolon {
                return;
            }
        }
    }

    /// At the end of the text: closes what is open.
    fn finish(&mut self) {
        let at = Span::empty(self.scanner.end);
        self.close_all(at);
        if self.fresh && !self.finished {
            self.cx.end_blank(self.scanner.end);
        }
        self.finished = true;
        if let Some(keyword) = self.statement.take() {
            self.cx.lexical(SyntaxError::MissingSemicolon { span: at, keyword });
            self.queue.push_back(Place { token: Token::Semicolon, span: at });
        }
    }

    fn give(&mut self, place: Place) -> Item {
        if place.token != Token::ParenOpen && !self.cx.spend(self.opens.len()) {
            self.cx.stop();
        }
        if matches!(
            place.token,
            Token::And
                | Token::Or
                | Token::Comma
                | Token::Semicolon
                | Token::ParenClose
                | Token::Question
                | Token::Colon
        ) {
            self.cx.sync(place.span.start());
        }
        let before = self.previous.replace(place.token);
        self.note_list(before, place);
        Ok((place.span.start(), place.token, place.span.end()))
    }
}

impl Iterator for Lexer<'_, '_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if self.cx.stopped() {
                return Some(Err(Stop));
            }
            if let Some(place) = self.queue.pop_front() {
                return Some(self.give(place));
            }
            let Some(place) = self.advance() else {
                self.finish();
                if self.queue.is_empty() {
                    return None;
                }
                continue;
            };
            let decided = self.decide(place);
            // Only what directly follows a semicolon is fresh, and dropped tokens do not count.
            if decided.is_some() && place.token != Token::Semicolon {
                self.fresh = false;
            }
            if let Some(place) = decided {
                return Some(self.give(place));
            }
        }
    }
}
