//! The structures, written down by hand.

use core::mem::{offset_of, size_of};

use super::{
    BOOLEAN, DRIVER_CANCEL, DRIVER_DISPATCH, DRIVER_INITIALIZE, DRIVER_UNLOAD, GUID, HANDLE,
    IRP_MJ_MAXIMUM_FUNCTION, KIRQL, KSPIN_LOCK, NTSTATUS, PEPROCESS, PVOID,
};

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
