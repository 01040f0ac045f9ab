//! Why a handle was not opened, as user mode is told.

use core::fmt;

use divert_vm::Layer;

use crate::flags::FlagError;
use crate::limits::{MAX_PRIORITY, MIN_PRIORITY};
use crate::wire::DecodeError;

/// Why a handle was not opened. In a message it is a number, which is never used again for something else, and a detail of
/// 64 bits; numbers that have none say 0 there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// 1: the handle is open already, closing or closed, or does not exist; the code says which.
    State,
    /// 2: the priority is out of bounds.
    Priority(i16),
    /// 3 to 7: the flags do not go together, or not with the layer.
    Flags(FlagError),
    /// 8: the bytes are not a program.
    Unreadable,
    /// 9: the program could cost so many steps, which is more than is allowed.
    TooCostly(u32),
    /// 10: the verifier refuses the program as a whole.
    Program,
    /// 11: the verifier refuses an instruction, by its number.
    Instruction(u64),
    /// 12: the verifier refuses a set, by its number.
    Set(u32),
    /// 13: the program is for this layer, and not for that of the handle.
    Layer(Layer),
    /// 14: no memory, or no budget.
    NoMemory,
    /// 15: as many handles as there may be.
    TooManyHandles,
    /// 16: the filtering engine is disabled.
    EngineDisabled,
    /// 17: the filtering engine refused, with this status.
    EngineRefused(u32),
}

impl Reason {
    /// Its number and its detail in a message.
    #[must_use]
    pub fn parts(self) -> (u32, u64) {
        match self {
            Self::State => (1, 0),
            Self::Priority(priority) => (2, i64::from(priority).cast_unsigned()),
            Self::Flags(FlagError::Unknown(bits)) => (3, bits),
            Self::Flags(FlagError::SniffAndDrop) => (4, 0),
            Self::Flags(FlagError::ReceiveAndSendOnly) => (5, 0),
            Self::Flags(FlagError::NeedsSniff(layer)) => (6, layer.number().into()),
            Self::Flags(FlagError::NeedsReceiveOnly(layer)) => (7, layer.number().into()),
            Self::Unreadable => (8, 0),
            Self::TooCostly(work) => (9, work.into()),
            Self::Program => (10, 0),
            Self::Instruction(number) => (11, number),
            Self::Set(number) => (12, number.into()),
            Self::Layer(program) => (13, program.number().into()),
            Self::NoMemory => (14, 0),
            Self::TooManyHandles => (15, 0),
            Self::EngineDisabled => (16, 0),
            Self::EngineRefused(status) => (17, status.into()),
        }
    }

    /// The reason with this number and detail.
    ///
    /// # Errors
    /// When there is none with that number, or the detail is not one of it.
    pub fn from_parts(number: u32, detail: u64) -> Result<Self, DecodeError> {
        let reason = match number {
            1 => Self::State,
            2 => Self::Priority(narrow(detail.cast_signed())?),
            3 => Self::Flags(FlagError::Unknown(detail)),
            4 => Self::Flags(FlagError::SniffAndDrop),
            5 => Self::Flags(FlagError::ReceiveAndSendOnly),
            6 => Self::Flags(FlagError::NeedsSniff(layer(detail)?)),
            7 => Self::Flags(FlagError::NeedsReceiveOnly(layer(detail)?)),
            8 => Self::Unreadable,
            9 => Self::TooCostly(narrow(detail)?),
            10 => Self::Program,
            11 => Self::Instruction(detail),
            12 => Self::Set(narrow(detail)?),
            13 => Self::Layer(layer(detail)?),
            14 => Self::NoMemory,
            15 => Self::TooManyHandles,
            16 => Self::EngineDisabled,
            17 => Self::EngineRefused(narrow(detail)?),
            _ => return Err(DecodeError::Number(number)),
        };
        // What has no detail says so.
        if reason.parts() == (number, detail) { Ok(reason) } else { Err(DecodeError::Reserved) }
    }
}

fn narrow<D, T: TryFrom<D>>(detail: D) -> Result<T, DecodeError> {
    T::try_from(detail).map_err(|_| DecodeError::Reserved)
}

fn layer(detail: u64) -> Result<Layer, DecodeError> {
    let number = narrow(detail)?;
    Layer::from_number(number).ok_or_else(|| DecodeError::Number(number.into()))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => f.write_str("the handle's state does not allow it"),
            Self::Priority(priority) => {
                write!(f, "priority {priority} is outside {MIN_PRIORITY} to {MAX_PRIORITY}")
            }
            Self::Flags(error) => error.fmt(f),
            Self::Unreadable => f.write_str("the program cannot be read"),
            Self::TooCostly(work) => {
                write!(f, "a packet could cost the filter {work} steps, more than the driver accepts")
            }
            Self::Program => f.write_str("the verifier refuses the program"),
            Self::Instruction(number) => {
                write!(f, "the verifier refuses instruction {number} of the program")
            }
            Self::Set(number) => write!(f, "the verifier refuses set {number} of the program"),
            Self::Layer(program) => write!(f, "the filter is for {}", program.name()),
            Self::NoMemory => f.write_str("memory is exhausted"),
            Self::TooManyHandles => f.write_str("too many handles are open"),
            Self::EngineDisabled => f.write_str("the filtering engine is disabled"),
            Self::EngineRefused(status) => write!(f, "the filtering engine refused with status {status:#x}"),
        }
    }
}
