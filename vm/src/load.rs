//! From a field and an input to a key, or to "absent": the only place where fields meet data (language notes §5).

use crate::field::{Field, IPV4_MAPPED};
use crate::hash;
use crate::input::{Data, Endpoint, Input};
use crate::packet::{Packet, Protocol, Transport, Version, be8, be16, be32, icmp, ipv4, ipv6, tcp, udp};

/// The key of `field` for `input`, or `None` when the input does not have the field. `index` is a byte offset, from
/// the end when negative, and is looked at for array fields only.
#[must_use]
pub fn key(input: &Input<'_>, field: Field, index: i32) -> Option<u128> {
    let mut reader = Reader::new(input);
    if field.is_wide() { reader.wide(field) } else { reader.narrow(field, index).map(u128::from) }
}

/// Reads fields of one input. The transport header and the hash are looked for when first asked for.
pub(crate) struct Reader<'r, 'a> {
    input: &'r Input<'a>,
    transport: Option<Transport>,
    hash: Option<u64>,
}

impl<'r, 'a> Reader<'r, 'a> {
    #[inline]
    pub(crate) const fn new(input: &'r Input<'a>) -> Self {
        Self { input, transport: None, hash: None }
    }

    /// The key of a field of 32 bits or less.
    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    #[inline]
    pub(crate) fn narrow(&mut self, field: Field, index: i32) -> Option<u32> {
        match &self.input.data {
            Data::Packet(packet) => self.packet_field(packet, field, index),
            Data::Endpoint(endpoint) => self.endpoint_field(endpoint, field),
            Data::Reflected(handle) => match field {
                Field::ProcessId => Some(handle.process_id),
                Field::Layer => Some(u32::from(handle.layer.number())),
                Field::Priority => u32::try_from(i32::from(handle.priority).saturating_add(32_768)).ok(),
                Field::Event => Some(u32::from(self.input.event.number())),
                Field::Zero => Some(0),
                _ => None,
            },
        }
    }

    /// The key of a field of more than 32 bits.
    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    pub(crate) fn wide(&mut self, field: Field) -> Option<u128> {
        if matches!(field, Field::Timestamp) {
            return Some(u128::from(self.input.address.timestamp.cast_unsigned() ^ 1 << 63));
        }
        match &self.input.data {
            Data::Packet(packet) => {
                let outbound = self.input.address.outbound;
                match (field, packet.version()) {
                    (Field::Ipv6SrcAddr, Version::V6) => ipv6::source(packet.bytes()),
                    (Field::Ipv6DstAddr, Version::V6) => ipv6::destination(packet.bytes()),
                    (Field::LocalAddr, _) => address(packet, outbound),
                    (Field::RemoteAddr, _) => address(packet, !outbound),
                    _ => None,
                }
            }
            Data::Endpoint(endpoint) => match field {
                Field::LocalAddr => Some(endpoint.local_addr),
                Field::RemoteAddr => Some(endpoint.remote_addr),
                Field::EndpointId => Some(u128::from(endpoint.endpoint_id)),
                Field::ParentEndpointId => Some(u128::from(endpoint.parent_endpoint_id)),
                _ => None,
            },
            Data::Reflected(_) => None,
        }
    }

    #[inline]
    fn transport(&mut self, packet: &Packet<'_>) -> Transport {
        *self.transport.get_or_insert_with(|| packet.transport())
    }

    /// Offset of the transport header when it is of this kind.
    #[inline]
    fn header(&mut self, packet: &Packet<'_>, kind: Protocol) -> Option<usize> {
        let transport = self.transport(packet);
        (transport.kind == kind).then_some(transport.offset)
    }

