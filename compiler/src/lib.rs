//! Compiles WinDivert filters: text, bytecode and WinDivert objects in, any of them out.
//!
//! ```
//! use divert_compiler::front::text::{Options, analyse, lower};
//! use divert_compiler::graph::Builder;
//!
//! let analysis = analyse("tcp.DstPort in {80, 443} and not (loopback)", &Options::default());
//! let typed = analysis.typed.expect("no errors");
//! let mut builder = Builder::simplifying(typed.layer);
//! let entry = lower(&typed, &mut builder)?;
//! assert_eq!(builder.finish(entry).nodes().len(), 2);
//! # Ok::<(), divert_compiler::front::text::LowerError>(())
//! ```
#![forbid(unsafe_code)]

pub mod analysis;
pub mod back;
pub mod codes;
pub mod debug;
pub mod dialect;
pub mod explain;
pub mod front;
pub mod graph;
pub mod limits;
pub mod lint;
pub mod opt;
pub mod reach;
pub mod set;
pub mod suggest;

pub use dialect::Dialect;
