//! Where the fields of packets lie: from a load to bits of the packet, for one shape of packet.
//!
//! A *shape* is an IP version and a kind of transport header. Within one, presence of a header is certain and a field
//! is a run of bits. Where those bits lie among the bytes of the buffer depends on lengths: a *layout* may know them
//! or not. What is not known is over-approximated: bytes counted from different places are taken for independent.

use divert_vm::field::{Field, Header, IPV4_MAPPED};
use divert_vm::packet::{Protocol, Version};

use super::Reason;
use super::bits::{Bit, Bits, constant};
use super::chain::Chain;
use super::diagram::{Bdd, Diagrams};
use super::ground::{self, Region};

/// What a load can be: under which condition it is there with which bits. The conditions exclude each other.
pub(super) type Alternatives = Vec<(Bdd, Bits)>;

/// A kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) version: Version,
    pub(super) kind: Protocol,
}

impl Shape {
    /// All shapes; a packet has exactly one.
    pub(super) const ALL: [Self; 8] = [
        Self { version: Version::V4, kind: Protocol::Tcp },
        Self { version: Version::V4, kind: Protocol::Udp },
        Self { version: Version::V4, kind: Protocol::Icmp },
        Self { version: Version::V4, kind: Protocol::Other },
        Self { version: Version::V6, kind: Protocol::Tcp },
        Self { version: Version::V6, kind: Protocol::Udp },
        Self { version: Version::V6, kind: Protocol::Icmpv6 },
        Self { version: Version::V6, kind: Protocol::Other },
    ];

    /// Bytes that every packet of the version has.
    pub(super) const fn fixed(self) -> u32 {
        match self.version {
            Version::V4 => 20,
            Version::V6 => 40,
        }
    }

    /// Bytes of the transport header that can be named by fields.
    pub(super) const fn header(self) -> u32 {
        match self.kind {
            Protocol::Tcp => 20,
            Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 => 8,
            Protocol::Other => 0,
        }
    }

    /// Whether packets of the shape have the header.
    const fn has(self, header: Header) -> bool {
        match header {
            Header::None => true,
            Header::Ip => matches!(self.version, Version::V4),
            Header::Ipv6 => matches!(self.version, Version::V6),
            Header::Icmp => matches!(self.kind, Protocol::Icmp),
            Header::Icmpv6 => matches!(self.kind, Protocol::Icmpv6),
            Header::Tcp => matches!(self.kind, Protocol::Tcp),
            Header::Udp => matches!(self.kind, Protocol::Udp),
        }
    }
}

/// A shape and what is known about lengths.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) shape: Shape,
    /// IPv4 header length in words.
    pub(super) words: Option<u8>,
    /// TCP header length in words.
    pub(super) offset: Option<u8>,
    /// IPv6 extension headers.
    pub(super) chain: Option<Chain>,
    /// Length of the buffer.
    pub(super) length: Option<u32>,
    /// Length in the IP header.
    pub(super) total: Option<u32>,
    /// Length of the payload.
    pub(super) payload: Option<u32>,
}

/// First bit and number of bits of the fields that lie in a header, from the beginning of that header.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields lie in no header")]
pub const fn span(field: Field) -> Option<(u32, u32)> {
    Some(match field {
        Field::IpHdrLength | Field::Ipv6TrafficClass => {
            (4, if matches!(field, Field::IpHdrLength) { 4 } else { 8 })
        }
        Field::IpTos | Field::IcmpCode | Field::Icmpv6Code => (8, 8),
        Field::IpLength
        | Field::IcmpChecksum
        | Field::Icmpv6Checksum
        | Field::TcpDstPort
        | Field::UdpDstPort => (16, 16),
        Field::IpId | Field::Ipv6Length | Field::UdpLength => (32, 16),
        Field::IpDf => (49, 1),
        Field::IpMf => (50, 1),
        Field::IpFragOff => (51, 13),
        Field::IpTtl => (64, 8),
        Field::IpProtocol => (72, 8),
        Field::IpChecksum => (80, 16),
        Field::IpSrcAddr => (96, 32),
        Field::IpDstAddr => (128, 32),
        Field::Ipv6FlowLabel => (12, 20),
        Field::Ipv6NextHdr => (48, 8),
        Field::Ipv6HopLimit => (56, 8),
        Field::Ipv6SrcAddr => (64, 128),
        Field::Ipv6DstAddr => (192, 128),
        Field::IcmpType | Field::Icmpv6Type => (0, 8),
        Field::IcmpBody | Field::Icmpv6Body | Field::TcpSeqNum => (32, 32),
        Field::TcpSrcPort | Field::UdpSrcPort => (0, 16),
        Field::TcpAckNum => (64, 32),
        Field::TcpHdrLength => (96, 4),
        Field::TcpUrg => (106, 1),
        Field::TcpAck => (107, 1),
        Field::TcpPsh => (108, 1),
        Field::TcpRst => (109, 1),
        Field::TcpSyn => (110, 1),
        Field::TcpFin => (111, 1),
        Field::TcpWindow => (112, 16),
        Field::TcpChecksum => (128, 16),
        Field::TcpUrgPtr => (144, 16),
        Field::UdpChecksum => (48, 16),
        _ => return None,
    })
}

