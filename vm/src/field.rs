//! THE table of fields: number, name, layers, presence, range and a line of documentation for each of the 86 fields.
//! Names, validation, documentation, completion and both wire formats derive from it; nothing else lists the fields
//! but `load.rs`, which reads them.
//!
//! Values are handled as **keys**: unsigned integers whose order is the order of the values. A key is the value
//! itself except for `timestamp` (value + 2⁶³), `priority` (value + 32768) and the IPv4 addresses (the address without
//! its `::ffff:` prefix).

use crate::layer::{Layer, Layers};
use crate::number::Number;

/// A field, numbered as in WinDivert's filter objects (language notes §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// `zero`: always 0.
    Zero = 0,
    /// `inbound`: 1 for an inbound packet or event.
    Inbound = 1,
    /// `outbound`: 1 for an outbound packet or event.
    Outbound = 2,
    /// `ifIdx`: number of the network interface.
    IfIdx = 3,
    /// `subIfIdx`: number of the sub-interface.
    SubIfIdx = 4,
    /// `ip`: 1 for IPv4.
    Ip = 5,
    /// `ipv6`: 1 for IPv6.
    Ipv6 = 6,
    /// `icmp`: 1 for ICMP over IPv4.
    Icmp = 7,
    /// `tcp`: 1 for TCP.
    Tcp = 8,
    /// `udp`: 1 for UDP.
    Udp = 9,
    /// `icmpv6`: 1 for ICMPv6 over IPv6.
    Icmpv6 = 10,
    /// `ip.HdrLength`: length of the IPv4 header in 4-byte words.
    IpHdrLength = 11,
    /// `ip.TOS`: IPv4 type of service (DSCP and ECN).
    IpTos = 12,
    /// `ip.Length`: total length in the IPv4 header.
    IpLength = 13,
    /// `ip.Id`: IPv4 identification.
    IpId = 14,
    /// `ip.DF`: IPv4 "do not fragment".
    IpDf = 15,
    /// `ip.MF`: IPv4 "more fragments".
    IpMf = 16,
    /// `ip.FragOff`: IPv4 fragment offset in 8-byte units.
    IpFragOff = 17,
    /// `ip.TTL`: IPv4 time to live.
    IpTtl = 18,
    /// `ip.Protocol`: protocol number in the IPv4 header.
    IpProtocol = 19,
    /// `ip.Checksum`: IPv4 header checksum.
    IpChecksum = 20,
    /// `ip.SrcAddr`: IPv4 source address.
    IpSrcAddr = 21,
    /// `ip.DstAddr`: IPv4 destination address.
    IpDstAddr = 22,
    /// `ipv6.TrafficClass`: IPv6 traffic class.
    Ipv6TrafficClass = 23,
    /// `ipv6.FlowLabel`: IPv6 flow label.
    Ipv6FlowLabel = 24,
    /// `ipv6.Length`: payload length in the IPv6 header.
    Ipv6Length = 25,
    /// `ipv6.NextHdr`: next header in the fixed IPv6 header.
    Ipv6NextHdr = 26,
    /// `ipv6.HopLimit`: IPv6 hop limit.
    Ipv6HopLimit = 27,
    /// `ipv6.SrcAddr`: IPv6 source address.
    Ipv6SrcAddr = 28,
    /// `ipv6.DstAddr`: IPv6 destination address.
    Ipv6DstAddr = 29,
    /// `icmp.Type`: ICMP type.
    IcmpType = 30,
    /// `icmp.Code`: ICMP code.
    IcmpCode = 31,
    /// `icmp.Checksum`: ICMP checksum.
    IcmpChecksum = 32,
    /// `icmp.Body`: bytes 4 to 7 of the ICMP header.
    IcmpBody = 33,
    /// `icmpv6.Type`: ICMPv6 type.
    Icmpv6Type = 34,
    /// `icmpv6.Code`: ICMPv6 code.
    Icmpv6Code = 35,
    /// `icmpv6.Checksum`: ICMPv6 checksum.
    Icmpv6Checksum = 36,
    /// `icmpv6.Body`: bytes 4 to 7 of the ICMPv6 header.
    Icmpv6Body = 37,
    /// `tcp.SrcPort`: TCP source port.
    TcpSrcPort = 38,
    /// `tcp.DstPort`: TCP destination port.
    TcpDstPort = 39,
    /// `tcp.SeqNum`: TCP sequence number.
    TcpSeqNum = 40,
    /// `tcp.AckNum`: TCP acknowledgement number.
    TcpAckNum = 41,
    /// `tcp.HdrLength`: length of the TCP header in 4-byte words.
    TcpHdrLength = 42,
    /// `tcp.Urg`: TCP URG flag.
    TcpUrg = 43,
    /// `tcp.Ack`: TCP ACK flag.
    TcpAck = 44,
    /// `tcp.Psh`: TCP PSH flag.
    TcpPsh = 45,
    /// `tcp.Rst`: TCP RST flag.
    TcpRst = 46,
    /// `tcp.Syn`: TCP SYN flag.
    TcpSyn = 47,
    /// `tcp.Fin`: TCP FIN flag.
    TcpFin = 48,
    /// `tcp.Window`: TCP window.
    TcpWindow = 49,
    /// `tcp.Checksum`: TCP checksum.
    TcpChecksum = 50,
    /// `tcp.UrgPtr`: TCP urgent pointer.
    TcpUrgPtr = 51,
    /// `tcp.PayloadLength`: number of bytes after the TCP header.
    TcpPayloadLength = 52,
    /// `udp.SrcPort`: UDP source port.
    UdpSrcPort = 53,
    /// `udp.DstPort`: UDP destination port.
    UdpDstPort = 54,
    /// `udp.Length`: length in the UDP header.
    UdpLength = 55,
    /// `udp.Checksum`: UDP checksum.
    UdpChecksum = 56,
    /// `udp.PayloadLength`: number of bytes after the UDP header.
    UdpPayloadLength = 57,
    /// `loopback`: 1 for loopback traffic.
    Loopback = 58,
    /// `impostor`: 1 for a packet injected by another driver.
    Impostor = 59,
    /// `processId`: process that owns the flow, socket or handle.
    ProcessId = 60,
    /// `localAddr`: local address, IPv4 as ::ffff:a.b.c.d.
    LocalAddr = 61,
    /// `remoteAddr`: remote address, IPv4 as ::ffff:a.b.c.d.
    RemoteAddr = 62,
    /// `localPort`: local port; for ICMP and ICMPv6 the type stands as the source port.
    LocalPort = 63,
    /// `remotePort`: remote port; for ICMP and ICMPv6 the type stands as the source port.
    RemotePort = 64,
    /// `protocol`: transport protocol after any IPv6 extension headers.
    Protocol = 65,
    /// `endpointId`: identifier of the endpoint.
    EndpointId = 66,
    /// `parentEndpointId`: identifier of the parent endpoint.
    ParentEndpointId = 67,
    /// `layer`: layer of the handle that was opened or closed.
    Layer = 68,
    /// `priority`: priority of the handle that was opened or closed.
    Priority = 69,
    /// `event`: what happened.
    Event = 70,
    /// `packet`: byte of the packet, from the IP header on.
    Packet = 71,
    /// `packet16`: 16-bit big-endian word of the packet.
    Packet16 = 72,
    /// `packet32`: 32-bit big-endian word of the packet.
    Packet32 = 73,
    /// `tcp.Payload`: byte of the TCP payload.
    TcpPayload = 74,
    /// `tcp.Payload16`: 16-bit big-endian word of the TCP payload.
    TcpPayload16 = 75,
    /// `tcp.Payload32`: 32-bit big-endian word of the TCP payload.
    TcpPayload32 = 76,
    /// `udp.Payload`: byte of the UDP payload.
    UdpPayload = 77,
    /// `udp.Payload16`: 16-bit big-endian word of the UDP payload.
    UdpPayload16 = 78,
    /// `udp.Payload32`: 32-bit big-endian word of the UDP payload.
    UdpPayload32 = 79,
    /// `length`: length of the packet in bytes.
    Length = 80,
    /// `timestamp`: when it happened, in ticks of the performance counter.
    Timestamp = 81,
    /// `random8`: 8 bits of the packet's hash.
    Random8 = 82,
    /// `random16`: 16 bits of the packet's hash.
    Random16 = 83,
    /// `random32`: 32 bits of the packet's hash.
    Random32 = 84,
    /// `fragment`: 1 for any fragment of a packet.
    Fragment = 85,
}

