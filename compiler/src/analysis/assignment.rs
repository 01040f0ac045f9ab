//! One input out of a diagram: the bits that the diagram asks for, and ordinary ones for the rest.

use std::collections::HashMap;

use divert_vm::field::IPV4_MAPPED;
use divert_vm::layer::Layer;
use divert_vm::packet::{Protocol, Version, icmp, tcp, udp};

use super::bits::Bit;
use super::diagram::{Bdd, Diagrams};
use super::formula::Model;
use super::ground::{self, Region, Row};

/// "No next header", and a number that is reserved for experiments.
const NO_HEADER: [u8; 2] = [59, 253];

/// Values for all variables.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    known: HashMap<u32, bool>,
    pub(super) layer: Layer,
    pub(super) model: Model,
    /// Where the transport header lies, once that is known.
    pub(super) base: Option<u32>,
    /// Not 0: changes what is free and means nothing (timestamp, identification, sequence numbers …).
    pub(super) noise: u64,
}

impl Assignment {
    /// A way through the diagram to "true", by ordinary values where it can be. `root` must not be false.
    pub(super) fn of(diagrams: &Diagrams, root: Bdd, layer: Layer, model: &Model) -> Self {
        let mut own = Self { known: HashMap::new(), layer, model: model.clone(), base: None, noise: 0 };
        let mut at = root;
        while let Some((variable, low, high)) = diagrams.top(at) {
            let wished = own.get(variable);
            let value = if wished { high != Bdd::FALSE } else { low == Bdd::FALSE };
            own.known.insert(variable, value);
            at = if value { high } else { low };
        }
        own
    }

    /// What the diagram asked for.
    pub(super) fn known(&self) -> impl Iterator<Item = (u32, bool)> {
        self.known.iter().map(|(variable, value)| (*variable, *value))
    }

    /// Whether any bit of the number was asked for.
    pub(super) fn asks_for(&self, row: Row) -> bool {
        self.known.keys().any(|variable| row.position(*variable).is_some())
    }

    /// The value of a variable.
    fn get(&self, variable: u32) -> bool {
        self.known.get(&variable).copied().unwrap_or_else(|| self.ordinary(variable))
    }

    /// The value of a number.
    pub(super) fn read(&self, bits: &[Bit]) -> u128 {
        bits.iter().fold(0, |value, bit| {
            value << 1
                | u128::from(match bit {
                    Bit::Is(value) => *value,
                    Bit::Variable(variable) => self.get(*variable),
                })
        })
    }

    /// The value of a row.
    pub(super) fn number(&self, row: Row) -> u128 {
        self.read(&row.bits())
    }

    fn random(&self, variable: u32) -> bool {
        let mut mixed = self.noise.wrapping_add(u64::from(variable)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ mixed >> 32) & 1 == 1
    }

    /// The value of a variable that nobody asked for.
    fn ordinary(&self, variable: u32) -> bool {
        if let Some((region, at, bit)) = Region::of(variable) {
            return self.ordinary_byte(region, at, bit);
        }
        if let Some(at) = ground::TOTAL.position(variable) {
            // The packet fills the buffer.
            let same = ground::LENGTH.of_weight(ground::TOTAL.width() - 1 - at);
            return same.is_some_and(|same| self.get(same));
        }
        if let (Some(at), Model::Packets(layout)) = (ground::FIRST.position(variable), &self.model) {
            // No extension headers.
            let number = match layout.chain {
                Some(_) => u128::from(number(layout.shape.version, layout.shape.kind)),
                None => self.number(ground::NUMBER),
            };
            return number >> (7 - at) & 1 == 1;
        }
        if self.noise != 0 && ground::TIMESTAMP.position(variable).is_some() {
            return self.random(variable);
        }
        for (row, value) in self.ordinary_rows() {
            if let Some(at) = row.position(variable) {
                return value >> (row.width() - 1 - at) & 1 == 1;
            }
        }
        self.ordinary_address(variable)
    }

