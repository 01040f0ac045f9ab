//! Constants and sets: from what is written to numbers.

use std::sync::Arc;

use divert_grammar::ast::{self, SetItemKind, Value, ValueKind};
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_vm::address::Ipv6;
use divert_vm::limits::MAX_SET_INTERVALS;
use divert_vm::number::Number;

use super::literal::{self, Form, LiteralError, shown};
use super::names::{self, Builtin, Place, builtin};
use super::resolve::{Meaning, Resolver};
use super::typed::{Range, RangeForm};
use crate::codes;

/// A number and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Constant {
    pub(super) number: Number,
    pub(super) form: Form,
}

impl Constant {
    /// A number that was written without a form of its own.
    pub(super) fn plain(value: u128) -> Self {
        Self { number: Number::from(value), form: Form::Decimal }
    }

    fn signed(self, negative: bool) -> Self {
        let number = Number::new(negative != self.number.is_negative(), self.number.magnitude());
        Self { number, ..self }
    }
}

/// Where the word of a value stands, without its sign.
pub(super) fn word_span(value: &Value) -> Span {
    let length = u32::try_from(value.text.len()).unwrap_or(u32::MAX);
    Span::new(value.span.end().saturating_sub(length), value.span.end())
}

impl Resolver<'_> {
    /// The number that `value` is; `None` when it is none, which was reported.
    pub(super) fn constant(&mut self, value: &Value) -> Option<Constant> {
        let (word, span) = (&*value.text, word_span(value));
        if value.kind == ValueKind::Literal {
            return match literal::literal(word) {
                Ok(literal) => {
                    let number = Number::from(literal.value);
                    Some(Constant { number, form: literal.form }.signed(value.negative))
                }
                Err(_) if word.is_empty() => None,
                Err(LiteralError::ByteSuffix) => {
                    self.report(LiteralError::ByteSuffix.diagnostic(word, span));
                    None
                }
                Err(error) => {
                    self.word(error.diagnostic(word, span));
                    None
                }
            };
        }
        match builtin(word, self.layer) {
            Some(Builtin::Macro(number)) => return Some(Constant::plain(number).signed(value.negative)),
            Some(Builtin::MacroElsewhere) => self.report(names::macro_elsewhere(word, span, self.layer)),
            Some(Builtin::FieldElsewhere(field)) => self.word(names::elsewhere(field, span, self.layer)),
            Some(Builtin::Field(_) | Builtin::Truth(_)) => self.report(names::field_as_constant(word, span)),
            None => match self.definition(word, span) {
                (Some(Meaning::Value(constant)), _) => return Some(constant.signed(value.negative)),
                (Some(Meaning::Set(_)), _) => self.report(not_constant(word, "a set", span)),
                (Some(Meaning::Filter(_)), _) => self.report(not_constant(word, "a filter", span)),
                (Some(Meaning::Pending | Meaning::Poison) | None, true) => {}
                (Some(_) | None, false) => self.unknown(word, span, Place::Constant),
            },
        }
        None
    }

    /// The entries of a set; `None` when one of them is wrong, which was reported.
    pub(super) fn set(&mut self, set: &ast::Set) -> Option<Arc<[Range]>> {
        if set.items.is_empty() {
            self.report(
                Diagnostic::error(codes::EMPTY_SET, "the set is empty", set.span)
                    .label("nothing is in it")
                    .help("for a filter that matches nothing write `false`"),
            );
            return None;
        }
        if let [item] = set.items.as_slice() {
            // A set of a name or a file is that set, not a copy of it.
            match &item.kind {
                SetItemKind::Value(value) if !value.negative && value.kind == ValueKind::Name => {
                    if let Some(found) = self.named_set(value) {
                        return Some(found);
                    }
                }
                SetItemKind::File(path) => return self.file(path),
                SetItemKind::Value(_)
                | SetItemKind::Range { .. }
                | SetItemKind::Subnet { .. }
                | SetItemKind::Error => {}
            }
        }
        let mut ranges = Some(Vec::new());
        for item in &set.items {
            let before = ranges.as_ref().map_or(0, Vec::len);
            if self.entry(item, ranges.as_mut()).is_none() {
                ranges = None;
            }
            let grown = ranges.as_ref().map_or(0, Vec::len);
            if grown > MAX_SET_INTERVALS && grown > before {
                self.report(too_large(set.span).label(format!("over {MAX_SET_INTERVALS}")));
                return None;
            }
        }
        ranges.map(Into::into)
    }

    /// The body of `let name = …;` when it is no filter.
    pub(super) fn definition_set(&mut self, set: &ast::Set) -> Option<Meaning> {
        match set.items.as_slice() {
            [ast::SetItem { kind: SetItemKind::Value(value), span: _ }] if !set.braces => {
                Some(Meaning::Value(self.constant(value)?))
            }
            _ => Some(Meaning::Set(self.set(set)?)),
        }
    }

    /// The set with this name; `None` when the name is something else.
    fn named_set(&mut self, value: &Value) -> Option<Arc<[Range]>> {
        let known = self.known.get_mut(&*value.text)?;
        match &known.meaning {
            Meaning::Set(ranges) => {
                known.used = true;
                Some(ranges.clone())
            }
            Meaning::Pending | Meaning::Poison | Meaning::Value(_) | Meaning::Filter(_) => None,
        }
    }

    /// Adds an entry to `ranges`, or only looks at it. `None` when it is wrong.
    fn entry(&mut self, item: &ast::SetItem, ranges: Option<&mut Vec<Range>>) -> Option<()> {
        let mut nowhere = Vec::new();
        let ranges = ranges.unwrap_or(&mut nowhere);
        let range = |low, high, form| Range { low, high, span: item.span, line: 0, form };
        match &item.kind {
            SetItemKind::Value(value) => {
                if let (false, Some(found)) = (value.negative, self.named_set(value)) {
                    // Sets of sets of sets grow by powers.
                    let before = self.copied;
                    self.copied = before.saturating_add(found.len());
                    if before > MAX_SET_INTERVALS {
                        // That was said.
                        return None;
                    }
                    if self.copied > MAX_SET_INTERVALS {
                        self.report(
                            too_large(item.span).label(format!(
                                "with the sets put in their places, over {MAX_SET_INTERVALS}"
                            )),
                        );
                        return None;
                    }
                    ranges.extend_from_slice(&found);
                } else {
                    let number = self.constant(value)?.number;
                    ranges.push(range(number, number, RangeForm::Value));
                }
            }
            SetItemKind::Range { low, high } => {
                let (first, last) = (self.constant(low), self.constant(high));
                let (first, last) = (first?.number, last?.number);
                if first > last {
                    let swapped = format!("{}..{}", high.span.of(self.source), low.span.of(self.source));
                    self.report(
                        Diagnostic::error(
                            codes::REVERSED_RANGE,
                            "the range ends before it begins",
                            item.span,
                        )
                        .label(format!("{} is greater than {}", low.text, high.text))
                        .suggest(
                            format!("write `{swapped}`"),
                            item.span,
                            swapped,
                            Applicability::MaybeIncorrect,
                        ),
                    );
                    return None;
                }
                ranges.push(range(first, last, RangeForm::Range));
            }
            SetItemKind::Subnet { base, prefix } => {
                let address = self.constant(base)?;
                match subnet(address, &prefix.text, prefix.negative) {
                    Ok((first, last, form)) => ranges.push(range(first, last, form)),
                    Err(error) => {
                        let diagnostic = error.diagnostic(base, prefix, item.span);
                        self.report(diagnostic);
                        return None;
                    }
                }
            }
            SetItemKind::File(path) => {
                let found = self.file(path)?;
                ranges.extend_from_slice(&found);
            }
            SetItemKind::Error => return None,
        }
        Some(())
    }
}