    #[inline]
    fn packet_field(&mut self, packet: &Packet<'a>, field: Field, index: i32) -> Option<u32> {
        let bytes = packet.bytes();
        match field {
            Field::Zero => Some(0),
            Field::Inbound => Some(u32::from(!self.input.address.outbound)),
            Field::Outbound => Some(u32::from(self.input.address.outbound)),
            Field::IfIdx => Some(self.input.address.if_idx),
            Field::SubIfIdx => Some(self.input.address.sub_if_idx),
            Field::Loopback => Some(u32::from(self.input.address.loopback)),
            Field::Impostor => Some(u32::from(self.input.address.impostor)),
            Field::Event => Some(u32::from(self.input.event.number())),
            Field::Ip => Some(u32::from(matches!(packet.version(), Version::V4))),
            Field::Ipv6 => Some(u32::from(matches!(packet.version(), Version::V6))),
            Field::Icmp => Some(u32::from(self.transport(packet).kind == Protocol::Icmp)),
            Field::Icmpv6 => Some(u32::from(self.transport(packet).kind == Protocol::Icmpv6)),
            Field::Tcp => Some(u32::from(self.transport(packet).kind == Protocol::Tcp)),
            Field::Udp => Some(u32::from(self.transport(packet).kind == Protocol::Udp)),
            Field::IpHdrLength
            | Field::IpTos
            | Field::IpLength
            | Field::IpId
            | Field::IpDf
            | Field::IpMf
            | Field::IpFragOff
            | Field::IpTtl
            | Field::IpProtocol
            | Field::IpChecksum
            | Field::IpSrcAddr
            | Field::IpDstAddr => match packet.version() {
                Version::V4 => ipv4_field(bytes, field),
                Version::V6 => None,
            },
            Field::Ipv6TrafficClass
            | Field::Ipv6FlowLabel
            | Field::Ipv6Length
            | Field::Ipv6NextHdr
            | Field::Ipv6HopLimit => match packet.version() {
                Version::V4 => None,
                Version::V6 => ipv6_field(bytes, field),
            },
            Field::IcmpType => icmp::kind(bytes, self.header(packet, Protocol::Icmp)?).map(u32::from),
            Field::IcmpCode => icmp::code(bytes, self.header(packet, Protocol::Icmp)?).map(u32::from),
            Field::IcmpChecksum => icmp::checksum(bytes, self.header(packet, Protocol::Icmp)?).map(u32::from),
            Field::IcmpBody => icmp::body(bytes, self.header(packet, Protocol::Icmp)?),
            Field::Icmpv6Type => icmp::kind(bytes, self.header(packet, Protocol::Icmpv6)?).map(u32::from),
            Field::Icmpv6Code => icmp::code(bytes, self.header(packet, Protocol::Icmpv6)?).map(u32::from),
            Field::Icmpv6Checksum => {
                icmp::checksum(bytes, self.header(packet, Protocol::Icmpv6)?).map(u32::from)
            }
            Field::Icmpv6Body => icmp::body(bytes, self.header(packet, Protocol::Icmpv6)?),
            Field::TcpSrcPort => tcp::source_port(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from),
            Field::TcpDstPort => {
                tcp::destination_port(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from)
            }
            Field::TcpSeqNum => tcp::sequence(bytes, self.header(packet, Protocol::Tcp)?),
            Field::TcpAckNum => tcp::acknowledgement(bytes, self.header(packet, Protocol::Tcp)?),
            Field::TcpHdrLength => tcp::words(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from),
            Field::TcpUrg => self.tcp_flag(packet, 5),
            Field::TcpAck => self.tcp_flag(packet, 4),
            Field::TcpPsh => self.tcp_flag(packet, 3),
            Field::TcpRst => self.tcp_flag(packet, 2),
            Field::TcpSyn => self.tcp_flag(packet, 1),
            Field::TcpFin => self.tcp_flag(packet, 0),
            Field::TcpWindow => tcp::window(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from),
            Field::TcpChecksum => tcp::checksum(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from),
            Field::TcpUrgPtr => tcp::urgent(bytes, self.header(packet, Protocol::Tcp)?).map(u32::from),
            Field::TcpPayloadLength => self.payload(packet, Protocol::Tcp).map(length),
            Field::UdpSrcPort => tcp::source_port(bytes, self.header(packet, Protocol::Udp)?).map(u32::from),
            Field::UdpDstPort => {
                tcp::destination_port(bytes, self.header(packet, Protocol::Udp)?).map(u32::from)
            }
            Field::UdpLength => udp::length(bytes, self.header(packet, Protocol::Udp)?).map(u32::from),
            Field::UdpChecksum => udp::checksum(bytes, self.header(packet, Protocol::Udp)?).map(u32::from),
            Field::UdpPayloadLength => self.payload(packet, Protocol::Udp).map(length),
            Field::LocalPort => Some(self.port(packet, self.input.address.outbound)),
            Field::RemotePort => Some(self.port(packet, !self.input.address.outbound)),
            Field::Protocol => Some(u32::from(self.transport(packet).number)),
            Field::Fragment => Some(u32::from(self.transport(packet).fragment)),
            Field::Packet => element(bytes, index, 1),
            Field::Packet16 => element(bytes, index, 2),
            Field::Packet32 => element(bytes, index, 4),
            Field::TcpPayload => element(self.payload(packet, Protocol::Tcp)?, index, 1),
            Field::TcpPayload16 => element(self.payload(packet, Protocol::Tcp)?, index, 2),
            Field::TcpPayload32 => element(self.payload(packet, Protocol::Tcp)?, index, 4),
            Field::UdpPayload => element(self.payload(packet, Protocol::Udp)?, index, 1),
            Field::UdpPayload16 => element(self.payload(packet, Protocol::Udp)?, index, 2),
            Field::UdpPayload32 => element(self.payload(packet, Protocol::Udp)?, index, 4),
            Field::Length => Some(length(bytes)),
            Field::Random8 => Some((self.hash(packet) >> 48 & 0xFF) as u32),
            Field::Random16 => Some((self.hash(packet) >> 32 & 0xFFFF) as u32),
            Field::Random32 => Some((self.hash(packet) & 0xFFFF_FFFF) as u32),
            Field::Ipv6SrcAddr
            | Field::Ipv6DstAddr
            | Field::ProcessId
            | Field::LocalAddr
            | Field::RemoteAddr
            | Field::EndpointId
            | Field::ParentEndpointId
            | Field::Layer
            | Field::Priority
            | Field::Timestamp => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    fn endpoint_field(&self, endpoint: &Endpoint, field: Field) -> Option<u32> {
        let value = match field {
            Field::Zero => 0,
            Field::Inbound => u32::from(!self.input.address.outbound),
            Field::Outbound => u32::from(self.input.address.outbound),
            Field::Loopback => u32::from(self.input.address.loopback),
            Field::Event => u32::from(self.input.event.number()),
            Field::Ip => u32::from(!endpoint.ipv6),
            Field::Ipv6 => u32::from(endpoint.ipv6),
            Field::Icmp => u32::from(endpoint.protocol == icmp::NUMBER && !endpoint.ipv6),
            Field::Icmpv6 => u32::from(endpoint.protocol == icmp::NUMBER_V6 && endpoint.ipv6),
            Field::Tcp => u32::from(endpoint.protocol == tcp::NUMBER),
            Field::Udp => u32::from(endpoint.protocol == udp::NUMBER),
            Field::ProcessId => endpoint.process_id,
            Field::LocalPort => u32::from(endpoint.local_port),
            Field::RemotePort => u32::from(endpoint.remote_port),
            Field::Protocol => u32::from(endpoint.protocol),
            _ => return None,
        };
        Some(value)
    }

    #[inline]
    fn tcp_flag(&mut self, packet: &Packet<'_>, bit: u8) -> Option<u32> {
        let offset = self.header(packet, Protocol::Tcp)?;
        tcp::flags(packet.bytes(), offset).map(|flags| u32::from(flags >> bit & 1))
    }

    /// The payload behind the transport header of this kind, to the end of the IP packet.
    #[inline]
    fn payload(&mut self, packet: &Packet<'a>, kind: Protocol) -> Option<&'a [u8]> {
        let transport = self.transport(packet);
        if transport.kind == kind { packet.content().get(transport.payload..) } else { None }
    }

    /// The source port or the destination port; for ICMP and ICMPv6 the type and 0; 0 without such a header.
    fn port(&mut self, packet: &Packet<'_>, source: bool) -> u32 {
        let transport = self.transport(packet);
        let port = match transport.kind {
            Protocol::Tcp | Protocol::Udp if source => tcp::source_port(packet.bytes(), transport.offset),
            Protocol::Tcp | Protocol::Udp => tcp::destination_port(packet.bytes(), transport.offset),
            Protocol::Icmp | Protocol::Icmpv6 if source => {
                icmp::kind(packet.bytes(), transport.offset).map(u16::from)
            }
            Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => None,
        };
        u32::from(port.unwrap_or(0))
    }

    fn hash(&mut self, packet: &Packet<'_>) -> u64 {
        let transport = self.transport(packet);
        let seed = self.input.address.timestamp.cast_unsigned();
        *self.hash.get_or_insert_with(|| hash::of_headers(packet, &transport, seed))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
#[inline]
fn ipv4_field(header: &[u8], field: Field) -> Option<u32> {
    match field {
        Field::IpHdrLength => ipv4::words(header).map(u32::from),
        Field::IpTos => ipv4::tos(header).map(u32::from),
        Field::IpLength => ipv4::total_length(header).map(u32::from),
        Field::IpId => ipv4::id(header).map(u32::from),
        Field::IpDf => ipv4::flags_and_offset(header).map(|word| u32::from(word >> 14 & 1)),
        Field::IpMf => ipv4::flags_and_offset(header).map(|word| u32::from(word >> 13 & 1)),
        Field::IpFragOff => ipv4::flags_and_offset(header).map(|word| u32::from(word & 0x1FFF)),
        Field::IpTtl => ipv4::ttl(header).map(u32::from),
        Field::IpProtocol => ipv4::protocol(header).map(u32::from),
        Field::IpChecksum => ipv4::checksum(header).map(u32::from),
        Field::IpSrcAddr => ipv4::source(header),
        Field::IpDstAddr => ipv4::destination(header),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
#[inline]
fn ipv6_field(header: &[u8], field: Field) -> Option<u32> {
    match field {
        Field::Ipv6TrafficClass => ipv6::traffic_class(header).map(u32::from),
        Field::Ipv6FlowLabel => ipv6::flow_label(header),
        Field::Ipv6Length => ipv6::payload_length(header).map(u32::from),
        Field::Ipv6NextHdr => ipv6::next_header(header).map(u32::from),
        Field::Ipv6HopLimit => ipv6::hop_limit(header).map(u32::from),
        _ => None,
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
