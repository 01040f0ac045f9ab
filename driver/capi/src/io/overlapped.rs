//! Overlapped receives.
//!
//! The caller's packet and records lie in two places, and a request of the driver has one buffer. So the driver holds a
//! request with the caller's overlapped structure, and the receive is another one, with a buffer, an event and an
//! overlapped structure of our own of which no completion port hears. When it has ended, both parts are copied to where
//! the caller wants them, and only then the held request is released. Events, `GetOverlappedResult`, completion ports and
//! `CancelIoEx` then work as for any file: cancelling the held request cancels the receive.

use std::os::windows::io::{AsRawHandle as _, BorrowedHandle};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use divert_driver_client::windows::Event;
use divert_driver_protocol::request::Completed;
use divert_driver_protocol::{Code, ControlCode, Layout, Request};
use windows_sys::Win32::Foundation::ERROR_IO_PENDING;
use windows_sys::Win32::System::IO::{DeviceIoControl, GetOverlappedResult, OVERLAPPED as SystemOverlapped};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_sys::Win32::System::Threading::{
    CloseThreadpoolWait, CreateThreadpoolWait, PTP_CALLBACK_INSTANCE, PTP_WAIT, SetThreadpoolWait,
};

use super::borrowed;
use super::receive::Places;
use super::request::{STRANGE, encoded, tell};
use crate::Win32;
use crate::last_error;
use crate::types::{BOOL, HANDLE, OVERLAPPED, TRUE};

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

    /// Sends a request of the caller's: it ends the caller's overlapped structure, now or when it is released.
    fn send(self, request: &Request<'_>) -> Result<BOOL, Win32> {
        // SAFETY: the handle stays open during the caller's call.
        let file = unsafe { borrowed(self.handle) }?;
        let message = encoded(request)?;
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

    /// Ends a call that has waited for nothing, in every way that the caller may listen to.
    pub(super) fn complete(self, code: Option<Code>, length: u32) -> Result<BOOL, Win32> {
        self.send(&Request::Complete(Completed { code, length }))
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
    token: u64,
}

/// Names of held requests; never used again.
static TOKENS: AtomicU64 = AtomicU64::new(1);

/// Keeps this library loaded from now on: a callback may still have to run when the handle is closed, and nobody knows when
/// it has.
fn stay_loaded() -> Result<(), Win32> {
    static STAYS: OnceLock<Result<(), Win32>> = OnceLock::new();
    *STAYS.get_or_init(|| {
        let mut module = null_mut();
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        // SAFETY: with these flags the "name" is any address within the module, such as that of a function of it; `module`
        // lives until after the call.
        let done = unsafe { GetModuleHandleExW(flags, ended as *const u16, &raw mut module) };
        if done == 0 { Err(Win32(last_error::get())) } else { Ok(()) }
    })
}

/// Begins an overlapped receive; answers as the caller's call is to be answered: that it is on its way.
pub(super) fn begin(caller: Caller, places: Places, size: usize, layout: Layout) -> Result<BOOL, Win32> {
    stay_loaded()?;
    let event = Event::new().map_err(|failure| Win32(failure.0))?;
    let overlapped = SystemOverlapped { hEvent: event.private(), ..SystemOverlapped::default() };
    let token = TOKENS.fetch_add(1, Ordering::Relaxed);
    let (message, buffer) = (places.message(token)?, vec![0; size]);
    let receiving = Box::new(Receiving { overlapped, event, message, buffer, layout, places, caller, token });
    let receiving = Box::into_raw(receiving);
    // SAFETY: the context is what the callback expects; null means the default environment.
    let wait = unsafe { CreateThreadpoolWait(Some(ended), receiving.cast(), null()) };
    if wait == 0 {
        let code = last_error::get();
        // SAFETY: it came from the box above, and no request uses it yet.
        drop(unsafe { Box::from_raw(receiving) });
        return Err(Win32(code));
    }
    let held = caller.send(&Request::Hold { token });
    if held != Err(PENDING) {
        // SAFETY: the wait was made above and is not armed.
        unsafe { CloseThreadpoolWait(wait) };
        // SAFETY: it came from the box above, and no request uses it.
        drop(unsafe { Box::from_raw(receiving) });
        return held.and(Err(STRANGE));
    }
    // From here on the caller hears by its structure alone.
    // SAFETY: nothing else uses it: the request is not on its way yet, and the callback is not armed.
    let started = start(unsafe { &mut *receiving });
    if started == Err(PENDING) {
        // SAFETY: still nothing but the system uses it; only the handle of the event is read.
        let event = unsafe { (*receiving).event.raw() };
        // SAFETY: the wait was made above; the event lives until the callback has run, which runs once.
        unsafe { SetThreadpoolWait(wait, event, null()) };
        return Err(PENDING);
    }
    // SAFETY: the wait was made above and never armed.
    unsafe { CloseThreadpoolWait(wait) };
    // SAFETY: it came from the box above, and its request has ended or never began.
    unsafe { Box::from_raw(receiving) }.finish(started);
    Err(PENDING)
}

/// A request is on its way.
const PENDING: Win32 = Win32(ERROR_IO_PENDING);

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

    /// Puts what was received where the caller wants it, then releases the caller's request.
    fn finish(&self, started: Result<(), Win32>) {
        let filled = started.and_then(|()| self.outcome()).and_then(|()| {
            // SAFETY: the caller's promise holds until the call has ended, which it has not yet.
            unsafe { self.places.fill(self.layout, &self.buffer) }
        });
        let (length, code) = match filled {
            Ok(filled) => filled,
            Err(Win32(code)) => (0, Some(Code::from_number(code).unwrap_or(Code::InvalidFunction))),
        };
        let completed = Completed { code, length };
        // SAFETY: the number is looked at only. Should the handle be closed by now, so is the request that was held.
        if let Ok(file) = unsafe { borrowed(self.caller.handle) } {
            // It is gone when it was cancelled, or its handle closed; then somebody else has ended it.
            let _ = tell(file, &Request::Release { token: self.token, completed });
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
    // A panic may not leave the callback.
    let finish = std::panic::AssertUnwindSafe(|| receiving.finish(Ok(())));
    let _ = std::panic::catch_unwind(finish);
    // SAFETY: the wait is that of this callback, and nobody arms it again.
    unsafe { CloseThreadpoolWait(wait) };
}
