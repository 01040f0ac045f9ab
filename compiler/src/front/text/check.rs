//! One test: does the field exist here, does it take an index, a mask, this operand?

use std::sync::Arc;

use divert_grammar::ast::{self, CompareOp, Operand, Value};
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::{Span, Spanned};
use divert_grammar::token::{is_constant, tokens};
use divert_vm::field::{Field, Style};
use divert_vm::number::Number;

use super::literal::Form;
use super::names::{self, Builtin, Place, builtin};
use super::resolve::{Meaning, Resolver};
use super::typed::{Expr, ExprKind, Mask, Matcher, Range, RangeForm, Test, holds};
use crate::{codes, limits};

impl Resolver<'_> {
    /// A test, with `not` before it when `negated`.
    #[inline(never)]
    pub(super) fn test(&mut self, test: &ast::Test, negated: bool, span: Span) -> Option<Expr> {
        let word = &*test.field.node;
        let at = test.field.span;
        match builtin(word, self.layer) {
            Some(Builtin::Field(field)) => self.field_test(field, test, negated, span),
            Some(Builtin::Truth(value)) => self.truth_test(value, test, negated, span),
            Some(Builtin::FieldElsewhere(field)) => {
                self.word(names::elsewhere(field, at, self.layer));
                self.look_at_rest(test)
            }
            Some(Builtin::Macro(_)) => {
                self.report(names::constant_as_field(word, at, self.layer));
                self.look_at_rest(test)
            }
            Some(Builtin::MacroElsewhere) => {
                self.report(names::macro_elsewhere(word, at, self.layer));
                self.look_at_rest(test)
            }
            None => match self.definition(word, at) {
                (Some(meaning), _) => self.definition_test(meaning, test, negated, span),
                (None, true) => self.look_at_rest(test),
                (None, false) => {
                    self.unknown(word, at, Place::Field);
                    self.look_at_rest(test)
                }
            },
        }
    }

    /// The mistakes right of a field that is none.
    fn look_at_rest(&mut self, test: &ast::Test) -> Option<Expr> {
        if let Some(index) = &test.index {
            let _ = self.index_number(&index.value);
        }
        if let Some(mask) = &test.mask {
            let _ = self.constant(mask);
        }
        match &test.matcher {
            Some(ast::Matcher::Compare { op: _, operand: Operand::Value(value) }) => {
                let _ = self.constant(value);
            }
            Some(ast::Matcher::In { set, .. }) => {
                let _ = self.set(set);
            }
            Some(ast::Matcher::Compare { op: _, operand: Operand::Bytes(_) }) | None => {}
        }
        None
    }

    fn field_test(&mut self, field: Field, test: &ast::Test, negated: bool, span: Span) -> Option<Expr> {
        let index = match (&test.index, field.info().element) {
            (None, 0) => Some(0),
            (Some(index), 0) => {
                self.report(stray_index(field.name(), index));
                None
            }
            (None, _) => {
                let diagnostic = self.missing_index(field, test.field.span);
                self.report(diagnostic);
                None
            }
            (Some(index), width) => self.index(field, width, index),
        };
        let mask = match &test.mask {
            Some(value) => self.mask(field, value).map(Some),
            None => Some(None),
        };
        let matcher = self.matcher(field, test, index, negated);
        let (index, mask, matcher) = (index?, mask?, matcher?);
        let test = Test { field, field_span: test.field.span, index, mask, matcher };
        self.warn_if_certain(&test);
        Some(Expr { kind: ExprKind::Test(test), span })
    }

    fn matcher(
        &mut self,
        field: Field,
        test: &ast::Test,
        index: Option<i32>,
        negated: bool,
    ) -> Option<Matcher> {
        match &test.matcher {
            None => {
                let op = if negated { CompareOp::Eq } else { CompareOp::Ne };
                Some(Matcher::Compare { op, number: Number::ZERO, written: None })
            }
            Some(ast::Matcher::Compare { op, operand: Operand::Value(value) }) => {
                let number = self.constant(value)?.number;
                let written = Some(op.span.to(value.span));
                let op = if negated { op.node.opposite() } else { op.node };
                Some(Matcher::Compare { op, number, written })
            }
            Some(ast::Matcher::Compare { op, operand: Operand::Bytes(text) }) => {
                self.byte_string(field, index, test, op, text, negated)
            }
            Some(ast::Matcher::In { negated: not_in, keyword: _, set }) => {
                let span = set.span;
                let ranges = self.set(set)?;
                self.subnets_fit(field, &ranges, test.field.span)?;
                Some(Matcher::In { negated: *not_in != negated, set: ranges, span })
            }
        }
    }

    /// `true` and `false` are fields whose value is known.
    fn truth_test(&mut self, truth: bool, test: &ast::Test, negated: bool, span: Span) -> Option<Expr> {
        let name = &*test.field.node;
        if let Some(index) = &test.index {
            self.report(stray_index(name, index));
            return None;
        }
        let mut value = Number::from(u128::from(truth));
        if let Some(mask) = &test.mask {
            let bits = self.constant(mask)?.number;
            if bits.is_negative() {
                self.report(negative_mask(mask.span));
                return None;
            }
            value = Number::from(value.magnitude() & bits.magnitude());
        }
        let verdict = match &test.matcher {
            None => value != Number::ZERO,
            Some(ast::Matcher::Compare { op, operand: Operand::Value(constant) }) => {
                holds(value, op.node, self.constant(constant)?.number)
            }
            Some(ast::Matcher::Compare { op, operand: Operand::Bytes(text) }) => {
                self.report(bytes_field(name, *op, text));
                return None;
            }
            Some(ast::Matcher::In { negated, keyword: _, set }) => {
                self.set(set)?.iter().any(|range| range.contains(value)) != *negated
            }
        };
        Some(Expr { kind: ExprKind::Const(verdict != negated), span })
    }

    /// A definition where a field is expected: a filter on its own is fine.
    fn definition_test(
        &mut self,
        meaning: Meaning,
        test: &ast::Test,
        negated: bool,
        span: Span,
    ) -> Option<Expr> {
        let name = &*test.field.node;
        let alone = test.index.is_none() && test.mask.is_none() && test.matcher.is_none();
        match meaning {
            Meaning::Filter(id) if alone => {
                let kind = ExprKind::Definition(id);
                if !negated {
                    return Some(Expr { kind, span });
                }
                let operand = Box::new(Expr { kind, span: test.field.span });
                Some(Expr { kind: ExprKind::Not(operand), span })
            }
            Meaning::Filter(_) => {
                let message =
                    format!("`{name}` is a filter, which is true or false; it has no value to compare");
                self.report(
                    Diagnostic::error(codes::WRONG_KIND, message, test.field.span)
                        .label("a filter")
                        .help(format!("write `{name}` alone, or `not {name}`")),
                );
                self.look_at_rest(test)
            }
            Meaning::Set(_) => {
                self.report(wrong_kind(name, "a set", "in", test.field.span));
                None
            }
            Meaning::Value(_) => {
                self.report(wrong_kind(name, "a constant", "==", test.field.span));
                None
            }
            Meaning::Pending | Meaning::Poison => None,
        }
    }

    fn mask(&mut self, field: Field, value: &Value) -> Option<Mask> {
        let constant = self.constant(value)?;
        if field.info().range.origin.is_negative() {
            let message = format!("`{}` cannot be masked", field.name());
            self.report(
                Diagnostic::error(codes::MASK_FIELD, message, value.span)
                    .label("a mask needs a field that is never negative")
                    .help("compare with `<`, `>=` or a range instead"),
            );
            return None;
        }
        if constant.number.is_negative() {
            self.report(negative_mask(value.span));
            return None;
        }
        let bits = constant.number.magnitude();
        // With a mask of other bits than an address has, somebody thinks of another field.
        let fits = match field.info().style {
            Style::Ipv4 => constant.form == Form::Ipv4 || bits <= 0xFFFF_FFFF,
            Style::Address | Style::Bool | Style::Decimal | Style::Hex | Style::Layer | Style::Event => true,
        };
        if !fits {
            let message = format!("the mask of `{}` is no IPv4 address", field.name());
            self.report(
                Diagnostic::error(codes::BAD_MASK, message, value.span)
                    .label("more than the 32 bits of an IPv4 address")
                    .help("write the mask as an address: `255.255.255.0`"),
            );
            return None;
        }
        Some(Mask { bits, span: value.span })
    }

    fn byte_string(
        &mut self,
        field: Field,
        index: Option<i32>,
        test: &ast::Test,
        op: &Spanned<CompareOp>,
        text: &ast::Text,
        negated: bool,
    ) -> Option<Matcher> {
        let length = text.bytes.len();
        if field.info().element != 1 {
            let op = Spanned::new(if negated { op.node.opposite() } else { op.node }, op.span);
            self.report(bytes_field(field.name(), op, text));
            return None;
        }
        let differ = match op.node {
            CompareOp::Eq => negated,
            CompareOp::Ne => !negated,
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                self.report(
                    Diagnostic::error(codes::BYTES_OPERATOR, "byte strings have no order", op.span)
                        .label("only `==` and `!=`"),
                );
                return None;
            }
        };
        if let Some(mask) = &test.mask {
            self.report(
                Diagnostic::error(codes::BYTES_OPERATOR, "a byte string cannot be masked", mask.span)
                    .label("a mask needs a number on the right"),
            );
            return None;
        }
        if length == 0 || length > limits::MAX_BYTE_STRING {
            let label = format!("{length} bytes; 1 to {} are allowed", limits::MAX_BYTE_STRING);
            let message =
                if length == 0 { "the byte string is empty" } else { "the byte string is too long" };
            self.report(Diagnostic::error(codes::BYTES_LENGTH, message, text.span).label(label));
            return None;
        }
        let index = index?;
        // INVARIANT: the length was checked against a limit far below 2³¹.
        let count = i32::try_from(length).unwrap_or(i32::MAX);
        if index < 0 && count > -index {
            let left = -index;
            self.report(
                Diagnostic::error(codes::BYTES_BOUNDS, "the byte string runs past the end", text.span)
                    .label(format!("{length} bytes, but from {index} on there are only {left}"))
                    .help(format!("the last {length} bytes begin at index -{length}")),
            );
            return None;
        }
        if index >= 0 && index.saturating_add(count) > divert_vm::limits::MAX_INDEX {
            self.report(
                Diagnostic::error(codes::BYTES_BOUNDS, "the byte string runs past every packet", text.span)
                    .label(format!("its last byte has index {}", index.saturating_add(count - 1)))
                    .help(format!("the greatest index is {}", divert_vm::limits::MAX_INDEX - 1)),
            );
            return None;
        }
        Some(Matcher::Bytes { negated: differ, bytes: Arc::from(&*text.bytes), span: text.span })
    }

    /// Subnets need a field that holds addresses of their family.
    fn subnets_fit(&mut self, field: Field, ranges: &[Range], at: Span) -> Option<()> {
        let style = field.info().style;
        let unfit = ranges.iter().find(|range| match (range.form, style) {
            (RangeForm::Value | RangeForm::Range, _) => false,
            (RangeForm::Ipv4Subnet, Style::Ipv4 | Style::Address) => false,
            (RangeForm::Ipv6Subnet, Style::Address) => false,
            (RangeForm::Ipv4Subnet | RangeForm::Ipv6Subnet, _) => true,
        });
        let Some(range) = unfit else { return Some(()) };
        let line =
            if range.line == 0 { String::new() } else { format!(" (line {} of the file)", range.line) };
        let diagnostic = if style == Style::Ipv4 {
            let message = format!("`{}` is an IPv4 address, the subnet is IPv6{line}", field.name());
            Diagnostic::error(codes::SUBNET_FIELD, message, range.span)
                .label("an IPv6 subnet")
                .help("IPv6 addresses are in `ipv6.SrcAddr` and `ipv6.DstAddr`; `localAddr` and `remoteAddr` hold both")
        } else {
            let message = format!("`{}` is no address, so it is in no subnet{line}", field.name());
            Diagnostic::error(codes::SUBNET_FIELD, message, range.span)
                .label("a subnet")
                .help("for a range of numbers write `low..high`")
        };
        self.report(diagnostic.also(at, format!("`{}` is tested here", field.name())));
        None
    }

    #[cold]
    fn missing_index(&self, field: Field, span: Span) -> Diagnostic {
        let name = field.name();
        let rest =
            Span::new(span.end(), u32::try_from(self.source.len()).unwrap_or(u32::MAX)).of(self.source);
        let (start, end) = tokens(rest)
            .next()
            .map_or((rest.len() as u32, rest.len() as u32), |(_, next)| (next.start(), next.end()));
        let after = Span::new(span.end().saturating_add(start), span.end().saturating_add(end));
        Diagnostic::error(codes::MISSING_INDEX, format!("`{name}` needs an index"), after)
            .label("an index in brackets is missing before this")
            .also(span, "an array")
            .suggest(
                format!("write `{name}[0]` for the first element"),
                Span::empty(span.end()),
                "[0]",
                Applicability::MaybeIncorrect,
            )
    }
}

