//! Bytes to and from [`Program`]: fixed-width little-endian records (SPEC §2). Every reader has its writer beside it.

use core::fmt;

use crate::field::Field;
use crate::layer::Layer;
use crate::limits::{FORMAT_VERSION, MAX_CONSTANTS, MAX_INSTRUCTIONS, MAX_PROGRAM, MAX_SETS};
use crate::op::{Certificate, Instruction, Op, SetInfo, Target};
use crate::program::Program;

/// The first four bytes of every program.
pub const MAGIC: [u8; 4] = *b"DVC\x1a";
/// Length of the header in bytes.
pub const HEADER: usize = 48;

/// A record of one instruction.
pub type InstructionRecord = [u8; 24];
/// A record of one certificate.
pub type CertificateRecord = [u8; 12];
/// A record of one set.
pub type SetRecord = [u8; 24];

/// Why bytes are not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// Fewer bytes than a header.
    TooShort,
    /// The first four bytes are not [`MAGIC`].
    Magic,
    /// A format version that this crate does not read.
    Version(u16),
    /// No layer has this number.
    Layer(u8),
    /// Bits that must be zero are not.
    Reserved,
    /// The header's total length is not the number of bytes.
    Length {
        /// What the header says.
        stated: u32,
        /// What is there.
        actual: usize,
    },
    /// A section has more records than the limits allow.
    TooMany(Section),
    /// The sections do not add up to the total length.
    Sections,
    /// The checksum does not fit the content.
    Checksum {
        /// What the header says.
        stated: u32,
        /// What the content gives.
        actual: u32,
    },
}

/// A section of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Instructions and their certificates.
    Instructions,
    /// 128-bit constants.
    Constants,
    /// Sets.
    Sets,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("too short for a program"),
            Self::Magic => f.write_str("not a compiled filter"),
            Self::Version(version) => {
                write!(f, "format version {version}; this build reads version {FORMAT_VERSION}")
            }
            Self::Layer(layer) => write!(f, "layer {layer} does not exist"),
            Self::Reserved => f.write_str("reserved bits are set"),
            Self::Length { stated, actual } => write!(f, "{actual} bytes, but the header says {stated}"),
            Self::TooMany(section) => write!(f, "too many {}", section.name()),
            Self::Sections => f.write_str("the sections do not add up to the length"),
            Self::Checksum { stated, actual } => {
                write!(f, "checksum {actual:08x}, but the header says {stated:08x}")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Constants => "constants",
            Self::Sets => "sets",
        }
    }
}

/// How many records each section has; bytes 16 to 43 of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Counts {
    instructions: u32,
    constants: u32,
    sets: u32,
    narrow: u32,
    wide: u32,
    directory: u32,
    debug: u32,
}

impl Counts {
    /// Total length of the program in bytes; `None` beyond [`MAX_PROGRAM`].
    fn total(&self) -> Option<usize> {
        [
            (self.instructions, size_of::<InstructionRecord>()),
            (self.instructions, size_of::<CertificateRecord>()),
            (self.constants, 16),
            (self.sets, size_of::<SetRecord>()),
            (self.narrow, 8),
            (self.wide, 32),
            (self.directory, 4),
            (self.debug, 1),
        ]
        .into_iter()
        .try_fold(HEADER, |total, (count, size)| {
            total.checked_add(usize::try_from(count).ok()?.checked_mul(size)?)
        })
        .filter(|total| *total <= MAX_PROGRAM)
    }
}

