//! Filters as they arrive: text, WinDivert object or bytecode; from an argument, a file or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use divert_grammar::limits::MAX_SOURCE;
use divert_vm::limits::{MAX_PROGRAM, MAX_SET_INTERVALS};
use divert_vm::object::PREFIX;
use divert_vm::wire::MAGIC;

use crate::args::Selection;
use crate::capture::sniff::{Content as Kind, sniff};
use crate::codes;
use crate::finding::{Finding, Origin, SourceText};
use crate::render::lines::MARK;

/// What text of WinDivert's filter objects begins with.
pub(crate) const OBJECT: &str = "@WinDiv_";

/// A filter that was read but not understood yet.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Where it came from.
    pub(crate) origin: Origin,
    /// What it is.
    pub(crate) content: Content,
}

/// What a filter is.
#[derive(Debug)]
pub(crate) enum Content {
    /// Text of the filter language.
    Text(Arc<SourceText>),
    /// A WinDivert object, or the object text of a program; without blanks around it.
    Object(Arc<SourceText>),
    /// Bytecode, not looked at yet.
    Bytecode(Vec<u8>),
}

/// Reads what the command line names.
///
/// # Errors
/// If it cannot be read or is no text.
pub(crate) fn read(selection: Selection) -> Result<Filter, Finding> {
    match selection {
        Selection::Text(text) => Ok(from_text(Origin::Argument, text)),
        Selection::Stdin => from_bytes(Origin::Stdin, read_stdin()?),
        Selection::File(path) => {
            let bytes = read_file(&path)?;
            from_bytes(Origin::File(path), bytes)
        }
        Selection::Bytecode(path) => {
            let bytes = read_file(&path)?;
            Ok(Filter { origin: Origin::File(path), content: Content::Bytecode(bytes) })
        }
    }
}

/// Reads a whole file, if it is not longer than a filter can be.
///
/// # Errors
/// If that cannot be done.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Finding> {
    let read = File::open(path).and_then(|file| read_all(file, limit));
    read.map_err(|error| cannot_read(&Origin::File(path.to_path_buf()), &error))
}

/// Reads all of standard input, if it is not longer than a filter can be.
///
/// # Errors
/// If that cannot be done.
pub(crate) fn read_stdin() -> Result<Vec<u8>, Finding> {
    read_all(io::stdin().lock(), limit).map_err(|error| cannot_read(&Origin::Stdin, &error))
}

/// Reads a file of the entries of a set. It may be longer than a text, since it may have as many entries as a program.
///
/// # Errors
/// Why not, in the words of the system.
pub(crate) fn read_set(path: &Path) -> Result<Vec<u8>, String> {
    let read = File::open(path).and_then(|file| read_all(file, |_| MAX_SET_FILE));
    read.map_err(|error| reason(&error))
}

/// Reads to the end, which for devices and pipes may never come: or to the limit that there is for what begins like this.
fn read_all(mut stream: impl Read, limit: impl FnOnce(&[u8]) -> usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.by_ref().take(LOOK).read_to_end(&mut bytes)?;
    let limit = limit(&bytes);
    let rest = (limit + 1).saturating_sub(bytes.len());
    stream.take(rest as u64).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("it has more than {limit} bytes, which is the limit")));
    }
    Ok(bytes)
}

/// The longest file of a set: every interval on a line of its own, each as long as a range of IPv6 addresses can be.
const MAX_SET_FILE: usize = MAX_SET_INTERVALS * (39 + 2 + 39 + 2);
/// Bytes that are looked at.
const LOOK: u64 = 64;

/// The most bytes of a filter that begins like this: of a program, or of a text. The text of a program is about as long as
/// the program.
fn limit(first: &[u8]) -> usize {
    let text = first.trim_ascii_start();
    if first.starts_with(&MAGIC) || text.starts_with(PREFIX.as_bytes()) { MAX_PROGRAM } else { MAX_SOURCE }
}

