//! Messages between the test harness and the double of the filtering platform: what comes by, what shall fail, and what
//! was seen. Little endian, encoders beside decoders; both sides are built together, so that there are no versions.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod message;
mod report;
mod wire;

pub use message::{
    Blast, Blasted, Completion, Event, Failure, Fate, Hands, How, Other, Outcome, Packet, Reply, Request,
    Settings,
};
pub use report::Report;
pub use wire::Malformed;

/// The control device, as it is created.
pub const DEVICE: &str = "\\Device\\DivertTestbed";
/// Its link.
pub const LINK: &str = "\\DosDevices\\DivertTestbed";
/// Its name in user mode.
pub const PATH: &str = "\\\\.\\DivertTestbed";
/// The control code of every request: device type 0x12, function 0x901, buffered, read and write access.
pub const CODE: u32 = 0x12 << 16 | 3 << 14 | 0x901 << 2;
/// Where the double writes its last report, when the driver is unloaded; a name of the object manager.
pub const UNLOAD_REPORT: &str = "\\??\\C:\\divert-testbed-unload.bin";
/// What is to fail while the driver is loaded: a file with an encoded [`Failure`]; a name of the object manager.
pub const LOAD_FAILURE: &str = "\\??\\C:\\divert-testbed-load.bin";
/// The same name in user mode.
pub const LOAD_FAILURE_PATH: &str = "C:\\divert-testbed-load.bin";
/// The name of [`UNLOAD_REPORT`] in user mode.
pub const UNLOAD_REPORT_PATH: &str = "C:\\divert-testbed-unload.bin";
/// Longest reply.
pub const MAX_REPLY: usize = 1 << 20;
