//! The verifier: from a decoded [`Program`] to a [`Verified`] one. One invariant, one `check_` function, one V-number
//! of `SPEC.md` §6, in that order. It never panics and never allocates; its time is linear in the program's length.

mod certificate;
mod error;
mod needs;

pub use certificate::certify;
pub use error::{Rule, VerifyError, Where};
pub use needs::Needs;

use crate::layer::Layer;
use crate::limits::{MAX_BUCKETS, MAX_INDEX, MAX_SET_INTERVALS};
use crate::op::{Certificate, Instruction, SetInfo, Target};
use crate::program::{Program, Verified};
use crate::wire::RecordError;

/// Checks every invariant.
///
/// # Errors
/// The first that does not hold, and where.
pub fn verify(program: Program<'_>, work_limit: u32) -> Result<Verified<'_>, VerifyError> {
    check_not_empty(&program)?;
    check_sets(&program)?;
    for number in 0..program.len() {
        let instruction = check_record(&program, number)?;
        let at = Site { program: &program, number };
        check_layer(&at, &instruction)?;
        check_width(&at, &instruction)?;
        check_index(&at, &instruction)?;
        check_targets(&at, &instruction)?;
        check_operands(&at, &instruction)?;
        check_certificate(&at, &instruction)?;
    }
    let entry = program.certificate(0).unwrap_or_default();
    check_work(entry.work, work_limit)?;
    let needs = Needs::of(&program, entry.classes);
    Ok(Verified::new(program, entry.work, needs))
}

/// An instruction under examination.
struct Site<'s, 'a> {
    program: &'s Program<'a>,
    number: usize,
}

impl Site<'_, '_> {
    const fn refuse(&self, rule: Rule) -> VerifyError {
        VerifyError { place: Where::Instruction(self.number), rule }
    }

    fn require(&self, holds: bool, rule: Rule) -> Result<(), VerifyError> {
        if holds { Ok(()) } else { Err(self.refuse(rule)) }
    }
}

/// V1: there is an instruction to begin with.
fn check_not_empty(program: &Program<'_>) -> Result<(), VerifyError> {
    if program.is_empty() { Err(VerifyError { place: Where::Program, rule: Rule::Empty }) } else { Ok(()) }
}

/// V2, V3, V4: sets are laid out one after the other over both tables and the directory without gap or overlap, each
/// sorted, and each directory says where the intervals are.
fn check_sets(program: &Program<'_>) -> Result<(), VerifyError> {
    let (mut narrow, mut wide, mut directory) = (0_u32, 0_u32, 0_u32);
    for number in 0..program.set_count() as u32 {
        let refuse = |rule| VerifyError { place: Where::Set(number), rule };
        let set = program.set(number).ok_or(refuse(Rule::Reserved))?;
        let next = if set.wide { &mut wide } else { &mut narrow };
        let table = if set.wide { program.wide.len() } else { program.narrow.len() };
        check_layout(&set, next, table).map_err(refuse)?;
        if set.buckets > 0 {
            let entries = set.buckets.saturating_add(1);
            let end = set.directory.saturating_add(entries);
            if set.directory != directory
                || set.buckets > MAX_BUCKETS
                || end as usize > program.directory.len()
            {
                return Err(refuse(Rule::SetDirectory));
            }
            directory = end;
        } else if set.directory != 0 || set.shift != 0 {
            return Err(refuse(Rule::SetDirectory));
        }
        check_sorted(program, &set).map_err(refuse)?;
        check_directory(program, &set).map_err(refuse)?;
    }
    let used = (narrow as usize, wide as usize, directory as usize);
    if used == (program.narrow.len(), program.wide.len(), program.directory.len()) {
        Ok(())
    } else {
        Err(VerifyError { place: Where::Program, rule: Rule::SetLayout })
    }
}

/// V2: the set begins where the one before it ends, is not empty, and fits.
fn check_layout(set: &SetInfo, next: &mut u32, table: usize) -> Result<(), Rule> {
    let end = set.first.checked_add(set.count).ok_or(Rule::SetLayout)?;
    if set.first != *next || set.count == 0 || set.count as usize > MAX_SET_INTERVALS || end as usize > table
    {
        return Err(Rule::SetLayout);
    }
    *next = end;
    Ok(())
}

/// V3: intervals are not empty and rise with a gap between them.
fn check_sorted(program: &Program<'_>, set: &SetInfo) -> Result<(), Rule> {
    let mut least = 0;
    for number in 0..set.count {
        let (low, high) = program.interval(set, number).ok_or(Rule::SetLayout)?;
        if low < least || low > high {
            return Err(Rule::SetOrder);
        }
        // After the greatest key nothing can follow; the next interval would begin at or below it.
        match high.checked_add(2) {
            Some(next) => least = next,
            None if number.saturating_add(1) < set.count => return Err(Rule::SetOrder),
            None => {}
        }
    }
    Ok(())
}

/// V4: entry b of the directory is the number of intervals that begin in buckets before b, all begin in some bucket,
/// and the claimed depth is that of the fullest bucket.
fn check_directory(program: &Program<'_>, set: &SetInfo) -> Result<(), Rule> {
    if set.buckets == 0 {
        return if set.depth == SetInfo::depth_of(set.count) { Ok(()) } else { Err(Rule::SetDepth) };
    }
    if set.shift > 127 {
        return Err(Rule::SetDirectory);
    }
    let entry = |bucket: u32| program.directory_entry(set.directory.saturating_add(bucket));
    let (base, _) = program.interval(set, 0).ok_or(Rule::SetLayout)?;
    let (mut begun, mut fullest) = (0_u32, 0_u32);
    for bucket in 0..set.buckets {
        if entry(bucket) != Some(begun) {
            return Err(Rule::SetDirectory);
        }
        let reached = begun.saturating_sub(1);
        while let Some((low, _)) = program.interval(set, begun)
            && low.wrapping_sub(base) >> set.shift == u128::from(bucket)
        {
            begun = begun.saturating_add(1);
        }
        fullest = fullest.max(begun.saturating_sub(reached));
    }
    if entry(set.buckets) != Some(begun) || begun != set.count {
        return Err(Rule::SetDirectory);
    }
    if set.depth == SetInfo::depth_of(fullest) { Ok(()) } else { Err(Rule::SetDepth) }
}

/// V5: the record names an operation and a field that exist, and its reserved bits are zero.
fn check_record(program: &Program<'_>, number: usize) -> Result<Instruction, VerifyError> {
    let refuse = |rule| VerifyError { place: Where::Instruction(number), rule };
    let record = program.instructions.get(number).ok_or(refuse(Rule::Reserved))?;
    Instruction::from_record(record).map_err(|error| {
        refuse(match error {
            RecordError::Op(_) => Rule::Op,
            RecordError::Field(_) => Rule::Field,
            RecordError::Reserved => Rule::Reserved,
        })
    })
}

/// V6: the field exists at the program's layer.
fn check_layer(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    at.require(instruction.field.info().layers.contains(at.program.layer()), Rule::Layer)
}

/// V7: wide operations for wide fields, narrow ones for narrow fields.
fn check_width(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    at.require(instruction.op.is_wide() == instruction.field.is_wide(), Rule::Width)
}

/// V8: array fields have an index of which the whole element lies within [`MAX_INDEX`]; other fields have index 0.
fn check_index(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    let size = i32::from(instruction.field.info().element);
    let holds = if size == 0 {
        instruction.index == 0
    } else {
        let range = if instruction.index < 0 {
            -MAX_INDEX..=0_i32.saturating_sub(size)
        } else {
            0..=MAX_INDEX.saturating_sub(size)
        };
        range.contains(&instruction.index)
    };
    at.require(holds, Rule::Index)
}

/// V9: both successors are verdicts or later instructions.
fn check_targets(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    let holds = [instruction.on_true, instruction.on_false]
        .into_iter()
        .all(|target| target.number().is_none_or(|number| at.number < number && number < at.program.len()));
    at.require(holds, Rule::Target)
}

/// V10: the operands exist and are canonical: a set of the field's width, or `low <= high`; all keys among those that
/// the (masked) field can have, and, for complements, not all of them.
fn check_operands(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    let program = at.program;
    let mask = if instruction.op.is_wide() {
        program.constant(instruction.mask).ok_or(at.refuse(Rule::Operand))?
    } else if instruction.mask == u32::MAX {
        u128::MAX
    } else {
        u128::from(instruction.mask)
    };
    let (low, high, one) = if instruction.op.is_set() {
        let set = program.set(instruction.low).ok_or(at.refuse(Rule::Operand))?;
        at.require(instruction.high == 0 && set.wide == instruction.op.is_wide(), Rule::Operand)?;
        let (first, last) = (program.interval(&set, 0), program.interval(&set, set.count.saturating_sub(1)));
        match (first, last) {
            (Some((low, _)), Some((_, high))) => (low, high, set.count == 1),
            _ => return Err(at.refuse(Rule::Operand)),
        }
    } else if instruction.op.is_wide() {
        match (program.constant(instruction.low), program.constant(instruction.high)) {
            (Some(low), Some(high)) => (low, high, true),
            _ => return Err(at.refuse(Rule::Operand)),
        }
    } else {
        (u128::from(instruction.low), u128::from(instruction.high), true)
    };
    let (least, greatest) = keys(instruction, mask, program.layer());
    let all = one && low == least && high == greatest;
    let holds =
        mask != 0 && least <= low && low <= high && high <= greatest && !(all && instruction.op.is_negated());
    at.require(holds, Rule::Constant)
}

/// Least and greatest key after masking.
fn keys(instruction: &Instruction, mask: u128, layer: Layer) -> (u128, u128) {
    let (low, high) = instruction.field.keys_at(layer);
    if mask == u128::MAX { (low, high) } else { (0, mask.min(high)) }
}

/// V11, V12, V13: what the certificate claims follows from the instruction and the certificates of its successors, and
/// an earlier instruction leads here.
fn check_certificate(at: &Site<'_, '_>, instruction: &Instruction) -> Result<(), VerifyError> {
    let claimed = at.program.certificate(at.number).ok_or(at.refuse(Rule::Reserved))?;
    check_reached(at, claimed)?;
    let expected = certificate::of(at.program, instruction, |target: Target| match target.number() {
        Some(number) => at.program.certificate(number).unwrap_or_default(),
        None => certificate::of_verdict(target),
    });
    at.require(claimed.work == expected.work, Rule::Work)?;
    at.require(claimed.classes == expected.classes, Rule::Classes)
}

/// V11: every instruction but the first is a successor of the earlier one that its certificate names.
fn check_reached(at: &Site<'_, '_>, claimed: Certificate) -> Result<(), VerifyError> {
    let from = usize::from(claimed.from);
    let here = Target::instruction(at.number);
    let holds = if at.number == 0 {
        from == 0
    } else {
        from < at.number
            && at
                .program
                .instruction(from)
                .is_some_and(|earlier| Some(earlier.on_true) == here || Some(earlier.on_false) == here)
    };
    at.require(holds, Rule::Unreachable)
}

/// V14: the worst case is within the caller's limit.
fn check_work(work: u32, limit: u32) -> Result<(), VerifyError> {
    if work <= limit {
        Ok(())
    } else {
        Err(VerifyError { place: Where::Program, rule: Rule::OverLimit { work, limit } })
    }
}
