//! Byte order: network and host, and back, which is the same.

use std::ffi::c_void;

use super::address::{number, words};
use crate::memory;

macro_rules! orders {
    ($($name:ident: $number:ty),*) => {$(
        /// The number in the other byte order.
        #[unsafe(no_mangle)]
        pub extern "system" fn $name(number: $number) -> $number {
            number.to_be()
        }
    )*};
}

orders! {
    WinDivertHelperNtohs: u16,
    WinDivertHelperHtons: u16,
    WinDivertHelperNtohl: u32,
    WinDivertHelperHtonl: u32,
    WinDivertHelperNtohll: u64,
    WinDivertHelperHtonll: u64
}

/// An address of a packet (sixteen bytes, the most significant first) as four words, the least significant first.
///
/// # Safety
/// `from` is null or leads to sixteen readable bytes, `to` to sixteen writable ones; they may be the same.
unsafe fn to_host(from: *const c_void, to: *mut c_void) {
    // SAFETY: the caller's promise.
    if let Ok(bytes) = unsafe { memory::read(from.cast::<[u8; 16]>()) } {
        // SAFETY: the caller's promise.
        unsafe { memory::put(to.cast::<[u32; 4]>(), words(u128::from_be_bytes(bytes))) };
    }
}

/// The way back.
///
/// # Safety
/// As for [`to_host`].
unsafe fn to_network(from: *const c_void, to: *mut c_void) {
    // SAFETY: the caller's promise.
    if let Ok(address) = unsafe { memory::read(from.cast::<[u32; 4]>()) } {
        // SAFETY: the caller's promise.
        unsafe { memory::put(to.cast::<[u8; 16]>(), number(address).to_be_bytes()) };
    }
}

macro_rules! addresses {
    ($($name:ident: $way:ident),*) => {$(
        /// An IPv6 address in the other order; does nothing for null pointers.
        ///
        /// # Safety
        /// Both pointers are null or lead to an address; they may be the same.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $name(from: *const c_void, to: *mut c_void) {
            // SAFETY: the caller's promise.
            unsafe { $way(from, to) }
        }
    )*};
}

addresses! {
    WinDivertHelperNtohIPv6Address: to_host,
    WinDivertHelperHtonIPv6Address: to_network,
    WinDivertHelperNtohIpv6Address: to_host,
    WinDivertHelperHtonIpv6Address: to_network
}
