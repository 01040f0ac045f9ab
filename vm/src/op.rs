//! The instruction: one kind, a test. `SPEC.md` §3 and §4 give its record and its meaning.

use crate::field::Field;

/// How a key is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Op {
    /// `low <= key & mask <= high`; a field of 32 bits or less.
    Range = 0,
    /// The complement of [`Op::Range`] among present keys.
    NotRange = 1,
    /// `key & mask` in the narrow set number `low`.
    Set = 2,
    /// The complement of [`Op::Set`] among present keys.
    NotSet = 3,
    /// As [`Op::Range`] for a field of more than 32 bits; `low`, `high` and `mask` are numbers of constants.
    WideRange = 4,
    /// The complement of [`Op::WideRange`] among present keys.
    NotWideRange = 5,
    /// As [`Op::Set`] for a field of more than 32 bits: a wide set, and `mask` is the number of a constant.
    WideSet = 6,
    /// The complement of [`Op::WideSet`] among present keys.
    NotWideSet = 7,
}

impl Op {
    /// All operations, by number.
    pub const ALL: [Self; 8] = [
        Self::Range,
        Self::NotRange,
        Self::Set,
        Self::NotSet,
        Self::WideRange,
        Self::NotWideRange,
        Self::WideSet,
        Self::NotWideSet,
    ];

    /// The operation with this number.
    #[must_use]
    #[inline]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number in the record.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether it is the complement of another.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        self as u8 & 1 == 1
    }

    /// Whether it is for fields of more than 32 bits.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        self as u8 & 4 != 0
    }

    /// Whether it looks into a set.
    #[must_use]
    pub const fn is_set(self) -> bool {
        self as u8 & 2 != 0
    }

    /// The operation with these three properties.
    #[must_use]
    pub const fn new(wide: bool, set: bool, negated: bool) -> Self {
        match (wide, set, negated) {
            (false, false, false) => Self::Range,
            (false, false, true) => Self::NotRange,
            (false, true, false) => Self::Set,
            (false, true, true) => Self::NotSet,
            (true, false, false) => Self::WideRange,
            (true, false, true) => Self::NotWideRange,
            (true, true, false) => Self::WideSet,
            (true, true, true) => Self::NotWideSet,
        }
    }
}

/// Where to go after a test: a later instruction or a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Target(u16);

impl Target {
    /// The verdict "match".
    pub const ACCEPT: Self = Self(0xFFFF);
    /// The verdict "no match".
    pub const REJECT: Self = Self(0xFFFE);

    /// The instruction with this number; `None` beyond [`crate::limits::MAX_INSTRUCTIONS`].
    #[must_use]
    pub fn instruction(number: usize) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| *number < Self::REJECT.0).map(Self)
    }

    /// As it stands in the record.
    #[must_use]
    #[inline]
    pub const fn from_raw(raw: u16) -> Self {
        Self(raw)
    }

    /// As it stands in the record.
    #[must_use]
    pub const fn raw(self) -> u16 {
        self.0
    }

    /// The number of the instruction; `None` for a verdict.
    #[must_use]
    #[inline]
    pub const fn number(self) -> Option<usize> {
        if self.0 < Self::REJECT.0 { Some(self.0 as usize) } else { None }
    }
}

/// One test and its two successors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// How the key is looked up.
    pub op: Op,
    /// What is read.
    pub field: Field,
    /// Where to go when the field is there and the test succeeds.
    pub on_true: Target,
    /// Where to go otherwise.
    pub on_false: Target,
    /// Byte offset for array fields, from the end when negative; else 0.
    pub index: i32,
    /// Mask, or the number of a constant.
    pub mask: u32,
    /// Least key, or the number of a constant or of a set.
    pub low: u32,
    /// Greatest key, or the number of a constant; 0 for sets.
    pub high: u32,
}

/// What the compiler claims about one instruction so that the verifier can check it by looking at the instruction's
/// neighbours only (SPEC §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Certificate {
    /// Most steps from here to a verdict, this instruction included.
    pub work: u32,
    /// Classes of inputs for which [`Target::ACCEPT`] can be reached from here.
    pub classes: u32,
    /// An earlier instruction that leads here; for instruction 0 its own number.
    pub from: u16,
}

/// A table of intervals of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SetInfo {
    /// Whether its intervals are in the wide table.
    pub wide: bool,
    /// Number of its first interval in its table.
    pub first: u32,
    /// How many intervals it has; at least one.
    pub count: u32,
    /// Number of its first directory entry.
    pub directory: u32,
    /// How many buckets its directory has; one entry more than that, or none for 0.
    pub buckets: u32,
    /// A key belongs to bucket `(key - low of the first interval) >> shift`.
    pub shift: u8,
    /// Most search steps that a look-up takes: [`SetInfo::depth_of`] of its largest bucket.
    pub depth: u8,
}

impl SetInfo {
    /// Search steps for a look-up among `count` intervals.
    #[must_use]
    #[inline]
    pub const fn depth_of(count: u32) -> u8 {
        // Halving until one is left, and the final comparison.
        u32::BITS.saturating_sub(count.saturating_sub(1).leading_zeros()).saturating_add(1) as u8
    }
}
