//! The packet model: which headers a buffer holds and where they are (language notes §5 and §9).
//!
//! [`Packet::parse`] looks at the fixed IP header only; [`Packet::transport`] walks to the transport header when a
//! program asks for it. Views read with `get`: past the end they answer `None`, they do not panic. Fragments and
//! truncation are decided here and nowhere else.

pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod tcp;
pub mod udp;

use core::fmt;

use crate::limits::MAX_PACKET;

/// The IP version of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A buffer that begins with a valid fixed IP header.
///
/// The buffer may be longer than the packet (link-layer padding, a batch) or shorter (a truncated capture). Bytes
/// beyond [`MAX_PACKET`] are not part of the packet and are not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    version: Version,
    /// Length of the IPv4 header with options, or 40.
    header: u16,
    /// Total length by the IP header, which may exceed the buffer.
    total: u32,
}

/// Why a buffer is not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketError {
    /// Fewer than 20 bytes, or fewer than 40 for IPv6.
    TooShort,
    /// The version is neither 4 nor 6.
    Version(u8),
    /// The IPv4 header length is below 20 bytes, beyond the buffer or beyond the total length.
    HeaderLength(u8),
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("too short for an IP header"),
            Self::Version(version) => write!(f, "IP version {version}"),
            Self::HeaderLength(length) => write!(f, "impossible IPv4 header length of {length} bytes"),
        }
    }
}

impl core::error::Error for PacketError {}

/// Which transport header was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Protocol {
    /// None that is known, a later fragment, or one that is cut short.
    #[default]
    Other,
    /// ICMP over IPv4, 8 bytes at least.
    Icmp,
    /// ICMPv6 over IPv6, 8 bytes at least.
    Icmpv6,
    /// TCP, 20 bytes at least and a header length of 20 at least.
    Tcp,
    /// UDP, 8 bytes at least.
    Udp,
}

/// What lies behind the IP headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// The header that is there.
    pub kind: Protocol,
    /// The protocol number after any extension headers; also where `kind` is [`Protocol::Other`].
    pub number: u8,
    /// Whether the packet is a fragment: IPv4 with MF or an offset, IPv6 with a fragment header.
    pub fragment: bool,
    /// Where the transport header begins, in bytes from the IP header.
    pub offset: u32,
    /// Where the payload begins; never beyond [`Packet::end`].
    pub payload: u32,
}

impl<'a> Packet<'a> {
    /// Looks at the fixed IP header.
    ///
    /// # Errors
    /// When the buffer cannot be an IP packet; what the original refuses with code 87.
    #[inline]
    pub fn parse(buffer: &'a [u8]) -> Result<Self, PacketError> {
        let mut bytes = buffer;
        if let Some(most) = buffer.get(..MAX_PACKET) {
            crate::rare();
            bytes = most;
        }
        let Some(fixed) = bytes.first_chunk::<20>() else { return Err(PacketError::TooShort) };
        let [first, _, high, low, ..] = *fixed;
        let total = u32::from(u16::from_be_bytes([high, low]));
        // A header without options, by far the most frequent one, needs no look at its length.
        if first == 0x45 && total >= 20 {
            return Ok(Self { bytes, version: Version::V4, header: 20, total });
        }
        crate::rare();
        match first >> 4 {
            4 => {
                let header = (first & 0x0F) << 2;
                if header < 20 || usize::from(header) > bytes.len() || u32::from(header) > total {
                    return Err(PacketError::HeaderLength(header));
                }
                Ok(Self { bytes, version: Version::V4, header: u16::from(header), total })
            }
            6 => {
                if bytes.len() < ipv6::HEADER {
                    return Err(PacketError::TooShort);
                }
                let (header, total) = v6_lengths(bytes);
                Ok(Self { bytes, version: Version::V6, header, total })
            }
            version => Err(PacketError::Version(version)),
        }
    }

    /// The buffer, from the IP header on.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The IP version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Total length in bytes as the IP header has it.
    #[must_use]
    pub const fn total_length(&self) -> u32 {
        self.total
    }

