//! Indexes of array fields: from the number in brackets to a byte offset (language notes §3).

use divert_grammar::ast::{self, Value, ValueKind};
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_vm::field::Field;
use divert_vm::limits::MAX_INDEX;

use super::literal::{self, Form, LiteralError};
use super::names::{self, Builtin, Place, builtin};
use super::resolve::Resolver;
use super::sets::word_span;
use crate::{codes, limits};

impl Resolver<'_> {
    /// The byte offset that an index means for a field whose elements have `width` bytes.
    pub(super) fn index(&mut self, field: Field, width: u8, index: &ast::Index) -> Option<i32> {
        let value = &index.value;
        let (number, bytes) = self.index_number(value)?;
        let scale = if bytes { 1 } else { u128::from(width) };
        let offset = number.checked_mul(scale).filter(|_| number <= limits::MAX_INDEX_NUMBER);
        let width_ = i32::from(width);
        let (least, most) = if value.negative { (width_, MAX_INDEX) } else { (0, MAX_INDEX - width_) };
        let offset = offset.and_then(|offset| i32::try_from(offset).ok());
        match offset {
            Some(offset) if (least..=most).contains(&offset) => {
                Some(if value.negative { -offset } else { offset })
            }
            Some(_) | None => {
                self.report(out_of_bounds(
                    field,
                    value,
                    offset.unwrap_or(i32::MAX),
                    (least, most),
                    scale,
                    bytes,
                ));
                None
            }
        }
    }

    /// The number in brackets and whether it counts bytes.
    pub(super) fn index_number(&mut self, value: &Value) -> Option<(u128, bool)> {
        let (word, span) = (&*value.text, word_span(value));
        if word.is_empty() {
            // The parser has said what is wrong.
            return None;
        }
        match value.kind {
            ValueKind::Literal => match literal::index(word) {
                Ok((number, bytes)) if matches!(number.form, Form::Decimal | Form::Hex) => {
                    return Some((number.value, bytes));
                }
                Ok(_) => self.report(not_integer(word, span, "an address is no index")),
                Err(LiteralError::ByteSuffix) => {}
                Err(error) => self.word(error.diagnostic(word, span)),
            },
            ValueKind::Name => match builtin(word, self.layer) {
                Some(Builtin::FieldElsewhere(field)) => {
                    self.word(names::elsewhere(field, span, self.layer));
                }
                Some(_) => self.report(not_integer(word, span, "a name is no index")),
                None if self.known.contains_key(word) => {
                    if let Some(known) = self.known.get_mut(word) {
                        known.used = true;
                    }
                    self.report(not_integer(word, span, "a definition is no index"));
                }
                None => self.unknown(word, span, Place::Constant),
            },
        }
        None
    }
}

#[cold]
fn not_integer(word: &str, span: Span, label: &str) -> Diagnostic {
    Diagnostic::error(codes::INDEX_NOT_INTEGER, format!("`{word}` cannot be an index"), span)
        .label(label)
        .help("an index is a decimal or hexadecimal number, perhaps with `-` before it, and with `b` behind it to count bytes")
}

#[cold]
fn out_of_bounds(
    field: Field,
    value: &Value,
    offset: i32,
    (least, most): (i32, i32),
    scale: u128,
    bytes: bool,
) -> Diagnostic {
    // INVARIANT: the scale is 1, 2 or 4.
    let scale = i32::try_from(scale).unwrap_or(1);
    let nearest = if offset < least { (least + scale - 1) / scale } else { most / scale };
    let sign = if value.negative { "-" } else { "" };
    let suffix = if bytes { "b" } else { "" };
    let right = format!("{sign}{nearest}{suffix}");
    let name = field.name();
    let label = if value.negative && offset < least {
        match (field.info().element, offset) {
            (_, 0) => "counted from the end, indexes begin at -1".to_owned(),
            (width, _) => format!("an element of {width} bytes does not fit behind this place"),
        }
    } else {
        format!("byte offsets end at {MAX_INDEX}")
    };
    Diagnostic::error(codes::INDEX_BOUNDS, format!("index of `{name}` out of bounds"), word_span(value))
        .label(label)
        .suggest(
            format!("the nearest valid index is `{name}[{right}]`"),
            value.span,
            right,
            Applicability::MaybeIncorrect,
        )
}
