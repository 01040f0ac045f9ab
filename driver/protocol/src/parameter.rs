//! The parameters of a handle (reference §5).

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Parameter {
    /// Most packets in the queue.
    QueueLength = 0,
    /// Milliseconds that a packet may wait at least before it may be dropped.
    QueueTime = 1,
    /// Most bytes in the queue.
    QueueSize = 2,
    /// First part of the interface's version; read only.
    VersionMajor = 3,
    /// Second part of the interface's version; read only.
    VersionMinor = 4,
}

/// What a parameter may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its value after opening.
    pub default: u64,
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

impl Bounds {
    /// Whether `value` is within.
    #[must_use]
    pub const fn admits(&self, value: u64) -> bool {
        self.min <= value && value <= self.max
    }
}

impl Parameter {
    /// All parameters, by number.
    pub const ALL: [Self; 5] =
        [Self::QueueLength, Self::QueueTime, Self::QueueSize, Self::VersionMajor, Self::VersionMinor];

    /// The parameter with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|parameter| parameter.number() == number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// What it may be set to; `None` for those that are read only.
    #[must_use]
    pub const fn bounds(self) -> Option<Bounds> {
        match self {
            Self::QueueLength => Some(Bounds { default: 4096, min: 32, max: 16_384 }),
            Self::QueueTime => Some(Bounds { default: 2000, min: 100, max: 16_000 }),
            Self::QueueSize => Some(Bounds { default: 4_194_304, min: 65_535, max: 33_554_432 }),
            Self::VersionMajor | Self::VersionMinor => None,
        }
    }
}
