//! What `-w` writes: a capture, or lines of events.

use std::io;
use std::path::{Path, PathBuf};

use crate::args::usage;
use crate::capture::write::{Announced, CaptureWriter, WriteError};
use crate::codes;
use crate::console::{Console, Outcome, Status, Stop};
use crate::eval::Part;
use crate::finding::{Finding, Origin};
use crate::output::{self, OutFile, cannot_write, is_stdout};

/// Where matches are written.
pub(super) struct Writer {
    path: PathBuf,
    target: Target,
}

enum Target {
    /// Nothing was written yet.
    Planned,
    /// A capture.
    Capture(CaptureWriter),
    /// Lines of events.
    Events(OutFile),
}

impl Writer {
    /// A file that will be made when it is known what it is; `-` is standard output.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), target: Target::Planned }
    }

    /// Announces the next input: a capture, or events.
    pub(super) fn begin(&mut self, input: Option<&Announced>, console: &mut Console) -> Outcome<()> {
        if matches!(self.target, Target::Planned) {
            self.target = self.open(input.is_some(), console)?;
        }
        match (&mut self.target, input) {
            (Target::Capture(writer), Some(input)) => writer.begin(input).map_err(|error| self.failed(error)),
            (Target::Events(_), None) => Ok(()),
            (Target::Planned | Target::Capture(_) | Target::Events(_), _) => {
                Err(usage("one file cannot hold both packets and events; use -w with inputs of one kind"))
            }
        }
    }

    /// Writes what is kept of some records.
    pub(super) fn keep(&mut self, part: &Part) -> Outcome<()> {
        let mut pieces = part.kept.pieces();
        let written = match &mut self.target {
            Target::Planned => Ok(()),
            Target::Capture(writer) => pieces.try_for_each(|piece| writer.write(piece)),
            Target::Events(file) => pieces.try_for_each(|line| {
                let ended = if line.ends_with(b"\n") { "" } else { "\n" };
                file.write(line).and_then(|()| file.write(ended.as_bytes())).map_err(WriteError::Io)
            }),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Outcome<()> {
        let Self { path, target } = self;
        let written = match target {
            Target::Planned => Ok(()),
            Target::Capture(writer) => writer.finish(),
            Target::Events(file) => file.finish().map_err(WriteError::Io),
        };
        written.map_err(|error| write_failed(&path, error))
    }

    fn open(&self, capture: bool, console: &mut Console) -> Outcome<Target> {
        let file = output::open(&self.path, capture.then_some("a capture"), console)?;
        Ok(if capture { Target::Capture(CaptureWriter::new(file)) } else { Target::Events(file) })
    }

    fn failed(&self, error: WriteError) -> Stop {
        write_failed(&self.path, error)
    }
}

fn write_failed(path: &Path, error: WriteError) -> Stop {
    match error {
        // Only standard output and pipes have readers that go away.
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Stop::Closed(Status::Fine),
        WriteError::Io(error) if is_stdout(path) => Stop::Output(error),
        WriteError::Io(error) => cannot_write(path, &error).into(),
        WriteError::Mixed(..) => Finding::whole(
            &Origin::File(path.to_path_buf()),
            codes::CANNOT_WRITE,
            format!("cannot write `{}`: {error}", path.display()),
        )
        .help("use -w with inputs of one format and link type, or once for each input")
        .into(),
    }
}
