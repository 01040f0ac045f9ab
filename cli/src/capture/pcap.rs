//! Classic pcap: a file header, then records of a header and a frame, with nothing to hold on to after damage.

use std::io::Read;

use super::damage::{DamageKind, DamageLog, OpenError};
use super::record::{Clock, Direction, LinkType, Record, Stamp, Unit};
use super::window::Window;
use super::{Enough, Located, Visitor, resync};

/// The largest frame of a record, as tcpdump and Wireshark have it for all link types with IP; what claims more is
/// damage. It bounds the memory that one record can ask for.
pub(super) const MAX_FRAME: u32 = 262_144;

/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// A pcap file after its header.
pub(super) struct Pcap {
    /// The file header as it stands in the file.
    pub(super) header: [u8; FILE_HEADER],
    /// Link type of all records.
    pub(super) link: LinkType,
    /// How records are laid out.
    pub(super) layout: Layout,
    /// Seconds of the last good record.
    last_secs: Option<u32>,
}

/// How records are laid out, and which values are normal in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    big_endian: bool,
    nanos: bool,
    /// The "modified" format of old Linux systems has 8 more bytes: interface, protocol, packet type.
    modified: bool,
    lengths: Lengths,
    /// 16, or 24 when modified.
    pub(super) header_len: usize,
    /// Frames up to here are normal: the snap length where it is credible.
    pub(super) usual_frame: u32,
}

/// In which order a record has its two lengths; versions before 2.4 had them the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3, written both ways: the captured one is the smaller one.
    SmallerIsCaptured,
}

/// A record header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) secs: u32,
    pub(super) fraction: u32,
    pub(super) captured: u32,
    pub(super) original: u32,
    direction: Option<Direction>,
}

/// What a record header is worth.
pub(super) enum Opinion {
    /// Nothing odd, but perhaps its time.
    Plausible,
    /// Odd, but seen in files that are fine otherwise.
    Possible,
    /// Not a record header.
    Impossible(DamageKind),
}

impl Layout {
    /// Decodes the header of a record as all current systems write it.
    #[inline(always)]
    fn usual_head(&self, header: &[u8; 16]) -> Head {
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, o0, o1, o2, o3] = *header;
        Head {
            secs: self.number([s0, s1, s2, s3]),
            fraction: self.number([f0, f1, f2, f3]),
            captured: self.number([c0, c1, c2, c3]),
            original: self.number([o0, o1, o2, o3]),
            direction: None,
        }
    }

    /// Decodes the header of a record.
    pub(super) fn head(&self, bytes: &[u8]) -> Option<Head> {
        let mut head = self.usual_head(bytes.first_chunk::<16>()?);
        if self.lengths != Lengths::CapturedFirst
            && (self.lengths == Lengths::OriginalFirst || head.captured > head.original)
        {
            std::mem::swap(&mut head.captured, &mut head.original);
        }
        if self.modified {
            head.direction = Direction::from_linux_packet_type(u16::from(*bytes.get(22)?));
        }
        Some(head)
    }

    #[inline]
    fn number(&self, bytes: [u8; 4]) -> u32 {
        let number = u32::from_le_bytes(bytes);
        if self.big_endian { number.swap_bytes() } else { number }
    }

    /// Fractions of a second in a second.
    #[inline]
    pub(super) fn second(&self) -> u32 {
        if self.nanos { 1_000_000_000 } else { 1_000_000 }
    }

    #[inline]
    fn stamp(&self, head: &Head) -> Stamp {
        Stamp {
            value: u64::from(head.secs) << 32 | u64::from(head.fraction),
            clock: Clock { unit: if self.nanos { Unit::Nanos } else { Unit::Micros }, offset: 0 },
        }
    }

    #[inline]
    fn is_plausible(&self, head: &Head) -> bool {
        // Zero wraps and is left to `opinion`.
        (head.captured.wrapping_sub(1) < self.usual_frame)
            & (head.captured <= head.original)
            & (head.original <= resync::MAX_ORIGINAL)
            & (head.fraction < self.second())
    }

    pub(super) fn opinion(&self, head: &Head) -> Opinion {
        if self.is_plausible(head) {
            Opinion::Plausible
        } else if head.captured > MAX_FRAME {
            Opinion::Impossible(DamageKind::ImpossibleLength { length: head.captured, limit: MAX_FRAME })
        } else if head.secs | head.fraction | head.captured | head.original == 0 {
            Opinion::Impossible(DamageKind::Zeros)
        } else {
            Opinion::Possible
        }
    }
}

