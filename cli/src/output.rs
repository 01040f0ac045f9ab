//! Output files: written beside their place and renamed to it, so that nobody ever sees half of one; and never over what
//! is read.

mod draft;

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use draft::Draft;

use crate::codes;
use crate::console::{Console, Outcome, Stop};
use crate::finding::{Finding, Origin};
use crate::identity;
use crate::input::reason;

/// Whether an output is standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses an output that is one of the inputs: it would be lost, or read while it is written. `-` is a standard stream.
///
/// # Errors
/// When it is one, whatever it is called there.
pub(crate) fn apart<'p>(output: &Path, inputs: impl IntoIterator<Item = &'p Path>) -> Result<(), Finding> {
    let Some(written) = identity::of_output(output) else { return Ok(()) };
    let Some(input) = inputs.into_iter().find(|input| identity::of_input(input).as_ref() == Some(&written))
    else {
        return Ok(());
    };
    let called = |path: &Path, stream: &str| {
        if path.as_os_str() == "-" { stream.to_owned() } else { format!("`{}`", path.display()) }
    };
    let (read, written) = (called(input, "standard input"), called(output, "standard output"));
    let message = if input == output && !is_stdout(output) {
        format!("{written} is read, and cannot be written over")
    } else {
        format!("{written} is the same file as {read}, which is read")
    };
    let origin = Origin::File(output.to_path_buf());
    Err(Finding::whole(&origin, codes::CANNOT_WRITE, message).help("write to another file"))
}

/// Refuses a second thing on standard output beside what is written there: of the options, each with whether it is given,
/// none may be.
///
/// # Errors
/// When one is.
pub(crate) fn alone(output: Option<&Path>, options: &[(bool, &str)]) -> Result<(), Finding> {
    let other = options.iter().find(|(given, _)| *given).filter(|_| output.is_some_and(is_stdout));
    other.map_or(Ok(()), |(_, option)| {
        let message = format!("`-w -` and `{option}` would both write to standard output");
        Err(Finding::command(codes::USAGE, message).help("write to a file with -w FILE"))
    })
}

/// Begins an output; `-` is standard output. `binary`: it is nothing to be seen on a terminal.
///
/// # Errors
/// When no file can be made there.
pub(crate) fn open(path: &Path, binary: Option<&str>, console: &mut Console) -> Outcome<OutFile> {
    if !is_stdout(path) {
        return OutFile::create(path).map_err(|error| cannot_write(path, &error).into());
    }
    if let Some(what) = binary.filter(|_| console.out_is_terminal()) {
        let finding = Finding::command(codes::USAGE, format!("{what} is not for terminals"));
        return Err(finding.help("write it to a file with -w FILE").into());
    }
    Ok(OutFile::to(console.raw()))
}

/// What became of writing. Only standard output and pipes have readers that go away, and that changes no answer.
///
/// # Errors
/// When it failed in any other way.
pub(crate) fn written(path: &Path, written: io::Result<()>) -> Outcome<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) if is_stdout(path) => Err(Stop::Output(error)),
        written => written.map_err(|error| cannot_write(path, &error).into()),
    }
}

/// Puts `bytes` into the file at `path`. A file that is there keeps its permissions, a symbolic link stays one, and what
/// is no regular file (`/dev/null`, a named pipe) is written to.
///
/// # Errors
/// If that cannot be done; then what was there is still there.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Finding> {
    try_write(path, bytes).map_err(|error| cannot_write(path, &error))
}

/// The finding that a file cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Finding {
    let origin = Origin::File(path.to_path_buf());
    let finding =
        Finding::whole(&origin, codes::CANNOT_WRITE, format!("cannot write `{origin}`: {}", reason(error)));
    let folder = folder_of(path);
    let (kind, shown) = (error.kind(), folder.display());
    if kind == io::ErrorKind::NotFound && !folder.exists() {
        return finding.help(format!("the folder `{shown}` does not exist"));
    }
    if kind == io::ErrorKind::PermissionDenied || kind == io::ErrorKind::ReadOnlyFilesystem {
        return finding.help(format!("output files are made in their folder; `{shown}` must be writable"));
    }
    finding
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OutFile::create(path)?;
    file.write(bytes)?;
    file.finish()
}

/// Finds out whether a file can be made at `path`, where what will be in it takes long.
///
/// # Errors
/// If not.
pub(crate) fn probe(path: &Path) -> Result<(), Finding> {
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    // Who reads a pipe would see its end.
    if is_stdout(path) || is_special {
        return Ok(());
    }
    OutFile::create(path).map(drop).map_err(|error| cannot_write(path, &error))
}

/// Collected before each write.
const BUFFER: usize = 256 * 1024;

/// A file in the making; it goes away when it is not finished.
pub(crate) struct OutFile(Sink);

/// Where the bytes go.
enum Sink {
    /// Beside the target, to be renamed to it; and the permissions it will have.
    Beside(BufWriter<Draft>, PathBuf, Option<Permissions>),
    /// Straight to something that must not be replaced: a pipe, a device, standard output.
    Direct(BufWriter<Box<dyn Write>>),
}

impl OutFile {
    /// A file that will be at `path`; see [`write_file`].
    ///
    /// # Errors
    /// If no file can be made there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let present = fs::metadata(&target).ok();
        if present.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            return Ok(Self::to(Box::new(fs::OpenOptions::new().write(true).open(&target)?)));
        }
        let file = BufWriter::with_capacity(BUFFER, Draft::create(&folder_of(&target))?);
        Ok(Self(Sink::Beside(file, target, present.map(|metadata| metadata.permissions()))))
    }

    /// Bytes that go to a stream.
    pub(crate) fn to(stream: Box<dyn Write>) -> Self {
        Self(Sink::Direct(BufWriter::with_capacity(BUFFER, stream)))
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Sink::Beside(file, ..) => file.write_all(bytes),
            Sink::Direct(stream) => stream.write_all(bytes),
        }
    }

    /// Lets what was written to a stream be seen; a file is seen when it is finished.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Sink::Beside(..) => Ok(()),
            Sink::Direct(stream) => stream.flush(),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If that cannot be done; then nothing of it remains.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.0 {
            Sink::Beside(file, target, permissions) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.finish(&folder_of(&target), &target, permissions)
            }
            Sink::Direct(mut stream) => stream.flush(),
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_keeps_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.dvf");
        write_file(&path, b"one").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
            write_file(&path, b"two").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
            let link = folder.path().join("link.dvf");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            write_file(&link, b"three").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&path).unwrap(), b"three");
        }
        assert!(write_file(&path.join("below"), b"").is_err());
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert!(left <= 2, "no temporary files remain");
    }
}
