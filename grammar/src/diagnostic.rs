//! Diagnostics as data: what is wrong, where, and what would help. Nothing here prints or knows colours.

use crate::span::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The filter has no meaning; nothing is compiled.
    Error,
    /// The filter is valid but probably not what was meant.
    Warning,
    /// Something worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// How sure a suggested edit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applicability {
    /// The edit keeps the filter's meaning; a tool may apply it unasked.
    Safe,
    /// The edit changes the meaning to what was probably meant; a person must agree.
    MaybeIncorrect,
    /// Only to be shown.
    DisplayOnly,
}

/// A replacement of one range of the source by other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What the edit does, as an imperative: "write `tcp.DstPort`".
    pub message: String,
    /// The bytes to replace.
    pub span: Span,
    /// The text that replaces them.
    pub replacement: String,
    /// How sure the edit is.
    pub applicability: Applicability,
}

/// A range of the source with a few words about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The bytes it speaks of.
    pub span: Span,
    /// What is to be said of them; may be empty.
    pub message: String,
}

/// One finding about a filter. Spans are byte ranges of the text that was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `E0101` or the like; never reused for another meaning.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, without a full stop.
    pub message: String,
    /// Where it is; the label's text is shown under the source.
    pub primary: Label,
    /// Other places that matter, such as the parenthesis that was opened first.
    pub secondary: Vec<Label>,
    /// Facts that explain the finding.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Vec<String>,
    /// Edits that would mend it.
    pub suggestions: Vec<Suggestion>,
}

impl Diagnostic {
    /// A finding with a primary label and nothing else yet.
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>, span: Span) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            primary: Label { span, message: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            suggestions: Vec::new(),
        }
    }

    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(code, Severity::Error, message, span)
    }

    /// Sets the text of the primary label.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds an edit.
    #[must_use]
    pub fn suggest(
        mut self,
        message: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        let (message, replacement) = (message.into(), replacement.into());
        self.suggestions.push(Suggestion { message, span, replacement, applicability });
        self
    }
}
