//! What a callout is told beside the fixed values.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

use super::value::{FWP_BYTE_BLOB, FWP_DIRECTION};
use crate::wdm::HANDLE;

/// Which members of [`FWPS_INCOMING_METADATA_VALUES0`] hold something.
pub const FWPS_METADATA_FIELD_DISCARD_REASON: u32 = 1;
pub const FWPS_METADATA_FIELD_FLOW_HANDLE: u32 = 1 << 1;
pub const FWPS_METADATA_FIELD_IP_HEADER_SIZE: u32 = 1 << 2;
pub const FWPS_METADATA_FIELD_PROCESS_PATH: u32 = 1 << 3;
pub const FWPS_METADATA_FIELD_TOKEN: u32 = 1 << 4;
pub const FWPS_METADATA_FIELD_PROCESS_ID: u32 = 1 << 5;
pub const FWPS_METADATA_FIELD_SYSTEM_FLAGS: u32 = 1 << 6;
pub const FWPS_METADATA_FIELD_RESERVED: u32 = 1 << 7;
pub const FWPS_METADATA_FIELD_SOURCE_INTERFACE_INDEX: u32 = 1 << 8;
pub const FWPS_METADATA_FIELD_DESTINATION_INTERFACE_INDEX: u32 = 1 << 9;
pub const FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE: u32 = 1 << 10;
pub const FWPS_METADATA_FIELD_COMPARTMENT_ID: u32 = 1 << 11;
pub const FWPS_METADATA_FIELD_FRAGMENT_DATA: u32 = 1 << 12;
pub const FWPS_METADATA_FIELD_PATH_MTU: u32 = 1 << 13;
pub const FWPS_METADATA_FIELD_COMPLETION_HANDLE: u32 = 1 << 14;
pub const FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE: u32 = 1 << 15;
pub const FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA: u32 = 1 << 16;
pub const FWPS_METADATA_FIELD_REMOTE_SCOPE_ID: u32 = 1 << 17;
pub const FWPS_METADATA_FIELD_PACKET_DIRECTION: u32 = 1 << 18;
pub const FWPS_METADATA_FIELD_PACKET_SYSTEM_CRITICAL: u32 = 1 << 19;
pub const FWPS_METADATA_FIELD_FORWARD_LAYER_OUTBOUND_PASS_THRU: u32 = 1 << 20;
pub const FWPS_METADATA_FIELD_FORWARD_LAYER_INBOUND_PASS_THRU: u32 = 1 << 21;
pub const FWPS_METADATA_FIELD_ALE_CLASSIFY_REQUIRED: u32 = 1 << 22;
pub const FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER: u32 = 1 << 23;
pub const FWPS_METADATA_FIELD_DESTINATION_PREFIX: u32 = 1 << 24;
pub const FWPS_METADATA_FIELD_ETHER_FRAME_LENGTH: u32 = 1 << 25;
pub const FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE: u32 = 1 << 26;
pub const FWPS_METADATA_FIELD_ICMP_ID_AND_SEQUENCE: u32 = 1 << 27;
pub const FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID: u32 = 1 << 28;
pub const FWPS_METADATA_FIELD_ORIGINAL_DESTINATION: u32 = 1 << 29;
pub const FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE: u32 = 1 << 30;
pub const FWPS_METADATA_FIELD_SUB_PROCESS_TAG: u32 = 1 << 31;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_DISCARD_METADATA0 {
    pub discardModule: i32,
    pub discardReason: u32,
    pub filterId: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_INBOUND_FRAGMENT_METADATA0 {
    pub fragmentIdentification: u32,
    pub fragmentOffset: u16,
    pub fragmentLength: u32,
}

/// An address of either version (28 bytes) and the number of its leading bits that count.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IP_ADDRESS_PREFIX {
    pub Prefix: [u32; 7],
    pub PrefixLength: u8,
}

