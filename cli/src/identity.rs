//! Which file a path stands for, whatever it is called: where an output would replace an input.

use std::fs;
use std::io;
use std::path::Path;

/// A regular file: device and number.
#[cfg(unix)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

/// A regular file: its path without links.
#[cfg(not(unix))]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity(std::path::PathBuf);

/// The file that is read; `-` is standard input. `None`: there is none, or it is a pipe or a device, which nothing replaces.
pub(crate) fn of_input(path: &Path) -> Option<Identity> {
    if path.as_os_str() == "-" { of_stream(io::stdin()) } else { of_path(path) }
}

/// The file that would be written; `-` is standard output.
pub(crate) fn of_output(path: &Path) -> Option<Identity> {
    if path.as_os_str() == "-" { of_stream(io::stdout()) } else { of_path(path) }
}

#[cfg(unix)]
fn of_path(path: &Path) -> Option<Identity> {
    of_metadata(&fs::metadata(path).ok()?)
}

#[cfg(unix)]
fn of_metadata(metadata: &fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    metadata.is_file().then(|| Identity(metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn of_stream(stream: impl std::os::fd::AsFd) -> Option<Identity> {
    let file = fs::File::from(stream.as_fd().try_clone_to_owned().ok()?);
    of_metadata(&file.metadata().ok()?)
}

#[cfg(not(unix))]
fn of_path(path: &Path) -> Option<Identity> {
    let is_file = fs::metadata(path).ok()?.is_file();
    fs::canonicalize(path).ok().filter(|_| is_file).map(Identity)
}

/// Streams have no path.
#[cfg(not(unix))]
fn of_stream<S>(_: S) -> Option<Identity> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_itself_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), b"1").unwrap();
        fs::write(path("b"), b"1").unwrap();
        fs::create_dir(path("c")).unwrap();
        let a = of_input(&path("a"));
        assert!(a.is_some() && a == of_output(&path("c/../a")) && a != of_output(&path("b")));
        assert!(of_output(&path("c")).is_none() && of_output(&path("missing")).is_none());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a", path("soft")).unwrap();
            fs::hard_link(path("a"), path("hard")).unwrap();
            assert!(a == of_output(&path("soft")) && a == of_output(&path("hard")));
            assert!(of_output(Path::new("/dev/null")).is_none());
        }
    }
}
