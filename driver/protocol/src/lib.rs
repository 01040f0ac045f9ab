//! Messages between user mode and the driver: versioned, little endian, no pointers, and no claim that the driver
//! would have to believe.
//!
//! Every decoder is total: any bytes are a message or a [`DecodeError`], never a panic; lengths are checked before
//! anything is read, reserved bits must be zero, and nothing may follow. Encoders stand beside their decoders. What a
//! decoder cannot know (whether flags fit the layer, whether a program is sound) is the driver's to check.
//!
//! What is absent on purpose: pointers, handles of user mode, process ids (the kernel knows the caller), the list of
//! callouts to install (the driver derives it from the verified program), negotiation: both sides are of one
//! [`limits::VERSION`] or do not talk.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod address;
pub mod code;
pub mod control_code;
pub mod flags;
pub mod limits;
pub mod parameter;
pub mod reason;
pub mod receive;
pub mod reply;
pub mod request;
pub mod statistics;
pub mod wire;

pub use address::{Address, Data, Reflect};
pub use code::Code;
pub use control_code::ControlCode;
pub use flags::{FlagError, Flags};
pub use parameter::{Bounds, Parameter};
pub use reason::Reason;
pub use receive::{Layout, Received};
pub use reply::{HandleEntry, Handles, Opened, Refused, Reply, Sent};
pub use request::{Completed, How, Open, Receive, Request, Send};
pub use statistics::{Counter, Statistics};
pub use wire::{DecodeError, TooSmall};
