//! What the graph is turned into.

pub mod bytecode;
pub mod dot;
pub mod json;
mod plain;
mod render;
pub mod text;
mod tree;
pub mod windivert;
pub mod windivert_text;
