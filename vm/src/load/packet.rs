//! The fields of packets.
//!
//! Every header is a row of 32-bit big-endian words, and every field of 32 bits or less lies within one of them; so
//! do the summary of its transport header, once it is packed. [`place`] says
//! where each field lies. The transport header and the hash are looked for when first asked for.

use super::{Source, ticks};
use crate::field::{Field, IPV4_MAPPED};
use crate::hash;
use crate::input::Input;
use crate::packet::{Packet, Protocol, Version, be8, be16, be32, icmp, ipv4, ipv6, tcp};

/// A row of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Whether the packet is outbound.
    Outbound,
    /// Whether it is loopback traffic.
    Loopback,
    /// Whether another driver injected it.
    Impostor,
    /// Whether it is IPv6.
    Version,
    /// The one word of [`PacketSource::summary`].
    Summary,
    Ipv4,
    Ipv6,
    Icmp,
    Icmpv6,
    Tcp,
    Udp,
    /// No word; [`PacketSource::other`] reads it.
    Other,
}

/// Where a field lies: in which row, how many bytes from its beginning the word is, and which bits of the word.
#[derive(Clone, Copy)]
struct Place {
    words: Words,
    offset: u8,
    shift: u8,
    mask: u32,
}

impl Place {
    /// The key of a truth.
    const fn truth(&self, holds: bool) -> u32 {
        holds as u32 ^ self.shift as u32
    }
}

/// Word `word` of a row, from bit `shift` up (0 is the lowest), `bits` bits.
const fn at(words: Words, word: u8, shift: u8, bits: u8) -> Place {
    Place { words, offset: word.saturating_mul(4), shift, mask: u32::MAX >> 32_u8.saturating_sub(bits) }
}

/// A truth that comes with the packet; `shift` 1 inverts it.
const fn truth(words: Words, shift: u8) -> Place {
    at(words, 0, shift, 1)
}

const fn other() -> Place {
    at(Words::Other, 0, 0, 32)
}

/// Where each field lies in a packet.
const fn place(field: Field) -> Place {
    use Words::{Icmp, Icmpv6, Ipv4, Ipv6, Summary, Tcp, Udp};
    match field {
        Field::Inbound => truth(Words::Outbound, 1),
        Field::Outbound => truth(Words::Outbound, 0),
        Field::Loopback => truth(Words::Loopback, 0),
        Field::Impostor => truth(Words::Impostor, 0),
        Field::Ip => truth(Words::Version, 1),
        Field::Ipv6 => truth(Words::Version, 0),
        Field::Protocol => at(Summary, 0, NUMBER, 8),
        Field::Fragment => at(Summary, 0, FRAGMENT, 1),
        Field::Icmp => at(Summary, 0, kind_bit(Protocol::Icmp), 1),
        Field::Icmpv6 => at(Summary, 0, kind_bit(Protocol::Icmpv6), 1),
        Field::Tcp => at(Summary, 0, kind_bit(Protocol::Tcp), 1),
        Field::Udp => at(Summary, 0, kind_bit(Protocol::Udp), 1),
        Field::IpHdrLength => at(Ipv4, 0, 24, 4),
        Field::IpTos => at(Ipv4, 0, 16, 8),
        Field::IpLength => at(Ipv4, 0, 0, 16),
        Field::IpId => at(Ipv4, 1, 16, 16),
        Field::IpDf => at(Ipv4, 1, 14, 1),
        Field::IpMf => at(Ipv4, 1, 13, 1),
        Field::IpFragOff => at(Ipv4, 1, 0, 13),
        Field::IpTtl => at(Ipv4, 2, 24, 8),
        Field::IpProtocol => at(Ipv4, 2, 16, 8),
        Field::IpChecksum => at(Ipv4, 2, 0, 16),
        Field::IpSrcAddr => at(Ipv4, 3, 0, 32),
        Field::IpDstAddr => at(Ipv4, 4, 0, 32),
        Field::Ipv6TrafficClass => at(Ipv6, 0, 20, 8),
        Field::Ipv6FlowLabel => at(Ipv6, 0, 0, 20),
        Field::Ipv6Length => at(Ipv6, 1, 16, 16),
        Field::Ipv6NextHdr => at(Ipv6, 1, 8, 8),
        Field::Ipv6HopLimit => at(Ipv6, 1, 0, 8),
        Field::IcmpType => at(Icmp, 0, 24, 8),
        Field::IcmpCode => at(Icmp, 0, 16, 8),
        Field::IcmpChecksum => at(Icmp, 0, 0, 16),
        Field::IcmpBody => at(Icmp, 1, 0, 32),
        Field::Icmpv6Type => at(Icmpv6, 0, 24, 8),
        Field::Icmpv6Code => at(Icmpv6, 0, 16, 8),
        Field::Icmpv6Checksum => at(Icmpv6, 0, 0, 16),
        Field::Icmpv6Body => at(Icmpv6, 1, 0, 32),
        Field::TcpSrcPort => at(Tcp, 0, 16, 16),
        Field::TcpDstPort => at(Tcp, 0, 0, 16),
        Field::TcpSeqNum => at(Tcp, 1, 0, 32),
        Field::TcpAckNum => at(Tcp, 2, 0, 32),
        Field::TcpHdrLength => at(Tcp, 3, 28, 4),
        Field::TcpUrg => at(Tcp, 3, 21, 1),
        Field::TcpAck => at(Tcp, 3, 20, 1),
        Field::TcpPsh => at(Tcp, 3, 19, 1),
        Field::TcpRst => at(Tcp, 3, 18, 1),
        Field::TcpSyn => at(Tcp, 3, 17, 1),
        Field::TcpFin => at(Tcp, 3, 16, 1),
        Field::TcpWindow => at(Tcp, 3, 0, 16),
        Field::TcpChecksum => at(Tcp, 4, 16, 16),
        Field::TcpUrgPtr => at(Tcp, 4, 0, 16),
        Field::UdpSrcPort => at(Udp, 0, 16, 16),
        Field::UdpDstPort => at(Udp, 0, 0, 16),
        Field::UdpLength => at(Udp, 1, 16, 16),
        Field::UdpChecksum => at(Udp, 1, 0, 16),
        Field::Zero
        | Field::IfIdx
        | Field::SubIfIdx
        | Field::Event
        | Field::TcpPayloadLength
        | Field::UdpPayloadLength
        | Field::LocalPort
        | Field::RemotePort
        | Field::Packet
        | Field::Packet16
        | Field::Packet32
        | Field::TcpPayload
        | Field::TcpPayload16
        | Field::TcpPayload32
        | Field::UdpPayload
        | Field::UdpPayload16
        | Field::UdpPayload32
        | Field::Length
        | Field::Random8
        | Field::Random16
        | Field::Random32
        | Field::Ipv6SrcAddr
        | Field::Ipv6DstAddr
        | Field::ProcessId
        | Field::LocalAddr
        | Field::RemoteAddr
        | Field::EndpointId
        | Field::ParentEndpointId
        | Field::Layer
        | Field::Priority
        | Field::Timestamp => other(),
    }
}

