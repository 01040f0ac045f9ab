//! What each thread must not do now: the level it runs at, and the spin locks that it holds.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use divert_driver_abi::wdm::{DISPATCH_LEVEL, KIRQL, PASSIVE_LEVEL};

use crate::finding::Rule;

#[derive(Debug, Default)]
struct Thread {
    locks: Vec<u64>,
    irql: KIRQL,
}

/// How a thread was when a callback began.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Entered {
    irql: KIRQL,
    held: usize,
}

/// The threads that hold something or run at a level other than the lowest.
#[derive(Debug, Default)]
pub struct Threads(BTreeMap<u64, Thread>);

impl Threads {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The level of a thread.
    #[must_use]
    pub fn irql(&self, thread: u64) -> KIRQL {
        self.0.get(&thread).map_or(PASSIVE_LEVEL, |thread| {
            if thread.locks.is_empty() { thread.irql } else { thread.irql.max(DISPATCH_LEVEL) }
        })
    }

    /// A thread raises its level; gives the level before.
    ///
    /// # Errors
    /// When it lowers it instead.
    pub fn raise(&mut self, thread: u64, to: KIRQL) -> Result<KIRQL, Rule> {
        let before = self.irql(thread);
        if to < before {
            return Err(Rule::LevelOrder);
        }
        self.0.entry(thread).or_default().irql = to;
        self.forget(thread);
        Ok(before)
    }

    /// A thread lowers its level.
    ///
    /// # Errors
    /// When it raises it instead.
    pub fn lower(&mut self, thread: u64, to: KIRQL) -> Result<(), Rule> {
        if to > self.irql(thread) {
            return Err(Rule::LevelOrder);
        }
        self.0.entry(thread).or_default().irql = to;
        self.forget(thread);
        Ok(())
    }

    /// A thread is about to acquire a spin lock.
    ///
    /// # Errors
    /// When it holds it: it would wait forever, and must not be let.
    pub fn acquire(&mut self, thread: u64, lock: u64) -> Result<(), Rule> {
        let thread = self.0.entry(thread).or_default();
        if thread.locks.contains(&lock) {
            return Err(Rule::LockTwice);
        }
        thread.locks.push(lock);
        Ok(())
    }

    /// A thread is about to release a spin lock.
    ///
    /// # Errors
    /// When it does not hold it.
    pub fn release(&mut self, thread: u64, lock: u64) -> Result<(), Rule> {
        let held = self.0.get_mut(&thread).ok_or(Rule::LockNotHeld)?;
        let at = held.locks.iter().rposition(|held| *held == lock).ok_or(Rule::LockNotHeld)?;
        held.locks.remove(at);
        self.forget(thread);
        Ok(())
    }

    /// A callback at DISPATCH_LEVEL begins.
    pub fn enter(&mut self, thread: u64) -> Entered {
        let entered = Entered { irql: self.irql(thread), held: self.held(thread) };
        let thread = self.0.entry(thread).or_default();
        thread.irql = thread.irql.max(DISPATCH_LEVEL);
        entered
    }

    /// It ends.
    ///
    /// # Errors
    /// When the thread holds more spin locks than it did, or runs at another level than the callback did.
    pub fn leave(&mut self, thread: u64, entered: Entered) -> Result<(), Rule> {
        let kept = self.held(thread) > entered.held || self.irql(thread) != entered.irql.max(DISPATCH_LEVEL);
        if let Some(thread) = self.0.get_mut(&thread) {
            thread.irql = entered.irql;
        }
        self.forget(thread);
        if kept { Err(Rule::LockKept) } else { Ok(()) }
    }

    fn held(&self, thread: u64) -> usize {
        self.0.get(&thread).map_or(0, |thread| thread.locks.len())
    }

    /// A thread calls what may wait.
    ///
    /// # Errors
    /// When it holds a spin lock or runs at DISPATCH_LEVEL.
    pub fn may_wait(&self, thread: u64) -> Result<(), Rule> {
        if self.irql(thread) < DISPATCH_LEVEL { Ok(()) } else { Err(Rule::WaitsAtDispatch) }
    }

    fn forget(&mut self, thread: u64) {
        if self.0.get(&thread).is_some_and(|held| held.locks.is_empty() && held.irql == PASSIVE_LEVEL) {
            self.0.remove(&thread);
        }
    }
}
