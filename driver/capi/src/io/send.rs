//! Sending.

use std::ffi::c_void;

use divert_driver_protocol::limits::ADDRESS;
use divert_driver_protocol::{Reply, Request, Send};

use super::borrowed;
use super::overlapped::Caller;
use super::request::{STRANGE, ask};
use crate::types::{BOOL, FALSE, HANDLE, OVERLAPPED, TRUE, WINDIVERT_ADDRESS};
use crate::{Win32, guarded, memory};

/// Sends one packet. `sent` may be null.
///
/// # Safety
/// As [`WinDivertSendEx`] for one record.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertSend(
    handle: HANDLE,
    packet: *const c_void,
    length: u32,
    sent: *mut u32,
    address: *const WINDIVERT_ADDRESS,
) -> BOOL {
    let one = ADDRESS as u32;
    // SAFETY: the caller's promise.
    unsafe { WinDivertSendEx(handle, packet, length, sent, 0, address, one, std::ptr::null_mut()) }
}

/// Sends packets that lie back to back, with a record for each. `sent` and `overlapped` may be null. Sending waits for
/// nothing: an overlapped call has ended when it returns, and says so in every way that the caller may have chosen.
///
/// # Safety
/// `handle` is no handle, or one that stays open during the call; `packet` is null or leads to `length` readable bytes,
/// `address` to `address_length`; `sent` is null or a place for a number; `overlapped` is null or leads to a structure
/// that no other request uses.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertSendEx(
    handle: HANDLE,
    packet: *const c_void,
    length: u32,
    sent: *mut u32,
    flags: u64,
    address: *const WINDIVERT_ADDRESS,
    address_length: u32,
    overlapped: *mut OVERLAPPED,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let file = unsafe { borrowed(handle) }?;
        // SAFETY: the caller's promise.
        let data = unsafe { memory::bytes(packet, length) }?;
        // SAFETY: the caller's promise.
        let records = unsafe { memory::bytes(address.cast(), address_length) }?;
        let (records, []) = records.as_chunks::<ADDRESS>() else { return Err(Win32::INVALID_PARAMETER) };
        if flags != 0 {
            return Err(Win32::INVALID_PARAMETER);
        }
        let batch = Send::new(records, data).map_err(|_| Win32::INVALID_PARAMETER)?;
        let Reply::Sent(done) = ask(file, &Request::Send(batch), &mut [0; 64])? else { return Err(STRANGE) };
        if let (0, Some(code)) = (done.packets, done.code) {
            return Err(Win32(code.number()));
        }
        // SAFETY: the caller's promise.
        unsafe { memory::put(sent, done.bytes) };
        match Caller::new(handle, overlapped) {
            Some(caller) => caller.complete(None, done.bytes),
            None => Ok(TRUE),
        }
    })
}
