//! The original's `WinDivert.dll`, loaded when it is asked for.

use std::ffi::{CStr, c_char, c_void};
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Duration;

use divert_driver_protocol::limits::ADDRESS;
use divert_driver_protocol::{Code, Layout};
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

use super::event::Event;
use super::last_failure;
use super::overlapped::{File, Overlapped};
use crate::device::{Failure, Operation};
use crate::original::{Calls, OpenHandle, OriginalDevice, Taken, finish};

type Open = unsafe extern "system" fn(*const c_char, u32, i16, u64) -> HANDLE;
type RecvEx = unsafe extern "system" fn(
    HANDLE,
    *mut c_void,
    u32,
    *mut u32,
    u64,
    *mut [u8; ADDRESS],
    *mut u32,
    *mut OVERLAPPED,
) -> i32;
type SendEx = unsafe extern "system" fn(
    HANDLE,
    *const c_void,
    u32,
    *mut u32,
    u64,
    *const [u8; ADDRESS],
    u32,
    *mut OVERLAPPED,
) -> i32;
type Shutdown = unsafe extern "system" fn(HANDLE, u32) -> i32;
type Close = unsafe extern "system" fn(HANDLE) -> i32;
type SetParam = unsafe extern "system" fn(HANDLE, u32, u64) -> i32;
type GetParam = unsafe extern "system" fn(HANDLE, u32, *mut u64) -> i32;

/// The functions of the DLL. It stays loaded: nobody knows what it started.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    open: Open,
    recv_ex: RecvEx,
    send_ex: SendEx,
    shutdown: Shutdown,
    close: Close,
    set_param: SetParam,
    get_param: GetParam,
}

type Function = unsafe extern "system" fn() -> isize;

impl Library {
    /// Loads a DLL that has the interface of reference §8.
    ///
    /// # Errors
    /// 126 or the like when it cannot be loaded, 127 when a function is missing.
    ///
    /// # Safety
    /// The file is WinDivert's DLL, version 2.2, or one with the same interface: its code will run in this process.
    pub unsafe fn load(path: &Path) -> Result<Self, Failure> {
        let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the name ends with a zero and lives until after the call; the caller vouches for the file.
        let module = unsafe { LoadLibraryW(name.as_ptr()) };
        if module.is_null() {
            return Err(last_failure());
        }
        let function = |name: &CStr| -> Result<Function, Failure> {
            // SAFETY: the module is loaded; the name ends with a zero.
            unsafe { GetProcAddress(module, name.as_ptr().cast()) }.ok_or_else(last_failure)
        };
        Ok(Self {
            // SAFETY: the function of that name has this signature (reference §8); the caller vouches for the file.
            open: unsafe { std::mem::transmute::<Function, Open>(function(c"WinDivertOpen")?) },
            // SAFETY: as above.
            recv_ex: unsafe { std::mem::transmute::<Function, RecvEx>(function(c"WinDivertRecvEx")?) },
            // SAFETY: as above.
            send_ex: unsafe { std::mem::transmute::<Function, SendEx>(function(c"WinDivertSendEx")?) },
            // SAFETY: as above.
            shutdown: unsafe { std::mem::transmute::<Function, Shutdown>(function(c"WinDivertShutdown")?) },
            // SAFETY: as above.
            close: unsafe { std::mem::transmute::<Function, Close>(function(c"WinDivertClose")?) },
            // SAFETY: as above.
            set_param: unsafe { std::mem::transmute::<Function, SetParam>(function(c"WinDivertSetParam")?) },
            // SAFETY: as above.
            get_param: unsafe { std::mem::transmute::<Function, GetParam>(function(c"WinDivertGetParam")?) },
        })
    }

    /// A device on this DLL.
    #[must_use]
    pub const fn device(self) -> OriginalDevice<Self> {
        OriginalDevice::new(self)
    }
}

fn handle(number: usize) -> HANDLE {
    std::ptr::with_exposed_provenance_mut(number)
}

fn done(result: i32) -> Result<(), Failure> {
    if result == 0 { Err(last_failure()) } else { Ok(()) }
}

/// No data at all is a null pointer, as it should be at layers without packets.
fn start(data: &mut [u8]) -> *mut c_void {
    if data.is_empty() { null_mut() } else { data.as_mut_ptr().cast() }
}

fn small(length: usize) -> Result<u32, Failure> {
    u32::try_from(length).map_err(|_| Failure(Code::InvalidParameter.number()))
}

/// What a call that ended with `result` left behind.
fn taken(result: Result<(), Failure>, bytes: u32, address_bytes: u32) -> Result<Taken, Failure> {
    let truncated = match result {
        Ok(()) => false,
        Err(Failure(code)) if code == Code::InsufficientBuffer.number() => true,
        Err(failure) => return Err(failure),
    };
    let packets = (address_bytes as usize / ADDRESS).max(1);
    Ok(Taken { packets, bytes: bytes as usize, truncated })
}

