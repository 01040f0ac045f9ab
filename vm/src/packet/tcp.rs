//! The TCP header (RFC 9293). `offset` is where it begins in the packet.

use super::{be8, be16};

/// Protocol number.
pub const NUMBER: u8 = 6;
/// Least length of the header in bytes.
pub const HEADER: usize = 20;
/// Where the checksum lies in the header.
pub const CHECKSUM: usize = 16;

/// Length of the header in bytes as it says itself, when at least 20 bytes are there and claimed; the claim may
/// exceed the packet. `header` begins with the header.
#[must_use]
#[inline]
pub fn header_length(header: &[u8]) -> Option<usize> {
    let [.., words, _, _, _, _, _, _, _] = *header.first_chunk::<HEADER>()?;
    let length = usize::from(words >> 4) << 2;
    (length >= HEADER).then_some(length)
}

/// Source port.
#[must_use]
#[inline]
pub fn source_port(packet: &[u8], offset: usize) -> Option<u16> {
    be16(packet, offset)
}

/// Destination port.
#[must_use]
#[inline]
pub fn destination_port(packet: &[u8], offset: usize) -> Option<u16> {
    be16(packet, offset.saturating_add(2))
}

/// Header length in 4-byte words.
#[must_use]
#[inline]
pub fn words(packet: &[u8], offset: usize) -> Option<u8> {
    be8(packet, offset.saturating_add(12)).map(|byte| byte >> 4)
}

/// The flags byte: CWR ECE URG ACK PSH RST SYN FIN, from the highest bit.
#[must_use]
#[inline]
pub fn flags(packet: &[u8], offset: usize) -> Option<u8> {
    be8(packet, offset.saturating_add(13))
}
