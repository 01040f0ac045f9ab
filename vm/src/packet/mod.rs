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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// ICMP over IPv4, 8 bytes at least.
    Icmp,
    /// ICMPv6 over IPv6, 8 bytes at least.
    Icmpv6,
    /// TCP, 20 bytes at least and a header length of 20 at least.
    Tcp,
    /// UDP, 8 bytes at least.
    Udp,
    /// None that is known, a later fragment, or one that is cut short.
    Other,
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
        let bytes = buffer.get(..MAX_PACKET).unwrap_or(buffer);
        let Some(fixed) = bytes.first_chunk::<20>() else { return Err(PacketError::TooShort) };
        let [first, _, high, low, ..] = *fixed;
        match first >> 4 {
            4 => {
                let header = (first & 0x0F) << 2;
                let total = u32::from(u16::from_be_bytes([high, low]));
                if header < 20 || usize::from(header) > bytes.len() || u32::from(header) > total {
                    return Err(PacketError::HeaderLength(header));
                }
                Ok(Self { bytes, version: Version::V4, header: u16::from(header), total })
            }
            6 => {
                if bytes.len() < ipv6::HEADER {
                    return Err(PacketError::TooShort);
                }
                let payload = ipv6::payload_length(bytes).unwrap_or(0);
                Ok(Self {
                    bytes,
                    version: Version::V6,
                    header: 40,
                    total: u32::from(payload).saturating_add(40),
                })
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
        let length = self.payload(&found).map_or(0, <[u8]>::len);
        // At most `MAX_PACKET`.
        let payload = self.end().saturating_sub(length) as u32;
        let Found { kind, number, fragment, offset } = found;
        Transport { kind, number, fragment, offset, payload }
    }

    /// As [`Packet::transport`], without the payload.
    #[inline]
    pub(crate) fn find(&self) -> Found {
        let (number, fragment, later, offset) = match (self.version, self.bytes.first_chunk::<20>()) {
            (Version::V4, Some(fixed)) => {
                let [_, _, _, _, _, _, high, low, _, number, ..] = *fixed;
                let word = u16::from_be_bytes([high, low]);
                (number, word & 0x3FFF != 0, word & 0x1FFF != 0, u32::from(self.header))
            }
            _ => {
                let last = ipv6::skip_extensions(self.content());
                // At most `MAX_PACKET`.
                (last.number, last.fragment, last.later, last.offset as u32)
            }
        };
        let (version, start) = (self.version, offset as usize);
        let is_there = |length: usize| !later && start.saturating_add(length) <= self.end();
        let kind = match number {
            tcp::NUMBER if is_there(tcp::HEADER) && tcp::is_whole(self.bytes, start) => Protocol::Tcp,
            udp::NUMBER if is_there(udp::HEADER) => Protocol::Udp,
            icmp::NUMBER if is_there(icmp::HEADER) && version == Version::V4 => Protocol::Icmp,
            icmp::NUMBER_V6 if is_there(icmp::HEADER) && version == Version::V6 => Protocol::Icmpv6,
            _ => Protocol::Other,
        };
        Found { kind, number, fragment, offset }
    }

    /// What follows the transport header, to the end of the packet; nothing when the header claims to be longer.
    pub(crate) fn payload(&self, found: &Found) -> Option<&'a [u8]> {
        let behind = self.content().get(found.offset as usize..)?;
        let length = match found.kind {
            Protocol::Tcp => tcp::header_length(behind)?,
            Protocol::Udp => udp::HEADER,
            Protocol::Icmp | Protocol::Icmpv6 => icmp::HEADER,
            Protocol::Other => 0,
        };
        Some(behind.get(length..).unwrap_or(&[]))
    }
}

/// [`Transport`] without the payload: as much as most programs need.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) kind: Protocol,
    pub(crate) number: u8,
    pub(crate) fragment: bool,
    pub(crate) offset: u32,
}

impl Found {
    /// What is known before looking.
    pub(crate) const NOTHING: Self = Self { kind: Protocol::Other, number: 0, fragment: false, offset: 0 };
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
