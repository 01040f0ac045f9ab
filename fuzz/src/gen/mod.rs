//! Generators, a ladder from bytes to sense: texts, syntax, typed trees, graphs, programs; packets and events; and a case,
//! which is an input with all that belongs to it. Each prints what it made so that a person can read it.

pub mod assembly;
pub mod case;
pub mod graph;
pub mod packet;
pub mod program;
pub mod syntax;
pub mod text;
pub mod tree;
