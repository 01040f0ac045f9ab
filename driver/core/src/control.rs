//! Messages of user mode to calls of the driver. The shell takes the message from its request and hands it over with
//! the calling process, which it knows from the system and not from the message.

use alloc::vec::Vec;

use divert_driver_protocol::reply::ENTRY;
use divert_driver_protocol::{Code, Completed, Handles, Receive, Reply, Request};

use crate::driver::{Driver, HandleId};
use crate::platform::Platform;

/// What a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// So many bytes of the reply buffer are the answer; none where success says all.
    Replied(usize),
    /// It is a receive: the shell makes one of its request and calls [`Driver::receive`].
    Receive(Receive),
    /// The shell completes the request with this and nothing else.
    Complete(Completed),
    /// The shell lets this very request wait under this name.
    Hold {
        /// The name; not 0.
        token: u64,
    },
    /// The shell ends the request of this handle that waits under this name.
    Release {
        /// The name.
        token: u64,
        /// How it ends.
        completed: Completed,
    },
}

impl<P: Platform> Driver<P> {
    /// Carries out a message.
    ///
    /// # Errors
    /// 87 for bytes that are no message, 122 for a reply buffer that is too small (what was asked is done all the
    /// same), and the request's own code. A refused opening is a reply, not an error, so that the reason reaches user
    /// mode.
    pub fn control(
        &self,
        id: HandleId,
        process_id: u32,
        message: &[u8],
        reply: &mut [u8],
    ) -> Result<Control, Code> {
        let request = Request::decode(message).map_err(|_| Code::InvalidParameter)?;
        let answer = match request {
            Request::Open(open) => match self.open(id, process_id, &open) {
                Ok(opened) => Reply::Opened(opened),
                Err(refusal) => Reply::Refused(refusal.to_reply()),
            },
            Request::Receive(receive) => return Ok(Control::Receive(receive)),
            Request::Send(send) => Reply::Sent(self.send(id, &send)?),
            Request::Shutdown(how) => {
                self.shutdown(id, how)?;
                return Ok(Control::Replied(0));
            }
            Request::SetParameter(parameter, value) => {
                self.set_parameter(id, parameter, value)?;
                return Ok(Control::Replied(0));
            }
            Request::GetParameter(parameter) => Reply::Value(self.parameter(id, parameter)?),
            Request::Statistics => Reply::Statistics(self.statistics(id)?),
            Request::Handles { from } => return self.list(from, reply),
            Request::Complete(completed) => return Ok(Control::Complete(completed)),
            Request::Hold { token } => return Ok(Control::Hold { token }),
            Request::Release { token, completed } => return Ok(Control::Release { token, completed }),
        };
        let written = answer.encode(reply).map_err(|_| Code::InsufficientBuffer)?;
        Ok(Control::Replied(written))
    }

    /// Writes as many handles as fit into the reply.
    fn list(&self, from: u64, reply: &mut [u8]) -> Result<Control, Code> {
        let empty = Reply::Handles(Handles::new(&[], false)).encoded_length();
        let room = reply.len().checked_sub(empty).ok_or(Code::InsufficientBuffer)?;
        let most = Self::entries_in(room).min(divert_driver_protocol::limits::MAX_LISTED);
        let mut entries: Vec<[u8; ENTRY]> = Vec::new();
        entries.try_reserve_exact(most).map_err(|_| Code::NoSystemResources)?;
        let more = self.handles(from, most, |entry| {
            let _ = crate::memory::try_push(&mut entries, entry.encode());
        });
        let answer = Reply::Handles(Handles::new(&entries, more));
        let written = answer.encode(reply).map_err(|_| Code::InsufficientBuffer)?;
        Ok(Control::Replied(written))
    }
}
