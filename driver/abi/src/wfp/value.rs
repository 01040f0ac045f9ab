//! Values of fields and conditions.

use core::ffi::c_void;
use core::mem::size_of;

pub type FWP_DATA_TYPE = i32;
pub const FWP_EMPTY: FWP_DATA_TYPE = 0;
pub const FWP_UINT8: FWP_DATA_TYPE = 1;
pub const FWP_UINT16: FWP_DATA_TYPE = 2;
pub const FWP_UINT32: FWP_DATA_TYPE = 3;
pub const FWP_UINT64: FWP_DATA_TYPE = 4;
pub const FWP_BYTE_ARRAY16_TYPE: FWP_DATA_TYPE = 11;
pub const FWP_BYTE_BLOB_TYPE: FWP_DATA_TYPE = 12;
pub const FWP_SID: FWP_DATA_TYPE = 13;

pub type FWP_MATCH_TYPE = i32;
pub const FWP_MATCH_EQUAL: FWP_MATCH_TYPE = 0;
pub const FWP_MATCH_FLAGS_ALL_SET: FWP_MATCH_TYPE = 6;
pub const FWP_MATCH_FLAGS_ANY_SET: FWP_MATCH_TYPE = 7;
pub const FWP_MATCH_FLAGS_NONE_SET: FWP_MATCH_TYPE = 8;

pub type FWP_DIRECTION = i32;
pub const FWP_DIRECTION_OUTBOUND: FWP_DIRECTION = 0;
pub const FWP_DIRECTION_INBOUND: FWP_DIRECTION = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FWP_BYTE_ARRAY16 {
    pub byteArray16: [u8; 16],
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_BYTE_BLOB {
    pub size: u32,
    pub data: *mut u8,
}

/// A value and its type. IPv4 addresses and ports are in host order; IPv6 addresses are bytes in network order.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWP_VALUE0 {
    pub r#type: FWP_DATA_TYPE,
    pub u: FWP_VALUE0_0,
}

/// Values of 64 bits and more are behind a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWP_VALUE0_0 {
    pub uint8: u8,
    pub uint16: u16,
    pub uint32: u32,
    pub uint64: *mut u64,
    pub byteArray16: *mut FWP_BYTE_ARRAY16,
    pub byteBlob: *mut FWP_BYTE_BLOB,
    pub pointer: *mut c_void,
}

/// Like [`FWP_VALUE0`], with ranges and masks, which are not used here.
pub type FWP_CONDITION_VALUE0 = FWP_VALUE0;

/// Bits of the `FLAGS` fields.
pub const FWP_CONDITION_FLAG_IS_LOOPBACK: u32 = 0x1;
pub const FWP_CONDITION_FLAG_IS_IPSEC_SECURED: u32 = 0x2;
pub const FWP_CONDITION_FLAG_IS_REAUTHORIZE: u32 = 0x4;
pub const FWP_CONDITION_FLAG_IS_WILDCARD_BIND: u32 = 0x8;
pub const FWP_CONDITION_FLAG_IS_RAW_ENDPOINT: u32 = 0x10;
pub const FWP_CONDITION_FLAG_IS_FRAGMENT: u32 = 0x20;
pub const FWP_CONDITION_FLAG_IS_FRAGMENT_GROUP: u32 = 0x40;
pub const FWP_CONDITION_FLAG_IS_IMPLICIT_BIND: u32 = 0x200;
pub const FWP_CONDITION_FLAG_IS_REASSEMBLED: u32 = 0x400;
pub const FWP_CONDITION_FLAG_IS_RECLASSIFY: u32 = 0x2_0000;
pub const FWP_CONDITION_FLAG_IS_OUTBOUND_PASS_THRU: u32 = 0x4_0000;
pub const FWP_CONDITION_FLAG_IS_INBOUND_PASS_THRU: u32 = 0x8_0000;

const _: () = {
    assert!(size_of::<FWP_VALUE0>() == 16);
    assert!(size_of::<FWP_BYTE_BLOB>() == 16);
};