impl Layout {
    /// The layout that knows nothing: every packet of the shape has it.
    pub(super) const fn general(shape: Shape) -> Self {
        Self { shape, words: None, offset: None, chain: None, length: None, total: None, payload: None }
    }

    /// The layout of most packets: no options, no extension headers.
    pub(super) fn usual(shape: Shape) -> Self {
        Self { words: Some(5), offset: Some(5), chain: Some(Chain::default()), ..Self::general(shape) }
    }

    fn v4(&self) -> bool {
        self.shape.version == Version::V4
    }

    /// IPv4 header length in words.
    pub(super) fn words(&self) -> Bits {
        self.words.map_or_else(|| ground::WORDS.bits(), |words| constant(words.into(), 4))
    }

    /// TCP header length in words.
    pub(super) fn offset(&self) -> Bits {
        self.offset.map_or_else(|| ground::OFFSET.bits(), |offset| constant(offset.into(), 4))
    }

    /// Length of the buffer, for IPv6 without the fixed header.
    pub(super) fn length(&self) -> Bits {
        match self.length {
            Some(length) => constant(length.saturating_sub(self.length_base()).into(), 17),
            None => ground::LENGTH.bits(),
        }
    }

    /// What is not counted in [`Layout::length`].
    pub(super) fn length_base(&self) -> u32 {
        if self.v4() { 0 } else { 40 }
    }

    /// The length in the IP header.
    pub(super) fn total(&self) -> Bits {
        self.total.map_or_else(|| ground::TOTAL.bits(), |total| constant(total.into(), 16))
    }

    /// Length of the payload.
    pub(super) fn payload_length(&self) -> Bits {
        self.payload.map_or_else(|| ground::PAYLOAD_LENGTH.bits(), |length| constant(length.into(), 16))
    }

    /// Bytes of IPv6 extension headers.
    pub(super) fn extensions(&self) -> Bits {
        match &self.chain {
            Some(chain) => constant(chain.size().into(), 16),
            None => ground::EXTENSIONS.bits(),
        }
    }

    /// Where the transport header begins.
    pub(super) fn base(&self) -> Option<u32> {
        match self.shape.version {
            Version::V4 => self.words.map(|words| u32::from(words) * 4),
            Version::V6 => self.chain.as_ref().map(|chain| 40 + chain.size()),
        }
    }

    /// Where the payload begins.
    pub(super) fn payload_base(&self) -> Option<u32> {
        let header = match self.shape.kind {
            Protocol::Tcp => u32::from(self.offset?) * 4,
            Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => self.shape.header(),
        };
        Some(self.base()? + header)
    }

    /// Where the packet ends.
    pub(super) fn end(&self) -> Option<u32> {
        Some(self.length?.min(self.total? + self.length_base()))
    }

    /// A byte of the buffer.
    pub(super) fn byte(&self, at: u32) -> [Bit; 8] {
        let variable = Region::Packet.byte(at);
        let nibbles = |high: &[Bit], low: &[Bit]| {
            let mut bits = [Bit::Is(false); 8];
            for (bit, of) in bits.iter_mut().zip(high.iter().chain(low)) {
                *bit = *of;
            }
            bits
        };
        let half =
            |bits: &[Bit], at: usize| bits.get(8 * at..8 * at + 8).and_then(|half| half.try_into().ok());
        match (self.shape.version, at) {
            (Version::V4, 0) => nibbles(&constant(4, 4), &self.words()),
            (Version::V6, 0) => nibbles(&constant(6, 4), &variable[4..]),
            (Version::V4, 2 | 3) => half(&self.total(), at as usize - 2).unwrap_or(variable),
            (Version::V6, 4 | 5) => half(&self.total(), at as usize - 4).unwrap_or(variable),
            (Version::V6, 6) => match self.chain.as_ref().and_then(Chain::first) {
                Some(first) => nibbles(&constant(first.into(), 8), &[]),
                None => nibbles(&ground::FIRST.bits(), &[]),
            },
            _ if self.shape.kind == Protocol::Tcp && self.base().is_some_and(|base| at == base + 12) => {
                nibbles(&self.offset(), &variable[4..])
            }
            _ => variable,
        }
    }

