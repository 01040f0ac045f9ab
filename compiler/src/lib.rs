//! Compiles WinDivert filters: text, bytecode and WinDivert objects in, any of them out.
#![forbid(unsafe_code)]

pub mod back;
pub mod front;
pub mod graph;
pub mod opt;
pub mod set;
