//! The flags of a handle, and which of them go together (reference §4).

use core::fmt;
use core::ops::BitOr;

use divert_vm::Layer;

/// The flags of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Flags(u64);

/// Why flags are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlagError {
    /// A bit that means nothing.
    Unknown(u64),
    /// `SNIFF` and `DROP`.
    SniffAndDrop,
    /// `RECV_ONLY` and `SEND_ONLY`.
    ReceiveAndSendOnly,
    /// `FLOW` and `REFLECT` need `SNIFF`.
    NeedsSniff(Layer),
    /// `FLOW`, `SOCKET` and `REFLECT` need `RECV_ONLY`.
    NeedsReceiveOnly(Layer),
}

impl Flags {
    /// Copy, do not block.
    pub const SNIFF: Self = Self(0x1);
    /// Drop matches silently.
    pub const DROP: Self = Self(0x2);
    /// No send.
    pub const RECV_ONLY: Self = Self(0x4);
    /// No receive.
    pub const SEND_ONLY: Self = Self(0x8);
    /// User mode's business: fail when the driver is not running.
    pub const NO_INSTALL: Self = Self(0x10);
    /// Inbound at NETWORK: see fragments instead of reassembled packets.
    pub const FRAGMENTS: Self = Self(0x20);
    /// No flag.
    pub const NONE: Self = Self(0);

    /// The flags with these bits, whatever they mean.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a handle at `layer` may have these flags.
    ///
    /// # Errors
    /// The first rule of reference §4 that does not hold; all are code 87.
    pub const fn check(self, layer: Layer) -> Result<(), FlagError> {
        let unknown = self.0 & !0x3F;
        if unknown != 0 {
            return Err(FlagError::Unknown(unknown));
        }
        if self.has(Self::SNIFF) && self.has(Self::DROP) {
            return Err(FlagError::SniffAndDrop);
        }
        if self.has(Self::RECV_ONLY) && self.has(Self::SEND_ONLY) {
            return Err(FlagError::ReceiveAndSendOnly);
        }
        match layer {
            Layer::Network | Layer::Forward => Ok(()),
            Layer::Flow | Layer::Reflect if !self.has(Self::SNIFF) => Err(FlagError::NeedsSniff(layer)),
            Layer::Flow | Layer::Socket | Layer::Reflect if !self.has(Self::RECV_ONLY) => {
                Err(FlagError::NeedsReceiveOnly(layer))
            }
            Layer::Flow | Layer::Socket | Layer::Reflect => Ok(()),
        }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(bits) => write!(f, "flags {bits:#x} do not exist"),
            Self::SniffAndDrop => f.write_str("SNIFF and DROP exclude each other"),
            Self::ReceiveAndSendOnly => f.write_str("RECV_ONLY and SEND_ONLY exclude each other"),
            Self::NeedsSniff(layer) => write!(f, "{} needs SNIFF", layer.name()),
            Self::NeedsReceiveOnly(layer) => write!(f, "{} needs RECV_ONLY", layer.name()),
        }
    }
}

impl core::error::Error for FlagError {}
