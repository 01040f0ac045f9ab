//! The stack, which the doubles stand for, and the driver that is kept running.
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else the double answers is the same mistake")]

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::AsHandle as _;
use std::thread;
use std::time::{Duration, Instant};

use divert_driver_client::windows::control;
use divert_driver_client::{Filter, Handle, HandleEntry, Layer, Options};
use divert_driver_protocol::ControlCode;
use divert_testbed_control::{
    Blast, Blasted, CODE, Event, Fate, MAX_REPLY, Outcome, PATH, Packet, Reply, Request, Settings,
};
use divert_testbed_model::layer::Kind;

use crate::Check;

/// `FILE_FLAG_OVERLAPPED`.
const OVERLAPPED: u32 = 0x4000_0000;
const GONE: &str = "the driver was let go";
/// How long anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

// The doubles use the driver's own control code for their messages, on their own device.
const _: () = assert!(CODE == ControlCode::Message.number());

/// A reply to something else.
fn unexpected(reply: &Reply) -> String {
    format!("the double answers {reply:?}")
}

/// The stack.
pub(crate) struct Stack {
    /// The double's device, which goes with the driver.
    control: Option<File>,
    /// Keeps the driver running; matches nothing.
    keeper: Option<Handle>,
}

/// A list of one packet.
pub(crate) fn list(kind: Kind, bytes: &[u8]) -> Packet {
    Packet::one(kind, bytes.to_vec())
}

impl Stack {
    /// Starts the driver, as any program does: by opening a handle.
    pub(crate) fn start() -> Result<Self, String> {
        let filter = Filter::compile("false", Layer::Network).map_err(|error| error.to_string())?;
        let keeper = Handle::open(&filter, &Options::default()).map_err(|error| error.to_string())?;
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OVERLAPPED)
            .open(PATH)
            .map_err(|error| format!("the double's device: {error}"))?;
        Ok(Self { control: Some(control), keeper: Some(keeper) })
    }

    /// Lets the driver go.
    pub(crate) fn release(&mut self) {
        (self.control, self.keeper) = (None, None);
    }

    /// Starts the driver again, once it was let go.
    pub(crate) fn restart(&mut self) -> Check {
        *self = Self::start()?;
        Ok(())
    }

    fn ask(&self, request: &Request) -> Result<Reply, String> {
        self.ask_for(request, MAX_REPLY)
    }

    /// Asks for an answer of so many bytes at most.
    fn ask_for(&self, request: &Request, room: usize) -> Result<Reply, String> {
        let mut reply = vec![0; room];
        let message = request.encode();
        let device = self.control.as_ref().ok_or(GONE)?.as_handle();
        let length = control(device, ControlCode::Message, &message, &mut reply)
            .map_err(|failure| format!("the double: {failure}"))?;
        Reply::decode(reply.get(..length).unwrap_or(&[])).map_err(|_| "a malformed reply".to_owned())
    }

    /// Asks for what has no answer but that it is done.
    pub(crate) fn done(&self, request: &Request) -> Check {
        match self.ask_for(request, 64)? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Bytes go there and back, and nothing else happens.
    pub(crate) fn echo(&self, bytes: Vec<u8>) -> Check {
        let length = bytes.len();
        match self.ask_for(&Request::Echo(bytes), length + 64)? {
            Reply::Echo(bytes) if bytes.len() == length => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// How the stack behaves.
    pub(crate) fn set(&self, settings: Settings) -> Check {
        self.done(&Request::Set(settings))
    }

    /// Many lists come by.
    pub(crate) fn blast(&self, blast: Blast) -> Result<Blasted, String> {
        match self.ask(&Request::Blast(blast))? {
            Reply::Blasted(blasted) => Ok(blasted),
            other => Err(unexpected(&other)),
        }
    }

    /// A packet comes by, alone in its list.
    pub(crate) fn packet(&self, kind: Kind, bytes: &[u8]) -> Result<Fate, String> {
        match self.ask(&Request::Packets(vec![list(kind, bytes)]))? {
            Reply::Fates(fates) => fates.first().copied().ok_or_else(|| "no fate".to_owned()),
            other => Err(unexpected(&other)),
        }
    }

    /// An event happens; gives what became of it, and the flow's number.
    pub(crate) fn event(&self, event: Event) -> Result<(Fate, u64), String> {
        match self.ask(&Request::Event(event))? {
            Reply::Event(fate, flow) => Ok((fate, flow)),
            other => Err(unexpected(&other)),
        }
    }

    /// A flow ends.
    pub(crate) fn flow_ends(&self, flow: u64) -> Check {
        self.done(&Request::FlowEnd(flow))
    }

    /// Packets that left, once nothing moves any more.
    pub(crate) fn outcomes(&self) -> Result<Vec<Outcome>, String> {
        self.ask(&Request::Settle)?;
        let mut all = Vec::new();
        loop {
            match self.ask(&Request::Outcomes(1000))? {
                Reply::Outcomes(some, more) => {
                    all.extend(some);
                    if !more {
                        return Ok(all);
                    }
                }
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Nothing is left over from a test, and the double has seen nothing wrong.
    pub(crate) fn settled(&self) -> Check {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let begin = Instant::now();
        while keeper.handles().map_err(|error| error.to_string())?.len() > 1 {
            if begin.elapsed() > PATIENCE {
                return Err("handles are left open".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.outcomes()?;
        match self.ask(&Request::Report)? {
            Reply::Report(report) if report.findings.is_empty() => Ok(()),
            Reply::Report(report) => {
                self.ask(&Request::Forget)?;
                Err(format!("the double says {:?}", report.findings))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Whether a process has no handle.
    pub(crate) fn has_no_handles(&self, process: u32) -> Result<bool, String> {
        let keeper = self.keeper.as_ref().ok_or(GONE)?;
        let all = keeper.handles().map_err(|error| error.to_string())?;
        Ok(!all.iter().any(|entry| entry.process_id == process))
    }

    /// Waits until a process has no handle any more.
    pub(crate) fn wait_for_no_handles(&self, process: u32) -> Check {
        let begin = Instant::now();
        while !self.has_no_handles(process)? {
            if begin.elapsed() > PATIENCE {
                return Err(format!("process {process} still has handles"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until a process has so many handles.
    pub(crate) fn wait_for_handles(&self, process: u32, count: usize) -> Result<Vec<HandleEntry>, String> {
        let keeper = self.keeper.as_ref().ok_or(GONE)?;
        let begin = Instant::now();
        loop {
            let all = keeper.handles().map_err(|error| error.to_string())?;
            let own: Vec<_> = all.into_iter().filter(|entry| entry.process_id == process).collect();
            if own.len() >= count {
                return Ok(own);
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("process {process} has {} handles, not {count}", own.len()));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
