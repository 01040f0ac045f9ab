//! The system's driver: its device, its service, and what else is asked of Windows.
//!
//! All of the crate's unsafe code is here: one operation per block, each with its argument. What the modules offer is
//! safe, but for what says otherwise.

mod control;
mod event;
pub mod library;
mod operation;
mod overlapped;
pub mod process;
pub mod service;

use std::os::windows::io::{AsHandle as _, OwnedHandle};
use std::sync::Arc;

pub use control::{control, open_device};
pub use event::Event;
pub use operation::WindowsOperation;
use windows_sys::Win32::Foundation::GetLastError;

use divert_driver_protocol::{Code, ControlCode};

use crate::device::{Device, Failure, Operation};

/// `ERROR_PATH_NOT_FOUND`.
const PATH_NOT_FOUND: u32 = 3;

/// A file object of the driver. With it, its receives end: they do not keep the file open.
#[derive(Debug)]
pub struct WindowsDevice {
    file: Arc<OwnedHandle>,
}

impl WindowsDevice {
    /// Around an open file of the driver's device.
    #[must_use]
    pub fn new(file: OwnedHandle) -> Self {
        Self { file: Arc::new(file) }
    }
}

impl Device for WindowsDevice {
    fn message(&self, message: &[u8], reply: &mut [u8]) -> Result<usize, Failure> {
        control(self.file.as_handle(), ControlCode::Message, message, reply)
    }

    fn receive(&self, message: &[u8], buffer: &mut [u8]) -> Result<usize, Failure> {
        control(self.file.as_handle(), ControlCode::Receive, message, buffer)
    }

    fn submit(&self, message: &[u8], buffer: Vec<u8>) -> Box<dyn Operation> {
        Box::new(WindowsOperation::begin(&self.file, message, buffer))
    }
}

/// A new file object of the driver; the driver is installed and started where that is needed and wanted.
///
/// # Errors
/// The codes of reference §4.
pub fn open(install: bool) -> Result<WindowsDevice, Failure> {
    open_file(install).map(WindowsDevice::new)
}

/// As [`open`], but for the file alone.
///
/// # Errors
/// The codes of reference §4.
pub fn open_file(install: bool) -> Result<OwnedHandle, Failure> {
    match open_device() {
        Err(failure) if is_missing(failure) => {}
        opened => return opened,
    }
    if !install {
        return Err(Failure(Code::ServiceDoesNotExist.number()));
    }
    service::start_and_open()
}

/// Whether something is not there.
pub(crate) const fn is_missing(Failure(code): Failure) -> bool {
    code == Code::FileNotFound.number() || code == PATH_NOT_FOUND
}

/// What the last call of the thread says.
pub(crate) fn last_failure() -> Failure {
    // SAFETY: a plain number of the calling thread.
    Failure(unsafe { GetLastError() })
}

/// A text for the system.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
