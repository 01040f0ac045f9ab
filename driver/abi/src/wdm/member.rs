//! Where members lie: from a pointer to a structure to a pointer to one of its members. Nothing is read here, so nothing
//! is unsafe, and the driver does not depend on how the structures are nested.

use core::mem::offset_of;

use super::{
    BOOLEAN, DEVICE_OBJECT, DRIVER_CANCEL, DRIVER_DISPATCH, DRIVER_OBJECT, DRIVER_UNLOAD, FILE_OBJECT,
    IO_STACK_LOCATION, IRP, IRP_MJ_MAXIMUM_FUNCTION, KIRQL, MDL, NTSTATUS, PVOID,
};

macro_rules! members {
    ($($name:ident: $of:ident, $($field:ident).+ => $type:ty;)*) => {
        $(
            #[must_use]
            pub const fn $name(of: *mut $of) -> *mut $type {
                of.cast::<u8>().wrapping_add(offset_of!($of, $($field).+)).cast()
            }
        )*
    };
}

members! {
    driver_unload: DRIVER_OBJECT, DriverUnload => Option<DRIVER_UNLOAD>;
    driver_dispatch: DRIVER_OBJECT, MajorFunction => [Option<DRIVER_DISPATCH>; IRP_MJ_MAXIMUM_FUNCTION + 1];
    device_flags: DEVICE_OBJECT, Flags => u32;
    file_context: FILE_OBJECT, FsContext => PVOID;
    irp_mdl: IRP, MdlAddress => *mut MDL;
    irp_system_buffer: IRP, SystemBuffer => PVOID;
    irp_status: IRP, IoStatus.Status => NTSTATUS;
    irp_information: IRP, IoStatus.Information => usize;
    irp_cancel: IRP, Cancel => BOOLEAN;
    irp_cancel_irql: IRP, CancelIrql => KIRQL;
    irp_cancel_routine: IRP, CancelRoutine => Option<DRIVER_CANCEL>;
    irp_user_buffer: IRP, UserBuffer => PVOID;
    irp_driver_context: IRP, DriverContext => [PVOID; 4];
    irp_stack: IRP, CurrentStackLocation => *mut IO_STACK_LOCATION;
    stack_major: IO_STACK_LOCATION, MajorFunction => u8;
    stack_control: IO_STACK_LOCATION, Control => u8;
    stack_output_length: IO_STACK_LOCATION, Parameters.OutputBufferLength.Value => u32;
    stack_input_length: IO_STACK_LOCATION, Parameters.InputBufferLength.Value => u32;
    stack_control_code: IO_STACK_LOCATION, Parameters.IoControlCode.Value => u32;
    stack_file: IO_STACK_LOCATION, FileObject => *mut FILE_OBJECT;
    mdl_flags: MDL, MdlFlags => i16;
    mdl_mapped: MDL, MappedSystemVa => PVOID;
    mdl_length: MDL, ByteCount => u32;
}
