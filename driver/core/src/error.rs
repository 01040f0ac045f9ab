//! Why a handle is not opened.

use core::fmt;

use divert_driver_protocol::{Code, FlagError, Refused};
use divert_vm::verify::{Rule, Where};
use divert_vm::wire::DecodeError;
use divert_vm::{Layer, VerifyError};

use crate::platform::{EngineError, KeepError};

/// Why a handle is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The handle is open already, closing or closed, or does not exist: the code says which.
    State(Code),
    /// The priority is outside −30000 … 30000.
    Priority(i16),
    /// The flags do not go together, or not with the layer.
    Flags(FlagError),
    /// The bytes are not a program.
    Undecodable(DecodeError),
    /// The verifier refuses the program.
    Unverified(VerifyError),
    /// The program is for another layer than the handle.
    Layer {
        /// The program's.
        program: Layer,
    },
    /// No memory, or no budget.
    NoMemory,
    /// As many handles as there may be.
    TooManyHandles,
    /// The filtering engine refused to install callouts.
    Engine(EngineError),
}

impl Refusal {
    /// The Win32 code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::State(code) => *code,
            Self::Priority(_)
            | Self::Flags(_)
            | Self::Undecodable(_)
            | Self::Unverified(_)
            | Self::Layer { .. } => Code::InvalidParameter,
            Self::NoMemory | Self::TooManyHandles | Self::Engine(EngineError::Refused(_)) => {
                Code::NoSystemResources
            }
            Self::Engine(EngineError::Disabled) => Code::NotRegistered,
        }
    }

    /// The reason's number and what it is about; numbers are never used again for something else.
    #[must_use]
    pub fn reason(&self) -> (u32, u64) {
        match *self {
            Self::State(_) => (1, 0),
            Self::Priority(priority) => (2, i64::from(priority).cast_unsigned()),
            Self::Flags(FlagError::Unknown(bits)) => (3, bits),
            Self::Flags(FlagError::SniffAndDrop) => (4, 0),
            Self::Flags(FlagError::ReceiveAndSendOnly) => (5, 0),
            Self::Flags(FlagError::NeedsSniff(layer)) => (6, u64::from(layer.number())),
            Self::Flags(FlagError::NeedsReceiveOnly(layer)) => (7, u64::from(layer.number())),
            Self::Undecodable(_) => (8, 0),
            Self::Unverified(VerifyError { rule: Rule::OverLimit { work, .. }, .. }) => (9, u64::from(work)),
            Self::Unverified(VerifyError { place, .. }) => match place {
                Where::Program => (10, 0),
                Where::Instruction(number) => (11, number as u64),
                Where::Set(number) => (12, u64::from(number)),
            },
            Self::Layer { program } => (13, u64::from(program.number())),
            Self::NoMemory => (14, 0),
            Self::TooManyHandles => (15, 0),
            Self::Engine(EngineError::Disabled) => (16, 0),
            Self::Engine(EngineError::Refused(status)) => (17, u64::from(status)),
        }
    }

    /// As the protocol tells it.
    #[must_use]
    pub fn to_reply(&self) -> Refused {
        let (reason, detail) = self.reason();
        Refused { code: self.code(), reason, detail }
    }
}

impl From<KeepError> for Refusal {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Decode(error) => Self::Undecodable(error),
            KeepError::Verify(error) => Self::Unverified(error),
            KeepError::NoMemory => Self::NoMemory,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(code) => code.fmt(f),
            Self::Priority(priority) => write!(f, "priority {priority} is outside -30000 to 30000"),
            Self::Flags(error) => error.fmt(f),
            Self::Undecodable(error) => error.fmt(f),
            Self::Unverified(error) => error.fmt(f),
            Self::Layer { program } => write!(f, "the program is for {}", program.name()),
            Self::NoMemory => f.write_str("memory is exhausted"),
            Self::TooManyHandles => f.write_str("too many handles are open"),
            Self::Engine(EngineError::Disabled) => f.write_str("the filtering engine is disabled"),
            Self::Engine(EngineError::Refused(status)) => {
                write!(f, "the filtering engine refused with status {status:#x}")
            }
        }
    }
}

impl core::error::Error for Refusal {}
