//! Each link type: where its IP packet begins.

use crate::capture::link::{Layer3, network_layer};
use crate::capture::record::{Direction, LinkType};

const V4: &[u8] = &[0x45, 0, 0, 20];
const V6: &[u8] = &[0x60, 0, 0, 0];

fn layer(link: u32, parts: &[&[u8]]) -> Option<(Vec<u8>, Option<Direction>)> {
    let frame = parts.concat();
    match network_layer(LinkType(link), &frame) {
        Layer3::Ip { bytes, direction } => Some((bytes.to_vec(), direction)),
        Layer3::NotIp => None,
        other @ (Layer3::Wireless | Layer3::Unsupported(_)) => panic!("{other:?}"),
    }
}

fn ip(packet: &[u8]) -> Option<(Vec<u8>, Option<Direction>)> {
    Some((packet.to_vec(), None))
}

const MAC: &[u8] = &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

#[test]
fn ethernet() {
    assert_eq!(layer(1, &[MAC, &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, &[0x86, 0xdd], V6]), ip(V6));
    // The version is another one, there is none, another protocol, PPPoE.
    assert_eq!(layer(1, &[MAC, &[8, 0], V6]), None);
    assert_eq!(layer(1, &[MAC, &[0x86, 0xdd], V4]), None);
    assert_eq!(layer(1, &[MAC, &[8, 0]]), None);
    assert_eq!(layer(1, &[MAC, &[8, 6], V4]), None);
    assert_eq!(layer(1, &[MAC, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 6, 0, 0x21], V4]), None);
}

#[test]
fn ethernet_padding_stays() {
    assert_eq!(layer(1, &[MAC, &[8, 0], V4, &[0; 26]]), ip(&[V4, &[0; 26]].concat()));
}

#[test]
fn vlan_tags() {
    let tag: &[u8] = &[0x81, 0, 0, 5];
    let outer: &[u8] = &[0x88, 0xa8, 0, 6];
    let old: &[u8] = &[0x91, 0, 0, 7];
    assert_eq!(layer(1, &[MAC, tag, &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, outer, tag, &[0x86, 0xdd], V6]), ip(V6));
    assert_eq!(layer(1, &[MAC, old, old, tag, &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, &tag.repeat(8), &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, &tag.repeat(9), &[8, 0], V4]), None);
    assert_eq!(layer(1, &[MAC, tag, &[8, 0]]), None);
    assert_eq!(layer(1, &[MAC, tag, &[8]]), None);
}

#[test]
fn lengths_with_snap() {
    let snap: &[u8] = &[0xaa, 0xaa, 3, 0, 0, 0];
    assert_eq!(layer(1, &[MAC, &[0, 12], snap, &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, &[0, 12], snap, &[0x86, 0xdd], V6]), ip(V6));
    assert_eq!(layer(1, &[MAC, &[0x81, 0, 0, 5, 0, 12], snap, &[8, 0], V4]), ip(V4));
    assert_eq!(layer(1, &[MAC, &[0, 12], &[0x42, 0x42, 3, 0, 0, 0], &[8, 0], V4]), None);
    assert_eq!(layer(1, &[MAC, &[0, 12], &[0xaa, 0xaa, 3, 0, 0, 0x0c], &[8, 0], V4]), None);
}

#[test]
fn raw_ip() {
    for link in [12, 14, 101] {
        assert_eq!(layer(link, &[V4]), ip(V4));
        assert_eq!(layer(link, &[V6]), ip(V6));
        assert_eq!(layer(link, &[&[0x50]]), None);
        assert_eq!(layer(link, &[]), None);
    }
    assert_eq!((layer(228, &[V4]), layer(228, &[V6])), (ip(V4), None));
    assert_eq!((layer(229, &[V4]), layer(229, &[V6])), (None, ip(V6)));
}

#[test]
fn loopback() {
    for (family, packet) in [(2, V4), (10, V6), (23, V6), (24, V6), (28, V6), (30, V6)] {
        assert_eq!(layer(0, &[&[family, 0, 0, 0], packet]), ip(packet));
        assert_eq!(layer(0, &[&[0, 0, 0, family], packet]), ip(packet));
        assert_eq!(layer(108, &[&[0, 0, 0, family], packet]), ip(packet));
        assert_eq!(layer(108, &[&[family, 0, 0, 0], packet]), None);
    }
    assert_eq!(layer(0, &[&[7, 0, 0, 0], V4]), None);
    assert_eq!(layer(0, &[&[2, 0, 0, 0], V6]), None);
    assert_eq!(layer(0, &[&[2, 0, 0]]), None);
}

#[test]
fn linux_cooked() {
    let (inbound, outbound) = (Some(Direction::Inbound), Some(Direction::Outbound));
    for (kind, direction) in [(0, inbound), (1, inbound), (2, inbound), (3, None), (4, outbound), (5, None)] {
        let rest = [0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(layer(113, &[&[0, kind], &rest, &[8, 0], V4]), Some((V4.to_vec(), direction)));
        let rest = [0, 0, 0, 0, 0, 3, 0, 1, kind, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(layer(276, &[&[0x86, 0xdd], &rest, V6]), Some((V6.to_vec(), direction)));
    }
    let (before, after) = ([0, 0], [0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    // A VLAN tag, netlink (device type 824), 802.2, a header cut.
    assert_eq!(
        layer(113, &[&before, &[0, 1], &after, &[0x81, 0, 0, 5, 8, 0], V4]),
        Some((V4.to_vec(), inbound))
    );
    assert_eq!(layer(113, &[&before, &[3, 0x38], &after, &[8, 0], V4]), None);
    assert_eq!(layer(113, &[&before, &[0, 1], &after, &[0, 4], V4]), None);
    assert_eq!(layer(113, &[&before, &[0, 1], &after, &[8]]), None);
    assert_eq!(layer(276, &[&[8, 0, 0]]), None);
}

#[test]
fn ppp() {
    for link in [9, 50] {
        assert_eq!(layer(link, &[&[0xff, 3, 0, 0x21], V4]), ip(V4));
        assert_eq!(layer(link, &[&[0xff, 3, 0, 0x57], V6]), ip(V6));
        assert_eq!(layer(link, &[&[0, 0x21], V4]), ip(V4));
        assert_eq!(layer(link, &[&[0x57], V6]), ip(V6));
        assert_eq!(layer(link, &[&[0xff, 3, 0xc0, 0x21], V4]), None);
        assert_eq!(layer(link, &[&[0, 0x21], V6]), None);
        assert_eq!(layer(link, &[&[0xff, 3]]), None);
    }
    for link in [9, 50, 104] {
        assert_eq!(layer(link, &[&[0x0f, 0, 8, 0], V4]), ip(V4));
        assert_eq!(layer(link, &[&[0x8f, 0, 0x86, 0xdd], V6]), ip(V6));
        assert_eq!(layer(link, &[&[0x0f, 0, 0x80, 0x35], V4]), None);
    }
    assert_eq!(layer(51, &[&[0x11, 0, 0, 1, 0, 6, 0, 0x21], V4]), ip(V4));
    assert_eq!(layer(51, &[&[0x11, 9, 0, 1, 0, 6, 0, 0x21], V4]), None);
}

#[test]
fn others_are_counted() {
    for link in [105, 119, 127, 163, 192] {
        assert_eq!(network_layer(LinkType(link), V4), Layer3::Wireless);
    }
    for link in [6, 117, 147, 281, 65_535] {
        assert_eq!(network_layer(LinkType(link), V4), Layer3::Unsupported(LinkType(link)));
    }
}