/// Reads the shape of a program: header, section bounds, checksum. Nothing is copied.
///
/// # Errors
/// When the bytes are not exactly one program. No input panics; time is linear in the number of bytes.
pub fn decode(bytes: &[u8]) -> Result<Program<'_>, DecodeError> {
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or(DecodeError::TooShort)?;
    let mut cursor = Cursor(header);
    if cursor.take::<4>() != MAGIC {
        return Err(DecodeError::Magic);
    }
    let version = u16::from_le_bytes(cursor.take());
    if version != FORMAT_VERSION {
        return Err(DecodeError::Version(version));
    }
    let [layer, flags] = cursor.take();
    let layer = Layer::from_number(layer).ok_or(DecodeError::Layer(layer))?;
    let stated = u32::from_le_bytes(cursor.take());
    if usize::try_from(stated) != Ok(bytes.len()) {
        return Err(DecodeError::Length { stated, actual: bytes.len() });
    }
    let checksum = u32::from_le_bytes(cursor.take());
    let mut word = || u32::from_le_bytes(cursor.take());
    let counts = Counts {
        instructions: word(),
        constants: word(),
        sets: word(),
        narrow: word(),
        wide: word(),
        directory: word(),
        debug: word(),
    };
    if flags != 0 || word() != 0 {
        return Err(DecodeError::Reserved);
    }
    for (count, most, section) in [
        (counts.instructions, MAX_INSTRUCTIONS, Section::Instructions),
        (counts.constants, MAX_CONSTANTS, Section::Constants),
        (counts.sets, MAX_SETS, Section::Sets),
    ] {
        if count as usize > most {
            return Err(DecodeError::TooMany(section));
        }
    }
    if counts.total() != Some(bytes.len()) {
        return Err(DecodeError::Sections);
    }
    let actual = checksum_of(bytes);
    if actual != checksum {
        return Err(DecodeError::Checksum { stated: checksum, actual });
    }
    let mut rest = Cursor(bytes.get(HEADER..).unwrap_or(&[]));
    Ok(Program {
        bytes,
        layer,
        instructions: rest.records(counts.instructions),
        certificates: rest.records(counts.instructions),
        constants: rest.records(counts.constants),
        sets: rest.records(counts.sets),
        narrow: rest.records(counts.narrow),
        wide: rest.records(counts.wide),
        directory: rest.records(counts.directory),
        debug: rest.0,
    })
}

/// The parts of a program, to be written.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'p> {
    /// The layer it is for.
    pub layer: Layer,
    /// The tests, entry first.
    pub instructions: &'p [Instruction],
    /// One for each instruction; see [`crate::verify::certify`].
    pub certificates: &'p [Certificate],
    /// 128-bit constants.
    pub constants: &'p [u128],
    /// Sets.
    pub sets: &'p [SetInfo],
    /// Intervals of keys of 32 bits.
    pub narrow: &'p [(u32, u32)],
    /// Intervals of keys of 128 bits.
    pub wide: &'p [(u128, u128)],
    /// Directories of sets.
    pub directory: &'p [u32],
    /// Debug section: ignored by the VM.
    pub debug: &'p [u8],
}

impl Parts<'_> {
    fn counts(&self) -> Option<Counts> {
        let count = |length: usize| u32::try_from(length).ok();
        Some(Counts {
            instructions: count(self.instructions.len())?,
            constants: count(self.constants.len())?,
            sets: count(self.sets.len())?,
            narrow: count(self.narrow.len())?,
            wide: count(self.wide.len())?,
            directory: count(self.directory.len())?,
            debug: count(self.debug.len())?,
        })
    }

    /// Length of the program in bytes; `None` beyond [`MAX_PROGRAM`].
    #[must_use]
    pub fn encoded_length(&self) -> Option<usize> {
        self.counts()?.total()
    }

    /// Writes the program to the front of `out` and gives its length; `None` when `out` is shorter than
    /// [`Parts::encoded_length`] or the certificates are not as many as the instructions. Says nothing of sense: that
    /// is the verifier's business.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let (counts, length) = (self.counts()?, self.encoded_length()?);
        let out = out.get_mut(..length)?;
        if self.certificates.len() != self.instructions.len() {
            return None;
        }
        let mut writer = Writer(&mut *out);
        writer.put(MAGIC)?;
        writer.put(FORMAT_VERSION.to_le_bytes())?;
        writer.put([self.layer.number(), 0])?;
        writer.put(u32::try_from(length).ok()?.to_le_bytes())?;
        writer.put([0; 4])?;
        for count in [
            counts.instructions,
            counts.constants,
            counts.sets,
            counts.narrow,
            counts.wide,
            counts.directory,
            counts.debug,
            0,
        ] {
            writer.put(count.to_le_bytes())?;
        }
        writer.all(self.instructions.iter().map(Instruction::record))?;
        writer.all(self.certificates.iter().map(Certificate::record))?;
        writer.all(self.constants.iter().map(|constant| constant.to_le_bytes()))?;
        writer.all(self.sets.iter().map(SetInfo::record))?;
        writer.all(self.narrow.iter().flat_map(|(low, high)| [low.to_le_bytes(), high.to_le_bytes()]))?;
        writer.all(self.wide.iter().flat_map(|(low, high)| [low.to_le_bytes(), high.to_le_bytes()]))?;
        writer.all(self.directory.iter().map(|entry| entry.to_le_bytes()))?;
        // Always so; said for the optimiser, which cannot see it and would keep a panic (`nopanic`).
        if writer.0.len() != self.debug.len() {
            return None;
        }
        writer.0.copy_from_slice(self.debug);
        let checksum = checksum_of(out);
        *out.get_mut(12..)?.first_chunk_mut()? = checksum.to_le_bytes();
        Some(length)
    }
}

