//! Shared by the tests: programs assembled by hand or from random bytes, packets and inputs.
//!
//! Generators read a [`Source`] of bytes, so that one generator serves any driver of random bytes and shrinks with it.
#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_vm::op::{Certificate, SetInfo};
use divert_vm::wire::{HEADER, Parts};
use divert_vm::{Field, Instruction, Layer, Op, Program, Target, VerifyError, verify::certify};
use proptest::test_runner::Config;

pub(crate) mod case;
pub(crate) mod input;
pub(crate) mod program;

/// As many cases as asked for, or as the environment says.
pub(crate) fn cases(cases: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Random bytes to be turned into something. Zeros come when they are used up.
pub(crate) struct Source<'b>(&'b [u8]);

impl<'b> Source<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    pub(crate) fn u32(&mut self) -> u32 {
        (0..4).fold(0, |value, _| value << 8 | u32::from(self.byte()))
    }

    pub(crate) fn u128(&mut self) -> u128 {
        (0..16).fold(0, |value, _| value << 8 | u128::from(self.byte()))
    }

    /// From 0 to `end`, which is left out.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end <= 256 { usize::from(self.byte()) % end.max(1) } else { self.u32() as usize % end }
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 1 % chances
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A number from `low` to `high`, often one of these or near.
    pub(crate) fn within(&mut self, low: u128, high: u128) -> u128 {
        let room = high - low;
        let distance = match self.byte() % 8 {
            0 => 0,
            1 => room,
            2 => u128::from(self.byte()).min(room),
            3 => room - u128::from(self.byte()).min(room),
            4 => (1 << (self.byte() & 127)).min(room),
            _ if room < 256 => u128::from(self.byte()) % (room + 1),
            _ if room < 1 << 16 => u128::from(self.u32()) % (room + 1),
            _ => self.u128() % room.saturating_add(1),
        };
        low + distance
    }
}

/// A program in the making.
#[derive(Clone, Debug)]
pub(crate) struct Assembly {
    pub(crate) layer: Layer,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) constants: Vec<u128>,
    pub(crate) sets: Vec<SetInfo>,
    pub(crate) narrow: Vec<(u32, u32)>,
    pub(crate) wide: Vec<(u128, u128)>,
    pub(crate) directory: Vec<u32>,
    pub(crate) debug: Vec<u8>,
}

impl Assembly {
    pub(crate) const fn new(layer: Layer) -> Self {
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

    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        let mut certificates = vec![Certificate::default(); self.instructions.len()];
        certify(&self.parts(&[]), &mut certificates);
        certificates
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        self.encode_with(&self.certificates())
    }

    pub(crate) fn encode_with(&self, certificates: &[Certificate]) -> Vec<u8> {
        let parts = self.parts(certificates);
        let mut bytes = vec![0; parts.encoded_length().unwrap()];
        assert_eq!(parts.encode(&mut bytes), Some(bytes.len()));
        bytes
    }

    pub(crate) fn constant(&mut self, value: u128) -> u32 {
        let number = self.constants.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.constants.push(value);
            self.constants.len() - 1
        });
        number as u32
    }

    /// Adds a set; with a directory of `spare` more buckets than it takes when `shift` is given.
    pub(crate) fn set(
        &mut self,
        wide: bool,
        intervals: &[(u128, u128)],
        shift: Option<u8>,
        spare: u32,
    ) -> u32 {
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
        info.depth = (1 + (0..).find(|halvings| 1_u64 << halvings >= u64::from(fullest)).unwrap()) as u8;
        self.sets.push(info);
        self.sets.len() as u32 - 1
    }

    /// Decodes and verifies `bytes`, with the work limit of user mode.
    pub(crate) fn verify(bytes: &[u8]) -> Result<divert_vm::Verified<'_>, VerifyError> {
        Program::decode(bytes).unwrap().verify(divert_vm::limits::USER_WORK)
    }
}

/// `field` in `low..=high`, a narrow one.
pub(crate) const fn range(field: Field, low: u32, high: u32, yes: Target, no: Target) -> Instruction {
    Instruction { op: Op::Range, field, on_true: yes, on_false: no, index: 0, mask: u32::MAX, low, high }
}

/// CRC-32, one bit at a time.
pub(crate) fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
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
pub(crate) fn fix_checksum(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        bytes[12..16].fill(0);
        let checksum = crc32(bytes.iter().copied());
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
}