/// As of Windows 7; later versions have more members behind these. The engine makes it, callouts read it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPS_INCOMING_METADATA_VALUES0 {
    /// `FWPS_METADATA_FIELD_` bits.
    pub currentMetadataValues: u32,
    pub flags: u32,
    reserved: u64,
    pub discardMetadata: FWPS_DISCARD_METADATA0,
    pub flowHandle: u64,
    pub ipHeaderSize: u32,
    pub transportHeaderSize: u32,
    pub processPath: *mut FWP_BYTE_BLOB,
    pub token: u64,
    pub processId: u64,
    pub sourceInterfaceIndex: u32,
    pub destinationInterfaceIndex: u32,
    pub compartmentId: u32,
    pub fragmentMetadata: FWPS_INBOUND_FRAGMENT_METADATA0,
    pub pathMtu: u32,
    pub completionHandle: HANDLE,
    pub transportEndpointHandle: u64,
    pub remoteScopeId: u32,
    pub controlData: *mut c_void,
    pub controlDataLength: u32,
    pub packetDirection: FWP_DIRECTION,
    pub headerIncludeHeader: *mut c_void,
    pub headerIncludeHeaderLength: u32,
    pub destinationPrefix: IP_ADDRESS_PREFIX,
    pub frameLength: u16,
    pub parentEndpointHandle: u64,
    pub icmpIdAndSequence: u32,
    pub localRedirectTargetPID: u32,
    pub originalDestination: *mut c_void,
}

impl FWPS_INCOMING_METADATA_VALUES0 {
    /// Nothing said.
    pub const EMPTY: Self = Self {
        currentMetadataValues: 0,
        flags: 0,
        reserved: 0,
        discardMetadata: FWPS_DISCARD_METADATA0 { discardModule: 0, discardReason: 0, filterId: 0 },
        flowHandle: 0,
        ipHeaderSize: 0,
        transportHeaderSize: 0,
        processPath: core::ptr::null_mut(),
        token: 0,
        processId: 0,
        sourceInterfaceIndex: 0,
        destinationInterfaceIndex: 0,
        compartmentId: 0,
        fragmentMetadata: FWPS_INBOUND_FRAGMENT_METADATA0 {
            fragmentIdentification: 0,
            fragmentOffset: 0,
            fragmentLength: 0,
        },
        pathMtu: 0,
        completionHandle: core::ptr::null_mut(),
        transportEndpointHandle: 0,
        remoteScopeId: 0,
        controlData: core::ptr::null_mut(),
        controlDataLength: 0,
        packetDirection: 0,
        headerIncludeHeader: core::ptr::null_mut(),
        headerIncludeHeaderLength: 0,
        destinationPrefix: IP_ADDRESS_PREFIX { Prefix: [0; 7], PrefixLength: 0 },
        frameLength: 0,
        parentEndpointHandle: 0,
        icmpIdAndSequence: 0,
        localRedirectTargetPID: 0,
        originalDestination: core::ptr::null_mut(),
    };

    /// `FWPS_IS_METADATA_FIELD_PRESENT`.
    #[must_use]
    pub const fn has(&self, field: u32) -> bool {
        self.currentMetadataValues & field != 0
    }
}

const _: () = {
    assert!(size_of::<FWPS_DISCARD_METADATA0>() == 16);
    assert!(size_of::<FWPS_INBOUND_FRAGMENT_METADATA0>() == 12);
    assert!(size_of::<IP_ADDRESS_PREFIX>() == 32);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, discardMetadata) == 0x10);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, flowHandle) == 0x20);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, ipHeaderSize) == 0x28);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, processPath) == 0x30);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, processId) == 0x40);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, sourceInterfaceIndex) == 0x48);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, compartmentId) == 0x50);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, fragmentMetadata) == 0x54);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, pathMtu) == 0x60);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, completionHandle) == 0x68);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, transportEndpointHandle) == 0x70);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, controlData) == 0x80);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, packetDirection) == 0x8C);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, headerIncludeHeader) == 0x90);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, destinationPrefix) == 0x9C);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, frameLength) == 0xBC);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, parentEndpointHandle) == 0xC0);
    assert!(offset_of!(FWPS_INCOMING_METADATA_VALUES0, originalDestination) == 0xD0);
};