/// [`place`] as a table.
static PLACES: [Place; Field::COUNT] = {
    let mut places = [other(); Field::COUNT];
    let mut number = 0;
    #[expect(clippy::indexing_slicing, reason = "runs at compile time only")]
    while number < Field::COUNT {
        places[number] = place(crate::field::FIELDS[number].field);
        number += 1;
    }
    places
};

// Bits of the summary: the kinds of transport header from 0, then these.
const FRAGMENT: u8 = 8;
const NUMBER: u8 = 16;

const fn kind_bit(kind: Protocol) -> u8 {
    match kind {
        Protocol::Other => 0,
        Protocol::Icmp => 1,
        Protocol::Icmpv6 => 2,
        Protocol::Tcp => 3,
        Protocol::Udp => 4,
    }
}

/// Reads the fields of a packet.
pub(crate) struct PacketSource<'r, 'a> {
    input: &'r Input<'a>,
    packet: &'a Packet<'a>,
    /// Whether the five fields below are known: what [`Packet::transport`] found. They are apart because a structure
    /// that is written in pieces and read as a whole waits for the writes.
    parsed: bool,
    kind: Protocol,
    number: u8,
    fragment: bool,
    offset: u32,
    payload: u32,
    hash: Option<u64>,
}

impl Source for PacketSource<'_, '_> {
    #[inline]
    fn narrow(&mut self, field: Field, index: i32) -> Option<u32> {
        let place = PLACES.get(field as usize)?;
        let start = match place.words {
            Words::Outbound => return Some(place.truth(self.input.address.outbound)),
            Words::Loopback => return Some(place.truth(self.input.address.loopback)),
            Words::Impostor => return Some(place.truth(self.input.address.impostor)),
            Words::Version => return Some(place.truth(matches!(self.packet.version(), Version::V6))),
            Words::Summary => return Some(self.summary() >> place.shift & place.mask),
            Words::Ipv4 if matches!(self.packet.version(), Version::V4) => 0,
            Words::Ipv6 if matches!(self.packet.version(), Version::V6) => 0,
            Words::Icmp => self.header(Protocol::Icmp)?,
            Words::Icmpv6 => self.header(Protocol::Icmpv6)?,
            Words::Tcp => self.header(Protocol::Tcp)?,
            Words::Udp => self.header(Protocol::Udp)?,
            Words::Ipv4 | Words::Ipv6 => return None,
            Words::Other => return self.other(field, index),
        };
        let word = be32(self.packet.bytes(), start.saturating_add(usize::from(place.offset)))?;
        Some(word >> place.shift & place.mask)
    }

