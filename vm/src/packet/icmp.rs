//! The ICMP and ICMPv6 headers (RFC 792, RFC 4443). `offset` is where the header begins in the packet.

use super::be8;

/// Protocol number of ICMP.
pub const NUMBER: u8 = 1;
/// Protocol number of ICMPv6.
pub const NUMBER_V6: u8 = 58;
/// Length of the header in bytes.
pub const HEADER: usize = 8;
/// Where the checksum lies in the header.
pub const CHECKSUM: usize = 2;

/// Type.
#[must_use]
#[inline]
pub fn kind(packet: &[u8], offset: usize) -> Option<u8> {
    be8(packet, offset)
}

/// Code.
#[must_use]
#[inline]
pub fn code(packet: &[u8], offset: usize) -> Option<u8> {
    be8(packet, offset.saturating_add(1))
}
