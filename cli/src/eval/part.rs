//! What comes of some records in a row: small enough to be kept while others are judged, and told in order.

use std::io;

use super::{Seen, Tally};
use crate::events::BadEvent;

/// Bytes of text and of kept records after which a part is told, where one thread does everything.
const FULL: usize = 64 * 1024;
/// The same for what is remembered of matches and of bad lines.
const MANY: usize = 4096;

/// What came of some records in a row.
#[derive(Default)]
pub(crate) struct Part {
    /// Their numbers.
    pub(crate) tally: Tally,
    /// What is said of them.
    pub(crate) text: Vec<u8>,
    /// What is wrong with lines of events, and where in `text` it is to be said.
    pub(crate) troubles: Vec<(usize, Trouble)>,
    /// What is to be written of them, as it stood.
    pub(crate) kept: Kept,
    /// For those who want statistics.
    pub(crate) seen: Seen,
}

/// What was wrong with an event file.
pub(crate) enum Trouble {
    /// A line is no event.
    Line(u64, BadEvent),
    /// The file cannot be read any further.
    Read(io::Error),
}

/// Pieces of input in a row.
#[derive(Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Part {
    /// Whether it should be told before more is added.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.text.len() + self.kept.bytes.len() >= FULL || self.seen.len() + self.troubles.len() >= MANY
    }

    /// Bytes that it has on the heap, about.
    pub(super) fn size(&self) -> usize {
        let kept = self.kept.bytes.capacity() + self.kept.ends.capacity() * size_of::<usize>();
        let troubles = self.troubles.capacity() * size_of::<(usize, Trouble)>();
        self.text.capacity() + kept + troubles + self.seen.size()
    }

    /// Forgets what was told.
    pub(crate) fn clear(&mut self) {
        self.tally = Tally::default();
        self.text.clear();
        self.troubles.clear();
        self.kept.bytes.clear();
        self.kept.ends.clear();
        self.seen.clear();
    }
}

impl Kept {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.ends.push(self.bytes.len());
    }

    /// The pieces.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| self.bytes.get(begin..*end).unwrap_or_default())
    }
}
