//! Findings: a diagnostic, and the text or file that it speaks of.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use divert_grammar::diagnostic::{Diagnostic, Severity};
use divert_grammar::span::Span;

/// Where a filter came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An argument of the command line.
    Argument,
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("<filter>"),
            Self::Stdin => f.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A filter's text and where it came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceText {
    /// Where it came from.
    pub(crate) origin: Origin,
    /// The text.
    pub(crate) text: String,
}

/// What a finding is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// The command line.
    Command,
    /// A file as a whole, or something that has no text to show.
    Whole(Origin),
    /// A place in a text.
    Text(Arc<SourceText>),
}

/// One thing to be said.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What is said; boxed, so that results which may be one stay small.
    pub(crate) diagnostic: Box<Diagnostic>,
    /// What it is about.
    pub(crate) subject: Subject,
}

impl Finding {
    /// An error about the command line.
    pub(crate) fn command(code: &'static str, message: impl Into<String>) -> Self {
        let diagnostic = Box::new(Diagnostic::error(code, message, Span::default()));
        Self { diagnostic, subject: Subject::Command }
    }

    /// An error about a file.
    pub(crate) fn whole(origin: &Origin, code: &'static str, message: impl Into<String>) -> Self {
        let diagnostic = Box::new(Diagnostic::error(code, message, Span::default()));
        Self { diagnostic, subject: Subject::Whole(origin.clone()) }
    }

    /// A finding about a text.
    pub(crate) fn text(source: &Arc<SourceText>, diagnostic: Diagnostic) -> Self {
        Self { diagnostic: Box::new(diagnostic), subject: Subject::Text(Arc::clone(source)) }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.diagnostic.help.push(help.into());
        self
    }

    /// Whether it is an error.
    pub(crate) fn is_error(&self) -> bool {
        self.diagnostic.severity == Severity::Error
    }

    /// The origin it speaks of, if any.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.subject {
            Subject::Command => None,
            Subject::Whole(origin) => Some(origin),
            Subject::Text(source) => Some(&source.origin),
        }
    }

    /// The text it points into, if any.
    pub(crate) fn source(&self) -> Option<&Arc<SourceText>> {
        match &self.subject {
            Subject::Command | Subject::Whole(_) => None,
            Subject::Text(source) => Some(source),
        }
    }
}
