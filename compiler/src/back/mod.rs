//! What the graph is turned into.

pub mod bytecode;