    /// Length of the fixed IP header in bytes, IPv4 options included, IPv6 extension headers not.
    #[must_use]
    pub const fn header_length(&self) -> usize {
        self.header as usize
    }

    /// Where the packet ends in the buffer: the total length, or the buffer's length when that is less.
    #[must_use]
    #[inline]
    pub fn end(&self) -> usize {
        self.bytes.len().min(self.total as usize)
    }

    /// Whether the buffer holds less than the IP header promises.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        (self.total as usize) > self.bytes.len()
    }

    /// The bytes of the packet without what follows it in the buffer.
    #[must_use]
    #[inline]
    pub fn content(&self) -> &'a [u8] {
        self.bytes.get(..self.end()).unwrap_or(self.bytes)
    }

    /// Finds the transport header: at once for IPv4, behind the extension headers for IPv6.
    #[must_use]
    pub fn transport(&self) -> Transport {
        let found = self.find();
        let length = self.payload(found).map_or(0, <[u8]>::len);
        Transport {
            kind: found.kind(),
            number: self.number(found),
            fragment: self.is_fragment(found),
            offset: found.offset(),
            // At most `MAX_PACKET`.
            payload: self.end().saturating_sub(length) as u32,
        }
    }

    /// As [`Packet::transport`], without what is rarely asked for.
    #[inline]
    pub(crate) fn find(&self) -> Found {
        let start = usize::from(self.header);
        match (self.version, self.bytes.first_chunk::<20>()) {
            (Version::V4, Some(fixed)) => {
                let [_, _, _, _, _, _, high, low, _, number, ..] = *fixed;
                // A later fragment has no transport header.
                if u16::from_be_bytes([high, low]) & 0x1FFF != 0 {
                    return Found::new(0, start);
                }
                // The most frequent is asked for first: a compiler would ask in its own order.
                if number == tcp::NUMBER {
                    let behind = self.bytes.get(start..self.end());
                    let there = behind.and_then(tcp::header_length).is_some();
                    return Found::new(if there { Protocol::Tcp.bit() } else { 0 }, start);
                }
                let behind = self.end().saturating_sub(start);
                let bit = match number {
                    udp::NUMBER if behind >= udp::HEADER => Protocol::Udp.bit(),
                    icmp::NUMBER if behind >= icmp::HEADER => Protocol::Icmp.bit(),
                    _ => 0,
                };
                Found::new(bit, start)
            }
            _ => {
                crate::rare();
                find_v6(self.content())
            }
        }
    }

    /// The protocol number after any extension headers.
    pub(crate) fn number(&self, found: Found) -> u8 {
        match self.version {
            Version::V4 => be8(self.bytes, ipv4::PROTOCOL).unwrap_or(0),
            Version::V6 => found.walked().0,
        }
    }

    /// Whether the packet is a fragment; see [`Transport::fragment`].
    pub(crate) fn is_fragment(&self, found: Found) -> bool {
        match self.version {
            Version::V4 => ipv4::flags_and_offset(self.bytes).is_some_and(|word| word & 0x3FFF != 0),
            Version::V6 => found.walked().1,
        }
    }

    /// The packet of these bytes again, once parsed. For what is out of line and seldom called: so a packet that was
    /// parsed there need not be in memory where it is not needed as a whole.
    #[inline(never)]
    pub(crate) fn again(bytes: &'a [u8], version: Version) -> Self {
        let (header, total) = match (version, bytes.first_chunk::<20>()) {
            (Version::V4, Some([first, _, high, low, ..])) => {
                (u16::from((first & 0x0F) << 2), u32::from(u16::from_be_bytes([*high, *low])))
            }
            _ => v6_lengths(bytes),
        };
        Self { bytes, version, header, total }
    }

    /// What follows the transport header, to the end of the packet; nothing when the header claims to be longer.
    pub(crate) fn payload(&self, found: Found) -> Option<&'a [u8]> {
        let behind = self.content().get(found.offset() as usize..)?;
        let length = match found.kind() {
            Protocol::Tcp => tcp::header_length(behind)?,
            Protocol::Udp => udp::HEADER,
            Protocol::Icmp | Protocol::Icmpv6 => icmp::HEADER,
            Protocol::Other => 0,
        };
        Some(behind.get(length..).unwrap_or(&[]))
    }
}

