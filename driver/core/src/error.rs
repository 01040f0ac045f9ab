//! Why a handle is not opened.

use core::fmt;

use divert_driver_protocol::{Code, FlagError, Reason, Refused};
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

    /// The reason as the protocol has it: where the verifier or the decoder knows more, with less.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match *self {
            Self::State(_) => Reason::State,
            Self::Priority(priority) => Reason::Priority(priority),
            Self::Flags(error) => Reason::Flags(error),
            Self::Undecodable(_) => Reason::Unreadable,
            Self::Unverified(VerifyError { rule: Rule::OverLimit { work, .. }, .. }) => {
                Reason::TooCostly(work)
            }
            Self::Unverified(VerifyError { place, .. }) => match place {
                Where::Program => Reason::Program,
                Where::Instruction(number) => Reason::Instruction(number as u64),
                Where::Set(number) => Reason::Set(number),
            },
            Self::Layer { program } => Reason::Layer(program),
            Self::NoMemory => Reason::NoMemory,
            Self::TooManyHandles => Reason::TooManyHandles,
            Self::Engine(EngineError::Disabled) => Reason::EngineDisabled,
            Self::Engine(EngineError::Refused(status)) => Reason::EngineRefused(status),
        }
    }

    /// As the protocol tells it.
    #[must_use]
    pub const fn to_reply(&self) -> Refused {
        Refused { code: self.code(), reason: Some(self.reason()) }
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
            Self::Undecodable(error) => error.fmt(f),
            Self::Unverified(error) => error.fmt(f),
            Self::Priority(_)
            | Self::Flags(_)
            | Self::Layer { .. }
            | Self::NoMemory
            | Self::TooManyHandles
            | Self::Engine(_) => self.reason().fmt(f),
        }
    }
}

impl core::error::Error for Refusal {}
