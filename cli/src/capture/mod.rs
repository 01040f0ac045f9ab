//! Captures: pcap and pcapng as streams of packets, the way from a frame to its IP packet, and writing a selection.
//!
//! - `sniff`: what a file is; `window`: the buffer under it; `record`: what comes out; `damage`: what can be wrong;
//! - `pcap`, `pcapng` (framing) and `blocks` (contents): the two formats; `resync`: reading on after damage;
//! - `link`: from a frame to the network layer; `write`: packets as they stood, into a new file.
//!
//! The formats are read by code of our own. The crates for them parse blocks that are well-formed; but offsets, the
//! original bytes of each record, and reading on after damage need the framing, which is most of the work. Measured,
//! pcap-parser 0.17 takes half more time per pcap record and four times as much per pcapng packet (a list of options
//! for each). The tests compare with it.
//!
//! Memory is flat: a window of 256 KiB that grows to 32 MiB at most, for a pcapng block of 16 MiB. No record allocates.

mod blocks;
pub(crate) mod damage;
pub(crate) mod link;
pub(crate) mod make;
mod pcap;
mod pcapng;
pub(crate) mod record;
mod resync;
pub(crate) mod sniff;
#[cfg(test)]
mod tests;
mod window;
pub(crate) mod write;

use std::io::Read;

use damage::{Damage, DamageKind, DamageLog, OpenError};
use pcap::Pcap;
use pcapng::{Pcapng, Step};
use record::{Direction, LinkType, Record, Stamp};
use sniff::Content;
use window::Window;

/// Reads a capture from any byte source.
pub(crate) struct CaptureReader<R> {
    window: Window<R>,
    format: Format,
    index: u64,
    damage: DamageLog,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// One thing that stands in a capture, for those who write captures too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    /// A packet.
    Record(Record<'a>),
    /// Another block of a pcapng file, whole: section header, interface description, names, statistics, comments …
    Block(&'a [u8]),
}

/// A packet with positions in the window's buffer: what the formats find, before it borrows anything.
struct Located {
    raw_at: usize,
    raw_len: usize,
    /// From the beginning of the record or block.
    frame_at: usize,
    frame_len: usize,
    link: LinkType,
    interface: u32,
    direction: Option<Direction>,
    original_len: u32,
    stamp: Stamp,
}

impl<R: Read> CaptureReader<R> {
    /// Recognises the format by the first bytes. The source needs no buffer of its own.
    ///
    /// # Errors
    /// If the source is not a capture, or fails. Once this has succeeded, all that is wrong is damage.
    pub(crate) fn open(source: R) -> Result<Self, OpenError> {
        Self::with_read_size(source, window::READ_SIZE)
    }

    /// [`CaptureReader::open`] with another size of reads.
    pub(crate) fn with_read_size(source: R, read_size: usize) -> Result<Self, OpenError> {
        let mut window = Window::new(source, read_size);
        // More than any magic, so that text and JSON are recognised by more than a few bytes.
        window.ensure(64);
        if let Some(message) = window.take_failure() {
            return Err(OpenError::Io(message));
        }
        let prefix = window.bytes().get(..64).unwrap_or(window.bytes());
        let format = match sniff::sniff(prefix) {
            _ if prefix.is_empty() => return Err(OpenError::Empty),
            Content::Pcap => Format::Pcap(Pcap::open(&mut window)?),
            Content::Pcapng => Format::Pcapng(Pcapng::new(prefix.get(8) == Some(&0x1a))),
            content @ (Content::Packed(_)
            | Content::Foreign(_)
            | Content::Json
            | Content::Text
            | Content::Unknown(..)) => return Err(OpenError::NotCapture(content)),
        };
        Ok(Self { window, format, index: 0, damage: DamageLog::default() })
    }

    /// The next packet, or `None` at the end. What is between two packets and cannot be read is in `damage` then.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Record<'_>> {
        let located = match &mut self.format {
            Format::Pcap(pcap) => pcap.quick_step(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.quick_step(&mut self.window),
        };
        match located {
            Some(located) => Some(self.record(&located)),
            None => self.next_with_care(),
        }
    }

    #[inline(never)]
    fn next_with_care(&mut self) -> Option<Record<'_>> {
        let located = match &mut self.format {
            Format::Pcap(pcap) => pcap.step(&mut self.window, &mut self.damage),
            Format::Pcapng(pcapng) => loop {
                match pcapng.step(&mut self.window, &mut self.damage) {
                    Some(Step::Packet(located)) => break Some(located),
                    Some(Step::Other(..)) => {}
                    None => break None,
                }
            },
        };
        match located {
            Some(located) => Some(self.record(&located)),
            None => self.end(),
        }
    }

    /// The next packet or other block, or `None` at the end. The file header of a pcap file is no item.
    pub(crate) fn next_item(&mut self) -> Option<Item<'_>> {
        let step = match &mut self.format {
            Format::Pcap(pcap) => pcap.step(&mut self.window, &mut self.damage).map(Step::Packet),
            Format::Pcapng(pcapng) => pcapng.step(&mut self.window, &mut self.damage),
        };
        match step {
            Some(Step::Packet(located)) => Some(Item::Record(self.record(&located))),
            Some(Step::Other(at, length)) => Some(Item::Block(self.window.slice(at, length))),
            None => self.end(),
        }
    }

    #[inline(always)]
    fn record(&mut self, located: &Located) -> Record<'_> {
        let index = self.index;
        self.index += 1;
        let raw = self.window.slice(located.raw_at, located.raw_len);
        Record {
            index,
            link: located.link,
            interface: located.interface,
            direction: located.direction,
            original_len: located.original_len,
            bytes: raw.get(located.frame_at..located.frame_at + located.frame_len).unwrap_or_default(),
            raw,
            stamp: located.stamp,
        }
    }

    /// A source that failed looks like one that ended; here the difference is put down.
    #[cold]
    fn end<T>(&mut self) -> Option<T> {
        if let Some(message) = self.window.take_failure() {
            self.damage.add(self.window.offset(), DamageKind::Io(message), None);
        }
        None
    }

    /// The damage found so far: the first `MAX_DAMAGE` places.
    pub(crate) fn damage(&self) -> &[Damage] {
        self.damage.kept()
    }

    /// The number of damaged places found so far.
    pub(crate) fn damage_total(&self) -> u64 {
        self.damage.total()
    }

    /// Packets handed out so far.
    pub(crate) fn records(&self) -> u64 {
        self.index
    }

    /// Offset in the file up to which it has been read: for a progress bar.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// Link type of the file (pcap), or of the first interface seen in this section (pcapng).
    pub(crate) fn link(&self) -> Option<LinkType> {
        match &self.format {
            Format::Pcap(pcap) => Some(pcap.link),
            Format::Pcapng(pcapng) => pcapng.first_link(),
        }
    }
}