impl Calls for Library {
    fn open(&self, filter: &CStr, layer: u32, priority: i16, flags: u64) -> Result<usize, Failure> {
        // SAFETY: the text ends with a zero and lives until after the call.
        let opened = unsafe { (self.open)(filter.as_ptr(), layer, priority, flags) };
        if opened == INVALID_HANDLE_VALUE { Err(last_failure()) } else { Ok(opened.expose_provenance()) }
    }

    fn receive(
        &self,
        number: usize,
        data: &mut [u8],
        records: &mut [[u8; ADDRESS]],
    ) -> Result<Taken, Failure> {
        let mut bytes = 0;
        let mut address_bytes = small(records.len() * ADDRESS)?;
        let length = small(data.len())?;
        // SAFETY: the handle is open; data and records have the lengths that are said and are borrowed until after the
        // call, which waits since there is no overlapped structure.
        let result = unsafe {
            (self.recv_ex)(
                handle(number),
                start(data),
                length,
                &raw mut bytes,
                0,
                records.as_mut_ptr(),
                &raw mut address_bytes,
                null_mut(),
            )
        };
        taken(done(result), bytes, address_bytes)
    }

    fn submit(
        opened: &Arc<OpenHandle<Self>>,
        addresses: u8,
        layout: Layout,
        buffer: Vec<u8>,
    ) -> Box<dyn Operation> {
        Box::new(Receiving::begin(opened, addresses, layout, buffer))
    }

    fn send(&self, number: usize, data: &[u8], records: &[[u8; ADDRESS]]) -> Result<usize, Failure> {
        let mut sent = 0;
        let (length, address_bytes) = (small(data.len())?, small(records.len() * ADDRESS)?);
        // SAFETY: the handle is open; data and records have the lengths that are said and live until after the call,
        // which waits since there is no overlapped structure.
        let result = unsafe {
            (self.send_ex)(
                handle(number),
                data.as_ptr().cast(),
                length,
                &raw mut sent,
                0,
                records.as_ptr(),
                address_bytes,
                null_mut(),
            )
        };
        done(result).map(|()| sent as usize)
    }

    fn shutdown(&self, number: usize, how: u32) -> Result<(), Failure> {
        // SAFETY: the handle is open.
        done(unsafe { (self.shutdown)(handle(number), how) })
    }

    fn set(&self, number: usize, parameter: u32, value: u64) -> Result<(), Failure> {
        // SAFETY: the handle is open.
        done(unsafe { (self.set_param)(handle(number), parameter, value) })
    }

    fn get(&self, number: usize, parameter: u32) -> Result<u64, Failure> {
        let mut value = 0;
        // SAFETY: the handle is open; the variable lives until after the call.
        done(unsafe { (self.get_param)(handle(number), parameter, &raw mut value) })?;
        Ok(value)
    }

    fn close(&self, number: usize) {
        // SAFETY: the handle is open, and nobody uses it after this.
        unsafe { (self.close)(handle(number)) };
    }
}

/// What an overlapped receive uses.
#[derive(Default)]
struct Content {
    /// Bytes of records: there, and then filled.
    address_bytes: u32,
    buffer: Vec<u8>,
}

/// An overlapped receive of the DLL.
struct Receiving {
    layout: Layout,
    request: Overlapped<Content, OpenHandle<Library>>,
}

impl File for OpenHandle<Library> {
    fn raw(&self) -> HANDLE {
        handle(self.number())
    }
}

impl Receiving {
    fn begin(opened: &Arc<OpenHandle<Library>>, addresses: u8, layout: Layout, buffer: Vec<u8>) -> Self {
        let recv_ex = opened.calls().recv_ex;
        let content = Content { address_bytes: u32::from(addresses) * ADDRESS as u32, buffer };
        let receive = |file, content: &mut Content, overlapped| {
            let Content { address_bytes, buffer } = content;
            let parts = layout.split(buffer).ok_or(Failure(Code::InvalidParameter.number()))?;
            let length = small(parts.data.len())?;
            let mut bytes = 0;
            // SAFETY: the handle is open; data, records, their length and the overlapped structure stay until the receive
            // has ended; nobody is told to write to `bytes` after the call (reference §5: the structure says how many).
            let result = unsafe {
                recv_ex(
                    file,
                    start(parts.data),
                    length,
                    &raw mut bytes,
                    0,
                    parts.addresses.as_mut_ptr(),
                    address_bytes,
                    overlapped,
                )
            };
            match done(result) {
                // It has ended, and the structure says so too.
                Err(Failure(code)) if code == Code::InsufficientBuffer.number() => Ok(()),
                ended => ended,
            }
        };
        // SAFETY: the DLL has the buffer, the length and the structure; it sets the event as the system does.
        let request = unsafe { Overlapped::begin(opened, Event::raw, content, receive) };
        Self { layout, request }
    }
}

impl Operation for Receiving {
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        self.request.wait(timeout)
    }

    fn cancel(&mut self) {
        self.request.cancel();
    }

    fn finish(mut self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        let (Content { address_bytes, mut buffer }, ended) = self.request.finish();
        let ended = taken(ended.result, ended.length, address_bytes)
            .and_then(|taken| finish(self.layout, &mut buffer, taken));
        (buffer, ended)
    }
}
