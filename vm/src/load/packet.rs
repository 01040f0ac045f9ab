//! The fields of packets.
//!
//! Every header is a row of 32-bit big-endian words, and every field of a header lies within one of them; [`place`]
//! says where. The transport header is looked for once, before the first test, and only when some test needs it: looking
//! for it inside the interpreter's loop would cost that loop its registers.

use super::{Source, ticks};
use crate::field::{FIELDS, Field, IPV4_MAPPED};
use crate::hash;
use crate::input::Input;
use crate::packet::{Found, Packet, Protocol, Version, be8, be16, be32, icmp, ipv4, ipv6, tcp};

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A word of a header.
    Word,
    /// Whether a header is there.
    Presence,
    /// [`other`] reads it.
    Other,
}

// What can be there, headers and directions, by number. Those of transport headers are the numbers of [`Protocol`].
const IP: u8 = 8;
const DIRECTION: u8 = 16;
const NOWHERE: u8 = 32;

/// Where a field lies: in which header, how many bytes from its beginning the word is, and which bits of the word.
#[derive(Clone, Copy)]
struct Place {
    what: What,
    header: u8,
    offset: u8,
    shift: u8,
    mask: u32,
}

/// Word `word` of a transport header, from bit `shift` up (0 is the lowest), `bits` bits.
const fn transport(kind: Protocol, word: u8, shift: u8, bits: u8) -> Place {
    at(What::Word, kind as u8, word, shift, bits)
}

/// The same of an IP header.
const fn ip(version: Version, word: u8, shift: u8, bits: u8) -> Place {
    at(What::Word, IP | version as u8, word, shift, bits)
}

const fn presence(header: u8) -> Place {
    at(What::Presence, header, 0, 0, 1)
}

const fn elsewhere() -> Place {
    at(What::Other, NOWHERE, 0, 0, 1)
}

const fn at(what: What, header: u8, word: u8, shift: u8, bits: u8) -> Place {
    let mask = u32::MAX >> 32_u8.saturating_sub(bits);
    Place { what, header, offset: word.saturating_mul(4), shift, mask }
}

/// Where each field lies in a packet.
const fn place(field: Field) -> Place {
    use Protocol::{Icmp, Icmpv6, Tcp, Udp};
    use Version::{V4, V6};
    match field {
        Field::Inbound => presence(DIRECTION),
        Field::Outbound => presence(DIRECTION | 1),
        Field::Ip => presence(IP | V4 as u8),
        Field::Ipv6 => presence(IP | V6 as u8),
        Field::Icmp => presence(Icmp as u8),
        Field::Icmpv6 => presence(Icmpv6 as u8),
        Field::Tcp => presence(Tcp as u8),
        Field::Udp => presence(Udp as u8),
        Field::IpHdrLength => ip(V4, 0, 24, 4),
        Field::IpTos => ip(V4, 0, 16, 8),
        Field::IpLength => ip(V4, 0, 0, 16),
        Field::IpId => ip(V4, 1, 16, 16),
        Field::IpDf => ip(V4, 1, 14, 1),
        Field::IpMf => ip(V4, 1, 13, 1),
        Field::IpFragOff => ip(V4, 1, 0, 13),
        Field::IpTtl => ip(V4, 2, 24, 8),
        Field::IpProtocol => ip(V4, 2, 16, 8),
        Field::IpChecksum => ip(V4, 2, 0, 16),
        Field::IpSrcAddr => ip(V4, 3, 0, 32),
        Field::IpDstAddr => ip(V4, 4, 0, 32),
        Field::Ipv6TrafficClass => ip(V6, 0, 20, 8),
        Field::Ipv6FlowLabel => ip(V6, 0, 0, 20),
        Field::Ipv6Length => ip(V6, 1, 16, 16),
        Field::Ipv6NextHdr => ip(V6, 1, 8, 8),
        Field::Ipv6HopLimit => ip(V6, 1, 0, 8),
        Field::IcmpType => transport(Icmp, 0, 24, 8),
        Field::IcmpCode => transport(Icmp, 0, 16, 8),
        Field::IcmpChecksum => transport(Icmp, 0, 0, 16),
        Field::IcmpBody => transport(Icmp, 1, 0, 32),
        Field::Icmpv6Type => transport(Icmpv6, 0, 24, 8),
        Field::Icmpv6Code => transport(Icmpv6, 0, 16, 8),
        Field::Icmpv6Checksum => transport(Icmpv6, 0, 0, 16),
        Field::Icmpv6Body => transport(Icmpv6, 1, 0, 32),
        Field::TcpSrcPort => transport(Tcp, 0, 16, 16),
        Field::TcpDstPort => transport(Tcp, 0, 0, 16),
        Field::TcpSeqNum => transport(Tcp, 1, 0, 32),
        Field::TcpAckNum => transport(Tcp, 2, 0, 32),
        Field::TcpHdrLength => transport(Tcp, 3, 28, 4),
        Field::TcpUrg => transport(Tcp, 3, 21, 1),
        Field::TcpAck => transport(Tcp, 3, 20, 1),
        Field::TcpPsh => transport(Tcp, 3, 19, 1),
        Field::TcpRst => transport(Tcp, 3, 18, 1),
        Field::TcpSyn => transport(Tcp, 3, 17, 1),
        Field::TcpFin => transport(Tcp, 3, 16, 1),
        Field::TcpWindow => transport(Tcp, 3, 0, 16),
        Field::TcpChecksum => transport(Tcp, 4, 16, 16),
        Field::TcpUrgPtr => transport(Tcp, 4, 0, 16),
        Field::UdpSrcPort => transport(Udp, 0, 16, 16),
        Field::UdpDstPort => transport(Udp, 0, 0, 16),
        Field::UdpLength => transport(Udp, 1, 16, 16),
        Field::UdpChecksum => transport(Udp, 1, 0, 16),
        Field::TcpPayloadLength
        | Field::UdpPayloadLength
        | Field::LocalPort
        | Field::RemotePort
        | Field::Protocol
        | Field::TcpPayload
        | Field::TcpPayload16
        | Field::TcpPayload32
        | Field::UdpPayload
        | Field::UdpPayload16
        | Field::UdpPayload32
        | Field::Random8
        | Field::Random16
        | Field::Random32
        | Field::Fragment
        | Field::Zero
        | Field::IfIdx
        | Field::SubIfIdx
        | Field::Event
        | Field::Loopback
        | Field::Impostor
        | Field::Packet
        | Field::Packet16
        | Field::Packet32
        | Field::Length
        | Field::Ipv6SrcAddr
        | Field::Ipv6DstAddr
        | Field::ProcessId
        | Field::LocalAddr
        | Field::RemoteAddr
        | Field::EndpointId
        | Field::ParentEndpointId
        | Field::Layer
        | Field::Priority
        | Field::Timestamp => elsewhere(),
    }
}

