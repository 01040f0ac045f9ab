//! Set files: one value, range or subnet a line. The compiler opens no files itself; its caller gives a [`Loader`].

use std::path::PathBuf;
use std::sync::Arc;

use divert_grammar::ast::Text;
use divert_grammar::diagnostic::{Diagnostic, Severity};
use divert_vm::limits::MAX_SET_INTERVALS;
use divert_vm::number::Number;

use super::literal::{self, shown};
use super::resolve::Resolver;
use super::sets::{Constant, subnet};
use super::typed::{Range, RangeForm};
use crate::{codes, limits};

/// Gives the content of the files that a filter names.
pub trait Loader {
    /// The content of the file with this path, which is as written in the filter.
    ///
    /// # Errors
    /// Why the file cannot be read, in words.
    fn load(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Loads nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&self, _path: &str) -> Result<Vec<u8>, String> {
        Err("files cannot be read here".to_owned())
    }
}

/// Loads from the file system; relative paths begin at this directory.
#[derive(Clone, Debug)]
pub struct Directory(pub PathBuf);

impl Loader for Directory {
    fn load(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

impl<F: Fn(&str) -> Result<Vec<u8>, String>> Loader for F {
    fn load(&self, path: &str) -> Result<Vec<u8>, String> {
        self(path)
    }
}

/// A set file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFile {
    /// Its path, as written.
    pub path: Box<str>,
    /// Its entries, in the order of the lines.
    pub entries: Arc<[Range]>,
    /// How many entries fewer it would have if those that overlap or touch were one.
    pub merged: usize,
}

/// A line that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BadLine {
    line: u32,
    column: u32,
    message: String,
}

impl Resolver<'_> {
    /// The entries of a set file; each file is read once.
    pub(super) fn file(&mut self, path: &Text) -> Option<Arc<[Range]>> {
        let Ok(name) = std::str::from_utf8(&path.bytes) else {
            self.report(
                Diagnostic::error(codes::FILE_UNREADABLE, "the path is not UTF-8", path.span)
                    .label("no path"),
            );
            return None;
        };
        if let Some(file) = self.files.iter().find(|file| &*file.path == name) {
            let respan = |range: &Range| Range { span: path.span, ..*range };
            return Some(file.entries.iter().map(respan).collect());
        }
        let content = match self.loader.load(name) {
            Ok(content) => content,
            Err(reason) => {
                let message = format!("cannot read `{}`: {reason}", shown(name));
                self.report(
                    Diagnostic::error(codes::FILE_UNREADABLE, message, path.span).label("named here"),
                );
                return None;
            }
        };
        let mut entries = Vec::new();
        let mut bad = Vec::new();
        read(&content, |line, entry| match entry {
            Ok((low, high, form)) => entries.push(Range { low, high, span: path.span, line, form }),
            Err((column, message)) => bad.push(BadLine { line, column, message }),
        });
        let more = bad.len().saturating_sub(limits::MAX_FILE_ERRORS);
        let failed = !bad.is_empty();
        for (position, BadLine { line, column, message }) in
            bad.into_iter().take(limits::MAX_FILE_ERRORS).enumerate()
        {
            let message = format!("{name}:{line}:{column}: {message}");
            let mut diagnostic = Diagnostic::error(codes::FILE_ENTRY, message, path.span)
                .label(format!("line {line} of this file"));
            if position + 1 == limits::MAX_FILE_ERRORS && more > 0 {
                diagnostic = diagnostic.note(format!("{more} more lines are wrong"));
            }
            self.report(diagnostic);
        }
        if failed {
            return None;
        }
        if entries.is_empty() {
            let message = format!("`{}` has no entry", shown(name));
            self.report(Diagnostic::error(codes::EMPTY_FILE, message, path.span).label("nothing is in it"));
            return None;
        }
        let merged = entries.len() - intervals(&entries);
        if entries.len() - merged > MAX_SET_INTERVALS {
            let message = format!("`{}` has too many entries", shown(name));
            let label = format!("{} of at most {MAX_SET_INTERVALS}", entries.len() - merged);
            self.report(Diagnostic::error(codes::SET_TOO_LARGE, message, path.span).label(label));
            return None;
        }
        if merged > 0 {
            let message =
                format!("{merged} of the {} entries of `{}` were merged", entries.len(), shown(name));
            self.report(
                Diagnostic::new(codes::MERGED, Severity::Note, message, path.span)
                    .label("entries overlap or touch"),
            );
        }
        let entries: Arc<[Range]> = entries.into();
        self.files.push(SetFile { path: name.into(), entries: entries.clone(), merged });
        Some(entries)
    }
}

