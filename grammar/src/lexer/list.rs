//! Sets whose braces were forgotten: `in 80, 443`. The constants are taken out of the text, so that the parser goes on
//! behind them.

use super::{Lexer, Word};
use crate::ast::{CompareOp, ValueKind};
use crate::error::BareList;
use crate::scan::Place;
use crate::span::Span;
use crate::token::Token;

/// Constants behind a comparison, behind `in` or in a definition, as far as they were read.
#[derive(Clone, Copy)]
pub(super) struct List {
    operator: Option<(Span, CompareOp)>,
    /// Whether a field stands before them.
    of_field: bool,
    /// Where the first of them begins.
    start: Option<u32>,
}

impl Lexer<'_, '_> {
    /// Takes note of what a set without braces might begin with.
    pub(super) fn note_list(&mut self, before: Option<Token>, place: Place) {
        let of_field = matches!(before, Some(Token::Name | Token::BracketClose));
        let compared = |op| Some(List { operator: Some((place.span, op)), of_field, start: None });
        let defines = place.token == Token::Assign && core::mem::take(&mut self.defining);
        let of_field = of_field && !defines;
        let plain = Some(List { operator: None, of_field, start: None });
        self.list = if defines || matches!(place.token, Token::In | Token::NotIn) {
            plain
        } else if matches!(place.token, Token::Assign | Token::Equal) {
            compared(CompareOp::Eq)
        } else if place.token == Token::NotEqual {
            compared(CompareOp::Ne)
        } else if place.token == Token::Less {
            compared(CompareOp::Lt)
        } else if place.token == Token::LessEqual {
            compared(CompareOp::Le)
        } else if place.token == Token::Greater {
            compared(CompareOp::Gt)
        } else if place.token == Token::GreaterEqual {
            compared(CompareOp::Ge)
        } else if matches!(place.token, Token::Name | Token::Literal | Token::Minus) {
            self.list.map(|list| List { start: Some(list.start.unwrap_or(place.span.start())), ..list })
        } else if matches!(place.token, Token::Range | Token::Slash) {
            self.list
        } else {
            None
        };
    }

    /// Whether a field was compared with a constant just now.
    pub(super) fn has_compared(&self) -> bool {
        self.list.is_some_and(|list| list.of_field && list.start.is_some())
    }

    /// At a comma outside braces: takes the constants that follow, when there are some on both sides.
    pub(super) fn bare_list(&mut self) -> Option<BareList> {
        let List { operator, of_field: _, start } = self.list?;
        let start = start.filter(|_| matches!(self.previous, Some(Token::Name | Token::Literal)))?;
        let mut end = None;
        while let Some(constant) = self.bare_constant() {
            end = Some(constant);
            if !self.ahead.is_some_and(|next| next.token == Token::Comma) {
                break;
            }
            self.advance();
        }
        end.map(|end| BareList { span: Span::new(start, end), operator })
    }

    /// Takes a constant, range or subnet; gives its end.
    fn bare_constant(&mut self) -> Option<u32> {
        let mut end = self.bare_literal()?;
        if self.ahead.is_some_and(|next| matches!(next.token, Token::Range | Token::Slash)) {
            self.advance();
            end = self.bare_literal().unwrap_or(end);
        }
        Some(end)
    }

    /// Takes a literal and its sign. Names stay: a test may begin with them.
    fn bare_literal(&mut self) -> Option<u32> {
        if self.ahead.is_some_and(|next| next.token == Token::Minus) {
            self.advance();
        }
        let Place { token: _, span } = self.ahead.filter(|next| next.token == Token::Literal)?;
        self.words.push(Word { span, kind: ValueKind::Literal });
        self.advance();
        Some(span.end())
    }
}
