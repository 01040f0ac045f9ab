//! Languages out: what a decision graph is turned into.

pub mod bytecode;
pub mod dot;
pub mod json;
mod plain;
pub mod windivert;
