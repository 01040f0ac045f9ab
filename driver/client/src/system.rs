//! What else is asked of the system: processes that use the driver, its service, the clock of its time stamps, and
//! whether the user wants the program to end. Elsewhere than on Windows all of it says [`Error::Unsupported`].

use std::path::PathBuf;

use crate::error::Error;

/// What became of a driver that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninstalled {
    /// It is gone.
    Gone,
    /// It goes when the last of its handles is closed.
    WithLastHandle,
}

/// The program that a process runs.
///
/// # Errors
/// When there is no such process, or it may not be asked.
#[cfg(windows)]
pub fn program(process_id: u32) -> Result<PathBuf, Error> {
    crate::windows::process::program(process_id).map_err(Error::Failed)
}

/// The program that a process runs.
///
/// # Errors
/// Always: there is no driver here.
#[cfg(not(windows))]
pub const fn program(_: u32) -> Result<PathBuf, Error> {
    Err(Error::Unsupported)
}

/// Ends a process.
///
/// # Errors
/// When there is no such process, or it may not be ended.
#[cfg(windows)]
pub fn terminate(process_id: u32) -> Result<(), Error> {
    crate::windows::process::terminate(process_id).map_err(Error::Failed)
}

/// Ends a process.
///
/// # Errors
/// Always: there is no driver here.
#[cfg(not(windows))]
pub const fn terminate(_: u32) -> Result<(), Error> {
    Err(Error::Unsupported)
}

/// Stops the driver and removes its service. Windows lets a driver go with the last of its handles only.
///
/// # Errors
/// 1060 when there is none, and what the system says.
#[cfg(windows)]
pub fn uninstall() -> Result<Uninstalled, Error> {
    crate::windows::service::uninstall().map_err(Error::Failed)
}

/// Stops the driver and removes its service.
///
/// # Errors
/// Always: there is no driver here.
#[cfg(not(windows))]
pub const fn uninstall() -> Result<Uninstalled, Error> {
    Err(Error::Unsupported)
}

/// Now, and ticks in a second, by the clock of the address records.
#[cfg(windows)]
#[must_use]
pub fn ticks() -> (i64, i64) {
    crate::windows::process::ticks()
}

/// Now, and ticks in a second: there is no such clock here.
#[cfg(not(windows))]
#[must_use]
pub const fn ticks() -> (i64, i64) {
    (0, 10_000_000)
}

/// Lets the keys and events that would end the program be heard by [`interrupted`] instead.
#[cfg(windows)]
pub fn hear_interrupts() {
    crate::windows::process::hear_interrupts();
}

/// Lets the keys and events that would end the program be heard: there is nothing to wait for here.
#[cfg(not(windows))]
pub const fn hear_interrupts() {}

/// Whether the user wants the program to end, since [`hear_interrupts`].
#[cfg(windows)]
#[must_use]
pub fn interrupted() -> bool {
    crate::windows::process::interrupted()
}

/// Whether the user wants the program to end: here the program just ends.
#[cfg(not(windows))]
#[must_use]
pub const fn interrupted() -> bool {
    false
}
