//! The object text of a program: printable ASCII that stands for the program wherever a filter is wanted as text, and
//! that REFLECT handles receive (SPEC §9).
//!
//! It follows from the verified program alone and is canonical: what [`Reader`] accepts is, written again, the same
//! text. Certificates, directories of sets and the debug section are not part of it; they follow from the rest.

use core::fmt;

use crate::field::Field;
use crate::layer::Layer;
use crate::limits::{MAX_INSTRUCTIONS, MAX_SET_INTERVALS};
use crate::op::{Instruction, Op, Target};
use crate::program::Verified;

/// What every object text begins with.
pub const PREFIX: &str = "@Divert_";

/// Version of the object text.
pub const VERSION: u8 = 1;

/// The digits, by value. The upper 32 say that more digits follow.
const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-";

/// Bits of one digit that count.
const BITS: u32 = 5;
/// Set in a digit that another follows.
const MORE: u8 = 1 << BITS;

/// Set in an instruction's first number when a mask follows.
const MASKED: u8 = 1 << 3;
/// Set in an instruction's first number when an index follows.
const INDEXED: u8 = 1 << 4;

/// The greatest number of the operation's width, which as a mask says "no mask".
const fn greatest(op: Op) -> u128 {
    if op.is_wide() { u128::MAX } else { u32::MAX as u128 }
}

/// Writes the object text of a program.
///
/// # Errors
/// When `out` refuses. Its length is not bounded by that of the program: a set is written wherever it is used.
pub fn write(verified: &Verified<'_>, out: &mut impl fmt::Write) -> fmt::Result {
    let program = verified.program();
    out.write_str(PREFIX)?;
    number(out, u128::from(VERSION))?;
    number(out, u128::from(program.layer().number()))?;
    number(out, program.len() as u128)?;
    for at in 0..program.len() {
        // INVARIANT: the verifier has read every record of a verified program, and found what it refers to.
        let instruction = program.instruction(at).ok_or(fmt::Error)?;
        let Instruction { op, field, on_true, on_false, index, mask, low, high } = instruction;
        let operand =
            |raw| if op.is_wide() { program.constant(raw).ok_or(fmt::Error) } else { Ok(u128::from(raw)) };
        let mask = operand(mask)?;
        let masked = if mask == greatest(op) { 0 } else { MASKED };
        let indexed = if index == 0 { 0 } else { INDEXED };
        number(out, u128::from(op.number() | masked | indexed))?;
        number(out, u128::from(field.number()))?;
        number(out, distance(at, on_true))?;
        number(out, distance(at, on_false))?;
        if indexed != 0 {
            number(out, u128::from(zigzag(index)))?;
        }
        if masked != 0 {
            number(out, mask)?;
        }
        if op.is_set() {
            let set = program.set(low).ok_or(fmt::Error)?;
            number(out, u128::from(set.count))?;
            let mut least = 0;
            for interval in 0..set.count {
                let (low, high) = program.interval(&set, interval).ok_or(fmt::Error)?;
                number(out, low.saturating_sub(least))?;
                number(out, width(op, low, high))?;
                least = least_after(high);
            }
        } else {
            let low = operand(low)?;
            number(out, low)?;
            number(out, width(op, low, operand(high)?))?;
        }
    }
    Ok(())
}

/// Where the next interval can begin: there is a key between any two.
const fn least_after(high: u128) -> u128 {
    high.saturating_add(2)
}

/// How far a range goes: 0 for one key, 1 to the greatest number, else one more than the distance of its ends.
const fn width(op: Op, low: u128, high: u128) -> u128 {
    if low == high {
        0
    } else if high == greatest(op) {
        1
    } else {
        high.saturating_sub(low).saturating_add(1)
    }
}

/// A target from the instruction with number `at`: 0 for "match", 1 for "no match", 2 for the next instruction.
const fn distance(at: usize, target: Target) -> u128 {
    match target.number() {
        Some(later) => later.saturating_sub(at).saturating_add(1) as u128,
        None if target.raw() == Target::ACCEPT.raw() => 0,
        None => 1,
    }
}

/// Signed numbers in the order 0, −1, 1, −2, 2 …
const fn zigzag(index: i32) -> u32 {
    ((index << 1) ^ (index >> 31)).cast_unsigned()
}

const fn from_zigzag(number: u32) -> i32 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

/// Writes a number in digits of five bits, the low ones first.
fn number(out: &mut impl fmt::Write, mut value: u128) -> fmt::Result {
    loop {
        let low = (value & 31) as u8;
        value >>= BITS;
        let digit = if value == 0 { low } else { low | MORE };
        // INVARIANT: a digit is less than 64.
        let byte = DIGITS.get(usize::from(digit)).copied().ok_or(fmt::Error)?;
        out.write_char(char::from(byte))?;
        if value == 0 {
            return Ok(());
        }
    }
}