/// [`place`] as a table, by the byte that names the field: as many rows as there are bytes, so that no look-up fails.
static PLACES: [Place; 256] = {
    let mut places = [elsewhere(); 256];
    let mut number = 0;
    #[expect(clippy::indexing_slicing, reason = "runs at compile time only")]
    while number < Field::COUNT {
        places[number] = place(FIELDS[number].field);
        number += 1;
    }
    places
};

/// Reads the fields of a packet. It lives in registers: nothing out of line takes it, only copies of its parts.
pub(crate) struct PacketSource<'r, 'a> {
    input: &'r Input<'a>,
    packet: &'a Packet<'a>,
    // The parts of [`Found`], apart: together they would be packed into one word and unpacked again.
    kind: Protocol,
    number: u8,
    fragment: bool,
    offset: u32,
}

impl Source for PacketSource<'_, '_> {
    #[inline]
    fn narrow(&self, field: u8, index: i32) -> Option<u32> {
        let place = PLACES.get(usize::from(field))?;
        let start = if place.header == self.kind as u8 {
            self.offset
        } else if place.header == IP | self.packet.version() as u8
            || place.header == DIRECTION | u8::from(self.input.address.outbound)
        {
            0
        } else {
            return self.missing(place.what, field, index);
        };
        if place.what == What::Presence {
            return Some(1);
        }
        // One check of bounds, where `be32` needs two for offsets that may be anything.
        let start = (start as usize).saturating_add(usize::from(place.offset));
        let word = self.packet.bytes().get(start..start.saturating_add(4))?.first_chunk()?;
        Some(u32::from_be_bytes(*word) >> (place.shift & 31) & place.mask)
    }

    #[inline]
    fn wide(&self, field: Field) -> Option<u128> {
        wide(self.input, self.packet, field)
    }
}

impl<'r, 'a> PacketSource<'r, 'a> {
    /// `transport` says whether a field will be read that [needs it](Field::needs_transport).
    #[inline]
    pub(crate) fn new(input: &'r Input<'a>, packet: &'a Packet<'a>, transport: bool) -> Self {
        let Found { kind, number, fragment, offset } = if transport { packet.find() } else { Found::NOTHING };
        Self { input, packet, kind, number, fragment, offset }
    }

    /// The key of a field whose header is not there, or that has none.
    #[inline]
    fn missing(&self, what: What, field: u8, index: i32) -> Option<u32> {
        let Self { input, packet, kind, number, fragment, offset } = *self;
        match what {
            What::Word => None,
            What::Presence => Some(0),
            What::Other => other(input, packet, &Found { kind, number, fragment, offset }, field, index),
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
fn other(input: &Input<'_>, packet: &Packet<'_>, found: &Found, field: u8, index: i32) -> Option<u32> {
    let (address, bytes) = (input.address, packet.bytes());
    let payload = |kind: Protocol| (found.kind == kind).then(|| packet.payload(found)).flatten();
    let (tcp, udp) = (|| payload(Protocol::Tcp), || payload(Protocol::Udp));
    let hash = || hash::of_headers(packet, found.kind, found.offset, address.timestamp.cast_unsigned());
    match Field::from_number(field)? {
        Field::Zero => Some(0),
        Field::IfIdx => Some(address.if_idx),
        Field::SubIfIdx => Some(address.sub_if_idx),
        Field::Event => Some(u32::from(input.event.number())),
        Field::Loopback => Some(u32::from(address.loopback)),
        Field::Impostor => Some(u32::from(address.impostor)),
        Field::Protocol => Some(u32::from(found.number)),
        Field::Fragment => Some(u32::from(found.fragment)),
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
fn port(bytes: &[u8], found: &Found, source: bool) -> u32 {
    let offset = found.offset as usize;
    let port = match found.kind {
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
