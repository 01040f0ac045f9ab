//! The packet hash behind `random8`, `random16` and `random32` (language notes §5): xxHash64's arithmetic over the
//! headers, with accumulators that start from data.

use crate::packet::{Packet, Protocol, Version, tcp};

const KEYS: [u64; 8] = [
    0x428A_2F98_7137_4491,
    0xB5C0_FBCF_E9B5_DBA5,
    0x3956_C25B_59F1_11F1,
    0x923F_82A4_AB1C_5ED5,
    0xD807_AA98_1283_5B01,
    0x2431_85BE_550C_7DC3,
    0x72BE_5D74_80DE_B1FE,
    0x9BDC_06A7_C19B_F174,
];
const P1: u64 = 11_400_714_785_074_694_791;
const P2: u64 = 14_029_467_366_897_019_727;
const P3: u64 = 1_609_587_929_392_839_161;
const P4: u64 = 9_650_029_242_287_828_579;

/// The hash of a packet's headers; 0 for a truncated packet.
#[must_use]
pub fn packet(packet: &Packet<'_>, seed: u64) -> u64 {
    if packet.is_truncated() {
        return 0;
    }
    let transport = packet.transport();
    of_headers(packet, transport.kind, transport.offset, seed)
}

/// The hash of the headers that are there, truncated packet or not; what the random fields use.
#[must_use]
pub(crate) fn of_headers(packet: &Packet<'_>, kind: Protocol, offset: u32, seed: u64) -> u64 {
    let bytes = packet.content();
    let t = offset as usize;
    let mut words = [seed; 8];
    let [_, w1, w2, w3, w4, w5, w6, w7] = &mut words;
    match packet.version() {
        Version::V4 => {
            (*w1, *w2, *w3) = (le64(bytes, 0), le64(bytes, 8), le32(bytes, 16));
            match kind {
                Protocol::Tcp => {
                    *w4 = le64(bytes, t);
                    *w5 = le64(bytes, t.saturating_add(8));
                    *w6 = le32(bytes, t.saturating_add(16));
                }
                Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 => *w4 = le64(bytes, t),
                Protocol::Other => {}
            }
        }
        Version::V6 => {
            (*w1, *w2, *w3) = (le64(bytes, 0), le64(bytes, 8), le64(bytes, 16));
            (*w4, *w5) = (le64(bytes, 24), le64(bytes, 32));
            match kind {
                Protocol::Tcp => {
                    *w6 = le64(bytes, t);
                    *w7 = le64(bytes, t.saturating_add(8));
                    // No word is left for the last four of the 20 bytes.
                    *w1 ^= le32(bytes, t.saturating_add(tcp::CHECKSUM)) << 32;
                }
                Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 => *w6 = le64(bytes, t),
                Protocol::Other => {}
            }
        }
    }
    for (word, key) in words.iter_mut().zip(KEYS) {
        *word ^= key;
    }
    mix(words)
}

fn mix(words: [u64; 8]) -> u64 {
    let [w0, w1, w2, w3, w4, w5, w6, w7] = words;
    let lanes = [round(w4, w0), round(w5, w1), round(w6, w2), round(w7, w3)];
    let mut hash = 0_u64;
    for (lane, turn) in lanes.into_iter().zip([1, 7, 12, 18]) {
        hash = hash.wrapping_add(lane.rotate_left(turn));
    }
    for lane in lanes {
        hash = (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
    }
    hash = hash.wrapping_add(32);
    hash = (hash ^ hash >> 33).wrapping_mul(P2);
    hash = (hash ^ hash >> 29).wrapping_mul(P3);
    hash ^ hash >> 32
}

const fn round(accumulator: u64, input: u64) -> u64 {
    accumulator.wrapping_add(input.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn le64(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}

fn le32(bytes: &[u8], offset: usize) -> u64 {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |word| u64::from(u32::from_le_bytes(*word)))
}
