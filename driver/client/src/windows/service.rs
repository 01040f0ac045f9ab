//! The driver's service: installed on demand, started, and marked for deletion right away, so that it goes with its last
//! handle or at the next start of the system (reference §4).

use std::ffi::OsString;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::time::Duration;

use divert_driver_protocol::Code;
use windows_sys::Win32::Foundation::{
    ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_EXISTS,
    ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_SERVICE_NOT_ACTIVE, WAIT_ABANDONED, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ControlService, CreateServiceW, DeleteService, OpenSCManagerW, OpenServiceW,
    SC_HANDLE, SC_MANAGER_ALL_ACCESS, SERVICE_ALL_ACCESS, SERVICE_CONTROL_STOP, SERVICE_DEMAND_START,
    SERVICE_ERROR_NORMAL, SERVICE_KERNEL_DRIVER, SERVICE_STATUS, StartServiceW,
};
use windows_sys::Win32::System::Threading::{CreateMutexW, INFINITE, ReleaseMutex, WaitForSingleObject};

use super::{last_failure, open_device, wide};
use crate::device::Failure;

/// Name of the service.
pub use divert_driver_protocol::limits::NAME;
/// File of the driver, beside the program or library that opens it.
pub const DRIVER: &str = "divert64.sys";
/// How often a service that is just going away is waited for, and for how long each time.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// The right to install; given back when dropped.
struct Installing(OwnedHandle);

impl Installing {
    /// Waits for the mutex under which one process at a time installs.
    fn begin() -> Result<Self, Failure> {
        let name = wide(&format!(r"Global\{NAME}Install"));
        // SAFETY: the name ends with a zero and lives until after the call; a null pointer means no attributes.
        let mutex = unsafe { CreateMutexW(null(), 0, name.as_ptr()) };
        if mutex.is_null() {
            return Err(last_failure());
        }
        // SAFETY: the handle was made above, is not null, and nobody else has it.
        let mutex = unsafe { OwnedHandle::from_raw_handle(mutex) };
        // SAFETY: the mutex is open.
        match unsafe { WaitForSingleObject(mutex.as_raw_handle(), INFINITE) } {
            WAIT_OBJECT_0 | WAIT_ABANDONED => Ok(Self(mutex)),
            _ => Err(last_failure()),
        }
    }
}

impl Drop for Installing {
    fn drop(&mut self) {
        // SAFETY: the mutex is open, and this thread has it.
        unsafe { ReleaseMutex(self.0.as_raw_handle()) };
    }
}

/// A handle of the service manager; closed when dropped.
struct Service(SC_HANDLE);

impl Service {
    fn new(handle: SC_HANDLE) -> Result<Self, Failure> {
        if handle.is_null() { Err(last_failure()) } else { Ok(Self(handle)) }
    }

