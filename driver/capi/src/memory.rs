//! Memory of the caller. Each function says what the caller promises; all of it is in the contract of the C interface:
//! a pointer is null or leads to that much memory, which nobody else changes during the call.

use std::ffi::{CStr, c_char, c_void};

use crate::Win32;

/// `length` bytes for reading; none for a null pointer of length 0.
///
/// # Safety
/// `pointer` is null or leads to `length` readable bytes that nobody writes for `'a`.
pub(crate) unsafe fn bytes<'a>(pointer: *const c_void, length: u32) -> Result<&'a [u8], Win32> {
    let length = length as usize;
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || length > isize::MAX as usize {
        return Err(Win32::INVALID_PARAMETER);
    }
    // SAFETY: not null, not longer than memory can be, and the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// `length` bytes for reading and writing; none for length 0.
///
/// # Safety
/// `pointer` is null or leads to `length` writable bytes that nobody else uses for `'a`.
pub(crate) unsafe fn bytes_mut<'a>(pointer: *mut c_void, length: u32) -> Result<&'a mut [u8], Win32> {
    let length = length as usize;
    if length == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() || length > isize::MAX as usize {
        return Err(Win32::INVALID_PARAMETER);
    }
    // SAFETY: not null, not longer than memory can be, and the caller promises the rest. Bytes of any value are bytes.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), length) })
}

/// A text up to its zero; 87 for a null pointer.
///
/// # Safety
/// `pointer` is null or leads to a text that ends with a zero and that nobody writes for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a [u8], Win32> {
    if pointer.is_null() {
        return Err(Win32::INVALID_PARAMETER);
    }
    // SAFETY: not null, and the caller promises the zero.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// Writes what the caller wants to know, if it does.
///
/// # Safety
/// `place` is null or leads to a writable `T`, aligned or not.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not null, and the caller promises that a `T` can be written there.
        unsafe { place.write_unaligned(value) }
    }
}

/// Reads a value; 87 for a null pointer.
///
/// # Safety
/// `place` is null or leads to a readable `T`, aligned or not, of which every pattern of bits is a value.
pub(crate) unsafe fn read<T: Copy>(place: *const T) -> Result<T, Win32> {
    if place.is_null() {
        return Err(Win32::INVALID_PARAMETER);
    }
    // SAFETY: not null, and the caller promises that a `T` can be read there.
    Ok(unsafe { place.read_unaligned() })
}
