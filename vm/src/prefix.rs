//! The first tests of a program, decoded once, when it is verified: what is known of a test without an input is looked
//! up then and not for every packet. Most programs have no more tests than are kept, and no memory is needed for them.

use crate::layer::Layer;
use crate::load::place::{self, Otherwise, PLACES, Place};
use crate::op::{Instruction, SetInfo, Target};
use crate::packet::{Found, Version};
use crate::program::{Program, narrow_interval};
use crate::run::{among, narrow_contains};

/// How many tests are kept.
const LENGTH: usize = 6;

/// The first tests, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix<'a> {
    /// For each class of packets a bit where the class alone decides the verdict, and from bit [`CLASSES`] on the verdict.
    decided: u32,
    tests: [Test<'a>; LENGTH],
}

/// Version and direction.
const CLASSES: u32 = 4;

const fn class(version: Version, outbound: bool) -> u32 {
    (version as u32) << 1 | outbound as u32
}

/// Where to go: one of the tests that are kept (their numbers), or an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u32);

impl Exit {
    pub(crate) const ACCEPT: Self = Self(Target::ACCEPT.raw() as u32);
    pub(crate) const REJECT: Self = Self(Target::REJECT.raw() as u32);

    /// The instruction where the run goes on.
    #[inline]
    pub(crate) const fn resume(self) -> usize {
        (self.0 & 0xFFFF) as usize
    }

    /// Leaves from the test with this number, which may be less than [`LENGTH`].
    const fn at(number: usize) -> Self {
        Self(number as u32 | 0x1_0000)
    }
}

/// A test on a field that is part of a word of a header, or that says whether a header is there.
#[derive(Clone, Copy, Debug)]
struct Test<'a> {
    /// Where the field lies; its mask is that of the instruction as well.
    place: Place,
    kind: Kind,
    /// Of the directory.
    shift: u8,
    /// Where to go when the key is in the interval or the set,
    inside: Exit,
    /// when it is not,
    outside: Exit,
    /// and when the field is absent, or the header whose presence is the key.
    missing: Exit,
    /// Range and directory: least key.
    low: u32,
    /// Range: greatest key; directory: last bucket; both counted from 0.
    span: u32,
    /// Of the set.
    intervals: &'a [[u8; 8]],
    directory: &'a [[u8; 4]],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Range,
    Set,
    Directory,
}

impl<'a> Prefix<'a> {
    /// Decodes the first tests of a verified program.
    pub(crate) fn of(program: &Program<'a>) -> Self {
        let mut tests = [Test::leave(0); LENGTH];
        let packets = matches!(program.layer(), Layer::Network | Layer::Forward);
        for (number, test) in tests.iter_mut().enumerate() {
            *test = Test::leave(number);
            if packets && let Some(kept) = Test::of(program, number) {
                *test = kept;
            }
        }
        let mut decided = 0;
        for version in [Version::V4, Version::V6] {
            for outbound in [false, true] {
                let bit = 1 << class(version, outbound);
                match verdict(&tests, place::present(version, outbound, Found::default())) {
                    Some(true) => decided |= bit | bit << CLASSES,
                    Some(false) => decided |= bit,
                    None => {}
                }
            }
        }
        Self { decided, tests }
    }

    /// The verdict on packets of this version and direction, if no more need be known.
    #[inline]
    pub(crate) fn verdict(&self, version: Version, outbound: bool) -> Option<bool> {
        let bits = self.decided >> class(version, outbound);
        (bits & 1 == 1).then_some(bits >> CLASSES & 1 == 1)
    }

    /// Runs the tests until a verdict or an instruction that is not kept here. `present` says what is there, `at` where
    /// the transport header begins ([`Found`]).
    ///
    /// Out of line, so that it has registers of its own: few values live here, and all arrive in registers.
    #[inline(never)]
    pub(crate) fn run(&self, bytes: &[u8], present: u32, at: u32) -> Exit {
        let mut next = Exit(0);
        // Every target is behind its test.
        while let Some(test) = self.tests.get(next.0 as usize) {
            next = test.next(bytes, present, at);
        }
        next
    }
}