/// Why a text is not an object text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadError {
    /// Byte of the text at which reading ended.
    pub at: usize,
    /// What is wrong there.
    pub kind: ReadErrorKind,
}

/// What is wrong with an object text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadErrorKind {
    /// It does not begin with [`PREFIX`].
    Prefix,
    /// It ends too early.
    End,
    /// A character that is no digit.
    Digit,
    /// A number that is not written in its one way, or too large.
    Number,
    /// A version other than [`VERSION`].
    Version,
    /// A layer, an operation, a field or a target that does not exist.
    Name,
    /// More instructions or intervals than a program can hold.
    TooMany,
    /// Something follows the last instruction.
    Rest,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            ReadErrorKind::Prefix => "it does not begin with `@Divert_`",
            ReadErrorKind::End => "it ends too early",
            ReadErrorKind::Digit => "this character is no digit",
            ReadErrorKind::Number => "this number is too large, or not written in its shortest form",
            ReadErrorKind::Version => "this build does not read its version",
            ReadErrorKind::Name => {
                "it names a layer, an operation, a field or an instruction that does not exist"
            }
            ReadErrorKind::TooMany => "it has more instructions or ranges than a program can hold",
            ReadErrorKind::Rest => "something follows its end",
        };
        write!(f, "{text} (at byte {})", self.at)
    }
}

impl core::error::Error for ReadError {}

/// What an instruction of an object text looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The keys from the first to the second.
    Range(u128, u128),
    /// So many intervals, each of which [`Reader::interval`] reads.
    Set(u32),
}

/// An instruction of an object text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// How the key is looked up.
    pub op: Op,
    /// What is read.
    pub field: Field,
    /// Where to go when the test succeeds.
    pub on_true: Target,
    /// Where to go otherwise.
    pub on_false: Target,
    /// Byte offset for array fields.
    pub index: i32,
    /// The mask; all ones of the operation's width for none.
    pub mask: u128,
    /// What is looked for.
    pub operand: Operand,
}

/// Reads an object text, piece by piece. What it gives has the shape of a program; its sense is the verifier's to
/// check.
#[derive(Clone, Debug)]
pub struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    layer: Layer,
    /// Instructions in all.
    count: u32,
    /// The next instruction.
    next: u32,
    /// Intervals of the instruction before that are still to be read.
    intervals: u32,
    least: u128,
}

impl<'t> Reader<'t> {
    /// Begins with a text.
    ///
    /// # Errors
    /// When its beginning is not that of an object text of this version.
    pub fn new(text: &'t str) -> Result<Self, ReadError> {
        let mut reader = Self {
            text: text.as_bytes(),
            at: PREFIX.len(),
            layer: Layer::Network,
            count: 0,
            next: 0,
            intervals: 0,
            least: 0,
        };
        if !text.starts_with(PREFIX) {
            return Err(ReadError { at: 0, kind: ReadErrorKind::Prefix });
        }
        let begin = reader.at;
        if reader.number()? != u128::from(VERSION) {
            return Err(ReadError { at: begin, kind: ReadErrorKind::Version });
        }
        reader.layer = reader.named(Layer::from_number)?;
        reader.count = reader.limited(MAX_INSTRUCTIONS)?;
        Ok(reader)
    }

    /// The layer that the program is for.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The next instruction; `None` behind the last. All intervals of the one before have to be read first.
    ///
    /// # Errors
    /// When there is none, or something follows the last one.
    pub fn test(&mut self) -> Result<Option<Test>, ReadError> {
        if self.intervals > 0 {
            return self.fail(ReadErrorKind::Number);
        }
        if self.next == self.count {
            return if self.at == self.text.len() { Ok(None) } else { self.fail(ReadErrorKind::Rest) };
        }
        let at = self.next;
        self.next = at.saturating_add(1);
        let head: u8 = self.named(|head| (head < 1 << BITS).then_some(head))?;
        let op = Op::from_number(head & (MASKED - 1));
        let Some(op) = op else { return self.fail(ReadErrorKind::Name) };
        let field = self.named(Field::from_number)?;
        let (on_true, on_false) = (self.target(at)?, self.target(at)?);
        let index = if head & INDEXED == 0 { 0 } else { self.index()? };
        let mask = if head & MASKED == 0 { greatest(op) } else { self.mask(op)? };
        let operand = if op.is_set() {
            let count = self.limited(MAX_SET_INTERVALS)?;
            (self.intervals, self.least) = (count, 0);
            Operand::Set(count)
        } else {
            let (low, high) = self.range(op, 0)?;
            Operand::Range(low, high)
        };
        Ok(Some(Test { op, field, on_true, on_false, index, mask, operand }))
    }

