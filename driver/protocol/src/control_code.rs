//! How messages travel: the control codes of the device, and how its answers carry Win32 codes.
//!
//! A file object of the device is one handle. Codes are made as `CTL_CODE` makes them (WDK, "Defining I/O Control
//! Codes"): device type, required access, function, transfer method.

use crate::code::Code;

/// `FILE_DEVICE_NETWORK`.
const DEVICE: u32 = 0x12;
/// `FILE_READ_DATA | FILE_WRITE_DATA`: who may open the device for both may do all.
const ACCESS: u32 = 3;
/// `METHOD_BUFFERED`.
const BUFFERED: u32 = 0;
/// `METHOD_OUT_DIRECT`.
const OUT_DIRECT: u32 = 2;
/// `FACILITY_NTWIN32` with the severity of an error.
const STATUS_WIN32: u32 = 0xC007_0000;

/// A control code that the driver understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ControlCode {
    /// The input is any [`crate::Request`] but a receive, the output a [`crate::Reply`] or nothing. Both are copied by
    /// the system, sends included: the driver judges what nobody can change any more.
    Message = DEVICE << 16 | ACCESS << 14 | 0x901 << 2 | BUFFERED,
    /// The input is a [`crate::Request::Receive`], the output is filled in place in the form of [`crate::receive`]. It
    /// waits until there is something to receive.
    Receive = DEVICE << 16 | ACCESS << 14 | 0x902 << 2 | OUT_DIRECT,
}

impl ControlCode {
    /// As it stands in a request.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The one with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            number if number == Self::Message as u32 => Some(Self::Message),
            number if number == Self::Receive as u32 => Some(Self::Receive),
            _ => None,
        }
    }
}

impl Code {
    /// The status with which the driver completes a request that fails; the system turns it into the code again
    /// (`RtlNtStatusToDosError`).
    #[must_use]
    pub const fn status(self) -> i32 {
        (STATUS_WIN32 | self.number()).cast_signed()
    }
}