/// How many entries remain when those that overlap or touch are one.
fn intervals(entries: &[Range]) -> usize {
    let mut bounds: Vec<(Number, Number)> = entries.iter().map(|range| (range.low, range.high)).collect();
    if !bounds.is_sorted() {
        bounds.sort_unstable();
    }
    let mut count = 0;
    let mut last: Option<Number> = None;
    for (low, high) in bounds {
        match last {
            Some(end) if low <= successor(end) => last = Some(end.max(high)),
            Some(_) | None => {
                count += 1;
                last = Some(high);
            }
        }
    }
    count
}

fn successor(number: Number) -> Number {
    if number.is_negative() {
        Number::new(true, number.magnitude() - 1)
    } else {
        Number::from(number.magnitude().saturating_add(1))
    }
}

type Entry = Result<(Number, Number, RangeForm), (u32, String)>;

/// Calls `each` with every entry and its line. `#` and `;` begin comments; lines end in LF or CR LF.
fn read(content: &[u8], mut each: impl FnMut(u32, Entry)) {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    let mut number = 0_u32;
    for line in content.split(|byte| *byte == b'\n') {
        number = number.saturating_add(1);
        let end = line.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(line.len());
        let line = line.get(..end).unwrap_or(line);
        let blanks = line.len() - line.trim_ascii_start().len();
        let entry = line.trim_ascii();
        if entry.is_empty() {
            continue;
        }
        let column = |offset: usize| u32::try_from(blanks + offset + 1).unwrap_or(u32::MAX);
        match std::str::from_utf8(entry) {
            Ok(text) => each(number, line_entry(text).map_err(|(at, message)| (column(at), message))),
            Err(error) => each(number, Err((column(error.valid_up_to()), "not UTF-8".to_owned()))),
        }
    }
}

/// One value, range or subnet; or the offset of what is wrong and why.
fn line_entry(text: &str) -> Result<(Number, Number, RangeForm), (usize, String)> {
    if let Some((base, prefix)) = text.split_once('/') {
        let constant = value(base.trim_ascii_end(), 0)?;
        let prefix = prefix.trim_ascii_start();
        return subnet(constant, prefix, false).map_err(|error| (0, error.text()));
    }
    let range = text.split_once("..").or_else(|| {
        // A sign may stand first; a `-` behind something is that of a range.
        let at = text.get(1..)?.find('-')? + 1;
        Some((text.get(..at)?, text.get(at + 1..)?))
    });
    let Some((low, high)) = range else {
        let number = value(text, 0)?.number;
        return Ok((number, number, RangeForm::Value));
    };
    let high = high.trim_ascii_start();
    let first = value(low.trim_ascii_end(), 0)?.number;
    let last = value(high, text.len() - high.len())?.number;
    if first > last {
        return Err((0, "the range ends before it begins".to_owned()));
    }
    Ok((first, last, RangeForm::Range))
}

fn value(text: &str, at: usize) -> Result<Constant, (usize, String)> {
    let (negative, word) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_ascii_start()),
        None => (false, text),
    };
    match literal::literal(word) {
        Ok(literal) => Ok(Constant { number: Number::new(negative, literal.value), form: literal.form }),
        Err(_) if word.contains([' ', '\t', ',']) => {
            Err((at + word.find([' ', '\t', ',']).unwrap_or(0), "one entry a line".to_owned()))
        }
        Err(_) if word.is_empty() => Err((at, "a number or an address is missing".to_owned())),
        Err(error) => {
            let diagnostic = error.diagnostic(word, divert_grammar::span::Span::empty(0));
            Err((at, format!("{}: {}", diagnostic.message, diagnostic.primary.message)))
        }
    }
}
