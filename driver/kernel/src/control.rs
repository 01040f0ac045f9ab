//! Requests of user mode: a file object of the device is a handle.

use divert_driver_abi::wdm::{
    IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, NTSTATUS, STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};
use divert_driver_core::{Answer, Completion, Control, HandleId, Window};
use divert_driver_protocol::control_code::ControlCode;
use divert_driver_protocol::limits::MAX_LISTED;
use divert_driver_protocol::reply::ENTRY;
use divert_driver_protocol::{Code, Completed, Layout, Request};

use crate::hold::Cancelled;
use crate::platform::{DRIVER, Runtime};
use crate::sys::irp::{Irp, Share, Waiting};
use crate::sys::{current_process, pool, thread_is_ending};

/// Every reply but a listing fits.
const SHORT_REPLY: usize = 256;
/// The longest listing fits.
const LONG_REPLY: usize = 16 + MAX_LISTED * ENTRY;

/// The status that says a code. What is cancelled says so in the system's own way.
fn status(code: Code) -> NTSTATUS {
    if code == Code::OperationAborted { STATUS_CANCELLED } else { code.status() }
}

/// A request. PASSIVE_LEVEL, in a thread of the process that made it (but for cleanup and close).
pub(crate) fn dispatch(irp: Irp) -> NTSTATUS {
    let Some(driver) = DRIVER.get() else { return irp.complete(STATUS_UNSUCCESSFUL, 0) };
    match irp.major() {
        IRP_MJ_CREATE => create(driver, irp),
        IRP_MJ_CLEANUP | IRP_MJ_CLOSE => close(driver, irp),
        IRP_MJ_DEVICE_CONTROL => match ControlCode::from_number(irp.control().code) {
            Some(ControlCode::Message) => message(driver, irp),
            Some(ControlCode::Receive) => receive(driver, irp),
            None => irp.complete(STATUS_INVALID_DEVICE_REQUEST, 0),
        },
        _ => irp.complete(STATUS_INVALID_DEVICE_REQUEST, 0),
    }
}

/// A handle of user mode.
// Not inlined, here and below: the stack that one kind of request needs is not to lie under another.
#[inline(never)]
fn create(driver: &Runtime, irp: Irp) -> NTSTATUS {
    match driver.create() {
        Ok(id) => {
            irp.set_file_number(id.to_raw());
            irp.complete(STATUS_SUCCESS, 0)
        }
        Err(code) => irp.complete(status(code), 0),
    }
}

/// No handle of user mode is left, or no reference to the file object: the second of both finds nothing to close.
#[inline(never)]
fn close(driver: &Runtime, irp: Irp) -> NTSTATUS {
    let _ = driver.close(HandleId::from_raw(irp.file_number()));
    end_held(driver, irp.file_number());
    irp.complete(STATUS_SUCCESS, 0)
}

/// Ends all requests that are held for a closed handle.
fn end_held(driver: &Runtime, file: u64) {
    while let Some(held) = driver.platform().holds.close(file) {
        held.complete(STATUS_CANCELLED, 0);
    }
}

/// Every message but receives. The reply is written elsewhere first: it goes into the place of the message.
#[inline(never)]
fn message(driver: &Runtime, mut irp: Irp) -> NTSTATUS {
    #[cfg(feature = "seeded-panic")]
    seeded_panic(&irp);
    let mut short = [0; SHORT_REPLY];
    let mut long = None;
    let length = irp.control().output;
    let reply = match short.get_mut(..length) {
        Some(reply) => reply,
        None => {
            let Some(room) = pool::try_zeroed(length.min(LONG_REPLY)) else {
                return irp.complete(status(Code::NoSystemResources), 0);
            };
            long.insert(room).as_mut_slice()
        }
    };
    let id = HandleId::from_raw(irp.file_number());
    match driver.control(id, current_process(), irp.input(), reply) {
        Ok(Control::Replied(written)) => {
            let output = irp.output();
            for (to, from) in output.iter_mut().zip(reply.iter().take(written)) {
                *to = *from;
            }
            irp.complete(STATUS_SUCCESS, written)
        }
        Ok(Control::Complete(completed)) => complete(irp, completed),
        Ok(Control::Hold { token }) => hold(driver, irp, token),
        Ok(Control::Release { token, completed }) => release(driver, irp, token, completed),
        // A receive has a code of its own.
        Ok(Control::Receive(_)) => irp.complete(status(Code::InvalidParameter), 0),
        Err(code) => irp.complete(status(code), 0),
    }
}

/// For the test that an image with a panic does not link.
#[cfg(feature = "seeded-panic")]
#[expect(clippy::indexing_slicing, reason = "it is wanted")]
fn seeded_panic(irp: &Irp) {
    core::hint::black_box(irp.input()[4]);
}

/// Ends a request as it asks for. The length is the caller's to believe: with an output buffer the system would copy
/// as much of the kernel's memory to it, so there must be none.
fn complete(irp: Irp, Completed { code, length }: Completed) -> NTSTATUS {
    if irp.control().output != 0 || irp.has_user_buffer() {
        return irp.complete(status(Code::InvalidParameter), 0);
    }
    irp.complete_pending(code.map_or(STATUS_SUCCESS, status), length as usize)
}

