//! A reusable buffer over a byte source: the bytes from the reading position on, with their offset in the file.
//!
//! Packets are handed out as slices of this buffer; nothing is copied but the partial record at its end, which is moved
//! to the front before the next read. A request beyond the buffer makes it grow, up to the limits of the formats.

use std::io::{ErrorKind, Read};

/// Bytes asked of the source at once. Measured over 500 MB in the page cache: 128 KiB to 512 KiB are equally fast, less
/// pays for the calls, more falls out of the second-level cache.
pub(crate) const READ_SIZE: usize = 256 * 1024;

/// The unread part of a byte source.
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the file of the first byte of `buffer`.
    base: u64,
    ended: bool,
    failure: Option<Box<str>>,
}

/// Bytes at a position of a buffer; none if they are not all there.
#[inline]
pub(super) fn slice(buffer: &[u8], position: usize, length: usize) -> &[u8] {
    buffer.get(position..).and_then(|rest| rest.get(..length)).unwrap_or_default()
}

impl<R: Read> Window<R> {
    /// A window over a source that nothing has been read from.
    pub(super) fn new(source: R, read_size: usize) -> Self {
        Self { source, buffer: vec![0; read_size], start: 0, end: 0, base: 0, ended: false, failure: None }
    }

    /// What has been read and not been passed yet.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Position of `bytes()` in the buffer; stays valid for `slice` until the next `ensure`.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.start
    }

    /// All of the buffer, for positions taken before an `advance`.
    #[inline]
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Bytes at a buffer position taken before an `advance`.
    #[inline]
    pub(super) fn slice(&self, position: usize, length: usize) -> &[u8] {
        slice(&self.buffer, position, length)
    }

    /// Exchanges the buffer for `other`, into which what is not passed yet is copied: positions taken before hold in what
    /// is given away.
    pub(super) fn exchange(&mut self, other: &mut Vec<u8>) {
        if other.len() < self.buffer.len() {
            other.resize(self.buffer.len(), 0);
        }
        let held = self.bytes();
        let length = held.len();
        if let Some(front) = other.get_mut(..length) {
            front.copy_from_slice(held);
        }
        std::mem::swap(&mut self.buffer, other);
        self.base += self.start as u64;
        (self.start, self.end) = (0, length);
    }

    /// Offset in the file of the next byte.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Passes over bytes that are in the window; never beyond its end.
    #[inline]
    pub(super) fn advance(&mut self, length: usize) {
        self.start = self.end.min(self.start.saturating_add(length));
    }

    /// Whether `need` bytes are in the window, after reading what is missing; false means the source ends before.
    #[inline]
    pub(super) fn ensure(&mut self, need: usize) -> bool {
        self.end - self.start >= need || self.refill(need)
    }

    /// Why the source ended, if it was a failure and not its end; told once.
    pub(super) fn take_failure(&mut self) -> Option<Box<str>> {
        self.failure.take()
    }

    #[cold]
    fn refill(&mut self, need: usize) -> bool {
        let held = self.end - self.start;
        let room = self.buffer.len() - self.end;
        let little_left = held <= self.buffer.len() / 8 && room <= self.buffer.len() / 4;
        if self.start.saturating_add(need) > self.buffer.len() || little_left {
            self.move_to_front(need);
        }
        while self.end - self.start < need && !self.ended {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            let room = free.len();
            match self.source.read(free) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count.min(room),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string().into());
                    self.ended = true;
                }
            }
        }
        self.end - self.start >= need
    }

    /// Makes room for `need` bytes from `start` on. The buffer is kept at twice the largest need, so that a byte is
    /// moved at most once on average, however small the steps of a search are.
    fn move_to_front(&mut self, need: usize) {
        if need > self.buffer.len() / 2 {
            let mut larger = vec![0; need.next_power_of_two().saturating_mul(2)];
            if let Some(front) = larger.get_mut(..self.end - self.start) {
                front.copy_from_slice(self.bytes());
            }
            self.end -= self.start;
            self.buffer = larger;
        } else {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
        }
        self.base += self.start as u64;
        self.start = 0;
    }
}
