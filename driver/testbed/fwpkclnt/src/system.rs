//! The functions of the kernel, and of the process it is emulated in, that the double itself needs.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::ptr::{null, null_mut};

use divert_driver_abi::wdm::*;

use crate::ffi::*;

const TAG: u32 = u32::from_le_bytes(*b"bdvD");

struct Pool;

// SAFETY: the pool gives distinct blocks of at least the length, aligned to 16 bytes; who wants more is refused.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > 16 {
            return null_mut();
        }
        // SAFETY: any length may be asked for; there is no other condition.
        unsafe { ExAllocatePoolWithTag(NonPagedPoolNx, layout.size(), TAG) }.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: `memory` came from `alloc` above and is freed once, by the contract of this trait.
        unsafe { ExFreePoolWithTag(memory.cast(), TAG) }
    }
}

#[global_allocator]
static POOL: Pool = Pool;

/// What the compiler expects beside floating-point code.
#[cfg(target_env = "msvc")]
#[unsafe(no_mangle)]
static _fltused: i32 = 0x9875;

/// The image's entry. As it imports `ntdll.dll`, Wine takes the image for a library and calls this like `DllMain`: 1 is
/// success. It is called before the client's own entry, which imports us.
#[unsafe(no_mangle)]
extern "system" fn DriverEntry(_: PVOID, reason: u32, _: PVOID) -> i32 {
    const DETACHED: u32 = 0;
    const ATTACHED: u32 = 1;
    if reason == ATTACHED {
        crate::watch::attached();
    } else if reason == DETACHED {
        // Also where nobody has spoken to the double, so that it has not seen the client go.
        crate::watch::detach();
    }
    1
}

/// A panic is a defect of the double: say where, and end.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, core::panic::Location::line);
    let mut text = alloc::string::String::new();
    let _ = core::fmt::write(&mut text, format_args!("testbed: {info}\n\0"));
    print(&text);
    // SAFETY: ends the process; nothing is expected of the arguments.
    unsafe { KeBugCheckEx(0xE2, 0x4657, line as usize, 0, 0) }
}

/// Prints text that ends in NUL to the debugger's output.
pub(crate) fn print(text: &str) {
    // SAFETY: both strings end in NUL.
    let _ = unsafe { DbgPrint(c"%s".as_ptr().cast(), text.as_ptr()) };
}

/// Lets others run.
pub(crate) fn relax() {
    // SAFETY: no conditions.
    let _ = unsafe { NtYieldExecution() };
}

/// The thread that runs.
pub(crate) fn thread() -> u64 {
    // SAFETY: no conditions.
    unsafe { PsGetCurrentThreadId() }.addr() as u64
}

/// Hundreds of nanoseconds since some time.
pub(crate) fn now() -> u64 {
    let mut counter = 0;
    // SAFETY: the variable outlives the call.
    let _ = unsafe { RtlQueryPerformanceCounter(&raw mut counter) };
    counter.cast_unsigned()
}

/// Waits for some milliseconds.
pub(crate) fn sleep(milliseconds: u32) {
    let interval = -10_000 * i64::from(milliseconds.max(1));
    // SAFETY: the variable outlives the call.
    let _ = unsafe { KeDelayExecutionThread(KernelMode, 0, &raw const interval) };
}

/// A thread that runs.
pub(crate) struct Thread(usize);

impl Thread {
    /// Waits until it has ended, down to the last instruction.
    pub(crate) fn join(self) {
        let handle: HANDLE = core::ptr::with_exposed_provenance_mut(self.0);
        // SAFETY: the handle is open; no time is given, so that it is waited for as long as it takes.
        let _ = unsafe { NtWaitForSingleObject(handle, 0, null()) };
        // SAFETY: the handle is not used any more.
        let _ = unsafe { NtClose(handle) };
    }
}

/// Starts a thread; none when there is none to be had.
pub(crate) fn start(routine: KSTART_ROUTINE, context: PVOID) -> Option<Thread> {
    let mut handle = null_mut();
    // SAFETY: the variable outlives the call, and `context` is what the routine expects.
    let status = unsafe {
        PsCreateSystemThread(&raw mut handle, 0x1F_FFFF, null_mut(), null_mut(), null_mut(), routine, context)
    };
    (status >= 0).then(|| Thread(handle.expose_provenance()))
}

/// A counted string; the characters end in a NUL that is not counted.
pub(crate) struct Name(alloc::vec::Vec<u16>);

impl Name {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.encode_utf16().chain([0]).collect())
    }

    fn string(&self) -> UNICODE_STRING {
        let length = (self.0.len() * 2) as u16;
        UNICODE_STRING { Length: length - 2, MaximumLength: length, Buffer: self.0.as_ptr().cast_mut() }
    }
}

/// Makes a driver object within this process, beside the one that imports us.
pub(crate) fn create_driver(name: &str, init: DRIVER_INITIALIZE) -> NTSTATUS {
    let name = Name::new(name);
    // SAFETY: the name outlives the call, and `init` is a driver's entry.
    unsafe { IoCreateDriver(&name.string(), init) }
}

/// Makes a device and a link to it.
pub(crate) fn create_device(driver: *mut DRIVER_OBJECT, device: &str, link: &str) -> NTSTATUS {
    let (device, link) = (Name::new(device), Name::new(link));
    let mut object = null_mut();
    // SAFETY: names and variable outlive the call; the driver object is the caller's own.
    let status = unsafe {
        IoCreateDevice(driver, 0, &device.string(), FILE_DEVICE_NETWORK, 0, 0, &raw mut object)
    };
    if status < 0 {
        return status;
    }
    if let Some(object) = crate::raw::change(object) {
        object.Flags &= !DO_DEVICE_INITIALIZING;
    }
    // One that a process has left behind which was stopped without being asked to take its device away.
    // SAFETY: the name outlives the call.
    let _ = unsafe { IoDeleteSymbolicLink(&link.string()) };
    // SAFETY: the names outlive the call.
    unsafe { IoCreateSymbolicLink(&link.string(), &device.string()) }
}

