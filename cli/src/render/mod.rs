//! Findings as text: for people (`human`), for programs (`json`, `sarif`), for GitHub's annotations (`github`).
//! Everything here is a function from findings to a string; lines and columns are made here and nowhere else.

pub(crate) mod explanation;
mod github;
mod human;
mod json;
pub(crate) mod lines;
mod marks;
mod sarif;
pub(crate) mod stats;
mod view;
mod wrap;

pub(crate) use github::github;
pub(crate) use human::human;
pub(crate) use json::json;
pub(crate) use sarif::sarif;
pub(crate) use view::harmless;

/// How text for people looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether it has colours.
    pub(crate) color: bool,
    /// Columns that there are.
    pub(crate) width: usize,
}
