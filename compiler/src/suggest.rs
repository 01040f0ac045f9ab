//! Which name was probably meant: by other tools' spelling, by capitals, by distance.

use divert_vm::field::FIELDS;
use divert_vm::layer::Layer;

/// Names of other tools and common slips, in small letters, and what they are called here.
#[rustfmt::skip]
const ALIASES: &[(&str, &[&str])] = &[
    ("addr", &["remoteAddr", "ip.SrcAddr", "ip.DstAddr"]), ("any", &["true"]), ("all", &["true"]), ("none", &["false"]),
    ("data", &["tcp.Payload", "udp.Payload"]), ("direction", &["inbound", "outbound"]),
    ("dport", &["tcp.DstPort", "udp.DstPort"]), ("dst", &["ip.DstAddr", "ipv6.DstAddr"]),
    ("dst.port", &["tcp.DstPort", "udp.DstPort"]), ("dstaddr", &["ip.DstAddr", "ipv6.DstAddr"]),
    ("dstip", &["ip.DstAddr", "ipv6.DstAddr"]), ("dstport", &["tcp.DstPort", "udp.DstPort"]),
    ("host", &["remoteAddr", "ip.SrcAddr", "ip.DstAddr"]), ("http", &["tcp.DstPort"]), ("icmp6", &["icmpv6"]),
    ("icmp6.type", &["icmpv6.Type"]), ("ifindex", &["ifIdx"]), ("incoming", &["inbound"]), ("interface", &["ifIdx"]),
    ("ip.addr", &["ip.SrcAddr", "ip.DstAddr"]), ("ip.daddr", &["ip.DstAddr"]), ("ip.dest", &["ip.DstAddr"]),
    ("ip.destination", &["ip.DstAddr"]), ("ip.dscp", &["ip.TOS"]), ("ip.dst", &["ip.DstAddr"]),
    ("ip.dstport", &["tcp.DstPort", "udp.DstPort"]), ("ip.len", &["ip.Length"]), ("ip.proto", &["ip.Protocol"]),
    ("ip.saddr", &["ip.SrcAddr"]), ("ip.source", &["ip.SrcAddr"]), ("ip.src", &["ip.SrcAddr"]),
    ("ip.srcport", &["tcp.SrcPort", "udp.SrcPort"]), ("ip.version", &["ip", "ipv6"]), ("ip4", &["ip"]), ("ip6", &["ipv6"]),
    ("ip6.dst", &["ipv6.DstAddr"]), ("ip6.src", &["ipv6.SrcAddr"]), ("ipv4", &["ip"]), ("ipv4.dst", &["ip.DstAddr"]),
    ("ipv4.src", &["ip.SrcAddr"]), ("ipv6.dst", &["ipv6.DstAddr"]), ("ipv6.protocol", &["ipv6.NextHdr"]),
    ("ipv6.src", &["ipv6.SrcAddr"]), ("ipv6.ttl", &["ipv6.HopLimit"]), ("len", &["length"]), ("localip", &["localAddr"]),
    ("lo", &["loopback"]), ("local", &["localAddr"]), ("outgoing", &["outbound"]), ("payload", &["tcp.Payload", "udp.Payload"]),
    ("pid", &["processId"]), ("port", &["localPort", "remotePort", "tcp.DstPort", "udp.DstPort"]), ("process", &["processId"]),
    ("proto", &["protocol"]), ("remote", &["remoteAddr"]), ("remoteip", &["remoteAddr"]), ("size", &["length"]),
    ("sport", &["tcp.SrcPort", "udp.SrcPort"]), ("src", &["ip.SrcAddr", "ipv6.SrcAddr"]),
    ("src.port", &["tcp.SrcPort", "udp.SrcPort"]), ("srcaddr", &["ip.SrcAddr", "ipv6.SrcAddr"]),
    ("srcip", &["ip.SrcAddr", "ipv6.SrcAddr"]), ("srcport", &["tcp.SrcPort", "udp.SrcPort"]), ("subifindex", &["subIfIdx"]),
    ("tcp.ackno", &["tcp.AckNum"]), ("tcp.data", &["tcp.Payload"]), ("tcp.dport", &["tcp.DstPort"]),
    ("tcp.flags", &["tcp.Syn", "tcp.Ack", "tcp.Fin"]), ("tcp.flags.ack", &["tcp.Ack"]), ("tcp.flags.fin", &["tcp.Fin"]),
    ("tcp.flags.psh", &["tcp.Psh"]), ("tcp.flags.push", &["tcp.Psh"]), ("tcp.flags.reset", &["tcp.Rst"]),
    ("tcp.flags.rst", &["tcp.Rst"]), ("tcp.flags.syn", &["tcp.Syn"]), ("tcp.flags.urg", &["tcp.Urg"]),
    ("tcp.len", &["tcp.PayloadLength"]), ("tcp.length", &["tcp.PayloadLength"]), ("tcp.port", &["tcp.SrcPort", "tcp.DstPort"]),
    ("tcp.seq", &["tcp.SeqNum"]), ("tcp.sport", &["tcp.SrcPort"]), ("tcp.win", &["tcp.Window"]), ("tcp.window_size", &["tcp.Window"]),
    ("time", &["timestamp"]), ("ttl", &["ip.TTL", "ipv6.HopLimit"]), ("udp.data", &["udp.Payload"]),
    ("udp.dport", &["udp.DstPort"]), ("udp.len", &["udp.Length"]), ("udp.port", &["udp.SrcPort", "udp.DstPort"]),
    ("udp.sport", &["udp.SrcPort"]),
];

