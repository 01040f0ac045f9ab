//! Checksums and time to live, as the helpers of reference §8 treat them (language notes §9).

use crate::packet::{Packet, Protocol, Version, icmp, ipv4, ipv6, tcp, udp};

/// Which checksums are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Leave {
    /// The IPv4 header checksum.
    pub ip: bool,
    /// The ICMP checksum.
    pub icmp: bool,
    /// The ICMPv6 checksum.
    pub icmpv6: bool,
    /// The TCP checksum.
    pub tcp: bool,
    /// The UDP checksum.
    pub udp: bool,
}

impl Leave {
    /// The flags of the C interface: NO_IP 1, NO_ICMP 2, NO_ICMPV6 4, NO_TCP 8, NO_UDP 16.
    #[must_use]
    pub const fn from_flags(flags: u64) -> Self {
        Self {
            ip: flags & 1 != 0,
            icmp: flags & 2 != 0,
            icmpv6: flags & 4 != 0,
            tcp: flags & 8 != 0,
            udp: flags & 16 != 0,
        }
    }
}

/// What [`update`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Updated {
    /// Nothing was wrong with the packet. False for no packet at all, and for a truncated packet or the first of
    /// several fragments whose transport checksum was asked for.
    pub ok: bool,
    /// The IPv4 header checksum was written.
    pub ip: bool,
    /// The TCP checksum was written.
    pub tcp: bool,
    /// The UDP checksum was written.
    pub udp: bool,
}

/// Writes the checksums of the packet in `buffer`: the IPv4 header's, then the transport header's over everything to
/// the end of the IP packet. A UDP checksum of 0 is written as 0xFFFF (RFC 768).
pub fn update(buffer: &mut [u8], leave: Leave) -> Updated {
    let mut done = Updated::default();
    let Ok(packet) = Packet::parse(buffer) else { return done };
    let (version, transport) = (packet.version(), packet.transport());
    let offset = transport.offset as usize;
    let (header, end, truncated) = (packet.header_length(), packet.end(), packet.is_truncated());
    let more = match version {
        Version::V4 => ipv4::flags_and_offset(buffer).is_some_and(|word| word & 0x2000 != 0),
        Version::V6 => transport.fragment && more_fragments(packet.content()),
    };
    if version == Version::V4 && !leave.ip {
        done.ip = store(buffer, ipv4::CHECKSUM, 0..header, 0, false).is_some();
    }
    let (position, left) = match transport.kind {
        Protocol::Icmp => (icmp::CHECKSUM, leave.icmp),
        Protocol::Icmpv6 => (icmp::CHECKSUM, leave.icmpv6),
        Protocol::Tcp => (tcp::CHECKSUM, leave.tcp),
        Protocol::Udp => (udp::CHECKSUM, leave.udp),
        Protocol::Other => {
            done.ok = true;
            return done;
        }
    };
    if left {
        done.ok = true;
        return done;
    }
    if truncated || more {
        return done;
    }
    let pseudo = if transport.kind == Protocol::Icmp {
        0
    } else {
        let addresses = match version {
            Version::V4 => ipv4::SOURCE..20,
            Version::V6 => ipv6::SOURCE..ipv6::HEADER,
        };
        let length = end.saturating_sub(offset) as u32;
        sum(buffer.get(addresses).unwrap_or(&[]))
            .saturating_add(length >> 16)
            .saturating_add(length & 0xFFFF)
            .saturating_add(u32::from(transport.number))
    };
    let is_udp = transport.kind == Protocol::Udp;
    let place = offset.saturating_add(position);
    done.ok = store(buffer, place, offset..end, pseudo, is_udp).is_some();
    done.tcp = done.ok && transport.kind == Protocol::Tcp;
    done.udp = done.ok && is_udp;
    done
}

/// Whether the fragment header of an IPv6 packet says that more follow.
fn more_fragments(packet: &[u8]) -> bool {
    ipv6::fragment_word(packet).is_some_and(|word| word & 1 != 0)
}

/// Sets the 16 bits at `place` to the checksum of `covered` plus `pseudo`.
fn store(
    buffer: &mut [u8],
    place: usize,
    covered: core::ops::Range<usize>,
    pseudo: u32,
    never_zero: bool,
) -> Option<()> {
    buffer.get_mut(place..)?.first_chunk_mut::<2>()?.fill(0);
    let mut checksum = !fold(sum(buffer.get(covered)?).saturating_add(pseudo));
    if never_zero && checksum == 0 {
        checksum = 0xFFFF;
    }
    *buffer.get_mut(place..)?.first_chunk_mut()? = checksum.to_be_bytes();
    Some(())
}

/// The sum of the 16-bit big-endian words, a last odd byte being the high half of one (RFC 1071). At most 32,788 words
/// of [`crate::limits::MAX_PACKET`] bytes: it does not overflow.
fn sum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u32::from(*byte) << 8);
    words.iter().fold(last, |sum, word| sum.saturating_add(u32::from(u16::from_be_bytes(*word))))
}

const fn fold(sum: u32) -> u16 {
    let once = (sum & 0xFFFF).saturating_add(sum >> 16);
    (once & 0xFFFF).saturating_add(once >> 16) as u16
}

/// Decrements the TTL or hop limit and mends the IPv4 checksum incrementally (RFC 1624; 0xFFFF is written as 0).
/// Returns false, with nothing changed, when there is no IP header or the value is 0 or 1.
pub fn decrement_ttl(buffer: &mut [u8]) -> bool {
    let version = buffer.first().map_or(0, |byte| byte >> 4);
    let (place, length) = match version {
        4 => (ipv4::TTL, 20),
        6 => (ipv6::HOP_LIMIT, ipv6::HEADER),
        _ => return false,
    };
    if buffer.len() < length {
        return false;
    }
    let Some(ttl) = buffer.get_mut(place) else { return false };
    let Some(less) = ttl.checked_sub(1).filter(|less| *less > 0) else { return false };
    *ttl = less;
    if version == 4
        && let Some(checksum) = buffer.get_mut(ipv4::CHECKSUM..).and_then(|rest| rest.first_chunk_mut::<2>())
    {
        let mended = fold(u32::from(u16::from_be_bytes(*checksum)).saturating_add(0x0100));
        *checksum = (if mended == 0xFFFF { 0 } else { mended }).to_be_bytes();
    }
    true
}