#[cold]
fn stray_index(name: &str, index: &ast::Index) -> Diagnostic {
    let bracket = Span::new(index.span.start(), index.span.start().saturating_add(1));
    Diagnostic::error(codes::STRAY_INDEX, format!("`{name}` takes no index"), bracket)
        .label(format!("`{name}` is one value, not an array"))
        .suggest("remove the index", index.span, "", Applicability::MaybeIncorrect)
}

#[cold]
fn negative_mask(span: Span) -> Diagnostic {
    Diagnostic::error(codes::BAD_MASK, "a mask cannot be negative", span).label("below zero")
}

#[cold]
fn bytes_field(name: &str, op: Spanned<CompareOp>, text: &ast::Text) -> Diagnostic {
    let message = format!("`{name}` cannot be compared with a byte string");
    let found = Diagnostic::error(codes::BYTES_FIELD, message, text.span);
    if is_constant(&text.raw) {
        let found = found.label("numbers and addresses stand without quotes");
        let maybe = Applicability::MaybeIncorrect;
        let is_set = text.raw.contains('/') || text.raw.contains("..");
        return match (is_set, op.node) {
            (false, _) => found.suggest("remove the quotes", text.span, &*text.raw, maybe),
            (true, CompareOp::Eq) => {
                let right = format!("in {}", text.raw);
                found.suggest(format!("write `{right}`"), op.span.to(text.span), right, maybe)
            }
            (true, _) => found.help(format!("`in` and `not in` take subnets and ranges: `in {}`", text.raw)),
        };
    }
    found
        .label("a byte string")
        .help("byte strings are compared with `packet[i]`, `tcp.Payload[i]` and `udp.Payload[i]`")
}

#[cold]
fn wrong_kind(name: &str, kind: &str, operator: &str, span: Span) -> Diagnostic {
    Diagnostic::error(codes::WRONG_KIND, format!("`{name}` is {kind}, not a filter"), span)
        .label(format!("{kind} is neither true nor false"))
        .help(format!("compare a field with it: `… {operator} {name}`"))
}
