//! The Win32 codes with which requests fail.

use core::fmt;

/// Why a request failed, as user mode is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Code {
    /// `ERROR_INVALID_FUNCTION`: the request does not fit the handle's state, such as a second open.
    InvalidFunction = 1,
    /// `ERROR_FILE_NOT_FOUND`: no driver file.
    FileNotFound = 2,
    /// `ERROR_ACCESS_DENIED`: not an administrator.
    AccessDenied = 5,
    /// `ERROR_INVALID_HANDLE`: closed, or closing.
    InvalidHandle = 6,
    /// `ERROR_NOT_READY`: not opened yet.
    NotReady = 21,
    /// `ERROR_INVALID_PARAMETER`: a filter, layer, priority, flag, parameter, packet or order of calls that is wrong.
    InvalidParameter = 87,
    /// `ERROR_INSUFFICIENT_BUFFER`: a packet was truncated on receive, or cut short on send.
    InsufficientBuffer = 122,
    /// `ERROR_NO_DATA`: receiving was shut down and the queue is empty; or sending was shut down.
    NoData = 232,
    /// `ERROR_INVALID_IMAGE_HASH`: the driver is not signed.
    InvalidImageHash = 577,
    /// `ERROR_DRIVER_FAILED_PRIOR_UNLOAD`: an incompatible version is loaded.
    FailedPriorUnload = 654,
    /// `ERROR_OPERATION_ABORTED`: a pended receive was cancelled, or its handle closed.
    OperationAborted = 995,
    /// `ERROR_SERVICE_DOES_NOT_EXIST`: `NO_INSTALL`, and the driver is not running.
    ServiceDoesNotExist = 1060,
    /// `ERROR_HOST_UNREACHABLE`: the time to live of an impostor packet would reach zero.
    HostUnreachable = 1232,
    /// `ERROR_DRIVER_BLOCKED`: the driver is blocked by policy.
    DriverBlocked = 1275,
    /// `ERROR_NO_SYSTEM_RESOURCES`: memory or a table is exhausted.
    NoSystemResources = 1450,
    /// `EPT_S_NOT_REGISTERED`: the base filtering engine is disabled.
    NotRegistered = 1753,
}

impl Code {
    /// All codes, by number.
    pub const ALL: [Self; 16] = [
        Self::InvalidFunction,
        Self::FileNotFound,
        Self::AccessDenied,
        Self::InvalidHandle,
        Self::NotReady,
        Self::InvalidParameter,
        Self::InsufficientBuffer,
        Self::NoData,
        Self::InvalidImageHash,
        Self::FailedPriorUnload,
        Self::OperationAborted,
        Self::ServiceDoesNotExist,
        Self::HostUnreachable,
        Self::DriverBlocked,
        Self::NoSystemResources,
        Self::NotRegistered,
    ];

    /// Its Win32 number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InvalidFunction => "the handle's state does not allow it",
            Self::FileNotFound => "the driver file was not found",
            Self::AccessDenied => "only administrators may",
            Self::InvalidHandle => "the handle is closed",
            Self::NotReady => "the handle is not open yet",
            Self::InvalidParameter => "a parameter is wrong",
            Self::InsufficientBuffer => "a packet does not fit the buffer",
            Self::NoData => "this direction was shut down",
            Self::InvalidImageHash => "the driver is not signed",
            Self::FailedPriorUnload => "an incompatible driver is loaded",
            Self::OperationAborted => "it was cancelled",
            Self::ServiceDoesNotExist => "the driver is not running",
            Self::HostUnreachable => "the packet has travelled too far",
            Self::DriverBlocked => "the driver is blocked",
            Self::NoSystemResources => "memory is exhausted",
            Self::NotRegistered => "the base filtering engine is disabled",
        };
        write!(f, "{text} (error {})", self.number())
    }
}

impl core::error::Error for Code {}
