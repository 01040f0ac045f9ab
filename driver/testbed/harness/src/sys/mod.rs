//! What only the system can do: devices with requests that wait, and services.

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{Device, Pending, Service};

#[cfg(not(windows))]
mod elsewhere;
#[cfg(not(windows))]
pub(crate) use elsewhere::{Device, Pending, Service};

/// A Win32 code.
pub(crate) type Code = u32;

/// `ERROR_OPERATION_ABORTED`.
pub(crate) const ABORTED: Code = 995;
/// A wait took too long; no code of the system's.
pub(crate) const TIMEOUT: Code = u32::MAX;
