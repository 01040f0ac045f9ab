//! What the graph is made from.

pub mod bytecode;
pub mod text;
pub mod windivert;
