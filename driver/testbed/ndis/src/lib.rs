//! Double of `ndis.sys`: functions for network buffers. What has to be remembered is with the double of `fwpkclnt.sys`,
//! which is in the same process.
#![no_std]
#![allow(non_snake_case)]

use core::ptr::{copy_nonoverlapping, null_mut};

use divert_driver_abi::ndis::{
    NDIS_OBJECT_TYPE_DEFAULT, NET_BUFFER, NET_BUFFER_LIST_POOL_PARAMETERS,
    NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
};
use divert_driver_abi::wdm::{HANDLE, MDL, NTSTATUS, PVOID};

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn KeBugCheckEx(code: u32, a: usize, b: usize, c: usize, d: usize) -> !;
}

#[link(name = "fwpkclnt.sys", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn TestbedPoolCreate() -> HANDLE;
    fn TestbedPoolDestroy(pool: HANDLE);
    fn TestbedMove(buffer: *mut NET_BUFFER, by: i64) -> NTSTATUS;
}

/// A panic is a defect of the double.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: ends the process.
    unsafe { KeBugCheckEx(0xE2, 0x4E44, 0, 0, 0) }
}

/// What the compiler expects beside floating-point code.
#[cfg(target_env = "msvc")]
#[unsafe(no_mangle)]
static _fltused: i32 = 0x9875;

/// The image's entry. Where it is called for what is loaded as an import, anything but 1 (TRUE) is a failure.
#[unsafe(no_mangle)]
extern "system" fn DriverEntry(_: PVOID, _: PVOID) -> NTSTATUS {
    1
}

/// A pool of lists, with one buffer in each.
///
/// # Safety
/// The parameters are valid.
#[unsafe(no_mangle)]
unsafe extern "system" fn NdisAllocateNetBufferListPool(
    _: HANDLE,
    parameters: *const NET_BUFFER_LIST_POOL_PARAMETERS,
) -> HANDLE {
    // SAFETY: null or valid, by the contract of this function.
    let Some(parameters) = (unsafe { parameters.as_ref() }) else { return null_mut() };
    let header = parameters.Header;
    let right = header.Type == NDIS_OBJECT_TYPE_DEFAULT
        && header.Revision == NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1
        && usize::from(header.Size) == size_of::<NET_BUFFER_LIST_POOL_PARAMETERS>()
        && parameters.fAllocateNetBuffer != 0;
    if !right {
        return null_mut();
    }
    // SAFETY: no conditions.
    unsafe { TestbedPoolCreate() }
}

/// The pool goes.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
unsafe extern "system" fn NdisFreeNetBufferListPool(pool: HANDLE) {
    // SAFETY: no conditions; what is no pool is found there.
    unsafe { TestbedPoolDestroy(pool) }
}

/// Where `wanted` bytes of the data are in one piece: where they lie, or copied to `storage`, or nowhere.
///
/// # Safety
/// The buffer is valid, and `storage` is null or has room.
#[unsafe(no_mangle)]
unsafe extern "system" fn NdisGetDataBuffer(
    buffer: *mut NET_BUFFER,
    wanted: u32,
    storage: PVOID,
    align: u32,
    align_offset: u32,
) -> PVOID {
    // SAFETY: null or valid, by the contract of this function.
    let Some(buffer) = (unsafe { buffer.as_ref() }) else { return null_mut() };
    if wanted == 0 || wanted > buffer.DataLength.DataLength {
        return null_mut();
    }
    let mut at: *const MDL = buffer.CurrentMdl;
    let mut skip = buffer.CurrentMdlOffset as usize;
    let mut left = wanted as usize;
    let mut to: *mut u8 = storage.cast();
    // SAFETY: the chain of a valid buffer.
    while let Some(mdl) = unsafe { at.as_ref() } {
        let start = mdl.StartVa.cast::<u8>().wrapping_add(mdl.ByteOffset as usize + skip);
        let here = (mdl.ByteCount as usize).saturating_sub(skip).min(left);
        let aligned = align <= 1 || start.addr() % align as usize == align_offset as usize;
        if here == wanted as usize && aligned {
            return start.cast();
        }
        if storage.is_null() {
            return null_mut();
        }
        // SAFETY: `here` bytes lie in this descriptor, and the storage has room for `wanted`.
        unsafe { copy_nonoverlapping(start, to, here) };
        to = to.wrapping_add(here);
        left -= here;
        if left == 0 {
            return storage;
        }
        skip = 0;
        at = mdl.Next;
    }
    null_mut()
}

/// Moves the data start towards the end.
///
/// # Safety
/// The buffer is valid.
#[unsafe(no_mangle)]
unsafe extern "system" fn NdisAdvanceNetBufferDataStart(buffer: *mut NET_BUFFER, by: u32, _: u8, _: PVOID) {
    // SAFETY: valid, by the contract of this function.
    let _ = unsafe { TestbedMove(buffer, i64::from(by)) };
}

/// Moves the data start towards the beginning, into memory that is there: no descriptors are added.
///
/// # Safety
/// The buffer is valid.
#[unsafe(no_mangle)]
unsafe extern "system" fn NdisRetreatNetBufferDataStart(
    buffer: *mut NET_BUFFER,
    by: u32,
    _: u32,
    _: PVOID,
) -> NTSTATUS {
    // SAFETY: valid, by the contract of this function.
    unsafe { TestbedMove(buffer, -i64::from(by)) }
}
