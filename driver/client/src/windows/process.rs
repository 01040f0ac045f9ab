//! Processes that use the driver, and the clock of its time stamps.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE,
    QueryFullProcessImageNameW, TerminateProcess,
};

use super::last_failure;
use crate::device::Failure;

fn open(process_id: u32, access: u32) -> Result<OwnedHandle, Failure> {
    // SAFETY: plain numbers.
    let process = unsafe { OpenProcess(access, 0, process_id) };
    if process.is_null() {
        return Err(last_failure());
    }
    // SAFETY: the handle was opened above, is not null, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(process) })
}

/// The program that a process runs.
///
/// # Errors
/// When there is no such process, or it may not be asked.
pub fn program(process_id: u32) -> Result<PathBuf, Failure> {
    let process = open(process_id, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let mut name = vec![0_u16; 32_768];
    let mut length = name.len() as u32;
    // SAFETY: the process is open; `name` has as much room as `length` says, and both live until after the call.
    let done = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            name.as_mut_ptr(),
            &raw mut length,
        )
    };
    match name.get(..length as usize) {
        Some(name) if done != 0 => Ok(PathBuf::from(OsString::from_wide(name))),
        Some(_) | None => Err(last_failure()),
    }
}

/// Ends a process.
///
/// # Errors
/// When there is no such process, or it may not be ended.
pub fn terminate(process_id: u32) -> Result<(), Failure> {
    let process = open(process_id, PROCESS_TERMINATE)?;
    // SAFETY: the process is open for this.
    if unsafe { TerminateProcess(process.as_raw_handle(), 1) } == 0 { Err(last_failure()) } else { Ok(()) }
}

/// The performance counter, and its ticks in a second: the clock of address records.
#[must_use]
pub fn ticks() -> (i64, i64) {
    let (mut now, mut frequency) = (0, 0);
    // SAFETY: the variable lives until after the call.
    unsafe { QueryPerformanceCounter(&raw mut now) };
    // SAFETY: the variable lives until after the call.
    unsafe { QueryPerformanceFrequency(&raw mut frequency) };
    (now, frequency.max(1))
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs in a thread of the system's.
unsafe extern "system" fn heard(_: u32) -> i32 {
    // The second time the program ends, whatever it does.
    i32::from(!INTERRUPTED.swap(true, Ordering::SeqCst))
}

/// Lets Ctrl-C, Ctrl-Break and the closing of the console be heard by [`interrupted`]; the second of them ends the
/// program as ever.
pub fn hear_interrupts() {
    // SAFETY: the function stays as long as the program, and touches an atomic variable only.
    unsafe { SetConsoleCtrlHandler(Some(heard), 1) };
}

/// Whether one of these came.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
