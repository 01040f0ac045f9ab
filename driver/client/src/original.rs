//! The original WinDivert as a device: our compiled filters on today's signed driver, through its own DLL.
//!
//! The program that a handle is opened with becomes an object of WinDivert's (`@WinDiv_…`), so a filter works as far as
//! such an object can say it: 255 tests. Counters and listings are not to be had there (code 50).

use std::ffi::{CStr, CString};
use std::sync::{Arc, OnceLock};

use divert_compiler::back::windivert::{Shape, encode};
use divert_compiler::front::bytecode::lift;
use divert_driver_protocol::limits::ADDRESS;
use divert_driver_protocol::{Code, Layout, Open, Opened, Refused, Reply, Request, Send, Sent};
use divert_vm::Program;
use divert_vm::limits::USER_WORK;

use crate::device::{Device, Failure, Operation};

/// `ERROR_NOT_SUPPORTED`.
const NOT_SUPPORTED: Failure = Failure(50);
/// Most tests of an object that the original's driver accepts.
const MOST_TESTS: usize = 255;

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Packets or events, and as many records.
    pub packets: usize,
    /// Bytes of them.
    pub bytes: usize,
    /// Whether the only packet did not fit.
    pub truncated: bool,
}

/// The calls of the original's DLL (reference §8). Handles are numbers.
pub trait Calls: Clone + std::marker::Send + Sync + 'static {
    /// Opens a handle.
    ///
    /// # Errors
    /// The last error.
    fn open(&self, filter: &CStr, layer: u32, priority: i16, flags: u64) -> Result<usize, Failure>;

    /// Receives, waiting as long as it takes.
    ///
    /// # Errors
    /// The last error, but for truncation.
    fn receive(
        &self,
        handle: usize,
        data: &mut [u8],
        records: &mut [[u8; ADDRESS]],
    ) -> Result<Taken, Failure>;

    /// Begins to receive into a buffer of that layout. The receive may outlive the handle, which ends it.
    fn submit(
        handle: &Arc<OpenHandle<Self>>,
        addresses: u8,
        layout: Layout,
        buffer: Vec<u8>,
    ) -> Box<dyn Operation>;

    /// Sends a batch; gives the bytes that went.
    ///
    /// # Errors
    /// The last error.
    fn send(&self, handle: usize, data: &[u8], records: &[[u8; ADDRESS]]) -> Result<usize, Failure>;

    /// Shuts down.
    ///
    /// # Errors
    /// The last error.
    fn shutdown(&self, handle: usize, how: u32) -> Result<(), Failure>;

    /// Sets a parameter.
    ///
    /// # Errors
    /// The last error.
    fn set(&self, handle: usize, parameter: u32, value: u64) -> Result<(), Failure>;

    /// Reads a parameter.
    ///
    /// # Errors
    /// The last error.
    fn get(&self, handle: usize, parameter: u32) -> Result<u64, Failure>;

    /// Closes a handle.
    fn close(&self, handle: usize);
}

/// An open handle; closed when it is dropped.
#[derive(Debug)]
pub struct OpenHandle<C: Calls> {
    calls: C,
    number: usize,
}

impl<C: Calls> OpenHandle<C> {
    /// The DLL that it is of.
    pub const fn calls(&self) -> &C {
        &self.calls
    }

    /// Its number.
    pub const fn number(&self) -> usize {
        self.number
    }
}

impl<C: Calls> Drop for OpenHandle<C> {
    fn drop(&mut self) {
        self.calls.close(self.number);
    }
}

/// A handle of the original, once it is opened.
#[derive(Debug)]
pub struct OriginalDevice<C: Calls> {
    calls: C,
    handle: OnceLock<Arc<OpenHandle<C>>>,
}

const fn failure(code: Code) -> Failure {
    Failure(code.number())
}

impl<C: Calls> OriginalDevice<C> {
    /// On a DLL.
    #[must_use]
    pub const fn new(calls: C) -> Self {
        Self { calls, handle: OnceLock::new() }
    }

    fn opened(&self) -> Result<&Arc<OpenHandle<C>>, Failure> {
        self.handle.get().ok_or(const { failure(Code::NotReady) })
    }

    fn handle(&self) -> Result<usize, Failure> {
        self.opened().map(|opened| opened.number)
    }

