//! The IPv4 header (RFC 791). Offsets are in bytes from its start; past the end readers answer `None`.

use super::{be8, be16, be32};

/// Total length, 16 bits.
pub const TOTAL_LENGTH: usize = 2;
/// Header checksum, 16 bits.
pub const CHECKSUM: usize = 10;
/// Time to live, 8 bits.
pub const TTL: usize = 8;
/// Source address, 32 bits.
pub const SOURCE: usize = 12;
/// Destination address, 32 bits.
pub const DESTINATION: usize = 16;

/// Header length in 4-byte words.
#[must_use]
#[inline]
pub fn words(header: &[u8]) -> Option<u8> {
    be8(header, 0).map(|byte| byte & 0x0F)
}

/// Type of service: DSCP and ECN.
#[must_use]
#[inline]
pub fn tos(header: &[u8]) -> Option<u8> {
    be8(header, 1)
}

/// Total length in bytes.
#[must_use]
#[inline]
pub fn total_length(header: &[u8]) -> Option<u16> {
    be16(header, TOTAL_LENGTH)
}

/// Identification.
#[must_use]
#[inline]
pub fn id(header: &[u8]) -> Option<u16> {
    be16(header, 4)
}

/// The 16 bits with the flags (reserved, DF, MF) and the fragment offset.
#[must_use]
#[inline]
pub fn flags_and_offset(header: &[u8]) -> Option<u16> {
    be16(header, 6)
}

/// Whether it is a fragment, and whether it is one after the first.
#[must_use]
#[inline]
pub fn fragmentation(header: &[u8]) -> (bool, bool) {
    let word = flags_and_offset(header).unwrap_or(0);
    (word & 0x3FFF != 0, word & 0x1FFF != 0)
}

/// Time to live.
#[must_use]
#[inline]
pub fn ttl(header: &[u8]) -> Option<u8> {
    be8(header, TTL)
}

/// Protocol number.
#[must_use]
#[inline]
pub fn protocol(header: &[u8]) -> Option<u8> {
    be8(header, 9)
}

/// Header checksum.
#[must_use]
#[inline]
pub fn checksum(header: &[u8]) -> Option<u16> {
    be16(header, CHECKSUM)
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
