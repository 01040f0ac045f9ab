//! Memory of the non-paged pool, always asked for and never taken for granted.

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use divert_driver_abi::wdm::{MdlMappingNoExecute, NonPagedPool, NonPagedPoolNx, NormalPagePriority};

use super::ffi;

/// What the pool's blocks are marked with; debuggers show it as `Dvt2`.
const TAG: u32 = u32::from_le_bytes(*b"Dvt2");

/// What the pool's blocks are aligned to on x86-64.
const ALIGNMENT: usize = 16;

/// Kind of pool: without execution where the system has it.
static KIND: AtomicI32 = AtomicI32::new(NonPagedPool);
/// Priority and flags of mappings, likewise.
static MAPPING: AtomicU32 = AtomicU32::new(NormalPagePriority);

/// Asks which system this is: pool that cannot be executed came with Windows 8 (6.2). PASSIVE_LEVEL.
pub(crate) fn prepare() {
    let mut version = ffi::OsVersion {
        size: size_of::<ffi::OsVersion>() as u32,
        major: 0,
        minor: 0,
        build: 0,
        platform: 0,
        service_pack: [0; 128],
    };
    // SAFETY: the structure has the length that it says.
    let status = unsafe { ffi::RtlGetVersion(&raw mut version) };
    if status >= 0 && (version.major, version.minor) >= (6, 2) {
        KIND.store(NonPagedPoolNx, Ordering::Relaxed);
        MAPPING.store(NormalPagePriority | MdlMappingNoExecute, Ordering::Relaxed);
    }
}

/// Priority and flags with which a request's buffer is mapped.
pub(crate) fn mapping_priority() -> u32 {
    MAPPING.load(Ordering::Relaxed)
}

/// The allocator: up to DISPATCH_LEVEL.
struct Pool;

// SAFETY: blocks are as long as asked for, aligned to 16 bytes (more is refused), and freed with the tag they have.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNMENT {
            return null_mut();
        }
        // SAFETY: the caller asks for one byte at least (`GlobalAlloc`); the kind of pool exists here.
        unsafe { ffi::ExAllocatePoolWithTag(KIND.load(Ordering::Relaxed), layout.size(), TAG) }.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: the caller gives back what `alloc` gave (`GlobalAlloc`).
        unsafe { ffi::ExFreePoolWithTag(memory.cast(), TAG) };
    }
}

#[global_allocator]
static POOL: Pool = Pool;

/// A box, or the value back when there is no memory. Up to DISPATCH_LEVEL.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, T> {
    const { assert!(size_of::<T>() != 0) };
    // SAFETY: the layout is not of no bytes, as was just asserted.
    let memory = unsafe { alloc::alloc::alloc(Layout::new::<T>()) }.cast::<T>();
    if memory.is_null() {
        return Err(value);
    }
    // SAFETY: the memory is new, and has the length and alignment of `T`.
    unsafe { memory.write(value) };
    // SAFETY: the memory came from the global allocator with the layout of `T`, and holds one now.
    Ok(unsafe { Box::from_raw(memory) })
}

/// So many zeroes, or nothing when there is no memory. Up to DISPATCH_LEVEL.
pub(crate) fn try_zeroed(length: usize) -> Option<Vec<u8>> {
    let layout = Layout::array::<u8>(length).ok().filter(|layout| layout.size() != 0)?;
    // SAFETY: the layout is not of no bytes.
    let memory = unsafe { alloc::alloc::alloc_zeroed(layout) };
    if memory.is_null() {
        return None;
    }
    // SAFETY: the memory came from the global allocator with this layout, and all of it is set.
    Some(unsafe { Vec::from_raw_parts(memory, length, length) })
}