    fn open(&self, open: &Open<'_>) -> Result<Reply<'static>, Failure> {
        if self.handle.get().is_some() {
            return Err(failure(Code::InvalidFunction));
        }
        let invalid = || failure(Code::InvalidParameter);
        let program = Program::decode(open.program).map_err(|_| invalid())?;
        let verified = program.verify(USER_WORK).map_err(|_| invalid())?;
        let encoded = encode(&lift(&verified), Shape::Fewest).map_err(|_| invalid())?;
        if encoded.tests > MOST_TESTS {
            return Err(invalid());
        }
        let object = CString::new(encoded.object.to_string()).map_err(|_| invalid())?;
        let layer = u32::from(open.layer.number());
        match self.calls.open(&object, layer, open.priority, open.flags.bits()) {
            Ok(number) => match self.handle.set(Arc::new(OpenHandle { calls: self.calls.clone(), number })) {
                Ok(()) => Ok(Reply::Opened(Opened { serial: 0, work: verified.work() })),
                // Somebody else was faster: a device has one handle. This one closes.
                Err(_) => Err(failure(Code::InvalidFunction)),
            },
            Err(refused) => match Code::from_number(refused.0) {
                Some(code) => Ok(Reply::Refused(Refused { code, reason: None })),
                None => Err(refused),
            },
        }
    }

    fn send(&self, batch: &Send<'_>) -> Result<Reply<'static>, Failure> {
        let records: Vec<_> = batch.addresses().map(|address| address.encode()).collect();
        let bytes = self.calls.send(self.handle()?, batch.data(), &records)?;
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // It says how many bytes went, not which packets; with the last of them missing, some did not.
        let failed = u32::from(bytes < batch.data().len());
        let packets = small(records.len()).saturating_sub(failed);
        Ok(Reply::Sent(Sent { packets, bytes: small(bytes), failed, code: None }))
    }
}

/// The layout that a receive asks for, and the number of its records.
fn layout(message: &[u8], buffer: usize) -> Result<(u8, Layout), Failure> {
    match Request::decode(message) {
        Ok(Request::Receive(receive)) => Layout::new(buffer, receive.addresses)
            .map(|layout| (receive.addresses, layout))
            .map_err(|_| failure(Code::InvalidParameter)),
        Ok(_) | Err(_) => Err(failure(Code::InvalidParameter)),
    }
}

/// Says in the front of the buffer what lies in it; gives its length.
pub(crate) fn finish(layout: Layout, buffer: &mut [u8], taken: Taken) -> Result<usize, Failure> {
    let small = || failure(Code::InsufficientBuffer);
    let code = taken.truncated.then_some(Code::InsufficientBuffer);
    let mut parts = layout.split(buffer).ok_or_else(small)?;
    parts.finish(taken.packets, taken.bytes, code).map_err(|_| small())
}

/// An operation that ended before it began.
struct Ended(Vec<u8>, Failure);

impl Operation for Ended {
    fn wait(&mut self, _: Option<std::time::Duration>) -> bool {
        true
    }

    fn cancel(&mut self) {}

    fn finish(self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        (self.0, Err(self.1))
    }
}

impl<C: Calls> Device for OriginalDevice<C> {
    fn message(&self, message: &[u8], reply: &mut [u8]) -> Result<usize, Failure> {
        let answer = match Request::decode(message).map_err(|_| failure(Code::InvalidParameter))? {
            Request::Open(open) => self.open(&open)?,
            Request::Send(batch) => self.send(&batch)?,
            Request::Shutdown(how) => return self.calls.shutdown(self.handle()?, how as u32).map(|()| 0),
            Request::SetParameter(parameter, value) => {
                return self.calls.set(self.handle()?, parameter.number(), value).map(|()| 0);
            }
            Request::GetParameter(parameter) => {
                Reply::Value(self.calls.get(self.handle()?, parameter.number())?)
            }
            Request::Statistics
            | Request::Handles { .. }
            | Request::Complete(_)
            | Request::Hold { .. }
            | Request::Release { .. } => {
                return Err(NOT_SUPPORTED);
            }
            Request::Receive(_) => return Err(failure(Code::InvalidParameter)),
        };
        answer.encode(reply).map_err(|_| failure(Code::InsufficientBuffer))
    }

    fn receive(&self, message: &[u8], buffer: &mut [u8]) -> Result<usize, Failure> {
        let (_, layout) = layout(message, buffer.len())?;
        let handle = self.handle()?;
        let parts = layout.split(buffer).ok_or(const { failure(Code::InsufficientBuffer) })?;
        let taken = self.calls.receive(handle, parts.data, parts.addresses)?;
        finish(layout, buffer, taken)
    }

    fn submit(&self, message: &[u8], buffer: Vec<u8>) -> Box<dyn Operation> {
        let ready = layout(message, buffer.len()).and_then(|asked| Ok((asked, self.opened()?)));
        match ready {
            Ok(((addresses, layout), opened)) => C::submit(opened, addresses, layout, buffer),
            Err(failure) => Box::new(Ended(buffer, failure)),
        }
    }
}