    fn manager() -> Result<Self, Failure> {
        // SAFETY: null pointers mean this machine and its active database.
        Self::new(unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_ALL_ACCESS) })
    }

    fn open(manager: &Self) -> Result<Self, Failure> {
        let name = wide(NAME);
        // SAFETY: the manager is open; the name ends with a zero and lives until after the call.
        Self::new(unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_ALL_ACCESS) })
    }

    fn create(manager: &Self, driver: &Path) -> Result<Self, Failure> {
        let name = wide(NAME);
        let path: Vec<u16> = driver.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the manager is open; name and path end with a zero and live until after the call; null pointers mean no
        // group, tag, dependencies, account and password.
        let handle = unsafe {
            CreateServiceW(
                manager.0,
                name.as_ptr(),
                name.as_ptr(),
                SERVICE_ALL_ACCESS,
                SERVICE_KERNEL_DRIVER,
                SERVICE_DEMAND_START,
                SERVICE_ERROR_NORMAL,
                path.as_ptr(),
                null(),
                null_mut(),
                null(),
                null(),
                null(),
            )
        };
        Self::new(handle)
    }

    /// The service, made where there is none.
    fn open_or_create(manager: &Self) -> Result<Self, Failure> {
        match Self::open(manager) {
            Err(Failure(ERROR_SERVICE_DOES_NOT_EXIST)) => {}
            opened => return opened,
        }
        let driver = driver()?;
        match Self::create(manager, &driver) {
            Err(Failure(ERROR_SERVICE_EXISTS)) => Self::open(manager),
            created => created,
        }
    }

    fn start(&self) -> Result<(), Failure> {
        // SAFETY: the service is open; there are no arguments.
        if unsafe { StartServiceW(self.0, 0, null()) } != 0 {
            return Ok(());
        }
        match last_failure() {
            Failure(ERROR_SERVICE_ALREADY_RUNNING) => Ok(()),
            failure => Err(failure),
        }
    }

    fn stop(&self) -> Result<(), Failure> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open, and `status` lives until after the call.
        if unsafe { ControlService(self.0, SERVICE_CONTROL_STOP, &raw mut status) } != 0 {
            return Ok(());
        }
        match last_failure() {
            Failure(ERROR_SERVICE_NOT_ACTIVE) => Ok(()),
            failure => Err(failure),
        }
    }

    fn delete(&self) -> Result<(), Failure> {
        // SAFETY: the service is open.
        if unsafe { DeleteService(self.0) } != 0 {
            return Ok(());
        }
        match last_failure() {
            Failure(ERROR_SERVICE_MARKED_FOR_DELETE) => Ok(()),
            failure => Err(failure),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody uses it after this.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// Installs and starts the driver unless another process did so meanwhile, and opens its device.
///
/// # Errors
/// The codes of reference §4.
pub(crate) fn start_and_open() -> Result<OwnedHandle, Failure> {
    let installing = Installing::begin()?;
    let opened = (0..TRIES).find_map(|_| match try_start() {
        // A service that was marked for deletion is gone in a moment; then it can be made again.
        Err(Failure(ERROR_SERVICE_MARKED_FOR_DELETE)) => {
            std::thread::sleep(PAUSE);
            None
        }
        opened => Some(opened),
    });
    drop(installing);
    opened.unwrap_or(Err(Failure(ERROR_SERVICE_MARKED_FOR_DELETE)))
}

fn try_start() -> Result<OwnedHandle, Failure> {
    if let Ok(file) = open_device() {
        return Ok(file);
    }
    let manager = Service::manager()?;
    let service = Service::open_or_create(&manager)?;
    let started = service.start();
    // Opened before it is marked: from then on the file keeps the driver.
    let opened = started.and_then(|()| open_device());
    // Started or not, it is not to stay.
    let _ = service.delete();
    opened
}

/// Stops the driver and removes its service. Handles that are open fail from then on.
///
/// # Errors
/// 1060 when there is no such service, and what the system says.
pub fn uninstall() -> Result<(), Failure> {
    let _installing = Installing::begin()?;
    let service = Service::open(&Service::manager()?)?;
    let stopped = service.stop();
    service.delete()?;
    stopped
}

/// The driver's file, beside the module that this code is part of.
fn driver() -> Result<PathBuf, Failure> {
    let path = module()?.with_file_name(DRIVER);
    if path.is_file() { Ok(path) } else { Err(Failure(Code::FileNotFound.number())) }
}

/// The file of the program or library that this code is part of.
fn module() -> Result<PathBuf, Failure> {
    let mut module = null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let within: fn() -> Result<PathBuf, Failure> = driver;
    // SAFETY: with these flags the "name" is any address within the module, such as that of a function of it; `module`
    // lives until after the call.
    if unsafe { GetModuleHandleExW(flags, within as *const u16, &raw mut module) } == 0 {
        return Err(last_failure());
    }
    let mut name = vec![0_u16; 32_768];
    // SAFETY: the module is loaded, since this code runs; `name` has as much room as is said.
    let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), name.len() as u32) };
    match name.get(..length as usize) {
        Some(name) if length > 0 => Ok(PathBuf::from(OsString::from_wide(name))),
        Some(_) | None => Err(last_failure()),
    }
}
