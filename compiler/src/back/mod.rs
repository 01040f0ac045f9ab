//! What the graph is turned into.

pub mod bytecode;
pub mod dot;
pub mod json;
mod plain;
pub mod windivert;
