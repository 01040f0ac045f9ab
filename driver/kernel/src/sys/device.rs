//! The device, its name for user mode, and who may open it.

use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use divert_driver_abi::wdm::{
    BOOLEAN, DACL_SECURITY_INFORMATION, DEVICE_OBJECT, DO_DEVICE_INITIALIZING, DO_DIRECT_IO, DRIVER_OBJECT,
    FILE_DEVICE_NETWORK, FILE_DEVICE_SECURE_OPEN, HANDLE, KernelMode, NT_SUCCESS, NTSTATUS,
    OBJ_KERNEL_HANDLE, UNICODE_STRING, WRITE_DAC, member,
};

use super::ffi;

const FALSE: BOOLEAN = 0;

/// A device; deleted when it is dropped.
pub(crate) struct Device(NonNull<DEVICE_OBJECT>);

// SAFETY: the object manager does not care which thread deletes a device.
unsafe impl Send for Device {}
// SAFETY: nothing is changed through a shared reference.
unsafe impl Sync for Device {}

impl Device {
    /// Makes the device, which nobody can open before [`Device::ready`]. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the system.
    pub(super) fn new(driver: NonNull<DRIVER_OBJECT>, mut name: UNICODE_STRING) -> Result<Self, NTSTATUS> {
        let mut device = null_mut();
        // SAFETY: the driver object is the one that the entry point was given; the name is static.
        let status = unsafe {
            ffi::IoCreateDevice(
                driver.as_ptr(),
                0,
                &raw mut name,
                FILE_DEVICE_NETWORK,
                FILE_DEVICE_SECURE_OPEN,
                FALSE,
                &raw mut device,
            )
        };
        NonNull::new(device).filter(|_| NT_SUCCESS(status)).map(Self).ok_or(status)
    }

    /// Lets administrators and the system open the device, and nobody else. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the system; the device must not be used then.
    pub(super) fn secure(&self) -> Result<(), NTSTATUS> {
        let mut handle = null_mut();
        // SAFETY: the device is there; a handle of the kernel for it is asked for, without a check of access.
        let status = unsafe {
            ffi::ObOpenObjectByPointer(
                self.as_ptr(),
                OBJ_KERNEL_HANDLE,
                null_mut(),
                WRITE_DAC,
                null_mut(),
                KernelMode,
                &raw mut handle,
            )
        };
        if !NT_SUCCESS(status) {
            return Err(status);
        }
        let handle = Handle(handle);
        let descriptor = (&raw const DESCRIPTOR).cast_mut().cast();
        // SAFETY: the handle has the access that this needs; the descriptor is whole, see there.
        let status = unsafe { ffi::ZwSetSecurityObject(handle.0, DACL_SECURITY_INFORMATION, descriptor) };
        if NT_SUCCESS(status) { Ok(()) } else { Err(status) }
    }

    /// Lets the device be opened. Only before the entry point returns.
    pub(super) fn ready(&self) {
        let flags = member::device_flags(self.0.as_ptr());
        // SAFETY: nobody else changes the flags of a device that cannot be opened yet.
        let bits = unsafe { flags.read() };
        // SAFETY: as above.
        unsafe { flags.write((bits | DO_DIRECT_IO) & !DO_DEVICE_INITIALIZING) };
    }

    /// For interfaces that want the device object.
    pub(crate) const fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: it was made by `new`, and nobody uses it: the driver is being unloaded, or was not loaded.
        unsafe { ffi::IoDeleteDevice(self.0.as_ptr()) };
    }
}

/// A handle of the kernel; closed when it is dropped.
struct Handle(HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open, and this thread's alone.
        unsafe { ffi::ZwClose(self.0) };
    }
}

/// The device's name for user mode; deleted when it is dropped.
pub(crate) struct Link(fn() -> UNICODE_STRING);

impl Link {
    /// Makes `link` lead to `device`. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the system.
    pub(super) fn new(link: fn() -> UNICODE_STRING, mut device: UNICODE_STRING) -> Result<Self, NTSTATUS> {
        let mut name = link();
        // SAFETY: both names are static.
        let status = unsafe { ffi::IoCreateSymbolicLink(&raw mut name, &raw mut device) };
        if NT_SUCCESS(status) { Ok(Self(link)) } else { Err(status) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut name = (self.0)();
        // SAFETY: the name is static, and `new` made the link.
        unsafe { ffi::IoDeleteSymbolicLink(&raw mut name) };
    }
}

/// A security descriptor (MS-DTYP 2.4.6) in self-relative form: `D:P(A;;FA;;;SY)(A;;FA;;;BA)`.
#[repr(C, align(4))]
struct Descriptor {
    revision: u8,
    reserved: u8,
    control: u16,
    owner: u32,
    group: u32,
    system_list: u32,
    list: u32,
    list_revision: u8,
    list_reserved: u8,
    list_length: u16,
    list_count: u16,
    list_reserved_too: u16,
    system: Entry<1>,
    administrators: Entry<2>,
}

/// An entry that allows (MS-DTYP 2.4.4.2) somebody of the authority NT with `N` numbers (2.4.2.2).
#[repr(C)]
struct Entry<const N: usize> {
    kind: u8,
    flags: u8,
    length: u16,
    access: u32,
    revision: u8,
    count: u8,
    authority: [u8; 6],
    numbers: [u32; N],
}

impl<const N: usize> Entry<N> {
    const fn all(numbers: [u32; N]) -> Self {
        Self {
            kind: 0,
            flags: 0,
            length: size_of::<Self>() as u16,
            access: ALL_ACCESS,
            revision: 1,
            count: N as u8,
            authority: [0, 0, 0, 0, 0, 5],
            numbers,
        }
    }
}

/// `FILE_ALL_ACCESS`: what `GENERIC_ALL` means for a device, whose list is not mapped when it is set this way.
const ALL_ACCESS: u32 = 0x001F_01FF;
/// `SE_DACL_PRESENT`, `SE_DACL_PROTECTED`, `SE_SELF_RELATIVE`.
const CONTROL: u16 = 0x0004 | 0x1000 | 0x8000;

/// Header and entries.
const LIST_LENGTH: u16 = (8 + size_of::<Entry<1>>() + size_of::<Entry<2>>()) as u16;

static DESCRIPTOR: Descriptor = Descriptor {
    revision: 1,
    reserved: 0,
    control: CONTROL,
    owner: 0,
    group: 0,
    system_list: 0,
    list: core::mem::offset_of!(Descriptor, list_revision) as u32,
    list_revision: 2,
    list_reserved: 0,
    list_length: LIST_LENGTH,
    list_count: 2,
    list_reserved_too: 0,
    // S-1-5-18, the system.
    system: Entry::all([18]),
    // S-1-5-32-544, administrators.
    administrators: Entry::all([32, 544]),
};

const _: () = {
    assert!(core::mem::offset_of!(Descriptor, list_revision) == 20);
    assert!(core::mem::offset_of!(Descriptor, system) == 28);
    assert!(core::mem::offset_of!(Descriptor, administrators) == 28 + 20);
    assert!(size_of::<Descriptor>() == 28 + 20 + 24);
};
