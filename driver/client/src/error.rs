//! What can go wrong, with the Win32 code and, where the driver gives one, the reason.

use std::fmt;

use divert_driver_protocol::{Code, DecodeError, Reason, Refused};

use crate::device::Failure;
use crate::filter::FilterError;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The filter is none.
    Filter(FilterError),
    /// The driver did not open the handle, and says why.
    Refused(Refusal),
    /// The system or the driver refused a request.
    Failed(Failure),
    /// The driver's answer cannot be understood: it is of another version.
    Answer(DecodeError),
    /// A packet or a batch that cannot be sent as it is, or a buffer that cannot be received into.
    Request(DecodeError),
    /// There is no driver on this system.
    Unsupported,
}

/// Why the driver did not open a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub Refused);

/// `ERROR_NOT_SUPPORTED`.
const NOT_SUPPORTED: u32 = 50;

impl Error {
    /// The Win32 code.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Filter(_) | Self::Request(_) => Code::InvalidParameter.number(),
            Self::Refused(refusal) => refusal.0.code.number(),
            Self::Failed(failure) => failure.0,
            Self::Answer(_) => Code::FailedPriorUnload.number(),
            Self::Unsupported => NOT_SUPPORTED,
        }
    }

    /// Whether the request failed with this code.
    #[must_use]
    pub const fn is(&self, code: Code) -> bool {
        self.code() == code.number()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(error) => write!(f, "the filter is wrong: {error}"),
            Self::Refused(refusal) => write!(f, "the driver refuses the handle: {refusal}"),
            Self::Failed(failure) => failure.fmt(f),
            Self::Answer(error) => write!(f, "the driver's answer cannot be understood: {error}"),
            Self::Request(error) => write!(f, "the request makes no sense: {error}"),
            Self::Unsupported => f.write_str("the driver exists on Windows only"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Filter(error) => Some(error),
            Self::Failed(failure) => Some(failure),
            Self::Answer(error) | Self::Request(error) => Some(error),
            Self::Refused(_) | Self::Unsupported => None,
        }
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::Filter(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { code, reason } = self.0;
        match reason {
            // The code says it better.
            None | Some(Reason::State) => code.fmt(f),
            Some(reason) => write!(f, "{reason} (error {})", code.number()),
        }
    }
}
