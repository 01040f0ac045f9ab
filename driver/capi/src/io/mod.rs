//! Handles: open, receive, send, and the rest. Windows only.
//!
//! A handle is a file of the driver's device and nothing beside it: this library keeps no state, so that a handle may be
//! duplicated, waited for, bound to a completion port and closed as any other.

mod overlapped;
mod receive;
mod request;
mod send;

use std::ffi::c_char;
use std::os::windows::io::{BorrowedHandle, IntoRawHandle as _};

use divert_driver_client::windows::open_file;
use divert_driver_protocol::limits::{MAX_PRIORITY, MIN_PRIORITY};
use divert_driver_protocol::{Flags, How, Open, Parameter, Reply, Request};
use std::os::windows::io::AsHandle as _;
use windows_sys::Win32::Foundation::CloseHandle;

use crate::helper::filter::{compile, layer as layer_of};
use crate::types::{BOOL, FALSE, HANDLE, TRUE, invalid_handle};
use crate::{Win32, guarded, memory};
use request::{ask, tell};

pub use receive::{WinDivertRecv, WinDivertRecvEx};
pub use send::{WinDivertSend, WinDivertSendEx};

/// `ERROR_INVALID_HANDLE`.
const INVALID_HANDLE: Win32 = Win32(6);

/// The caller's handle, for the time of a call.
///
/// # Safety
/// `handle` is no handle, or one that stays open for `'a`.
unsafe fn borrowed<'a>(handle: HANDLE) -> Result<BorrowedHandle<'a>, Win32> {
    if handle.is_null() || handle == invalid_handle() {
        return Err(INVALID_HANDLE);
    }
    // SAFETY: neither of the values that no handle has, and the caller promises the rest.
    Ok(unsafe { BorrowedHandle::borrow_raw(handle) })
}

/// Opens a handle; installs and starts the driver where that is needed, unless the flags say not to. Gives
/// `INVALID_HANDLE_VALUE` on failure, with the codes of reference §4.
///
/// # Safety
/// `filter` is null or a text with a zero at its end.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertOpen(
    filter: *const c_char,
    layer: u32,
    priority: i16,
    flags: u64,
) -> HANDLE {
    guarded(invalid_handle(), || {
        // What can be known without the driver is known before it is installed.
        let number = layer;
        let layer = layer_of(number).ok_or(Win32::INVALID_PARAMETER)?;
        let flags = Flags::from_bits(flags);
        flags.check(layer).map_err(|_| Win32::INVALID_PARAMETER)?;
        if !(MIN_PRIORITY..=MAX_PRIORITY).contains(&priority) {
            return Err(Win32::INVALID_PARAMETER);
        }
        // SAFETY: the caller's promise.
        let filter = unsafe { compile(filter, number) }.map_err(|mistake| mistake.code())?;
        let file = open_file(!flags.has(Flags::NO_INSTALL)).map_err(|failure| Win32(failure.0))?;
        let open = Open { layer, priority, flags, work_limit: 0, program: filter.program() };
        match ask(file.as_handle(), &Request::Open(open), &mut [0; 64])? {
            Reply::Opened(_) => Ok(file.into_raw_handle()),
            Reply::Refused(refused) => Err(Win32(refused.code.number())),
            Reply::Sent(_) | Reply::Value(_) | Reply::Statistics(_) | Reply::Handles(_) => {
                Err(request::STRANGE)
            }
        }
    })
}

/// Shuts down receiving (1), sending (2) or both (3).
///
/// # Safety
/// `handle` is no handle, or one that stays open during the call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertShutdown(handle: HANDLE, how: u32) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let file = unsafe { borrowed(handle) }?;
        let how = How::from_number(how).ok_or(Win32::INVALID_PARAMETER)?;
        tell(file, &Request::Shutdown(how))
    })
}

/// Closes a handle: what waits ends with 995, what is queued and was blocked goes back into the stack.
///
/// # Safety
/// `handle` is no handle, or one that nobody uses after this.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertClose(handle: HANDLE) -> BOOL {
    guarded(FALSE, || {
        if handle.is_null() || handle == invalid_handle() {
            return Err(INVALID_HANDLE);
        }
        // SAFETY: the caller's promise.
        if unsafe { CloseHandle(handle) } == 0 { Err(Win32(crate::last_error::get())) } else { Ok(TRUE) }
    })
}

/// Sets a parameter.
///
/// # Safety
/// `handle` is no handle, or one that stays open during the call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertSetParam(handle: HANDLE, parameter: u32, value: u64) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let file = unsafe { borrowed(handle) }?;
        let parameter = Parameter::from_number(parameter).ok_or(Win32::INVALID_PARAMETER)?;
        tell(file, &Request::SetParameter(parameter, value))
    })
}

/// Reads a parameter.
///
/// # Safety
/// `handle` is no handle, or one that stays open during the call; `value` is null or a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertGetParam(handle: HANDLE, parameter: u32, value: *mut u64) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let file = unsafe { borrowed(handle) }?;
        let parameter = Parameter::from_number(parameter).ok_or(Win32::INVALID_PARAMETER)?;
        if value.is_null() {
            return Err(Win32::INVALID_PARAMETER);
        }
        let Reply::Value(found) = ask(file, &Request::GetParameter(parameter), &mut [0; 64])? else {
            return Err(request::STRANGE);
        };
        // SAFETY: the caller's promise.
        unsafe { memory::put(value, found) };
        Ok(TRUE)
    })
}
