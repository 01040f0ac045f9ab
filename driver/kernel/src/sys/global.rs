//! What the callbacks of the system find the driver by.

extern crate alloc;

use alloc::boxed::Box;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A place that is filled when the driver is loaded and emptied when it is unloaded.
pub(crate) struct Global<T>(AtomicPtr<T>);

impl<T: Send + Sync> Global<T> {
    /// An empty place.
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Fills it.
    pub(crate) fn set(&self, value: Box<T>) {
        self.0.store(Box::into_raw(value), Ordering::Release);
    }

    /// What is in it; only for as long as a callback runs, and none runs when [`Global::take`] is called.
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: the pointer is null or came from a box that is alive: `take` frees it only when the driver is
        // unloaded (or was not loaded), after its device, callouts and injections are gone that could call in here.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Empties it.
    ///
    /// # Safety
    /// No borrow from [`Global::get`] is alive, and none is made any more.
    pub(super) unsafe fn take(&self) -> Option<Box<T>> {
        let value = self.0.swap(null_mut(), Ordering::AcqRel);
        if value.is_null() {
            return None;
        }
        // SAFETY: it came from a box, and the caller promises that nobody uses it.
        Some(unsafe { Box::from_raw(value) })
    }
}
