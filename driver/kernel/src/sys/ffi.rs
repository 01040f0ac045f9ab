//! The functions of the kernel that the driver calls: all of them, and nothing else is imported. All are of Windows 7
//! or earlier; `divert-driver-image` holds the list with its sources and compares every image with it.

use core::ffi::c_void;

use divert_driver_abi::ndis::{NET_BUFFER, NET_BUFFER_LIST, NET_BUFFER_LIST_POOL_PARAMETERS};
use divert_driver_abi::wdm::{
    BOOLEAN, DEVICE_OBJECT, DRIVER_OBJECT, GUID, HANDLE, IRP, KIRQL, KSPIN_LOCK, LARGE_INTEGER, MDL,
    NTSTATUS, PVOID, UNICODE_STRING,
};
use divert_driver_abi::wfp::{
    FWPM_CALLOUT0, FWPM_FILTER0, FWPM_PROVIDER0, FWPM_SESSION0, FWPM_SUBLAYER0, FWPS_CALLOUT1,
    FWPS_INJECT_COMPLETE0, FWPS_PACKET_INJECTION_STATE,
};

/// `OSVERSIONINFOW`.
#[repr(C)]
pub(crate) struct OsVersion {
    pub(crate) size: u32,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) build: u32,
    pub(crate) platform: u32,
    pub(crate) service_pack: [u16; 128],
}

