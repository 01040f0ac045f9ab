//! Requests, devices, memory descriptors, locks (WDM), as they are on x86-64.
//!
//! The structures are written down by hand; with the feature `wdk`, which only a Windows host with the WDK can build,
//! they are those of `wdk-sys`, which are made from the WDK's headers. Nothing else depends on which: members are found
//! by [`member`], and the types of callbacks and the constants are declared here in both cases.
//!
//! In our own, unions of the original are given by the one member that is used here, and nested anonymous parts lie
//! flat. What is only reserved as space is private.

use core::ffi::c_void;

pub mod member;
#[cfg(not(feature = "wdk"))]
mod own;

#[cfg(not(feature = "wdk"))]
pub use own::*;
#[cfg(feature = "wdk")]
pub use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FILE_OBJECT, IO_STACK_LOCATION, IRP, KDPC, KEVENT, MDL, UNICODE_STRING,
};

/// Names as the documentation has them.
pub type PVOID = *mut c_void;
pub type NTSTATUS = i32;
pub type HANDLE = *mut c_void;
pub type KIRQL = u8;
pub type BOOLEAN = u8;
pub type KSPIN_LOCK = usize;
pub type PEPROCESS = *mut c_void;
/// Hundreds of nanoseconds; negative: from now on.
pub type LARGE_INTEGER = i64;

/// Whether a status is success or information.
#[must_use]
pub const fn NT_SUCCESS(status: NTSTATUS) -> bool {
    status >= 0
}

/// A status that carries a Win32 code (`FACILITY_NTWIN32`); `RtlNtStatusToDosError` gives the code back.
#[must_use]
pub const fn NTSTATUS_FROM_WIN32(code: u32) -> NTSTATUS {
    (0xC007_0000 | (code & 0xFFFF)).cast_signed()
}

const fn status(bits: u32) -> NTSTATUS {
    bits.cast_signed()
}

pub const STATUS_SUCCESS: NTSTATUS = 0;
pub const STATUS_TIMEOUT: NTSTATUS = 0x102;
pub const STATUS_PENDING: NTSTATUS = 0x103;
pub const STATUS_NO_MORE_ENTRIES: NTSTATUS = status(0x8000_001A);
pub const STATUS_UNSUCCESSFUL: NTSTATUS = status(0xC000_0001);
pub const STATUS_NOT_IMPLEMENTED: NTSTATUS = status(0xC000_0002);
pub const STATUS_INVALID_HANDLE: NTSTATUS = status(0xC000_0008);
pub const STATUS_INVALID_PARAMETER: NTSTATUS = status(0xC000_000D);
pub const STATUS_INVALID_DEVICE_REQUEST: NTSTATUS = status(0xC000_0010);
pub const STATUS_NO_MEMORY: NTSTATUS = status(0xC000_0017);
pub const STATUS_ACCESS_DENIED: NTSTATUS = status(0xC000_0022);
pub const STATUS_BUFFER_TOO_SMALL: NTSTATUS = status(0xC000_0023);
pub const STATUS_OBJECT_NAME_NOT_FOUND: NTSTATUS = status(0xC000_0034);
pub const STATUS_OBJECT_NAME_COLLISION: NTSTATUS = status(0xC000_0035);
pub const STATUS_INSUFFICIENT_RESOURCES: NTSTATUS = status(0xC000_009A);
pub const STATUS_NOT_SUPPORTED: NTSTATUS = status(0xC000_00BB);
pub const STATUS_CANCELLED: NTSTATUS = status(0xC000_0120);
pub const STATUS_NOT_FOUND: NTSTATUS = status(0xC000_0225);
pub const STATUS_DEVICE_BUSY: NTSTATUS = status(0x8000_0011);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GUID {
    pub Data1: u32,
    pub Data2: u16,
    pub Data3: u16,
    pub Data4: [u8; 8],
}

