//! Receives that are not waited for.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::time::Duration;

use divert_driver_protocol::{Code, ControlCode};
use windows_sys::Win32::Foundation::ERROR_IO_PENDING;
use windows_sys::Win32::System::IO::{CancelIoEx, DeviceIoControl, GetOverlappedResult, OVERLAPPED};

use super::event::Event;
use super::last_failure;
use crate::device::{Failure, Operation};

/// What the system uses until the request has ended. It stays where it is for as long.
struct Block {
    overlapped: OVERLAPPED,
    message: Vec<u8>,
    buffer: Vec<u8>,
}

/// A receive that may be waiting.
pub struct WindowsOperation {
    file: Arc<OwnedHandle>,
    event: Option<Event>,
    /// From a box; nobody looks into it while the request is on its way.
    block: NonNull<Block>,
    ended: Option<Result<usize, Failure>>,
}

// SAFETY: the block is the operation's alone (and the system's until the request has ended), and nothing in it belongs
// to a thread.
unsafe impl Send for WindowsOperation {}

impl WindowsOperation {
    /// Begins to receive.
    #[must_use]
    pub fn begin(file: Arc<OwnedHandle>, message: &[u8], buffer: Vec<u8>) -> Self {
        let block = Box::new(Block { overlapped: OVERLAPPED::default(), message: message.to_vec(), buffer });
        let block = NonNull::from(Box::leak(block));
        let mut operation = Self { file, event: None, block, ended: None };
        match Event::new() {
            Ok(event) => operation.start(event),
            Err(failure) => operation.ended = Some(Err(failure)),
        }
        operation
    }

    fn start(&mut self, event: Event) {
        // SAFETY: the block is alive, and the request that would use it has not begun.
        let block = unsafe { self.block.as_mut() };
        block.overlapped.hEvent = event.private();
        let lengths = (u32::try_from(block.message.len()), u32::try_from(block.buffer.len()));
        let (Ok(input), Ok(output)) = lengths else {
            self.ended = Some(Err(Failure(Code::InvalidParameter.number())));
            return;
        };
        // SAFETY: the handle is open as long as `file` lives; message, buffer and overlapped structure are in the block,
        // which is freed only after the request has ended.
        let done = unsafe {
            DeviceIoControl(
                self.file.as_raw_handle(),
                ControlCode::Receive.number(),
                block.message.as_ptr().cast(),
                input,
                block.buffer.as_mut_ptr().cast(),
                output,
                null_mut(),
                &raw mut block.overlapped,
            )
        };
        self.event = Some(event);
        if done == 0 {
            let failure = last_failure();
            if failure.0 != ERROR_IO_PENDING {
                self.ended = Some(Err(failure));
            }
            return;
        }
        self.collect();
    }

    /// Takes note of the end of a request that has ended.
    fn collect(&mut self) {
        let mut length = 0;
        // SAFETY: the block is alive; only the address of a member is taken.
        let overlapped = unsafe { &raw const (*self.block.as_ptr()).overlapped };
        // SAFETY: the structure is that of a request which has ended.
        let done = unsafe { GetOverlappedResult(self.file.as_raw_handle(), overlapped, &raw mut length, 0) };
        self.ended = Some(if done == 0 { Err(last_failure()) } else { Ok(length as usize) });
    }
}

impl Operation for WindowsOperation {
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        if self.ended.is_none() && self.event.as_ref().is_some_and(|event| event.wait(timeout)) {
            self.collect();
        }
        self.ended.is_some()
    }

    fn cancel(&mut self) {
        if self.ended.is_none() {
            // SAFETY: the block is alive; only the address of a member is taken.
            let overlapped = unsafe { &raw const (*self.block.as_ptr()).overlapped };
            // It fails when the request has ended meanwhile, which is as good.
            // SAFETY: the handle is open, and the structure is that of its request.
            unsafe { CancelIoEx(self.file.as_raw_handle(), overlapped) };
        }
    }

    fn finish(mut self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        while !self.wait(None) {}
        // SAFETY: the request has ended: the block is this operation's alone.
        let block = unsafe { self.block.as_mut() };
        let ended = self.ended.unwrap_or(Err(Failure(Code::InvalidHandle.number())));
        (std::mem::take(&mut block.buffer), ended)
    }
}

impl Drop for WindowsOperation {
    fn drop(&mut self) {
        self.cancel();
        while !self.wait(None) {}
        // SAFETY: the block came from a box, the request has ended, and nobody uses it after this.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}
