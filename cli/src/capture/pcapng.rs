//! pcapng: sections of typed blocks, each with its length at both ends.

use std::io::Read;

use super::blocks::{self, Interface, Packet};
use super::damage::{DamageKind, DamageLog};
use super::record::LinkType;
use super::resync;
use super::window::Window;
use super::{Enough, Located, Visitor};

/// Bytes of a block with nothing in it: type, length, length.
pub(super) const MIN_BLOCK: usize = 12;

/// The largest block that is read, as Wireshark has it. It bounds the memory that one block can ask for: the window
/// grows to twice this.
pub(super) const MAX_BLOCK: u32 = 16 * 1024 * 1024;

/// Interfaces kept of one section; it bounds their memory. No host has as many.
pub(super) const MAX_INTERFACES: usize = 65_536;

/// Section header; its bytes are the same in both orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
/// Interface description.
pub(super) const INTERFACE: u32 = 1;
/// Packet block, obsolete.
pub(super) const OLD_PACKET: u32 = 2;
/// Simple packet block.
pub(super) const SIMPLE_PACKET: u32 = 3;
/// Enhanced packet block.
pub(super) const PACKET: u32 = 6;

/// A pcapng file within a section.
pub(super) struct Pcapng {
    /// Byte order of the section.
    big_endian: bool,
    interfaces: Vec<Interface>,
}

/// What a block is to its reader.
pub(super) enum Step {
    /// A packet.
    Packet(Located),
    /// Any other block: where it stands in the window's buffer, and its length.
    Other(usize, usize),
}

/// The length at the end of a block that is wholly in `bytes`.
#[inline(always)]
pub(super) fn trailer(bytes: &[u8], length: u32, big_endian: bool) -> Option<u32> {
    blocks::u32_at(bytes, (length as usize).checked_sub(4)?, big_endian)
}

/// Length and byte order of a block whose type is known and whose length is possible for it; its end is not looked at.
pub(super) fn known_block(bytes: &[u8], big_endian: bool) -> Option<(u32, bool)> {
    // (type, shortest length)
    const KNOWN: &[(u32, u32)] = &[
        (INTERFACE, 20),
        (OLD_PACKET, 32),
        (SIMPLE_PACKET, 16),
        (4, 12), // name resolution
        (5, 24), // interface statistics
        (PACKET, 32),
        (9, 12),  // systemd journal
        (10, 20), // decryption secrets
        (0xbad, 16),
        (0x4000_0bad, 16), // custom, to be copied or not
    ];
    let block = blocks::u32_at(bytes, 0, big_endian)?;
    let (shortest, order) = if block == SECTION {
        (28, blocks::section_order(bytes)?)
    } else {
        (KNOWN.iter().find(|(known, _)| *known == block)?.1, big_endian)
    };
    let length = blocks::u32_at(bytes, 4, order)?;
    (possible_length(length) && length >= shortest).then_some((length, order))
}

#[inline]
fn possible_length(length: u32) -> bool {
    length as usize >= MIN_BLOCK && length <= MAX_BLOCK && length.is_multiple_of(4)
}

impl Pcapng {
    /// A reader at the first section header, whose byte order is known already, lest it is damaged.
    pub(super) fn new(big_endian: bool) -> Self {
        Self { big_endian, interfaces: Vec::new() }
    }

    /// The next block, or `None` at the end.
    pub(super) fn step<R: Read>(&mut self, window: &mut Window<R>, damage: &mut DamageLog) -> Option<Step> {
        match self.quick_step(window) {
            Some(located) => Some(Step::Packet(located)),
            None => self.step_with_care(window, damage),
        }
    }

