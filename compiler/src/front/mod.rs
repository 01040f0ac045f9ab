//! What the graph is made from.

pub mod bytecode;
pub mod windivert;
