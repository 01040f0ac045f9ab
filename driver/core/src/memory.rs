//! Allocation that may fail, and the budget for all handles together.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

/// There was no memory, or no budget for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoMemory;

/// A budget in bytes. What was taken is given back by whoever frees the memory.
#[derive(Debug)]
pub struct Pool {
    used: AtomicUsize,
    limit: usize,
}

impl Pool {
    /// A budget of this many bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    /// Takes from the budget; false, with nothing taken, when it does not suffice.
    pub fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.limit)
        });
        taken.is_ok()
    }

    /// Gives back what was taken.
    pub fn give(&self, bytes: usize) {
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(bytes)));
    }

    /// What is taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Appends.
///
/// # Errors
/// The value, when there is no memory.
pub fn try_push<T>(list: &mut Vec<T>, value: T) -> Result<(), T> {
    // That there is room now is said again for the optimiser: no path that panics remains in `push`.
    if list.try_reserve(1).is_err() || list.len() == list.capacity() {
        return Err(value);
    }
    list.push(value);
    Ok(())
}

/// A copy of `bytes`.
///
/// # Errors
/// When there is no memory for it.
pub fn try_copy(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    // As above.
    if bytes.len() > copy.capacity().wrapping_sub(copy.len()) {
        return Err(NoMemory);
    }
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Copies as much as both hold; gives how much that is.
pub(crate) fn copy_front(to: &mut [u8], from: &[u8]) -> usize {
    let length = to.len().min(from.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    length
}