    /// The next block, if it is an enhanced packet, wholly in the window and in order.
    #[inline(always)]
    pub(super) fn quick_step<R: Read>(&mut self, window: &mut Window<R>) -> Option<Located> {
        let bytes = window.bytes();
        if blocks::u32_at(bytes, 0, self.big_endian)? != PACKET {
            return None;
        }
        let length = blocks::u32_at(bytes, 4, self.big_endian)?;
        let block = bytes.get(..length as usize)?;
        if !possible_length(length) || trailer(block, length, self.big_endian)? != length {
            return None;
        }
        let packet = blocks::enhanced(block, self.big_endian)?;
        let interface = self.interfaces.get(packet.interface as usize)?;
        let located = packet.located(window.position(), length as usize, interface);
        window.advance(length as usize);
        Some(located)
    }

    /// Gives the packets that `quick_step` would find to `visitor`, one after the other.
    #[inline(always)]
    pub(super) fn quick_steps<R: Read, V: Visitor>(
        &mut self,
        window: &mut Window<R>,
        index: &mut u64,
        visitor: &mut V,
    ) -> Result<(), Enough> {
        while let Some(located) = self.quick_step(window) {
            let record = located.record(window.buffer(), *index);
            *index += 1;
            visitor.record(&record)?;
        }
        Ok(())
    }

    /// Like `step`, for all blocks, and all that can be wrong with them.
    #[cold]
    fn step_with_care<R: Read>(&mut self, window: &mut Window<R>, damage: &mut DamageLog) -> Option<Step> {
        loop {
            let Some(length) = self.frame(window, damage) else {
                if window.bytes().is_empty() {
                    return None;
                }
                continue;
            };
            let offset = window.offset();
            let at = window.position();
            let length = length as usize;
            let block = window.slice(at, length);
            let outcome = self.read_block(block);
            let resumed = Some(offset + length as u64);
            window.advance(length);
            match outcome {
                Ok(Some(packet)) => match self.interfaces.get(packet.interface as usize) {
                    Some(interface) => return Some(Step::Packet(packet.located(at, length, interface))),
                    None => {
                        let known = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
                        damage.add(
                            offset,
                            DamageKind::UnknownInterface { id: packet.interface, known },
                            resumed,
                        );
                    }
                },
                Ok(None) => return Some(Step::Other(at, length)),
                Err(kind) => {
                    let copied = matches!(kind, DamageKind::SectionVersion { .. } | DamageKind::BadOption);
                    damage.add(offset, kind, resumed);
                    if copied {
                        return Some(Step::Other(at, length));
                    }
                }
            }
        }
    }

    /// Length of the block at the front of the window, all of which is there, or the damage is passed: then `None`.
    fn frame<R: Read>(&mut self, window: &mut Window<R>, damage: &mut DamageLog) -> Option<u32> {
        let offset = window.offset();
        let kind = match self.frame_or_damage(window) {
            Ok((length, None)) => return Some(length),
            Ok((length, Some(kind))) => {
                damage.add(offset, kind, Some(offset));
                return Some(length);
            }
            Err(None) => return None,
            Err(Some(kind)) => kind,
        };
        let resumed = resync::next_block(self.big_endian, window);
        damage.add(offset, kind, resumed.then(|| window.offset()));
        None
    }