impl Instruction {
    /// The instruction in a record, or what is wrong with it.
    ///
    /// # Errors
    /// When the operation or the field does not exist, or reserved bits are set.
    pub fn from_record(record: &InstructionRecord) -> Result<Self, RecordError> {
        let mut cursor = Cursor(record);
        let [op, field, reserved_low, reserved_high] = cursor.take();
        if reserved_low != 0 || reserved_high != 0 {
            return Err(RecordError::Reserved);
        }
        Ok(Self {
            op: Op::from_number(op).ok_or(RecordError::Op(op))?,
            field: Field::from_number(field).ok_or(RecordError::Field(field))?,
            on_true: Target::from_raw(u16::from_le_bytes(cursor.take())),
            on_false: Target::from_raw(u16::from_le_bytes(cursor.take())),
            index: i32::from_le_bytes(cursor.take()),
            mask: u32::from_le_bytes(cursor.take()),
            low: u32::from_le_bytes(cursor.take()),
            high: u32::from_le_bytes(cursor.take()),
        })
    }

    /// The record of the instruction.
    #[must_use]
    pub const fn record(&self) -> InstructionRecord {
        let [t0, t1] = self.on_true.raw().to_le_bytes();
        let [f0, f1] = self.on_false.raw().to_le_bytes();
        let [i0, i1, i2, i3] = self.index.to_le_bytes();
        let [m0, m1, m2, m3] = self.mask.to_le_bytes();
        let [l0, l1, l2, l3] = self.low.to_le_bytes();
        let [h0, h1, h2, h3] = self.high.to_le_bytes();
        let (op, field) = (self.op.number(), self.field.number());
        [op, field, 0, 0, t0, t1, f0, f1, i0, i1, i2, i3, m0, m1, m2, m3, l0, l1, l2, l3, h0, h1, h2, h3]
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordError {
    /// No operation has this number.
    Op(u8),
    /// No field has this number.
    Field(u8),
    /// Bits that must be zero are not.
    Reserved,
}

impl Certificate {
    /// The certificate in a record; `None` when reserved bits are set.
    #[must_use]
    pub fn from_record(record: &CertificateRecord) -> Option<Self> {
        let mut cursor = Cursor(record);
        let certificate = Self {
            work: u32::from_le_bytes(cursor.take()),
            classes: u32::from_le_bytes(cursor.take()),
            from: u16::from_le_bytes(cursor.take()),
        };
        (cursor.take() == [0, 0]).then_some(certificate)
    }

    /// The record of the certificate.
    #[must_use]
    pub const fn record(&self) -> CertificateRecord {
        let [w0, w1, w2, w3] = self.work.to_le_bytes();
        let [c0, c1, c2, c3] = self.classes.to_le_bytes();
        let [f0, f1] = self.from.to_le_bytes();
        [w0, w1, w2, w3, c0, c1, c2, c3, f0, f1, 0, 0]
    }
}

impl SetInfo {
    /// The set in a record; `None` when reserved bits are set.
    #[must_use]
    #[inline]
    pub fn from_record(record: &SetRecord) -> Option<Self> {
        let [wide, _, _, reserved, .., r0, r1, r2, r3] = *record;
        (wide <= 1 && [reserved, r0, r1, r2, r3] == [0; 5]).then_some(Self::read(record))
    }

    /// As [`SetInfo::from_record`] for a record that has been verified.
    #[inline]
    pub(crate) fn read(record: &SetRecord) -> Self {
        let mut cursor = Cursor(record);
        let [wide, shift, depth, _] = cursor.take();
        Self {
            wide: wide == 1,
            first: u32::from_le_bytes(cursor.take()),
            count: u32::from_le_bytes(cursor.take()),
            directory: u32::from_le_bytes(cursor.take()),
            buckets: u32::from_le_bytes(cursor.take()),
            shift,
            depth,
        }
    }

    /// The record of the set.
    #[must_use]
    pub const fn record(&self) -> SetRecord {
        let [f0, f1, f2, f3] = self.first.to_le_bytes();
        let [c0, c1, c2, c3] = self.count.to_le_bytes();
        let [d0, d1, d2, d3] = self.directory.to_le_bytes();
        let [b0, b1, b2, b3] = self.buckets.to_le_bytes();
        let (wide, shift, depth) = (self.wide as u8, self.shift, self.depth);
        [wide, shift, depth, 0, f0, f1, f2, f3, c0, c1, c2, c3, d0, d1, d2, d3, b0, b1, b2, b3, 0, 0, 0, 0]
    }
}

/// CRC-32 (ISO 3309, as in Ethernet and zip) of the program with its checksum taken as zero.
#[must_use]
pub fn checksum_of(bytes: &[u8]) -> u32 {
    let (before, rest) = bytes.split_at(bytes.len().min(12));
    let (_, after) = rest.split_at(rest.len().min(4));
    let mut crc = u32::MAX;
    for part in [before, &[0; 4], after] {
        crc = crc32(crc, part);
    }
    !crc
}

/// Four tables, so that four bytes are taken at a time.
static CRC_TABLES: [[u32; 256]; 4] = crc_tables();

const fn crc_tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0_u32;
    #[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
    while byte < 256 {
        let mut crc = byte;
        let mut table = 0;
        while table < 4 {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
                bit += 1;
            }
            tables[table][byte as usize] = crc;
            table += 1;
        }
        byte += 1;
    }
    tables
}

