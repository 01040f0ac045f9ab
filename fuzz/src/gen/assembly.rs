//! Programs put together by hand: the sections as lists, the certificates by the compiler's own function.

use divert_vm::op::{Certificate, SetInfo};
use divert_vm::wire::{HEADER, Parts};
use divert_vm::{Field, Instruction, Layer, Op, Program, Target, Verified, VerifyError, verify::certify};

/// A program in the making.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The layer.
    pub layer: Layer,
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The constants.
    pub constants: Vec<u128>,
    /// The sets.
    pub sets: Vec<SetInfo>,
    /// Intervals of 32-bit keys.
    pub narrow: Vec<(u32, u32)>,
    /// Intervals of 128-bit keys.
    pub wide: Vec<(u128, u128)>,
    /// Entries of directories.
    pub directory: Vec<u32>,
    /// The debug section.
    pub debug: Vec<u8>,
}

impl Assembly {
    /// Nothing yet.
    #[must_use]
    pub const fn new(layer: Layer) -> Self {
        Self {
            layer,
            instructions: Vec::new(),
            constants: Vec::new(),
            sets: Vec::new(),
            narrow: Vec::new(),
            wide: Vec::new(),
            directory: Vec::new(),
            debug: Vec::new(),
        }
    }

    fn parts<'p>(&'p self, certificates: &'p [Certificate]) -> Parts<'p> {
        let Self { layer, instructions, constants, sets, narrow, wide, directory, debug } = self;
        Parts { layer: *layer, instructions, certificates, constants, sets, narrow, wide, directory, debug }
    }

    /// The certificates that belong to the instructions.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        let mut certificates = vec![Certificate::default(); self.instructions.len()];
        certify(&self.parts(&[]), &mut certificates);
        certificates
    }

    /// The program; empty when it is longer than the format allows.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(&self.certificates())
    }

    /// The program with these certificates.
    #[must_use]
    pub fn encode_with(&self, certificates: &[Certificate]) -> Vec<u8> {
        let parts = self.parts(certificates);
        let mut bytes = vec![0; parts.encoded_length().unwrap_or(0)];
        match parts.encode(&mut bytes) {
            Some(_) => bytes,
            None => Vec::new(),
        }
    }

    /// The number of a constant, which is added when it is new.
    pub fn constant(&mut self, value: u128) -> u32 {
        let number = self.constants.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.constants.push(value);
            self.constants.len() - 1
        });
        number as u32
    }

    /// Adds a set; with a directory of `spare` more buckets than it takes when `shift` is given.
    pub fn set(&mut self, wide: bool, intervals: &[(u128, u128)], shift: Option<u8>, spare: u32) -> u32 {
        let first = if wide { self.wide.len() } else { self.narrow.len() } as u32;
        let count = intervals.len() as u32;
        for &(low, high) in intervals {
            if wide {
                self.wide.push((low, high));
            } else {
                self.narrow.push((low as u32, high as u32));
            }
        }
        let mut info = SetInfo { wide, first, count, ..SetInfo::default() };
        let mut fullest = count;
        if let Some(shift) = shift {
            let bucket = |low: u128| ((low - intervals[0].0) >> shift) as usize;
            let buckets = bucket(intervals[intervals.len() - 1].0) + 1 + spare as usize;
            let mut begun = vec![0_u32; buckets];
            for (low, _) in intervals {
                begun[bucket(*low)] += 1;
            }
            (info.shift, info.buckets, info.directory) = (shift, buckets as u32, self.directory.len() as u32);
            let mut before = 0;
            fullest = 0;
            for begun in begun {
                self.directory.push(before);
                // A look-up also regards the interval before the bucket's first.
                fullest = fullest.max(begun + u32::from(before > 0));
                before += begun;
            }
            self.directory.push(before);
        }
        // Halvings until one interval is left, and the comparison with it.
        info.depth = (1..=33).find(|depth| 1_u64 << (depth - 1) >= u64::from(fullest)).unwrap_or(33);
        self.sets.push(info);
        self.sets.len() as u32 - 1
    }

    /// Decodes and verifies `bytes`, with the work limit of user mode.
    ///
    /// # Errors
    /// What the verifier says.
    ///
    /// # Panics
    /// When the bytes have not even the shape of a program: this is for programs that were encoded here.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn verify(bytes: &[u8]) -> Result<Verified<'_>, VerifyError> {
        Program::decode(bytes).expect("an encoded program").verify(divert_vm::limits::USER_WORK)
    }
}

/// `field` in `low..=high`, a narrow one.
#[must_use]
pub const fn range(field: Field, low: u32, high: u32, yes: Target, no: Target) -> Instruction {
    Instruction { op: Op::Range, field, on_true: yes, on_false: no, index: 0, mask: u32::MAX, low, high }
}

/// CRC-32, one bit at a time.
#[must_use]
pub fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
            },
        )
    })
}

/// Writes the checksum that belongs to the bytes, when they have room for a header.
pub fn fix_checksum(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        bytes[12..16].fill(0);
        let checksum = crc32(bytes.iter().copied());
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
}
