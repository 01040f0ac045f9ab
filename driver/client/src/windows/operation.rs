//! Receives that are not waited for.

use std::os::windows::io::OwnedHandle;
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Duration;

use divert_driver_protocol::{Code, ControlCode};
use windows_sys::Win32::System::IO::DeviceIoControl;

use super::event::Event;
use super::last_failure;
use super::overlapped::Overlapped;
use crate::device::{Failure, Operation};

/// What a receive uses.
#[derive(Default)]
struct Content {
    message: Vec<u8>,
    buffer: Vec<u8>,
}

/// A receive that may be waiting.
pub struct WindowsOperation(Overlapped<Content, OwnedHandle>);

impl WindowsOperation {
    /// Begins to receive.
    #[must_use]
    pub fn begin(file: &Arc<OwnedHandle>, message: &[u8], buffer: Vec<u8>) -> Self {
        let content = Content { message: message.to_vec(), buffer };
        let start = |file, content: &mut Content, overlapped| {
            let too_long = |_| Failure(Code::InvalidParameter.number());
            let input = u32::try_from(content.message.len()).map_err(too_long)?;
            let output = u32::try_from(content.buffer.len()).map_err(too_long)?;
            // SAFETY: the handle is open; message, buffer and overlapped structure stay until the request has ended.
            let done = unsafe {
                DeviceIoControl(
                    file,
                    ControlCode::Receive.number(),
                    content.message.as_ptr().cast(),
                    input,
                    content.buffer.as_mut_ptr().cast(),
                    output,
                    null_mut(),
                    overlapped,
                )
            };
            if done == 0 { Err(last_failure()) } else { Ok(()) }
        };
        // SAFETY: the request has the message, the buffer and the structure; the system resets the event when the request
        // begins, and sets it when it has ended.
        Self(unsafe { Overlapped::begin(file, Event::private, content, start) })
    }
}

impl Operation for WindowsOperation {
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        self.0.wait(timeout)
    }

    fn cancel(&mut self) {
        self.0.cancel();
    }

    fn finish(mut self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        let (content, ended) = self.0.finish();
        (content.buffer, ended.result.map(|()| ended.length as usize))
    }
}
