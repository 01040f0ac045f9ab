//! The listing of a program, written without allocating.

use core::fmt;

use crate::address::{Ipv4, Ipv6};
use crate::field::{Field, Style};
use crate::op::{Instruction, Op, Target};
use crate::program::Program;

/// Displays a program, one line an instruction. Undecodable records are shown as bytes: a program need not be verified
/// to be listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'p, 'a> {
    program: &'p Program<'a>,
    intervals: u32,
}

impl<'p, 'a> Listing<'p, 'a> {
    /// A listing that shows at most `intervals` intervals of a set.
    #[must_use]
    pub const fn new(program: &'p Program<'a>, intervals: u32) -> Self {
        Self { program, intervals }
    }
}

impl fmt::Display for Listing<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program;
        writeln!(f, "; layer {}, {} instructions", program.layer().name(), program.len())?;
        for number in 0..program.len() {
            write!(f, "{number:5}  ")?;
            match program.instruction(number) {
                Some(instruction) => self.instruction(f, &instruction)?,
                None => write!(f, "(bad record)")?,
            }
            if let Some(certificate) = program.certificate(number) {
                write!(f, "  ; work {}", certificate.work)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Listing<'_, '_> {
    fn instruction(&self, f: &mut fmt::Formatter<'_>, instruction: &Instruction) -> fmt::Result {
        let (program, field) = (self.program, instruction.field);
        write!(f, "{}", field.name())?;
        if field.is_array() {
            write!(f, "[{}b]", instruction.index)?;
        }
        let wide = instruction.op.is_wide();
        let operand = |raw: u32| if wide { program.constant(raw) } else { Some(u128::from(raw)) };
        if let Some(mask) =
            operand(instruction.mask).filter(|mask| *mask != if wide { u128::MAX } else { 0xFFFF_FFFF })
        {
            write!(f, " & {mask:#x}")?;
        }
        match instruction.op {
            Op::Range | Op::WideRange | Op::NotRange | Op::NotWideRange => {
                f.write_str(if instruction.op.is_negated() { " not in " } else { " in " })?;
                match (operand(instruction.low), operand(instruction.high)) {
                    (Some(low), Some(high)) => interval(f, field, low, high)?,
                    _ => f.write_str("(missing constant)")?,
                }
            }
            Op::Set | Op::WideSet | Op::NotSet | Op::NotWideSet => {
                f.write_str(if instruction.op.is_negated() { " not in {" } else { " in {" })?;
                if let Some(set) = program.set(instruction.low) {
                    for number in 0..set.count.min(self.intervals) {
                        f.write_str(if number > 0 { ", " } else { "" })?;
                        if let Some((low, high)) = program.interval(&set, number) {
                            interval(f, field, low, high)?;
                        }
                    }
                    if set.count > self.intervals {
                        write!(f, ", … {} in all", set.count)?;
                    }
                }
                f.write_str("}")?;
            }
        }
        f.write_str(" ? ")?;
        target(f, instruction.on_true)?;
        f.write_str(" : ")?;
        target(f, instruction.on_false)
    }
}

fn interval(f: &mut fmt::Formatter<'_>, field: Field, low: u128, high: u128) -> fmt::Result {
    key(f, field, low)?;
    if low != high {
        f.write_str("..")?;
        key(f, field, high)?;
    }
    Ok(())
}

fn key(f: &mut fmt::Formatter<'_>, field: Field, key: u128) -> fmt::Result {
    match field.info().style {
        Style::Ipv4 => write!(f, "{}", Ipv4((key & 0xFFFF_FFFF) as u32)),
        Style::Address => write!(f, "{}", Ipv6(key)),
        Style::Hex => write!(f, "{key:#x}"),
        Style::Bool | Style::Decimal | Style::Layer | Style::Event => write!(f, "{}", field.number_of(key)),
    }
}

fn target(f: &mut fmt::Formatter<'_>, target: Target) -> fmt::Result {
    match target.number() {
        Some(number) => write!(f, "{number}"),
        None if target == Target::ACCEPT => f.write_str("accept"),
        None => f.write_str("reject"),
    }
}
