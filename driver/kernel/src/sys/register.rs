//! The kernel side of callouts: functions that the platform calls, and contexts of flows.

use divert_driver_abi::wdm::{GUID, NT_SUCCESS, NTSTATUS, STATUS_DEVICE_BUSY, STATUS_SUCCESS};
use divert_driver_abi::wfp::{
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0, FWPS_CALLOUT_NOTIFY_TYPE, FWPS_CALLOUT1, FWPS_FILTER1,
};

use super::call::ClassifyFn;
use super::device::Device;
use super::ffi;
use super::time::sleep_milliseconds;

/// A callout that the platform knows; unregistered when it is dropped, which waits until nobody is in it and no flow has
/// a context of it.
pub(crate) struct Registered(u32);

impl Registered {
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the platform.
    pub(crate) fn new(
        device: &Device,
        key: GUID,
        classify: ClassifyFn,
        flows: bool,
    ) -> Result<Self, NTSTATUS> {
        let deleted: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 = if flows { Some(flow_deleted) } else { None };
        let callout = FWPS_CALLOUT1 {
            calloutKey: key,
            flags: 0,
            classifyFn: Some(classify),
            notifyFn: Some(notify),
            flowDeleteFn: deleted,
        };
        let mut id = 0;
        // SAFETY: the device is there for as long as the callout is; the functions are those of the interface.
        let status = unsafe { ffi::FwpsCalloutRegister1(device.as_ptr(), &raw const callout, &raw mut id) };
        if NT_SUCCESS(status) { Ok(Self(id)) } else { Err(status) }
    }

    /// The number that the platform gave it.
    pub(crate) const fn id(&self) -> u32 {
        self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: it is registered. While it is busy it stays so, and the driver with it.
        while unsafe { ffi::FwpsCalloutUnregisterById0(self.0) } == STATUS_DEVICE_BUSY {
            sleep_milliseconds(1);
        }
    }
}

/// Lets a flow carry a number for a callout, to be told when it goes. Up to DISPATCH_LEVEL.
///
/// # Errors
/// The status of the platform.
pub(crate) fn associate(flow: u64, layer: u16, callout: u32, context: u64) -> Result<(), NTSTATUS> {
    // SAFETY: flow and layer are those that the callout was asked about.
    let status = unsafe { ffi::FwpsFlowAssociateContext0(flow, layer, callout, context) };
    if NT_SUCCESS(status) { Ok(()) } else { Err(status) }
}

/// Takes the number back; the platform calls the function for deleted flows, now or later. Up to DISPATCH_LEVEL.
pub(crate) fn dissociate(flow: u64, layer: u16, callout: u32) {
    // SAFETY: the flow has a context of this callout, or had one; then the call fails and does nothing.
    unsafe { ffi::FwpsFlowRemoveContext0(flow, layer, callout) };
}

/// A filter comes or goes: none of the driver's business, which adds and deletes them itself. PASSIVE_LEVEL.
unsafe extern "system" fn notify(
    _: FWPS_CALLOUT_NOTIFY_TYPE,
    _: *const GUID,
    _: *mut FWPS_FILTER1,
) -> NTSTATUS {
    STATUS_SUCCESS
}

/// A flow is gone, or its context was taken back. Up to DISPATCH_LEVEL.
unsafe extern "system" fn flow_deleted(_: u16, _: u32, context: u64) {
    crate::wfp::flow::deleted(context);
}
