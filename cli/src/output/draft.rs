//! A file in the making, in the folder where it will be: on Linux one without a name, so that nothing is left of it
//! whatever ends the process, where the file system can do that; else one with a name of its own.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// A file in the making.
pub(super) enum Draft {
    /// Without a name.
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// With one, under which it is removed when it is not finished.
    Named(NamedTempFile),
}

impl Draft {
    /// Begins one in this folder.
    ///
    /// # Errors
    /// If no file can be made there.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless::create(folder) {
            return Ok(Self::Nameless(file));
        }
        builder().tempfile_in(folder).map(Self::Named)
    }

    /// Puts it in its place, which is in the same folder, with other permissions if they are given.
    ///
    /// # Errors
    /// If that cannot be done; then nothing of it remains.
    pub(super) fn finish(
        self,
        folder: &Path,
        target: &Path,
        permissions: Option<Permissions>,
    ) -> io::Result<()> {
        if let Some(permissions) = permissions {
            self.as_file().set_permissions(permissions)?;
        }
        match self {
            // A link replaces nothing; a renamed file does.
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => {
                let named = builder().make_in(folder, |path| nameless::link(&file, path))?;
                named.persist(target).map_err(|error| error.error)
            }
            Self::Named(file) => {
                let _ = folder;
                file.persist(target).map(drop).map_err(|error| error.error)
            }
        }
    }

    fn as_file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file(),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_file().flush()
    }
}

#[cfg(unix)]
const MODE: u32 = 0o666;

fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".divertc-").suffix(".part");
    // Otherwise only the owner could read it; the mask of the process applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE));
    builder
}

#[cfg(target_os = "linux")]
mod nameless {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};

    /// A file without a name, if the file system makes some and they can be given one.
    pub(super) fn create(folder: &Path) -> Option<File> {
        let flags = i32::try_from(OFlags::TMPFILE.bits()).ok()?;
        let file = OpenOptions::new().write(true).mode(super::MODE).custom_flags(flags).open(folder).ok()?;
        fs::symlink_metadata(descriptor(&file)).is_ok().then_some(file)
    }

    /// Gives it a name.
    pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
        Ok(linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    /// Where the kernel shows the file.
    fn descriptor(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}
