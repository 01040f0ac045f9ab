//! From an object text (`divert_vm::object`, SPEC §9) to bytecode, instruction by instruction: the driver derives the same
//! text from the program again.

use std::fmt;

use divert_vm::Instruction;
use divert_vm::object::{Operand, ReadError, Reader};

use crate::back::bytecode::{EmitError, Tables, assemble};
use crate::set::{Interval, IntervalSet};

/// Why an object text is not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// It cannot be read.
    Read(ReadError),
    /// The verifier refuses what it says, or it is too large.
    Emit(EmitError),
}

impl From<ReadError> for ObjectError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<EmitError> for ObjectError {
    fn from(error: EmitError) -> Self {
        Self::Emit(error)
    }
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Emit(EmitError::Refused(error)) => error.fmt(f),
            Self::Emit(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ObjectError {}

/// The program that an object text stands for, verified for user mode's work limit.
///
/// # Errors
/// When the text is not one, or the verifier refuses the program.
pub fn program(text: &str) -> Result<Vec<u8>, ObjectError> {
    let mut reader = Reader::new(text)?;
    let mut tables = Tables::default();
    let mut instructions = Vec::new();
    while let Some(test) = reader.test()? {
        let wide = test.op.is_wide();
        let mut operand = |key: u128| if wide { tables.constant(key) } else { key as u32 };
        let mask = operand(test.mask);
        let (low, high) = match test.operand {
            Operand::Range(low, high) => (operand(low), operand(high)),
            Operand::Set(_) => {
                let mut intervals = Vec::new();
                while let Some((low, high)) = reader.interval(test.op)? {
                    intervals.extend(Interval::new(low, high));
                }
                (tables.set(wide, &IntervalSet::from_intervals(intervals))?, 0)
            }
        };
        instructions.push(Instruction {
            op: test.op,
            field: test.field,
            on_true: test.on_true,
            on_false: test.on_false,
            index: test.index,
            mask,
            low,
            high,
        });
    }
    Ok(assemble(reader.layer(), &instructions, &tables, &[])?)
}