#[cfg_attr(windows, link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim"))]
unsafe extern "system" {
    pub(crate) fn ExAllocatePoolWithTag(kind: i32, bytes: usize, tag: u32) -> PVOID;
    pub(crate) fn ExFreePoolWithTag(memory: PVOID, tag: u32);
    pub(crate) fn IoAllocateMdl(
        memory: PVOID,
        length: u32,
        secondary: BOOLEAN,
        charge: BOOLEAN,
        irp: *mut IRP,
    ) -> *mut MDL;
    pub(crate) fn IoCreateDevice(
        driver: *mut DRIVER_OBJECT,
        extension: u32,
        name: *mut UNICODE_STRING,
        kind: u32,
        characteristics: u32,
        exclusive: BOOLEAN,
        device: *mut *mut DEVICE_OBJECT,
    ) -> NTSTATUS;
    pub(crate) fn IoCreateSymbolicLink(link: *mut UNICODE_STRING, device: *mut UNICODE_STRING) -> NTSTATUS;
    pub(crate) fn IoDeleteDevice(device: *mut DEVICE_OBJECT);
    pub(crate) fn IoDeleteSymbolicLink(link: *mut UNICODE_STRING) -> NTSTATUS;
    pub(crate) fn IoFreeMdl(mdl: *mut MDL);
    pub(crate) fn IoReleaseCancelSpinLock(irql: KIRQL);
    pub(crate) fn IofCompleteRequest(irp: *mut IRP, boost: i8);
    pub(crate) fn KeAcquireSpinLockRaiseToDpc(lock: *mut KSPIN_LOCK) -> KIRQL;
    pub(crate) fn KeDelayExecutionThread(
        mode: i8,
        alertable: BOOLEAN,
        interval: *mut LARGE_INTEGER,
    ) -> NTSTATUS;
    pub(crate) fn KeEnterCriticalRegion();
    pub(crate) fn KeFlushQueuedDpcs();
    pub(crate) fn KeLeaveCriticalRegion();
    pub(crate) fn KeReleaseSpinLock(lock: *mut KSPIN_LOCK, irql: KIRQL);
    pub(crate) fn MmBuildMdlForNonPagedPool(mdl: *mut MDL);
    pub(crate) fn MmMapLockedPagesSpecifyCache(
        mdl: *mut MDL,
        mode: i8,
        cache: i32,
        address: PVOID,
        bug_check: u32,
        priority: u32,
    ) -> PVOID;
    pub(crate) fn ObOpenObjectByPointer(
        object: PVOID,
        attributes: u32,
        state: PVOID,
        access: u32,
        kind: PVOID,
        mode: i8,
        handle: *mut HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn PsGetCurrentProcessId() -> HANDLE;
    pub(crate) fn PsGetCurrentThread() -> PVOID;
    pub(crate) fn PsIsThreadTerminating(thread: PVOID) -> BOOLEAN;
    pub(crate) fn RtlGetVersion(version: *mut OsVersion) -> NTSTATUS;
    pub(crate) fn ZwClose(handle: HANDLE) -> NTSTATUS;
    pub(crate) fn ZwSetSecurityObject(handle: HANDLE, what: u32, descriptor: PVOID) -> NTSTATUS;
}

#[cfg_attr(windows, link(name = "hal.dll", kind = "raw-dylib", modifiers = "+verbatim"))]
unsafe extern "system" {
    pub(crate) fn KeQueryPerformanceCounter(frequency: *mut LARGE_INTEGER) -> LARGE_INTEGER;
}

#[cfg_attr(windows, link(name = "ndis.sys", kind = "raw-dylib", modifiers = "+verbatim"))]
unsafe extern "system" {
    pub(crate) fn NdisAdvanceNetBufferDataStart(
        packet: *mut NET_BUFFER,
        by: u32,
        free_mdl: BOOLEAN,
        free: PVOID,
    );
    pub(crate) fn NdisAllocateNetBufferListPool(
        handle: HANDLE,
        parameters: *const NET_BUFFER_LIST_POOL_PARAMETERS,
    ) -> HANDLE;
    pub(crate) fn NdisFreeNetBufferListPool(pool: HANDLE);
    pub(crate) fn NdisGetDataBuffer(
        packet: *mut NET_BUFFER,
        length: u32,
        storage: *mut u8,
        align_multiple: u32,
        align_offset: u32,
    ) -> *mut u8;
    pub(crate) fn NdisRetreatNetBufferDataStart(
        packet: *mut NET_BUFFER,
        by: u32,
        fill: u32,
        allocate: PVOID,
    ) -> NTSTATUS;
}

#[cfg_attr(windows, link(name = "fwpkclnt.sys", kind = "raw-dylib", modifiers = "+verbatim"))]
unsafe extern "system" {
    pub(crate) fn FwpmCalloutAdd0(
        engine: HANDLE,
        callout: *const FWPM_CALLOUT0,
        security: PVOID,
        id: *mut u32,
    ) -> NTSTATUS;
    pub(crate) fn FwpmCalloutDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS;
    pub(crate) fn FwpmEngineClose0(engine: HANDLE) -> NTSTATUS;
    pub(crate) fn FwpmEngineOpen0(
        server: *const u16,
        authentication: u32,
        identity: PVOID,
        session: *const FWPM_SESSION0,
        engine: *mut HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn FwpmFilterAdd0(
        engine: HANDLE,
        filter: *const FWPM_FILTER0,
        security: PVOID,
        id: *mut u64,
    ) -> NTSTATUS;
    pub(crate) fn FwpmFilterDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS;
    pub(crate) fn FwpmProviderAdd0(
        engine: HANDLE,
        provider: *const FWPM_PROVIDER0,
        security: PVOID,
    ) -> NTSTATUS;
    pub(crate) fn FwpmSubLayerAdd0(
        engine: HANDLE,
        sublayer: *const FWPM_SUBLAYER0,
        security: PVOID,
    ) -> NTSTATUS;
    pub(crate) fn FwpmTransactionAbort0(engine: HANDLE) -> NTSTATUS;
    pub(crate) fn FwpmTransactionBegin0(engine: HANDLE, flags: u32) -> NTSTATUS;
    pub(crate) fn FwpmTransactionCommit0(engine: HANDLE) -> NTSTATUS;
    pub(crate) fn FwpsAllocateNetBufferAndNetBufferList0(
        pool: HANDLE,
        context_size: u16,
        backfill: u16,
        mdl: *mut MDL,
        offset: u32,
        length: usize,
        list: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS;
    pub(crate) fn FwpsCalloutRegister1(
        device: *mut c_void,
        callout: *const FWPS_CALLOUT1,
        id: *mut u32,
    ) -> NTSTATUS;
    pub(crate) fn FwpsCalloutUnregisterById0(id: u32) -> NTSTATUS;
    pub(crate) fn FwpsFlowAssociateContext0(flow: u64, layer: u16, callout: u32, context: u64) -> NTSTATUS;
    pub(crate) fn FwpsFlowRemoveContext0(flow: u64, layer: u16, callout: u32) -> NTSTATUS;
    pub(crate) fn FwpsFreeNetBufferList0(list: *mut NET_BUFFER_LIST);
    pub(crate) fn FwpsInjectForwardAsync0(
        injection: HANDLE,
        context: HANDLE,
        flags: u32,
        family: u16,
        compartment: u32,
        interface: u32,
        list: *mut NET_BUFFER_LIST,
        done: FWPS_INJECT_COMPLETE0,
        done_context: HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn FwpsInjectNetworkReceiveAsync0(
        injection: HANDLE,
        context: HANDLE,
        flags: u32,
        compartment: u32,
        interface: u32,
        sub_interface: u32,
        list: *mut NET_BUFFER_LIST,
        done: FWPS_INJECT_COMPLETE0,
        done_context: HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn FwpsInjectNetworkSendAsync0(
        injection: HANDLE,
        context: HANDLE,
        flags: u32,
        compartment: u32,
        list: *mut NET_BUFFER_LIST,
        done: FWPS_INJECT_COMPLETE0,
        done_context: HANDLE,
    ) -> NTSTATUS;
    pub(crate) fn FwpsInjectionHandleCreate0(family: u16, kinds: u32, injection: *mut HANDLE) -> NTSTATUS;
    pub(crate) fn FwpsInjectionHandleDestroy0(injection: HANDLE) -> NTSTATUS;
    pub(crate) fn FwpsQueryPacketInjectionState0(
        injection: HANDLE,
        list: *const NET_BUFFER_LIST,
        context: *mut HANDLE,
    ) -> FWPS_PACKET_INJECTION_STATE;
}
