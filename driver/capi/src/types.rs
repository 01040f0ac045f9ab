//! The types of the interface.

use std::ffi::c_void;

/// Zero for failure.
pub type BOOL = i32;

/// A handle of the system.
pub type HANDLE = *mut c_void;

/// Success.
pub const TRUE: BOOL = 1;
/// Failure.
pub const FALSE: BOOL = 0;

/// `INVALID_HANDLE_VALUE`.
#[must_use]
pub const fn invalid_handle() -> HANDLE {
    std::ptr::without_provenance_mut(usize::MAX)
}

/// An address record: 80 bytes, aligned as its 64-bit members are (reference §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct WINDIVERT_ADDRESS(pub [u8; 80]);

impl Default for WINDIVERT_ADDRESS {
    fn default() -> Self {
        Self([0; 80])
    }
}

/// The system's `OVERLAPPED`; only its address matters outside `io`.
#[derive(Debug)]
#[repr(C)]
pub struct OVERLAPPED {
    /// Status, while and after the operation.
    pub internal: usize,
    /// Bytes transferred.
    pub internal_high: usize,
    /// Offset, unused.
    pub offset: u64,
    /// Event that is set when the operation ends; may be null.
    pub event: HANDLE,
}

const _: () = assert!(size_of::<WINDIVERT_ADDRESS>() == 80 && align_of::<WINDIVERT_ADDRESS>() == 8);
const _: () = assert!(size_of::<OVERLAPPED>() == 16 + 2 * size_of::<usize>() + (size_of::<usize>() - 8));
