//! Reads WinDivert filter objects (`@WinDiv_…`, language notes §7).
//!
//! Reading has two steps: [`Object::parse`] knows the shape only and accepts exactly what the original accepts;
//! [`Object::graph`] gives it a meaning at a layer. Constants are mathematical there: one that the field cannot have
//! is decided by its size, and the sign of zero is nothing.

use std::fmt;

use divert_vm::field::{Field, Place};
use divert_vm::layer::Layer;
use divert_vm::limits::MAX_INDEX;
use divert_vm::number::Number;

use crate::graph::{Builder, Graph, Load, NodeId};
use crate::set::IntervalSet;

/// Most tests that an object can have when it is read; one less when it is written.
pub const MAX_TESTS: usize = 256;

/// What every object begins with.
pub(crate) const MAGIC: &str = "@WinDiv_";
/// What is added to the byte index of an array field.
pub(crate) const INDEX_ORIGIN: i64 = 65_535;

/// One of the six comparisons of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `==`
    Eq = 0,
    /// `!=`
    Ne = 1,
    /// `<`
    Lt = 2,
    /// `<=`
    Le = 3,
    /// `>`
    Gt = 4,
    /// `>=`
    Ge = 5,
}

impl Op {
    const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Eq,
            1 => Self::Ne,
            2 => Self::Lt,
            3 => Self::Le,
            4 => Self::Gt,
            5 => Self::Ge,
            _ => return None,
        })
    }
}

/// Where a test leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The filter matches.
    Accept,
    /// The filter does not match.
    Reject,
    /// Go on with this instruction.
    Test(u8),
}

/// One test of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// What is compared.
    pub field: Field,
    /// How.
    pub op: Op,
    /// Whether the constant has a minus sign.
    pub negative: bool,
    /// The constant without its sign; the low 32 bits only for the IPv4 addresses.
    pub magnitude: u128,
    /// Byte index for array fields, from the end when negative; else 0.
    pub index: i32,
    /// Where to go when the test succeeds.
    pub yes: Target,
    /// Where to go when it fails, the field being absent included.
    pub no: Target,
}

/// A filter object: one test at least, the first is the entry, every target is a later test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub(crate) instructions: Vec<Instruction>,
}

/// Why a text is no object, or an object no filter of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectError {
    /// What is wrong.
    pub kind: ObjectErrorKind,
    /// Where, in bytes from the `@`.
    pub offset: usize,
}

/// The kinds of [`ObjectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectErrorKind {
    /// It does not begin with `@WinDiv_`.
    Magic,
    /// The version is not 0.
    Version,
    /// The number of tests is not 1 to 256; also what the original writes for 256 tests (`@WinDiv_WW`).
    Count,
    /// A number was expected, or it ends too early or has too many digits.
    Number,
    /// A number that needs more than 32 bits.
    Overflow,
    /// The `_` before a test is missing.
    Separator,
    /// No field has this number.
    Field,
    /// No comparison has this number.
    Operator,
    /// The sign is neither 0 nor 1.
    Sign,
    /// A target is none of `A`, `X` and `L…`.
    Label,
    /// A target is not a later test.
    Jump,
    /// Something follows the last test.
    Trailing,
    /// A field that does not exist at the layer. The original reads, writes and prints such an object; only
    /// evaluating it fails (code 87).
    Layer {
        /// The test, from 0.
        test: usize,
        /// The field.
        field: Field,
        /// The layer.
        layer: Layer,
    },
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ObjectErrorKind::Magic => write!(f, "a filter object begins with `{MAGIC}`"),
            ObjectErrorKind::Version => f.write_str("only version 0 of filter objects is known"),
            ObjectErrorKind::Count => write!(f, "a filter object has 1 to {MAX_TESTS} tests"),
            ObjectErrorKind::Number => f.write_str("expected a base-32 number"),
            ObjectErrorKind::Overflow => f.write_str("this number needs more than 32 bits"),
            ObjectErrorKind::Separator => f.write_str("expected `_` before the next test"),
            ObjectErrorKind::Field => f.write_str("no field has this number"),
            ObjectErrorKind::Operator => f.write_str("no comparison has this number"),
            ObjectErrorKind::Sign => f.write_str("expected the sign, 0 or 1"),
            ObjectErrorKind::Label => f.write_str("expected a target: `A`, `X` or `L` and a number"),
            ObjectErrorKind::Jump => f.write_str("a target must be a later test"),
            ObjectErrorKind::Trailing => f.write_str("nothing may follow the last test"),
            ObjectErrorKind::Layer { test, field, layer } => {
                write!(
                    f,
                    "test {test} is on `{}`, which does not exist at layer {}",
                    field.name(),
                    layer.name()
                )
            }
        }
    }
}

