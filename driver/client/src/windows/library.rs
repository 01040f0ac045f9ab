//! The original's `WinDivert.dll`, loaded when it is asked for.

use std::ffi::{CStr, c_char, c_void};
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use divert_driver_protocol::limits::ADDRESS;
use divert_driver_protocol::{Code, Layout};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

use super::event::Event;
use super::last_failure;
use crate::device::{Failure, Operation};
use crate::original::{Calls, OriginalDevice, Taken, finish};

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

    fn submit(&self, number: usize, addresses: u8, layout: Layout, buffer: Vec<u8>) -> Box<dyn Operation> {
        Box::new(Receiving::begin(self.recv_ex, number, addresses, layout, buffer))
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

/// What the DLL and the system use until the receive has ended.
struct Block {
    overlapped: OVERLAPPED,
    address_bytes: u32,
    buffer: Vec<u8>,
}

/// An overlapped receive of the DLL.
struct Receiving {
    handle: usize,
    layout: Layout,
    event: Option<Event>,
    /// From a box; nobody looks into it while the receive is on its way.
    block: NonNull<Block>,
    ended: Option<Result<Taken, Failure>>,
}

// SAFETY: the block is the receive's alone (and the system's until it has ended), and nothing in it belongs to a thread.
unsafe impl Send for Receiving {}

impl Receiving {
    fn begin(recv_ex: RecvEx, number: usize, addresses: u8, layout: Layout, buffer: Vec<u8>) -> Self {
        let address_bytes = u32::from(addresses) * ADDRESS as u32;
        let block = Box::new(Block { overlapped: OVERLAPPED::default(), address_bytes, buffer });
        let block = NonNull::from(Box::leak(block));
        let mut receiving = Self { handle: number, layout, event: None, block, ended: None };
        match Event::new() {
            Ok(event) => receiving.start(recv_ex, event),
            Err(failure) => receiving.ended = Some(Err(failure)),
        }
        receiving
    }

    fn start(&mut self, recv_ex: RecvEx, event: Event) {
        // SAFETY: the block is alive, and the receive that would use it has not begun.
        let block = unsafe { self.block.as_mut() };
        block.overlapped.hEvent = event.raw();
        let Some(parts) = self.layout.split(&mut block.buffer) else {
            self.ended = Some(Err(Failure(Code::InsufficientBuffer.number())));
            return;
        };
        let Ok(length) = small(parts.data.len()) else {
            self.ended = Some(Err(Failure(Code::InvalidParameter.number())));
            return;
        };
        let mut bytes = 0;
        // SAFETY: the handle is open; data, records, their length and the overlapped structure are in the block, which
        // is freed only after the receive has ended.
        let result = unsafe {
            recv_ex(
                handle(self.handle),
                start(parts.data),
                length,
                &raw mut bytes,
                0,
                parts.addresses.as_mut_ptr(),
                &raw mut block.address_bytes,
                &raw mut block.overlapped,
            )
        };
        self.event = Some(event);
        match done(result) {
            Err(Failure(ERROR_IO_PENDING)) => {}
            Err(failure) if failure.0 != Code::InsufficientBuffer.number() => self.ended = Some(Err(failure)),
            Ok(()) | Err(_) => self.collect(),
        }
    }

    /// Takes note of the end of a receive that has ended.
    fn collect(&mut self) {
        // SAFETY: the receive has ended: the block is this one's alone.
        let block = unsafe { self.block.as_mut() };
        let mut bytes = 0;
        // SAFETY: the structure is that of a request which has ended.
        let result = unsafe {
            GetOverlappedResult(handle(self.handle), &raw const block.overlapped, &raw mut bytes, 0)
        };
        self.ended = Some(taken(done(result), bytes, block.address_bytes));
    }
}

impl Operation for Receiving {
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        if self.ended.is_none() && self.event.as_ref().is_some_and(|event| event.wait(timeout)) {
            self.collect();
        }
        self.ended.is_some()
    }

    fn cancel(&mut self) {
        if self.ended.is_none() {
            // SAFETY: the block is alive; only the address of a member is taken.
            let overlapped = unsafe { &raw const (*self.block.as_ptr()).overlapped };
            // SAFETY: the structure is that of a request of this handle.
            unsafe { CancelIoEx(handle(self.handle), overlapped) };
        }
    }

    fn finish(mut self: Box<Self>) -> (Vec<u8>, Result<usize, Failure>) {
        while !self.wait(None) {}
        // SAFETY: the receive has ended: the block is this one's alone.
        let block = unsafe { self.block.as_mut() };
        let mut buffer = std::mem::take(&mut block.buffer);
        let ended = match self.ended {
            Some(Ok(taken)) => finish(self.layout, &mut buffer, taken),
            Some(Err(failure)) => Err(failure),
            None => Err(Failure(Code::InvalidHandle.number())),
        };
        (buffer, ended)
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.cancel();
        while !self.wait(None) {}
        // SAFETY: the block came from a box, the receive has ended, and nobody uses it after this.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}
