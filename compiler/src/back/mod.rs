//! Everything that a decision graph can be turned into.

pub mod dot;
pub mod json;
mod plain;
pub mod windivert;
