//! Callouts: how they are registered, what they are given, what they answer, and how they inject.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

use super::metadata::FWPS_INCOMING_METADATA_VALUES0;
use super::value::FWP_VALUE0;
use crate::ndis::NET_BUFFER_LIST;
use crate::wdm::{BOOLEAN, GUID, HANDLE, NTSTATUS};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_INCOMING_VALUE0 {
    pub value: FWP_VALUE0,
}

/// The fixed values of a layer, by the numbers of its fields.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_INCOMING_VALUES0 {
    pub layerId: u16,
    pub valueCount: u32,
    pub incomingValue: *mut FWPS_INCOMING_VALUE0,
}

pub type FWP_ACTION_TYPE = u32;
pub const FWP_ACTION_FLAG_TERMINATING: u32 = 0x1000;
pub const FWP_ACTION_FLAG_NON_TERMINATING: u32 = 0x2000;
pub const FWP_ACTION_FLAG_CALLOUT: u32 = 0x4000;
pub const FWP_ACTION_BLOCK: FWP_ACTION_TYPE = 0x1001;
pub const FWP_ACTION_PERMIT: FWP_ACTION_TYPE = 0x1002;
pub const FWP_ACTION_CALLOUT_TERMINATING: FWP_ACTION_TYPE = 0x5003;
pub const FWP_ACTION_CALLOUT_INSPECTION: FWP_ACTION_TYPE = 0x6004;
pub const FWP_ACTION_CALLOUT_UNKNOWN: FWP_ACTION_TYPE = 0x4005;
pub const FWP_ACTION_CONTINUE: FWP_ACTION_TYPE = 0x2006;
pub const FWP_ACTION_NONE: FWP_ACTION_TYPE = 7;
pub const FWP_ACTION_NONE_NO_MATCH: FWP_ACTION_TYPE = 8;

/// Of [`FWPS_CLASSIFY_OUT0::rights`]: who lacks it must not set the action, except from permit to block.
pub const FWPS_RIGHT_ACTION_WRITE: u32 = 1;

/// Of [`FWPS_CLASSIFY_OUT0::flags`]: dropped silently, without an event or an answer to the sender.
pub const FWPS_CLASSIFY_OUT_FLAG_ABSORB: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FWPS_CLASSIFY_OUT0 {
    pub actionType: FWP_ACTION_TYPE,
    pub outContext: u64,
    pub filterId: u64,
    pub rights: u32,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_ACTION0 {
    pub r#type: FWP_ACTION_TYPE,
    pub calloutId: u32,
}

/// A filter as its callout sees it. `context` is the `rawContext` that it was added with, when it has the flag for it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_FILTER1 {
    pub filterId: u64,
    pub weight: FWP_VALUE0,
    pub subLayerWeight: u16,
    pub flags: u16,
    pub numFilterConditions: u32,
    pub filterCondition: *mut c_void,
    pub action: FWPS_ACTION0,
    pub context: u64,
    pub providerContext: *mut c_void,
}

pub const FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT: u16 = 0x1;
pub const FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED: u16 = 0x2;

/// Up to DISPATCH_LEVEL. `layerData` is a list of packets, where the layer has any, else null.
pub type FWPS_CALLOUT_CLASSIFY_FN1 = Option<
    unsafe extern "system" fn(
        inFixedValues: *const FWPS_INCOMING_VALUES0,
        inMetaValues: *const FWPS_INCOMING_METADATA_VALUES0,
        layerData: *mut c_void,
        classifyContext: *const c_void,
        filter: *const FWPS_FILTER1,
        flowContext: u64,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    ),
>;

pub type FWPS_CALLOUT_NOTIFY_TYPE = i32;
pub const FWPS_CALLOUT_NOTIFY_ADD_FILTER: FWPS_CALLOUT_NOTIFY_TYPE = 0;
pub const FWPS_CALLOUT_NOTIFY_DELETE_FILTER: FWPS_CALLOUT_NOTIFY_TYPE = 1;
pub const FWPS_CALLOUT_NOTIFY_ADD_FILTER_POST_COMMIT: FWPS_CALLOUT_NOTIFY_TYPE = 2;

