//! The life of a handle: which request is allowed when, and what it does to the state.

use divert_driver_protocol::Code;
use divert_driver_protocol::request::How;

/// Where a handle is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, but not opened yet.
    Opening,
    /// Open.
    Open,
    /// Nothing more is queued.
    ReceiveShutdown,
    /// Nothing more is sent.
    SendShutdown,
    /// Both.
    BothShutdown,
    /// Being closed: what waited is completed, what was queued goes back.
    Closing,
    /// Gone.
    Closed,
}

/// What can be asked of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open it.
    Open,
    /// Receive.
    Receive,
    /// Send.
    Send,
    /// Shut down.
    Shutdown(How),
    /// Set or get a parameter, or get the counters.
    Ask,
    /// Close it.
    Close,
}

impl State {
    /// All states, in the order of life.
    pub const ALL: [Self; 7] = [
        Self::Opening,
        Self::Open,
        Self::ReceiveShutdown,
        Self::SendShutdown,
        Self::BothShutdown,
        Self::Closing,
        Self::Closed,
    ];

    /// The state after `action`.
    ///
    /// # Errors
    /// The code with which `action` fails in this state: 21 before the handle is open, 1 for a second open, 232 for
    /// what was shut down, 6 once it is being closed. A receive after shutdown is allowed: the queue has the last word.
    pub const fn after(self, action: Action) -> Result<Self, Code> {
        match (self, action) {
            (Self::Closing | Self::Closed, _) => Err(Code::InvalidHandle),
            (_, Action::Close) => Ok(Self::Closing),
            (Self::Opening, Action::Open) => Ok(Self::Open),
            (_, Action::Open) => Err(Code::InvalidFunction),
            (Self::Opening, _) => Err(Code::NotReady),
            (Self::SendShutdown | Self::BothShutdown, Action::Send) => Err(Code::NoData),
            (_, Action::Receive | Action::Send | Action::Ask) => Ok(self),
            (_, Action::Shutdown(how)) => {
                Ok(Self::with(self.receives() && !how.receive(), self.sends() && !how.send()))
            }
        }
    }

    const fn with(receives: bool, sends: bool) -> Self {
        match (receives, sends) {
            (true, true) => Self::Open,
            (false, true) => Self::ReceiveShutdown,
            (true, false) => Self::SendShutdown,
            (false, false) => Self::BothShutdown,
        }
    }

    /// Whether matches are taken.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::Open | Self::SendShutdown)
    }

    /// Whether packets can be sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::Open | Self::ReceiveShutdown)
    }
}
