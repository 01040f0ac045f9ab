//! The typed tree: every name is a field of the layer, every constant a number. Nothing is folded, and places in the
//! text are kept for lints and for `explain`.

use std::fmt;
use std::sync::Arc;

use divert_grammar::ast::CompareOp;
use divert_grammar::span::Span;
use divert_vm::field::Field;
use divert_vm::layer::Layer;
use divert_vm::number::Number;

/// A filter whose names and constants are understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Where it applies.
    pub layer: Layer,
    /// The definitions of filters; each uses earlier ones only.
    pub definitions: Vec<Definition>,
    /// The filter itself.
    pub filter: Expr,
}

/// A filter with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name.
    pub name: Box<str>,
    /// What it stands for.
    pub filter: Expr,
    /// Levels of nesting, those of the definitions that it uses included.
    pub depth: u32,
}

/// The position of a definition in [`Typed::definitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionId(pub(crate) u32);

impl DefinitionId {
    /// The position.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A filter or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Span,
}

/// The forms of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// True when all are.
    And(Vec<Expr>),
    /// True when one is.
    Or(Vec<Expr>),
    /// True when the operand is false. Only groups, conditionals and definitions are operands: a negated test is a
    /// test with the opposite matcher.
    Not(Box<Expr>),
    /// `yes` when the condition is true, else `no`.
    Cond {
        /// Decides.
        condition: Box<Expr>,
        /// Counts when the condition is true.
        yes: Box<Expr>,
        /// Counts when the condition is false.
        no: Box<Expr>,
    },
    /// One test on one field.
    Test(Test),
    /// A definition.
    Definition(DefinitionId),
    /// `true`, `false`, and comparisons of these.
    Const(bool),
}

/// One test on one field. It is false when the input does not have the field, whatever the matcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The field.
    pub field: Field,
    /// Where its name stands.
    pub field_span: Span,
    /// Byte offset for array fields, from the end when negative; else 0.
    pub index: i32,
    /// What the value is ANDed with.
    pub mask: Option<Mask>,
    /// What it is compared with.
    pub matcher: Matcher,
}

/// `& mask`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The bits that count, of the value as the language sees it: an IPv4 address has its `::ffff:` prefix.
    pub bits: u128,
    /// Where it stands.
    pub span: Span,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Compared with a number.
    Compare {
        /// The operator, after any `not`.
        op: CompareOp,
        /// The constant.
        number: Number,
        /// Where operator and constant stand; `None` when they were left out, which is `!= 0`.
        written: Option<Span>,
    },
    /// In a set, or not.
    In {
        /// Whether it must not be in the set, after any `not`.
        negated: bool,
        /// The set as written: unsorted, perhaps overlapping.
        set: Arc<[Range]>,
        /// Where the set stands.
        span: Span,
    },
    /// Consecutive bytes from the index on, which must all be there.
    Bytes {
        /// Whether they must differ, after any `not`.
        negated: bool,
        /// The bytes; never empty.
        bytes: Arc<[u8]>,
        /// Where the byte string stands.
        span: Span,
    },
}

/// An entry of a set: the numbers `low..=high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Least number.
    pub low: Number,
    /// Greatest number.
    pub high: Number,
    /// Where the entry stands; for a line of a set file, where the file is named.
    pub span: Span,
    /// The line of the set file, from 1; 0 when the entry is in the text itself.
    pub line: u32,
    /// How it was written.
    pub form: RangeForm,
}

/// How an entry of a set was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeForm {
    /// A value.
    Value,
    /// `low..high`
    Range,
    /// An IPv4 subnet.
    Ipv4Subnet,
    /// An IPv6 subnet.
    Ipv6Subnet,
}

impl Range {
    /// Whether `number` is in it.
    #[must_use]
    pub fn contains(&self, number: Number) -> bool {
        self.low <= number && number <= self.high
    }
}

/// Whether `left op right`.
#[must_use]
pub fn holds(left: Number, op: CompareOp, right: Number) -> bool {
    match op {
        CompareOp::Eq => left == right,
        CompareOp::Ne => left != right,
        CompareOp::Lt => left < right,
        CompareOp::Le => left <= right,
        CompareOp::Gt => left > right,
        CompareOp::Ge => left >= right,
    }
}

impl Typed {
    /// The definition with this id.
    #[must_use]
    pub fn definition(&self, id: DefinitionId) -> Option<&Definition> {
        self.definitions.get(id.index())
    }
}

/// The listing: the layer, the definitions, the filter, everything in full parentheses.
impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "layer {}", self.layer.name())?;
        for definition in &self.definitions {
            writeln!(f, "let {} = {}", definition.name, Shown(self, &definition.filter))?;
        }
        writeln!(f, "{}", Shown(self, &self.filter))
    }
}

struct Shown<'t>(&'t Typed, &'t Expr);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(typed, expr) = *self;
        let group = |f: &mut fmt::Formatter<'_>, word: &str, operands: &[Expr]| {
            f.write_str("(")?;
            for (position, operand) in operands.iter().enumerate() {
                write!(f, "{}{}", if position == 0 { "" } else { word }, Shown(typed, operand))?;
            }
            f.write_str(")")
        };
        match &expr.kind {
            ExprKind::And(operands) => group(f, " and ", operands),
            ExprKind::Or(operands) => group(f, " or ", operands),
            ExprKind::Not(operand) => write!(f, "not {}", Shown(typed, operand)),
            ExprKind::Cond { condition, yes, no } => {
                write!(f, "({}? {} : {})", Shown(typed, condition), Shown(typed, yes), Shown(typed, no))
            }
            ExprKind::Test(test) => test.fmt(f),
            ExprKind::Definition(id) => f.write_str(typed.definition(*id).map_or("?", |found| &found.name)),
            ExprKind::Const(value) => value.fmt(f),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name())?;
        if self.field.is_array() {
            write!(f, "[{}b]", self.index)?;
        }
        if let Some(mask) = self.mask {
            write!(f, " & {:#x}", mask.bits)?;
        }
        match &self.matcher {
            Matcher::Compare { op, number, written: _ } => write!(f, " {} {number}", op.text()),
            Matcher::In { negated, set, span: _ } => {
                write!(f, "{} in {{", if *negated { " not" } else { "" })?;
                for (position, range) in set.iter().enumerate() {
                    let comma = if position == 0 { "" } else { ", " };
                    if range.low == range.high {
                        write!(f, "{comma}{}", range.low)?;
                    } else {
                        write!(f, "{comma}{}..{}", range.low, range.high)?;
                    }
                }
                f.write_str("}")
            }
            Matcher::Bytes { negated, bytes, span: _ } => {
                write!(f, " {} \"{}\"", if *negated { "!=" } else { "==" }, bytes.escape_ascii())
            }
        }
    }
}
