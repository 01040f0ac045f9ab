//! How severe each lint is.

use std::fmt;

use divert_grammar::diagnostic::{Diagnostic, Severity};

use super::registry::{LINTS, Level, Lint};
use crate::dialect::Dialect;
use crate::suggest;

/// A level for each lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    dialect: Dialect,
    of: Vec<Level>,
}

impl Default for Levels {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}

/// A word that is neither a lint's code nor its name nor `warnings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchLint {
    /// The word.
    pub word: String,
    /// Names that are similar.
    pub similar: Vec<&'static str>,
}

impl fmt::Display for NoSuchLint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no lint `{}`", self.word)?;
        match self.similar.first() {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NoSuchLint {}

/// The lint with this code or name.
pub(super) fn find(word: &str) -> Result<Lint, NoSuchLint> {
    Lint::find(word).ok_or_else(|| {
        let names = LINTS.iter().map(|info| info.about.name);
        NoSuchLint { word: word.to_owned(), similar: suggest::similar(word, names) }
    })
}

impl Levels {
    /// The default levels. A text in the windivert dialect is meant for WinDivert's driver, so its limits count.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let level = |info: &super::Info| match (dialect, info.lint) {
            (Dialect::Windivert, Lint::OverDriverLimit) => Level::Warn,
            (Dialect::Windivert | Dialect::Extended, _) => info.level,
        };
        Self { dialect, of: LINTS.iter().map(level).collect() }
    }

    /// The dialect whose default levels these were.
    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The level of a lint.
    #[must_use]
    pub fn of(&self, lint: Lint) -> Level {
        self.of.get(lint as usize).copied().unwrap_or(Level::Allow)
    }

    /// Sets the level of the lint with this code or name; `warnings` are all lints that warn so far.
    ///
    /// # Errors
    /// When there is no such lint.
    pub fn set(&mut self, word: &str, level: Level) -> Result<(), NoSuchLint> {
        if word == "warnings" {
            self.of.iter_mut().filter(|known| **known == Level::Warn).for_each(|known| *known = level);
            return Ok(());
        }
        let lint = find(word)?;
        if let Some(known) = self.of.get_mut(lint as usize) {
            *known = level;
        }
        Ok(())
    }

    /// Gives a finding its severity; `None` when it is allowed. Findings of no lint stay as they are.
    pub(super) fn apply(&self, mut found: Diagnostic) -> Option<Diagnostic> {
        let Some(lint) = Lint::find(found.code) else { return Some(found) };
        match self.of(lint) {
            Level::Allow => return None,
            Level::Warn => found.severity = Severity::Warning,
            Level::Deny => found.severity = Severity::Error,
        }
        Some(found)
    }
}
