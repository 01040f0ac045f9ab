//! Everything that can be turned into a decision graph.

pub mod windivert;