/// Lets a request wait until it is released or cancelled.
fn hold(driver: &Runtime, irp: Irp, token: u64) -> NTSTATUS {
    if irp.control().output != 0 || irp.has_user_buffer() {
        return irp.complete(status(Code::InvalidParameter), 0);
    }
    let file = irp.file_number();
    let (irp, share) = irp.hold(file);
    match driver.platform().holds.add(file, token, irp) {
        Err((irp, code)) => irp.complete(status(code), 0),
        // As for receives.
        Ok(()) if share.is_cancelled() => take_back(driver, HandleId::from_raw(file), &share),
        // The handle was closed while the request was on its way: who closed it may have looked for it before.
        Ok(()) if !driver.exists(HandleId::from_raw(file)) => end_held(driver, file),
        Ok(()) => {}
    }
    STATUS_PENDING
}

/// Ends a request that is held. The length is the caller's to believe; there is no output buffer.
fn release(driver: &Runtime, irp: Irp, token: u64, Completed { code, length }: Completed) -> NTSTATUS {
    match driver.platform().holds.release(irp.file_number(), token) {
        Some(held) => {
            held.complete(code.map_or(STATUS_SUCCESS, status), length as usize);
            irp.complete(STATUS_SUCCESS, 0)
        }
        None => irp.complete(status(Code::OperationAborted), 0),
    }
}

#[inline(never)]
fn receive(driver: &Runtime, irp: Irp) -> NTSTATUS {
    let Ok(Request::Receive(asked)) = Request::decode(irp.input()) else {
        return irp.complete(status(Code::InvalidParameter), 0);
    };
    let Ok(layout) = Layout::new(irp.control().output, asked.addresses) else {
        return irp.complete(status(Code::InvalidParameter), 0);
    };
    let id = HandleId::from_raw(irp.file_number());
    let (irp, share) = match irp.wait(id.to_raw()) {
        Ok(waiting) => waiting,
        Err(irp) => return irp.complete(status(Code::NoSystemResources), 0),
    };
    let receive = Receive { irp, layout, file: id.to_raw(), hold: asked.hold };
    if asked.hold != 0 && !driver.platform().holds.link(id.to_raw(), asked.hold, share.key()) {
        receive.complete(Err(Code::OperationAborted));
        return STATUS_PENDING;
    }
    match driver.receive(id, receive) {
        Answer::Complete(receive, completion) => receive.complete(completion),
        // Whoever cancelled it before it could be found has left it to this.
        Answer::Pended if share.is_cancelled() => take_back(driver, id, &share),
        Answer::Pended if asked.hold != 0 => {
            complete_cancelled(driver.platform().holds.pended(driver, id.to_raw(), asked.hold));
        }
        Answer::Pended => {}
    }
    STATUS_PENDING
}

/// A request that waits was cancelled. Up to DISPATCH_LEVEL, in any thread.
pub(crate) fn cancel(id: u64, share: &Share) {
    if let Some(driver) = DRIVER.get() {
        take_back(driver, HandleId::from_raw(id), share);
    }
}

fn take_back(driver: &Runtime, id: HandleId, share: &Share) {
    match driver.cancel(id, share.key()) {
        Some(receive) => receive.complete(Err(Code::OperationAborted)),
        None => {
            let why = if thread_is_ending() { Cancelled::Ending } else { Cancelled::Asked };
            complete_cancelled(driver.platform().holds.cancel(driver, id.to_raw(), share.key(), why));
        }
    }
}

/// Ends a held request that was cancelled, and the receive for it.
fn complete_cancelled((held, receive): (Option<Waiting>, Option<Receive>)) {
    if let Some(receive) = receive {
        receive.complete(Err(Code::OperationAborted));
    }
    if let Some(held) = held {
        held.complete(STATUS_CANCELLED, 0);
    }
}

/// A receive of user mode.
pub(crate) struct Receive {
    irp: Waiting,
    layout: Layout,
    /// The handle.
    file: u64,
    /// The held request that it is for, or 0.
    hold: u64,
}

impl divert_driver_core::platform::Receive for Receive {
    fn key(&self) -> u64 {
        self.irp.key()
    }

    fn window(&mut self) -> Window<'_> {
        match self.layout.split(self.irp.buffer()) {
            Some(parts) => Window { addresses: parts.addresses, data: parts.data },
            // The layout was made for the length of the buffer.
            None => Window { addresses: &mut [], data: &mut [] },
        }
    }
}

impl Receive {
    /// Ends it. Up to DISPATCH_LEVEL.
    pub(crate) fn complete(mut self, completion: Completion) {
        let mut held = None;
        if self.hold != 0
            && let Some(driver) = DRIVER.get()
        {
            let holds = &driver.platform().holds;
            held = holds.ended(self.file, self.hold, self.irp.key(), completion.is_ok());
        }
        let ended = completion.and_then(|filled| {
            let truncated = filled.truncated.then_some(Code::InsufficientBuffer);
            let mut parts = self.layout.split(self.irp.buffer()).ok_or(Code::InvalidParameter)?;
            parts.finish(filled.packets, filled.bytes, truncated).map_err(|_| Code::InvalidParameter)
        });
        match ended {
            Ok(length) => self.irp.complete(STATUS_SUCCESS, length),
            Err(code) => self.irp.complete(status(code), 0),
        }
        if let Some(held) = held {
            held.complete(STATUS_CANCELLED, 0);
        }
    }
}
