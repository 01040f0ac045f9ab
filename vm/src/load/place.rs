//! Where the fields of headers lie.
//!
//! Every header is a row of 32-bit big-endian words, and every field of a header lies within one of them; [`place`]
//! says where.

use crate::field::{FIELDS, Field};
use crate::packet::{Found, Protocol, Version};

// What can be there, by the number of a bit: headers and directions. Those of transport headers are the numbers of
// [`Protocol`], and nothing has the number of [`Protocol::Other`].
const IP: u8 = 8;
const DIRECTION: u8 = 16;
const BITS: u8 = 31;
// What it means that the bit is not set, in the other bits of the same byte; without either, the field is absent.
const FALSE: u8 = 32;
const ELSEWHERE: u8 = 64;

/// What is there, a bit each: a version of IP, a direction, and a transport header or none.
#[inline]
pub(crate) const fn present(version: Version, outbound: bool, found: Found) -> u32 {
    let version = match version {
        Version::V4 => 1 << (IP | Version::V4 as u8),
        Version::V6 => 1 << (IP | Version::V6 as u8),
    };
    let direction = if outbound { 1 << (DIRECTION | 1) } else { 1 << DIRECTION };
    version | direction | found.bit
}

/// What the field is where what it belongs to is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Absent.
    Absent,
    /// 0: the field says whether it is there.
    False,
    /// Not a part of a word; it must be read in another way.
    Elsewhere,
}

/// Where a field lies: in which header, how many bytes from its beginning the word is, and which bits of the word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The bits of the word, after shifting.
    pub(crate) mask: u32,
    /// The number of the header, and what its absence means.
    header: u8,
    offset: u8,
    shift: u8,
    /// [`Found::OFFSET`] when the header is a transport header, which does not begin where the packet does; else 0.
    behind: u32,
}

impl Place {
    /// Whether what the field belongs to is there; `present` is of [`present`].
    #[inline]
    pub(crate) const fn is_in(&self, present: u32) -> bool {
        present >> (self.header & BITS) & 1 == 1
    }

    /// Whether what the field belongs to is a version of IP or a direction, and no transport header.
    pub(crate) const fn is_of_class(&self) -> bool {
        self.header & BITS >= IP
    }

    /// The field in a packet where [`Place::is_in`] holds; `at` says where the transport header begins ([`Found`]). The
    /// fields of a header lie in the part of it that is always there, so there is no absence here to tell of.
    #[inline]
    pub(crate) fn read(&self, bytes: &[u8], at: u32) -> Option<u32> {
        let start = (at & self.behind) as usize;
        // One check of bounds, where `be32` needs two for offsets that may be anything.
        let start = start.saturating_add(usize::from(self.offset));
        let word = bytes.get(start..start.saturating_add(4))?.first_chunk()?;
        Some(u32::from_be_bytes(*word) >> (self.shift & 31) & self.mask)
    }

    /// What the field is where [`Place::is_in`] does not hold.
    #[inline]
    pub(crate) const fn otherwise(&self) -> Otherwise {
        match self.header & !BITS {
            0 => Otherwise::Absent,
            FALSE => Otherwise::False,
            _ => Otherwise::Elsewhere,
        }
    }
}

/// Word `word` of a transport header, from bit `shift` up (0 is the lowest), `bits` bits.
const fn transport(kind: Protocol, word: u8, shift: u8, bits: u8) -> Place {
    Place { behind: Found::OFFSET, ..at(kind as u8, word, shift, bits) }
}

/// The same of an IP header.
const fn ip(version: Version, word: u8, shift: u8, bits: u8) -> Place {
    at(IP | version as u8, word, shift, bits)
}

/// 1 when something is there. The bit read for that is set in every packet: both versions of IP have it.
const fn presence(what: u8) -> Place {
    at(what | FALSE, 0, 30, 1)
}

pub(crate) const fn elsewhere() -> Place {
    at(Protocol::Other as u8 | ELSEWHERE, 0, 0, 1)
}

const fn at(header: u8, word: u8, shift: u8, bits: u8) -> Place {
    let mask = u32::MAX >> 32_u8.saturating_sub(bits);
    Place { mask, header, offset: word.saturating_mul(4), shift, behind: 0 }
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
pub(crate) static PLACES: [Place; 256] = {
    let mut places = [elsewhere(); 256];
    let mut number = 0;
    #[expect(clippy::indexing_slicing, reason = "runs at compile time only")]
    while number < Field::COUNT {
        places[number] = place(FIELDS[number].field);
        number += 1;
    }
    places
};
