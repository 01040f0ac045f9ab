//! The IPv4 header (RFC 791). Offsets are in bytes from its start; past the end readers answer `None`.

use super::{be16, be32};

/// Total length, 16 bits.
pub const TOTAL_LENGTH: usize = 2;
/// Header checksum, 16 bits.
pub const CHECKSUM: usize = 10;
/// Time to live, 8 bits.
pub const TTL: usize = 8;
/// Protocol number, 8 bits.
pub const PROTOCOL: usize = 9;
/// Source address, 32 bits.
pub const SOURCE: usize = 12;
/// Destination address, 32 bits.
pub const DESTINATION: usize = 16;

/// The 16 bits with the flags (reserved, DF, MF) and the fragment offset.
#[must_use]
#[inline]
pub fn flags_and_offset(header: &[u8]) -> Option<u16> {
    be16(header, 6)
}

/// Source address.
#[must_use]
#[inline]
pub fn source(header: &[u8]) -> Option<u32> {
    be32(header, SOURCE)
}

/// Destination address.
#[must_use]
#[inline]
pub fn destination(header: &[u8]) -> Option<u32> {
    be32(header, DESTINATION)
}
