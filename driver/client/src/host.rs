//! The driver's portable core in this process, as a device: what the client does can be tested on any machine against
//! the driver that really judges.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use divert_driver_core::host::{Host, HostReceive};
use divert_driver_core::{Answer, Arrival, Completion, Control, Driver, HandleId, Verdict};
use divert_driver_protocol::{Code, Layout, Receive};

use crate::device::{Device, Failure, Operation};

/// A driver, and a stack that consists of calls to [`System::packet`].
pub struct System {
    driver: Driver<Host>,
    ended: Mutex<HashMap<u64, (HostReceive, Completion)>>,
    changed: Condvar,
    next: AtomicU64,
}

impl Default for System {
    fn default() -> Self {
        Self::new(Driver::new(Host::default()))
    }
}

impl System {
    /// Around a driver.
    #[must_use]
    pub fn new(driver: Driver<Host>) -> Self {
        Self { driver, ended: Mutex::default(), changed: Condvar::new(), next: AtomicU64::new(1) }
    }

    /// The driver. Who completes receives by calling it must call [`System::settle`] afterwards.
    #[must_use]
    pub const fn driver(&self) -> &Driver<Host> {
        &self.driver
    }

    /// A packet comes by.
    pub fn packet(&self, arrival: &Arrival<'_>) -> Verdict {
        let verdict = self.driver.packet(arrival);
        self.settle();
        verdict
    }

    /// Wakes those whose receives have ended.
    pub fn settle(&self) {
        let mut ended = self.ended();
        while let Some((receive, completion)) = self.driver.platform().take_completed() {
            ended.insert(divert_driver_core::platform::Receive::key(&receive), (receive, completion));
        }
        self.changed.notify_all();
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<u64, (HostReceive, Completion)>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device of this driver for the process with this number.
    ///
    /// # Errors
    /// When there are too many.
    pub fn device(self: &Arc<Self>, process_id: u32) -> Result<HostDevice, Failure> {
        let id = self.driver.create().map_err(failure)?;
        Ok(HostDevice(File { system: Arc::clone(self), id, process_id }))
    }
}

const fn failure(code: Code) -> Failure {
    Failure(code.number())
}

/// A device of a [`System`]; dropping it closes the handle.
pub struct HostDevice(File);

impl Drop for HostDevice {
    fn drop(&mut self) {
        let _ = self.0.system.driver.close(self.0.id);
        self.0.system.settle();
    }
}

/// What a device and its receives have in common.
#[derive(Clone)]
struct File {
    system: Arc<System>,
    id: HandleId,
    process_id: u32,
}

impl File {
    fn begin(&self, message: &[u8], buffer: &mut [u8]) -> Begun {
        let asked = self.system.driver.control(self.id, self.process_id, message, &mut []);
        let Receive { addresses, .. } = match asked {
            Ok(Control::Receive(receive)) => receive,
            Ok(_) => return Begun::Ended(Err(failure(Code::InvalidParameter))),
            Err(code) => return Begun::Ended(Err(failure(code))),
        };
        let Ok(layout) = Layout::new(buffer.len(), addresses) else {
            return Begun::Ended(Err(failure(Code::InvalidParameter)));
        };
        let room = buffer.len().saturating_sub(Layout::length(addresses, 0));
        let key = self.system.next.fetch_add(1, Ordering::Relaxed);
        let receive = HostReceive::new(key, usize::from(addresses), room);
        match self.system.driver.receive(self.id, receive) {
            Answer::Complete(receive, completion) => Begun::Ended(put(layout, buffer, &receive, completion)),
            Answer::Pended => Begun::Waits(key, layout),
        }
    }

    fn end(&self, key: u64, timeout: Option<Duration>) -> Option<(HostReceive, Completion)> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut ended = self.system.ended();
        loop {
            if let Some(found) = ended.remove(&key) {
                return Some(found);
            }
            ended = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return None,
                Some(left) => {
                    self.system.changed.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.system.changed.wait(ended).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// What became of a receive at once.
enum Begun {
    Ended(Result<usize, Failure>),
    Waits(u64, Layout),
}

/// As the driver fills a buffer in place.
fn put(
    layout: Layout,
    buffer: &mut [u8],
    receive: &HostReceive,
    completion: Completion,
) -> Result<usize, Failure> {
    let filled = completion.map_err(failure)?;
    let small = || failure(Code::InsufficientBuffer);
    let mut parts = layout.split(buffer).ok_or_else(small)?;
    for (place, record) in parts.addresses.iter_mut().zip(receive.addresses()) {
        *place = *record;
    }
    for (place, byte) in parts.data.iter_mut().zip(receive.data().iter().take(filled.bytes)) {
        *place = *byte;
    }
    let code = filled.truncated.then_some(Code::InsufficientBuffer);
    parts.finish(filled.packets, filled.bytes, code).map_err(|_| small())
}

impl Device for HostDevice {
    fn message(&self, message: &[u8], reply: &mut [u8]) -> Result<usize, Failure> {
        let File { system, id, process_id } = &self.0;
        let done = system.driver.control(*id, *process_id, message, reply);
        system.settle();
        match done {
            Ok(Control::Replied(length)) => Ok(length),
            Ok(Control::Complete(completed)) => match completed.code {
                Some(code) => Err(failure(code)),
                None => Ok(completed.length as usize),
            },
            // Nothing is held here: that is for who has to answer a caller of its own.
            Ok(Control::Receive(_) | Control::Hold { .. } | Control::Release { .. }) => {
                Err(failure(Code::InvalidParameter))
            }
            Err(code) => Err(failure(code)),
        }
    }

    fn receive(&self, message: &[u8], buffer: &mut [u8]) -> Result<usize, Failure> {
        match self.0.begin(message, buffer) {
            Begun::Ended(ended) => ended,
            Begun::Waits(key, layout) => match self.0.end(key, None) {
                Some((receive, completion)) => put(layout, buffer, &receive, completion),
                None => Err(failure(Code::OperationAborted)),
            },
        }
    }

    fn submit(&self, message: &[u8], mut buffer: Vec<u8>) -> Box<dyn Operation> {
        let begun = self.0.begin(message, &mut buffer);
        Box::new(HostOperation { file: self.0.clone(), buffer, begun })
    }
}

struct HostOperation {
    file: File,
    buffer: Vec<u8>,
    begun: Begun,
}

impl Operation for HostOperation {
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let Begun::Waits(key, layout) = self.begun else { return true };
        let Some((receive, completion)) = self.file.end(key, timeout) else { return false };
        self.begun = Begun::Ended(put(layout, &mut self.buffer, &receive, completion));
        true
    }

    fn cancel(&mut self) {
        let Begun::Waits(key, _) = self.begun else { return };
        if self.file.system.driver.cancel(self.file.id, key).is_some() {
            self.begun = Begun::Ended(Err(failure(Code::OperationAborted)));
        }
    }

    fn finish(mut self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        self.wait(None);
        let buffer = std::mem::take(&mut self.buffer);
        match std::mem::replace(&mut self.begun, Begun::Ended(Err(failure(Code::InvalidHandle)))) {
            Begun::Ended(ended) => (buffer, ended),
            Begun::Waits(..) => (buffer, Err(failure(Code::OperationAborted))),
        }
    }
}

impl Drop for HostOperation {
    fn drop(&mut self) {
        self.cancel();
        self.wait(None);
    }
}