    fn wide(&mut self, field: Field) -> Option<u128> {
        let (packet, outbound) = (self.packet, self.input.address.outbound);
        match (field, packet.version()) {
            (Field::Timestamp, _) => Some(ticks(self.input)),
            (Field::Ipv6SrcAddr, Version::V6) => ipv6::source(packet.bytes()),
            (Field::Ipv6DstAddr, Version::V6) => ipv6::destination(packet.bytes()),
            (Field::LocalAddr, _) => address(packet, outbound),
            (Field::RemoteAddr, _) => address(packet, !outbound),
            _ => None,
        }
    }
}

impl<'r, 'a> PacketSource<'r, 'a> {
    #[inline]
    pub(crate) const fn new(input: &'r Input<'a>, packet: &'a Packet<'a>) -> Self {
        Self {
            input,
            packet,
            parsed: false,
            kind: Protocol::Other,
            number: 0,
            fragment: false,
            offset: 0,
            payload: 0,
            hash: None,
        }
    }

    /// Looks for the transport header, once.
    #[inline]
    fn parse(&mut self) {
        if !self.parsed {
            let transport = self.packet.transport();
            self.parsed = true;
            self.kind = transport.kind;
            self.number = transport.number;
            self.fragment = transport.fragment;
            self.offset = transport.offset;
            self.payload = transport.payload;
        }
    }

    /// What the transport header tells, packed.
    #[inline]
    fn summary(&mut self) -> u32 {
        self.parse();
        1 << kind_bit(self.kind) | u32::from(self.fragment) << FRAGMENT | u32::from(self.number) << NUMBER
    }

    /// Offset of the transport header when it is of this kind.
    #[inline]
    fn header(&mut self, kind: Protocol) -> Option<usize> {
        self.parse();
        (self.kind == kind).then_some(self.offset as usize)
    }

    /// The fields that are not part of one word.
    #[inline(never)]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "fields without an arm are read elsewhere or absent here"
    )]
    fn other(&mut self, field: Field, index: i32) -> Option<u32> {
        let bytes = self.packet.bytes();
        match field {
            Field::Zero => Some(0),
            Field::IfIdx => Some(self.input.address.if_idx),
            Field::SubIfIdx => Some(self.input.address.sub_if_idx),
            Field::Event => Some(u32::from(self.input.event.number())),
            Field::TcpPayloadLength => self.payload(Protocol::Tcp).map(length),
            Field::UdpPayloadLength => self.payload(Protocol::Udp).map(length),
            Field::LocalPort => Some(self.port(self.input.address.outbound)),
            Field::RemotePort => Some(self.port(!self.input.address.outbound)),
            Field::Packet => element(bytes, index, 1),
            Field::Packet16 => element(bytes, index, 2),
            Field::Packet32 => element(bytes, index, 4),
            Field::TcpPayload => element(self.payload(Protocol::Tcp)?, index, 1),
            Field::TcpPayload16 => element(self.payload(Protocol::Tcp)?, index, 2),
            Field::TcpPayload32 => element(self.payload(Protocol::Tcp)?, index, 4),
            Field::UdpPayload => element(self.payload(Protocol::Udp)?, index, 1),
            Field::UdpPayload16 => element(self.payload(Protocol::Udp)?, index, 2),
            Field::UdpPayload32 => element(self.payload(Protocol::Udp)?, index, 4),
            Field::Length => Some(length(bytes)),
            Field::Random8 => Some((self.hash() >> 48 & 0xFF) as u32),
            Field::Random16 => Some((self.hash() >> 32 & 0xFFFF) as u32),
            Field::Random32 => Some((self.hash() & 0xFFFF_FFFF) as u32),
            _ => None,
        }
    }

    /// The payload behind the transport header of this kind, to the end of the IP packet.
    #[inline]
    fn payload(&mut self, kind: Protocol) -> Option<&'a [u8]> {
        self.parse();
        let start = (self.kind == kind).then_some(self.payload as usize)?;
        self.packet.content().get(start..)
    }

    /// The source port or the destination port; for ICMP and ICMPv6 the type and 0; 0 without such a header.
    fn port(&mut self, source: bool) -> u32 {
        self.parse();
        let (bytes, offset) = (self.packet.bytes(), self.offset as usize);
        let port = match self.kind {
            Protocol::Tcp | Protocol::Udp if source => tcp::source_port(bytes, offset),
            Protocol::Tcp | Protocol::Udp => tcp::destination_port(bytes, offset),
            Protocol::Icmp | Protocol::Icmpv6 if source => icmp::kind(bytes, offset).map(u16::from),
            Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => None,
        };
        u32::from(port.unwrap_or(0))
    }

    fn hash(&mut self) -> u64 {
        self.parse();
        let (packet, kind, offset) = (self.packet, self.kind, self.offset);
        let seed = self.input.address.timestamp.cast_unsigned();
        *self.hash.get_or_insert_with(|| hash::of_headers(packet, kind, offset, seed))
    }
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
