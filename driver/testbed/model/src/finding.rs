//! What a client did that it must not do.

use alloc::vec::Vec;
use core::fmt;

/// A rule of the interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// A list of packets was freed again.
    ListFreedTwice = 1,
    /// A list was freed that the stack still has.
    ListFreedInStack,
    /// A list was freed or injected that nobody allocated.
    ListUnknown,
    /// A list was never freed.
    ListLeaked,
    /// A list was injected that the stack still has.
    ListInjectedTwice,
    /// A list was injected whose packets reach beyond their memory, or are empty.
    ListMalformed,
    /// A packet's data start was not moved back to where it was; by how many bytes.
    Unbalanced,
    /// A data start was moved beyond the end, or before the beginning.
    MovedTooFar,
    /// A packet came back from classification with other bytes.
    PacketChanged,
    /// A handle or identifier was used that is gone, or was never given out.
    UsedAfterRelease,
    /// An object was left behind at unload; how many.
    ObjectLeft,
    /// A transaction was begun in another one, or ended outside of any.
    Transaction,
    /// An action was set without the right to.
    ActionWithoutRight,
    /// An action was set that a callout must not set.
    UnknownAction,
    /// Memory was freed again.
    PoolFreedTwice,
    /// Memory was freed that was never allocated.
    PoolUnknown,
    /// Memory was never freed; how many bytes.
    PoolLeaked,
    /// Something was called that may wait, where waiting is not allowed.
    WaitsAtDispatch,
    /// A spin lock was released that its thread does not hold.
    LockNotHeld,
    /// A spin lock was acquired by the thread that holds it.
    LockTwice,
    /// A callback returned with a spin lock held, or at another level than it was called at.
    LockKept,
    /// A callout was unregistered while it classified.
    UnregisteredInUse,
    /// A flow was given a second context by the same callout, or one was removed that it does not have.
    FlowContext,
    /// The level was raised to a lower one, or lowered to a higher one.
    LevelOrder,
    /// A request was completed again.
    RequestCompletedTwice,
    /// A request was never completed.
    RequestLeft,
}

impl Rule {
    /// All of them, by number.
    pub const ALL: [Self; 26] = [
        Self::ListFreedTwice,
        Self::ListFreedInStack,
        Self::ListUnknown,
        Self::ListLeaked,
        Self::ListInjectedTwice,
        Self::ListMalformed,
        Self::Unbalanced,
        Self::MovedTooFar,
        Self::PacketChanged,
        Self::UsedAfterRelease,
        Self::ObjectLeft,
        Self::Transaction,
        Self::ActionWithoutRight,
        Self::UnknownAction,
        Self::PoolFreedTwice,
        Self::PoolUnknown,
        Self::PoolLeaked,
        Self::WaitsAtDispatch,
        Self::LockNotHeld,
        Self::LockTwice,
        Self::LockKept,
        Self::UnregisteredInUse,
        Self::FlowContext,
        Self::LevelOrder,
        Self::RequestCompletedTwice,
        Self::RequestLeft,
    ];

    /// The rule with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| *rule as u8 == number)
    }
}

/// One breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which rule.
    pub rule: Rule,
    /// The object's number.
    pub subject: u64,
    /// What the rule says.
    pub detail: i64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:#x} {}", self.rule, self.subject, self.detail)
    }
}

/// How many breaches are kept; all are counted.
pub const KEPT: usize = 64;

/// Breaches in the order in which they were found.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    count: u64,
}

impl Findings {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: Vec::new(), count: 0 }
    }

    /// Adds one.
    pub fn add(&mut self, rule: Rule, subject: u64, detail: i64) {
        self.count = self.count.saturating_add(1);
        if self.kept.len() < KEPT {
            self.kept.push(Finding { rule, subject, detail });
        }
    }

    /// Adds one, if there is one.
    pub fn check(&mut self, outcome: Result<(), Rule>, subject: u64) {
        if let Err(rule) = outcome {
            self.add(rule, subject, 0);
        }
    }

    /// The first ones.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Forgets all; gives the first ones and how many there were.
    pub fn take(&mut self) -> (Vec<Finding>, u64) {
        let count = core::mem::take(&mut self.count);
        (core::mem::take(&mut self.kept), count)
    }
}