/// Length of the fixed IPv6 header, and of the packet with its payload.
#[inline]
fn v6_lengths(bytes: &[u8]) -> (u16, u32) {
    let payload = ipv6::payload_length(bytes).unwrap_or(0);
    (ipv6::HEADER as u16, u32::from(payload).saturating_add(ipv6::HEADER as u32))
}

/// [`Packet::find`] for IPv6; `content` is that of the packet.
#[inline(never)]
fn find_v6(content: &[u8]) -> Found {
    let last = ipv6::skip_extensions(content);
    let behind = content.get(last.offset..).unwrap_or(&[]);
    let bit = match last.number {
        _ if last.later => 0,
        tcp::NUMBER if tcp::header_length(behind).is_some() => Protocol::Tcp.bit(),
        udp::NUMBER if behind.len() >= udp::HEADER => Protocol::Udp.bit(),
        icmp::NUMBER_V6 if behind.len() >= icmp::HEADER => Protocol::Icmpv6.bit(),
        _ => 0,
    };
    Found::walk(bit, &last)
}

impl Protocol {
    /// The bit by which the header is known in [`Found`]; none for [`Protocol::Other`].
    pub(crate) const fn bit(self) -> u32 {
        match self {
            Self::Other => 0,
            Self::Icmp => 1 << Self::Icmp as u8,
            Self::Icmpv6 => 1 << Self::Icmpv6 as u8,
            Self::Tcp => 1 << Self::Tcp as u8,
            Self::Udp => 1 << Self::Udp as u8,
        }
    }
}

/// [`Transport`] in two registers: without the payload and without what IPv4 headers say themselves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Found {
    /// The header's bit.
    pub(crate) bit: u32,
    /// Where it begins: the bits of [`Found::OFFSET`]. For IPv6, where it takes a walk to know, also whether the packet
    /// is a fragment (bit 23) and the protocol number (from bit 24 on).
    pub(crate) at: u32,
}

impl Found {
    /// Enough bits for [`MAX_PACKET`].
    pub(crate) const OFFSET: u32 = 0x1_FFFF;

    #[inline]
    const fn new(bit: u32, offset: usize) -> Self {
        Self { bit, at: offset as u32 }
    }

    fn walk(bit: u32, last: &ipv6::LastHeader) -> Self {
        let walked = u32::from(last.number) << 24 | u32::from(last.fragment) << 23;
        Self { bit, at: last.offset as u32 & Self::OFFSET | walked }
    }

    pub(crate) const fn kind(self) -> Protocol {
        const ICMP: u32 = Protocol::Icmp.bit();
        const ICMPV6: u32 = Protocol::Icmpv6.bit();
        const TCP: u32 = Protocol::Tcp.bit();
        const UDP: u32 = Protocol::Udp.bit();
        match self.bit {
            ICMP => Protocol::Icmp,
            ICMPV6 => Protocol::Icmpv6,
            TCP => Protocol::Tcp,
            UDP => Protocol::Udp,
            _ => Protocol::Other,
        }
    }

    pub(crate) const fn offset(self) -> u32 {
        self.at & Self::OFFSET
    }

    const fn walked(self) -> (u8, bool) {
        ((self.at >> 24) as u8, self.at >> 23 & 1 == 1)
    }
}

/// The byte at `offset`, or `None` past the end.
#[inline]
pub(crate) fn be8(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// The 16-bit big-endian word at `offset`, or `None` when it does not fit.
#[inline]
pub(crate) fn be16(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|word| u16::from_be_bytes(*word))
}

/// The 32-bit big-endian word at `offset`, or `None` when it does not fit.
#[inline]
pub(crate) fn be32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// The 128-bit big-endian word at `offset`, or `None` when it does not fit.
#[inline]
pub(crate) fn be128(bytes: &[u8], offset: usize) -> Option<u128> {
    bytes.get(offset..)?.first_chunk().map(|word| u128::from_be_bytes(*word))
}
