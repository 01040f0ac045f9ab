//! The client's memory: counted, failing on demand, freed once.

use alloc::collections::BTreeMap;

use crate::finding::{Findings, Rule};
use crate::lists::Freed;

/// The client's memory.
#[derive(Debug, Default)]
pub struct Pool {
    /// Length of each allocation.
    live: BTreeMap<u64, usize>,
    freed: Freed,
    /// Bytes that are allocated.
    bytes: usize,
    /// Allocations that succeed before one fails.
    fuse: Option<u64>,
    /// How many failed on demand.
    pub failed: u64,
    /// How many were ever made.
    pub allocated: u64,
    /// How many were freed that were made before anybody looked.
    pub unknown: u64,
}

impl Pool {
    /// Nothing allocated.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            live: BTreeMap::new(),
            freed: Freed::new(),
            bytes: 0,
            fuse: None,
            failed: 0,
            allocated: 0,
            unknown: 0,
        }
    }

    /// Lets the allocation after `successes` more fail, once; or none.
    pub const fn fail_after(&mut self, successes: Option<u64>) {
        self.fuse = successes;
    }

    /// Whether the demanded failure is still to come.
    #[must_use]
    pub const fn armed(&self) -> bool {
        self.fuse.is_some()
    }

    /// Whether the next allocation is to succeed.
    pub fn admit(&mut self) -> bool {
        match self.fuse {
            Some(0) => {
                self.fuse = None;
                self.failed = self.failed.saturating_add(1);
                false
            }
            Some(left) => {
                self.fuse = Some(left.saturating_sub(1));
                true
            }
            None => true,
        }
    }

    /// The client allocated `length` bytes.
    pub fn allocate(&mut self, address: u64, length: usize) {
        self.freed.reused(address);
        self.live.insert(address, length);
        self.bytes = self.bytes.saturating_add(length);
        self.allocated = self.allocated.saturating_add(1);
    }

    /// The client frees. What was allocated before anybody looked is counted, not refused.
    ///
    /// # Errors
    /// The rule that forbids it; the memory must then be left alone.
    pub fn free(&mut self, address: u64) -> Result<(), Rule> {
        if address == 0 {
            return Err(Rule::PoolUnknown);
        }
        match self.live.remove(&address) {
            Some(length) => {
                self.bytes = self.bytes.saturating_sub(length);
                self.freed.add(address);
                Ok(())
            }
            None if self.freed.has(address) => Err(Rule::PoolFreedTwice),
            None => {
                self.unknown = self.unknown.saturating_add(1);
                Ok(())
            }
        }
    }

    /// Allocations, and bytes in them.
    #[must_use]
    pub fn live(&self) -> (usize, usize) {
        (self.live.len(), self.bytes)
    }

    /// The client is gone: what is left was leaked.
    pub fn close(&mut self, findings: &mut Findings) {
        for (address, length) in core::mem::take(&mut self.live) {
            findings.add(Rule::PoolLeaked, address, i64::try_from(length).unwrap_or(i64::MAX));
        }
        self.bytes = 0;
    }
}