/// The header that a field belongs to. A test on the field is false for a packet without that header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Header {
    /// No header: the field is there for every packet and event of its layers.
    None,
    /// IPv4.
    Ip,
    /// IPv6.
    Ipv6,
    /// ICMP over IPv4.
    Icmp,
    /// ICMPv6 over IPv6.
    Icmpv6,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Header {
    /// The field that tells whether the header is there; `None` for [`Header::None`].
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::None => None,
            Self::Ip => Some(Field::Ip),
            Self::Ipv6 => Some(Field::Ipv6),
            Self::Icmp => Some(Field::Icmp),
            Self::Icmpv6 => Some(Field::Icmpv6),
            Self::Tcp => Some(Field::Tcp),
            Self::Udp => Some(Field::Udp),
        }
    }
}

/// How a field's constants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// 0 or 1; `field` and `not field` stand for `field == 1` and `field == 0`.
    Bool,
    /// Decimal.
    Decimal,
    /// `0x…`
    Hex,
    /// `10.0.0.1`
    Ipv4,
    /// IPv6, with IPv4-mapped addresses written as IPv4.
    Address,
    /// A layer's macro.
    Layer,
    /// An event's macro.
    Event,
}

/// The values a field can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Least key.
    pub low: u128,
    /// Greatest key.
    pub high: u128,
    /// The number that key 0 stands for.
    pub origin: Number,
}

