//! The IPv6 header and its extension headers (RFC 8200, RFC 4302, RFC 6275).

use super::{be8, be16, be128};

/// Length of the fixed header in bytes.
pub const HEADER: usize = 40;
/// Hop limit, 8 bits.
pub const HOP_LIMIT: usize = 7;
/// Source address, 128 bits.
pub const SOURCE: usize = 8;
/// Destination address, 128 bits.
pub const DESTINATION: usize = 24;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;

/// Payload length in bytes: what follows the fixed header.
#[must_use]
#[inline]
pub fn payload_length(header: &[u8]) -> Option<u16> {
    be16(header, 4)
}

/// Number of the header that follows the fixed one.
#[must_use]
#[inline]
pub fn next_header(header: &[u8]) -> Option<u8> {
    be8(header, 6)
}

/// Source address.
#[must_use]
#[inline]
pub fn source(header: &[u8]) -> Option<u128> {
    be128(header, SOURCE)
}

/// Destination address.
#[must_use]
#[inline]
pub fn destination(header: &[u8]) -> Option<u128> {
    be128(header, DESTINATION)
}

/// What the walk over the extension headers ended at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHeader {
    /// Its number: the transport protocol, or a header that is unknown, cut short or not to be skipped.
    pub number: u8,
    /// Whether a fragment header was met.
    pub fragment: bool,
    /// Whether it said that this is not the first fragment.
    pub later: bool,
    /// Where it begins.
    pub offset: usize,
}

/// Walks over the extension headers of `packet`, which ends where the IP packet does. Each step moves on by 8 bytes at
/// least, so a packet of n bytes takes at most n / 8 of them.
#[must_use]
#[inline(never)]
pub fn skip_extensions(packet: &[u8]) -> LastHeader {
    walk(packet).0
}

/// The word of the first fragment header with the offset, two reserved bits and "more fragments" in the lowest.
#[must_use]
pub fn fragment_word(packet: &[u8]) -> Option<u16> {
    walk(packet).1
}

fn walk(packet: &[u8]) -> (LastHeader, Option<u16>) {
    let mut word = None;
    let mut last = LastHeader {
        number: next_header(packet).unwrap_or(0),
        fragment: false,
        later: false,
        offset: HEADER,
    };
    while let Some([next, length]) = packet.get(last.offset..).and_then(|rest| rest.first_chunk::<2>()) {
        let size = match last.number {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY => {
                usize::from(*length).saturating_add(1) << 3
            }
            AUTHENTICATION => usize::from(*length).saturating_add(2) << 2,
            FRAGMENT if !last.fragment => 8,
            _ => break,
        };
        let behind = last.offset.saturating_add(size);
        if behind > packet.len() {
            break;
        }
        if last.number == FRAGMENT {
            last.fragment = true;
            word = be16(packet, last.offset.saturating_add(2));
            last.later = word.is_some_and(|word| word & 0xFFF8 != 0);
        }
        last.number = *next;
        last.offset = behind;
        if last.later {
            break;
        }
    }
    (last, word)
}
