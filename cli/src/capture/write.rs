//! Writing a selection of packets: records and blocks byte for byte as they stood, so that timestamps, comments,
//! options and interfaces are kept without being understood.

use std::fmt;
use std::io;

use super::record::LinkType;
use crate::output::OutFile;

/// A new capture.
pub(crate) struct CaptureWriter {
    file: OutFile,
    /// The format, once an input has been announced.
    kind: Option<Kind>,
    /// Whether a section header has been written.
    in_section: bool,
}

/// What inputs must share to go into one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All pcapng files may follow each other: sections exist for this.
    Pcapng,
    /// pcap files have one header for all records.
    Pcap {
        /// Link type of all records.
        link: LinkType,
        /// The magic: byte order, resolution and layout of the records.
        magic: [u8; 4],
    },
}

/// An input whose packets are to be written.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    /// What it is.
    pub(crate) kind: Kind,
    /// What a file with its packets begins with.
    pub(crate) header: Vec<u8>,
}

/// Why a capture could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Inputs that one file cannot hold together: what the file is, and what came then.
    Mixed(Kind, Kind),
    /// The file system said no.
    Io(io::Error),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcapng => f.write_str("pcapng"),
            Self::Pcap { link, magic: [a, b, c, d] } => {
                write!(f, "pcap (magic {a:02x}{b:02x}{c:02x}{d:02x}, link type {})", link.0)
            }
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mixed(first, second) => {
                write!(f, "one file cannot hold packets of {first} and of {second}")
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl CaptureWriter {
    /// A capture in a file in the making.
    pub(crate) const fn new(file: OutFile) -> Self {
        Self { file, kind: None, in_section: false }
    }

    /// Announces the input whose items come next.
    ///
    /// # Errors
    /// If its packets cannot be in one file with those before, or the file cannot be written.
    pub(crate) fn begin(&mut self, input: &Announced) -> Result<(), WriteError> {
        match self.kind {
            Some(first) if first != input.kind => return Err(WriteError::Mixed(first, input.kind)),
            Some(_) => {}
            None => {
                self.kind = Some(input.kind);
                self.put(&input.header)?;
            }
        }
        Ok(())
    }

    /// Writes an item of the input announced last, as it stood: each block that is no packet, and the packets that are
    /// wanted.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&mut self, raw: &[u8]) -> Result<(), WriteError> {
        if self.kind == Some(Kind::Pcapng) { self.put_block(raw) } else { self.put(raw) }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If the file cannot be written or renamed; then nothing of it remains.
    pub(crate) fn finish(self) -> Result<(), WriteError> {
        Ok(self.file.finish()?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        Ok(self.file.write(bytes)?)
    }

    /// Writes a block; what damage took from the frame around it is repaired: a section header that got lost, a length
    /// at its end that differs.
    fn put_block(&mut self, block: &[u8]) -> Result<(), WriteError> {
        let Some((&[t0, t1, t2, t3, l0, l1, l2, l3], _)) = block.split_first_chunk::<8>() else {
            return Ok(());
        };
        let is_section = [t0, t1, t2, t3] == [0x0a, 0x0d, 0x0d, 0x0a];
        if !self.in_section && !is_section {
            self.put(&empty_section(t0 == 0))?;
        }
        self.in_section = true;
        self.put(block.get(..block.len() - 4).unwrap_or_default())?;
        self.put(&[l0, l1, l2, l3])
    }
}

/// A section header without options, of unknown section length.
fn empty_section(big_endian: bool) -> Vec<u8> {
    let (length, magic) = (28u32, 0x1a2b_3c4du32);
    let mut bytes = vec![0x0a, 0x0d, 0x0d, 0x0a];
    for number in [length, magic] {
        bytes.extend(if big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }
    bytes.extend(if big_endian { [0, 1, 0, 0] } else { [1, 0, 0, 0] });
    bytes.extend([0xff; 8]);
    bytes.extend(if big_endian { length.to_be_bytes() } else { length.to_le_bytes() });
    bytes
}
