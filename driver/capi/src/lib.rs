//! `WinDivert.dll`: the C interface of reference §8 on this project's driver.
//!
//! A program that uses WinDivert runs unchanged with this DLL and `divert64.sys` in place of the original's. Handles are
//! handles of the system, so waiting, completion ports and cancelling work as on any file. The helper functions need no
//! driver and answer the same on every machine; elsewhere than on Windows they are all there is, for tests.
//!
//! Every function returns FALSE (0, or `INVALID_HANDLE_VALUE`) on failure and sets the last error. Whatever the caller
//! passes, no panic leaves a function. What cannot be checked is the caller's promise, as in C: pointers that are not
//! null lead to as much memory as the lengths beside them say.
//!
//! Filters are text of the extended language, of which WinDivert's is a part, or objects: `@Divert_…` (what
//! [`helper::filter::WinDivertHelperCompileFilter`] writes and REFLECT handles receive) and `@WinDiv_…`.
#![allow(non_snake_case, reason = "the names are those of the interface")]
#![allow(unsafe_code, reason = "the boundary to C; each block has its argument")]

pub mod helper;
#[cfg(windows)]
pub mod io;
pub mod last_error;
mod memory;
pub mod types;

pub use types::{BOOL, HANDLE, WINDIVERT_ADDRESS};

/// Runs what a function of the interface does; a panic becomes its failure.
fn guarded<T>(failed: T, work: impl FnOnce() -> Result<T, Win32>) -> T {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    match done {
        Ok(Ok(value)) => value,
        Ok(Err(Win32(code))) => {
            last_error::set(code);
            failed
        }
        Err(_) => {
            last_error::set(Win32::INTERNAL.0);
            failed
        }
    }
}

/// A Win32 error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Win32(pub(crate) u32);

impl Win32 {
    pub(crate) const INVALID_PARAMETER: Self = Self(87);
    pub(crate) const INSUFFICIENT_BUFFER: Self = Self(122);
    /// `ERROR_INTERNAL_ERROR`: a defect of this library.
    pub(crate) const INTERNAL: Self = Self(1359);
}
