//! Every bound of this crate, and its reason.

/// Longest packet in bytes: an IPv6 header and the longest payload without jumbograms (reference §6). What follows
/// in a buffer is not looked at.
pub const MAX_PACKET: usize = 40 + 65_535;

/// Shortest packet in bytes: an IPv4 header.
pub const MIN_PACKET: i32 = 20;

/// Version of the bytecode format that this crate reads and writes.
pub const FORMAT_VERSION: u16 = 1;

/// Most instructions in a program: two of the 16-bit targets stand for the verdicts.
pub const MAX_INSTRUCTIONS: usize = 65_534;

/// Most 128-bit constants in a program: three for each instruction would be the most that can be used.
pub const MAX_CONSTANTS: usize = 3 * MAX_INSTRUCTIONS;

/// Most sets in a program: one for each instruction is the most that can be used.
pub const MAX_SETS: usize = MAX_INSTRUCTIONS;

/// Most intervals in one set: four times the routes of the largest published route lists of one address family.
pub const MAX_SET_INTERVALS: usize = 4 << 20;

/// Longest program in bytes; keeps every offset far inside 32 bits and a kernel's pool out of danger.
pub const MAX_PROGRAM: usize = 512 << 20;

/// Longest object text (SPEC §9) that a driver keeps for REFLECT handles: with the zero byte behind it, it is as long as a
/// packet, so that no buffer for packets is too short for it.
pub const MAX_OBJECT: usize = MAX_PACKET - 1;

/// Worst-case steps that a driver accepts by default: a filter runs at raised priority, and 512 steps take about two
/// microseconds. Finding the transport header comes on top, once for each packet: at most one step for 8 bytes of IPv6
/// extension headers.
pub const DRIVER_WORK: u32 = 512;

/// Worst-case steps that user mode accepts by default: one for each instruction of the largest program without sets.
pub const USER_WORK: u32 = 65_536;

/// Greatest index of an array field in bytes from the start, and the least from the end (language notes §3).
pub const MAX_INDEX: i32 = 65_535;

/// Most directory entries of one set: as many as there are intervals at most, and never so many that a hostile
/// program gains anything from them.
pub const MAX_BUCKETS: u32 = 1 << 20;
