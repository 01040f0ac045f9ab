//! Addresses and their texts. A 128-bit address is four words in the host's order, the least significant first.

use std::ffi::c_char;

use divert_vm::address::{Ipv4, Ipv6, parse_ipv4, parse_ipv6, write_terminated};

use crate::types::{BOOL, FALSE, TRUE};
use crate::{Win32, guarded, memory};

/// As a number.
pub(crate) fn number([a, b, c, d]: [u32; 4]) -> u128 {
    u128::from(d) << 96 | u128::from(c) << 64 | u128::from(b) << 32 | u128::from(a)
}

/// As words.
pub(crate) const fn words(number: u128) -> [u32; 4] {
    [number as u32, (number >> 32) as u32, (number >> 64) as u32, (number >> 96) as u32]
}

/// Reads `a.b.c.d`; `address` may be null.
///
/// # Safety
/// `text` is null or a text with a zero at its end; `address` is null or a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperParseIPv4Address(
    text: *const c_char,
    address: *mut u32,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let text = unsafe { memory::text(text) }?;
        let found = str::from_utf8(text).ok().and_then(parse_ipv4).ok_or(Win32::INVALID_PARAMETER)?;
        // SAFETY: the caller's promise.
        unsafe { memory::put(address, found) };
        Ok(TRUE)
    })
}

/// Reads an IPv6 address; `address` may be null.
///
/// # Safety
/// `text` is null or a text with a zero at its end; `address` is null or a place for four words.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperParseIPv6Address(
    text: *const c_char,
    address: *mut [u32; 4],
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let text = unsafe { memory::text(text) }?;
        let found = str::from_utf8(text).ok().and_then(parse_ipv6).ok_or(Win32::INVALID_PARAMETER)?;
        // SAFETY: the caller's promise.
        unsafe { memory::put(address, words(found)) };
        Ok(TRUE)
    })
}

/// Writes the text of an IPv4 address; 122 when it does not fit.
///
/// # Safety
/// `buffer` is null or leads to `length` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperFormatIPv4Address(
    address: u32,
    buffer: *mut c_char,
    length: u32,
) -> BOOL {
    // SAFETY: the caller's promise.
    guarded(FALSE, || unsafe { written(&Ipv4(address), buffer, length) })
}

/// Writes the text of a 128-bit address; 122 when it does not fit.
///
/// # Safety
/// `address` is null or leads to four words; `buffer` is null or leads to `length` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperFormatIPv6Address(
    address: *const [u32; 4],
    buffer: *mut c_char,
    length: u32,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let address = number(unsafe { memory::read(address) }?);
        // SAFETY: the caller's promise.
        unsafe { written(&Ipv6(address), buffer, length) }
    })
}

/// Writes a text and a zero.
///
/// # Safety
/// `buffer` is null or leads to `length` writable bytes.
pub(crate) unsafe fn written(
    text: &dyn std::fmt::Display,
    buffer: *mut c_char,
    length: u32,
) -> Result<BOOL, Win32> {
    // SAFETY: the caller's promise.
    let buffer = unsafe { memory::bytes_mut(buffer.cast(), length) }?;
    write_terminated(text, buffer).map(|_| TRUE).ok_or(Win32::INSUFFICIENT_BUFFER)
}
