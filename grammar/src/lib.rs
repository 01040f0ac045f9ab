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
mod explain;
mod format;
mod lexer;
mod parse;
mod scan;
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

/// A file as canonical text: one spelling of every operator, one layout, comments kept, a line end at the end. The text
/// parses to the same tree but for places and parentheses that say nothing, and formatting it again changes nothing.
/// Only for trees without `Error` nodes; the tree need not come from a text.
#[must_use]
pub fn format(file: &ast::File) -> String {
    format::file(file)
}

/// The same with the line ends of `source`, the text that the file was parsed from: those of Windows (`\r\n`) throughout
/// when its first line ends so. A byte-order mark is left out.
#[must_use]
pub fn format_as(file: &ast::File, source: &str) -> String {
    // A block comment may hold line ends of either kind.
    let text = format::file(file).replace("\r\n", "\n");
    let first = source.find('\n').and_then(|end| source.get(..end));
    if first.is_some_and(|line| line.ends_with('\r')) { text.replace('\n', "\r\n") } else { text }
}

/// The same for a filter or a part of one, without a line end.
#[must_use]
pub fn format_expr(expr: &ast::Expr) -> String {
    format::expr(expr)
}
