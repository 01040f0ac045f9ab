//! Requests that are not waited for: what they use until they have ended, and how they ended.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::ptr::{NonNull, null_mut};
use std::sync::{Arc, Weak};
use std::time::Duration;

use divert_driver_protocol::Code;
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, HANDLE};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};

use super::event::Event;
use super::last_failure;
use crate::device::Failure;

/// Something that has an open file and closes it when it is dropped.
pub(super) trait File: Send + Sync {
    /// Its handle, open for as long as `self` lives.
    fn raw(&self) -> HANDLE;
}

impl File for OwnedHandle {
    fn raw(&self) -> HANDLE {
        self.as_raw_handle()
    }
}

/// What the system uses until the request has ended. It stays where it is for as long.
struct Block<T> {
    overlapped: OVERLAPPED,
    content: T,
}

/// A request that may be on its way. Its file may be closed meanwhile: that ends the request, as cancelling does.
pub(super) struct Overlapped<T, F: File> {
    file: Weak<F>,
    event: Option<Event>,
    /// From a box; nobody looks into it while the request is on its way.
    block: NonNull<Block<T>>,
    ended: Option<Ended>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// Bytes transferred; a request may fail with some.
    pub(super) length: u32,
    /// Whether it failed.
    pub(super) result: Result<(), Failure>,
}

impl Ended {
    const fn failed(failure: Failure) -> Self {
        Self { length: 0, result: Err(failure) }
    }
}

// SAFETY: the block is the request's alone (and the system's until the request has ended), and nothing else in here belongs
// to a thread.
unsafe impl<T: Send, F: File> Send for Overlapped<T, F> {}

impl<T, F: File> Overlapped<T, F> {
    /// Begins a request by calling `start` with the file, `content` and an overlapped structure, which has the event as
    /// `handle_of` gives it. What `start` answers says whether the request has ended.
    ///
    /// # Safety
    /// The request uses no memory that could go before it has ended, other than `content`, what that owns, and the
    /// structure. Unless `start` fails with another code than [`ERROR_IO_PENDING`], the system sets the event when the
    /// request has ended, and not before.
    pub(super) unsafe fn begin(
        file: &Arc<F>,
        handle_of: fn(&Event) -> HANDLE,
        content: T,
        start: impl FnOnce(HANDLE, &mut T, *mut OVERLAPPED) -> Result<(), Failure>,
    ) -> Self {
        let block = NonNull::from(Box::leak(Box::new(Block { overlapped: OVERLAPPED::default(), content })));
        // Until it has begun, it has ended.
        let unbegun = Ended::failed(Failure(Code::InvalidHandle.number()));
        let mut request = Self { file: Arc::downgrade(file), event: None, block, ended: Some(unbegun) };
        let event = match Event::new() {
            Ok(event) => event,
            Err(failure) => {
                request.ended = Some(Ended::failed(failure));
                return request;
            }
        };
        // SAFETY: the block is alive, and the request that would use it has not begun.
        let block = unsafe { request.block.as_mut() };
        block.overlapped.hEvent = handle_of(&event);
        let started = start(file.raw(), &mut block.content, &raw mut block.overlapped);
        request.event = Some(event);
        match started {
            Ok(()) => request.collect(),
            Err(Failure(ERROR_IO_PENDING)) => request.ended = None,
            Err(failure) => request.ended = Some(Ended::failed(failure)),
        }
        request
    }

    /// Takes note of the end of a request that has ended.
    fn collect(&mut self) {
        let mut length = 0;
        // SAFETY: the block is alive; only the address of a member is taken.
        let overlapped = unsafe { &raw const (*self.block.as_ptr()).overlapped };
        // The file may be closed by now; it is looked at only where the end is still to be waited for.
        let file = self.file.upgrade();
        let handle = file.as_ref().map_or(null_mut(), |file| file.raw());
        // SAFETY: the structure is that of a request which has ended; the handle is open or none.
        let done = unsafe { GetOverlappedResult(handle, overlapped, &raw mut length, 0) };
        let result = if done == 0 { Err(last_failure()) } else { Ok(()) };
        self.ended = Some(Ended { length, result });
    }

    /// Waits until it has ended, for `timeout` at most; true when it has ended.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> bool {
        if self.ended.is_none() && self.event.as_ref().is_some_and(|event| event.wait(timeout)) {
            self.collect();
        }
        self.ended.is_some()
    }

    /// Asks for its end.
    pub(super) fn cancel(&self) {
        // With the file closed, it is ending.
        let Some(file) = self.file.upgrade().filter(|_| self.ended.is_none()) else { return };
        // SAFETY: the block is alive; only the address of a member is taken.
        let overlapped = unsafe { &raw const (*self.block.as_ptr()).overlapped };
        // It fails when the request has ended meanwhile, which is as good.
        // SAFETY: the handle is open as long as `file` lives, and the structure is that of its request.
        unsafe { CancelIoEx(file.raw(), overlapped) };
    }
}

impl<T: Default, F: File> Overlapped<T, F> {
    /// Waits for its end; gives the content, and how it ended.
    pub(super) fn finish(&mut self) -> (T, Ended) {
        while !self.wait(None) {}
        // SAFETY: the request has ended: the block is this one's alone.
        let block = unsafe { self.block.as_mut() };
        let ended = self.ended.unwrap_or(Ended::failed(Failure(Code::InvalidHandle.number())));
        (std::mem::take(&mut block.content), ended)
    }
}

impl<T, F: File> Drop for Overlapped<T, F> {
    fn drop(&mut self) {
        self.cancel();
        while !self.wait(None) {}
        // SAFETY: the block came from a box, the request has ended, and nobody uses it after this.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}
