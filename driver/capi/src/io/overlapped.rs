//! Overlapped receives.
//!
//! The caller's packet and records lie in two places, and a request of the driver has one buffer. So the receive is one of
//! our own, with a buffer, an event and an overlapped structure of our own of which no completion port hears; when it has
//! ended, both parts are copied to where the caller wants them, and only then a second request, which the driver
//! completes at once, ends the caller's overlapped structure. Events, `GetOverlappedResult` and completion ports then
//! work as for any file.

use std::os::windows::io::{AsRawHandle as _, BorrowedHandle};
use std::ptr::{null, null_mut};

use divert_driver_client::windows::Event;
use divert_driver_protocol::request::Completed;
use divert_driver_protocol::{Code, ControlCode, Layout, Request};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, STATUS_PENDING};
use windows_sys::Win32::System::IO::{DeviceIoControl, GetOverlappedResult, OVERLAPPED as SystemOverlapped};
use windows_sys::Win32::System::Threading::{
    CloseThreadpoolWait, CreateThreadpoolWait, PTP_CALLBACK_INSTANCE, PTP_WAIT, ResetEvent, SetEvent,
    SetThreadpoolWait,
};

use super::borrowed;
use super::receive::Places;
use super::request::{STRANGE, encoded};
use crate::last_error;
use crate::types::{BOOL, HANDLE, OVERLAPPED, TRUE};
use crate::{Win32, memory};

/// Who waits, and by what.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    handle: HANDLE,
    overlapped: *mut OVERLAPPED,
}

impl Caller {
    /// `None` when nobody waits.
    pub(super) fn new(handle: HANDLE, overlapped: *mut OVERLAPPED) -> Option<Self> {
        (!overlapped.is_null()).then_some(Self { handle, overlapped })
    }

    /// The caller's event, without the bit that keeps completion ports out.
    fn event(self) -> Option<HANDLE> {
        // SAFETY: the structure is the caller's and stays until the call has ended.
        let event = unsafe { (&raw const (*self.overlapped).event).read_unaligned() };
        let event = event.map_addr(|address| address & !1);
        (!event.is_null()).then_some(event)
    }

    fn write(self, status: i32, length: u32) {
        // SAFETY: the structure is the caller's and stays until the call has ended.
        unsafe { memory::put(&raw mut (*self.overlapped).internal_high, length as usize) };
        // Statuses are 32 bits; the rest of the word is the sign, as the system leaves it.
        let word = isize::try_from(status).unwrap_or(0).cast_unsigned();
        // SAFETY: as above.
        unsafe { memory::put(&raw mut (*self.overlapped).internal, word) };
    }

    /// As the system leaves the structure of a request on its way.
    fn pend(self) {
        self.write(STATUS_PENDING, 0);
        if let Some(event) = self.event() {
            // SAFETY: the event is the caller's, who wants to hear by it.
            unsafe { ResetEvent(event) };
        }
    }

    /// Ends the caller's request through the driver: its event, completion port and waiters hear of it.
    pub(super) fn complete(self, code: Option<Code>, length: u32) -> Result<BOOL, Win32> {
        // SAFETY: the handle was open when the call began. Should it be closed by now, the request fails.
        let file = unsafe { borrowed(self.handle) }?;
        let message = encoded(&Request::Complete(Completed { code, length }))?;
        let input = u32::try_from(message.len()).map_err(|_| Win32::INTERNAL)?;
        // SAFETY: the message is copied by the system before the call returns (METHOD_BUFFERED), there is no output, and
        // the structure is the caller's and stays until the call has ended.
        let done = unsafe {
            DeviceIoControl(
                file.as_raw_handle(),
                ControlCode::Message.number(),
                message.as_ptr().cast(),
                input,
                null_mut(),
                0,
                null_mut(),
                self.overlapped.cast::<SystemOverlapped>(),
            )
        };
        if done == 0 { Err(Win32(last_error::get())) } else { Ok(TRUE) }
    }

    /// Ends the caller's request when the driver cannot: its handle is closed.
    fn complete_alone(self, code: Code, length: u32) {
        let event = self.event();
        self.write(code.status(), length);
        if let Some(event) = event {
            // SAFETY: the event is the caller's, who wants to hear by it.
            unsafe { SetEvent(event) };
        }
    }
}

/// A receive of our own, on behalf of a caller. It stays where it is until it has ended.
struct Receiving {
    overlapped: SystemOverlapped,
    event: Event,
    message: Vec<u8>,
    buffer: Vec<u8>,
    layout: Layout,
    places: Places,
    caller: Caller,
}

