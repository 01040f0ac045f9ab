//! Programs: decoded ones, whose shape is right, and verified ones, whose sense is.

use crate::field::Field;
use crate::layer::Layer;
use crate::op::{Certificate, Instruction, SetInfo};
use crate::prefix::Prefix;
use crate::verify::{Needs, VerifyError, verify};
use crate::wire::{CertificateRecord, DecodeError, InstructionRecord, SetRecord, decode};

/// A decoded, untrusted program: a view of its bytes. It cannot run; [`Program::verify`] makes one that can.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) layer: Layer,
    pub(crate) instructions: &'a [InstructionRecord],
    pub(crate) certificates: &'a [CertificateRecord],
    pub(crate) constants: &'a [[u8; 16]],
    pub(crate) sets: &'a [SetRecord],
    pub(crate) narrow: &'a [[u8; 8]],
    pub(crate) wide: &'a [[u8; 32]],
    pub(crate) directory: &'a [[u8; 4]],
    pub(crate) debug: &'a [u8],
}

impl<'a> Program<'a> {
    /// Reads the shape of a program; see [`decode`].
    ///
    /// # Errors
    /// When the bytes are not exactly one program.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }

    /// Checks the sense of the program; see [`verify`]. `work_limit` is the greatest number of steps that the caller
    /// accepts, such as [`crate::limits::DRIVER_WORK`].
    ///
    /// # Errors
    /// The first invariant that does not hold, and where.
    pub fn verify(self, work_limit: u32) -> Result<Verified<'a>, VerifyError> {
        verify(self, work_limit)
    }

    /// The bytes it was decoded from.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The layer it is for.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// Number of instructions.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether it has no instructions; such a program is refused by the verifier.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// The instruction with this number, when there is one and its record makes sense.
    #[must_use]
    pub fn instruction(&self, number: usize) -> Option<Instruction> {
        Instruction::from_record(self.instructions.get(number)?).ok()
    }

    /// What is claimed about the instruction with this number.
    #[must_use]
    pub fn certificate(&self, number: usize) -> Option<Certificate> {
        Certificate::from_record(self.certificates.get(number)?)
    }

    /// The constant with this number.
    #[must_use]
    #[inline]
    pub fn constant(&self, number: u32) -> Option<u128> {
        self.constants.get(number as usize).map(|bytes| u128::from_le_bytes(*bytes))
    }

    /// Number of sets.
    #[must_use]
    pub const fn set_count(&self) -> usize {
        self.sets.len()
    }

    /// The set with this number.
    #[must_use]
    #[inline]
    pub fn set(&self, number: u32) -> Option<SetInfo> {
        SetInfo::from_record(self.sets.get(number as usize)?)
    }

    /// Interval `number` (from 0) of a set, as 128-bit keys.
    #[must_use]
    pub fn interval(&self, set: &SetInfo, number: u32) -> Option<(u128, u128)> {
        if number >= set.count {
            return None;
        }
        let at = set.first.checked_add(number)?;
        if set.wide {
            self.wide_interval(at)
        } else {
            self.narrow_interval(at).map(|(low, high)| (u128::from(low), u128::from(high)))
        }
    }

    #[inline]
    pub(crate) fn narrow_interval(&self, at: u32) -> Option<(u32, u32)> {
        self.narrow.get(at as usize).map(narrow_interval)
    }

    #[inline]
    pub(crate) fn wide_interval(&self, at: u32) -> Option<(u128, u128)> {
        self.wide.get(at as usize).map(wide_interval)
    }

    #[inline]
    pub(crate) fn directory_entry(&self, at: u32) -> Option<u32> {
        self.directory.get(at as usize).map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The intervals of a set that can hold a key of this bucket: number of the first and how many.
    #[inline]
    pub(crate) fn bucket(&self, set: &SetInfo, bucket: u32) -> (u32, u32) {
        // Keys behind the last bucket are behind the last interval's beginning: that interval alone can hold them.
        let entry = set.directory.saturating_add(bucket.min(set.buckets));
        let from = self.directory_entry(entry).unwrap_or(0);
        let to = if bucket < set.buckets {
            self.directory_entry(entry.saturating_add(1)).unwrap_or(0)
        } else {
            from
        };
        // The interval before the bucket's first may reach into it.
        let from = from.saturating_sub(1);
        (set.first.saturating_add(from), to.saturating_sub(from))
    }

    /// The debug section; empty when there is none.
    #[must_use]
    pub const fn debug(&self) -> &'a [u8] {
        self.debug
    }
}

/// The ends of a narrow interval.
#[inline]
pub(crate) const fn narrow_interval(record: &[u8; 8]) -> (u32, u32) {
    let [l0, l1, l2, l3, h0, h1, h2, h3] = *record;
    (u32::from_le_bytes([l0, l1, l2, l3]), u32::from_le_bytes([h0, h1, h2, h3]))
}

/// The ends of a wide interval.
#[inline]
pub(crate) fn wide_interval(record: &[u8; 32]) -> (u128, u128) {
    match record.as_chunks::<16>().0 {
        [low, high] => (u128::from_le_bytes(*low), u128::from_le_bytes(*high)),
        _ => (u128::MAX, 0),
    }
}

/// A program that has been verified: running it ends in a verdict after at most [`Verified::work`] steps, reads
/// nothing outside its input, and cannot fail. There is no way to make one but [`Program::verify`].
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    program: Program<'a>,
    work: u32,
    needs: Needs,
    prefix: Prefix<'a>,
}

impl<'a> Verified<'a> {
    /// For the verifier alone.
    pub(crate) fn new(program: Program<'a>, work: u32, needs: Needs) -> Self {
        Self { program, work, needs, prefix: Prefix::of(&program) }
    }

    #[inline]
    pub(crate) const fn prefix(&self) -> &Prefix<'a> {
        &self.prefix
    }

    /// The program.
    #[must_use]
    #[inline]
    pub const fn program(&self) -> &Program<'a> {
        &self.program
    }

    /// Most steps that any input can cost.
    #[must_use]
    pub const fn work(&self) -> u32 {
        self.work
    }

    /// What the program can need of its surroundings.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Whether the program reads `field` anywhere.
    #[must_use]
    pub fn reads(&self, field: Field) -> bool {
        (0..self.program.len()).any(|number| {
            self.program.instruction(number).is_some_and(|instruction| instruction.field == field)
        })
    }
}
