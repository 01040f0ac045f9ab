//! Which addresses belong to the machine that captured: they tell the direction where the capture does not.

use std::str::FromStr;

use divert_compiler::set::IntervalSet;
use divert_vm::address::{parse_ipv4, parse_ipv6};
use divert_vm::field::IPV4_MAPPED;
use divert_vm::packet::{Packet, Version};

/// An address, or all that begin like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    low: u128,
    high: u128,
}

impl FromStr for Subnet {
    type Err = String;

    /// `10.0.0.0/8`, `192.168.1.5/24` (an interface's address with its prefix), `::1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (address, width) = match (parse_ipv4(address), parse_ipv6(address)) {
            (Some(address), _) => (u128::from(address) | IPV4_MAPPED, 32),
            (None, Some(address)) => (address, 128),
            (None, None) => return Err(format!("`{address}` is no address")),
        };
        let length = match prefix {
            None => width,
            Some(prefix) => prefix
                .parse::<u32>()
                .ok()
                .filter(|length| *length <= width)
                .ok_or_else(|| format!("the prefix `{prefix}` is not 0 to {width}"))?,
        };
        // Bits that may be anything.
        let open = u128::MAX.checked_shr(128 - (width - length)).filter(|_| width != length).unwrap_or(0);
        Ok(Self { low: address & !open, high: address | open })
    }
}

/// The addresses of the machine that captured.
#[derive(Clone, Debug)]
pub(crate) struct Local(IntervalSet);

impl Local {
    /// All addresses of the subnets; `None` when there are none.
    pub(crate) fn new(subnets: &[Subnet]) -> Option<Self> {
        if subnets.is_empty() {
            return None;
        }
        let sets = subnets.iter().map(|subnet| IntervalSet::range(subnet.low, subnet.high));
        Some(Self(sets.reduce(|all, one| all.union(&one)).unwrap_or_else(IntervalSet::empty)))
    }

    /// Whether the packet was sent by that machine.
    pub(crate) fn sent(&self, packet: &Packet<'_>) -> bool {
        self.0.contains(source(packet))
    }
}

/// The source address; IPv4 as `::ffff:a.b.c.d`.
fn source(packet: &Packet<'_>) -> u128 {
    let bytes = packet.bytes();
    match packet.version() {
        Version::V4 => {
            let word = bytes.get(12..).and_then(|rest| rest.first_chunk().copied());
            u128::from(u32::from_be_bytes(word.unwrap_or_default())) | IPV4_MAPPED
        }
        Version::V6 => {
            let word = bytes.get(8..).and_then(|rest| rest.first_chunk().copied());
            u128::from_be_bytes(word.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_with_and_without_prefix() {
        let range = |text: &str| Subnet::from_str(text).map(|subnet| (subnet.low, subnet.high));
        let v4 = |address: u32| u128::from(address) | IPV4_MAPPED;
        assert_eq!(range("10.0.0.1"), Ok((v4(0x0a00_0001), v4(0x0a00_0001))));
        assert_eq!(range("192.168.1.5/24"), Ok((v4(0xc0a8_0100), v4(0xc0a8_01ff))));
        assert_eq!(range("0.0.0.0/0"), Ok((v4(0), v4(u32::MAX))));
        assert_eq!(range("::/0"), Ok((0, u128::MAX)));
        assert_eq!(range("fe80::/10").map(|(low, _)| low >> 112), Ok(0xfe80));
        assert!(range("10.0.0.0/33").is_err() && range("x").is_err() && range("::1/-1").is_err());
    }
}
