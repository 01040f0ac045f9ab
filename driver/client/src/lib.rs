//! Diverts packets from Rust.
//!
//! A [`Filter`] is compiled from text (or taken from an object or a program), a [`Handle`] is opened with it, and what
//! matches is received, changed, and sent on:
//!
//! ```no_run
//! use divert_driver_client::{Buffer, Filter, Handle, Layer, Options};
//!
//! let filter = Filter::compile("outbound and udp.DstPort == 53", Layer::Network)?;
//! let handle = Handle::open(&filter, &Options::default())?;
//! let mut buffer = Buffer::for_one();
//! loop {
//!     handle.receive(&mut buffer)?;
//!     for event in buffer.events() {
//!         handle.send(event.data, &event.address)?;
//!     }
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), divert_driver_client::Error>(())
//! ```
//!
//! Everything above [`Device`] is portable and safe. A device is one file object of the driver; `windows` has the real
//! one, [`original`] one that stands on WinDivert's own DLL and signed driver, and `host` (a feature, for tests) one
//! that runs the driver's portable core in this process.
#![cfg_attr(not(windows), forbid(unsafe_code))]

pub mod buffer;
pub mod device;
pub mod error;
pub mod filter;
pub mod handle;
#[cfg(feature = "host")]
pub mod host;
pub mod original;
pub mod outgoing;
pub mod pending;
pub mod system;
#[cfg(windows)]
#[allow(unsafe_code, reason = "the calls of the system; every one with its argument")]
pub mod windows;

pub use buffer::{Buffer, Event};
pub use device::{Device, Failure, Operation};
pub use error::{Error, Refusal};
pub use filter::{Filter, FilterError};
pub use handle::{Handle, Options};
pub use outgoing::Outgoing;
pub use pending::Pending;

pub use divert_driver_protocol::{
    Address, Code, Counter, Data, Flags, HandleEntry, How, Parameter, Reason, Reflect, Sent, Statistics,
};
pub use divert_vm::{Endpoint, Event as EventKind, Layer};

/// The page of this package is compiled with its tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
