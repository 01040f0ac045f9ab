//! The fields of packets.
//!
//! The transport header is looked for once, before the first test, and only when some test needs it.

use super::place::{self, PLACES};
use super::{Source, ticks};
use crate::field::{Field, IPV4_MAPPED};
use crate::hash;
use crate::input::Input;
use crate::packet::{Found, Packet, Protocol, Version, be8, be16, be32, icmp, ipv4, ipv6, tcp};

/// Reads the fields of a packet.
pub(crate) struct PacketSource<'r, 'a> {
    pub(crate) input: &'r Input<'a>,
    pub(crate) packet: &'r Packet<'a>,
    /// What is known of the transport header; nothing unless a field will be read that
    /// [needs it](Field::needs_transport).
    pub(crate) found: Found,
    /// See [`place::present`].
    pub(crate) present: u32,
}

impl Source for PacketSource<'_, '_> {
    #[inline]
    fn narrow(&self, field: u8, index: i32) -> Option<u32> {
        let place = PLACES.get(usize::from(field))?;
        if place.is_in(self.present) {
            return place.read(self.packet.bytes(), self.found.at);
        }
        match place.otherwise() {
            place::Otherwise::Absent => None,
            place::Otherwise::False => Some(0),
            place::Otherwise::Elsewhere => other(self.input, self.packet, self.found, field, index),
        }
    }

    #[inline]
    fn wide(&self, field: Field) -> Option<u128> {
        wide(self.input, self.packet, field)
    }
}

impl<'r, 'a> PacketSource<'r, 'a> {
    /// Looks for the transport header when `transport` says so.
    pub(crate) fn new(input: &'r Input<'a>, packet: &'r Packet<'a>, transport: bool) -> Self {
        let found = if transport { packet.find() } else { Found::default() };
        Self {
            input,
            packet,
            found,
            present: place::present(packet.version(), input.address.outbound, found),
        }
    }
}

/// The fields of more than 32 bits.
#[inline(never)]
fn wide(input: &Input<'_>, packet: &Packet<'_>, field: Field) -> Option<u128> {
    let outbound = input.address.outbound;
    match (field, packet.version()) {
        (Field::Timestamp, _) => Some(ticks(input)),
        (Field::Ipv6SrcAddr, Version::V6) => ipv6::source(packet.bytes()),
        (Field::Ipv6DstAddr, Version::V6) => ipv6::destination(packet.bytes()),
        (Field::LocalAddr, _) => address(packet, outbound),
        (Field::RemoteAddr, _) => address(packet, !outbound),
        _ => None,
    }
}

/// The fields that are not part of a word.
#[inline(never)]
#[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are read elsewhere or absent here")]
fn other(input: &Input<'_>, packet: &Packet<'_>, found: Found, field: u8, index: i32) -> Option<u32> {
    let (address, bytes) = (input.address, packet.bytes());
    let payload = |kind: Protocol| (found.kind() == kind).then(|| packet.payload(found)).flatten();
    let (tcp, udp) = (|| payload(Protocol::Tcp), || payload(Protocol::Udp));
    let hash = || hash::of_headers(packet, found.kind(), found.offset(), address.timestamp.cast_unsigned());
    match Field::from_number(field)? {
        Field::Zero => Some(0),
        Field::IfIdx => Some(address.if_idx),
        Field::SubIfIdx => Some(address.sub_if_idx),
        Field::Event => Some(u32::from(input.event.number())),
        Field::Loopback => Some(u32::from(address.loopback)),
        Field::Impostor => Some(u32::from(address.impostor)),
        Field::Protocol => Some(u32::from(packet.number(found))),
        Field::Fragment => Some(u32::from(packet.is_fragment(found))),
        Field::TcpPayloadLength => tcp().map(length),
        Field::UdpPayloadLength => udp().map(length),
        Field::LocalPort => Some(port(bytes, found, address.outbound)),
        Field::RemotePort => Some(port(bytes, found, !address.outbound)),
        Field::Packet => element(bytes, index, 1),
        Field::Packet16 => element(bytes, index, 2),
        Field::Packet32 => element(bytes, index, 4),
        Field::TcpPayload => element(tcp()?, index, 1),
        Field::TcpPayload16 => element(tcp()?, index, 2),
        Field::TcpPayload32 => element(tcp()?, index, 4),
        Field::UdpPayload => element(udp()?, index, 1),
        Field::UdpPayload16 => element(udp()?, index, 2),
        Field::UdpPayload32 => element(udp()?, index, 4),
        Field::Length => Some(length(bytes)),
        Field::Random8 => Some((hash() >> 48 & 0xFF) as u32),
        Field::Random16 => Some((hash() >> 32 & 0xFFFF) as u32),
        Field::Random32 => Some((hash() & 0xFFFF_FFFF) as u32),
        _ => None,
    }
}

/// The source port or the destination port; for ICMP and ICMPv6 the type and 0; 0 without such a header.
fn port(bytes: &[u8], found: Found, source: bool) -> u32 {
    let offset = found.offset() as usize;
    let port = match found.kind() {
        Protocol::Tcp | Protocol::Udp if source => tcp::source_port(bytes, offset),
        Protocol::Tcp | Protocol::Udp => tcp::destination_port(bytes, offset),
        Protocol::Icmp | Protocol::Icmpv6 if source => icmp::kind(bytes, offset).map(u16::from),
        Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => None,
    };
    u32::from(port.unwrap_or(0))
}

/// The source or the destination as a 128-bit number, IPv4 mapped.
fn address(packet: &Packet<'_>, source: bool) -> Option<u128> {
    let bytes = packet.bytes();
    match (packet.version(), source) {
        (Version::V4, true) => ipv4::source(bytes).map(|address| IPV4_MAPPED | u128::from(address)),
        (Version::V4, false) => ipv4::destination(bytes).map(|address| IPV4_MAPPED | u128::from(address)),
        (Version::V6, true) => ipv6::source(bytes),
        (Version::V6, false) => ipv6::destination(bytes),
    }
}

/// The big-endian word of `size` bytes at `index`, which counts from the end when negative.
#[inline]
fn element(bytes: &[u8], index: i32, size: u8) -> Option<u32> {
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    let offset = if index < 0 { bytes.len().checked_sub(distance)? } else { distance };
    match size {
        1 => be8(bytes, offset).map(u32::from),
        2 => be16(bytes, offset).map(u32::from),
        _ => be32(bytes, offset),
    }
}

/// A slice's length; at most [`crate::limits::MAX_PACKET`], so nothing is lost.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
