//! Requests that are waited for.

use std::os::windows::io::{AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};

use divert_driver_protocol::limits::NAME;
use divert_driver_protocol::{Code, ControlCode};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{CreateFileW, FILE_FLAG_OVERLAPPED, OPEN_EXISTING};
use windows_sys::Win32::System::IO::{DeviceIoControl, GetOverlappedResult, OVERLAPPED};

use super::event::Event;
use super::{last_failure, wide};
use crate::device::Failure;

/// Opens a new file object of the device, which must be there.
///
/// # Errors
/// What the system says.
pub fn open_device() -> Result<OwnedHandle, Failure> {
    let name = wide(&format!(r"\\.\{NAME}"));
    let access = GENERIC_READ | GENERIC_WRITE;
    // SAFETY: the name ends with a zero and lives until after the call; null pointers mean no attributes and no template.
    let file = unsafe {
        CreateFileW(name.as_ptr(), access, 0, null(), OPEN_EXISTING, FILE_FLAG_OVERLAPPED, null_mut())
    };
    if file == INVALID_HANDLE_VALUE {
        return Err(last_failure());
    }
    // SAFETY: the handle was opened above, is valid, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(file) })
}

thread_local! {
    /// For the requests of a thread, of which there is one at a time.
    static EVENT: Result<Event, Failure> = Event::new();
}

/// Sends a request and waits until it has ended; gives how much of `output` was written.
///
/// # Errors
/// What the system or the driver says.
pub fn control(
    file: BorrowedHandle<'_>,
    code: ControlCode,
    input: &[u8],
    output: &mut [u8],
) -> Result<usize, Failure> {
    EVENT
        .try_with(|event| {
            control_with(event.as_ref().map_err(|failure| *failure)?, file, code, input, output)
        })
        // The thread is ending, and its event is gone.
        .unwrap_or_else(|_| control_with(&Event::new()?, file, code, input, output))
}

fn control_with(
    event: &Event,
    file: BorrowedHandle<'_>,
    code: ControlCode,
    input: &[u8],
    output: &mut [u8],
) -> Result<usize, Failure> {
    let too_long = |_| Failure(Code::InvalidParameter.number());
    let input_length = u32::try_from(input.len()).map_err(too_long)?;
    let output_length = u32::try_from(output.len()).map_err(too_long)?;
    let mut overlapped = OVERLAPPED { hEvent: event.private(), ..OVERLAPPED::default() };
    let overlapped = &raw mut overlapped;
    let mut length = 0;
    // SAFETY: the handle is open; input, output and `overlapped` live until this function returns, which is after the
    // request has ended; the borrow of `output` keeps everybody else away from it.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            code.number(),
            input.as_ptr().cast(),
            input_length,
            output.as_mut_ptr().cast(),
            output_length,
            null_mut(),
            overlapped,
        )
    };
    if done == 0 {
        let failure = last_failure();
        if failure.0 != ERROR_IO_PENDING {
            return Err(failure);
        }
        // Nothing but its end may let this function return: the system writes to its variables.
        while !event.wait(None) {}
    }
    // SAFETY: the request has ended, or ended at once; `overlapped` is that of the request.
    let done = unsafe { GetOverlappedResult(file.as_raw_handle(), overlapped, &raw mut length, 0) };
    if done == 0 { Err(last_failure()) } else { Ok(length as usize) }
}
