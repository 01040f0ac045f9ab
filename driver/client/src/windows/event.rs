//! Events to wait for.

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, WaitForSingleObject};

use super::last_failure;
use crate::device::Failure;

/// An event that stays set until a request that uses it begins.
#[derive(Debug)]
pub struct Event(OwnedHandle);

impl Event {
    /// A new one that is not set.
    ///
    /// # Errors
    /// When the system has no more.
    pub fn new() -> Result<Self, Failure> {
        // SAFETY: null pointers mean no attributes and no name.
        let handle = unsafe { CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) };
        if handle.is_null() {
            return Err(last_failure());
        }
        // SAFETY: the handle was made above, is not null, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Its handle.
    #[must_use]
    pub fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    /// Its handle as it goes into an overlapped request of our own: the lowest bit says that the completion port which
    /// the file may have is not to hear of the request (`GetQueuedCompletionStatus`, "Remarks").
    #[must_use]
    pub fn private(&self) -> HANDLE {
        self.raw().map_addr(|address| address | 1)
    }

    /// Waits for it to be set; true when it is.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        // A little too long is better than a little too short; the longest is not for ever.
        let milliseconds = timeout.map_or(INFINITE, |timeout| {
            u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1).min(INFINITE - 1)
        });
        // SAFETY: the event is open as long as `self` lives.
        let waited = unsafe { WaitForSingleObject(self.raw(), milliseconds) };
        waited == WAIT_OBJECT_0
    }
}
