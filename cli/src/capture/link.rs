//! From a captured frame to its IP packet: what link types put before it.
//!
//! Total: any bytes give an answer. What follows the packet (Ethernet padding, check sequences) stays; the packet
//! model cuts at the length in the IP header.

use super::record::{Direction, LinkType};

/// VLAN tags that are passed over; real networks stack two.
const MAX_TAGS: usize = 8;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer3<'a> {
    /// An IP packet.
    Ip {
        /// From the IP header to the end of the frame.
        bytes: &'a [u8],
        /// What the link layer says about it.
        direction: Option<Direction>,
    },
    /// Something else: ARP, LLDP, a frame too short, a first nibble that is not the version the link layer announces.
    NotIp,
    /// An 802.11 frame; these are counted, not read.
    Wireless,
    /// A link type that is not known here.
    Unsupported(LinkType),
}

/// The IP packet of a frame.
///
/// PPPoE inside Ethernet (0x8864) is not IP, as with tcpdump; the link type of PPPoE without Ethernet is read.
#[inline]
pub(crate) fn network_layer(link: LinkType, frame: &[u8]) -> Layer3<'_> {
    if link == LinkType::ETHERNET
        && let Some((header, packet)) = frame.split_first_chunk::<14>()
        && let [.., 0x08, 0x00] = header
        && packet.first().is_some_and(|first| first >> 4 == 4)
    {
        return Layer3::Ip { bytes: packet, direction: None };
    }
    by_link(link, frame)
}

fn by_link(link: LinkType, frame: &[u8]) -> Layer3<'_> {
    let (packet, direction) = match link {
        LinkType::ETHERNET => (ethernet(frame), None),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => (any_version(frame), None),
        LinkType::IPV4 => (version(4, frame), None),
        LinkType::IPV6 => (version(6, frame), None),
        LinkType::NULL => (null(frame), None),
        LinkType::LOOP => (loopback(frame), None),
        LinkType::LINUX_SLL => linux_sll(frame).unwrap_or_default(),
        LinkType::LINUX_SLL2 => linux_sll2(frame).unwrap_or_default(),
        LinkType::PPP | LinkType::PPP_HDLC | LinkType::C_HDLC => (hdlc(frame), None),
        LinkType::PPP_ETHER => (pppoe(frame), None),
        link if link.is_wireless() => return Layer3::Wireless,
        link => return Layer3::Unsupported(link),
    };
    packet.map_or(Layer3::NotIp, |bytes| Layer3::Ip { bytes, direction })
}

/// The packet, if its first nibble is the version.
fn version(expected: u8, packet: &[u8]) -> Option<&[u8]> {
    packet.first().is_some_and(|first| first >> 4 == expected).then_some(packet)
}

fn any_version(packet: &[u8]) -> Option<&[u8]> {
    version(4, packet).or_else(|| version(6, packet))
}

fn ethernet(frame: &[u8]) -> Option<&[u8]> {
    let ([.., t0, t1], rest) = frame.split_first_chunk::<14>()?;
    ethertype(u16::from_be_bytes([*t0, *t1]), rest)
}

