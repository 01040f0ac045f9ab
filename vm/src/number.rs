//! The integers of the filter language: constants are mathematical, from −(2¹²⁸−1) to 2¹²⁸−1.

use core::cmp::Ordering;
use core::fmt;

/// A sign and a magnitude. `-0` cannot be told from `0`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Number {
    negative: bool,
    magnitude: u128,
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self::new(false, 0);

    /// The number with this sign and magnitude; the sign of zero is dropped.
    #[must_use]
    pub const fn new(negative: bool, magnitude: u128) -> Self {
        Self { negative: negative && magnitude != 0, magnitude }
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// Its distance from zero.
    #[must_use]
    pub const fn magnitude(self) -> u128 {
        self.magnitude
    }
}

impl From<u128> for Number {
    fn from(value: u128) -> Self {
        Self::new(false, value)
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Self {
        Self::new(value < 0, value.unsigned_abs())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        write!(f, "{}", self.magnitude)
    }
}
