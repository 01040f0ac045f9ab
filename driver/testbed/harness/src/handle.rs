//! A handle of the driver, spoken to in its protocol without any library between.

use divert_driver_protocol::limits::NAME;
use divert_driver_protocol::{
    Address, Code as Win32, Completed, ControlCode, Counter, Flags, HandleEntry, How, Layout, Open, Opened,
    Parameter, Receive, Reply, Request, Send, Sent, Statistics,
};
use divert_vm::Layer;

use crate::sys::{Code, Device, Pending};
use crate::{Check, filters};

/// Longer than any test waits for what comes.
const PATIENCE: u32 = 20_000;

/// A handle.
pub(crate) struct Handle {
    device: Device,
}

/// What one receive brought.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Records.
    pub(crate) addresses: Vec<Address>,
    /// The records as they came.
    pub(crate) records: Vec<[u8; 80]>,
    /// Packets, back to back.
    pub(crate) data: Vec<u8>,
    /// The code in the answer.
    pub(crate) code: Option<Win32>,
}

/// A receive that waits.
pub(crate) struct Receiving {
    pending: Pending,
    layout: Layout,
}

impl Receiving {
    /// Waits for it.
    pub(crate) fn wait(&self) -> Result<Batch, Code> {
        self.wait_for(PATIENCE)
    }

    /// Waits for it, so long.
    pub(crate) fn wait_for(&self, milliseconds: u32) -> Result<Batch, Code> {
        let bytes = self.pending.wait(milliseconds)?;
        // A malformed answer is as good as none.
        let received = self.layout.read(&bytes).map_err(|_| 0xBAD_u32)?;
        let addresses: Vec<Address> = received.addresses().collect();
        Ok(Batch {
            records: addresses.iter().map(Address::encode).collect(),
            addresses,
            data: received.data.to_vec(),
            code: received.code,
        })
    }

    /// Whether it is done.
    pub(crate) fn is_done(&self) -> bool {
        self.pending.is_done()
    }

    /// Asks for it to be cancelled.
    pub(crate) fn cancel(&self) {
        self.pending.cancel();
    }
}

impl Batch {
    /// The packets, each as long as it says.
    pub(crate) fn packets(&self) -> Vec<&[u8]> {
        let mut rest = &self.data[..];
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let length = divert_vm::Packet::parse(rest).map_or(rest.len(), |packet| packet.end());
            let (packet, behind) = rest.split_at(length.clamp(1, rest.len()));
            packets.push(packet);
            rest = behind;
        }
        packets
    }
}

impl Handle {
    /// A handle that is not opened yet.
    pub(crate) fn create() -> Result<Self, Code> {
        Ok(Self { device: Device::open(&format!(r"\\.\{NAME}"))? })
    }

    /// The handle with this number, which this process was given.
    pub(crate) fn given(number: usize) -> Result<Self, Code> {
        Ok(Self { device: Device::given(number)? })
    }

    /// Gives it to another process; gives the number that it has there.
    pub(crate) fn give(&self, child: &std::process::Child) -> Result<usize, Code> {
        self.device.give(child)
    }

    /// Opens a handle with a filter.
    pub(crate) fn open(layer: Layer, filter: &str, priority: i16, flags: Flags) -> Check<Self> {
        let program = filters::program(layer, filter)?;
        let handle = Self::create().map_err(|code| format!("the device: error {code}"))?;
        handle
            .open_with(layer, &program, priority, flags)
            .map_err(|code| format!("opening {filter}: error {code}"))?;
        Ok(handle)
    }

    /// Opens a handle at NETWORK.
    pub(crate) fn network(filter: &str, priority: i16, flags: Flags) -> Check<Self> {
        Self::open(Layer::Network, filter, priority, flags)
    }

    /// Opens it with a program. The code of a refusal is an error, too.
    pub(crate) fn open_with(
        &self,
        layer: Layer,
        program: &[u8],
        priority: i16,
        flags: Flags,
    ) -> Result<Opened, Code> {
        let answer = self.message(&Request::Open(Open { layer, priority, flags, work_limit: 0, program }))?;
        match Reply::decode(&answer) {
            Ok(Reply::Opened(opened)) => Ok(opened),
            Ok(Reply::Refused(refused)) => Err(refused.code.number()),
            _ => Err(0xBAD),
        }
    }

    /// Sends bytes as a message; gives the answer.
    pub(crate) fn raw(&self, code: u32, input: &[u8], room: usize) -> Result<Vec<u8>, Code> {
        let mut output = vec![0; room];
        let length = self.device.control(code, input, &mut output)?;
        output.truncate(length);
        Ok(output)
    }

    /// Starts a request with any code and bytes.
    pub(crate) fn raw_start(&self, code: u32, input: &[u8], room: usize) -> Result<Pending, Code> {
        self.device.start(code, input, room)
    }

