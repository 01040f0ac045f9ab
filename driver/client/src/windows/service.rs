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
    ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_CANNOT_ACCEPT_CTRL, ERROR_SERVICE_DOES_NOT_EXIST,
    ERROR_SERVICE_EXISTS, ERROR_SERVICE_MARKED_FOR_DELETE, ERROR_SERVICE_NOT_ACTIVE, WAIT_ABANDONED,
    WAIT_OBJECT_0,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ControlService, CreateServiceW, DeleteService, OpenSCManagerW, OpenServiceW,
    QueryServiceStatus, SC_HANDLE, SC_MANAGER_ALL_ACCESS, SERVICE_ALL_ACCESS, SERVICE_CONTROL_STOP,
    SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, SERVICE_KERNEL_DRIVER, SERVICE_STATUS, SERVICE_STOPPED,
    StartServiceW,
};
use windows_sys::Win32::System::Threading::{CreateMutexW, ReleaseMutex, WaitForSingleObject};

use super::{is_missing, last_failure, open_device, wide};
use crate::device::Failure;
use crate::system::Uninstalled;

/// Name of the service.
pub use divert_driver_protocol::limits::NAME;
/// File of the driver, beside the program or library that opens it.
pub const DRIVER: &str = "divert64.sys";
/// How often a service that is just going away is waited for, and for how long each time.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// How long another process may install, in milliseconds. Whoever has the mutex for longer does something else: any
/// program may make one of this name, and is not to keep others from the driver.
const OTHERS: u32 = 30_000;

/// The mutex under which one process at a time installs; given back when dropped. Who cannot have it goes on without: what
/// is done under it may fail when two do it at once, and is tried again.
struct Installing(Option<OwnedHandle>);

impl Installing {
    /// Waits for the mutex, for [`OTHERS`] at most.
    fn begin() -> Self {
        let name = wide(&format!(r"Global\{NAME}Install"));
        // SAFETY: the name ends with a zero and lives until after the call; a null pointer means no attributes.
        let mutex = unsafe { CreateMutexW(null(), 0, name.as_ptr()) };
        if mutex.is_null() {
            // Somebody else's, who does not share it.
            return Self(None);
        }
        // SAFETY: the handle was made above, is not null, and nobody else has it.
        let mutex = unsafe { OwnedHandle::from_raw_handle(mutex) };
        // SAFETY: the mutex is open.
        let waited = unsafe { WaitForSingleObject(mutex.as_raw_handle(), OTHERS) };
        Self(matches!(waited, WAIT_OBJECT_0 | WAIT_ABANDONED).then_some(mutex))
    }
}

impl Drop for Installing {
    fn drop(&mut self) {
        if let Some(mutex) = &self.0 {
            // SAFETY: the mutex is open, and this thread has it.
            unsafe { ReleaseMutex(mutex.as_raw_handle()) };
        }
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

    /// The service, made where there is none; whether it was there.
    fn open_or_create(manager: &Self) -> Result<(Self, bool), Failure> {
        match Self::open(manager) {
            Err(Failure(ERROR_SERVICE_DOES_NOT_EXIST)) => {}
            opened => return Ok((opened?, true)),
        }
        let driver = driver()?;
        match Self::create(manager, &driver) {
            Err(Failure(ERROR_SERVICE_EXISTS)) => Ok((Self::open(manager)?, true)),
            created => Ok((created?, false)),
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
            // It was not started, or somebody else has stopped it, and it waits for its last handle.
            Failure(ERROR_SERVICE_NOT_ACTIVE | ERROR_SERVICE_CANNOT_ACCEPT_CTRL) => Ok(()),
            failure => Err(failure),
        }
    }

    fn is_stopped(&self) -> Result<bool, Failure> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open, and `status` lives until after the call.
        let done = unsafe { QueryServiceStatus(self.0, &raw mut status) };
        if done == 0 { Err(last_failure()) } else { Ok(status.dwCurrentState == SERVICE_STOPPED) }
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
    let _installing = Installing::begin();
    let mut tries = 0;
    loop {
        tries += 1;
        match try_start() {
            Err(Attempt::Again(failure)) if tries == TRIES => return Err(failure),
            Err(Attempt::Again(_)) => std::thread::sleep(PAUSE),
            Err(Attempt::Failed(failure)) => return Err(failure),
            Ok(file) => return Ok(file),
        }
    }
}

/// Why an attempt to start the driver did not succeed.
enum Attempt {
    /// Something was just going away: it may succeed in a moment.
    Again(Failure),
    Failed(Failure),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        match failure.0 {
            // Gone with the last handle of whoever has it; then it can be made again.
            ERROR_SERVICE_MARKED_FOR_DELETE => Self::Again(failure),
            _ => Self::Failed(failure),
        }
    }
}

fn try_start() -> Result<OwnedHandle, Attempt> {
    if let Ok(file) = open_device() {
        return Ok(file);
    }
    let manager = Service::manager()?;
    let (service, was_there) = Service::open_or_create(&manager)?;
    let started = service.start();
    // Opened before it is marked: from then on the file keeps the driver.
    let opened = started.map(|()| open_device());
    // Started or not, it is not to stay.
    let _ = service.delete();
    match opened {
        // It runs without its device: it is on its way out.
        Ok(Err(failure)) if is_missing(failure) => Err(Attempt::Again(failure)),
        // It was somebody else's, whose file is gone, or disabled; now that it is deleted, it can be made for our file.
        Err(failure) if was_there && driver().is_ok() => Err(Attempt::Again(failure)),
        Ok(opened) => Ok(opened?),
        Err(failure) => Err(failure.into()),
    }
}

/// Stops the driver and removes its service. Where the system lets a driver go with its last handle only, so it does; where
/// it does not, handles that are open fail from then on.
///
/// # Errors
/// 1060 when there is no such service, and what the system says.
pub fn uninstall() -> Result<Uninstalled, Failure> {
    let _installing = Installing::begin();
    let service = Service::open(&Service::manager()?)?;
    let stopped = service.stop();
    service.delete()?;
    stopped?;
    for _ in 0..TRIES {
        if service.is_stopped()? {
            return Ok(Uninstalled::Gone);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Uninstalled::WithLastHandle)
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
