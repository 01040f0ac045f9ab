//! A packet or an endpoint in a few words, the same wherever one line is enough.

use std::fmt;

use divert_vm::address::{Ipv4, Ipv6};
use divert_vm::field::is_ipv4_mapped;
use divert_vm::input::Endpoint;
use divert_vm::packet::{Packet, Protocol, Version};

/// An address with its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct End {
    pub(crate) ipv6: bool,
    pub(crate) address: u128,
}

impl End {
    /// An address of an event. The version of the event and of its addresses may differ; then nothing of them is left out.
    pub(crate) const fn of_event(ipv6: bool, address: u128) -> Self {
        Self { ipv6: ipv6 || address != 0 && !is_ipv4_mapped(address), address }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ipv6 { Ipv6(self.address).fmt(f) } else { Ipv4((self.address & 0xFFFF_FFFF) as u32).fmt(f) }
    }
}

/// `10.0.0.1:40000 -> 10.0.0.2:443  TCP  60 bytes`
pub(crate) struct Flow<'a>(pub(crate) &'a Packet<'a>);

impl fmt::Display for Flow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packet = self.0;
        let transport = packet.transport();
        let ports = ports(packet);
        let (source, destination) = ends(packet);
        let ipv6 = packet.version() == Version::V6;
        end(f, End { ipv6, address: source }, ports.map(|[source, _]| source))?;
        f.write_str(" -> ")?;
        end(f, End { ipv6, address: destination }, ports.map(|[_, destination]| destination))?;
        write!(f, "  {}", ProtocolName(transport.number))?;
        if transport.fragment {
            f.write_str(" fragment")?;
        }
        write!(f, "  {} bytes", packet.total_length())
    }
}

/// Source and destination port.
pub(crate) fn ports(packet: &Packet<'_>) -> Option<[u16; 2]> {
    let transport = packet.transport();
    match transport.kind {
        Protocol::Tcp | Protocol::Udp => {
            let [s0, s1, d0, d1] = packet.bytes().get(transport.offset as usize..)?.first_chunk()?;
            Some([u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])])
        }
        Protocol::Other | Protocol::Icmp | Protocol::Icmpv6 => None,
    }
}

/// Source and destination.
pub(crate) fn ends(packet: &Packet<'_>) -> (u128, u128) {
    let bytes = packet.bytes();
    let four = |at: usize| {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
        u128::from(u32::from_be_bytes(word.unwrap_or_default()))
    };
    let sixteen = |at: usize| {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
        u128::from_be_bytes(word.unwrap_or_default())
    };
    match packet.version() {
        Version::V4 => (four(12), four(16)),
        Version::V6 => (sixteen(8), sixteen(24)),
    }
}

fn end(f: &mut fmt::Formatter<'_>, end: End, port: Option<u16>) -> fmt::Result {
    match (end.ipv6, port) {
        (true, Some(_)) => write!(f, "[{end}]")?,
        (false, _) | (true, None) => write!(f, "{end}")?,
    }
    port.map_or(Ok(()), |port| write!(f, ":{port}"))
}

/// What people call a protocol.
pub(crate) struct ProtocolName(pub(crate) u8);

impl fmt::Display for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("ICMP"),
            6 => f.write_str("TCP"),
            17 => f.write_str("UDP"),
            58 => f.write_str("ICMPv6"),
            number => write!(f, "protocol {number}"),
        }
    }
}

/// `10.0.0.1:40000 - 10.0.0.2:443  TCP  process 4`
pub(crate) struct Ends<'a>(pub(crate) &'a Endpoint);

impl fmt::Display for Ends<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.0;
        let at = |address| End::of_event(endpoint.ipv6, address);
        end(f, at(endpoint.local_addr), Some(endpoint.local_port))?;
        f.write_str(" - ")?;
        end(f, at(endpoint.remote_addr), Some(endpoint.remote_port))?;
        write!(f, "  {}  process {}", ProtocolName(endpoint.protocol), endpoint.process_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_one_version_with_an_address_of_the_other_shows_all_of_it() {
        let shown = |ipv6, address| End::of_event(ipv6, address).to_string();
        let mapped = 0xFFFF_0A00_0001;
        assert_eq!([shown(false, mapped), shown(false, 0)], ["10.0.0.1", "0.0.0.0"]);
        assert_eq!([shown(false, 1), shown(true, 1)], ["::1", "::1"]);
    }
}
