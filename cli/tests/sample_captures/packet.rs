//! Builders of packets, with correct lengths and checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Protocol numbers.
pub(crate) const ICMP: u8 = 1;
pub(crate) const IGMP: u8 = 2;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const AH: u8 = 51;
pub(crate) const DESTINATION: u8 = 60;

/// TCP flags.
pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// Where a packet goes: addresses of one version, and ports.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ports: (u16, u16),
}

impl Ends {
    pub(crate) fn v4(source: [u8; 4], destination: [u8; 4], ports: (u16, u16)) -> Self {
        Self { source: Ipv4Addr::from(source).into(), destination: Ipv4Addr::from(destination).into(), ports }
    }

    pub(crate) fn v6(source: u16, destination: u16, ports: (u16, u16)) -> Self {
        let address = |last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into();
        Self { source: address(source), destination: address(destination), ports }
    }

    pub(crate) fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source, ports: (self.ports.1, self.ports.0) }
    }

    /// The IP packet around a payload.
    pub(crate) fn ip(self, protocol: u8, ident: u16, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                ipv4(&Ipv4 { source, destination, protocol, ident, flags: 0x4000, options: &[] }, payload)
            }
            (source, destination) => ipv6(v6(source), v6(destination), protocol, payload),
        }
    }

    /// The sum of the pseudo header, with the transport packet whose checksum field is zero.
    fn checksum(self, protocol: u8, payload: &[u8]) -> u16 {
        let mut pseudo = Vec::new();
        for address in [self.source, self.destination] {
            match address {
                IpAddr::V4(address) => pseudo.extend(address.octets()),
                IpAddr::V6(address) => pseudo.extend(address.octets()),
            }
        }
        pseudo.extend((payload.len() as u32).to_be_bytes());
        pseudo.extend([0, 0, 0, protocol]);
        pseudo.extend(payload);
        checksum(&pseudo)
    }

    pub(crate) fn tcp(self, (seq, ack): (u32, u32), flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([(5 + options.len() as u8 / 4) << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        bytes.extend(options);
        bytes.extend(payload);
        let sum = self.checksum(TCP, &bytes);
        patch(&mut bytes, 16, sum)
    }

    pub(crate) fn udp(self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        bytes.extend((8 + payload.len() as u16).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        let sum = match self.checksum(UDP, &bytes) {
            0 => 0xffff,
            sum => sum,
        };
        patch(&mut bytes, 6, sum)
    }

    pub(crate) fn icmpv6(self, kind: u8, code: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, code, 0, 0];
        bytes.extend(rest);
        let sum = self.checksum(ICMPV6, &bytes);
        patch(&mut bytes, 2, sum)
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// What an IPv4 header says, besides lengths and checksum.
pub(crate) struct Ipv4<'a> {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) protocol: u8,
    pub(crate) ident: u16,
    /// Flags and fragment offset.
    pub(crate) flags: u16,
    /// A multiple of 4 bytes.
    pub(crate) options: &'a [u8],
}

pub(crate) fn ipv4(header: &Ipv4<'_>, payload: &[u8]) -> Vec<u8> {
    let words = 5 + header.options.len() / 4;
    let mut bytes = vec![0x40 | words as u8, 0];
    bytes.extend(((words * 4 + payload.len()) as u16).to_be_bytes());
    bytes.extend(header.ident.to_be_bytes());
    bytes.extend(header.flags.to_be_bytes());
    // Router alerts and their like stay on the link.
    bytes.extend([if header.options.is_empty() { 64 } else { 1 }, header.protocol, 0, 0]);
    bytes.extend(header.source.octets());
    bytes.extend(header.destination.octets());
    bytes.extend(header.options);
    let sum = checksum(&bytes);
    bytes = patch(&mut bytes, 10, sum);
    bytes.extend(payload);
    bytes
}

pub(crate) fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    // Neighbour discovery is only accepted with 255.
    bytes.extend([next, if next == ICMPV6 { 255 } else { 64 }]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

/// An IPv6 extension header of 8 bytes and more: next header, body, and what follows.
pub(crate) fn extension(next: u8, body: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![next, ((body.len() + 2) / 8 - 1) as u8];
    bytes.extend(body);
    bytes.extend(rest);
    bytes
}

/// An IPv6 fragment header; the offset in bytes.
pub(crate) fn fragment(next: u8, offset: u16, more: bool, ident: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![next, 0];
    bytes.extend((offset | u16::from(more)).to_be_bytes());
    bytes.extend(ident.to_be_bytes());
    bytes.extend(rest);
    bytes
}

/// An authentication header with 12 bytes that authenticate nothing.
pub(crate) fn authentication(next: u8, sequence: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![next, 4, 0, 0, 0, 0, 0x10, 0x01];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(noise(sequence, 12));
    bytes.extend(rest);
    bytes
}

pub(crate) fn icmp(kind: u8, code: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(rest);
    let sum = checksum(&bytes);
    patch(&mut bytes, 2, sum)
}

/// The Internet checksum.
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += match pair {
            [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
            [high] => u32::from(*high) << 8,
            _ => 0,
        };
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn patch(bytes: &mut Vec<u8>, at: usize, number: u16) -> Vec<u8> {
    for (to, from) in bytes.iter_mut().skip(at).zip(number.to_be_bytes()) {
        *to = from;
    }
    std::mem::take(bytes)
}

/// Bytes that look encrypted, the same every time.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}
