//! What the engine is told: providers, sublayers, callouts, filters.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

use super::callout::FWP_ACTION_TYPE;
use super::value::{FWP_BYTE_BLOB, FWP_CONDITION_VALUE0, FWP_MATCH_TYPE, FWP_VALUE0};
use crate::wdm::GUID;

/// `authnService` of `FwpmEngineOpen0`.
pub const RPC_C_AUTHN_WINNT: u32 = 10;
pub const RPC_C_AUTHN_DEFAULT: u32 = 0xFFFF_FFFF;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_DISPLAY_DATA0 {
    /// Not null.
    pub name: *mut u16,
    pub description: *mut u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_SESSION0 {
    pub sessionKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub txnWaitTimeoutInMSec: u32,
    pub processId: u32,
    pub sid: *mut c_void,
    pub username: *mut u16,
    pub kernelMode: i32,
}

/// What is added in the session goes with it.
pub const FWPM_SESSION_FLAG_DYNAMIC: u32 = 0x1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_PROVIDER0 {
    pub providerKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerData: FWP_BYTE_BLOB,
    pub serviceName: *mut u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_SUBLAYER0 {
    pub subLayerKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    /// Higher ones are asked first.
    pub weight: u16,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_CALLOUT0 {
    pub calloutKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    pub applicableLayer: GUID,
    /// Given by the engine.
    pub calloutId: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_FILTER_CONDITION0 {
    pub fieldKey: GUID,
    pub matchType: FWP_MATCH_TYPE,
    pub conditionValue: FWP_CONDITION_VALUE0,
}

/// The callout's key, where the type says callout; the union's other member is a GUID too.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_ACTION0 {
    pub r#type: FWP_ACTION_TYPE,
    pub calloutKey: GUID,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPM_FILTER0_0 {
    pub rawContext: u64,
    pub providerContextKey: GUID,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_FILTER0 {
    pub filterKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    pub layerKey: GUID,
    pub subLayerKey: GUID,
    /// Empty: chosen by the engine; `FWP_UINT8`: 0 to 15; `FWP_UINT64`: exact.
    pub weight: FWP_VALUE0,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPM_FILTER_CONDITION0,
    pub action: FWPM_ACTION0,
    pub u: FWPM_FILTER0_0,
    pub reserved: *mut GUID,
    /// Given by the engine.
    pub filterId: u64,
    /// Given by the engine.
    pub effectiveWeight: FWP_VALUE0,
}

pub const FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT: u32 = 0x8;
pub const FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED: u32 = 0x10;

const _: () = {
    assert!(size_of::<FWPM_SESSION0>() == 72);
    assert!(size_of::<FWPM_PROVIDER0>() == 64);
    assert!(size_of::<FWPM_SUBLAYER0>() == 72);
    assert!(size_of::<FWPM_CALLOUT0>() == 88);
    assert!(size_of::<FWPM_ACTION0>() == 20);
    assert!(size_of::<FWPM_FILTER_CONDITION0>() == 40);
    assert!(size_of::<FWPM_FILTER0>() == 200);
    assert!(offset_of!(FWPM_FILTER0, action) == 128);
    assert!(offset_of!(FWPM_FILTER0, u) == 152);
};
