//! What can go wrong, with the Win32 code and, where the driver gives one, the reason.

use std::fmt;

use divert_driver_protocol::{Code, DecodeError, Refused};
use divert_vm::Layer;

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
    /// The reasons by the numbers of the driver's list (`Refusal::reason` of its core).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { code, reason, detail } = self.0;
        let layer =
            || u8::try_from(detail).ok().and_then(Layer::from_number).map_or("this layer", Layer::name);
        match reason {
            2 => write!(f, "priority {} is outside -30000 to 30000", detail.cast_signed())?,
            3 => write!(f, "flags {detail:#x} do not exist")?,
            4 => f.write_str("SNIFF and DROP exclude each other")?,
            5 => f.write_str("RECV_ONLY and SEND_ONLY exclude each other")?,
            6 => write!(f, "{} needs SNIFF", layer())?,
            7 => write!(f, "{} needs RECV_ONLY", layer())?,
            8 => f.write_str("the program cannot be read")?,
            9 => write!(f, "a packet could cost the filter {detail} steps, more than the driver accepts")?,
            10 => f.write_str("the verifier refuses the program")?,
            11 => write!(f, "the verifier refuses instruction {detail} of the program")?,
            12 => write!(f, "the verifier refuses set {detail} of the program")?,
            13 => write!(f, "the filter is for {}", layer())?,
            14 => f.write_str("memory is exhausted")?,
            15 => f.write_str("too many handles are open")?,
            16 => f.write_str("the filtering engine is disabled")?,
            17 => write!(f, "the filtering engine refused with status {detail:#x}")?,
            _ => return code.fmt(f),
        }
        write!(f, " (error {})", code.number())
    }
}