    /// A byte of the transport header.
    pub(super) fn transport(&self, at: u32) -> [Bit; 8] {
        if let Some(base) = self.base() {
            return self.byte(base + at);
        }
        let mut bits = Region::Transport.byte(at);
        if self.shape.kind == Protocol::Tcp && at == 12 {
            bits.iter_mut().zip(self.offset()).for_each(|(bit, offset)| *bit = offset);
        }
        bits
    }

    fn payload(&self, at: u32) -> [Bit; 8] {
        self.payload_base().map_or_else(|| Region::Payload.byte(at), |base| self.byte(base + at))
    }

    /// The byte this far from the end of the buffer. It is there: the test for that is apart.
    fn tail(&self, distance: u32) -> [Bit; 8] {
        match self.length.map(|length| length.checked_sub(distance)) {
            Some(Some(at)) => self.byte(at),
            Some(None) | None => Region::Tail.byte(distance),
        }
    }

    fn payload_tail(&self, distance: u32) -> [Bit; 8] {
        match self.payload.map(|length| length.checked_sub(distance)) {
            Some(Some(at)) => self.payload(at),
            Some(None) | None => Region::PayloadTail.byte(distance),
        }
    }

    /// The protocol number behind the IP headers.
    pub(super) fn number(&self) -> Bits {
        match (&self.chain, self.shape.version) {
            (_, Version::V4) => self.byte(9).to_vec(),
            (Some(chain), Version::V6) => self.byte(chain.number_at().map_or(6, |at| 40 + at)).to_vec(),
            (None, Version::V6) => ground::NUMBER.bits(),
        }
    }

    /// The IPv4 flags and fragment offset.
    pub(super) fn flags_and_offset(&self) -> Bits {
        [6, 7].into_iter().flat_map(|at| self.byte(at)).collect()
    }

    /// Whether an IPv6 packet has a fragment header, and whether it is of a later fragment.
    pub(super) fn fragment(&self) -> [Bit; 2] {
        match &self.chain {
            Some(chain) => [Bit::Is(chain.has_fragment()), Bit::Is(chain.is_later())],
            None => {
                let bit = |row: ground::Row| row.bits().first().copied().unwrap_or(Bit::Is(false));
                [bit(ground::FRAGMENT), bit(ground::LATER)]
            }
        }
    }