/// What the table knows of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its name in filters, without an index.
    pub name: &'static str,
    /// Where it can be tested.
    pub layers: Layers,
    /// What must be present.
    pub header: Header,
    /// How its constants are written.
    pub style: Style,
    /// Its values.
    pub range: Range,
    /// Bytes per element for the nine array fields, else 0.
    pub element: u8,
    /// One line of documentation.
    pub doc: &'static str,
}

impl FieldInfo {
    const fn array(mut self, element: u8) -> Self {
        self.element = element;
        self
    }
}

const fn row(
    field: Field,
    name: &'static str,
    layers: Layers,
    header: Header,
    style: Style,
    range: Range,
    doc: &'static str,
) -> FieldInfo {
    FieldInfo { field, name, layers, header, style, range, element: 0, doc }
}

const fn between(low: u128, high: u128) -> Range {
    Range { low, high, origin: Number::ZERO }
}

const fn uint(bits: u32) -> Range {
    between(0, u128::MAX >> 128_u32.saturating_sub(bits))
}

/// `::ffff:0.0.0.0` as a number: what the language adds to an IPv4 address.
pub const IPV4_MAPPED: u128 = 0xFFFF_0000_0000;

/// Whether a 128-bit address is an IPv4 address, as the language has them.
#[must_use]
pub const fn is_ipv4_mapped(address: u128) -> bool {
    address >> 32 == IPV4_MAPPED >> 32
}

const IPV4: Range = Range { low: 0, high: 0xFFFF_FFFF, origin: Number::new(false, IPV4_MAPPED) };
const TICKS: Range = Range { low: 0, high: u64::MAX as u128, origin: Number::new(true, 1 << 63) };
const PRIORITY: Range = Range { low: 2768, high: 62768, origin: Number::new(true, 32768) };

const ALL: Layers = Layers::of(true, true, true, true, true);
const NM: Layers = Layers::of(true, true, false, false, false);
const NFS: Layers = Layers::of(true, false, true, true, false);
const NMFS: Layers = Layers::of(true, true, true, true, false);
const FS: Layers = Layers::of(false, false, true, true, false);
const FSR: Layers = Layers::of(false, false, true, true, true);
const R: Layers = Layers::of(false, false, false, false, true);