impl Pcap {
    /// Reads the file header, whose magic `sniff` has recognised.
    pub(super) fn open<R: Read>(window: &mut Window<R>) -> Result<Self, OpenError> {
        window.ensure(FILE_HEADER);
        let Some(&header) = window.bytes().first_chunk::<FILE_HEADER>() else {
            return Err(OpenError::HeaderCut { have: window.bytes().len(), want: FILE_HEADER });
        };
        let [m0, m1, m2, m3, j0, j1, n0, n1, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = header;
        let big_endian = m0 == 0xa1;
        let order32 = |bytes| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let order16 = |bytes| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let magic = order32([m0, m1, m2, m3]);
        let lengths = match (order16([j0, j1]), order16([n0, n1])) {
            (2, 3) => Lengths::SmallerIsCaptured,
            // 543.0 is what one old version of tcpdump for DG/UX wrote.
            (2, 0..=2) | (543, 0) => Lengths::OriginalFirst,
            (2, _) => Lengths::CapturedFirst,
            (major, minor) => return Err(OpenError::Version { major, minor }),
        };
        let snaplen = order32([s0, s1, s2, s3]);
        let modified = magic == 0xa1b2_cd34;
        window.advance(FILE_HEADER);
        Ok(Self {
            header,
            // The upper bits say how long a frame check sequence is.
            link: LinkType(order32([l0, l1, l2, l3]) & 0x03ff_ffff),
            layout: Layout {
                big_endian,
                nanos: magic == 0xa1b2_3c4d,
                modified,
                lengths,
                header_len: if modified { 24 } else { 16 },
                usual_frame: if snaplen == 0 { MAX_FRAME } else { snaplen.min(MAX_FRAME) },
            },
            last_secs: None,
        })
    }

    /// The next record, or `None` at the end.
    pub(super) fn step<R: Read>(
        &mut self,
        window: &mut Window<R>,
        damage: &mut DamageLog,
    ) -> Option<Located> {
        self.quick_step(window).or_else(|| self.step_with_care(window, damage))
    }

    /// The next record, if it is wholly in the window and like most. All but a few records go this way, so it is kept
    /// small enough to become part of the caller's loop.
    #[inline(always)]
    pub(super) fn quick_step<R: Read>(&mut self, window: &mut Window<R>) -> Option<Located> {
        if self.layout.modified || self.layout.lengths != Lengths::CapturedFirst {
            return None;
        }
        let (header, rest) = window.bytes().split_first_chunk::<16>()?;
        let head = self.layout.usual_head(header);
        let fits = self.layout.is_plausible(&head)
            & resync::is_near(head.secs, self.last_secs?)
            & (head.captured as usize <= rest.len());
        fits.then(|| self.take(&head, window))
    }

    /// Gives the records that `quick_step` would find to `visitor`, one after the other.
    #[inline(always)]
    pub(super) fn quick_steps<R: Read, V: Visitor>(
        &mut self,
        window: &mut Window<R>,
        index: &mut u64,
        visitor: &mut V,
    ) -> Result<(), Enough> {
        if self.layout.modified || self.layout.lengths != Lengths::CapturedFirst {
            return Ok(());
        }
        let Some(mut last_secs) = self.last_secs else { return Ok(()) };
        let (layout, link) = (self.layout, self.link);
        let bytes = window.bytes();
        let (mut rest, mut number) = (bytes, *index);
        let ended = loop {
            let Some((header, behind)) = rest.split_first_chunk::<16>() else { break Ok(()) };
            let head = layout.usual_head(header);
            let Some((frame, next)) = behind.split_at_checked(head.captured as usize) else { break Ok(()) };
            if !(layout.is_plausible(&head) & resync::is_near(head.secs, last_secs)) {
                break Ok(());
            }
            let record = Record {
                index: number,
                link,
                interface: 0,
                direction: None,
                original_len: head.original,
                bytes: frame,
                raw: rest.get(..header.len() + frame.len()).unwrap_or_default(),
                stamp: layout.stamp(&head),
            };
            (rest, number, last_secs) = (next, number + 1, head.secs);
            if let Err(error) = visitor.record(&record) {
                break Err(error);
            }
        };
        let passed = bytes.len() - rest.len();
        window.advance(passed);
        (*index, self.last_secs) = (number, Some(last_secs));
        ended
    }

    /// Hands out the record at the front of the window, which has been found to be complete.
    #[inline(always)]
    fn take<R: Read>(&mut self, head: &Head, window: &mut Window<R>) -> Located {
        self.last_secs = Some(head.secs);
        let raw_at = window.position();
        let length = self.layout.header_len + head.captured as usize;
        window.advance(length);
        Located {
            raw_at,
            raw_len: length,
            frame_at: self.layout.header_len,
            frame_len: head.captured as usize,
            link: self.link,
            interface: 0,
            direction: head.direction,
            original_len: head.original,
            stamp: self.layout.stamp(head),
        }
    }

    /// Like `step`, for a record that is not wholly in the window, or odd, or damaged.
    #[cold]
    fn step_with_care<R: Read>(&mut self, window: &mut Window<R>, damage: &mut DamageLog) -> Option<Located> {
        loop {
            let header_len = self.layout.header_len;
            window.ensure(header_len);
            let have = window.bytes().len();
            if have == 0 {
                return None;
            }
            let Some(head) = self.layout.head(window.bytes()).filter(|_| have >= header_len) else {
                damage.add(
                    window.offset(),
                    DamageKind::Cut { want: header_len as u64, have: have as u64 },
                    None,
                );
                window.advance(have);
                return None;
            };
            let length = header_len + head.captured as usize;
            let kind = match self.layout.opinion(&head) {
                Opinion::Plausible if !window.ensure(length) => {
                    DamageKind::Cut { want: length as u64, have: window.bytes().len() as u64 }
                }
                Opinion::Plausible if self.last_secs.is_none_or(|last| resync::is_near(head.secs, last)) => {
                    return Some(self.take(&head, window));
                }
                Opinion::Plausible | Opinion::Possible if self.continues_after(window, &head, length) => {
                    let others =
                        self.last_secs.and_then(|last| resync::within(&self.layout, last, window, length));
                    let Some(others) = others else { return Some(self.take(&head, window)) };
                    let offset = window.offset();
                    window.advance(others);
                    damage.add(
                        offset,
                        DamageKind::Overlapped { captured: head.captured },
                        Some(window.offset()),
                    );
                    continue;
                }
                Opinion::Plausible | Opinion::Possible => {
                    DamageKind::Implausible { captured: head.captured, original: head.original }
                }
                Opinion::Impossible(kind) => kind,
            };
            let offset = window.offset();
            let resumed = resync::next_record(&self.layout, self.last_secs, window);
            damage.add(offset, kind, resumed.then(|| window.offset()));
        }
    }

    /// Whether a record of this length is complete and followed by the end of the file or another record. An odd one is
    /// believed to be one if its time is near: what makes records odd makes all of a file so.
    fn continues_after<R: Read>(&self, window: &mut Window<R>, head: &Head, length: usize) -> bool {
        window.ensure(length + self.layout.header_len);
        let Some(rest) = window.bytes().get(length..) else {
            return false;
        };
        self.layout.head(rest).is_none_or(|next| match self.layout.opinion(&next) {
            Opinion::Plausible => true,
            Opinion::Possible => resync::is_near(next.secs, head.secs),
            Opinion::Impossible(_) => false,
        })
    }
}
