//! The variables: the bits that an input is made of. Their numbers are their order in the diagrams.
//!
//! What much else depends on comes first (direction, header lengths, protocol). Then the five lengths, bit by bit in
//! turn, which keeps sums and comparisons of them small. Then everything else in the order of a packet, so that each
//! field is a run of bits.

use super::bits::{Bit, Bits};

/// A number among the variables, highest bit first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    first: u32,
    stride: u32,
    width: u32,
}

const fn row(first: u32, width: u32) -> Row {
    Row { first, stride: 1, width }
}

/// One of the lengths, whose bits take turns; all but the first have 16 bits.
const fn turn(at: u32) -> Row {
    Row { first: 64 + 5 + at, stride: 5, width: 16 }
}

pub(super) const OUTBOUND: Row = row(0, 1);
pub(super) const LOOPBACK: Row = row(1, 1);
pub(super) const IMPOSTOR: Row = row(2, 1);
/// Whether an IPv6 packet has a fragment header.
pub(super) const FRAGMENT: Row = row(3, 1);
/// Whether that is of a fragment after the first.
pub(super) const LATER: Row = row(4, 1);
/// Whether an event is about IPv6.
pub(super) const IPV6: Row = row(5, 1);
/// IPv4 header length in words.
pub(super) const WORDS: Row = row(8, 4);
/// TCP header length in words.
pub(super) const OFFSET: Row = row(12, 4);
/// The protocol after the IPv6 extension headers, or that of an event.
pub(super) const NUMBER: Row = row(16, 8);
pub(super) const EVENT: Row = row(24, 4);
/// The number of the header behind the fixed IPv6 header.
pub(super) const FIRST: Row = row(32, 8);
/// Length of the buffer, for IPv6 without the fixed header.
pub(super) const LENGTH: Row = Row { first: 64, stride: 5, width: 17 };
/// The length in the IP header.
pub(super) const TOTAL: Row = turn(1);
/// Bytes of IPv6 extension headers.
pub(super) const EXTENSIONS: Row = turn(2);
/// Bytes from the transport header to the end of the packet.
pub(super) const SEGMENT: Row = turn(3);
/// Bytes behind the transport header.
pub(super) const PAYLOAD_LENGTH: Row = turn(4);
pub(super) const IF_IDX: Row = row(160, 32);
pub(super) const SUB_IF_IDX: Row = row(192, 32);
pub(super) const TIMESTAMP: Row = row(224, 64);
/// The packet's hash; independent of the rest for a proof, searched for in a witness.
pub(super) const HASH: Row = row(288, 64);
pub(super) const PROCESS: Row = row(352, 32);
pub(super) const LOCAL_PORT: Row = row(384, 16);
pub(super) const REMOTE_PORT: Row = row(400, 16);
pub(super) const ENDPOINT: Row = row(416, 64);
pub(super) const PARENT: Row = row(480, 64);
pub(super) const LAYER: Row = row(544, 3);
pub(super) const PRIORITY: Row = row(552, 16);
pub(super) const LOCAL_ADDR: Row = row(568, 128);
pub(super) const REMOTE_ADDR: Row = row(696, 128);

impl Row {
    /// The number as variables.
    pub(super) fn bits(self) -> Bits {
        (0..self.width).map(|at| Bit::Variable(self.first + self.stride * at)).collect()
    }

    /// Which bit of the number the variable is, counted from the highest.
    pub(super) const fn position(self, variable: u32) -> Option<u32> {
        match variable.checked_sub(self.first) {
            Some(distance) if distance % self.stride == 0 && distance / self.stride < self.width => {
                Some(distance / self.stride)
            }
            Some(_) | None => None,
        }
    }

    /// The variable of the bit with this weight.
    pub(super) const fn of_weight(self, weight: u32) -> Option<u32> {
        match (self.width - 1).checked_sub(weight) {
            Some(at) => Some(self.first + self.stride * at),
            None => None,
        }
    }

    /// Number of bits.
    pub(super) const fn width(self) -> u32 {
        self.width
    }
}

/// A row of bytes of a packet. Where the layout is not known, bytes that are counted from different places are
/// different variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// Counted from the IP header.
    Packet,
    /// Counted from the transport header.
    Transport,
    /// Counted from the end of the transport header.
    Payload,
    /// Counted from the end of the buffer, backwards.
    Tail,
    /// Counted from the end of the packet, backwards.
    PayloadTail,
}

/// More than the bytes of a packet.
const MOST: u32 = 1 << 17;
const BYTES: u32 = 1 << 10;

impl Region {
    const ALL: [Self; 5] = [Self::Packet, Self::Transport, Self::Payload, Self::Tail, Self::PayloadTail];

    const fn first(self) -> u32 {
        BYTES + (self as u32) * 8 * MOST
    }

    /// The eight bits of a byte; a distance from an end is not 0.
    pub(super) fn byte(self, at: u32) -> [Bit; 8] {
        let place = if self.backwards() { MOST - at.min(MOST) } else { at.min(MOST - 1) };
        [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| Bit::Variable(self.first() + 8 * place + bit))
    }

    const fn backwards(self) -> bool {
        matches!(self, Self::Tail | Self::PayloadTail)
    }

    /// The region, byte and bit (from the highest) that the variable is.
    pub(super) fn of(variable: u32) -> Option<(Self, u32, u32)> {
        let distance = variable.checked_sub(BYTES)?;
        let region = *Self::ALL.get((distance / (8 * MOST)) as usize)?;
        let place = distance % (8 * MOST) / 8;
        Some((region, if region.backwards() { MOST - place } else { place }, distance % 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_one_thing() {
        let rows = [
            OUTBOUND,
            LOOPBACK,
            IMPOSTOR,
            FRAGMENT,
            LATER,
            IPV6,
            WORDS,
            OFFSET,
            NUMBER,
            EVENT,
            LENGTH,
            TOTAL,
            EXTENSIONS,
            SEGMENT,
            PAYLOAD_LENGTH,
            IF_IDX,
            SUB_IF_IDX,
            TIMESTAMP,
            HASH,
            PROCESS,
            LOCAL_PORT,
            REMOTE_PORT,
            ENDPOINT,
            PARENT,
            LAYER,
            PRIORITY,
            LOCAL_ADDR,
            REMOTE_ADDR,
        ];
        for variable in 0..2000 {
            let owners = rows.iter().filter(|row| row.position(variable).is_some()).count();
            assert!(owners + usize::from(Region::of(variable).is_some()) <= 1, "{variable}");
        }
        for region in Region::ALL {
            for at in [1, 2, 40, 65_575] {
                let [Bit::Variable(first), .., Bit::Variable(last)] = region.byte(at) else { unreachable!() };
                assert_eq!(
                    (Region::of(first), Region::of(last)),
                    (Some((region, at, 0)), Some((region, at, 7)))
                );
            }
        }
        assert_eq!(LENGTH.of_weight(16), Some(64));
        assert_eq!(TOTAL.of_weight(16), None);
    }
}