/// Takes a device, its link and its driver object away.
pub(crate) fn delete_device(driver: *mut DRIVER_OBJECT, link: &str) {
    let link = Name::new(link);
    // SAFETY: the name outlives the call.
    let _ = unsafe { IoDeleteSymbolicLink(&link.string()) };
    let Some(device) = crate::raw::see(driver).map(|driver| driver.DeviceObject) else { return };
    if !device.is_null() {
        // SAFETY: made by `create_device`; its last request is done.
        unsafe { IoDeleteDevice(device) };
    }
    // SAFETY: made by `create_driver`; it has no devices any more.
    unsafe { IoDeleteDriver(driver) };
}

/// Completes a request.
pub(crate) fn complete(irp: *mut IRP, status: NTSTATUS, information: usize) -> NTSTATUS {
    if let Some(irp) = crate::raw::change(irp) {
        irp.IoStatus = IO_STATUS_BLOCK { Status: status, Information: information };
    }
    // SAFETY: the request is ours until here, and not touched afterwards.
    unsafe { IofCompleteRequest(irp, IO_NO_INCREMENT) };
    status
}

/// The driver object of a service. The reference is kept: it is asked for once.
pub(crate) fn driver_object(service: &str) -> *mut DRIVER_OBJECT {
    let mut text = alloc::string::String::from("\\Driver\\");
    text.push_str(service);
    let name = Name::new(&text);
    let mut object = null_mut();
    // SAFETY: a variable of the kernel that is set before any driver is loaded.
    let kind = unsafe { IoDriverObjectType };
    // SAFETY: name and variable outlive the call.
    let status = unsafe {
        ObReferenceObjectByName(
            &name.string(),
            0x40,
            null_mut(),
            0,
            kind,
            KernelMode,
            null_mut(),
            &raw mut object,
        )
    };
    if status < 0 { null_mut() } else { object.cast() }
}

/// Makes memory of the process readable and writable; gives the protection that it had.
pub(crate) fn protect(at: *mut c_void, length: usize, protection: u32) -> Option<u32> {
    let (mut base, mut length, mut old) = (at, length, 0);
    let this_process = core::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the variables outlive the call; it changes protection only.
    let status = unsafe {
        NtProtectVirtualMemory(this_process, &raw mut base, &raw mut length, protection, &raw mut old)
    };
    (status >= 0).then_some(old)
}

/// Where a loaded image lies.
pub(crate) fn image(name: &str) -> Option<usize> {
    let name = Name::new(name);
    let mut base = null_mut();
    // SAFETY: name and variable outlive the call.
    let status = unsafe { LdrGetDllHandle(null(), 0, &name.string(), &raw mut base) };
    (status >= 0 && !base.is_null()).then(|| base.expose_provenance())
}

/// Opens a file. `access` beside waiting for it, and what is done when it is there or not.
fn open_file(path: &str, access: u32, disposition: u32) -> Option<HANDLE> {
    let name = Name::new(path);
    let mut string = name.string();
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: null_mut(),
        ObjectName: &raw mut string,
        Attributes: 0x40,
        SecurityDescriptor: null_mut(),
        SecurityQualityOfService: null_mut(),
    };
    let mut handle = null_mut();
    let mut status = IO_STATUS_BLOCK { Status: 0, Information: 0 };
    let (synchronous, normal) = (0x20, 0x80);
    // SAFETY: all that is pointed to outlives the call.
    let opened = unsafe {
        NtCreateFile(
            &raw mut handle,
            access | SYNCHRONIZE,
            &raw const attributes,
            &raw mut status,
            null(),
            normal,
            0,
            disposition,
            synchronous,
            null_mut(),
            0,
        )
    };
    (opened >= 0).then_some(handle)
}

/// The beginning of a file, as much as fits; none when there is no such file.
pub(crate) fn read_file(path: &str, room: &mut [u8]) -> Option<usize> {
    let (read, open) = (0x8000_0000, 1);
    let handle = open_file(path, read, open)?;
    let mut status = IO_STATUS_BLOCK { Status: 0, Information: 0 };
    // SAFETY: the handle is open; buffer and status outlive the synchronous call.
    let done = unsafe {
        NtReadFile(
            handle,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut status,
            room.as_mut_ptr(),
            room.len() as u32,
            null(),
            null_mut(),
        )
    };
    // SAFETY: the handle was opened above and is not used any more.
    let _ = unsafe { NtClose(handle) };
    (done >= 0).then_some(status.Information)
}

/// Writes a file, instead of the one that is there.
pub(crate) fn write_file(path: &str, bytes: &[u8]) -> bool {
    let (write, overwrite) = (0x4000_0000, 5);
    let Some(handle) = open_file(path, write, overwrite) else { return false };
    let mut status = IO_STATUS_BLOCK { Status: 0, Information: 0 };
    // SAFETY: the handle is open; buffer and status outlive the synchronous call.
    let written = unsafe {
        NtWriteFile(
            handle,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut status,
            bytes.as_ptr(),
            bytes.len() as u32,
            null(),
            null_mut(),
        )
    };
    // SAFETY: the handle was opened above and is not used any more.
    let _ = unsafe { NtClose(handle) };
    written >= 0
}

/// What ends a process at once, for the harness to see that a crash is seen.
pub(crate) fn crash() -> ! {
    // SAFETY: ends the process.
    unsafe { KeBugCheckEx(0xE2, 0x4657, 0, 0, 0) }
}
