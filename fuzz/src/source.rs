//! Where generators get their choices from: bytes.
//!
//! One generator so serves libFuzzer (its input), proptest (random bytes, and shrinking them shrinks what is generated)
//! and searches that only have a seed.

/// Bytes to be turned into something.
#[derive(Clone, Debug)]
pub struct Source<'b> {
    bytes: &'b [u8],
    /// What comes after the bytes; `None` for zeros.
    state: Option<u64>,
}

impl<'b> Source<'b> {
    /// These bytes, then zeros.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, state: None }
    }

    /// These bytes, then random ones that depend on them: for what wants more choices than a fuzzer gives bytes.
    #[must_use]
    pub fn endless(bytes: &'b [u8]) -> Self {
        // FNV-1a: all that matters is that it is the same tomorrow.
        let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self { bytes, state: Some(hash) }
    }

    /// Random bytes, the same for the same seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { bytes: &[], state: Some(seed) }
    }

    /// Whether the given bytes are used up.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The rest of the given bytes.
    #[must_use]
    pub const fn rest(&self) -> &'b [u8] {
        self.bytes
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match (self.bytes.split_first(), &mut self.state) {
            (Some((first, rest)), _) => {
                self.bytes = rest;
                *first
            }
            (None, Some(state)) => splitmix(state).to_le_bytes()[7],
            (None, None) => 0,
        }
    }

    /// As many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// 32 bits.
    pub fn u32(&mut self) -> u32 {
        (0..4).fold(0, |value, _| value << 8 | u32::from(self.byte()))
    }

    /// 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    /// 128 bits.
    pub fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    /// From 0 to `end`, which is left out; 0 when `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        if end <= 256 { usize::from(self.byte()) % end.max(1) } else { self.u32() as usize % end }
    }

    /// True once in so many times; never when the source has nothing but zeros left.
    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 1 % chances.max(1)
    }

    /// One of these. There must be one.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        // INVARIANT: an index below the length; callers pick from lists that are not empty.
        choices[self.below(choices.len())]
    }

    /// A number from `low` to `high`, often one of these or near.
    pub fn within(&mut self, low: u128, high: u128) -> u128 {
        let room = high.saturating_sub(low);
        let distance = match self.byte() % 8 {
            0 => 0,
            1 => room,
            2 => u128::from(self.byte()).min(room),
            3 => room - u128::from(self.byte()).min(room),
            4 => (1 << (self.byte() & 127)).min(room),
            _ if room < 256 => u128::from(self.byte()) % (room + 1),
            _ if room < 1 << 16 => u128::from(self.u32()) % (room + 1),
            _ => match room.checked_add(1) {
                Some(count) => self.u128() % count,
                None => self.u128(),
            },
        };
        low + distance
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut value = *state;
    value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