fn crc32(mut crc: u32, bytes: &[u8]) -> u32 {
    let [one, two, three, four] = &CRC_TABLES;
    let at = |table: &[u32; 256], byte: u32| table.get((byte & 0xFF) as usize).copied().unwrap_or(0);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mixed = crc ^ u32::from_le_bytes(*word);
        crc = at(four, mixed) ^ at(three, mixed >> 8) ^ at(two, mixed >> 16) ^ at(one, mixed >> 24);
    }
    rest.iter().fold(crc, |crc, byte| crc >> 8 ^ at(one, crc ^ u32::from(*byte)))
}

/// Bytes still to be read. Reading past the end gives zeros: every caller has checked the length before.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((chunk, rest)) => {
                self.0 = rest;
                *chunk
            }
            None => [0; N],
        }
    }

    fn records<const N: usize>(&mut self, count: u32) -> &'a [[u8; N]] {
        let length = (count as usize).saturating_mul(N).min(self.0.len());
        let (section, rest) = self.0.split_at(length);
        self.0 = rest;
        section.as_chunks().0
    }
}

/// Room still to be written.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        let (chunk, rest) = core::mem::take(&mut self.0).split_first_chunk_mut()?;
        *chunk = bytes;
        self.0 = rest;
        Some(())
    }

    fn all<const N: usize>(&mut self, records: impl Iterator<Item = [u8; N]>) -> Option<()> {
        for record in records {
            self.put(record)?;
        }
        Some(())
    }
}
