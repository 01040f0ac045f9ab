//! The verifier accepts what SPEC §6 allows and nothing else, and what it accepts runs as SPEC §4 says, within its bound.

use divert_compiler::front::bytecode::lift;
use divert_compiler::graph::check::check;
use divert_compiler::graph::eval::eval;
use divert_vm::disasm::Listing;
use divert_vm::limits::{DRIVER_WORK, USER_WORK};
use divert_vm::wire::HEADER;
use divert_vm::{FIELDS, Program};

use super::{Finding, Outcome, agree, object_text, reference, require};
use crate::r#gen::assembly::fix_checksum;
use crate::r#gen::{case::Case, program};
use crate::source::Source;

/// Whether a program is accepted under a work limit: [`accepted`], or a wrong verifier in tests.
pub type Verifier = fn(&Program<'_>, u32) -> bool;

/// The verifier's word.
#[must_use]
pub fn accepted(program: &Program<'_>, limit: u32) -> bool {
    program.verify(limit).is_ok()
}

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They are no program.
    NoProgram,
    /// They are refused.
    Refused,
    /// They ran.
    Ran,
}

/// Decodes, verifies and runs.
///
/// # Errors
/// What does not hold.
pub fn handle(bytes: &[u8], source: &mut Source<'_>, verifier: Verifier) -> Result<Fate, Finding> {
    let program = match Program::decode(bytes) {
        Ok(program) => program,
        Err(error) => {
            let _ = error.to_string();
            return Ok(Fate::NoProgram);
        }
    };
    let shown = |what: String| Finding::new(format!("{what}\n{}", Listing::new(&program, 20)));
    for limit in [USER_WORK, DRIVER_WORK, 3] {
        let (said, allowed) = (verifier(&program, limit), reference::work(&program, limit));
        let error = program.verify(limit).err();
        require(said == allowed.is_some(), || {
            format!("limit {limit}: accepted: {said}, SPEC §6 allows it: {}, {error:?}", allowed.is_some())
        })
        .map_err(|finding| shown(finding.to_string()))?;
    }
    let verified = match program.verify(USER_WORK) {
        Ok(verified) => verified,
        Err(error) => {
            require((1..=14).contains(&error.rule.number()), || {
                format!("a refusal without a number: {error}")
            })?;
            return Ok(Fate::Refused);
        }
    };
    let work = reference::work(&program, USER_WORK);
    require(work == Some(verified.work()), || format!("work {}, not {work:?}", verified.work()))?;
    for info in &FIELDS {
        let foreign = verified.reads(info.field) && !info.layers.contains(program.layer());
        require(!foreign, || format!("it reads {}", info.name))?;
    }
    let lifted = lift(&verified);
    check(&lifted).map_err(|defect| shown(format!("lifted, it has a defect: {defect:?}")))?;
    object_text::of_program(&verified)?;
    for _ in 0..6 {
        let case = Case::any(source, program.layer());
        let checked = case.with(|input| {
            let (wanted, steps) = reference::run(&program, input);
            let verdict = agree::run(bytes, input)?;
            require(verdict == wanted && verified.matches_counting(input).1 == steps, || {
                format!("{:?}, but by SPEC §4 {:?}", verified.matches_counting(input), (wanted, steps))
            })?;
            require(eval(&lifted, input) == wanted, || "lifted, it gives another verdict".to_owned())
        });
        checked.unwrap_or(Ok(())).map_err(|finding| shown(format!("{finding}\ncase: {case}")))?;
    }
    Ok(Fate::Ran)
}

/// The bytes as a program, also with the header put right.
///
/// # Errors
/// What does not hold.
pub fn any_bytes(bytes: &[u8]) -> Outcome {
    let mut source = Source::endless(bytes);
    handle(bytes, &mut source.clone(), accepted)?;
    let mut bytes = bytes.to_vec();
    fix_checksum(&mut bytes);
    handle(&bytes, &mut source.clone(), accepted)?;
    if bytes.len() >= HEADER {
        bytes[..6].copy_from_slice(b"DVC\x1a\x01\0");
        (bytes[6], bytes[7]) = (bytes[6] % 5, 0);
        bytes[44..48].fill(0);
        let mut left = bytes.len() - HEADER;
        // The sections that the header asks for, as far as there are bytes; the rest is debug section.
        for (at, size) in [(16, 36), (20, 16), (24, 24), (28, 8), (32, 32), (36, 4)] {
            let wanted = usize::from(bytes[at]);
            let count = wanted.min(left / size);
            left -= count * size;
            bytes[at..at + 4].copy_from_slice(&(count as u32).to_le_bytes());
        }
        bytes[40..44].copy_from_slice(&(left as u32).to_le_bytes());
        program::fix_header(&mut bytes);
        let fate = handle(&bytes, &mut source, accepted)?;
        require(fate != Fate::NoProgram, || "a header that is right is refused".to_owned())?;
    }
    Ok(())
}

/// A program built to be valid.
///
/// # Errors
/// What does not hold.
pub fn any_program(bytes: &[u8]) -> Outcome {
    let mut source = Source::endless(bytes);
    let encoded = program::valid(&mut source).encode();
    let fate = handle(&encoded, &mut source, accepted)?;
    require(fate == Fate::Ran, || match Program::decode(&encoded).map(|program| program.verify(USER_WORK)) {
        Ok(Err(error)) => format!("a valid program is refused: {error}"),
        other => format!("a valid program is no program: {other:?}"),
    })
}

/// A program built to be valid, damaged.
///
/// # Errors
/// What does not hold.
pub fn any_damage(bytes: &[u8]) -> Outcome {
    any_damage_with(bytes, accepted)
}

/// [`any_damage`] with another verifier.
///
/// # Errors
/// What does not hold.
pub fn any_damage_with(bytes: &[u8], verifier: Verifier) -> Outcome {
    let mut source = Source::endless(bytes);
    let original = program::valid(&mut source).encode();
    let mut damaged = program::damaged(&mut source, original.clone());
    let fate = handle(&damaged, &mut source, verifier)?;
    require(fate == Fate::NoProgram || damaged == original, || {
        "damage in few bytes gets past the checksum".to_owned()
    })?;
    fix_checksum(&mut damaged);
    handle(&damaged, &mut source, verifier)?;
    program::fix_header(&mut damaged);
    handle(&damaged, &mut source, verifier)?;
    Ok(())
}
