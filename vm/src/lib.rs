//! Verified bytecode for packet filters, and everything that evaluating it needs.
//!
//! Untrusted bytes become a [`Program`] when their shape is right and a [`Verified`] program when their sense is;
//! only a [`Verified`] program runs. **The promise:** whatever bytes arrive, decoding and verifying neither panic nor
//! allocate and take linear time; whatever packet arrives, a verified program ends in a verdict after at most
//! [`Verified::work`] steps, reads nothing outside the packet, and cannot fail. `SPEC.md` beside this crate is
//! normative for the format and its meaning.
//!
//! What is absent on purpose: loops, arithmetic, state between packets, allocation, floating point, errors at run
//! time, and any way to run what was not verified.
//!
//! ```
//! use divert_vm::{Address, Input, Packet};
//! let bytes = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
//! let packet = Packet::parse(&bytes)?;
//! assert_eq!(packet.total_length(), 20);
//! let address = Address { outbound: true, ..Address::default() };
//! let input = Input::network(&packet, &address);
//! # let _ = input;
//! # Ok::<(), divert_vm::PacketError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod address;
pub mod checksum;
pub mod disasm;
pub mod field;
pub mod hash;
pub mod input;
pub mod layer;
pub mod limits;
pub mod load;
pub mod number;
pub mod object;
pub mod op;
pub mod packet;
mod prefix;
pub mod program;
mod run;
pub mod verify;
pub mod wire;

pub use field::{FIELDS, Field, Header};
pub use input::{Address, Endpoint, Input, InputError, Reflected};
pub use layer::{Event, Layer, Layers};
pub use number::Number;
pub use op::{Instruction, Op, Target};
pub use packet::{Packet, PacketError};
pub use program::{Program, Verified};
pub use verify::{Needs, VerifyError};

/// Says that a path is rarely taken: the compiler then moves it out of the way of the others.
#[cold]
#[inline]
const fn rare() {}