#[cold]
fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error(codes::SET_TOO_LARGE, "the set has too many entries", span)
}

#[cold]
fn not_constant(name: &str, kind: &str, span: Span) -> Diagnostic {
    let found = Diagnostic::error(codes::WRONG_KIND, format!("`{name}` is {kind}, not a constant"), span)
        .label("a number or an address is needed here");
    if kind == "a set" { found.help(format!("a field is in a set or not: `… in {name}`")) } else { found }
}

/// Why something is no subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubnetError {
    /// `80/8`, `-10.0.0.0/8`
    Base,
    /// `10.0.0.0/33`
    Prefix {
        /// Bits of an address.
        bits: u32,
        /// The length that a written-out mask means.
        mask: Option<u32>,
    },
    /// `10.0.0.1/8`
    HostBits {
        /// The address without them.
        network: u128,
    },
}

/// The numbers of the subnet.
pub(super) fn subnet(
    base: Constant,
    prefix: &str,
    negative: bool,
) -> Result<(Number, Number, RangeForm), SubnetError> {
    let (bits, form) = match base.form {
        Form::Ipv4 => (32, RangeForm::Ipv4Subnet),
        Form::Ipv6 => (128, RangeForm::Ipv6Subnet),
        Form::Decimal | Form::Hex => return Err(SubnetError::Base),
    };
    if base.number.is_negative() {
        return Err(SubnetError::Base);
    }
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let length = match prefix.parse::<u32>() {
        Ok(length) if digits && !negative && length <= bits => length,
        Ok(_) | Err(_) => return Err(SubnetError::Prefix { bits, mask: prefix_of_mask(prefix) }),
    };
    let host = match bits - length {
        0 => 0,
        count => u128::MAX >> (128 - count),
    };
    let first = base.number.magnitude();
    if first & host != 0 {
        return Err(SubnetError::HostBits { network: first & !host });
    }
    Ok((Number::from(first), Number::from(first | host), form))
}

