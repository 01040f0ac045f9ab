//! Every bound of the protocol, and its reason.

/// Version of the protocol. It changes with every change of a message's shape; `tests/shape.rs` fails when one was
/// forgotten.
pub const VERSION: u16 = 3;

/// Name of the device and of the service: it holds the version, so that drivers of several versions can be loaded side by
/// side, and none is ever spoken to in another's language.
pub const NAME: &str = "Divert3";

/// The version that parameters 3 and 4 answer: that of the interface this driver is compatible with (reference §5).
pub const INTERFACE_MAJOR: u64 = 2;
/// See [`INTERFACE_MAJOR`].
pub const INTERFACE_MINOR: u64 = 2;

/// Length of the header of every message.
pub const HEADER: usize = 8;

/// Length of an address record (reference §3).
pub const ADDRESS: usize = 80;

/// Most packets in one batch (reference §5, §6).
pub const MAX_BATCH: usize = 255;

/// Longest packet (reference §6).
pub const MAX_PACKET: usize = divert_vm::limits::MAX_PACKET;

/// Longest data of one batch: 255 packets of the greatest length. What is longer cannot be right.
pub const MAX_BATCH_DATA: usize = MAX_BATCH * MAX_PACKET;

/// Longest program that a driver takes: 4,096 tests and sets of a million ranges fit; it lies in memory that is never
/// paged out, for as long as the handle is open.
pub const MAX_PROGRAM: usize = 16 << 20;

/// Longest message of any kind, which is the longest batch with its records and header, or an open request.
pub const MAX_MESSAGE: usize = 17 << 20;

/// Least and greatest priority of a handle (reference §4).
pub const MIN_PRIORITY: i16 = -30_000;
/// See [`MIN_PRIORITY`].
pub const MAX_PRIORITY: i16 = 30_000;

/// Most entries of one handle listing; who wants more asks again from where the last one ended.
pub const MAX_LISTED: usize = 1024;

const _: () = assert!(MAX_MESSAGE >= MAX_BATCH_DATA + MAX_BATCH * ADDRESS + 4 * HEADER);
