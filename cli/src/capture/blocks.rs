//! What stands in the pcapng blocks that matter here: sections, interfaces, packets and their options.

use super::Located;
use super::record::{Clock, Direction, LinkType, Stamp, Unit};

/// Bytes of an enhanced or obsolete packet block besides frame, padding and options.
pub(super) const PACKET_OVERHEAD: usize = 32;

/// The resolution of timestamps unless the interface names another: 10^-6.
const MICROSECONDS: u8 = 6;

/// For packets without time.
const NO_CLOCK: Clock = Clock { unit: Unit::None, offset: 0 };

/// What an interface description says about its packets.
pub(super) struct Interface {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    clock: Clock,
}

/// A packet block, with positions within it.
pub(super) struct Packet {
    pub(super) interface: u32,
    ticks: u64,
    has_time: bool,
    frame_at: usize,
    frame_len: usize,
    original_len: u32,
    direction: Option<Direction>,
}

impl Packet {
    /// The packet, for a block at a position of the window's buffer.
    #[inline(always)]
    pub(super) fn located(&self, raw_at: usize, raw_len: usize, interface: &Interface) -> Located {
        Located {
            raw_at,
            raw_len,
            frame_at: self.frame_at,
            frame_len: self.frame_len,
            link: interface.link,
            interface: self.interface,
            direction: self.direction,
            original_len: self.original_len,
            stamp: Stamp { value: self.ticks, clock: if self.has_time { interface.clock } else { NO_CLOCK } },
        }
    }
}

/// A number in the section's byte order.
#[inline(always)]
pub(super) fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let number = u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?);
    Some(if big_endian { number.swap_bytes() } else { number })
}

fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let number = u16::from_le_bytes(*bytes.get(at..)?.first_chunk::<2>()?);
    Some(if big_endian { number.swap_bytes() } else { number })
}

/// Byte order that a section header announces: true for big-endian.
pub(super) fn section_order(block: &[u8]) -> Option<bool> {
    match u32_at(block, 8, false)? {
        0x1a2b_3c4d => Some(false),
        0x4d3c_2b1a => Some(true),
        _ => None,
    }
}

/// Major and minor version of a section.
pub(super) fn section_version(block: &[u8], big_endian: bool) -> Option<(u16, u16)> {
    Some((u16_at(block, 12, big_endian)?, u16_at(block, 14, big_endian)?)).filter(|_| block.len() >= 28)
}

/// An interface description, and whether its options are broken; `None` if it is too short.
pub(super) fn interface(block: &[u8], big_endian: bool) -> Option<(Interface, bool)> {
    let link = LinkType(u32::from(u16_at(block, 8, big_endian)?));
    let snaplen = u32_at(block, 12, big_endian)?;
    let mut clock = Clock { unit: Unit::Ticks(MICROSECONDS), offset: 0 };
    let body = block.get(16..block.len().checked_sub(4)?)?;
    let complete = options(body, big_endian, |code, value| match (code, value) {
        (9, [resolution, ..]) => clock.unit = Unit::Ticks(*resolution),
        (14, value) => {
            if let Some(&bytes) = value.first_chunk::<8>() {
                let offset = i64::from_le_bytes(bytes);
                clock.offset = if big_endian { offset.swap_bytes() } else { offset };
            }
        }
        _ => {}
    });
    Some((Interface { link, snaplen, clock }, !complete))
}

/// An enhanced packet block; `None` if the frame does not fit in it.
#[inline(always)]
pub(super) fn enhanced(block: &[u8], big_endian: bool) -> Option<Packet> {
    packet(block, u32_at(block, 8, big_endian)?, big_endian)
}

/// An obsolete packet block: the same, but that half of the interface number counts drops.
pub(super) fn obsolete(block: &[u8], big_endian: bool) -> Option<Packet> {
    packet(block, u32::from(u16_at(block, 8, big_endian)?), big_endian)
}

#[inline(always)]
fn packet(block: &[u8], interface: u32, big_endian: bool) -> Option<Packet> {
    let room = block.len().checked_sub(PACKET_OVERHEAD)?;
    let high = u32_at(block, 12, big_endian)?;
    let low = u32_at(block, 16, big_endian)?;
    let frame_len = u32_at(block, 20, big_endian)? as usize;
    let original_len = u32_at(block, 24, big_endian)?;
    if frame_len > room {
        return None;
    }
    let padded = frame_len.next_multiple_of(4);
    let direction = if padded < room {
        let options = block.get(28 + padded..block.len() - 4)?;
        direction(options, big_endian)
    } else {
        None
    };
    Some(Packet {
        interface,
        ticks: u64::from(high) << 32 | u64::from(low),
        has_time: true,
        frame_at: 28,
        frame_len,
        original_len,
        direction,
    })
}

/// A simple packet block: of interface 0, without time, cut at the snap length of that interface.
pub(super) fn simple(block: &[u8], snaplen: u32, big_endian: bool) -> Option<Packet> {
    let room = block.len().checked_sub(16)?;
    let original_len = u32_at(block, 8, big_endian)?;
    let captured = if snaplen == 0 { original_len } else { original_len.min(snaplen) };
    Some(Packet {
        interface: 0,
        ticks: 0,
        has_time: false,
        frame_at: 12,
        frame_len: room.min(captured as usize),
        original_len,
        direction: None,
    })
}

/// The direction in `epb_flags` (2), which the obsolete block calls `pack_flags`.
#[inline(never)]
fn direction(list: &[u8], big_endian: bool) -> Option<Direction> {
    let mut found = None;
    options(list, big_endian, |code, value| {
        if code == 2 {
            found = u32_at(value, 0, big_endian).and_then(Direction::from_epb_flags);
        }
    });
    found
}

/// Visits a list of options; false if one exceeds it.
fn options(list: &[u8], big_endian: bool, mut visit: impl FnMut(u16, &[u8])) -> bool {
    let mut rest = list;
    while let (Some(code), Some(length)) = (u16_at(rest, 0, big_endian), u16_at(rest, 2, big_endian)) {
        if code == 0 {
            return true;
        }
        let length = usize::from(length);
        let Some(value) = rest.get(4..4 + length) else {
            return false;
        };
        visit(code, value);
        rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    rest.is_empty()
}
