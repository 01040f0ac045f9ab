//! The portable runtime of a packet-diverting driver: everything that is not a call into an operating system.
//!
//! A packet's way: [`Driver::packet`] looks up the handles whose needs it meets, runs their verified filters in the
//! order of priority, and lets it go, blocks it, or hands it to a waiting receive or a queue. [`Driver::receive`] and
//! [`Driver::send`] are the other two ends. Which statement of the reference each part implements stands beside it
//! (`reference §n`), and `tests/reference.rs` has a test for each.
//!
//! **Promises.** No unsafe code, no panic, no recursion. Allocation may fail, and that is an ordinary, counted outcome.
//! Spin locks are held for look-ups, filters and moving owned things, never while bytes are copied, memory is asked
//! for on a packet's behalf, or the stack is called.
//!
//! What is absent on purpose: IRPs, lists of network buffers, interrupt levels, threads and timers. The seam is
//! [`platform`]; [`host`] implements it on any machine with `std`, and [`simulate`] puts a stack around it.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod classify;
mod control;
mod driver;
mod error;
#[cfg(feature = "std")]
pub mod host;
mod inject;
pub mod memory;
pub mod needs;
mod object;
pub mod platform;
mod queue;
mod receive;
mod reflect;
mod ring;
mod session;
#[cfg(feature = "std")]
pub mod simulate;
pub mod state;
mod table;

pub use classify::{Arrival, Born, Origin, Seen, Verdict};
pub use control::Control;
pub use driver::{Driver, HandleId, MAX_HANDLES};
pub use error::Refusal;
pub use inject::{Injection, MAX_IN_FLIGHT, Mark, Ticket};
pub use needs::{Callouts, WfpLayer};
pub use platform::Platform;
pub use queue::Limits;
pub use receive::{Answer, Completion, Filled, MAX_PENDED, Window};