    /// Sends a message; gives the answer.
    pub(crate) fn message(&self, request: &Request<'_>) -> Result<Vec<u8>, Code> {
        let mut message = vec![0; request.encoded_length()];
        request.encode(&mut message).map_err(|_| 0xBAD_u32)?;
        self.raw(ControlCode::Message.number(), &message, 1 << 16)
    }

    /// Starts a receive.
    pub(crate) fn start(&self, addresses: u8, room: usize) -> Result<Receiving, Code> {
        self.start_for(addresses, room, 0)
    }

    /// Starts a receive on behalf of a held request.
    pub(crate) fn start_for(&self, addresses: u8, room: usize, hold: u64) -> Result<Receiving, Code> {
        let layout = Layout::new(Layout::length(addresses, room), addresses).map_err(|_| 0xBAD_u32)?;
        let request = Request::Receive(Receive { addresses, hold });
        let mut message = [0; 64];
        let length = request.encode(&mut message).map_err(|_| 0xBAD_u32)?;
        let message = &message[..length];
        let code = ControlCode::Receive.number();
        let pending = self.device.start(code, message, Layout::length(addresses, room))?;
        Ok(Receiving { pending, layout })
    }

    /// Lets a request be held under a name.
    pub(crate) fn hold(&self, token: u64) -> Result<Pending, Code> {
        let mut message = [0; 64];
        let length = Request::Hold { token }.encode(&mut message).map_err(|_| 0xBAD_u32)?;
        self.device.start(ControlCode::Message.number(), &message[..length], 0)
    }

    /// Ends a held request.
    pub(crate) fn release(&self, token: u64, completed: Completed) -> Result<(), Code> {
        let mut message = [0; 64];
        let length = Request::Release { token, completed }.encode(&mut message).map_err(|_| 0xBAD_u32)?;
        self.raw(ControlCode::Message.number(), &message[..length], 0).map(drop)
    }

    /// Closes it, whoever uses it.
    pub(crate) fn close(&self) {
        self.device.close();
    }

    /// Receives one packet or event.
    pub(crate) fn receive(&self) -> Result<Batch, Code> {
        self.start(1, 0x1_0000)?.wait()
    }

    /// Receives what is there, one by one, up to `most`; nothing is waited for long.
    pub(crate) fn drain(&self, most: usize) -> Check<Vec<(Address, Vec<u8>)>> {
        let mut all = Vec::new();
        while all.len() < most {
            match self.start(1, 0x1_0000).and_then(|receive| receive.wait_for(200)) {
                Ok(batch) => all.push((batch.addresses[0], batch.data)),
                Err(crate::sys::TIMEOUT) => break,
                Err(232) => break,
                Err(code) => return Err(format!("receiving: error {code}")),
            }
        }
        Ok(all)
    }

    /// Sends packets.
    pub(crate) fn send(&self, records: &[[u8; 80]], data: &[u8]) -> Result<Sent, Code> {
        let send = Send::new(records, data).map_err(|_| 0xBAD_u32)?;
        let answer = self.message(&Request::Send(send))?;
        match Reply::decode(&answer) {
            Ok(Reply::Sent(sent)) => Ok(sent),
            _ => Err(0xBAD),
        }
    }

    /// Sends back what was received.
    pub(crate) fn send_back(&self, batch: &Batch) -> Result<Sent, Code> {
        self.send(&batch.records, &batch.data)
    }

    /// Shuts down.
    pub(crate) fn shutdown(&self, how: How) -> Result<(), Code> {
        self.message(&Request::Shutdown(how)).map(drop)
    }

    /// Sets a parameter.
    pub(crate) fn set(&self, parameter: Parameter, value: u64) -> Result<(), Code> {
        self.message(&Request::SetParameter(parameter, value)).map(drop)
    }

    /// A parameter.
    pub(crate) fn get(&self, parameter: Parameter) -> Result<u64, Code> {
        match Reply::decode(&self.message(&Request::GetParameter(parameter))?) {
            Ok(Reply::Value(value)) => Ok(value),
            _ => Err(0xBAD),
        }
    }

    /// The counters.
    pub(crate) fn statistics(&self) -> Result<Statistics, Code> {
        match Reply::decode(&self.message(&Request::Statistics)?) {
            Ok(Reply::Statistics(statistics)) => Ok(statistics),
            _ => Err(0xBAD),
        }
    }

    /// A counter.
    pub(crate) fn counter(&self, counter: Counter) -> Result<u64, Code> {
        Ok(self.statistics()?.get(counter))
    }

    /// The open handles.
    pub(crate) fn handles(&self) -> Result<Vec<HandleEntry>, Code> {
        match Reply::decode(&self.message(&Request::Handles { from: 0 })?) {
            Ok(Reply::Handles(handles)) => Ok(handles.entries().collect()),
            _ => Err(0xBAD),
        }
    }
}

/// Says which call failed with which error.
pub(crate) trait Context<T> {
    fn context(self, what: &str) -> Check<T>;
}

impl<T> Context<T> for Result<T, Code> {
    fn context(self, what: &str) -> Check<T> {
        self.map_err(|code| format!("{what}: error {code}"))
    }
}
