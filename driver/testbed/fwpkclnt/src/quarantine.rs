//! Requests are kept for a while after the emulator has freed them.
//!
//! Wine 8 asks its server what to cancel and follows the pointer that it is given, without a look at whether another
//! thread has completed the request meanwhile. What is found there must still be the request, which has no cancel
//! routine any more: so its memory is not given out again at once.

use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::ffi::RtlFreeHeap;

/// More requests than are being completed at one time.
const SLOTS: usize = 64;
/// How many requests are kept.
const KEPT: usize = 4096;

/// Requests that were completed and not freed yet.
static COMPLETED: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];
static NEXT_COMPLETED: AtomicUsize = AtomicUsize::new(0);
/// Requests that were freed.
static FREED: [AtomicUsize; KEPT] = [const { AtomicUsize::new(0) }; KEPT];
static NEXT_FREED: AtomicUsize = AtomicUsize::new(0);

/// A request is about to be completed.
pub(crate) fn completed(request: usize) {
    let slot = NEXT_COMPLETED.fetch_add(1, Ordering::Relaxed) % SLOTS;
    COMPLETED[slot].store(request, Ordering::Release);
}

/// In the place of the emulator's `HeapFree`. Takes no lock and no memory: it is called for all that is freed, by us too.
pub(crate) unsafe extern "system" fn heap_free(heap: *mut c_void, flags: u32, memory: *mut c_void) -> i32 {
    let address = memory.expose_provenance();
    let is_request = address != 0
        && COMPLETED.iter().any(|slot| {
            slot.load(Ordering::Acquire) == address
                && slot.compare_exchange(address, 0, Ordering::AcqRel, Ordering::Acquire).is_ok()
        });
    let free = if is_request {
        let place = NEXT_FREED.fetch_add(1, Ordering::Relaxed) % KEPT;
        core::ptr::with_exposed_provenance_mut(FREED[place].swap(address, Ordering::AcqRel))
    } else {
        memory
    };
    // SAFETY: the emulator's call, passed on, or for memory that it freed before; it has one heap.
    if free.is_null() { 1 } else { unsafe { RtlFreeHeap(heap, flags, free) } }
}
