//! The UDP header (RFC 768). `offset` is where it begins in the packet; ports lie where TCP's do.

use super::be16;

/// Protocol number.
pub const NUMBER: u8 = 17;
/// Length of the header in bytes.
pub const HEADER: usize = 8;
/// Where the checksum lies in the header.
pub const CHECKSUM: usize = 6;

/// Length of header and payload in bytes as the header has it.
#[must_use]
#[inline]
pub fn length(packet: &[u8], offset: usize) -> Option<u16> {
    be16(packet, offset.saturating_add(4))
}

/// Checksum.
#[must_use]
#[inline]
pub fn checksum(packet: &[u8], offset: usize) -> Option<u16> {
    be16(packet, offset.saturating_add(CHECKSUM))
}
