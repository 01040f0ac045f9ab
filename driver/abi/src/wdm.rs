//! Requests, devices, memory descriptors, locks (WDM), as they are on x86-64.
//!
//! Unions of the original are given by the one member that is used here, and nested anonymous parts lie flat. What is
//! only reserved as space is private.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

pub mod member;

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

/// Lengths in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UNICODE_STRING {
    pub Length: u16,
    pub MaximumLength: u16,
    pub Buffer: *mut u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LIST_ENTRY {
    pub Flink: *mut LIST_ENTRY,
    pub Blink: *mut LIST_ENTRY,
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

#[repr(C)]
pub struct DRIVER_OBJECT {
    pub Type: i16,
    pub Size: i16,
    pub DeviceObject: *mut DEVICE_OBJECT,
    pub Flags: u32,
    pub DriverStart: PVOID,
    pub DriverSize: u32,
    pub DriverSection: PVOID,
    pub DriverExtension: PVOID,
    pub DriverName: UNICODE_STRING,
    pub HardwareDatabase: *mut UNICODE_STRING,
    pub FastIoDispatch: PVOID,
    pub DriverInit: Option<DRIVER_INITIALIZE>,
    pub DriverStartIo: PVOID,
    pub DriverUnload: Option<DRIVER_UNLOAD>,
    pub MajorFunction: [Option<DRIVER_DISPATCH>; IRP_MJ_MAXIMUM_FUNCTION + 1],
}

/// Only the front is used; the system makes and frees these.
#[repr(C)]
pub struct DEVICE_OBJECT {
    pub Type: i16,
    pub Size: u16,
    pub ReferenceCount: i32,
    pub DriverObject: *mut DRIVER_OBJECT,
    pub NextDevice: *mut DEVICE_OBJECT,
    pub AttachedDevice: *mut DEVICE_OBJECT,
    pub CurrentIrp: *mut IRP,
    pub Timer: PVOID,
    pub Flags: u32,
    pub Characteristics: u32,
    pub Vpb: PVOID,
    pub DeviceExtension: PVOID,
    pub DeviceType: u32,
    pub StackSize: i8,
    rest: [u64; 32],
}

pub const FILE_DEVICE_NETWORK: u32 = 0x12;
pub const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;
pub const DO_BUFFERED_IO: u32 = 0x4;
pub const DO_DIRECT_IO: u32 = 0x10;
pub const DO_DEVICE_INITIALIZING: u32 = 0x80;

/// Only the front is used; the system makes and frees these.
#[repr(C)]
pub struct FILE_OBJECT {
    pub Type: i16,
    pub Size: i16,
    pub DeviceObject: *mut DEVICE_OBJECT,
    pub Vpb: PVOID,
    pub FsContext: PVOID,
    pub FsContext2: PVOID,
    rest: [u64; 22],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IO_STATUS_BLOCK {
    pub Status: NTSTATUS,
    pub Information: usize,
}

#[repr(C)]
pub struct IRP {
    pub Type: i16,
    pub Size: u16,
    pub AllocationProcessorNumber: u16,
    pub Reserved: u16,
    pub MdlAddress: *mut MDL,
    pub Flags: u32,
    /// `AssociatedIrp.SystemBuffer`.
    pub SystemBuffer: PVOID,
    pub ThreadListEntry: LIST_ENTRY,
    pub IoStatus: IO_STATUS_BLOCK,
    pub RequestorMode: i8,
    pub PendingReturned: BOOLEAN,
    pub StackCount: i8,
    pub CurrentLocation: i8,
    pub Cancel: BOOLEAN,
    pub CancelIrql: KIRQL,
    pub ApcEnvironment: i8,
    pub AllocationFlags: u8,
    pub UserIosb: *mut IO_STATUS_BLOCK,
    pub UserEvent: *mut KEVENT,
    pub Overlay: [usize; 2],
    pub CancelRoutine: Option<DRIVER_CANCEL>,
    pub UserBuffer: PVOID,
    /// `Tail.Overlay` from here on. The driver's own while it has the request.
    pub DriverContext: [PVOID; 4],
    pub Thread: PVOID,
    pub AuxiliaryBuffer: *mut i8,
    pub ListEntry: LIST_ENTRY,
    pub CurrentStackLocation: *mut IO_STACK_LOCATION,
    pub OriginalFileObject: *mut FILE_OBJECT,
    pub IrpExtension: PVOID,
}

/// A number in the space of a pointer.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct POINTER_ALIGNED_ULONG {
    pub Value: u32,
}

/// `Parameters.DeviceIoControl`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DEVICE_IO_CONTROL_PARAMETERS {
    pub OutputBufferLength: POINTER_ALIGNED_ULONG,
    pub InputBufferLength: POINTER_ALIGNED_ULONG,
    pub IoControlCode: POINTER_ALIGNED_ULONG,
    pub Type3InputBuffer: PVOID,
}

#[repr(C)]
pub struct IO_STACK_LOCATION {
    pub MajorFunction: u8,
    pub MinorFunction: u8,
    pub Flags: u8,
    pub Control: u8,
    pub Parameters: DEVICE_IO_CONTROL_PARAMETERS,
    pub DeviceObject: *mut DEVICE_OBJECT,
    pub FileObject: *mut FILE_OBJECT,
    pub CompletionRoutine: PVOID,
    pub Context: PVOID,
}

