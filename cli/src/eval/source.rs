//! What an input is: a capture, or lines of events, perhaps compressed. Its name or its first bytes tell.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;

use super::zstd::{Frames, is_zstd};
use crate::capture::damage::OpenError;
use crate::capture::{CaptureReader, READ_SIZE};
use crate::codes;
use crate::console::Progress;
use crate::events::EventReader;
use crate::finding::{Finding, Origin};
use crate::input::{cannot_read, reason};
use crate::render::harmless;

/// The name of an input.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As it is given.
    pub(crate) given: String,
    /// As it is shown: on one line, and without what steers a terminal.
    pub(crate) text: String,
    /// As a string of JSON.
    pub(crate) quoted: String,
}

impl Name {
    /// What the command line calls an input.
    pub(crate) fn of(name: &OsStr) -> Self {
        let given = name.to_string_lossy().into_owned();
        let quoted = serde_json::Value::from(given.as_str()).to_string();
        Self { text: given.chars().map(harmless).collect(), quoted, given }
    }
}

/// Bytes of an input, once its first ones have been looked at.
type Bytes = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// An input: where it comes from and what it is.
pub(crate) struct Opened {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What it is.
    pub(crate) source: Source,
}

/// What an input is.
pub(crate) enum Source {
    /// A capture.
    Capture(CaptureReader<Bytes>),
    /// Events.
    Events(EventReader<BufReader<Bytes>>),
}

/// Bytes that are looked at.
const PREFIX: u64 = 64;

/// Opens an input; `-` is standard input.
///
/// # Errors
/// If it cannot be read or is neither.
pub(crate) fn open(name: &OsStr) -> Result<Opened, Finding> {
    open_counted(name, &Progress::default(), READ_SIZE)
}

/// The same, and `progress` is told how many bytes of it are read; captures are read so many at once.
///
/// # Errors
/// If it cannot be read or is neither.
pub(super) fn open_counted(name: &OsStr, progress: &Progress, read_size: usize) -> Result<Opened, Finding> {
    let path = Path::new(name);
    let (origin, mut stream): (Origin, Box<dyn Read + Send>) = if name == "-" {
        (Origin::Stdin, Box::new(io::stdin()))
    } else {
        let origin = Origin::File(path.to_path_buf());
        let file = File::open(path).map_err(|error| cannot_read(&origin, &error))?;
        let stream: Box<dyn Read + Send> = match progress.counter() {
            Some(counter) => Box::new(Counted { stream: file, counter }),
            None => Box::new(file),
        };
        (origin, stream)
    };
    let mut prefix = look(&mut stream).map_err(|error| cannot_read(&origin, &error))?;
    if let Some(format) = Compression::of(&prefix) {
        stream = format.decoder(Cursor::new(prefix).chain(stream));
        prefix = look(&mut stream).map_err(|error| cannot_read(&origin, &error))?;
    }
    let is_events = is_named_events(&name.to_string_lossy()) || begins_like_events(&prefix);
    let bytes = Cursor::new(prefix).chain(stream);
    let source = if is_events {
        Source::Events(EventReader::new(BufReader::with_capacity(256 * 1024, bytes)))
    } else {
        Source::Capture(
            CaptureReader::with_read_size(bytes, read_size)
                .map_err(|error| not_a_capture(&origin, &error))?,
        )
    };
    Ok(Opened { origin, source })
}

/// A stream that tells how much is read of it.
struct Counted<R> {
    stream: R,
    counter: ProgressBar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.counter.inc(count as u64);
        Ok(count)
    }
}

/// The first bytes of a stream.
fn look(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut prefix = Vec::new();
    stream.by_ref().take(PREFIX).read_to_end(&mut prefix)?;
    Ok(prefix)
}

/// How an input is compressed.
#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn of(prefix: &[u8]) -> Option<Self> {
        match prefix {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            prefix if is_zstd(prefix) => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What gives the bytes as they were. Several compressed streams in a row are read as one.
    fn decoder(self, bytes: Bytes) -> Box<dyn Read + Send> {
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(bytes)),
            Self::Zstd => Box::new(Frames::new(BufReader::new(bytes))),
        }
    }
}

/// Whether a name is one of events: `.jsonl`, compressed or not.
fn is_named_events(name: &str) -> bool {
    [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).ends_with(".jsonl")
}

/// Whether the first sign of a text is a brace.
fn begins_like_events(prefix: &[u8]) -> bool {
    let text = prefix.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(prefix);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn not_a_capture(origin: &Origin, error: &OpenError) -> Finding {
    match error {
        OpenError::Io(message) => {
            let error = io::Error::other(message.to_string());
            Finding::whole(origin, codes::CANNOT_READ, format!("cannot read `{origin}`: {}", reason(&error)))
        }
        OpenError::Empty
        | OpenError::NotCapture(_)
        | OpenError::HeaderCut { .. }
        | OpenError::Version { .. } => {
            let finding = Finding::whole(origin, codes::NOT_CAPTURE, format!("`{origin}`: {error}"));
            finding.help("inputs are pcap and pcapng files, and events as lines of JSON")
        }
    }
}
