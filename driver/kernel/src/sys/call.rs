//! What a callout is asked about, and its answer.

use core::ffi::c_void;
use core::ptr::NonNull;

use divert_driver_abi::ndis::NET_BUFFER_LIST;
use divert_driver_abi::wfp::{
    FWP_ACTION_BLOCK, FWP_ACTION_CONTINUE, FWP_ACTION_PERMIT, FWP_BYTE_ARRAY16_TYPE, FWP_UINT8, FWP_UINT16,
    FWP_UINT32, FWP_VALUE0, FWPS_CLASSIFY_OUT_FLAG_ABSORB, FWPS_CLASSIFY_OUT0, FWPS_FILTER1,
    FWPS_INCOMING_METADATA_VALUES0, FWPS_INCOMING_VALUES0, FWPS_RIGHT_ACTION_WRITE,
};

use super::packet::PacketList;

/// `FWPS_CALLOUT_CLASSIFY_FN1`.
pub(crate) type ClassifyFn = unsafe extern "system" fn(
    *const FWPS_INCOMING_VALUES0,
    *const FWPS_INCOMING_METADATA_VALUES0,
    *mut c_void,
    *const c_void,
    *const FWPS_FILTER1,
    u64,
    *mut FWPS_CLASSIFY_OUT0,
);

/// The callout of row `ROW` of the table is asked. Up to DISPATCH_LEVEL.
pub(crate) unsafe extern "system" fn classify<const ROW: usize>(
    values: *const FWPS_INCOMING_VALUES0,
    metadata: *const FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    _: *const c_void,
    _: *const FWPS_FILTER1,
    _: u64,
    answer: *mut FWPS_CLASSIFY_OUT0,
) {
    // SAFETY: the platform passes its values, which nobody changes until this returns.
    let Some(values) = (unsafe { values.as_ref() }) else { return };
    // SAFETY: as above; the members that are read are those of Windows 7, which later versions only add to.
    let Some(metadata) = (unsafe { metadata.as_ref() }) else { return };
    // SAFETY: the answer is this callout's to write until this returns.
    let Some(answer) = (unsafe { answer.as_mut() }) else { return };
    crate::wfp::classify::asked(ROW, &Question { values, metadata, data }, &mut Answer(answer));
}

/// The values of a layer and of what happens at it.
pub(crate) struct Question<'a> {
    values: &'a FWPS_INCOMING_VALUES0,
    metadata: &'a FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
}

impl<'a> Question<'a> {
    /// The layer's number in this version of the system.
    pub(crate) const fn layer(&self) -> u16 {
        self.values.layerId
    }

    /// What is known beside the values of the layer.
    pub(crate) const fn metadata(&self) -> &'a FWPS_INCOMING_METADATA_VALUES0 {
        self.metadata
    }

    fn value(&self, field: usize) -> Option<FWP_VALUE0> {
        if field >= self.values.valueCount as usize || self.values.incomingValue.is_null() {
            return None;
        }
        let place = self.values.incomingValue.wrapping_add(field);
        // SAFETY: there are as many values as the structure says.
        Some(unsafe { place.read() }.value)
    }

    /// A number of up to 32 bits; `None` when the field is not one.
    pub(crate) fn number(&self, field: usize) -> Option<u32> {
        let value = self.value(field)?;
        match value.r#type {
            // SAFETY: the type says which member is there.
            FWP_UINT8 => Some(u32::from(unsafe { value.u.uint8 })),
            // SAFETY: as above.
            FWP_UINT16 => Some(u32::from(unsafe { value.u.uint16 })),
            // SAFETY: as above.
            FWP_UINT32 => Some(unsafe { value.u.uint32 }),
            _ => None,
        }
    }

    /// An address as a number, IPv4 as it is; `None` when the field is not one.
    pub(crate) fn address(&self, field: usize) -> Option<u128> {
        let value = self.value(field)?;
        if value.r#type != FWP_BYTE_ARRAY16_TYPE {
            return self.number(field).map(u128::from);
        }
        // SAFETY: the type says which member is there.
        let bytes = unsafe { value.u.byteArray16 };
        // SAFETY: the platform's array stays until the callout returns.
        let bytes = unsafe { bytes.as_ref() }?;
        Some(u128::from_be_bytes(bytes.byteArray16))
    }

    /// The packets, at a layer that has them.
    pub(crate) fn packets(&self) -> Option<PacketList<'a>> {
        let list = NonNull::new(self.data.cast::<NET_BUFFER_LIST>())?;
        // SAFETY: the callers are callouts of the packet layers, where the data are a list of packets.
        Some(unsafe { PacketList::new(list) })
    }
}

/// What is to be done with it.
pub(crate) struct Answer<'a>(&'a mut FWPS_CLASSIFY_OUT0);

/// What callouts before this one have left to decide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// Everything.
    No,
    /// Nothing: it goes on, but for a veto.
    Permitted,
    /// Nothing: it is gone.
    Blocked,
}

impl Answer<'_> {
    /// Whether this callout may decide.
    const fn may_decide(&self) -> bool {
        self.0.rights & FWPS_RIGHT_ACTION_WRITE != 0
    }

    /// What was decided for good before. The platform hands on the action so far, with the right to change it.
    pub(crate) const fn decided(&self) -> Decided {
        match self.0.actionType {
            _ if self.may_decide() => Decided::No,
            FWP_ACTION_PERMIT => Decided::Permitted,
            _ => Decided::Blocked,
        }
    }

    /// Others are asked.
    pub(crate) const fn go_on(&mut self) {
        if self.may_decide() {
            self.0.actionType = FWP_ACTION_CONTINUE;
        }
    }

    /// It is blocked, and nobody may decide otherwise.
    pub(crate) const fn block(&mut self) {
        if self.may_decide() {
            self.0.actionType = FWP_ACTION_BLOCK;
            self.0.rights &= !FWPS_RIGHT_ACTION_WRITE;
        }
    }

    /// It is taken: blocked, and neither answered nor counted as dropped.
    pub(crate) const fn take(&mut self) {
        if self.may_decide() {
            self.block();
            self.0.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
        }
    }
}