    /// The next interval of the set that `op` looks into; `None` behind the last.
    ///
    /// # Errors
    /// When there is none.
    pub fn interval(&mut self, op: Op) -> Result<Option<(u128, u128)>, ReadError> {
        if self.intervals == 0 {
            return Ok(None);
        }
        let (low, high) = self.range(op, self.least)?;
        self.intervals = self.intervals.saturating_sub(1);
        self.least = least_after(high);
        Ok(Some((low, high)))
    }

    /// A range that begins at `least` or behind.
    fn range(&mut self, op: Op, least: u128) -> Result<(u128, u128), ReadError> {
        let begin = self.at;
        let too_large = ReadError { at: begin, kind: ReadErrorKind::Number };
        let low = self.number()?.checked_add(least).ok_or(too_large)?;
        let written = self.number()?;
        let high = match written {
            0 => low,
            1 => greatest(op),
            more => low.checked_add(more.saturating_sub(1)).ok_or(too_large)?,
        };
        // The second: another way to write the same range.
        if low > high || high > greatest(op) || width(op, low, high) != written {
            return Err(too_large);
        }
        Ok((low, high))
    }

    fn index(&mut self) -> Result<i32, ReadError> {
        let begin = self.at;
        match u32::try_from(self.number()?) {
            Ok(number) if number > 0 => Ok(from_zigzag(number)),
            _ => Err(ReadError { at: begin, kind: ReadErrorKind::Number }),
        }
    }

    /// A mask; one that says "no mask" is not written.
    fn mask(&mut self, op: Op) -> Result<u128, ReadError> {
        let begin = self.at;
        let mask = self.number()?;
        if mask < greatest(op) { Ok(mask) } else { Err(ReadError { at: begin, kind: ReadErrorKind::Number }) }
    }

    fn target(&mut self, at: u32) -> Result<Target, ReadError> {
        let begin = self.at;
        match self.number()? {
            0 => Ok(Target::ACCEPT),
            1 => Ok(Target::REJECT),
            distance => {
                let later = distance.saturating_sub(1).saturating_add(u128::from(at));
                let later = usize::try_from(later).ok().filter(|later| *later < self.count as usize);
                later.and_then(Target::instruction).ok_or(ReadError { at: begin, kind: ReadErrorKind::Name })
            }
        }
    }

    fn named<T>(&mut self, known: impl FnOnce(u8) -> Option<T>) -> Result<T, ReadError> {
        let begin = self.at;
        let number = self.number()?;
        u8::try_from(number).ok().and_then(known).ok_or(ReadError { at: begin, kind: ReadErrorKind::Name })
    }

    fn limited(&mut self, most: usize) -> Result<u32, ReadError> {
        let begin = self.at;
        let number = self.number()?;
        match u32::try_from(number) {
            Ok(count) if count as usize <= most => Ok(count),
            _ => Err(ReadError { at: begin, kind: ReadErrorKind::TooMany }),
        }
    }

    fn number(&mut self) -> Result<u128, ReadError> {
        let begin = self.at;
        let wrong = ReadError { at: begin, kind: ReadErrorKind::Number };
        let (mut value, mut shift) = (0_u128, 0_u32);
        loop {
            let byte = match self.text.get(self.at) {
                Some(byte) => *byte,
                None => return self.fail(ReadErrorKind::End),
            };
            let Some(digit) = value_of(byte) else { return self.fail(ReadErrorKind::Digit) };
            self.at = self.at.saturating_add(1);
            let low = u128::from(digit & (MORE - 1));
            let part = low.checked_shl(shift).ok_or(wrong)?;
            // Bits that fell off, and zeros in front, which would be a second way to write the number.
            if part.checked_shr(shift) != Some(low) || (low == 0 && shift > 0 && digit & MORE == 0) {
                return Err(wrong);
            }
            value |= part;
            if digit & MORE == 0 {
                return Ok(value);
            }
            shift = shift.saturating_add(BITS);
        }
    }

    const fn fail<T>(&self, kind: ReadErrorKind) -> Result<T, ReadError> {
        Err(ReadError { at: self.at, kind })
    }
}

const fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        b'a'..=b'z' => Some(byte.wrapping_sub(b'a').wrapping_add(36)),
        b'.' => Some(62),
        b'-' => Some(63),
        _ => None,
    }
}
