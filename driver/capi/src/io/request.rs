//! Messages to the driver that are answered at once.

use std::os::windows::io::BorrowedHandle;

use divert_driver_client::windows::control;
use divert_driver_protocol::{ControlCode, Reply, Request};

use crate::Win32;
use crate::types::{BOOL, TRUE};

/// An answer that cannot be understood: `ERROR_DRIVER_FAILED_PRIOR_UNLOAD`, another version is loaded (reference §4).
pub(super) const STRANGE: Win32 = Win32(654);

/// A request as bytes.
pub(super) fn encoded(request: &Request<'_>) -> Result<Vec<u8>, Win32> {
    let mut message = vec![0; request.encoded_length()];
    request.encode(&mut message).map_err(|_| Win32::INVALID_PARAMETER)?;
    Ok(message)
}

/// Asks, and understands the answer.
pub(super) fn ask<'r>(
    file: BorrowedHandle<'_>,
    request: &Request<'_>,
    reply: &'r mut [u8],
) -> Result<Reply<'r>, Win32> {
    let message = encoded(request)?;
    let length = control(file, ControlCode::Message, &message, reply).map_err(|failure| Win32(failure.0))?;
    Reply::decode(reply.get(..length).unwrap_or(&[])).map_err(|_| STRANGE)
}

/// Asks for what success alone answers.
pub(super) fn tell(file: BorrowedHandle<'_>, request: &Request<'_>) -> Result<BOOL, Win32> {
    let message = encoded(request)?;
    control(file, ControlCode::Message, &message, &mut []).map_err(|failure| Win32(failure.0))?;
    Ok(TRUE)
}
