//! Network buffers (NDIS 6), as they are on x86-64.
//!
//! Unions of the original are given by the one member that is used here. A driver never makes these structures itself:
//! NDIS and the filtering platform allocate them, and later versions have more entries in `NetBufferListInfo`.

use core::ffi::c_void;
use core::mem::{align_of, offset_of, size_of};

use crate::wdm::{HANDLE, MDL, NTSTATUS};

pub type NDIS_HANDLE = HANDLE;
pub type NDIS_STATUS = NTSTATUS;
pub const NDIS_STATUS_SUCCESS: NDIS_STATUS = 0;

/// One packet: `DataLength` bytes from `CurrentMdlOffset` of `CurrentMdl` on. `DataOffset` counts from the start of
/// `MdlChain` and says the same place.
#[repr(C, align(16))]
pub struct NET_BUFFER {
    pub Next: *mut NET_BUFFER,
    pub CurrentMdl: *mut MDL,
    pub CurrentMdlOffset: u32,
    /// Aligned as its union partner `stDataLength`, which has the width of a pointer.
    pub DataLength: NET_BUFFER_DATA_LENGTH,
    pub MdlChain: *mut MDL,
    pub DataOffset: u32,
    /// The union with a list header, aligned to 16 bytes, ends here.
    padding: u32,
    pub ChecksumBias: u16,
    Reserved: u16,
    pub NdisPoolHandle: NDIS_HANDLE,
    NdisReserved: [*mut c_void; 2],
    pub ProtocolReserved: [*mut c_void; 6],
    pub MiniportReserved: [*mut c_void; 4],
    pub DataPhysicalAddress: i64,
    pub SharedMemoryInfo: *mut c_void,
}

/// The length in the low half; the high half is zero.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NET_BUFFER_DATA_LENGTH {
    pub DataLength: u32,
    pub High: u32,
}

/// A list of packets of one flow that share what `NetBufferListInfo` says.
#[repr(C, align(16))]
pub struct NET_BUFFER_LIST {
    pub Next: *mut NET_BUFFER_LIST,
    pub FirstNetBuffer: *mut NET_BUFFER,
    pub Context: *mut c_void,
    pub ParentNetBufferList: *mut NET_BUFFER_LIST,
    pub NdisPoolHandle: NDIS_HANDLE,
    /// What the alignment of `NdisReserved` leaves.
    padding: *mut c_void,
    NdisReserved: [*mut c_void; 2],
    pub ProtocolReserved: [*mut c_void; 4],
    pub MiniportReserved: [*mut c_void; 2],
    pub Scratch: *mut c_void,
    pub SourceHandle: NDIS_HANDLE,
    pub NblFlags: u32,
    pub ChildRefCount: i32,
    pub Flags: u32,
    pub Status: NDIS_STATUS,
    pub NetBufferListInfo: [*mut c_void; 29],
}

/// Entries of `NetBufferListInfo`.
pub const TcpIpChecksumNetBufferListInfo: usize = 0;
pub const IPsecOffloadV1NetBufferListInfo: usize = 1;
pub const TcpLargeSendNetBufferListInfo: usize = 2;
pub const WfpNetBufferListInfo: usize = 10;

/// `NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO` of what is sent: which version it is, and what is left to be computed
/// further down.
pub const NDIS_CHECKSUM_TRANSMIT_IS_IPV4: u32 = 1;
pub const NDIS_CHECKSUM_TRANSMIT_IS_IPV6: u32 = 1 << 1;
pub const NDIS_CHECKSUM_TRANSMIT_TCP: u32 = 1 << 2;
pub const NDIS_CHECKSUM_TRANSMIT_UDP: u32 = 1 << 3;
pub const NDIS_CHECKSUM_TRANSMIT_IP_HEADER: u32 = 1 << 4;
/// Where the TCP header is, in ten bits from here on.
pub const NDIS_CHECKSUM_TRANSMIT_TCP_HEADER_OFFSET_SHIFT: u32 = 16;

