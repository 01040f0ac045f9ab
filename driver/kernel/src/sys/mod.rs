//! All that is unsafe: what is imported, and a safe form of it. One operation for each unsafe block, each with its
//! argument. Guards give back what they hold when they are dropped.
#![allow(unsafe_code, reason = "the binding layer")]

pub(crate) mod call;
pub(crate) mod device;
pub(crate) mod engine;
pub(crate) mod entry;
mod ffi;
pub(crate) mod global;
pub(crate) mod injection;
pub(crate) mod irp;
pub(crate) mod lock;
pub(crate) mod packet;
pub(crate) mod pool;
pub(crate) mod program;
pub(crate) mod register;
pub(crate) mod text;
pub(crate) mod time;

/// The process in whose context a dispatch routine runs. It is the one that made the request: no other driver stands
/// above this device. Any IRQL.
pub(crate) fn current_process() -> u32 {
    // SAFETY: it has no conditions.
    unsafe { ffi::PsGetCurrentProcessId() }.addr() as u32
}

/// Whether the current thread is ending: the system cancels the requests of such a thread in the thread itself, and waits
/// until they are done. Up to DISPATCH_LEVEL.
pub(crate) fn thread_is_ending() -> bool {
    // SAFETY: it has no conditions.
    let thread = unsafe { ffi::PsGetCurrentThread() };
    // SAFETY: a thread that runs does not go away.
    unsafe { ffi::PsIsThreadTerminating(thread) != 0 }
}

/// Exists nowhere, so that an image in which it can be reached does not link.
pub(crate) fn panic_reachable() -> ! {
    unsafe extern "C" {
        fn PANIC_REACHABLE_IN_DRIVER() -> !;
    }
    // SAFETY: there is no image in which this can be called.
    unsafe { PANIC_REACHABLE_IN_DRIVER() }
}
