//! Memory that others own: the few operations on pointers that everything else is made of.
//!
//! They are safe to call only with what this crate calls them with: pointers that a documented interface gave, while it
//! says that they are valid. That is the one argument for all of them, and the reason why they are private to the crate.

use core::ptr;

/// Reads what is there; none at null.
pub(crate) fn get<T: Copy>(at: *const T) -> Option<T> {
    if at.is_null() {
        return None;
    }
    // SAFETY: not null, and valid for reads by the contract of the interface it came from (see the module).
    Some(unsafe { at.read() })
}

/// Writes there; nothing at null.
pub(crate) fn put<T>(at: *mut T, value: T) {
    if at.is_null() {
        return;
    }
    // SAFETY: not null, and valid for writes by the contract of the interface it came from (see the module).
    unsafe { at.write(value) }
}

/// Something that is there, for a short while.
pub(crate) fn see<'a, T>(at: *const T) -> Option<&'a T> {
    // SAFETY: null, or valid for the call in which it was given (see the module); callers keep it no longer.
    unsafe { at.as_ref() }
}

/// Something that is there and nobody else looks at, for a short while.
pub(crate) fn change<'a, T>(at: *mut T) -> Option<&'a mut T> {
    // SAFETY: null, or valid for the call in which it was given and the callee's to change (see the module).
    unsafe { at.as_mut() }
}

/// Bytes that are there, for a short while.
pub(crate) fn bytes<'a>(at: *const u8, length: usize) -> &'a [u8] {
    if at.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: not null; the interface says that so many bytes are readable (see the module).
    unsafe { core::slice::from_raw_parts(at, length) }
}

/// Bytes that are there and nobody else looks at, for a short while.
pub(crate) fn bytes_mut<'a>(at: *mut u8, length: usize) -> &'a mut [u8] {
    if at.is_null() || length == 0 {
        return &mut [];
    }
    // SAFETY: not null; the interface says that so many bytes are writable by whom they were given to (see the module).
    unsafe { core::slice::from_raw_parts_mut(at, length) }
}

/// Takes back what was made with `Box::into_raw`, and frees it.
pub(crate) fn free<T>(at: *mut T) {
    if at.is_null() {
        return;
    }
    // SAFETY: the bookkeeping has it as one of this crate's boxes that was not freed yet.
    drop(unsafe { alloc::boxed::Box::from_raw(at) });
}

/// A structure whose every member may be zero.
pub(crate) fn zeroed<T>() -> T {
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    let _ = ptr::addr_of_mut!(value);
    // SAFETY: used with C structures of numbers and pointers only, for which all zeros is a value.
    unsafe { value.assume_init() }
}
