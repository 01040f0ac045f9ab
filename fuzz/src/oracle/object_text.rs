//! The object text of a program (SPEC §9) reads back as the same text and the same meaning; any other text is refused or is
//! the only way to write what it says.

use divert_compiler::back::object::text;
use divert_compiler::front::bytecode::lift;
use divert_compiler::front::object::{ObjectError, program as read};
use divert_vm::limits::USER_WORK;
use divert_vm::object::PREFIX;
use divert_vm::{Program, Verified};

use super::{Finding, Outcome, require};
use crate::r#gen::program;
use crate::source::Source;

/// Writes and reads a program.
///
/// # Errors
/// What does not hold.
pub fn of_program(verified: &Verified<'_>) -> Outcome {
    let written = text(verified);
    let bytes = read(&written).map_err(|error| Finding::new(format!("{written} is refused: {error}")))?;
    let again = verify(&written, &bytes)?;
    require(text(&again) == written, || format!("{written} is written as {}", text(&again)))?;
    require(lift(&again) == lift(verified), || format!("{written} means something else than its program"))
}

/// Reads any text; what is accepted is written as it was.
///
/// # Errors
/// What does not hold.
pub fn of_text(object: &str) -> Outcome {
    match read(object) {
        Ok(bytes) => {
            let written = text(&verify(object, &bytes)?);
            require(written == object, || format!("{object} is written as {written}"))
        }
        Err(ObjectError::Read(error)) => {
            require(error.at <= object.len(), || format!("{error} lies outside {object}"))
        }
        Err(ObjectError::Emit(_)) => Ok(()),
    }
}

fn verify<'b>(object: &str, bytes: &'b [u8]) -> Result<Verified<'b>, Finding> {
    let program = Program::decode(bytes).ok().and_then(|program| program.verify(USER_WORK).ok());
    program.ok_or_else(|| Finding::new(format!("{object} becomes a program that is refused")))
}

/// The bytes as an object text, and the text of a program with some digits changed.
///
/// # Errors
/// What does not hold.
pub fn any_text(bytes: &[u8]) -> Outcome {
    of_text(&String::from_utf8_lossy(bytes))?;
    of_text(&format!("{PREFIX}{}", String::from_utf8_lossy(bytes)))?;
    let mut source = Source::endless(bytes);
    let encoded = program::valid(&mut source).encode();
    let Some(verified) = Program::decode(&encoded).ok().and_then(|program| program.verify(USER_WORK).ok())
    else {
        return Ok(());
    };
    let mut damaged = text(&verified).into_bytes();
    for _ in 0..=source.below(3) {
        let at = source.below(damaged.len());
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_";
        if let Some(sign) = damaged.get_mut(at) {
            *sign = source.pick(digits);
        }
    }
    of_text(&String::from_utf8_lossy(&damaged))
}