/// The table, in the order of the fields' numbers.
#[rustfmt::skip]
pub const FIELDS: [FieldInfo; 86] = [
    row(Field::Zero, "zero", ALL, Header::None, Style::Bool, between(0, 0), "always 0"),
    row(Field::Inbound, "inbound", NFS, Header::None, Style::Bool, uint(1), "1 for an inbound packet or event"),
    row(Field::Outbound, "outbound", NFS, Header::None, Style::Bool, uint(1), "1 for an outbound packet or event"),
    row(Field::IfIdx, "ifIdx", NM, Header::None, Style::Decimal, uint(32), "number of the network interface"),
    row(Field::SubIfIdx, "subIfIdx", NM, Header::None, Style::Decimal, uint(32), "number of the sub-interface"),
    row(Field::Ip, "ip", NMFS, Header::None, Style::Bool, uint(1), "1 for IPv4"),
    row(Field::Ipv6, "ipv6", NMFS, Header::None, Style::Bool, uint(1), "1 for IPv6"),
    row(Field::Icmp, "icmp", NMFS, Header::None, Style::Bool, uint(1), "1 for ICMP over IPv4"),
    row(Field::Tcp, "tcp", NMFS, Header::None, Style::Bool, uint(1), "1 for TCP"),
    row(Field::Udp, "udp", NMFS, Header::None, Style::Bool, uint(1), "1 for UDP"),
    row(Field::Icmpv6, "icmpv6", NMFS, Header::None, Style::Bool, uint(1), "1 for ICMPv6 over IPv6"),
    row(Field::IpHdrLength, "ip.HdrLength", NM, Header::Ip, Style::Decimal, uint(4), "length of the IPv4 header in 4-byte words"),
    row(Field::IpTos, "ip.TOS", NM, Header::Ip, Style::Decimal, uint(8), "IPv4 type of service (DSCP and ECN)"),
    row(Field::IpLength, "ip.Length", NM, Header::Ip, Style::Decimal, uint(16), "total length in the IPv4 header"),
    row(Field::IpId, "ip.Id", NM, Header::Ip, Style::Hex, uint(16), "IPv4 identification"),
    row(Field::IpDf, "ip.DF", NM, Header::Ip, Style::Bool, uint(1), "IPv4 \"do not fragment\""),
    row(Field::IpMf, "ip.MF", NM, Header::Ip, Style::Bool, uint(1), "IPv4 \"more fragments\""),
    row(Field::IpFragOff, "ip.FragOff", NM, Header::Ip, Style::Decimal, uint(13), "IPv4 fragment offset in 8-byte units"),
    row(Field::IpTtl, "ip.TTL", NM, Header::Ip, Style::Decimal, uint(8), "IPv4 time to live"),
    row(Field::IpProtocol, "ip.Protocol", NM, Header::Ip, Style::Decimal, uint(8), "protocol number in the IPv4 header"),
    row(Field::IpChecksum, "ip.Checksum", NM, Header::Ip, Style::Hex, uint(16), "IPv4 header checksum"),
    row(Field::IpSrcAddr, "ip.SrcAddr", NM, Header::Ip, Style::Ipv4, IPV4, "IPv4 source address"),
    row(Field::IpDstAddr, "ip.DstAddr", NM, Header::Ip, Style::Ipv4, IPV4, "IPv4 destination address"),
    row(Field::Ipv6TrafficClass, "ipv6.TrafficClass", NM, Header::Ipv6, Style::Decimal, uint(8), "IPv6 traffic class"),
    row(Field::Ipv6FlowLabel, "ipv6.FlowLabel", NM, Header::Ipv6, Style::Decimal, uint(20), "IPv6 flow label"),
    row(Field::Ipv6Length, "ipv6.Length", NM, Header::Ipv6, Style::Decimal, uint(16), "payload length in the IPv6 header"),
    row(Field::Ipv6NextHdr, "ipv6.NextHdr", NM, Header::Ipv6, Style::Decimal, uint(8), "next header in the fixed IPv6 header"),
    row(Field::Ipv6HopLimit, "ipv6.HopLimit", NM, Header::Ipv6, Style::Decimal, uint(8), "IPv6 hop limit"),
    row(Field::Ipv6SrcAddr, "ipv6.SrcAddr", NM, Header::Ipv6, Style::Address, uint(128), "IPv6 source address"),
    row(Field::Ipv6DstAddr, "ipv6.DstAddr", NM, Header::Ipv6, Style::Address, uint(128), "IPv6 destination address"),
    row(Field::IcmpType, "icmp.Type", NM, Header::Icmp, Style::Decimal, uint(8), "ICMP type"),
    row(Field::IcmpCode, "icmp.Code", NM, Header::Icmp, Style::Decimal, uint(8), "ICMP code"),
    row(Field::IcmpChecksum, "icmp.Checksum", NM, Header::Icmp, Style::Hex, uint(16), "ICMP checksum"),
    row(Field::IcmpBody, "icmp.Body", NM, Header::Icmp, Style::Decimal, uint(32), "bytes 4 to 7 of the ICMP header"),
    row(Field::Icmpv6Type, "icmpv6.Type", NM, Header::Icmpv6, Style::Decimal, uint(8), "ICMPv6 type"),
    row(Field::Icmpv6Code, "icmpv6.Code", NM, Header::Icmpv6, Style::Decimal, uint(8), "ICMPv6 code"),
    row(Field::Icmpv6Checksum, "icmpv6.Checksum", NM, Header::Icmpv6, Style::Hex, uint(16), "ICMPv6 checksum"),
    row(Field::Icmpv6Body, "icmpv6.Body", NM, Header::Icmpv6, Style::Decimal, uint(32), "bytes 4 to 7 of the ICMPv6 header"),
    row(Field::TcpSrcPort, "tcp.SrcPort", NM, Header::Tcp, Style::Decimal, uint(16), "TCP source port"),
    row(Field::TcpDstPort, "tcp.DstPort", NM, Header::Tcp, Style::Decimal, uint(16), "TCP destination port"),
    row(Field::TcpSeqNum, "tcp.SeqNum", NM, Header::Tcp, Style::Decimal, uint(32), "TCP sequence number"),
    row(Field::TcpAckNum, "tcp.AckNum", NM, Header::Tcp, Style::Decimal, uint(32), "TCP acknowledgement number"),
    row(Field::TcpHdrLength, "tcp.HdrLength", NM, Header::Tcp, Style::Decimal, uint(4), "length of the TCP header in 4-byte words"),
    row(Field::TcpUrg, "tcp.Urg", NM, Header::Tcp, Style::Bool, uint(1), "TCP URG flag"),
    row(Field::TcpAck, "tcp.Ack", NM, Header::Tcp, Style::Bool, uint(1), "TCP ACK flag"),
    row(Field::TcpPsh, "tcp.Psh", NM, Header::Tcp, Style::Bool, uint(1), "TCP PSH flag"),
    row(Field::TcpRst, "tcp.Rst", NM, Header::Tcp, Style::Bool, uint(1), "TCP RST flag"),
    row(Field::TcpSyn, "tcp.Syn", NM, Header::Tcp, Style::Bool, uint(1), "TCP SYN flag"),
    row(Field::TcpFin, "tcp.Fin", NM, Header::Tcp, Style::Bool, uint(1), "TCP FIN flag"),
    row(Field::TcpWindow, "tcp.Window", NM, Header::Tcp, Style::Decimal, uint(16), "TCP window"),
    row(Field::TcpChecksum, "tcp.Checksum", NM, Header::Tcp, Style::Hex, uint(16), "TCP checksum"),
    row(Field::TcpUrgPtr, "tcp.UrgPtr", NM, Header::Tcp, Style::Decimal, uint(16), "TCP urgent pointer"),
    row(Field::TcpPayloadLength, "tcp.PayloadLength", NM, Header::Tcp, Style::Decimal, uint(16), "number of bytes after the TCP header"),
    row(Field::UdpSrcPort, "udp.SrcPort", NM, Header::Udp, Style::Decimal, uint(16), "UDP source port"),
    row(Field::UdpDstPort, "udp.DstPort", NM, Header::Udp, Style::Decimal, uint(16), "UDP destination port"),
    row(Field::UdpLength, "udp.Length", NM, Header::Udp, Style::Decimal, uint(16), "length in the UDP header"),
    row(Field::UdpChecksum, "udp.Checksum", NM, Header::Udp, Style::Hex, uint(16), "UDP checksum"),
    row(Field::UdpPayloadLength, "udp.PayloadLength", NM, Header::Udp, Style::Decimal, uint(16), "number of bytes after the UDP header"),
    row(Field::Loopback, "loopback", NFS, Header::None, Style::Bool, uint(1), "1 for loopback traffic"),
    row(Field::Impostor, "impostor", NM, Header::None, Style::Bool, uint(1), "1 for a packet injected by another driver"),
    row(Field::ProcessId, "processId", FSR, Header::None, Style::Decimal, uint(32), "process that owns the flow, socket or handle"),
    row(Field::LocalAddr, "localAddr", NFS, Header::None, Style::Address, uint(128), "local address, IPv4 as ::ffff:a.b.c.d"),
    row(Field::RemoteAddr, "remoteAddr", NFS, Header::None, Style::Address, uint(128), "remote address, IPv4 as ::ffff:a.b.c.d"),
    row(Field::LocalPort, "localPort", NFS, Header::None, Style::Decimal, uint(16), "local port; for ICMP and ICMPv6 the type stands as the source port"),
    row(Field::RemotePort, "remotePort", NFS, Header::None, Style::Decimal, uint(16), "remote port; for ICMP and ICMPv6 the type stands as the source port"),
    row(Field::Protocol, "protocol", NFS, Header::None, Style::Decimal, uint(8), "transport protocol after any IPv6 extension headers"),
    row(Field::EndpointId, "endpointId", FS, Header::None, Style::Decimal, uint(64), "identifier of the endpoint"),
    row(Field::ParentEndpointId, "parentEndpointId", FS, Header::None, Style::Decimal, uint(64), "identifier of the parent endpoint"),
    row(Field::Layer, "layer", R, Header::None, Style::Layer, between(0, 4), "layer of the handle that was opened or closed"),
    row(Field::Priority, "priority", R, Header::None, Style::Decimal, PRIORITY, "priority of the handle that was opened or closed"),
    row(Field::Event, "event", ALL, Header::None, Style::Event, between(0, 9), "what happened"),
    row(Field::Packet, "packet", NM, Header::None, Style::Hex, uint(8), "byte of the packet, from the IP header on").array(1),
    row(Field::Packet16, "packet16", NM, Header::None, Style::Hex, uint(16), "16-bit big-endian word of the packet").array(2),
    row(Field::Packet32, "packet32", NM, Header::None, Style::Hex, uint(32), "32-bit big-endian word of the packet").array(4),
    row(Field::TcpPayload, "tcp.Payload", NM, Header::Tcp, Style::Hex, uint(8), "byte of the TCP payload").array(1),
    row(Field::TcpPayload16, "tcp.Payload16", NM, Header::Tcp, Style::Hex, uint(16), "16-bit big-endian word of the TCP payload").array(2),
    row(Field::TcpPayload32, "tcp.Payload32", NM, Header::Tcp, Style::Hex, uint(32), "32-bit big-endian word of the TCP payload").array(4),
    row(Field::UdpPayload, "udp.Payload", NM, Header::Udp, Style::Hex, uint(8), "byte of the UDP payload").array(1),
    row(Field::UdpPayload16, "udp.Payload16", NM, Header::Udp, Style::Hex, uint(16), "16-bit big-endian word of the UDP payload").array(2),
    row(Field::UdpPayload32, "udp.Payload32", NM, Header::Udp, Style::Hex, uint(32), "32-bit big-endian word of the UDP payload").array(4),
    row(Field::Length, "length", NM, Header::None, Style::Decimal, between(20, 65575), "length of the packet in bytes"),
    row(Field::Timestamp, "timestamp", ALL, Header::None, Style::Decimal, TICKS, "when it happened, in ticks of the performance counter"),
    row(Field::Random8, "random8", NM, Header::None, Style::Decimal, uint(8), "8 bits of the packet's hash"),
    row(Field::Random16, "random16", NM, Header::None, Style::Decimal, uint(16), "16 bits of the packet's hash"),
    row(Field::Random32, "random32", NM, Header::None, Style::Decimal, uint(32), "32 bits of the packet's hash"),
    row(Field::Fragment, "fragment", NM, Header::None, Style::Bool, uint(1), "1 for any fragment of a packet"),
];

