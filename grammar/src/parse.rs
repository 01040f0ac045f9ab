//! The facade over the generated parser, and the only file that knows lalrpop's error types.

use lalrpop_util::{ErrorRecovery, ParseError, lalrpop_mod};

use crate::actions::{Node, mistake};
use crate::ast::{File, Index, Item, ItemKind, Operand, SetItem, SetItemKind, Value, ValueKind};
use crate::context::Context;
use crate::dialect;
use crate::error::{Expected, Found, SyntaxError};
use crate::lexer::{Lexer, Stop, Word};
use crate::limits::MAX_SOURCE;
use crate::span::{Span, Spanned};
use crate::token::{Token, tokens};

lalrpop_mod!(
    #[allow(clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
    #[allow(unreachable_pub, unused_qualifications, missing_docs, dead_code, reason = "generated")]
    filter
);

type Error = ParseError<u32, Token, Stop>;
type Recovery = ErrorRecovery<u32, Token, Stop>;

/// What came of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The tree. It holds an `Error` node, or no filter, exactly when there are errors; what is around the mistakes can
    /// still be looked into.
    pub file: File,
    /// Everything that is wrong, in the order of the text.
    pub errors: Vec<SyntaxError>,
    /// Every name and literal in the order of the text, also those that are not part of the tree because of an error.
    /// The keywords `layer` and `file` are not among them.
    pub words: Vec<Word>,
}

/// Parses a text of the extended dialect.
pub(crate) fn parse(source: &str) -> Parsed {
    if source.len() > MAX_SOURCE {
        let errors = vec![SyntaxError::TooLong { span: Span::empty(0) }];
        return Parsed { errors, ..Parsed::default() };
    }
    let cx = Context::new(source);
    let mut lexer = Lexer::new(&cx);
    let mut file = match filter::FileParser::new().parse(&cx, &mut lexer) {
        Ok(file) => file,
        Err(error) => {
            cx.report_raw(&error);
            File::default()
        }
    };
    let reached = lexer.reached();
    let (words, comments) = lexer.into_parts();
    file.comments = comments;
    let blank = cx.is_blank();
    let errors = cx.finish(reached);
    if let Some(first) = errors.first() {
        if blank {
            file.filter = None;
        } else if !dialect::is_damaged(&file) {
            // The mistake was mended on the way, so that more can be said about the filter; but nobody may compile it.
            file.items.push(Item { kind: ItemKind::Error, span: first.span() });
        }
    }
    Parsed { file, errors, words }
}

/// What the grammar does when it cannot go on.
impl Context<'_> {
    pub(crate) fn junk(&self, token: Token, span: Span) -> Spanned<Token> {
        self.progress();
        Spanned::new(token, span)
    }

    pub(crate) fn bad_item(&self, bad: Spanned<Token>, expected: Expected, span: Span) -> Item {
        let (found, expected) = (found(bad.node), vec![expected]);
        self.report(SyntaxError::Unexpected { span: bad.span, found, expected });
        Item { kind: ItemKind::Error, span }
    }

    pub(crate) fn bad_node(&self, recovery: Recovery, span: Span) -> Node {
        self.recovered(&recovery);
        Node::Expr(mistake(span))
    }

    pub(crate) fn bad_index(&self, recovery: Recovery, span: Span) -> Index {
        self.recovered(&recovery);
        let value = Value { negative: false, kind: ValueKind::Literal, text: "".into(), span };
        Index { value, span }
    }

    pub(crate) fn bad_operand(&self, recovery: Recovery) -> Option<Operand> {
        self.recovered(&recovery);
        None
    }

    pub(crate) fn bad_right(&self, recovery: Recovery, span: Span) -> Span {
        self.recovered(&recovery);
        span
    }

    pub(crate) fn bad_entry(&self, recovery: Recovery, span: Span) -> SetItem {
        self.recovered(&recovery);
        SetItem { kind: SetItemKind::Error, span }
    }

    fn recovered(&self, recovery: &Recovery) {
        self.progress();
        self.report_raw(&recovery.error);
    }

    fn report_raw(&self, error: &Error) {
        let (span, found, expected) = match error {
            ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
                (Span::new(*start, *end), found(*token), expected.as_slice())
            }
            ParseError::UnrecognizedEof { location: _, expected } => {
                let end = u32::try_from(self.source.len()).unwrap_or(u32::MAX);
                (Span::empty(end), Found::End, expected.as_slice())
            }
            ParseError::ExtraToken { token: (start, token, end) } => {
                (Span::new(*start, *end), found(*token), [].as_slice())
            }
            ParseError::InvalidToken { location } => (Span::empty(*location), Found::Sign, [].as_slice()),
            // The lexer has recorded the reason.
            ParseError::User { error: Stop } => return,
        };
        // Brackets and semicolons of no width were put in by the lexer at the end of the text or before a closer.
        let found = if span.is_empty() { Found::End } else { found };
        let expected = categories(expected);
        self.report_recovered(match expected.as_slice() {
            [Expected::BracketClose] => {
                self.no_index(span).unwrap_or(SyntaxError::Unexpected { span, found, expected })
            }
            [Expected::Operand] => SyntaxError::MissingOperand { span, found },
            [Expected::Constant] | [Expected::Constant, Expected::Text] => {
                SyntaxError::MissingConstant { span, found }
            }
            _ => SyntaxError::Unexpected { span, found, expected },
        });
    }

    /// What begins the index that goes wrong at `place`, when that is no number: it was wrong before.
    fn no_index(&self, place: Span) -> Option<SyntaxError> {
        let before = self.source.get(..place.range().start)?;
        let from = before.rfind('[')? + 1;
        let (token, word) = tokens(before.get(from..)?).find(|(token, _)| *token != Token::Minus)?;
        let from = u32::try_from(from).ok()?;
        let span = Span::new(from + word.start(), from + word.end());
        let is_number = span.of(self.source).bytes().all(|byte| byte.is_ascii_alphanumeric());
        let wrong = token == Token::Name || (token == Token::Literal && !is_number);
        let (found, expected) = (found(token), vec![Expected::Constant]);
        wrong.then_some(SyntaxError::Unexpected { span, found, expected })
    }
}

