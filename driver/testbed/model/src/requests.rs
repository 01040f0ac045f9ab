//! Requests of the I/O manager that the client was given: each is completed once.

use alloc::collections::BTreeSet;

use crate::finding::{Findings, Rule};
use crate::lists::Freed;

/// The requests that the client has.
#[derive(Debug, Default)]
pub struct Requests {
    live: BTreeSet<u64>,
    done: Freed,
    /// How many it was ever given.
    pub given: u64,
    /// How many it completed that it was given before anybody looked.
    pub unknown: u64,
}

impl Requests {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { live: BTreeSet::new(), done: Freed::new(), given: 0, unknown: 0 }
    }

    /// The client is given one.
    pub fn give(&mut self, request: u64) {
        self.done.reused(request);
        self.live.insert(request);
        self.given = self.given.saturating_add(1);
    }

    /// The client completes one. What it was given before anybody looked is counted, not refused.
    ///
    /// # Errors
    /// The rule that forbids it; the request must then be left alone.
    pub fn complete(&mut self, request: u64) -> Result<(), Rule> {
        if self.live.remove(&request) {
            self.done.add(request);
            return Ok(());
        }
        if self.done.has(request) {
            return Err(Rule::RequestCompletedTwice);
        }
        self.unknown = self.unknown.saturating_add(1);
        Ok(())
    }

    /// How many it has.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// The client is gone: what it has will never be completed.
    pub fn close(&mut self, findings: &mut Findings) {
        for request in core::mem::take(&mut self.live) {
            findings.add(Rule::RequestLeft, request, 0);
        }
    }
}
