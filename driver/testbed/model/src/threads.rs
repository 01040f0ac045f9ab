//! What each thread must not do now: spin locks that it holds, and callbacks that it is in at DISPATCH_LEVEL.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::finding::Rule;

#[derive(Debug, Default)]
struct Thread {
    locks: Vec<u64>,
    dispatch: u32,
}

/// The threads that hold something.
#[derive(Debug, Default)]
pub struct Threads(BTreeMap<u64, Thread>);

impl Threads {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
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
    pub fn enter(&mut self, thread: u64) {
        let thread = self.0.entry(thread).or_default();
        thread.dispatch = thread.dispatch.saturating_add(1);
    }

    /// It ends.
    ///
    /// # Errors
    /// When the thread holds more spin locks than `held`, which it had at the beginning.
    pub fn leave(&mut self, thread: u64, held: usize) -> Result<(), Rule> {
        let kept = self.held(thread) > held;
        if let Some(thread) = self.0.get_mut(&thread) {
            thread.dispatch = thread.dispatch.saturating_sub(1);
        }
        self.forget(thread);
        if kept { Err(Rule::LockKept) } else { Ok(()) }
    }

    /// How many spin locks a thread holds.
    #[must_use]
    pub fn held(&self, thread: u64) -> usize {
        self.0.get(&thread).map_or(0, |thread| thread.locks.len())
    }

    /// A thread calls what may wait.
    ///
    /// # Errors
    /// When it holds a spin lock or is in a callback at DISPATCH_LEVEL.
    pub fn may_wait(&self, thread: u64) -> Result<(), Rule> {
        if self.0.contains_key(&thread) { Err(Rule::WaitsAtDispatch) } else { Ok(()) }
    }

    fn forget(&mut self, thread: u64) {
        if self.0.get(&thread).is_some_and(|held| held.locks.is_empty() && held.dispatch == 0) {
            self.0.remove(&thread);
        }
    }
}
