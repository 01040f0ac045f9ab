//! Lists of packets that the client allocated: each is freed once, and not while the stack has it.

use alloc::collections::{BTreeMap, VecDeque};

use crate::finding::{Findings, Rule};

/// Addresses that are remembered after they were freed, so that a second free is told from a wild one.
const REMEMBERED: usize = 4096;

/// Addresses that were freed lately.
#[derive(Debug, Default)]
pub(crate) struct Freed(VecDeque<u64>);

impl Freed {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(crate) fn add(&mut self, address: u64) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(address);
    }

    /// Whether it was freed lately and not given out since.
    pub(crate) fn has(&self, address: u64) -> bool {
        self.0.contains(&address)
    }

    pub(crate) fn reused(&mut self, address: u64) {
        // The newest are the likeliest: allocators give back what was freed last.
        if let Some(at) = self.0.iter().rposition(|freed| *freed == address) {
            self.0.remove(at);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Client,
    Stack,
}

/// The client's lists.
#[derive(Debug, Default)]
pub struct Lists {
    live: BTreeMap<u64, Holder>,
    freed: Freed,
    /// How many were ever allocated.
    pub allocated: u64,
    /// How many were ever injected.
    pub injected: u64,
}

impl Lists {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { live: BTreeMap::new(), freed: Freed::new(), allocated: 0, injected: 0 }
    }

    /// The client allocated one.
    pub fn allocate(&mut self, list: u64) {
        self.freed.reused(list);
        self.live.insert(list, Holder::Client);
        self.allocated = self.allocated.saturating_add(1);
    }

    /// The client frees one.
    ///
    /// # Errors
    /// The rule that forbids it; the list's memory must then be left alone.
    pub fn free(&mut self, list: u64) -> Result<(), Rule> {
        match self.live.get(&list) {
            Some(Holder::Client) => {
                self.live.remove(&list);
                self.freed.add(list);
                Ok(())
            }
            Some(Holder::Stack) => Err(Rule::ListFreedInStack),
            None if self.freed.has(list) => Err(Rule::ListFreedTwice),
            None => Err(Rule::ListUnknown),
        }
    }

    /// The client gives one to the stack.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn inject(&mut self, list: u64) -> Result<(), Rule> {
        match self.live.get_mut(&list) {
            Some(holder @ Holder::Client) => {
                *holder = Holder::Stack;
                self.injected = self.injected.saturating_add(1);
                Ok(())
            }
            Some(Holder::Stack) => Err(Rule::ListInjectedTwice),
            None => Err(Rule::ListUnknown),
        }
    }

    /// The stack gives one back.
    pub fn complete(&mut self, list: u64) {
        if let Some(holder) = self.live.get_mut(&list) {
            *holder = Holder::Client;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// How many the stack has.
    #[must_use]
    pub fn in_stack(&self) -> usize {
        self.live.values().filter(|holder| **holder == Holder::Stack).count()
    }

    /// The client is gone: what is left was leaked.
    pub fn close(&mut self, findings: &mut Findings) {
        for list in core::mem::take(&mut self.live).into_keys() {
            findings.add(Rule::ListLeaked, list, 0);
        }
    }
}