    fn ordinary_rows(&self) -> [(Row, u128); 12] {
        let (number, event) = match &self.model {
            Model::Packets(layout) => (number(layout.shape.version, layout.shape.kind), 0),
            Model::Events(layer) => (tcp::NUMBER, layer.events().0),
        };
        [
            (ground::OUTBOUND, u128::from(self.layer != Layer::Forward)),
            (ground::WORDS, 5),
            (ground::OFFSET, 5),
            (ground::NUMBER, number.into()),
            (ground::EVENT, event.into()),
            (ground::TIMESTAMP, 1 << 63),
            (ground::IF_IDX, 1),
            (ground::PROCESS, 4),
            (ground::LOCAL_PORT, 49_152),
            (ground::REMOTE_PORT, 443),
            (ground::PRIORITY, 32_768),
            (ground::ENDPOINT, 1),
        ]
    }

    fn ordinary_address(&self, variable: u32) -> bool {
        for (row, host) in [(ground::LOCAL_ADDR, 1), (ground::REMOTE_ADDR, 2)] {
            if let Some(at) = row.position(variable) {
                let ipv6 = self.number(ground::IPV6) == 1;
                let network = if ipv6 { 0x2001_0DB8 << 96 } else { IPV4_MAPPED | 0x0A00_0000 };
                return (network | host) >> (127 - at) & 1_u128 == 1;
            }
        }
        false
    }

    fn ordinary_byte(&self, region: Region, at: u32, bit: u32) -> bool {
        let Model::Packets(layout) = &self.model else { return false };
        let (version, kind) = (layout.shape.version, layout.shape.kind);
        let value = match region {
            Region::Packet if at < layout.shape.fixed() => match (version, at) {
                (Version::V4, 4 | 5) | (Version::V6, 2 | 3) if self.noise != 0 => {
                    return self.random(8 * at + bit);
                }
                (Version::V4, 9) => number(version, kind),
                (Version::V4, _) => V4.get(at as usize).copied().unwrap_or(0),
                (Version::V6, _) => v6(at),
            },
            Region::Packet => match self.base.and_then(|base| at.checked_sub(base)) {
                Some(at) => return self.ordinary_header(kind, at, bit),
                None => 0,
            },
            Region::Transport => return self.ordinary_header(kind, at, bit),
            Region::Payload | Region::Tail | Region::PayloadTail => 0,
        };
        value >> (7 - bit) & 1 == 1
    }

    fn ordinary_header(&self, kind: Protocol, at: u32, bit: u32) -> bool {
        if self.noise != 0 && kind == Protocol::Tcp && (4..12).contains(&at) {
            return self.random(8 * at + bit);
        }
        let header: &[u8] = match kind {
            Protocol::Tcp => &[0xC0, 0, 0x01, 0xBB, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x02, 0xFA, 0xF0],
            Protocol::Udp => &[0xC0, 0, 0, 53],
            Protocol::Icmp => &[8, 0, 0, 0, 0, 1, 0, 1],
            Protocol::Icmpv6 => &[128, 0, 0, 0, 0, 1, 0, 1],
            Protocol::Other => &[],
        };
        header.get(at as usize).is_some_and(|value| value >> (7 - bit) & 1 == 1)
    }
}

/// The fixed IPv4 header: time to live 64, from 10.0.0.1 to 10.0.0.2.
const V4: [u8; 20] = [0x45, 0, 0, 0, 0, 1, 0, 0, 64, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

/// The fixed IPv6 header: hop limit 64, from 2001:db8::1 to 2001:db8::2.
const fn v6(at: u32) -> u8 {
    match at {
        7 => 64,
        8 | 24 => 0x20,
        9 | 25 | 23 => 0x01,
        10 | 26 => 0x0D,
        11 | 27 => 0xB8,
        39 => 0x02,
        _ => 0,
    }
}

/// The protocol number of packets of this kind.
const fn number(version: Version, kind: Protocol) -> u8 {
    match (kind, version) {
        (Protocol::Tcp, _) => tcp::NUMBER,
        (Protocol::Udp, _) => udp::NUMBER,
        (Protocol::Icmp, _) => icmp::NUMBER,
        (Protocol::Icmpv6, _) => icmp::NUMBER_V6,
        (Protocol::Other, Version::V4) => NO_HEADER[1],
        (Protocol::Other, Version::V6) => NO_HEADER[0],
    }
}