/// In `IO_STACK_LOCATION::Control`; `IoMarkIrpPending` sets it.
pub const SL_PENDING_RETURNED: u8 = 1;
pub const IO_NO_INCREMENT: i8 = 0;
pub const IO_NETWORK_INCREMENT: i8 = 2;

/// A memory descriptor list. The numbers of the physical pages follow it.
#[repr(C)]
pub struct MDL {
    pub Next: *mut MDL,
    pub Size: i16,
    pub MdlFlags: i16,
    /// Processor number and reserved space fill up what follows the flags.
    pub AllocationProcessorNumber: u16,
    pub Reserved: u16,
    pub Process: PEPROCESS,
    pub MappedSystemVa: PVOID,
    pub StartVa: PVOID,
    pub ByteCount: u32,
    pub ByteOffset: u32,
}

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

#[repr(C, align(8))]
#[derive(Debug)]
pub struct KEVENT {
    space: [u64; 3],
}

#[repr(C, align(8))]
#[derive(Debug)]
pub struct KTIMER {
    space: [u64; 8],
}

#[repr(C, align(8))]
#[derive(Debug)]
pub struct KDPC {
    space: [u64; 8],
}

impl KEVENT {
    /// Space for one; the system initialises it.
    pub const SPACE: Self = Self { space: [0; 3] };
}

impl KTIMER {
    /// Space for one; the system initialises it.
    pub const SPACE: Self = Self { space: [0; 8] };
}

impl KDPC {
    /// Space for one; the system initialises it.
    pub const SPACE: Self = Self { space: [0; 8] };
}

#[repr(C)]
#[derive(Debug)]
pub struct FAST_MUTEX {
    pub Count: i32,
    pub Owner: PVOID,
    pub Contention: u32,
    pub Event: KEVENT,
    pub OldIrql: u32,
}

#[repr(C)]
#[derive(Debug)]
pub struct KLOCK_QUEUE_HANDLE {
    pub LockQueueNext: PVOID,
    pub LockQueueLock: *mut KSPIN_LOCK,
    pub OldIrql: KIRQL,
}

#[repr(C)]
#[derive(Debug)]
pub struct OBJECT_ATTRIBUTES {
    pub Length: u32,
    pub RootDirectory: HANDLE,
    pub ObjectName: *mut UNICODE_STRING,
    pub Attributes: u32,
    pub SecurityDescriptor: PVOID,
    pub SecurityQualityOfService: PVOID,
}

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

const _: () = {
    assert!(size_of::<GUID>() == 16);
    assert!(size_of::<UNICODE_STRING>() == 0x10);
    assert!(offset_of!(DRIVER_OBJECT, DriverUnload) == 0x68);
    assert!(offset_of!(DRIVER_OBJECT, MajorFunction) == 0x70);
    assert!(size_of::<DRIVER_OBJECT>() == 0x150);
    assert!(offset_of!(DEVICE_OBJECT, Flags) == 0x30);
    assert!(offset_of!(DEVICE_OBJECT, DeviceExtension) == 0x40);
    assert!(offset_of!(DEVICE_OBJECT, StackSize) == 0x4C);
    assert!(size_of::<DEVICE_OBJECT>() == 0x150);
    assert!(offset_of!(FILE_OBJECT, FsContext) == 0x18);
    assert!(offset_of!(FILE_OBJECT, FsContext2) == 0x20);
    assert!(size_of::<FILE_OBJECT>() == 0xD8);
    assert!(size_of::<IO_STATUS_BLOCK>() == 0x10);
    assert!(offset_of!(IRP, SystemBuffer) == 0x18);
    assert!(offset_of!(IRP, IoStatus) == 0x30);
    assert!(offset_of!(IRP, RequestorMode) == 0x40);
    assert!(offset_of!(IRP, Cancel) == 0x44);
    assert!(offset_of!(IRP, CancelRoutine) == 0x68);
    assert!(offset_of!(IRP, DriverContext) == 0x78);
    assert!(offset_of!(IRP, ListEntry) == 0xA8);
    assert!(offset_of!(IRP, CurrentStackLocation) == 0xB8);
    assert!(size_of::<IRP>() == 0xD0);
    assert!(offset_of!(IO_STACK_LOCATION, Parameters) == 0x8);
    assert!(offset_of!(DEVICE_IO_CONTROL_PARAMETERS, InputBufferLength) == 0x8);
    assert!(offset_of!(DEVICE_IO_CONTROL_PARAMETERS, IoControlCode) == 0x10);
    assert!(offset_of!(IO_STACK_LOCATION, FileObject) == 0x30);
    assert!(size_of::<IO_STACK_LOCATION>() == 0x48);
    assert!(offset_of!(MDL, MappedSystemVa) == 0x18);
    assert!(offset_of!(MDL, ByteCount) == 0x28);
    assert!(size_of::<MDL>() == 0x30);
    assert!(size_of::<KEVENT>() == 0x18);
    assert!(size_of::<KTIMER>() == 0x40);
    assert!(size_of::<KDPC>() == 0x40);
    assert!(offset_of!(FAST_MUTEX, Event) == 0x18);
    assert!(size_of::<FAST_MUTEX>() == 0x38);
    assert!(size_of::<KLOCK_QUEUE_HANDLE>() == 0x18);
    assert!(size_of::<OBJECT_ATTRIBUTES>() == 0x30);
};
