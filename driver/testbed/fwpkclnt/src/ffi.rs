//! The functions that the double calls: of the kernel, and of the process that it is emulated in.
//!
//! Declared by hand from the documentation of each; who calls one says why it may.

use core::ffi::c_void;

use divert_driver_abi::wdm::*;

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    pub(crate) fn ExAllocatePoolWithTag(kind: i32, length: usize, tag: u32) -> PVOID;
    pub(crate) fn ExFreePoolWithTag(memory: PVOID, tag: u32);
    pub(crate) fn IoCreateDriver(name: *const UNICODE_STRING, init: DRIVER_INITIALIZE) -> NTSTATUS;
    pub(crate) fn IoCreateDevice(
        driver: *mut DRIVER_OBJECT,
        extension: u32,
        name: *const UNICODE_STRING,
        kind: u32,
        characteristics: u32,
        exclusive: BOOLEAN,
        device: *mut *mut DEVICE_OBJECT,
    ) -> NTSTATUS;
    pub(crate) fn IoDeleteDriver(driver: *mut DRIVER_OBJECT);
    pub(crate) fn IoDeleteDevice(device: *mut DEVICE_OBJECT);
    pub(crate) fn IoDeleteSymbolicLink(link: *const UNICODE_STRING) -> NTSTATUS;
    pub(crate) fn IoCreateSymbolicLink(link: *const UNICODE_STRING, target: *const UNICODE_STRING) -> NTSTATUS;
    pub(crate) fn IofCompleteRequest(irp: *mut IRP, boost: i8);
    pub(crate) fn KeDelayExecutionThread(mode: i8, alertable: BOOLEAN, interval: *const i64) -> NTSTATUS;
    pub(crate) fn PsCreateSystemThread(
        handle: *mut HANDLE,
        access: u32,
        attributes: PVOID,
        process: HANDLE,
        client: PVOID,
        start: KSTART_ROUTINE,
        context: PVOID,
    ) -> NTSTATUS;
    pub(crate) fn PsGetCurrentThreadId() -> HANDLE;
    pub(crate) fn ObReferenceObjectByName(
        name: *const UNICODE_STRING,
        attributes: u32,
        state: PVOID,
        access: u32,
        kind: PVOID,
        mode: i8,
        context: PVOID,
        object: *mut PVOID,
    ) -> NTSTATUS;
    pub(crate) static IoDriverObjectType: *mut c_void;
    pub(crate) fn KeBugCheckEx(code: u32, a: usize, b: usize, c: usize, d: usize) -> !;
    pub(crate) fn IoAllocateMdl(at: PVOID, length: u32, secondary: BOOLEAN, charge: BOOLEAN, irp: *mut IRP) -> *mut MDL;
    pub(crate) fn IoFreeMdl(mdl: *mut MDL);
    pub(crate) fn IoAllocateWorkItem(device: *mut DEVICE_OBJECT) -> PVOID;
    pub(crate) fn IoFreeWorkItem(item: PVOID);
    pub(crate) fn KeAcquireSpinLockRaiseToDpc(lock: *mut KSPIN_LOCK) -> KIRQL;
    pub(crate) fn KeReleaseSpinLock(lock: *mut KSPIN_LOCK, irql: KIRQL);
    pub(crate) fn KeAcquireInStackQueuedSpinLock(lock: *mut KSPIN_LOCK, handle: *mut KLOCK_QUEUE_HANDLE);
    pub(crate) fn KeReleaseInStackQueuedSpinLock(handle: *mut KLOCK_QUEUE_HANDLE);
    pub(crate) fn KeWaitForSingleObject(
        object: PVOID,
        reason: i32,
        mode: i8,
        alertable: BOOLEAN,
        timeout: *const i64,
    ) -> NTSTATUS;
    pub(crate) fn ExAcquireFastMutex(mutex: *mut FAST_MUTEX);
    pub(crate) fn ZwClose(handle: HANDLE) -> NTSTATUS;
    pub(crate) fn KfRaiseIrql(to: KIRQL) -> KIRQL;
    pub(crate) fn ObOpenObjectByPointer(
        object: PVOID,
        attributes: u32,
        state: PVOID,
        access: u32,
        kind: PVOID,
        mode: i8,
        handle: *mut HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn ZwSetSecurityObject(handle: HANDLE, what: u32, descriptor: PVOID) -> NTSTATUS;
    pub(crate) fn KeLowerIrql(to: KIRQL);
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    pub(crate) fn DbgPrint(format: *const u8, ...) -> u32;
}

#[link(name = "ntdll.dll", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    pub(crate) fn NtProtectVirtualMemory(
        process: HANDLE,
        base: *mut PVOID,
        length: *mut usize,
        protection: u32,
        old: *mut u32,
    ) -> NTSTATUS;
    pub(crate) fn NtYieldExecution() -> NTSTATUS;
    pub(crate) fn NtReadFile(
        handle: HANDLE,
        event: HANDLE,
        routine: PVOID,
        context: PVOID,
        status: *mut IO_STATUS_BLOCK,
        buffer: *mut u8,
        length: u32,
        offset: *const i64,
        key: PVOID,
    ) -> NTSTATUS;
    pub(crate) fn LdrGetDllHandle(
        path: *const u16,
        flags: u32,
        name: *const UNICODE_STRING,
        module: *mut PVOID,
    ) -> NTSTATUS;
    pub(crate) fn NtWaitForSingleObject(handle: HANDLE, alertable: BOOLEAN, timeout: *const i64) -> NTSTATUS;
    pub(crate) fn NtClose(handle: HANDLE) -> NTSTATUS;
    pub(crate) fn NtCreateFile(
        handle: *mut HANDLE,
        access: u32,
        attributes: *const OBJECT_ATTRIBUTES,
        status: *mut IO_STATUS_BLOCK,
        size: *const i64,
        file_attributes: u32,
        share: u32,
        disposition: u32,
        options: u32,
        extended: PVOID,
        extended_length: u32,
    ) -> NTSTATUS;
    pub(crate) fn NtWriteFile(
        handle: HANDLE,
        event: HANDLE,
        routine: PVOID,
        context: PVOID,
        status: *mut IO_STATUS_BLOCK,
        buffer: *const u8,
        length: u32,
        offset: *const i64,
        key: PVOID,
    ) -> NTSTATUS;
    pub(crate) fn RtlQueryPerformanceCounter(counter: *mut i64) -> BOOLEAN;
    pub(crate) fn RtlFreeHeap(heap: *mut c_void, flags: u32, memory: *mut c_void) -> i32;
}
