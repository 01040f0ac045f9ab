//! A handle: a filter at a layer with a priority, and what it diverts.
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else the driver answers is the same mistake")]

use divert_driver_protocol::limits::{MAX_LISTED, MAX_PRIORITY, MIN_PRIORITY};
use divert_driver_protocol::reply::ENTRY;
use divert_driver_protocol::{
    Address, Code, DecodeError, Flags, HandleEntry, How, Open, Opened, Parameter, Reason, Receive, Refused,
    Reply, Request, Send, Sent, Statistics,
};
use divert_vm::Layer;

use crate::buffer::Buffer;
use crate::device::Device;
use crate::error::{Error, Refusal};
use crate::filter::Filter;
use crate::outgoing::Outgoing;
use crate::pending::Pending;

/// How a handle is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Higher priorities see a packet first; -30000 to 30000.
    pub priority: i16,
    /// What it does and may do.
    pub flags: Flags,
    /// Most steps that the filter may cost a packet; 0 for the driver's own limit.
    pub work_limit: u32,
}

impl Options {
    /// Why no handle of that layer can be opened so.
    fn mistake(&self, layer: Layer) -> Option<Reason> {
        if !(MIN_PRIORITY..=MAX_PRIORITY).contains(&self.priority) {
            return Some(Reason::Priority(self.priority));
        }
        self.flags.check(layer).err().map(Reason::Flags)
    }
}

/// An open handle. All calls may be made from several threads at once.
pub struct Handle {
    device: Box<dyn Device>,
    opened: Opened,
    layer: Layer,
    flags: Flags,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { device: _, opened, layer, flags } = self;
        f.debug_struct("Handle")
            .field("opened", opened)
            .field("layer", layer)
            .field("flags", flags)
            .finish_non_exhaustive()
    }
}

/// Longest reply of all but listings.
const REPLY: usize = 512;

impl Handle {
    /// Opens a handle of the system's driver; installs and starts the driver where that is needed, unless the flags
    /// say not to. What is wrong with priority and flags is said before that.
    ///
    /// # Errors
    /// The codes of reference §4; with [`Error::Refused`] the driver's reason.
    pub fn open(filter: &Filter, options: &Options) -> Result<Self, Error> {
        if let Some(reason) = options.mistake(filter.layer()) {
            let refused = Refused { code: Code::InvalidParameter, reason: Some(reason) };
            return Err(Error::Refused(Refusal(refused)));
        }
        Self::open_on(system(options.flags)?, filter, options)
    }

    /// Opens a handle on a device that has none yet.
    ///
    /// # Errors
    /// What the driver says.
    pub fn open_on(device: Box<dyn Device>, filter: &Filter, options: &Options) -> Result<Self, Error> {
        let Options { priority, flags, work_limit } = *options;
        let layer = filter.layer();
        let request = Request::Open(Open { layer, priority, flags, work_limit, program: filter.program() });
        let mut reply = [0; REPLY];
        let opened = match ask(&*device, &request, &mut reply)? {
            Reply::Opened(opened) => opened,
            Reply::Refused(refused) => return Err(Error::Refused(Refusal(refused))),
            other => return Err(unexpected(&other)),
        };
        Ok(Self { device, opened, layer, flags })
    }

