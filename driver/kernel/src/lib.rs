//! The packet-diverting driver for Windows: a WDM driver around [`divert_driver_core`], which knows nothing of Windows,
//! and the Windows Filtering Platform.
//!
//! This crate adapts and decides nothing: requests of the I/O manager become messages ([`control`]), callouts become
//! packets and events (`wfp`), and what the runtime asks for becomes calls of the kernel ([`platform`]). All that is
//! unsafe is in `sys`, in pieces that a reader can check one by one. Memory is asked for and may be refused everywhere;
//! no panic can be reached, which the link proves: the panic handler calls a function that does not exist.
//!
//! The interrupt level (IRQL) at which a function may be called stands in its documentation where it is not that of its
//! callers. Nothing is paged.
#![no_std]

extern crate alloc;

mod control;
mod hold;
mod platform;
mod sys;
mod wfp;

/// Nothing reaches it; see above.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::panic_reachable()
}

/// Compilers for this target refer to it where floating point is used; nothing here does. wdk-sys has one too.
#[cfg(all(target_env = "msvc", not(feature = "wdk")))]
#[allow(unsafe_code, reason = "the name is the linker's")]
#[unsafe(no_mangle)]
static _fltused: i32 = 0x9875;