/// The finding that something cannot be read.
pub(crate) fn cannot_read(origin: &Origin, error: &io::Error) -> Finding {
    Finding::whole(origin, codes::CANNOT_READ, format!("cannot read `{origin}`: {}", reason(error)))
}

/// The words of the system, without the number that Rust adds.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text.get(..at).unwrap_or_default().to_owned(),
        None => text,
    }
}

fn from_bytes(origin: Origin, bytes: Vec<u8>) -> Result<Filter, Finding> {
    if bytes.starts_with(&MAGIC) {
        return Ok(Filter { origin, content: Content::Bytecode(bytes) });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let message = format!("`{origin}` is UTF-16 text, and filters are UTF-8");
        let help = "save it as UTF-8; in PowerShell, `… | Out-File -Encoding utf8 FILE` does so";
        return Err(Finding::whole(&origin, codes::NOT_TEXT, message).help(help));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(from_text(origin, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("`{origin}` is not UTF-8 text: byte {at} belongs to no character");
            Err(Finding::whole(&origin, codes::NOT_TEXT, message))
        }
    }
}

fn from_text(origin: Origin, text: String) -> Filter {
    // A file may end in a line break. What a program would be given stands for itself: with blanks it is no object.
    let trimmed = if origin == Origin::Argument {
        text.as_str()
    } else {
        text.strip_prefix(MARK).unwrap_or(&text).trim()
    };
    let content = if trimmed.starts_with(OBJECT) || trimmed.starts_with(PREFIX) {
        Content::Object(Arc::new(SourceText { origin: origin.clone(), text: trimmed.to_owned() }))
    } else {
        Content::Text(Arc::new(SourceText { origin: origin.clone(), text }))
    };
    Filter { origin, content }
}

/// Advice for a text that is not valid: it may be the name of a file.
pub(crate) fn file_hint(source: &SourceText) -> Option<String> {
    let text = file_named(source)?;
    Some(format!("there is a file `{text}`; to read the filter from it, write `-f {text}`"))
}

/// The finding that something to be judged stands where the filter should.
pub(crate) fn swapped(source: &SourceText) -> Option<Finding> {
    let name = file_named(source)?;
    let lower = name.to_ascii_lowercase();
    let named = [".pcap", ".pcapng", ".cap", ".jsonl", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst"];
    let mut prefix = [0; 16];
    let length = File::open(name).and_then(|mut file| file.read(&mut prefix)).unwrap_or(0);
    let looks = matches!(
        sniff(prefix.get(..length).unwrap_or_default()),
        Kind::Pcap | Kind::Pcapng | Kind::Foreign(_)
    );
    (looks || named.iter().any(|end| lower.ends_with(end))).then(|| {
        Finding::command(codes::USAGE, format!("`{name}` is a file of packets or events, not a filter"))
            .help("the filter comes first, and what it judges behind it: `divertc eval FILTER INPUT…`")
    })
}

/// The file whose name stands in place of a filter's text.
fn file_named(source: &SourceText) -> Option<&str> {
    let text = source.text.trim();
    let is_file = source.origin == Origin::Argument && !text.is_empty() && Path::new(text).is_file();
    is_file.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_where_no_filter_goes_on() {
        let read = |first: &[u8], limit: usize| read_all(first.chain(io::repeat(b'x')), |_| limit);
        assert!(read(b"tcp", 1000).is_err() && read(b"", LOOK as usize).is_err());
        let exact =
            |count: u64, limit| read_all(io::repeat(b'x').take(count), |_| limit).map(|bytes| bytes.len());
        for count in [0, 1, LOOK - 1, LOOK, LOOK + 1, 1000] {
            assert_eq!(exact(count, 1000).ok(), Some(count as usize));
        }
        assert!(exact(1001, 1000).is_err());
        assert_eq!(limit(b" \n@Divert_1"), MAX_PROGRAM);
        assert_eq!([limit(&MAGIC), limit(b"@WinDiv_"), limit(b"")], [MAX_PROGRAM, MAX_SOURCE, MAX_SOURCE]);
    }
}