/// Where a number lies relative to the values that a field can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below every value.
    Below,
    /// It is the value with this key.
    At(u128),
    /// Above every value.
    Above,
}

impl Field {
    /// Number of fields.
    pub const COUNT: usize = FIELDS.len();

    /// The field with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        FIELDS.get(usize::from(number)).map(|info| info.field)
    }

    /// Its number in both wire formats.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its row of the table.
    #[must_use]
    pub const fn info(self) -> &'static FieldInfo {
        const TABLE: &[FieldInfo; Field::COUNT] = &FIELDS;
        // The numbers are 0 to 85 without a gap (tested), so the index is always inside.
        #[expect(clippy::indexing_slicing, reason = "the discriminants are exactly the indexes")]
        &TABLE[self as usize]
    }

    /// Its name in filters, without an index.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        FIELDS.iter().find(|info| info.name == name).map(|info| info.field)
    }

    /// Whether it is one of the nine that need an index.
    #[must_use]
    pub const fn is_array(self) -> bool {
        self.info().element != 0
    }

    /// Whether its keys need more than 32 bits.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        self.info().range.high > u32::MAX as u128
    }

    /// Whether it is there for every packet or event of its layers.
    #[must_use]
    pub const fn always_present(self) -> bool {
        matches!(self.info().header, Header::None) && !self.is_array()
    }

    /// Whether its value depends on what lies behind the IP headers of a packet.
    #[must_use]
    pub const fn needs_transport(self) -> bool {
        matches!(self.info().header, Header::Icmp | Header::Icmpv6 | Header::Tcp | Header::Udp)
            || matches!(self, Self::Icmp | Self::Icmpv6 | Self::Tcp | Self::Udp)
            || matches!(self, Self::LocalPort | Self::RemotePort | Self::Protocol | Self::Fragment)
            || matches!(self, Self::Random8 | Self::Random16 | Self::Random32)
    }

    /// The least and greatest key it can have at `layer`: its range in the table, but for `event`, whose values
    /// depend on the layer.
    #[must_use]
    pub const fn keys_at(self, layer: Layer) -> (u128, u128) {
        if matches!(self, Self::Event) {
            let (first, last) = layer.events();
            return (first as u128, last as u128);
        }
        let range = &self.info().range;
        (range.low, range.high)
    }

    /// The value with this key, as the language's number. A key that the field cannot have gives the number it would
    /// stand for.
    #[must_use]
    pub const fn number_of(self, key: u128) -> Number {
        let origin = self.info().range.origin;
        if !origin.is_negative() {
            Number::new(false, origin.magnitude().saturating_add(key))
        } else {
            Number::new(key < origin.magnitude(), key.abs_diff(origin.magnitude()))
        }
    }

    /// Where `number` lies among the values that the field can have.
    #[must_use]
    pub fn place(self, number: Number) -> Place {
        let range = &self.info().range;
        if number < self.number_of(range.low) {
            Place::Below
        } else if number > self.number_of(range.high) {
            Place::Above
        } else if range.origin.is_negative() {
            let distance = range.origin.magnitude();
            Place::At(if number.is_negative() {
                distance.saturating_sub(number.magnitude())
            } else {
                distance.saturating_add(number.magnitude())
            })
        } else {
            Place::At(number.magnitude().saturating_sub(range.origin.magnitude()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_order_and_names_are_unique() {
        for (index, info) in FIELDS.iter().enumerate() {
            assert_eq!(usize::from(info.field.number()), index);
            assert_eq!(Field::from_name(info.name), Some(info.field));
            assert!(info.range.low <= info.range.high);
        }
    }

    #[test]
    fn place_and_number_are_inverse() {
        for info in &FIELDS {
            let (low, high) = (info.range.low, info.range.high);
            for key in [low, low.midpoint(high), high] {
                assert_eq!(info.field.place(info.field.number_of(key)), Place::At(key), "{}", info.name);
            }
        }
        assert_eq!(Field::TcpDstPort.place(Number::from(65536_u128)), Place::Above);
        assert_eq!(Field::Priority.place(Number::from(-30001_i128)), Place::Below);
        assert_eq!(Field::Timestamp.place(Number::from(-1_i128)), Place::At((1 << 63) - 1));
        assert_eq!(Field::IpSrcAddr.place(Number::from(0x0A00_0001_u128)), Place::Below);
    }
}
