//! Captures: pcap and pcapng as streams of packets, the way from a frame to its IP packet, and writing a selection.
//!
//! - `sniff`: what a file is; `window`: the buffer under it; `record`: what comes out; `damage`: what can be wrong;
//! - `pcap`, `pcapng` (framing) and `blocks` (contents): the two formats; `resync`: reading on after damage;
//! - `batch`: packets in a row for another thread;
//! - `link`: from a frame to the network layer; `write`: packets as they stood, into a new file.
//!
//! The formats are read by code of our own. The crates for them parse blocks that are well-formed; but offsets, the
//! original bytes of each record, and reading on after damage need the framing, which is most of the work. Measured,
//! pcap-parser 0.17 takes half more time per pcap record and four times as much per pcapng packet (a list of options
//! for each). The tests compare with it.
//!
//! Memory is flat: a window of 256 KiB that grows to 32 MiB at most, for a pcapng block of 16 MiB. No record allocates.

pub(crate) mod batch;
mod blocks;
pub(crate) mod damage;
pub(crate) mod link;
pub(crate) mod make;
mod pcap;
mod pcapng;
pub(crate) mod raw_ip;
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
pub(crate) use window::READ_SIZE;
use window::Window;
use write::{Announced, Kind};

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

/// What is done with each thing that stands in a capture. A trait and not a closure, because only methods can be made
/// part of the loop for sure.
pub(crate) trait Visitor {
    /// Takes a packet.
    ///
    /// # Errors
    /// When it was the last that is wanted for now.
    fn record(&mut self, record: &Record<'_>) -> Result<(), Enough>;

    /// Takes another block of a pcapng file, whole.
    ///
    /// # Errors
    /// When it was the last that is wanted for now.
    fn block(&mut self, block: &[u8]) -> Result<(), Enough>;
}

/// A visitor does not want any more for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Enough;

/// One thing that stands in a capture, for those who write captures too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    /// A packet.
    Record(Record<'a>),
    /// Another block of a pcapng file, whole: section header, interface description, names, statistics, comments …
    Block(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The item as it stands in the file.
    pub(crate) const fn raw(&self) -> &'a [u8] {
        match self {
            Self::Record(record) => record.raw,
            Self::Block(block) => block,
        }
    }
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

impl Located {
    /// The packet with this number, in the buffer that it was located in.
    #[inline(always)]
    fn record<'b>(&self, buffer: &'b [u8], index: u64) -> Record<'b> {
        let raw = window::slice(buffer, self.raw_at, self.raw_len);
        Record {
            index,
            link: self.link,
            interface: self.interface,
            direction: self.direction,
            original_len: self.original_len,
            bytes: window::slice(raw, self.frame_at, self.frame_len),
            raw,
            stamp: self.stamp,
        }
    }
}

impl<R: Read> CaptureReader<R> {
    /// Recognises the format by the first bytes. The source needs no buffer of its own.
    ///
    /// # Errors
    /// If the source is not a capture, or fails. Once this has succeeded, all that is wrong is damage.
    pub(crate) fn open(source: R) -> Result<Self, OpenError> {
        Self::with_read_size(source, READ_SIZE)
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
    pub(crate) fn next(&mut self) -> Option<Record<'_>> {
        let located = loop {
            match self.step() {
                Some(Step::Packet(located)) => break Some(located),
                Some(Step::Other(..)) => {}
                None => break None,
            }
        };
        match located {
            Some(located) => Some(self.number(&located)),
            None => self.end(),
        }
    }

    /// The next packet or other block, or `None` at the end. The file header of a pcap file is no item.
    pub(crate) fn next_item(&mut self) -> Option<Item<'_>> {
        match self.step() {
            Some(Step::Packet(located)) => Some(Item::Record(self.number(&located))),
            Some(Step::Other(at, length)) => Some(Item::Block(self.window.slice(at, length))),
            None => self.end(),
        }
    }

    /// Gives all that is left to `visitor`, until it has enough; then the next call goes on behind what it took last. The
    /// same as calling `next_item`, and faster: what stays the same from packet to packet is kept in registers.
    ///
    /// # Errors
    /// When the visitor has enough.
    #[inline(always)]
    pub(crate) fn visit<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), Enough> {
        loop {
            match &mut self.format {
                Format::Pcap(pcap) => pcap.quick_steps(&mut self.window, &mut self.index, visitor)?,
                Format::Pcapng(pcapng) => pcapng.quick_steps(&mut self.window, &mut self.index, visitor)?,
            }
            match self.next_item_with_care() {
                Some(Item::Record(record)) => visitor.record(&record)?,
                Some(Item::Block(block)) => visitor.block(block)?,
                None => return Ok(()),
            }
        }
    }

    #[inline(never)]
    fn next_item_with_care(&mut self) -> Option<Item<'_>> {
        self.next_item()
    }

    #[inline(always)]
    fn quick_step(&mut self) -> Option<Located> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.quick_step(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.quick_step(&mut self.window),
        }
    }

    fn step(&mut self) -> Option<Step> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.step(&mut self.window, &mut self.damage).map(Step::Packet),
            Format::Pcapng(pcapng) => pcapng.step(&mut self.window, &mut self.damage),
        }
    }

    /// The packet, which takes the next number.
    fn number(&mut self, located: &Located) -> Record<'_> {
        let index = self.index;
        self.index += 1;
        located.record(self.window.buffer(), index)
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

    /// What a file must be that holds packets of this one, and how it begins.
    pub(crate) fn announce(&self) -> Announced {
        match &self.format {
            Format::Pcap(pcap) => {
                let [a, b, c, d, ..] = pcap.header;
                let kind = Kind::Pcap { link: pcap.link, magic: [a, b, c, d] };
                Announced { kind, header: pcap.header.to_vec() }
            }
            Format::Pcapng(_) => Announced { kind: Kind::Pcapng, header: Vec::new() },
        }
    }

    /// Link type of the file (pcap), or of the first interface seen in this section (pcapng).
    pub(crate) fn link(&self) -> Option<LinkType> {
        match &self.format {
            Format::Pcap(pcap) => Some(pcap.link),
            Format::Pcapng(pcapng) => pcapng.first_link(),
        }
    }
}
