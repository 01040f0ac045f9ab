//! The two dialects of the filter language.

use std::fmt;

/// What a text may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Everything: sets, subnets, masks, byte strings, definitions, comments, negated groups.
    #[default]
    Extended,
    /// What WinDivert 2.2 accepts, with the documented meaning.
    Windivert,
}

impl Dialect {
    /// Both dialects.
    pub const ALL: [Self; 2] = [Self::Extended, Self::Windivert];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Extended => "extended",
            Self::Windivert => "windivert",
        }
    }

    /// The dialect with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
