//! What an input is: a capture, or lines of events. Its name or its first bytes tell.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use crate::capture::CaptureReader;
use crate::capture::damage::OpenError;
use crate::codes;
use crate::events::EventReader;
use crate::finding::{Finding, Origin};
use crate::input::{cannot_read, reason};

/// Bytes of an input, once its first ones have been looked at.
pub(crate) type Bytes = Chain<Cursor<Vec<u8>>, Box<dyn Read>>;

/// An input: where it comes from, what it is, and how long when that is known.
pub(crate) struct Opened {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What it is.
    pub(crate) source: Source,
    /// Its size in bytes; 0 for what has none.
    pub(crate) size: u64,
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
    let path = Path::new(name);
    let (origin, mut stream, size): (Origin, Box<dyn Read>, u64) = if name == "-" {
        (Origin::Stdin, Box::new(io::stdin().lock()), 0)
    } else {
        let origin = Origin::File(path.to_path_buf());
        let file = File::open(path).map_err(|error| cannot_read(&origin, &error))?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        (origin, Box::new(file), size)
    };
    let mut prefix = Vec::new();
    let read = stream.by_ref().take(PREFIX).read_to_end(&mut prefix);
    read.map_err(|error| cannot_read(&origin, &error))?;
    let is_events = name.to_string_lossy().ends_with(".jsonl") || begins_like_events(&prefix);
    let bytes = Cursor::new(prefix).chain(stream);
    let source = if is_events {
        Source::Events(EventReader::new(BufReader::with_capacity(256 * 1024, bytes)))
    } else {
        Source::Capture(CaptureReader::open(bytes).map_err(|error| not_a_capture(&origin, &error))?)
    };
    Ok(Opened { origin, source, size })
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
