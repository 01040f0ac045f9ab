//! Windows.
#![allow(unsafe_code, reason = "calls into the system; each says why it is sound")]

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::AsRawHandle as _;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::Foundation::{
    CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_IO_PENDING, ERROR_SERVICE_EXISTS,
    GENERIC_READ, GENERIC_WRITE, GetLastError, HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::{CreateFileW, FILE_FLAG_OVERLAPPED, OPEN_EXISTING};
use windows_sys::Win32::System::IO::{CancelIoEx, DeviceIoControl, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ControlService, CreateServiceW, DeleteService, OpenSCManagerW, OpenServiceW,
    QueryServiceStatus, SC_HANDLE, SC_MANAGER_ALL_ACCESS, SERVICE_ALL_ACCESS, SERVICE_CONTROL_STOP,
    SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, SERVICE_KERNEL_DRIVER, SERVICE_STATUS, SERVICE_STOPPED,
    StartServiceW,
};
use windows_sys::Win32::System::Threading::{CreateEventW, GetCurrentProcess, WaitForSingleObject};

use super::{Code, TIMEOUT};

fn wide(text: &str) -> Vec<u16> {
    OsStr::new(text).encode_wide().chain([0]).collect()
}

fn last() -> Code {
    // SAFETY: no conditions.
    unsafe { GetLastError() }
}

/// An open device.
pub(crate) struct Device {
    handle: HANDLE,
    closed: AtomicBool,
}

// SAFETY: the handle of a file may be used by any thread, by several at once.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

/// Longer than a request takes to end that was cancelled, in milliseconds.
const PATIENCE: u32 = 10_000;

/// A request that waits. Its buffers live as long as the system may write to them.
pub(crate) struct Pending {
    device: HANDLE,
    overlapped: Box<OVERLAPPED>,
    output: Vec<u8>,
    _input: Vec<u8>,
    done: AtomicBool,
}

// SAFETY: handles and buffers are its own, and no thread matters to them.
unsafe impl Send for Pending {}
// SAFETY: what several threads may do at once are calls of the system, and reading once the request is done.
unsafe impl Sync for Pending {}

impl Device {
    /// Opens a device for everything.
    pub(crate) fn open(path: &str) -> Result<Self, Code> {
        let path = wide(path);
        // SAFETY: the path ends in a NUL; no other pointers.
        let handle = unsafe {
            CreateFileW(
                path.as_ptr(),
                GENERIC_READ | GENERIC_WRITE,
                0,
                null(),
                OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED,
                null_mut(),
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(last());
        }
        Ok(Self { handle, closed: AtomicBool::new(false) })
    }

    /// The handle with this number, which this process was given.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere there are none")]
    pub(crate) fn given(number: usize) -> Result<Self, Code> {
        Ok(Self { handle: std::ptr::without_provenance_mut(number), closed: AtomicBool::new(false) })
    }

    /// Gives the handle to another process; gives the number that it has there.
    pub(crate) fn give(&self, child: &std::process::Child) -> Result<usize, Code> {
        let mut there = null_mut();
        // SAFETY: no conditions.
        let this = unsafe { GetCurrentProcess() };
        let child = child.as_raw_handle();
        // SAFETY: both processes and the handle are open; the variable outlives the call.
        let done =
            unsafe { DuplicateHandle(this, self.handle, child, &raw mut there, 0, 0, DUPLICATE_SAME_ACCESS) };
        if done == 0 { Err(last()) } else { Ok(there.addr()) }
    }

    /// Makes a request and waits for it; gives the length of the answer.
    pub(crate) fn control(&self, code: u32, input: &[u8], output: &mut [u8]) -> Result<usize, Code> {
        let answer = self.start(code, input, output.len())?.wait(u32::MAX)?;
        output[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }

    /// Makes a request that may wait.
    pub(crate) fn start(&self, code: u32, input: &[u8], length: usize) -> Result<Pending, Code> {
        // SAFETY: no pointers but null.
        let event = unsafe { CreateEventW(null(), 1, 0, null()) };
        if event.is_null() {
            return Err(last());
        }
        let mut pending = Pending {
            device: self.handle,
            overlapped: Box::new(OVERLAPPED { hEvent: event, ..OVERLAPPED::default() }),
            output: vec![0; length],
            _input: input.to_vec(),
            done: AtomicBool::new(false),
        };
        // SAFETY: the buffers belong to `pending`, which does not go before the request is done; no output, no buffer.
        let at_once = unsafe {
            DeviceIoControl(
                self.handle,
                code,
                pending._input.as_ptr().cast(),
                pending._input.len() as u32,
                if length == 0 { null_mut() } else { pending.output.as_mut_ptr().cast() },
                length as u32,
                null_mut(),
                &raw mut *pending.overlapped,
            )
        };
        if at_once == 0 {
            let code = last();
            if code != ERROR_IO_PENDING {
                pending.done.store(true, Ordering::Release);
                return Err(code);
            }
        }
        Ok(pending)
    }

    /// Closes it now, while others may be using it: what they ask for then fails.
    pub(crate) fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            // SAFETY: opened by us, closed once.
            unsafe { CloseHandle(self.handle) };
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.close();
    }
}

impl Pending {
    fn result(&self, wait: bool) -> Result<usize, Code> {
        let mut length = 0;
        // SAFETY: the structure is the request's own, and alive.
        let well = unsafe {
            GetOverlappedResult(self.device, &raw const *self.overlapped, &raw mut length, i32::from(wait))
        };
        if well == 0 { Err(last()) } else { Ok(length as usize) }
    }

    /// Waits for so many milliseconds at most; gives the length of the answer.
    pub(crate) fn outcome(&self, milliseconds: u32) -> Result<usize, Code> {
        // SAFETY: the event is the request's own, and open.
        let signalled = unsafe { WaitForSingleObject(self.overlapped.hEvent, milliseconds) };
        if signalled != WAIT_OBJECT_0 {
            return Err(TIMEOUT);
        }
        let result = self.result(true);
        self.done.store(true, Ordering::Release);
        result
    }

    /// Waits for so many milliseconds at most; gives the answer.
    pub(crate) fn wait(&self, milliseconds: u32) -> Result<Vec<u8>, Code> {
        let length = self.outcome(milliseconds)?;
        Ok(self.output[..length.min(self.output.len())].to_vec())
    }

    /// Whether it is done.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: the event is the request's own, and open.
        unsafe { WaitForSingleObject(self.overlapped.hEvent, 0) == WAIT_OBJECT_0 }
    }

    /// Asks for it to be cancelled.
    pub(crate) fn cancel(&self) {
        // SAFETY: the structure is the request's own, and alive.
        unsafe { CancelIoEx(self.device, &raw const *self.overlapped) };
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.done.load(Ordering::Acquire) {
            self.cancel();
            // The device may be closed already; then the request is done.
            if self.outcome(PATIENCE) == Err(TIMEOUT) {
                // A driver that keeps it is broken; what it may still write to must stay.
                std::mem::forget(std::mem::take(&mut self.overlapped));
                std::mem::forget(std::mem::take(&mut self.output));
                return;
            }
        }
        // SAFETY: opened by us, closed once; the request is done.
        unsafe { CloseHandle(self.overlapped.hEvent) };
    }
}

/// The driver's service. It is deleted when this goes.
pub(crate) struct Service(SC_HANDLE);

impl Service {
    /// Installs a driver.
    pub(crate) fn install(name: &str, file: &str) -> Result<Self, Code> {
        let (name, file) = (wide(name), wide(file));
        // SAFETY: no pointers but null.
        let manager = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_ALL_ACCESS) };
        if manager.is_null() {
            return Err(last());
        }
        // SAFETY: the manager is open; names end in NUL.
        let mut service = unsafe {
            CreateServiceW(
                manager,
                name.as_ptr(),
                name.as_ptr(),
                SERVICE_ALL_ACCESS,
                SERVICE_KERNEL_DRIVER,
                SERVICE_DEMAND_START,
                SERVICE_ERROR_NORMAL,
                file.as_ptr(),
                null(),
                null_mut(),
                null(),
                null(),
                null(),
            )
        };
        let mut code = last();
        if service.is_null() && code == ERROR_SERVICE_EXISTS {
            // SAFETY: the manager is open; the name ends in NUL.
            service = unsafe { OpenServiceW(manager, name.as_ptr(), SERVICE_ALL_ACCESS) };
            code = last();
        }
        // SAFETY: opened above, closed once.
        unsafe { CloseServiceHandle(manager) };
        if service.is_null() { Err(code) } else { Ok(Self(service)) }
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Result<(), Code> {
        // SAFETY: the service is open; no arguments.
        if unsafe { StartServiceW(self.0, 0, null()) } == 0 { Err(last()) } else { Ok(()) }
    }

    /// Stops it and waits until it has stopped.
    pub(crate) fn stop(&self) -> Result<(), Code> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open; the variable outlives the call.
        if unsafe { ControlService(self.0, SERVICE_CONTROL_STOP, &raw mut status) } == 0 {
            return Err(last());
        }
        for _ in 0..1000 {
            // SAFETY: the service is open; the variable outlives the call.
            if unsafe { QueryServiceStatus(self.0, &raw mut status) } == 0 {
                return Err(last());
            }
            if status.dwCurrentState == SERVICE_STOPPED {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(TIMEOUT)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SAFETY: the service is open.
        unsafe { DeleteService(self.0) };
        // SAFETY: opened by us, closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}