    /// What the load can be, mask aside.
    pub(super) fn load(
        &self,
        diagrams: &mut Diagrams,
        field: Field,
        index: i32,
    ) -> Result<Alternatives, Reason> {
        let info = field.info();
        if !self.shape.has(info.header) {
            return Ok(Vec::new());
        }
        if field.is_array() {
            return self.element(diagrams, field, index);
        }
        if let Some((first, width)) = span(field) {
            let byte = |at| match info.header {
                Header::Ip | Header::Ipv6 | Header::None => self.byte(at),
                Header::Icmp | Header::Icmpv6 | Header::Tcp | Header::Udp => self.transport(at),
            };
            let bits = (first..first + width).map(|bit| byte(bit / 8)[(bit % 8) as usize]).collect();
            return Ok(vec![(Bdd::TRUE, bits)]);
        }
        self.other(diagrams, field)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are read elsewhere or absent")]
    fn other(&self, diagrams: &mut Diagrams, field: Field) -> Result<Alternatives, Reason> {
        let kind = self.shape.kind;
        let truth = |value: bool| constant(value.into(), 1);
        let hash = ground::HASH.bits();
        let bits = match field {
            Field::Zero => truth(false),
            Field::Event => constant(0, 4),
            Field::Ip => truth(self.v4()),
            Field::Ipv6 => truth(!self.v4()),
            Field::Icmp => truth(kind == Protocol::Icmp),
            Field::Icmpv6 => truth(kind == Protocol::Icmpv6),
            Field::Tcp => truth(kind == Protocol::Tcp),
            Field::Udp => truth(kind == Protocol::Udp),
            Field::Outbound => ground::OUTBOUND.bits(),
            Field::Loopback => ground::LOOPBACK.bits(),
            Field::Impostor => ground::IMPOSTOR.bits(),
            Field::IfIdx => ground::IF_IDX.bits(),
            Field::SubIfIdx => ground::SUB_IF_IDX.bits(),
            Field::Timestamp => ground::TIMESTAMP.bits(),
            Field::Protocol => self.number(),
            Field::Length => self.length(),
            Field::TcpPayloadLength | Field::UdpPayloadLength => self.payload_length(),
            Field::Random8 => hash[8..16].to_vec(),
            Field::Random16 => hash[16..32].to_vec(),
            Field::Random32 => hash[32..].to_vec(),
            Field::Inbound => {
                let outbound = diagrams.is(&ground::OUTBOUND.bits(), 1)?;
                return Ok(vec![(outbound, truth(false)), (diagrams.not(outbound)?, truth(true))]);
            }
            Field::Fragment => {
                let fragment = match self.shape.version {
                    Version::V4 => {
                        let none = crate::set::IntervalSet::range(0, 0);
                        let whole = diagrams.member(&self.flags_and_offset(), 0x3FFF, &none)?;
                        diagrams.not(whole)?
                    }
                    Version::V6 => diagrams.truth(self.fragment()[0])?,
                };
                return Ok(vec![(fragment, truth(true)), (diagrams.not(fragment)?, truth(false))]);
            }
            Field::LocalAddr => return self.by_direction(diagrams, self.address(true), self.address(false)),
            Field::RemoteAddr => return self.by_direction(diagrams, self.address(false), self.address(true)),
            Field::LocalPort => return self.by_direction(diagrams, self.port(true), self.port(false)),
            Field::RemotePort => return self.by_direction(diagrams, self.port(false), self.port(true)),
            _ => return Ok(Vec::new()),
        };
        Ok(vec![(Bdd::TRUE, bits)])
    }

    fn by_direction(&self, diagrams: &mut Diagrams, out: Bits, back: Bits) -> Result<Alternatives, Reason> {
        if out == back {
            return Ok(vec![(Bdd::TRUE, out)]);
        }
        let outbound = diagrams.is(&ground::OUTBOUND.bits(), 1)?;
        Ok(vec![(outbound, out), (diagrams.not(outbound)?, back)])
    }

    fn address(&self, source: bool) -> Bits {
        let bytes =
            |from: u32, count: u32| (from..from + count).flat_map(|at| self.byte(at)).collect::<Bits>();
        match (self.shape.version, source) {
            (Version::V4, _) => {
                let mut bits = constant(IPV4_MAPPED >> 32, 96);
                bits.extend(bytes(if source { 12 } else { 16 }, 4));
                bits
            }
            (Version::V6, true) => bytes(8, 16),
            (Version::V6, false) => bytes(24, 16),
        }
    }

    fn port(&self, source: bool) -> Bits {
        let mut bits = constant(0, 8);
        match self.shape.kind {
            Protocol::Tcp | Protocol::Udp => {
                let first = if source { 0 } else { 2 };
                return [first, first + 1].into_iter().flat_map(|at| self.transport(at)).collect();
            }
            Protocol::Icmp | Protocol::Icmpv6 if source => bits.extend(self.transport(0)),
            Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => bits.extend(constant(0, 8)),
        }
        bits
    }

    fn element(&self, diagrams: &mut Diagrams, field: Field, index: i32) -> Result<Alternatives, Reason> {
        let size = u32::from(field.info().element);
        let distance = index.unsigned_abs();
        let whole = matches!(field, Field::Packet | Field::Packet16 | Field::Packet32);
        let needed = if index >= 0 { distance.saturating_add(size) } else { distance };
        if index < 0 && size > distance {
            return Ok(Vec::new());
        }
        let present = if whole {
            diagrams.from(&self.length(), needed.saturating_sub(self.length_base()).into())?
        } else {
            diagrams.from(&self.payload_length(), needed.into())?
        };
        if present == Bdd::FALSE || needed > 65_575 {
            return Ok(Vec::new());
        }
        let byte = |at: u32| match (whole, index < 0) {
            (true, false) => self.byte(distance + at),
            (true, true) => self.tail(distance - at),
            (false, false) => self.payload(distance + at),
            (false, true) => self.payload_tail(distance - at),
        };
        Ok(vec![(present, (0..size).flat_map(byte).collect())])
    }
}