/// Common services and their ports, as IANA has them.
#[rustfmt::skip]
const SERVICES: &[(&str, u16)] = &[
    ("bgp", 179), ("dhcp", 67), ("dns", 53), ("domain", 53), ("ftp", 21), ("http", 80), ("https", 443), ("imap", 143),
    ("imaps", 993), ("ipp", 631), ("kerberos", 88), ("ldap", 389), ("ldaps", 636), ("mdns", 5353), ("mqtt", 1883),
    ("mysql", 3306), ("netbios", 137), ("ntp", 123), ("pop3", 110), ("pop3s", 995), ("postgresql", 5432), ("rdp", 3389),
    ("rtsp", 554), ("sip", 5060), ("smb", 445), ("smtp", 25), ("snmp", 161), ("ssh", 22), ("syslog", 514), ("telnet", 23),
    ("tftp", 69),
];

/// The port of a service with this name.
#[must_use]
pub fn service(word: &str) -> Option<u16> {
    SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, port)| *port)
}

/// Most suggestions for one name.
const MOST: usize = 3;

/// The names among `candidates` that `word` was probably meant to be, the best first.
#[must_use]
pub fn similar<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    // Distances take the product of the lengths; nobody mistypes a name that is much longer than any.
    if word.len() > 64 {
        return Vec::new();
    }
    let small = word.to_ascii_lowercase();
    let allowed = (word.len() / 3).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let other = candidate.to_ascii_lowercase();
            let distance = if other == small { 0 } else { strsim::damerau_levenshtein(&small, &other) };
            (distance <= allowed && distance < word.len()).then_some((distance, candidate))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    // A name that differs in capitals only is meant; the others would be noise.
    let best = near.first().map_or(0, |(distance, _)| *distance);
    near.retain(|(distance, _)| *distance <= best);
    let mut names: Vec<&str> = near.into_iter().map(|(_, candidate)| candidate).collect();
    names.dedup();
    names.truncate(MOST);
    names
}

/// The fields of `layer` (and `true` and `false`) that `word` was probably meant to be. With the fields of other
/// layers when none of this one is near.
#[must_use]
pub fn field(word: &str, layer: Layer) -> Vec<&'static str> {
    let small = word.to_ascii_lowercase();
    let at_layer = |name: &&str| FIELDS.iter().all(|info| info.name != *name || info.layers.contains(layer));
    let alias = ALIASES.iter().find(|(alias, _)| *alias == small).map_or(&[][..], |(_, names)| names);
    let aliases: Vec<&str> = alias.iter().copied().filter(at_layer).collect();
    let exact = FIELDS.iter().find(|info| info.name.eq_ignore_ascii_case(word)).map(|info| info.name);
    if let Some(exact) = exact {
        return vec![exact];
    }
    if !aliases.is_empty() {
        return aliases;
    }
    let names = || FIELDS.iter().map(|info| info.name).chain(["true", "false"]);
    let here = similar(word, names().filter(at_layer));
    if !here.is_empty() {
        return here;
    }
    if alias.is_empty() { similar(word, names()) } else { alias.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let network = |word| field(word, Layer::Network);
        assert_eq!(network("tcp.dstport"), ["tcp.DstPort"]);
        assert_eq!(network("ip.DstPort"), ["tcp.DstPort", "udp.DstPort"]);
        assert_eq!(network("tcp.flags.syn"), ["tcp.Syn"]);
        assert_eq!(network("outbond"), ["outbound"]);
        assert_eq!(network("remoteIp"), ["remoteAddr"]);
        assert_eq!(network("ip6"), ["ipv6"]);
        assert_eq!(network("pid"), ["processId"]);
        assert_eq!(field("port", Layer::Flow), ["localPort", "remotePort"]);
        assert_eq!(field("dstport", Layer::Flow), ["tcp.DstPort", "udp.DstPort"]);
        assert!(network("zzzzzz").is_empty());
        assert!(network("b").is_empty());
    }

    #[test]
    fn services_are_known() {
        assert_eq!((service("https"), service("DNS"), service("httpsx")), (Some(443), Some(53), None));
    }

    #[test]
    fn aliases_are_small_unique_and_lead_somewhere() {
        for (position, (alias, names)) in ALIASES.iter().enumerate() {
            assert_eq!(*alias, alias.to_ascii_lowercase());
            assert!(ALIASES.iter().skip(position + 1).all(|(other, _)| other != alias), "{alias}");
            for name in *names {
                assert!(FIELDS.iter().any(|info| info.name == *name) || *name == "true" || *name == "false");
            }
        }
    }
}