    /// Its number among all handles since the driver started.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.opened.serial
    }

    /// Most steps that its filter can cost a packet.
    #[must_use]
    pub const fn work(&self) -> u32 {
        self.opened.work
    }

    /// Its layer.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> Flags {
        self.flags
    }

    /// Waits for packets or events, and receives as many as are there and fit: one at least.
    ///
    /// # Errors
    /// 232 after a shutdown of receiving, once the queue is empty; 995 when the handle is closed meanwhile. A packet
    /// that does not fit is no error: see [`Buffer::is_truncated`].
    pub fn receive(&self, buffer: &mut Buffer) -> Result<(), Error> {
        buffer.filled = false;
        self.device.receive(&receive_message(buffer)?, &mut buffer.bytes)?;
        buffer.fill().map_err(Error::Answer)
    }

    /// Begins to receive, and does not wait.
    ///
    /// # Errors
    /// When the request cannot be made; what the driver says comes with [`Pending::finish`].
    pub fn receive_later(&self, mut buffer: Buffer) -> Result<Pending, Error> {
        buffer.filled = false;
        let message = receive_message(&buffer)?;
        let operation = self.device.submit(&message, std::mem::take(&mut buffer.bytes));
        Ok(Pending { operation, shell: buffer })
    }

    /// Sends one packet. Its direction is that of the address.
    ///
    /// # Errors
    /// 87 for what is no packet, 122 for one that is cut short, 1232 for an impostor that has travelled too far, 232
    /// after a shutdown of sending.
    pub fn send(&self, packet: &[u8], address: &Address) -> Result<(), Error> {
        let records = [address.encode()];
        let sent = self.transmit(Send::new(&records, packet).map_err(Error::Request)?)?;
        match sent.code {
            Some(code) => Err(crate::device::Failure(code.number()).into()),
            None => Ok(()),
        }
    }

    /// Sends a batch; one packet that fails does not stop the others.
    ///
    /// # Errors
    /// 87 or 122 when the batch makes no sense as a whole (nothing is sent then), 232 after a shutdown of sending.
    pub fn send_batch(&self, batch: &Outgoing) -> Result<Sent, Error> {
        self.transmit(batch.batch().map_err(Error::Request)?)
    }

    fn transmit(&self, batch: Send<'_>) -> Result<Sent, Error> {
        match ask(&*self.device, &Request::Send(batch), &mut [0; REPLY])? {
            Reply::Sent(sent) => Ok(sent),
            other => Err(unexpected(&other)),
        }
    }

    /// Shuts down receiving, sending or both.
    ///
    /// # Errors
    /// What the driver says.
    pub fn shutdown(&self, how: How) -> Result<(), Error> {
        tell(&*self.device, &Request::Shutdown(how))
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// 87 for a value out of bounds or one that is read only.
    pub fn set_parameter(&self, parameter: Parameter, value: u64) -> Result<(), Error> {
        tell(&*self.device, &Request::SetParameter(parameter, value))
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// What the driver says.
    pub fn parameter(&self, parameter: Parameter) -> Result<u64, Error> {
        match ask(&*self.device, &Request::GetParameter(parameter), &mut [0; REPLY])? {
            Reply::Value(value) => Ok(value),
            other => Err(unexpected(&other)),
        }
    }

    /// What it has done.
    ///
    /// # Errors
    /// What the driver says.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        match ask(&*self.device, &Request::Statistics, &mut [0; REPLY])? {
            Reply::Statistics(statistics) => Ok(statistics),
            other => Err(unexpected(&other)),
        }
    }

    /// All handles that are open, in the order of opening.
    ///
    /// # Errors
    /// What the driver says.
    pub fn handles(&self) -> Result<Vec<HandleEntry>, Error> {
        listed(&*self.device)
    }
}

/// All open handles of the system's driver, in the order of opening; it must be running.
///
/// # Errors
/// 1060 when the driver is not running, and what it says.
pub fn handles() -> Result<Vec<HandleEntry>, Error> {
    listed(&*system(Flags::NO_INSTALL)?)
}

/// All open handles, by a device that need not be one itself.
///
/// # Errors
/// What the driver says.
pub fn listed(device: &dyn Device) -> Result<Vec<HandleEntry>, Error> {
    let mut found: Vec<HandleEntry> = Vec::new();
    let mut reply = vec![0; 64 + MAX_LISTED * ENTRY];
    let mut from = 0;
    loop {
        match ask(device, &Request::Handles { from }, &mut reply)? {
            Reply::Handles(handles) => {
                let before = found.len();
                found.extend(handles.entries());
                match found.last() {
                    Some(last) if handles.more && found.len() > before => {
                        from = last.serial.saturating_add(1);
                    }
                    Some(_) | None => return Ok(found),
                }
            }
            other => return Err(unexpected(&other)),
        }
    }
}

#[cfg(windows)]
fn system(flags: Flags) -> Result<Box<dyn Device>, Error> {
    let device = crate::windows::open(!flags.has(Flags::NO_INSTALL))?;
    Ok(Box::new(device))
}

#[cfg(not(windows))]
const fn system(_: Flags) -> Result<Box<dyn Device>, Error> {
    Err(Error::Unsupported)
}

fn receive_message(buffer: &Buffer) -> Result<Vec<u8>, Error> {
    encoded(&Request::Receive(Receive { addresses: buffer.capacity(), hold: 0 }))
}

fn encoded(request: &Request<'_>) -> Result<Vec<u8>, Error> {
    let length = request.encoded_length();
    let mut message = vec![0; length];
    match request.encode(&mut message) {
        Ok(_) => Ok(message),
        Err(_) => Err(Error::Request(DecodeError::Length)),
    }
}

/// A request that success alone answers.
fn tell(device: &dyn Device, request: &Request<'_>) -> Result<(), Error> {
    device.message(&encoded(request)?, &mut []).map(|_| ()).map_err(Error::Failed)
}

fn ask<'r>(device: &dyn Device, request: &Request<'_>, reply: &'r mut [u8]) -> Result<Reply<'r>, Error> {
    let length = device.message(&encoded(request)?, reply)?;
    Reply::decode(reply.get(..length).unwrap_or(&[])).map_err(Error::Answer)
}

/// A reply to something else.
const fn unexpected(_: &Reply<'_>) -> Error {
    Error::Answer(DecodeError::Kind(0))
}
