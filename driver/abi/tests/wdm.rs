//! Compares the layouts with those of windows-sys, which Microsoft generates from its own metadata of the headers.
//!
//! The metadata lose the alignment that the headers ask for: within the parameters of a control request (they have the
//! second length at byte 4, the headers at byte 8) and for the device object, whose length the headers round up to 16.
//! These are not compared.

use std::mem::{offset_of, size_of};

use divert_driver_abi::wdm;
use windows_sys::Wdk::Foundation as theirs;
use windows_sys::Wdk::System::SystemServices as services;

macro_rules! same_size {
    ($($name:ident in $from:path),* $(,)?) => {
        $({
            use $from as from;
            assert_eq!(size_of::<wdm::$name>(), size_of::<from::$name>(), stringify!($name));
        })*
    };
}

macro_rules! same_offset {
    ($($ours:ident: $($field:ident).+ = $($other:ident).+),* $(,)?) => {
        $(assert_eq!(
            offset_of!(wdm::$ours, $($field).+),
            offset_of!(theirs::$ours, $($other).+),
            concat!(stringify!($ours), " ", stringify!($($field).+)),
        );)*
    };
}

#[test]
fn sizes() {
    same_size!(
        DRIVER_OBJECT in theirs,
        FILE_OBJECT in theirs,
        IRP in theirs,
        IO_STACK_LOCATION in theirs,
        MDL in theirs,
        KEVENT in theirs,
        FAST_MUTEX in theirs,
        KLOCK_QUEUE_HANDLE in services,
    );
}

#[test]
fn members() {
    same_offset!(
        DRIVER_OBJECT: DriverUnload = DriverUnload,
        DRIVER_OBJECT: MajorFunction = MajorFunction,
        DEVICE_OBJECT: Flags = Flags,
        DEVICE_OBJECT: DeviceExtension = DeviceExtension,
        DEVICE_OBJECT: DeviceType = DeviceType,
        DEVICE_OBJECT: StackSize = StackSize,
        FILE_OBJECT: FsContext = FsContext,
        FILE_OBJECT: FsContext2 = FsContext2,
        IRP: MdlAddress = MdlAddress,
        IRP: SystemBuffer = AssociatedIrp.SystemBuffer,
        IRP: IoStatus.Information = IoStatus.Information,
        IRP: RequestorMode = RequestorMode,
        IRP: Cancel = Cancel,
        IRP: CancelIrql = CancelIrql,
        IRP: CancelRoutine = CancelRoutine,
        IRP: UserBuffer = UserBuffer,
        IRP: DriverContext = Tail.Overlay.Anonymous1.Anonymous.DriverContext,
        IRP: ListEntry = Tail.Overlay.Anonymous2.ListEntry,
        IRP: CurrentStackLocation = Tail.Overlay.Anonymous2.Anonymous.CurrentStackLocation,
        IO_STACK_LOCATION: Control = Control,
        IO_STACK_LOCATION: Parameters.OutputBufferLength = Parameters.DeviceIoControl.OutputBufferLength,
        IO_STACK_LOCATION: FileObject = FileObject,
        MDL: MdlFlags = MdlFlags,
        MDL: MappedSystemVa = MappedSystemVa,
        MDL: StartVa = StartVa,
        MDL: ByteCount = ByteCount,
        MDL: ByteOffset = ByteOffset,
        FAST_MUTEX: Event = Event,
        FAST_MUTEX: OldIrql = OldIrql,
    );
}
