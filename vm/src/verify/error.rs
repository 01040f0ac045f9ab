//! What the verifier says when it refuses.

use core::fmt;

/// A refusal: which invariant does not hold, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerifyError {
    /// Where.
    pub place: Where,
    /// Which.
    pub rule: Rule,
}

/// A place in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Where {
    /// The program as a whole.
    Program,
    /// The instruction with this number.
    Instruction(usize),
    /// The set with this number.
    Set(u32),
}

/// An invariant that does not hold; `SPEC.md` §6 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// V1: no instructions.
    Empty,
    /// V2: a set that is empty, too large, out of its table, or not laid out after the one before it; or tables with
    /// records that belong to no set.
    SetLayout,
    /// V3: intervals that are empty, out of order, overlapping or adjacent.
    SetOrder,
    /// V4: a directory that does not say where the intervals are.
    SetDirectory,
    /// V4: a claimed search depth that is not the set's.
    SetDepth,
    /// V5: no such operation.
    Op,
    /// V5: no such field.
    Field,
    /// V5: reserved bits that are not zero.
    Reserved,
    /// V6: a field that does not exist at the layer.
    Layer,
    /// V7: an operation of the wrong width for the field.
    Width,
    /// V8: an index out of bounds, or for a field that has none.
    Index,
    /// V9: a successor that is not a later instruction.
    Target,
    /// V10: an operand that does not exist.
    Operand,
    /// V10: keys that the field cannot have, or a test that cannot succeed.
    Constant,
    /// V11: no earlier instruction leads here.
    Unreachable,
    /// V12: a wrong claim about the work from here on.
    Work,
    /// V13: a wrong claim about the classes of inputs that can match from here on.
    Classes,
    /// V14: more work than the caller accepts.
    OverLimit {
        /// Worst-case steps of the program.
        work: u32,
        /// What the caller accepts.
        limit: u32,
    },
}

impl Rule {
    /// The number of the invariant in `SPEC.md`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Empty => 1,
            Self::SetLayout => 2,
            Self::SetOrder => 3,
            Self::SetDirectory | Self::SetDepth => 4,
            Self::Op | Self::Field | Self::Reserved => 5,
            Self::Layer => 6,
            Self::Width => 7,
            Self::Index => 8,
            Self::Target => 9,
            Self::Operand | Self::Constant => 10,
            Self::Unreachable => 11,
            Self::Work => 12,
            Self::Classes => 13,
            Self::OverLimit { .. } => 14,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Where::Program => {}
            Where::Instruction(number) => write!(f, "instruction {number}: ")?,
            Where::Set(number) => write!(f, "set {number}: ")?,
        }
        match self.rule {
            Rule::Empty => f.write_str("no instructions"),
            Rule::SetLayout => f.write_str("set is empty or not laid out after the one before it"),
            Rule::SetOrder => f.write_str("intervals are not sorted and apart"),
            Rule::SetDirectory => f.write_str("directory does not fit the intervals"),
            Rule::SetDepth => f.write_str("wrong search depth"),
            Rule::Op => f.write_str("no such operation"),
            Rule::Field => f.write_str("no such field"),
            Rule::Reserved => f.write_str("reserved bits are set"),
            Rule::Layer => f.write_str("field does not exist at this layer"),
            Rule::Width => f.write_str("operation does not fit the width of the field"),
            Rule::Index => f.write_str("index is out of bounds"),
            Rule::Target => f.write_str("successor is not a later instruction"),
            Rule::Operand => f.write_str("operand does not exist"),
            Rule::Constant => f.write_str("constant is out of the field's range"),
            Rule::Unreachable => f.write_str("unreachable instruction"),
            Rule::Work => f.write_str("wrong claim about the work"),
            Rule::Classes => f.write_str("wrong claim about the inputs that can match"),
            Rule::OverLimit { work, limit } => write!(f, "needs {work} steps; at most {limit} are allowed"),
        }?;
        write!(f, " (V{})", self.rule.number())
    }
}

impl core::error::Error for VerifyError {}