/// `255.255.255.0` is 24.
fn prefix_of_mask(text: &str) -> Option<u32> {
    let mask = divert_vm::address::parse_ipv4(text)?;
    (mask.leading_ones() + mask.trailing_zeros().min(32) >= 32).then(|| mask.leading_ones())
}

impl SubnetError {
    /// A few words, for a line of a file.
    pub(super) fn text(self) -> String {
        match self {
            Self::Base => "the left side of a subnet is an address".to_owned(),
            Self::Prefix { bits, mask: _ } => format!("the prefix length is a number from 0 to {bits}"),
            Self::HostBits { network } => {
                format!("bits behind the prefix are set; the subnet's address is {}", Ipv6(network))
            }
        }
    }

    #[cold]
    fn diagnostic(self, base: &Value, prefix: &Value, span: Span) -> Diagnostic {
        let maybe = Applicability::MaybeIncorrect;
        match self {
            Self::Base => {
                let message = format!("`{}` is no address", shown(&base.text));
                Diagnostic::error(codes::SUBNET_BASE, message, base.span)
                    .label("the left side of a subnet is an address")
                    .help("subnets are written `10.0.0.0/8` and `2001:db8::/32`; for a range of numbers write `low..high`")
            }
            Self::Prefix { bits, mask } => {
                let message = format!("`{}` is no prefix length", shown(&prefix.text));
                let found = Diagnostic::error(codes::SUBNET_PREFIX, message, prefix.span)
                    .label(format!("a number from 0 to {bits}"));
                match mask {
                    Some(length) => {
                        found.suggest(format!("write `/{length}`"), prefix.span, length.to_string(), maybe)
                    }
                    None => found,
                }
            }
            Self::HostBits { network } => {
                let right = format!("{}/{}", Ipv6(network), prefix.text);
                let message =
                    format!("`{}/{}` is no subnet: bits behind the prefix are set", base.text, prefix.text);
                Diagnostic::error(codes::SUBNET_HOST_BITS, message, span)
                    .label(format!("only the first {} bits may be set", prefix.text))
                    .suggest(format!("write `{right}` for the whole subnet"), span, right, maybe)
                    .suggest(format!("write `{}` for the one address", base.text), span, &*base.text, maybe)
            }
        }
    }
}
