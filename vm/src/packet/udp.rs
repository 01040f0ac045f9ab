//! The UDP header (RFC 768). `offset` is where it begins in the packet; ports lie where TCP's do.

/// Protocol number.
pub const NUMBER: u8 = 17;
/// Length of the header in bytes.
pub const HEADER: usize = 8;
/// Where the checksum lies in the header.
pub const CHECKSUM: usize = 6;
