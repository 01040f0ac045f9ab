//! Languages out: what a decision graph is turned into.

pub mod bytecode;
pub mod dot;
pub mod json;
pub(crate) mod plain;
mod render;
pub mod text;
mod tree;
pub mod windivert;
pub mod windivert_text;
