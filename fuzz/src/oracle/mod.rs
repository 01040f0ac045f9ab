//! What is checked. An oracle says nothing, or gives a finding.

pub mod agree;
pub mod object_text;
pub mod reference;
pub mod roundtrip;
pub mod verifier;

use std::fmt;

/// Something that does not hold: what, and for what, so that a person can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(String);

/// Nothing, or a finding.
pub type Outcome = Result<(), Finding>;

impl Finding {
    /// A finding in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Nothing when `holds`; else what `text` says.
///
/// # Errors
/// The finding.
pub fn require(holds: bool, text: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Finding(text())) }
}