impl std::error::Error for ObjectError {}

/// Number of 32-bit words that a constant of `field` has in an object.
pub(crate) const fn words(field: Field) -> usize {
    match field.info().range.high {
        0..=0xFFFF_FFFF => 1,
        0x1_0000_0000..=0xFFFF_FFFF_FFFF_FFFF => 2,
        _ => 4,
    }
}

/// Whether the language can name this byte index of `field`; a test on any other fails.
#[must_use]
pub(crate) const fn index_in_bounds(field: Field, index: i32) -> bool {
    let element = field.info().element as i32;
    if index >= 0 { index <= MAX_INDEX - element } else { index >= -MAX_INDEX && index <= -element }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    const fn error<T>(&self, kind: ObjectErrorKind) -> Result<T, ObjectError> {
        Err(ObjectError { kind, offset: self.at })
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// A number of at most `digits` digits and 32 bits.
    fn number(&mut self, digits: usize) -> Result<u32, ObjectError> {
        let start = self.at;
        let mut value = 0_u64;
        for _ in 0..digits {
            let (digit, last) = match self.text.get(self.at) {
                Some(byte @ b'0'..=b'9') => (byte - b'0', false),
                Some(byte @ b'A'..=b'V') => (byte - b'A' + 10, false),
                Some(byte @ b'W'..=b'Z') => (byte - b'W', true),
                Some(byte @ b'a'..=b'z') => (byte - b'a' + 4, true),
                Some(b'+') => (30, true),
                Some(b'=') => (31, true),
                Some(_) | None => return self.error(ObjectErrorKind::Number),
            };
            self.at += 1;
            value = value << 5 | u64::from(digit);
            if last {
                return u32::try_from(value)
                    .map_err(|_| ObjectError { kind: ObjectErrorKind::Overflow, offset: start });
            }
        }
        self.error(ObjectErrorKind::Number)
    }

    /// A number that `accept` makes something of.
    fn decode<T>(
        &mut self,
        digits: usize,
        kind: ObjectErrorKind,
        accept: impl FnOnce(u32) -> Option<T>,
    ) -> Result<T, ObjectError> {
        let offset = self.at;
        accept(self.number(digits)?).ok_or(ObjectError { kind, offset })
    }

    fn target(&mut self, own: usize, count: usize) -> Result<Target, ObjectError> {
        let offset = self.at;
        match self.next() {
            Some(b'A') => Ok(Target::Accept),
            Some(b'X') => Ok(Target::Reject),
            Some(b'L') => self.decode(2, ObjectErrorKind::Jump, |to| {
                let inside = own < to as usize && (to as usize) < count;
                u8::try_from(to).ok().filter(|_| inside).map(Target::Test)
            }),
            Some(_) | None => Err(ObjectError { kind: ObjectErrorKind::Label, offset }),
        }
    }

    fn instruction(&mut self, own: usize, count: usize) -> Result<Instruction, ObjectError> {
        let field = self.decode(2, ObjectErrorKind::Field, |n| Field::from_number(u8::try_from(n).ok()?))?;
        let op = self.decode(2, ObjectErrorKind::Operator, Op::from_number)?;
        let negative = self.decode(1, ObjectErrorKind::Sign, |n| (n < 2).then_some(n == 1))?;
        let mut magnitude = 0;
        for word in 0..words(field) {
            magnitude |= u128::from(self.number(7)?) << (32 * word);
        }
        let mut index = 0;
        if field.is_array() {
            let shifted = i64::from(self.number(7)?) - INDEX_ORIGIN;
            index = i32::try_from(shifted).unwrap_or(i32::MAX);
        }
        let (yes, no) = (self.target(own, count)?, self.target(own, count)?);
        Ok(Instruction { field, op, negative, magnitude, index, yes, no })
    }
}

impl Instruction {
    /// The keys for which the test succeeds at `layer`.
    #[must_use]
    pub fn set(&self, layer: Layer) -> IntervalSet {
        let (low, high) = self.field.keys_at(layer);
        let origin = self.field.info().range.origin;
        // The constant of an IPv4 address is its low word; the language's number has the prefix.
        let prefix = if origin.is_negative() { 0 } else { origin.magnitude() };
        let place = self.field.place(Number::new(self.negative, prefix + self.magnitude));
        let all = || IntervalSet::range(low, high);
        let below = |key: u128, with: bool| match (with, key.checked_sub(1)) {
            (true, _) => IntervalSet::range(low, key),
            (false, Some(last)) => IntervalSet::range(low, last),
            (false, None) => IntervalSet::empty(),
        };
        let above = |key: u128, with: bool| match (with, key.checked_add(1)) {
            (true, _) => IntervalSet::range(key, high),
            (false, Some(first)) => IntervalSet::range(first, high),
            (false, None) => IntervalSet::empty(),
        };
        let set = match (self.op, place) {
            (Op::Eq, Place::At(key)) => IntervalSet::range(key, key),
            (Op::Ne, Place::At(key)) => below(key, false).union(&above(key, false)),
            (Op::Lt, Place::At(key)) => below(key, false),
            (Op::Le, Place::At(key)) => below(key, true),
            (Op::Gt, Place::At(key)) => above(key, false),
            (Op::Ge, Place::At(key)) => above(key, true),
            (Op::Eq, Place::Below | Place::Above)
            | (Op::Lt | Op::Le, Place::Below)
            | (Op::Gt | Op::Ge, Place::Above) => IntervalSet::empty(),
            (Op::Ne, Place::Below | Place::Above)
            | (Op::Lt | Op::Le, Place::Above)
            | (Op::Gt | Op::Ge, Place::Below) => all(),
        };
        // `event` has a narrower range at each layer than in the table.
        set.intersect(&all())
    }
}

impl Object {
    /// Reads the text of an object. Any text may be given; what the original accepts is accepted.
    ///
    /// # Errors
    /// What is wrong first, and where.
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        let mut reader = Reader { text: text.as_bytes(), at: 0 };
        for expected in MAGIC.bytes() {
            if reader.text.get(reader.at) != Some(&expected) {
                return reader.error(ObjectErrorKind::Magic);
            }
            reader.at += 1;
        }
        reader.decode(4, ObjectErrorKind::Version, |version| (version == 0).then_some(()))?;
        let count = reader.decode(2, ObjectErrorKind::Count, |count| {
            usize::try_from(count).ok().filter(|count| (1..=MAX_TESTS).contains(count))
        })?;
        let mut instructions = Vec::with_capacity(count);
        for own in 0..count {
            if reader.text.get(reader.at) != Some(&b'_') {
                return reader.error(ObjectErrorKind::Separator);
            }
            reader.at += 1;
            instructions.push(reader.instruction(own, count)?);
        }
        if reader.at < reader.text.len() {
            return reader.error(ObjectErrorKind::Trailing);
        }
        Ok(Self { instructions })
    }

    /// Its tests; the first is the entry.
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// What the object means at `layer`. A test on an index that the language does not have always fails.
    ///
    /// # Errors
    /// [`ObjectErrorKind::Layer`] for a field that does not exist there, reachable or not.
    pub fn graph(&self, layer: Layer) -> Result<Graph, ObjectError> {
        let mut builder = Builder::simplifying(layer);
        let mut ids = vec![NodeId::REJECT; self.instructions.len()];
        for (own, instruction) in self.instructions.iter().enumerate().rev() {
            let field = instruction.field;
            if !field.info().layers.contains(layer) {
                return Err(ObjectError {
                    kind: ObjectErrorKind::Layer { test: own, field, layer },
                    offset: 0,
                });
            }
            let id = |target| match target {
                Target::Accept => NodeId::ACCEPT,
                Target::Reject => NodeId::REJECT,
                Target::Test(to) => ids[usize::from(to)],
            };
            let (yes, no) = (id(instruction.yes), id(instruction.no));
            ids[own] = if !field.is_array() {
                builder.test(Load::field(field), instruction.set(layer), yes, no)
            } else if index_in_bounds(field, instruction.index) {
                builder.test(Load::element(field, instruction.index), instruction.set(layer), yes, no)
            } else {
                no
            };
        }
        Ok(builder.finish(ids.first().copied().unwrap_or(NodeId::REJECT)))
    }
}

/// Reads an object and gives it its meaning at `layer`.
///
/// # Errors
/// As [`Object::parse`] and [`Object::graph`].
pub fn decode(text: &str, layer: Layer) -> Result<Graph, ObjectError> {
    Object::parse(text)?.graph(layer)
}
