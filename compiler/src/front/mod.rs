//! Languages in: each front turns one of them into a decision graph.

pub mod bytecode;
pub mod object;
pub mod text;
pub mod windivert;
