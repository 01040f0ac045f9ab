//! What can be wrong with a capture: not being one, and damage within.

use std::fmt;
use std::io;

use super::sniff::Content;

/// Damage is remembered up to this number of places, and counted beyond it: a long file of noise has one per kilobyte,
/// and nobody reads more than a few.
pub(crate) const MAX_DAMAGE: usize = 32;

/// Why a file cannot be read as a capture at all.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// No bytes: an empty file, a closed pipe.
    Empty,
    /// Something else; what it looks like.
    NotCapture(Content),
    /// The magic of a capture, and then the file ends within its header: `have` bytes instead of `want`.
    HeaderCut {
        /// Bytes there are.
        have: usize,
        /// Bytes the header takes.
        want: usize,
    },
    /// A pcap version whose layout is unknown.
    Version {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The source could not be read.
    Io(Box<str>),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("not a capture: it is empty"),
            Self::NotCapture(content) => write!(f, "not a capture: {content}"),
            Self::HeaderCut { have, want } => {
                write!(f, "not a capture: the file ends after {have} of the {want} bytes of its header")
            }
            Self::Version { major, minor } => write!(f, "pcap version {major}.{minor} is unknown"),
            Self::Io(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.to_string().into())
    }
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Where in the file the damaged record or block begins.
    pub(crate) offset: u64,
    /// What is wrong with it.
    pub(crate) kind: DamageKind,
    /// Where reading went on; `None` if nothing readable follows.
    pub(crate) resumed: Option<u64>,
}

/// What is wrong at a damaged place. Each variant names the smallest input that causes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DamageKind {
    /// The file ends within a record or block: any capture without its last byte.
    Cut {
        /// Bytes that the record or block claims.
        want: u64,
        /// Bytes there are.
        have: u64,
    },
    /// A length that no record or block can have: `ff ff ff ff`, a pcapng block of 4 or 13 bytes.
    ImpossibleLength {
        /// The length.
        length: u32,
        /// The largest that is accepted.
        limit: u32,
    },
    /// Zeros where a record or block should begin: a file system lost a page, a writer did not finish.
    Zeros,
    /// A record header with odd values (captured length above the original or the snap length, more than a second of
    /// microseconds), and after the length that it claims no record begins either.
    Implausible {
        /// Captured length.
        captured: u32,
        /// Original length.
        original: u32,
    },
    /// What would be a record by its header, but its time or lengths are odd, and others of the right time begin within it.
    Overlapped {
        /// Captured length.
        captured: u32,
    },
    /// The two lengths of a pcapng block differ.
    BadTrailer {
        /// The length before the block's body.
        length: u32,
        /// The length after it.
        trailer: u32,
    },
    /// What would be a block of an unknown type, but none follows it: bytes that are missing or too many before a block.
    Stray {
        /// The type.
        block: u32,
    },
    /// A section header whose byte-order magic is neither `1a 2b 3c 4d` nor `4d 3c 2b 1a`.
    BadByteOrder {
        /// What stands there.
        found: [u8; 4],
    },
    /// A section of a version that nobody has described; read like version 1.
    SectionVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A packet of an interface that its section did not describe.
    UnknownInterface {
        /// Its number.
        id: u32,
        /// Number of interfaces described so far.
        known: u32,
    },
    /// More interfaces in one section than are kept.
    TooManyInterfaces,
    /// A block too short for what its type must contain.
    ShortBlock {
        /// Block type.
        block: u32,
        /// Length of the whole block.
        length: u32,
    },
    /// A packet block whose captured length exceeds the block.
    PacketBeyondBlock {
        /// Captured length.
        captured: u32,
        /// Bytes that the block has for it.
        room: u32,
    },
    /// An option of an interface description that exceeds its block; the timestamps of the interface may be wrong.
    BadOption,
    /// The source failed; the message of the operating system.
    Io(Box<str>),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.kind)?;
        match (&self.kind, self.resumed) {
            (_, Some(resumed)) => write!(f, "; reading went on at byte {resumed}"),
            (DamageKind::Cut { .. } | DamageKind::Io(_), None) => Ok(()),
            (_, None) => f.write_str("; nothing readable follows"),
        }
    }
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { want, have } => {
                write!(f, "the file ends after {have} of the {want} bytes of a record")
            }
            Self::ImpossibleLength { length, limit } if length > limit => {
                write!(f, "a record of {length} bytes, which is more than the limit of {limit}")
            }
            Self::ImpossibleLength { length, .. } => write!(f, "impossible block length {length}"),
            Self::Zeros => f.write_str("zeros instead of a record"),
            Self::Implausible { captured, original } => {
                write!(
                    f,
                    "implausible record header: {captured} bytes captured of {original}, and no record after it"
                )
            }
            Self::Overlapped { captured } => {
                write!(
                    f,
                    "an odd record header of {captured} bytes captured, and other records begin within them"
                )
            }
            Self::BadTrailer { length, trailer } => {
                write!(f, "a block of {length} bytes ends with the length {trailer}")
            }
            Self::Stray { block } => {
                write!(f, "what may be a block of the unknown type {block:#x}, but no block follows it")
            }
            Self::BadByteOrder { found: [a, b, c, d] } => {
                write!(f, "a section header with the byte-order magic {a:02x} {b:02x} {c:02x} {d:02x}")
            }
            Self::SectionVersion { major, minor } => {
                write!(f, "a section of unknown version {major}.{minor}")
            }
            Self::UnknownInterface { id, known } => {
                write!(f, "a packet of interface {id}, but only {known} are described")
            }
            Self::TooManyInterfaces => f.write_str("too many interfaces in one section"),
            Self::ShortBlock { block, length } => {
                write!(f, "a block of type {block:#x} cannot have only {length} bytes")
            }
            Self::PacketBeyondBlock { captured, room } => {
                write!(f, "a packet of {captured} bytes in a block with room for {room}")
            }
            Self::BadOption => f.write_str("an option exceeds its interface description"),
            Self::Io(message) => f.write_str(message),
        }
    }
}

/// Collects damage up to `MAX_DAMAGE`.
#[derive(Debug, Default)]
pub(super) struct DamageLog {
    kept: Vec<Damage>,
    total: u64,
}

impl DamageLog {
    /// Damage after which reading goes on at `resumed`.
    pub(super) fn add(&mut self, offset: u64, kind: DamageKind, resumed: Option<u64>) {
        self.total += 1;
        if self.kept.len() < MAX_DAMAGE {
            self.kept.push(Damage { offset, kind, resumed });
        }
    }

    /// The first places.
    pub(super) fn kept(&self) -> &[Damage] {
        &self.kept
    }

    /// The number of all places.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}
