//! Items of a capture in a row, with bytes of their own, so that another thread can look at them while the reader goes on.

use std::io::Read;

use super::pcapng::Step;
use super::{CaptureReader, Enough, Located, Visitor, window};

/// Items in a row. It is filled again and again, so that nothing is allocated for long.
#[derive(Default)]
pub(crate) struct Batch {
    /// As large as it ever was; `used` bytes of it count.
    bytes: Vec<u8>,
    used: usize,
    /// What the next bytes are read into.
    spare: Vec<u8>,
    /// With positions in `bytes`.
    items: Vec<Step>,
    /// Number of the first packet.
    first: u64,
}

impl Batch {
    /// Gives all items to `visitor`, in order, until it has enough.
    ///
    /// # Errors
    /// When the visitor has enough.
    #[inline(always)]
    pub(crate) fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Enough> {
        let mut index = self.first;
        for item in &self.items {
            match item {
                Step::Packet(located) => {
                    visitor.record(&located.record(&self.bytes, index))?;
                    index += 1;
                }
                Step::Other(at, length) => visitor.block(window::slice(&self.bytes, *at, *length))?,
            }
        }
        Ok(())
    }

    /// Copies the bytes of the items from `from` on, which lie at `at` of another buffer.
    fn take_over(&mut self, bytes: &[u8], at: usize, from: usize) {
        let end = self.used + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(self.used..end) {
            place.copy_from_slice(bytes);
        }
        for item in self.items.iter_mut().skip(from) {
            let (Step::Packet(Located { raw_at: position, .. }) | Step::Other(position, _)) = item;
            *position = *position - at + self.used;
        }
        self.used = end;
    }
}

impl<R: Read> CaptureReader<R> {
    /// Fills `batch` with the next items, and tells whether there may be more.
    ///
    /// The bytes are read into a buffer of the batch, so that they are in the cache of the processor that will judge them,
    /// and no other has to give its cache up for them. What lies in one piece and is like most stays where it is; only the
    /// rest is copied: what is odd may move the window before the next item is known.
    pub(crate) fn fill(&mut self, batch: &mut Batch) -> bool {
        batch.items.clear();
        batch.used = 0;
        batch.first = self.index;
        self.window.exchange(&mut batch.spare);
        // Before positions are taken: nothing whole was left behind.
        self.window.ensure(self.window.bytes().len() + 1);
        let filled = self.fill_up(batch);
        self.window.exchange(&mut batch.spare);
        if filled == Filled::InPlace {
            std::mem::swap(&mut batch.bytes, &mut batch.spare);
        }
        filled != Filled::ToTheEnd
    }

    fn fill_up(&mut self, batch: &mut Batch) -> Filled {
        // A batch has so many bytes and more, unless the capture ends.
        let size = self.window.buffer().len() / 2;
        loop {
            let (begin, from) = (self.window.position(), batch.items.len());
            while let Some(located) = self.quick_step() {
                batch.items.push(Step::Packet(located));
            }
            self.index += (batch.items.len() - from) as u64;
            let passed = self.window.position() - begin;
            if batch.used == 0 && passed >= size {
                return Filled::InPlace;
            }
            batch.take_over(self.window.slice(begin, passed), begin, from);
            if batch.used >= size {
                return Filled::Copied;
            }
            let from = batch.items.len();
            let (at, length) = match self.step() {
                Some(Step::Packet(located)) => {
                    self.index += 1;
                    let place = (located.raw_at, located.raw_len);
                    batch.items.push(Step::Packet(located));
                    place
                }
                Some(Step::Other(at, length)) => {
                    batch.items.push(Step::Other(at, length));
                    (at, length)
                }
                None => {
                    let _: Option<()> = self.end();
                    return Filled::ToTheEnd;
                }
            };
            batch.take_over(self.window.slice(at, length), at, from);
        }
    }
}

/// How a batch got its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// They lie where they were read to.
    InPlace,
    /// They were copied.
    Copied,
    /// The same, and nothing follows.
    ToTheEnd,
}
