//! Packets: no bytes panic, and an independent reading of the rules (SPEC §4.5) finds the same headers and values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Source, cases, input::RECORDED, input::packet};
use divert_vm::checksum::{Leave, decrement_ttl, update};
use divert_vm::packet::Protocol;
use divert_vm::{Address, FIELDS, Field, Input, Packet, hash, load};
use proptest::collection::vec;
use proptest::prelude::*;

/// What an independent parser finds.
#[derive(Debug, PartialEq)]
struct Found {
    v6: bool,
    /// The protocol at the end of the chain.
    number: u8,
    fragment: bool,
    /// The transport header with its kind; none when cut short, unknown, or in a later fragment.
    transport: Option<(Protocol, usize)>,
    /// From here to the end of the packet.
    payload: Option<(usize, usize)>,
}

fn word(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn parse(buffer: &[u8]) -> Option<Found> {
    let buffer = &buffer[..buffer.len().min(65_575)];
    if buffer.len() < 20 {
        return None;
    }
    match buffer[0] >> 4 {
        4 => {
            let (header, total) = (usize::from(buffer[0] % 16) * 4, word(&buffer[2..]));
            if header < 20 || header > buffer.len() || header > total {
                return None;
            }
            let content = &buffer[..total.min(buffer.len())];
            let (more, offset) = (buffer[6] & 0x20 != 0, word(&buffer[6..]) % 0x2000);
            let found = Found {
                v6: false,
                number: buffer[9],
                fragment: more || offset > 0,
                transport: None,
                payload: None,
            };
            Some(if offset > 0 { found } else { transport(found, content, header) })
        }
        6 if buffer.len() >= 40 => {
            let total = 40 + word(&buffer[4..]);
            let content = &buffer[..total.min(buffer.len())];
            Some(extensions(content, 40, buffer[6], false))
        }
        _ => None,
    }
}

/// The headers from `offset` on, of which the first has this number.
fn extensions(content: &[u8], offset: usize, number: u8, fragment: bool) -> Found {
    let found = Found { v6: true, number, fragment, transport: None, payload: None };
    let rest = &content[offset..];
    let length = match (number, rest.get(1)) {
        (0 | 43 | 60 | 135, Some(units)) => 8 + 8 * usize::from(*units),
        (51, Some(units)) => 8 + 4 * usize::from(*units),
        (44, Some(_)) if !fragment => 8,
        _ => return transport(found, content, offset),
    };
    if length > rest.len() {
        return found;
    }
    let later = number == 44 && word(&rest[2..]) >> 3 > 0;
    if later {
        return Found { number: rest[0], fragment: true, ..found };
    }
    extensions(content, offset + length, rest[0], fragment || number == 44)
}

fn transport(found: Found, content: &[u8], offset: usize) -> Found {
    let rest = &content[offset..];
    let (kind, least) = match (found.number, found.v6) {
        (6, _) => (Protocol::Tcp, 20),
        (17, _) => (Protocol::Udp, 8),
        (1, false) => (Protocol::Icmp, 8),
        (58, true) => (Protocol::Icmpv6, 8),
        _ => return found,
    };
    if rest.len() < least {
        return found;
    }
    let length = if kind == Protocol::Tcp { usize::from(rest[12] >> 4) * 4 } else { 8 };
    if length < least {
        return found;
    }
    let payload = (offset + length).min(content.len());
    Found { transport: Some((kind, offset)), payload: Some((payload, content.len())), ..found }
}

/// The key of an array field or of a value that depends on the walk; `None` when this test does not know the field.
fn expected(buffer: &[u8], found: &Found, outbound: bool, field: Field, index: i32) -> Option<Option<u128>> {
    let header = |kind, from: usize, size: usize| {
        let (_, offset) = found.transport.filter(|(is, _)| *is == kind)?;
        Some(big_endian(&buffer[offset + from..offset + from + size]))
    };
    let element = |bytes: &[u8], size: usize| {
        let start = if index < 0 { bytes.len() as i64 + i64::from(index) } else { index.into() };
        let start = usize::try_from(start).ok()?;
        bytes.get(start..start.checked_add(size)?).map(big_endian)
    };
    let payload = |kind| {
        let (start, end) = found.payload.filter(|_| found.transport.is_some_and(|(is, _)| is == kind))?;
        Some(&buffer[start..end])
    };
    let port = |source: bool| {
        let is = |kind| found.transport.is_some_and(|(found, _)| found == kind);
        if is(Protocol::Icmp) || is(Protocol::Icmpv6) {
            return if source {
                header(Protocol::Icmp, 0, 1).or_else(|| header(Protocol::Icmpv6, 0, 1))
            } else {
                Some(0)
            };
        }
        let at = if source { 0 } else { 2 };
        header(Protocol::Tcp, at, 2).or_else(|| header(Protocol::Udp, at, 2)).or(Some(0))
    };
    let is = |kind| Some(u128::from(found.transport.is_some_and(|(found, _)| found == kind)));
    let buffer = &buffer[..buffer.len().min(65_575)];
    let fixed =
        |v6: bool, from: usize, size: usize| (found.v6 == v6).then(|| big_endian(&buffer[from..from + size]));
    let address = |source: bool| match (found.v6, source) {
        (false, true) => fixed(false, 12, 4).map(|address| 0xFFFF_0000_0000 | address),
        (false, false) => fixed(false, 16, 4).map(|address| 0xFFFF_0000_0000 | address),
        (true, true) => fixed(true, 8, 16),
        (true, false) => fixed(true, 24, 16),
    };
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    Some(match field {
        Field::Protocol => Some(found.number.into()),
        Field::Fragment => Some(found.fragment.into()),
        Field::Ip => Some((!found.v6).into()),
        Field::Ipv6 => Some(found.v6.into()),
        Field::Tcp => is(tcp),
        Field::Udp => is(udp),
        Field::Icmp => is(Protocol::Icmp),
        Field::Icmpv6 => is(Protocol::Icmpv6),
        Field::IpHdrLength => fixed(false, 0, 1).map(|byte| byte % 16),
        Field::IpTos => fixed(false, 1, 1),
        Field::IpLength => fixed(false, 2, 2),
        Field::IpId => fixed(false, 4, 2),
        Field::IpDf => fixed(false, 6, 1).map(|byte| byte >> 6 & 1),
        Field::IpMf => fixed(false, 6, 1).map(|byte| byte >> 5 & 1),
        Field::IpFragOff => fixed(false, 6, 2).map(|word| word % 0x2000),
        Field::IpTtl => fixed(false, 8, 1),
        Field::IpProtocol => fixed(false, 9, 1),
        Field::IpChecksum => fixed(false, 10, 2),
        Field::IpSrcAddr => fixed(false, 12, 4),
        Field::IpDstAddr => fixed(false, 16, 4),
        Field::Ipv6TrafficClass => fixed(true, 0, 4).map(|word| word >> 20 & 0xFF),
        Field::Ipv6FlowLabel => fixed(true, 0, 4).map(|word| word & 0xF_FFFF),
        Field::Ipv6Length => fixed(true, 4, 2),
        Field::Ipv6NextHdr => fixed(true, 6, 1),
        Field::Ipv6HopLimit => fixed(true, 7, 1),
        Field::Ipv6SrcAddr => fixed(true, 8, 16),
        Field::Ipv6DstAddr => fixed(true, 24, 16),
        Field::LocalAddr => address(outbound),
        Field::RemoteAddr => address(!outbound),
        Field::LocalPort => port(outbound),
        Field::RemotePort => port(!outbound),
        Field::Length => Some(buffer.len() as u128),
        Field::IcmpType => header(Protocol::Icmp, 0, 1),
        Field::IcmpCode => header(Protocol::Icmp, 1, 1),
        Field::IcmpChecksum => header(Protocol::Icmp, 2, 2),
        Field::IcmpBody => header(Protocol::Icmp, 4, 4),
        Field::Icmpv6Type => header(Protocol::Icmpv6, 0, 1),
        Field::Icmpv6Code => header(Protocol::Icmpv6, 1, 1),
        Field::Icmpv6Checksum => header(Protocol::Icmpv6, 2, 2),
        Field::Icmpv6Body => header(Protocol::Icmpv6, 4, 4),
        Field::TcpSrcPort => header(tcp, 0, 2),
        Field::TcpDstPort => header(tcp, 2, 2),
        Field::TcpSeqNum => header(tcp, 4, 4),
        Field::TcpAckNum => header(tcp, 8, 4),
        Field::TcpHdrLength => header(tcp, 12, 1).map(|byte| byte >> 4),
        Field::TcpFin => header(tcp, 13, 1).map(|byte| byte & 1),
        Field::TcpSyn => header(tcp, 13, 1).map(|byte| byte >> 1 & 1),
        Field::TcpRst => header(tcp, 13, 1).map(|byte| byte >> 2 & 1),
        Field::TcpPsh => header(tcp, 13, 1).map(|byte| byte >> 3 & 1),
        Field::TcpAck => header(tcp, 13, 1).map(|byte| byte >> 4 & 1),
        Field::TcpUrg => header(tcp, 13, 1).map(|byte| byte >> 5 & 1),
        Field::TcpWindow => header(tcp, 14, 2),
        Field::TcpChecksum => header(tcp, 16, 2),
        Field::TcpUrgPtr => header(tcp, 18, 2),
        Field::TcpPayloadLength => payload(tcp).map(|bytes| bytes.len() as u128),
        Field::UdpSrcPort => header(udp, 0, 2),
        Field::UdpDstPort => header(udp, 2, 2),
        Field::UdpLength => header(udp, 4, 2),
        Field::UdpChecksum => header(udp, 6, 2),
        Field::UdpPayloadLength => payload(udp).map(|bytes| bytes.len() as u128),
        Field::Packet => element(buffer, 1),
        Field::Packet16 => element(buffer, 2),
        Field::Packet32 => element(buffer, 4),
        Field::TcpPayload => payload(tcp).and_then(|bytes| element(bytes, 1)),
        Field::TcpPayload16 => payload(tcp).and_then(|bytes| element(bytes, 2)),
        Field::TcpPayload32 => payload(tcp).and_then(|bytes| element(bytes, 4)),
        Field::UdpPayload => payload(udp).and_then(|bytes| element(bytes, 1)),
        Field::UdpPayload16 => payload(udp).and_then(|bytes| element(bytes, 2)),
        Field::UdpPayload32 => payload(udp).and_then(|bytes| element(bytes, 4)),
        Field::Zero
        | Field::Inbound
        | Field::Outbound
        | Field::IfIdx
        | Field::SubIfIdx
        | Field::Loopback
        | Field::Impostor
        | Field::ProcessId
        | Field::EndpointId
        | Field::ParentEndpointId
        | Field::Layer
        | Field::Priority
        | Field::Event
        | Field::Timestamp
        | Field::Random8
        | Field::Random16
        | Field::Random32 => return None,
    })
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

/// Compares everything that is known of a buffer. Gives what was found.
fn compare(buffer: &[u8], outbound: bool) -> Option<Found> {
    let found = parse(buffer);
    assert_eq!(Packet::parse(buffer).is_ok(), found.is_some());
    let (packet, found) = (Packet::parse(buffer).ok()?, found?);
    let transport = packet.transport();
    assert_eq!(transport.number, found.number);
    assert_eq!(transport.fragment, found.fragment);
    let kind = found.transport.map_or(Protocol::Other, |(kind, _)| kind);
    assert_eq!(transport.kind, kind);
    if let (Some((_, offset)), Some((payload, end))) = (found.transport, found.payload) {
        let (found_offset, found_payload) = (transport.offset as usize, transport.payload as usize);
        assert_eq!((found_offset, found_payload, packet.end()), (offset, payload, end));
    }
    assert!(transport.offset <= transport.payload && transport.payload as usize <= packet.end());
    let address = Address { outbound, ..Address::default() };
    let (here, there) = (Input::network(&packet, &address), Input::forward(&packet, &address));
    for info in &FIELDS {
        for index in [0, 1, 2, 19, 40, 65_535, -1, -2, -4, -20, -65_535, i32::MIN, i32::MAX] {
            let key = load::key(&here, info.field, index);
            assert_eq!(load::key(&there, info.field, index), key);
            if let Some(key) = key {
                let (low, high) = info.field.keys_at(divert_vm::Layer::Network);
                assert!(low <= key && key <= high, "{} is {key}", info.name);
            } else {
                assert!(!info.field.always_present() || !info.layers.contains(divert_vm::Layer::Network));
            }
            if let Some(expected) = expected(buffer, &found, outbound, info.field, index) {
                assert_eq!(key, expected, "{}[{index}]", info.name);
            }
            if !info.field.is_array() {
                break;
            }
        }
    }
    Some(found)
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn independent_parser_agrees(random in vec(any::<u8>(), 0..300), outbound in any::<bool>()) {
        compare(&packet(&mut Source::new(&random)), outbound);
    }

    #[test]
    fn random_bytes_never_panic(mut buffer in vec(any::<u8>(), 0..200), flags in 0_u64..32) {
        for first in [0x45, 0x4F, 0x60] {
            if let Some(byte) = buffer.first_mut() {
                *byte = first;
            }
            compare(&buffer, false);
            if let Ok(packet) = Packet::parse(&buffer) {
                let hash = hash::packet(&packet, flags);
                prop_assert!(!packet.is_truncated() || hash == 0);
            }
            let length = buffer.len();
            update(&mut buffer, Leave::from_flags(flags));
            decrement_ttl(&mut buffer);
            prop_assert_eq!(buffer.len(), length);
        }
    }

    /// Once written, checksums are right: writing them again changes nothing.
    #[test]
    fn checksums_are_stable(random in vec(any::<u8>(), 0..300), flags in 0_u64..32) {
        let mut buffer = packet(&mut Source::new(&random));
        let original = buffer.clone();
        let first = update(&mut buffer, Leave::from_flags(flags));
        let once = buffer.clone();
        prop_assert_eq!(update(&mut buffer, Leave::from_flags(flags)), first);
        prop_assert_eq!(&buffer, &once);
        let changed = buffer.iter().zip(&original).filter(|(new, old)| new != old).count();
        prop_assert!(changed <= 4);
        // The words of a checked header add up to all ones.
        if first.ip {
            let header = Packet::parse(&buffer).unwrap().header_length();
            let sum: u32 = buffer[..header].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
            prop_assert_eq!((sum & 0xFFFF) + (sum >> 16), 0xFFFF);
        }
    }

    /// The mended checksum is the one that a full computation gives, one's-complement zeros apart.
    #[test]
    fn decremented_ttl_keeps_the_checksum_right(random in vec(any::<u8>(), 0..300)) {
        let mut buffer = packet(&mut Source::new(&random));
        let Ok(before) = Packet::parse(&buffer) else { return Ok(()) };
        if before.version() != divert_vm::packet::Version::V4 || before.header_length() != 20 {
            return Ok(());
        }
        update(&mut buffer, Leave::default());
        let old = buffer[8];
        prop_assert_eq!(decrement_ttl(&mut buffer), old > 1);
        if old > 1 {
            prop_assert_eq!(buffer[8], old - 1);
            let mended = buffer.clone();
            update(&mut buffer, Leave { icmp: true, tcp: true, udp: true, ..Leave::default() });
            prop_assert_eq!(&buffer[..10], &mended[..10]);
            prop_assert_eq!(word(&buffer[10..]) % 0xFFFF, word(&mended[10..]) % 0xFFFF);
        }
    }
}

#[test]
fn recorded_packets_agree_at_every_length() {
    let mut kinds = [0_usize; 5];
    for packet in RECORDED.iter() {
        for length in 0..=packet.len().min(200) {
            compare(&packet[..length], length % 2 == 0);
        }
        if let Some(found) = compare(packet, true) {
            kinds[found.transport.map_or(Protocol::Other, |(kind, _)| kind) as usize] += 1;
        }
    }
    assert!(kinds.iter().all(|count| *count > 3), "{kinds:?}");
}

/// The longest chain that fits: the walk ends, and its steps are bounded by the packet's length.
#[test]
fn longest_chain_of_extension_headers() {
    let mut packet = vec![0; 65_575 + 100];
    packet[0] = 0x60;
    packet[4..6].copy_from_slice(&[0xFF, 0xFF]);
    packet[6] = 60;
    for at in (40..packet.len()).step_by(8) {
        packet[at] = 60;
    }
    // Not through the slow parser, which is recursive.
    let transport = Packet::parse(&packet).unwrap().transport();
    assert_eq!((transport.number, transport.offset), (60, 65_568));
}