/// The verdict, if what is there decides it without a look at the packet.
fn verdict(tests: &[Test<'_>], present: u32) -> Option<bool> {
    let mut next = Exit(0);
    // Every target is behind its test.
    while let Some(test) = tests.get(next.0 as usize) {
        next = test.known(present)?;
    }
    match next {
        Exit::ACCEPT => Some(true),
        Exit::REJECT => Some(false),
        _ => None,
    }
}

impl<'a> Test<'a> {
    /// No test: goes on with the instruction itself. Its header is never there.
    const fn leave(number: usize) -> Self {
        let exit = Exit::at(number);
        Self {
            place: place::elsewhere(),
            kind: Kind::Range,
            shift: 0,
            inside: exit,
            outside: exit,
            missing: exit,
            low: 0,
            span: 0,
            intervals: &[],
            directory: &[],
        }
    }

    /// Test `number`, when there is one and it can be kept.
    fn of(program: &Program<'a>, number: usize) -> Option<Self> {
        let instruction = program.instruction(number)?;
        let Instruction { op, field, on_true, on_false, index: _, mask, low, high } = instruction;
        let mut place = *PLACES.get(usize::from(field.number()))?;
        if op.is_wide() || place.otherwise() == Otherwise::Elsewhere {
            return None;
        }
        place.mask &= mask;
        // Always so in a verified program (V9); said here because the loop over these tests ends because of it.
        let behind = |target: Target| {
            target.number().is_none_or(|to| number < to).then_some(Exit(target.raw().into()))
        };
        let (on_true, on_false) = (behind(on_true)?, behind(on_false)?);
        let (inside, outside) = if op.is_negated() { (on_false, on_true) } else { (on_true, on_false) };
        let mut test = Self { place, inside, outside, missing: on_false, low, ..Self::leave(number) };
        let holds_zero;
        if op.is_set() {
            let set = program.set(low)?;
            holds_zero = narrow_contains(program, &set, 0);
            test.set(program, &set)?;
        } else {
            holds_zero = low == 0;
            test.span = high.wrapping_sub(low);
        }
        if place.otherwise() == Otherwise::False {
            test.missing = if holds_zero { inside } else { outside };
        }
        Some(test)
    }

    fn set(&mut self, program: &Program<'a>, set: &SetInfo) -> Option<()> {
        let first = set.first as usize;
        self.intervals = program.narrow.get(first..first.saturating_add(set.count as usize))?;
        self.kind = Kind::Set;
        if let Some(last) = set.buckets.checked_sub(1) {
            self.kind = Kind::Directory;
            self.directory = program.directory.get(set.directory as usize..)?.get(..=set.buckets as usize)?;
            self.low = self.intervals.first().map(narrow_interval)?.0;
            // Keys of 32 bits shifted by more lie in bucket 0 all.
            (self.shift, self.span) = if set.shift < 32 { (set.shift, last) } else { (0, 0) };
        }
        Some(())
    }

    #[inline(always)]
    fn next(&self, bytes: &[u8], present: u32, at: u32) -> Exit {
        if !self.place.is_in(present) {
            return self.missing;
        }
        let Some(key) = self.place.read(bytes, at) else { return self.missing };
        self.decide(key)
    }

    /// Where to go by the version and the direction alone, where these decide.
    fn known(&self, present: u32) -> Option<Exit> {
        if !self.place.is_of_class() {
            return None;
        }
        if !self.place.is_in(present) {
            return Some(self.missing);
        }
        // The key of a presence is the same in every packet.
        (self.place.otherwise() == Otherwise::False).then(|| self.decide(self.place.mask))
    }

    #[inline(always)]
    fn decide(&self, key: u32) -> Exit {
        let inside = if self.kind == Kind::Range {
            key.wrapping_sub(self.low) <= self.span
        } else {
            let intervals = if self.kind == Kind::Set { Some(self.intervals) } else { self.bucket(key) };
            intervals.is_some_and(|intervals| among(intervals, key))
        };
        if inside { self.inside } else { self.outside }
    }

    /// The intervals that can hold the key.
    #[inline]
    fn bucket(&self, key: u32) -> Option<&'a [[u8; 8]]> {
        // A key below all wraps to any bucket; the interval found there will not hold it.
        let bucket = (key.wrapping_sub(self.low) >> (self.shift & 31)).min(self.span) as usize;
        let [from, to] = self.directory.get(bucket..)?.first_chunk()?;
        // The interval before the bucket's first may reach into it.
        let from = u32::from_le_bytes(*from).saturating_sub(1);
        self.intervals.get(from as usize..u32::from_le_bytes(*to) as usize)
    }
}
