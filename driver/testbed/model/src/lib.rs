//! What the doubles remember of their client, the driver under test, and what they check.
//!
//! Everything that is no call into the system is here, in safe Rust without a clock or threads, so that each check is
//! seen to fire in a test on any host. Objects are named by the numbers that the client knows them by: addresses of
//! lists, buffers and memory, handles, identifiers.
//!
//! Memory is asked for as in any program: the doubles stand for the system, and it is the client's allocations that fail
//! on demand, not theirs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod arbiter;
pub mod chain;
pub mod engine;
pub mod finding;
pub mod flows;
pub mod layer;
pub mod lists;
pub mod origin;
pub mod pool;
pub mod requests;
pub mod threads;

pub use finding::{Finding, Findings, Rule};
