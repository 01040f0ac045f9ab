//! Time.

use core::ptr::null_mut;

use divert_driver_abi::wdm::KernelMode;

use super::ffi;

/// Ticks of the performance counter. Any IRQL.
pub(crate) fn ticks() -> i64 {
    // SAFETY: the frequency is not asked for.
    unsafe { ffi::KeQueryPerformanceCounter(null_mut()) }
}

/// Ticks in a second. Any IRQL.
pub(crate) fn frequency() -> u64 {
    let mut frequency = 0;
    // SAFETY: there is a place for the frequency.
    unsafe { ffi::KeQueryPerformanceCounter(&raw mut frequency) };
    frequency.max(1).cast_unsigned()
}

/// Lets other threads run. PASSIVE_LEVEL.
pub(crate) fn sleep_milliseconds(milliseconds: u32) {
    // Negative: from now on, in units of 100 ns.
    let mut interval = i64::from(milliseconds).saturating_mul(-10_000);
    // SAFETY: at PASSIVE_LEVEL; the interval is there for the whole call.
    unsafe { ffi::KeDelayExecutionThread(KernelMode, 0, &raw mut interval) };
}

/// Waits until everything that was queued for DISPATCH_LEVEL has run on every processor. PASSIVE_LEVEL.
pub(crate) fn flush_dispatch() {
    // SAFETY: at PASSIVE_LEVEL, without locks.
    unsafe { ffi::KeFlushQueuedDpcs() };
}