impl GUID {
    /// The identifier whose written form is this number in hexadecimal.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self {
            Data1: (number >> 96) as u32,
            Data2: (number >> 80) as u16,
            Data3: (number >> 64) as u16,
            Data4: (number as u64).to_be_bytes(),
        }
    }
}

pub type DRIVER_INITIALIZE = unsafe extern "system" fn(*mut DRIVER_OBJECT, *mut UNICODE_STRING) -> NTSTATUS;
pub type DRIVER_UNLOAD = unsafe extern "system" fn(*mut DRIVER_OBJECT);
pub type DRIVER_DISPATCH = unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP) -> NTSTATUS;
pub type DRIVER_CANCEL = unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP);
pub type KSTART_ROUTINE = unsafe extern "system" fn(PVOID);
pub type IO_WORKITEM_ROUTINE = unsafe extern "system" fn(*mut DEVICE_OBJECT, PVOID);
pub type KDEFERRED_ROUTINE = unsafe extern "system" fn(*mut KDPC, PVOID, PVOID, PVOID);

pub const IRP_MJ_CREATE: usize = 0;
pub const IRP_MJ_CLOSE: usize = 2;
pub const IRP_MJ_DEVICE_CONTROL: usize = 14;
pub const IRP_MJ_SHUTDOWN: usize = 16;
pub const IRP_MJ_CLEANUP: usize = 18;
pub const IRP_MJ_MAXIMUM_FUNCTION: usize = 27;

pub const FILE_DEVICE_NETWORK: u32 = 0x12;
pub const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;
pub const DO_BUFFERED_IO: u32 = 0x4;
pub const DO_DIRECT_IO: u32 = 0x10;
pub const DO_DEVICE_INITIALIZING: u32 = 0x80;

/// In `IO_STACK_LOCATION::Control`; `IoMarkIrpPending` sets it.
pub const SL_PENDING_RETURNED: u8 = 1;
pub const IO_NO_INCREMENT: i8 = 0;
pub const IO_NETWORK_INCREMENT: i8 = 2;

pub const MDL_MAPPED_TO_SYSTEM_VA: i16 = 0x1;
pub const MDL_PAGES_LOCKED: i16 = 0x2;
pub const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 0x4;

/// `MM_PAGE_PRIORITY`; the second flag forbids execution of what is mapped (Windows 8 and later; ignored before).
pub const NormalPagePriority: u32 = 16;
pub const MdlMappingNoExecute: u32 = 0x4000_0000;
/// `MEMORY_CACHING_TYPE`.
pub const MmCached: i32 = 1;
/// `KPROCESSOR_MODE`.
pub const KernelMode: i8 = 0;
pub const UserMode: i8 = 1;

/// `POOL_TYPE`.
pub const NonPagedPool: i32 = 0;
pub const NonPagedPoolNx: i32 = 512;
/// `EVENT_TYPE`.
pub const NotificationEvent: i32 = 0;
pub const SynchronizationEvent: i32 = 1;
/// `KWAIT_REASON`.
pub const Executive: i32 = 0;
pub const PASSIVE_LEVEL: KIRQL = 0;
pub const APC_LEVEL: KIRQL = 1;
pub const DISPATCH_LEVEL: KIRQL = 2;

pub const OBJ_KERNEL_HANDLE: u32 = 0x200;
pub const WRITE_DAC: u32 = 0x0004_0000;
pub const SYNCHRONIZE: u32 = 0x0010_0000;
pub const DACL_SECURITY_INFORMATION: u32 = 0x4;

/// A control code (`CTL_CODE`).
#[must_use]
pub const fn CTL_CODE(device: u32, function: u32, method: u32, access: u32) -> u32 {
    device << 16 | access << 14 | function << 2 | method
}

pub const METHOD_BUFFERED: u32 = 0;
pub const METHOD_IN_DIRECT: u32 = 1;
pub const METHOD_OUT_DIRECT: u32 = 2;
pub const METHOD_NEITHER: u32 = 3;
pub const FILE_READ_DATA: u32 = 1;
pub const FILE_WRITE_DATA: u32 = 2;
