//! Text, tokens, syntax tree and formatter of the WinDivert filter language.
//!
//! Pure syntax: names and numbers stay text, so a filter with unknown fields still parses and formats. The language is
//! described in this crate's `README.md`; which constructs the plain WinDivert language lacks, [`extensions`] says.

#![forbid(unsafe_code)]

pub mod ast;
pub mod codes;
pub mod diagnostic;
pub mod error;
pub mod limits;
pub mod span;
pub mod token;

mod actions;
mod context;
mod dialect;
mod lexer;
mod parse;
mod text;

pub use dialect::{Extension, ExtensionKind, extensions};
pub use error::SyntaxError;
pub use lexer::Word;
pub use parse::Parsed;

/// Parses a text of the extended dialect, of which the plain WinDivert language is a part. Never panics, whatever the
/// text; after a mistake it goes on, so that independent mistakes are all reported.
#[must_use]
pub fn parse(source: &str) -> Parsed {
    parse::parse(source)
}