/// What kind of thing a token is.
const fn found(token: Token) -> Found {
    match token {
        Token::Name => Found::Name,
        Token::Literal => Found::Constant,
        Token::Text | Token::OpenText | Token::SingleQuoted => Found::Text,
        Token::And | Token::Or | Token::Not | Token::Bang | Token::In | Token::NotIn => Found::Keyword,
        Token::Let | Token::Layer | Token::File => Found::Keyword,
        Token::Assign | Token::Equal | Token::NotEqual => Found::Operator,
        Token::Less | Token::LessEqual | Token::Greater | Token::GreaterEqual => Found::Operator,
        Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => Found::Open,
        Token::ParenClose | Token::BracketClose | Token::BraceClose => Found::Close,
        Token::Minus | Token::Question | Token::Colon | Token::Comma | Token::Semicolon | Token::Slash => {
            Found::Sign
        }
        Token::Range | Token::Ampersand | Token::Pipe | Token::Bad => Found::Sign,
        Token::LineComment | Token::BlockComment | Token::OpenComment => Found::Sign,
    }
}

/// The categories of lalrpop's terminals.
///
/// The grammar takes many wrong texts in order to explain them, so the plain list would advise mistakes: a constant where
/// an operand begins, a second operand after the first. Three groups of places tell them apart: before an operand
/// (`not` and a name may come), after one (`and` may come), and all others.
fn categories(terminals: &[String]) -> Vec<Expected> {
    let terminals: Vec<&str> = terminals.iter().map(|terminal| terminal.trim_matches('"')).collect();
    let has = |terminal: &str| terminals.contains(&terminal);
    if !has("and") && has("not") && has("name") && has("(") && !has("..") {
        // After a comparison the grammar takes `not` and `(` too, as mistakes.
        return if has("==") { vec![Expected::Constant, Expected::Text] } else { vec![Expected::Operand] };
    }
    let after_operand = has("and");
    let mut expected: Vec<Expected> = terminals
        .iter()
        .filter_map(|&terminal| match terminal {
            "and" | "or" => Some(Expected::Connective),
            "==" | "in" => Some(Expected::Operator),
            "=" if !has("==") => Some(Expected::Assign),
            "?" if has(")") => Some(Expected::Question),
            ":" => Some(Expected::Colon),
            "," => Some(Expected::Comma),
            ";" => Some(Expected::Semicolon),
            ")" => Some(Expected::ParenClose),
            "]" => Some(Expected::BracketClose),
            "}" => Some(Expected::BraceClose),
            "(" if !after_operand => Some(Expected::ParenOpen),
            "literal" if !after_operand && !has(",") => Some(Expected::Constant),
            "name" if !after_operand && !has("literal") => Some(Expected::Name),
            "text" if !after_operand && !has("literal") => Some(Expected::Text),
            _ => None,
        })
        .collect();
    expected.sort_unstable();
    expected.dedup();
    expected
}
