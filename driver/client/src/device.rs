//! The seam: what a handle needs of the system.

use std::fmt;
use std::time::Duration;

/// The Win32 code with which the system or the driver refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure(pub u32);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match divert_driver_protocol::Code::from_number(self.0) {
            Some(code) => code.fmt(f),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl std::error::Error for Failure {}

/// One file object of the driver: as much as one handle. Dropping it closes the handle.
pub trait Device: Send + Sync {
    /// Sends a message other than a receive and waits for the reply; gives the reply's length.
    ///
    /// # Errors
    /// What the system or the driver says.
    fn message(&self, message: &[u8], reply: &mut [u8]) -> Result<usize, Failure>;

    /// Receives into `buffer`, which is laid out as [`divert_driver_protocol::Layout`] says; waits for as long as it
    /// takes. Gives the length of what was received.
    ///
    /// # Errors
    /// What the system or the driver says.
    fn receive(&self, message: &[u8], buffer: &mut [u8]) -> Result<usize, Failure>;

    /// Begins to receive, and does not wait.
    fn submit(&self, message: &[u8], buffer: Vec<u8>) -> Box<dyn Operation>;
}

/// A receive that may still be waiting. It owns its buffer; dropping it cancels it and waits for its end.
pub trait Operation: Send {
    /// Waits until it has ended, for `timeout` at most (for ever without one); true when it has ended.
    fn wait(&mut self, timeout: Option<Duration>) -> bool;

    /// Asks for it to end. It may end in another way all the same.
    fn cancel(&mut self);

    /// Waits for its end; gives the buffer, and the length of what was received.
    fn finish(self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>);
}