/// The same entry of what is received: what was found to be wrong or right already.
pub const NDIS_CHECKSUM_RECEIVE_TCP_FAILED: u32 = 1;
pub const NDIS_CHECKSUM_RECEIVE_UDP_FAILED: u32 = 1 << 1;
pub const NDIS_CHECKSUM_RECEIVE_IP_FAILED: u32 = 1 << 2;
pub const NDIS_CHECKSUM_RECEIVE_TCP_SUCCEEDED: u32 = 1 << 3;
pub const NDIS_CHECKSUM_RECEIVE_UDP_SUCCEEDED: u32 = 1 << 4;
pub const NDIS_CHECKSUM_RECEIVE_IP_SUCCEEDED: u32 = 1 << 5;
pub const NDIS_CHECKSUM_RECEIVE_LOOPBACK: u32 = 1 << 6;
/// The field in the header is not the checksum of the data (coalesced segments).
pub const NDIS_CHECKSUM_RECEIVE_TCP_VALUE_INVALID: u32 = 1 << 7;
pub const NDIS_CHECKSUM_RECEIVE_IP_VALUE_INVALID: u32 = 1 << 8;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_OBJECT_HEADER {
    pub Type: u8,
    pub Revision: u8,
    pub Size: u16,
}

pub const NDIS_OBJECT_TYPE_DEFAULT: u8 = 0x80;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_LIST_POOL_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub ProtocolId: u8,
    pub fAllocateNetBuffer: u8,
    pub ContextSize: u16,
    pub PoolTag: u32,
    pub DataSize: u32,
}

pub const NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1: u8 = 1;
pub const NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1: u16 = 16;

const _: () = {
    assert!(offset_of!(NET_BUFFER, CurrentMdl) == 0x08);
    assert!(offset_of!(NET_BUFFER, CurrentMdlOffset) == 0x10);
    assert!(offset_of!(NET_BUFFER, DataLength) == 0x18);
    assert!(offset_of!(NET_BUFFER, MdlChain) == 0x20);
    assert!(offset_of!(NET_BUFFER, DataOffset) == 0x28);
    assert!(offset_of!(NET_BUFFER, ChecksumBias) == 0x30);
    assert!(offset_of!(NET_BUFFER, NdisPoolHandle) == 0x38);
    assert!(offset_of!(NET_BUFFER, NdisReserved) == 0x40);
    assert!(offset_of!(NET_BUFFER, ProtocolReserved) == 0x50);
    assert!(offset_of!(NET_BUFFER, MiniportReserved) == 0x80);
    assert!(offset_of!(NET_BUFFER, DataPhysicalAddress) == 0xA0);
    assert!(size_of::<NET_BUFFER>() == 0xB0);
    assert!(size_of::<NET_BUFFER_LIST_POOL_PARAMETERS>() == 16);
    assert!(align_of::<NET_BUFFER_LIST>() == 16 && align_of::<NET_BUFFER>() == 16);
    assert!(offset_of!(NET_BUFFER_LIST, FirstNetBuffer) == 0x08);
    assert!(offset_of!(NET_BUFFER_LIST, Context) == 0x10);
    assert!(offset_of!(NET_BUFFER_LIST, ParentNetBufferList) == 0x18);
    assert!(offset_of!(NET_BUFFER_LIST, NdisPoolHandle) == 0x20);
    assert!(offset_of!(NET_BUFFER_LIST, NdisReserved) == 0x30);
    assert!(offset_of!(NET_BUFFER_LIST, ProtocolReserved) == 0x40);
    assert!(offset_of!(NET_BUFFER_LIST, MiniportReserved) == 0x60);
    assert!(offset_of!(NET_BUFFER_LIST, Scratch) == 0x70);
    assert!(offset_of!(NET_BUFFER_LIST, SourceHandle) == 0x78);
    assert!(offset_of!(NET_BUFFER_LIST, NblFlags) == 0x80);
    assert!(offset_of!(NET_BUFFER_LIST, ChildRefCount) == 0x84);
    assert!(offset_of!(NET_BUFFER_LIST, Flags) == 0x88);
    assert!(offset_of!(NET_BUFFER_LIST, Status) == 0x8C);
    assert!(offset_of!(NET_BUFFER_LIST, NetBufferListInfo) == 0x90);
    assert!(size_of::<NET_BUFFER_LIST>() == 0x180);
};