    /// Length of the block at the front, with damage that does not matter; or the damage, if it is not the end.
    fn frame_or_damage<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<(u32, Option<DamageKind>), Option<DamageKind>> {
        window.ensure(MIN_BLOCK);
        let bytes = window.bytes();
        let have = bytes.len();
        if have == 0 {
            return Err(None);
        }
        let cut = |want: usize, have: usize| Some(DamageKind::Cut { want: want as u64, have: have as u64 });
        let mut big_endian = self.big_endian;
        if blocks::u32_at(bytes, 0, big_endian) == Some(SECTION)
            && let Some(found) = bytes.get(8..).and_then(|rest| rest.first_chunk::<4>())
        {
            big_endian =
                blocks::section_order(bytes).ok_or(Some(DamageKind::BadByteOrder { found: *found }))?;
        }
        let Some(length) = blocks::u32_at(bytes, 4, big_endian).filter(|_| have >= MIN_BLOCK) else {
            return Err(cut(MIN_BLOCK, have));
        };
        if length == 0 && blocks::u32_at(bytes, 0, big_endian) == Some(0) {
            return Err(Some(DamageKind::Zeros));
        }
        if !possible_length(length) {
            return Err(Some(DamageKind::ImpossibleLength { length, limit: MAX_BLOCK }));
        }
        if !window.ensure(length as usize) {
            return Err(cut(length as usize, window.bytes().len()));
        }
        let end = trailer(window.bytes(), length, big_endian).unwrap_or(0);
        if end == length && known_block(window.bytes(), big_endian).is_some() {
            return Ok((length, None));
        }
        // Else the block is believed if another one, or the end of the file, is where the first length says.
        window.ensure(length as usize + MIN_BLOCK);
        let next = window.bytes().get(length as usize..).unwrap_or_default();
        if end == length {
            // What is read as a block where none is has a type that nobody uses, and may have a number twice by chance.
            let block = blocks::u32_at(window.bytes(), 0, big_endian).unwrap_or(0);
            let may_follow = next.len() < MIN_BLOCK
                || known_block(next, big_endian).is_some()
                || blocks::u32_at(next, 4, big_endian).is_some_and(possible_length);
            return if may_follow { Ok((length, None)) } else { Err(Some(DamageKind::Stray { block })) };
        }
        let kind = DamageKind::BadTrailer { length, trailer: end };
        if next.is_empty() || known_block(next, big_endian).is_some() {
            Ok((length, Some(kind)))
        } else {
            Err(Some(kind))
        }
    }

    /// Takes in a whole block; a packet is returned.
    fn read_block(&mut self, block: &[u8]) -> Result<Option<Packet>, DamageKind> {
        let big_endian = self.big_endian;
        let kind = blocks::u32_at(block, 0, big_endian).unwrap_or(0);
        let short = || DamageKind::ShortBlock { block: kind, length: block.len() as u32 };
        match kind {
            SECTION => {
                self.big_endian = blocks::section_order(block).unwrap_or(big_endian);
                self.interfaces.clear();
                match blocks::section_version(block, self.big_endian) {
                    Some((1, _)) => Ok(None),
                    Some((major, minor)) => Err(DamageKind::SectionVersion { major, minor }),
                    None => Err(short()),
                }
            }
            INTERFACE if self.interfaces.len() >= MAX_INTERFACES => Err(DamageKind::TooManyInterfaces),
            INTERFACE => {
                // Whatever is wrong with it, it has taken a number.
                let (interface, wrong) = blocks::interface(block, big_endian).ok_or_else(short)?;
                self.interfaces.push(interface);
                if wrong { Err(DamageKind::BadOption) } else { Ok(None) }
            }
            PACKET | OLD_PACKET => {
                let packet = if kind == PACKET {
                    blocks::enhanced(block, big_endian)
                } else {
                    blocks::obsolete(block, big_endian)
                };
                packet.map(Some).ok_or_else(|| match blocks::u32_at(block, 20, big_endian) {
                    Some(captured) if block.len() >= blocks::PACKET_OVERHEAD => {
                        let room = (block.len() - blocks::PACKET_OVERHEAD) as u32;
                        DamageKind::PacketBeyondBlock { captured, room }
                    }
                    Some(_) | None => short(),
                })
            }
            SIMPLE_PACKET => {
                let snaplen = self.interfaces.first().map_or(0, |interface| interface.snaplen);
                blocks::simple(block, snaplen, big_endian).map(Some).ok_or_else(short)
            }
            _ => Ok(None),
        }
    }

    /// Link type of the first interface of the section, if it has been described.
    pub(super) fn first_link(&self) -> Option<LinkType> {
        self.interfaces.first().map(|interface| interface.link)
    }
}