/// Begins an overlapped receive; answers as the caller's call is to be answered.
pub(super) fn begin(caller: Caller, places: Places, size: usize, layout: Layout) -> Result<BOOL, Win32> {
    let event = Event::new().map_err(|failure| Win32(failure.0))?;
    let overlapped = SystemOverlapped { hEvent: event.private(), ..SystemOverlapped::default() };
    let (message, buffer) = (places.message()?, vec![0; size]);
    let receiving = Box::new(Receiving { overlapped, event, message, buffer, layout, places, caller });
    let receiving = Box::into_raw(receiving);
    // SAFETY: the context is what the callback expects; null means the default environment.
    let wait = unsafe { CreateThreadpoolWait(Some(ended), receiving.cast(), null()) };
    if wait == 0 {
        let code = last_error::get();
        // SAFETY: it came from the box above, and no request uses it yet.
        drop(unsafe { Box::from_raw(receiving) });
        return Err(Win32(code));
    }
    caller.pend();
    // SAFETY: nothing else uses it: the request is not on its way yet, and the callback is not armed.
    let started = start(unsafe { &mut *receiving });
    if started == Err(Win32(ERROR_IO_PENDING)) {
        // SAFETY: still nothing but the system uses it; only the handle of the event is read.
        let event = unsafe { (*receiving).event.raw() };
        // SAFETY: the wait was made above; the event lives until the callback has run, which runs once.
        unsafe { SetThreadpoolWait(wait, event, null()) };
        return Err(Win32(ERROR_IO_PENDING));
    }
    // SAFETY: the wait was made above and never armed.
    unsafe { CloseThreadpoolWait(wait) };
    // SAFETY: it came from the box above, and its request has ended or never began.
    let receiving = unsafe { Box::from_raw(receiving) };
    match started {
        Ok(()) => receiving.finish(true),
        Err(code) => {
            // A call that fails at once is heard of by its answer alone.
            caller.write(STATUS_FAILED | code.0.cast_signed(), 0);
            Err(code)
        }
    }
}

/// A Win32 code as a status: `FACILITY_NTWIN32`, an error.
const STATUS_FAILED: i32 = 0xC007_0000_u32.cast_signed();

/// Sends the request.
fn start(receiving: &mut Receiving) -> Result<(), Win32> {
    // SAFETY: the handle stays open during the caller's call.
    let file: BorrowedHandle<'_> = unsafe { borrowed(receiving.caller.handle) }?;
    let input = u32::try_from(receiving.message.len()).map_err(|_| Win32::INTERNAL)?;
    let output = u32::try_from(receiving.buffer.len()).map_err(|_| Win32::INTERNAL)?;
    // SAFETY: message, buffer and structure live in a box that is freed only after the request has ended.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            ControlCode::Receive.number(),
            receiving.message.as_ptr().cast(),
            input,
            receiving.buffer.as_mut_ptr().cast(),
            output,
            null_mut(),
            &raw mut receiving.overlapped,
        )
    };
    if done == 0 { Err(Win32(last_error::get())) } else { Ok(()) }
}

impl Receiving {
    /// How the request ended.
    fn outcome(&self) -> Result<(), Win32> {
        let mut length = 0;
        // SAFETY: the request has ended, so the handle is not looked at; the structure is that of the request.
        let done = unsafe {
            GetOverlappedResult(self.caller.handle, &raw const self.overlapped, &raw mut length, 0)
        };
        if done == 0 { Err(Win32(last_error::get())) } else { Ok(()) }
    }

    /// Puts what was received where the caller wants it, then ends the caller's request. Answers as the caller's call
    /// is to be answered, when it still waits for an answer (`at_once`).
    fn finish(&self, at_once: bool) -> Result<BOOL, Win32> {
        let filled = self.outcome().and_then(|()| {
            // SAFETY: the caller's promise holds until the call has ended, which it has not yet.
            unsafe { self.places.fill(self.layout, &self.buffer) }
        });
        let (length, code) = match filled {
            Ok((length, code)) => (length, code),
            Err(Win32(code)) => (0, Some(Code::from_number(code).unwrap_or(Code::InvalidFunction))),
        };
        if at_once {
            // SAFETY: as above.
            unsafe { self.places.say(length) };
        }
        match self.caller.complete(code, length) {
            Err(Win32(failed)) if !at_once && failed != ERROR_IO_PENDING => {
                let code = code.or(Code::from_number(failed)).unwrap_or(Code::InvalidHandle);
                self.caller.complete_alone(code, length);
                Err(STRANGE)
            }
            answer => answer,
        }
    }
}

/// Runs in a thread of the system's pool when the event of a receive is set: the request has ended.
unsafe extern "system" fn ended(
    _: PTP_CALLBACK_INSTANCE,
    context: *mut std::ffi::c_void,
    wait: PTP_WAIT,
    _: u32,
) {
    // SAFETY: the context is the box of `begin`, which gave it up; this runs once.
    let receiving = unsafe { Box::from_raw(context.cast::<Receiving>()) };
    // Nobody waits for the answer; the caller hears by its own request. A panic may not leave the callback.
    let finish = std::panic::AssertUnwindSafe(|| receiving.finish(false));
    let _ = std::panic::catch_unwind(finish);
    // SAFETY: the wait is that of this callback, and nobody arms it again.
    unsafe { CloseThreadpoolWait(wait) };
}