/// At PASSIVE_LEVEL. `filterKey` is null when a filter goes.
pub type FWPS_CALLOUT_NOTIFY_FN1 = Option<
    unsafe extern "system" fn(
        notifyType: FWPS_CALLOUT_NOTIFY_TYPE,
        filterKey: *const GUID,
        filter: *mut FWPS_FILTER1,
    ) -> NTSTATUS,
>;

/// Up to DISPATCH_LEVEL, once for each context that was associated with a flow.
pub type FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 =
    Option<unsafe extern "system" fn(layerId: u16, calloutId: u32, flowContext: u64)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPS_CALLOUT1 {
    pub calloutKey: GUID,
    pub flags: u32,
    pub classifyFn: FWPS_CALLOUT_CLASSIFY_FN1,
    pub notifyFn: FWPS_CALLOUT_NOTIFY_FN1,
    pub flowDeleteFn: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

/// Asked about packets of flows only that have a context of this callout.
pub const FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW: u32 = 0x1;
/// Its layer may still leave work to the hardware.
pub const FWP_CALLOUT_FLAG_ALLOW_OFFLOAD: u32 = 0x2;

/// What [`FWPS_INCOMING_METADATA_VALUES0`] is called without its version.
pub type FWPS_INCOMING_METADATA_VALUES = FWPS_INCOMING_METADATA_VALUES0;

/// Where a packet comes from, as the owner of an injection handle is told.
pub type FWPS_PACKET_INJECTION_STATE = i32;
pub const FWPS_PACKET_NOT_INJECTED: FWPS_PACKET_INJECTION_STATE = 0;
/// With this handle, and nobody changed it since.
pub const FWPS_PACKET_INJECTED_BY_SELF: FWPS_PACKET_INJECTION_STATE = 1;
pub const FWPS_PACKET_INJECTED_BY_OTHER: FWPS_PACKET_INJECTION_STATE = 2;
/// With this handle; somebody took it and injected it again.
pub const FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF: FWPS_PACKET_INJECTION_STATE = 3;

/// Kinds of `FwpsInjectionHandleCreate0`.
pub const FWPS_INJECTION_TYPE_STREAM: u32 = 0x1;
pub const FWPS_INJECTION_TYPE_TRANSPORT: u32 = 0x2;
pub const FWPS_INJECTION_TYPE_NETWORK: u32 = 0x4;
pub const FWPS_INJECTION_TYPE_FORWARD: u32 = 0x8;

/// Address families.
pub const AF_UNSPEC: u16 = 0;
pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 23;

pub const UNSPECIFIED_COMPARTMENT_ID: u32 = 0;
pub const DEFAULT_COMPARTMENT_ID: u32 = 1;

/// Up to DISPATCH_LEVEL, once for each injected list; its `Status` says what became of it.
pub type FWPS_INJECT_COMPLETE0 = Option<
    unsafe extern "system" fn(
        context: *mut c_void,
        netBufferList: *mut NET_BUFFER_LIST,
        dispatchLevel: BOOLEAN,
    ),
>;

pub type INJECTION_HANDLE = HANDLE;

const _: () = {
    assert!(size_of::<FWPS_INCOMING_VALUES0>() == 16);
    assert!(offset_of!(FWPS_INCOMING_VALUES0, valueCount) == 4);
    assert!(offset_of!(FWPS_INCOMING_VALUES0, incomingValue) == 8);
    assert!(size_of::<FWPS_CLASSIFY_OUT0>() == 40);
    assert!(offset_of!(FWPS_CLASSIFY_OUT0, filterId) == 16);
    assert!(offset_of!(FWPS_CLASSIFY_OUT0, rights) == 24);
    assert!(offset_of!(FWPS_CLASSIFY_OUT0, flags) == 28);
    assert!(size_of::<FWPS_FILTER1>() == 64);
    assert!(offset_of!(FWPS_FILTER1, subLayerWeight) == 24);
    assert!(offset_of!(FWPS_FILTER1, numFilterConditions) == 28);
    assert!(offset_of!(FWPS_FILTER1, action) == 40);
    assert!(offset_of!(FWPS_FILTER1, context) == 48);
    assert!(size_of::<FWPS_CALLOUT1>() == 48);
    assert!(offset_of!(FWPS_CALLOUT1, classifyFn) == 24);
};
