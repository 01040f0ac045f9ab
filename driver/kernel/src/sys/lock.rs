//! Locks. Spin locks raise to DISPATCH_LEVEL for as long as they are held; the mutex waits at PASSIVE_LEVEL.

use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use divert_driver_abi::wdm::KSPIN_LOCK;
use divert_driver_core::platform::{Lock, Shared};

use super::ffi;
use super::time::sleep_milliseconds;

/// Runs `work` at DISPATCH_LEVEL: nobody else runs on this processor meanwhile that could want the same lock.
///
/// Functions that only raise the level are inline in some versions of the headers and exports in others; taking a spin
/// lock that nobody else has does the same in all of them.
fn at_dispatch<R>(work: impl FnOnce() -> R) -> R {
    let mut own: KSPIN_LOCK = 0;
    // SAFETY: callers are at DISPATCH_LEVEL or below (see the IRQL of each entry point); the lock is free (zero is how
    // a new one looks), and in memory that is not paged out, since its thread runs.
    let before = unsafe { ffi::KeAcquireSpinLockRaiseToDpc(&raw mut own) };
    let result = work();
    // SAFETY: it was taken above, and `work` has come back: panics do not unwind.
    unsafe { ffi::KeReleaseSpinLock(&raw mut own, before) };
    result
}

/// Set while one thread writes, or waits to write: no reader comes in then.
const WRITER: u32 = 1 << 31;

/// A spin lock for many readers or one writer. Up to DISPATCH_LEVEL. Not to be taken twice by one thread.
pub(crate) struct SpinLock<T> {
    /// [`WRITER`] and the number of readers.
    state: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value moves between threads with the lock.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: writers are alone, and readers share the value among them.
unsafe impl<T: Send> Sync for SpinLock<T> {}

/// One reader less when it is dropped.
struct Reading<'a>(&'a AtomicU32);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// No writer any more when it is dropped.
struct Writing<'a>(&'a AtomicU32);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_and(!WRITER, Ordering::Release);
    }
}

impl<T> SpinLock<T> {
    /// A free lock.
    pub(crate) const fn new(value: T) -> Self {
        Self { state: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Runs `work` while nobody writes.
    pub(crate) fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        at_dispatch(|| {
            // There are fewer threads than half of what a `u32` holds.
            let enter = |state: u32| (state & WRITER == 0).then(|| state.wrapping_add(1));
            while self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_err() {
                spin_loop();
            }
            let _reading = Reading(&self.state);
            // SAFETY: this reader is counted, so no writer is inside until `_reading` is dropped, after this.
            work(unsafe { &*self.value.get() })
        })
    }

    /// Runs `work` alone.
    pub(crate) fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        at_dispatch(|| {
            while self.state.fetch_or(WRITER, Ordering::Acquire) & WRITER != 0 {
                spin_loop();
            }
            // The place of the writer is taken; what is left are readers that came before.
            while self.state.load(Ordering::Acquire) != WRITER {
                spin_loop();
            }
            let _writing = Writing(&self.state);
            // SAFETY: the writer's bit was free and is this thread's, and no reader is left: the value is this
            // thread's.
            work(unsafe { &mut *self.value.get() })
        })
    }
}

impl<T> Lock<T> for SpinLock<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.write(work)
    }

    fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> Shared<T> for SpinLock<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        self.read(work)
    }

    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.write(work)
    }
}

/// A lock for opening and closing. PASSIVE_LEVEL, at which the filtering engine has to be called, so that it can be
/// neither a spin lock nor a fast mutex. Who waits looks again every millisecond: what it protects is rare and slow.
pub(crate) struct Mutex<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value moves between threads with the lock.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: one thread at a time has the value.
unsafe impl<T: Send> Sync for Mutex<T> {}

/// Frees the mutex, and lets the thread be suspended again.
struct Held<'a>(&'a AtomicBool);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
        // SAFETY: pairs with the call in `with`, in the same thread.
        unsafe { ffi::KeLeaveCriticalRegion() };
    }
}

impl<T> Lock<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // A thread that was suspended while it holds the lock would keep everybody else from opening and closing.
        // SAFETY: at PASSIVE_LEVEL; `Held` leaves the region.
        unsafe { ffi::KeEnterCriticalRegion() };
        while self.taken.swap(true, Ordering::Acquire) {
            sleep_milliseconds(1);
        }
        let _held = Held(&self.taken);
        // SAFETY: `taken` was false and is this thread's now.
        work(unsafe { &mut *self.value.get() })
    }

    fn into_inner(self) -> T {
        self.value.into_inner()
    }
}
