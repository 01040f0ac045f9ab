//! Where members lie: from a pointer to a structure to a pointer to one of its members. Nothing is read here, so nothing
//! is unsafe, and the driver does not depend on how the structures are nested. Where every member has to be is asserted,
//! so that a build against the headers of a WDK shows whether both agree.

use core::mem::offset_of;

use super::{
    BOOLEAN, DEVICE_OBJECT, DRIVER_CANCEL, DRIVER_DISPATCH, DRIVER_OBJECT, DRIVER_UNLOAD, FILE_OBJECT,
    IO_STACK_LOCATION, IRP, IRP_MJ_MAXIMUM_FUNCTION, KIRQL, MDL, NTSTATUS, PVOID,
};

macro_rules! place {
    ($of:ident, ($($field:ident).+)) => {
        offset_of!($of, $($field).+)
    };
}

macro_rules! members {
    ($($name:ident: $of:ident, $place:literal, $own:tt, $wdk:tt => $type:ty;)*) => {
        $(
            #[must_use]
            pub const fn $name(of: *mut $of) -> *mut $type {
                #[cfg(not(feature = "wdk"))]
                const PLACE: usize = place!($of, $own);
                #[cfg(feature = "wdk")]
                const PLACE: usize = place!($of, $wdk);
                const { assert!(PLACE == $place) };
                of.cast::<u8>().wrapping_add(PLACE).cast()
            }
        )*
    };
}

// Name, structure, where it is on x86-64, the member in our declarations and in those of wdk-sys, its type.
members! {
    driver_unload: DRIVER_OBJECT, 0x68, (DriverUnload), (DriverUnload) => Option<DRIVER_UNLOAD>;
    driver_dispatch: DRIVER_OBJECT, 0x70, (MajorFunction), (MajorFunction)
        => [Option<DRIVER_DISPATCH>; IRP_MJ_MAXIMUM_FUNCTION + 1];
    device_flags: DEVICE_OBJECT, 0x30, (Flags), (Flags) => u32;
    file_context: FILE_OBJECT, 0x18, (FsContext), (FsContext) => PVOID;
    irp_mdl: IRP, 0x08, (MdlAddress), (MdlAddress) => *mut MDL;
    irp_system_buffer: IRP, 0x18, (SystemBuffer), (AssociatedIrp.SystemBuffer) => PVOID;
    irp_status: IRP, 0x30, (IoStatus.Status), (IoStatus.__bindgen_anon_1.Status) => NTSTATUS;
    irp_information: IRP, 0x38, (IoStatus.Information), (IoStatus.Information) => usize;
    irp_cancel: IRP, 0x44, (Cancel), (Cancel) => BOOLEAN;
    irp_cancel_irql: IRP, 0x45, (CancelIrql), (CancelIrql) => KIRQL;
    irp_cancel_routine: IRP, 0x68, (CancelRoutine), (CancelRoutine) => Option<DRIVER_CANCEL>;
    irp_user_buffer: IRP, 0x70, (UserBuffer), (UserBuffer) => PVOID;
    irp_driver_context: IRP, 0x78, (DriverContext),
        (Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext) => [PVOID; 4];
    irp_stack: IRP, 0xB8, (CurrentStackLocation),
        (Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation) => *mut IO_STACK_LOCATION;
    stack_major: IO_STACK_LOCATION, 0x00, (MajorFunction), (MajorFunction) => u8;
    stack_control: IO_STACK_LOCATION, 0x03, (Control), (Control) => u8;
    stack_output_length: IO_STACK_LOCATION, 0x08, (Parameters.OutputBufferLength.Value),
        (Parameters.DeviceIoControl.OutputBufferLength) => u32;
    stack_input_length: IO_STACK_LOCATION, 0x10, (Parameters.InputBufferLength.Value),
        (Parameters.DeviceIoControl.InputBufferLength) => u32;
    stack_control_code: IO_STACK_LOCATION, 0x18, (Parameters.IoControlCode.Value),
        (Parameters.DeviceIoControl.IoControlCode) => u32;
    stack_file: IO_STACK_LOCATION, 0x30, (FileObject), (FileObject) => *mut FILE_OBJECT;
    mdl_flags: MDL, 0x0A, (MdlFlags), (MdlFlags) => i16;
    mdl_mapped: MDL, 0x18, (MappedSystemVa), (MappedSystemVa) => PVOID;
    mdl_length: MDL, 0x28, (ByteCount), (ByteCount) => u32;
}