/// What follows an EtherType, through VLAN tags (802.1Q, 802.1ad and its predecessor) and 802.3 frames with SNAP.
fn ethertype(first: u16, rest: &[u8]) -> Option<&[u8]> {
    let (mut kind, mut rest) = (first, rest);
    for _ in 0..=MAX_TAGS {
        match kind {
            IPV4 => return version(4, rest),
            IPV6 => return version(6, rest),
            0x8100 | 0x88a8 | 0x9100 => {
                let ([_, _, t0, t1], inner) = rest.split_first_chunk::<4>()?;
                (kind, rest) = (u16::from_be_bytes([*t0, *t1]), inner);
            }
            0..=1500 => {
                // A length: LLC follows. SNAP with the OUI of EtherTypes is the only form with IP that occurs.
                let ([0xaa, 0xaa, 0x03, 0, 0, 0, t0, t1], inner) = rest.split_first_chunk::<8>()? else {
                    return None;
                };
                return match u16::from_be_bytes([*t0, *t1]) {
                    IPV4 => version(4, inner),
                    IPV6 => version(6, inner),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
    None
}

/// The address family is in the byte order of the host that captured, which nobody knows; but all are small numbers.
fn null(frame: &[u8]) -> Option<&[u8]> {
    let (&family, packet) = frame.split_first_chunk::<4>()?;
    let family = u32::from_le_bytes(family);
    address_family(if family > 0xffff { family.swap_bytes() } else { family }, packet)
}

fn loopback(frame: &[u8]) -> Option<&[u8]> {
    let (&family, packet) = frame.split_first_chunk::<4>()?;
    address_family(u32::from_be_bytes(family), packet)
}

/// IPv4 is 2 everywhere; IPv6 is 10 on Linux, 23 on Windows, 24, 28 and 30 on NetBSD, FreeBSD and macOS.
fn address_family(family: u32, packet: &[u8]) -> Option<&[u8]> {
    match family {
        2 => version(4, packet),
        10 | 23 | 24 | 28 | 30 => version(6, packet),
        _ => None,
    }
}

/// Netlink messages come in the same frames, with a protocol field of another meaning.
const ARPHRD_NETLINK: u16 = 824;

type Cooked<'a> = (Option<&'a [u8]>, Option<Direction>);

/// Packet type, device type, address length, address (8), protocol.
fn linux_sll(frame: &[u8]) -> Option<Cooked<'_>> {
    let ([p0, p1, d0, d1, .., t0, t1], rest) = frame.split_first_chunk::<16>()?;
    cooked([*p0, *p1], [*d0, *d1], [*t0, *t1], rest)
}

/// Protocol, reserved (2), interface (4), device type, packet type, address length, address (8).
fn linux_sll2(frame: &[u8]) -> Option<Cooked<'_>> {
    let ([t0, t1, _, _, _, _, _, _, d0, d1, packet_type, ..], rest) = frame.split_first_chunk::<20>()?;
    cooked([0, *packet_type], [*d0, *d1], [*t0, *t1], rest)
}

fn cooked(packet_type: [u8; 2], device: [u8; 2], protocol: [u8; 2], rest: &[u8]) -> Option<Cooked<'_>> {
    let protocol = u16::from_be_bytes(protocol);
    // Below 0x600 are pseudo protocols of Linux (1: 802.3 without LLC, 4: LLC), not lengths.
    if u16::from_be_bytes(device) == ARPHRD_NETLINK || protocol < 0x600 {
        return None;
    }
    Some((ethertype(protocol, rest), Direction::from_linux_packet_type(u16::from_be_bytes(packet_type))))
}

/// Address and control bytes may be there or not; the protocol may be compressed to its odd second byte.
fn ppp(frame: &[u8]) -> Option<&[u8]> {
    match frame.strip_prefix(&[0xff, 0x03]).unwrap_or(frame) {
        [0x00, 0x21, packet @ ..] | [0x21, packet @ ..] => version(4, packet),
        [0x00, 0x57, packet @ ..] | [0x57, packet @ ..] => version(6, packet),
        _ => None,
    }
}

/// PPP, or Cisco's framing: address (unicast, multicast), control, EtherType. Captures carry either under the link types
/// of both, and PPP has no protocol that begins like Cisco's addresses.
fn hdlc(frame: &[u8]) -> Option<&[u8]> {
    match frame {
        [0x0f | 0x8f, _, t0, t1, rest @ ..] => ethertype(u16::from_be_bytes([*t0, *t1]), rest),
        frame => ppp(frame),
    }
}

/// Version and type, code (0: session), session, length, then PPP.
fn pppoe(frame: &[u8]) -> Option<&[u8]> {
    match frame {
        [0x11, 0x00, _, _, _, _, rest @ ..] => ppp(rest),
        _ => None,
    }
}
