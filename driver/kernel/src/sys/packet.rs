//! Packets as a callout is given them: lists of network buffers.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};
use core::slice;

use divert_driver_abi::ndis::{
    NDIS_STATUS_SUCCESS, NET_BUFFER, NET_BUFFER_LIST, TcpIpChecksumNetBufferListInfo,
    TcpLargeSendNetBufferListInfo,
};

use super::ffi;

/// Where members lie: from a pointer to a structure to a pointer to one of its members.
pub(super) mod place {
    use core::mem::offset_of;
    use core::ptr::NonNull;

    use divert_driver_abi::ndis::{NDIS_STATUS, NET_BUFFER, NET_BUFFER_DATA_LENGTH, NET_BUFFER_LIST};

    macro_rules! members {
        ($($name:ident: $of:ident, $field:ident => $type:ty;)*) => {
            $(
                pub(in crate::sys) const fn $name(of: NonNull<$of>) -> *const $type {
                    of.as_ptr().cast::<u8>().wrapping_add(offset_of!($of, $field)).cast::<$type>().cast_const()
                }
            )*
        };
    }

    members! {
        next_list: NET_BUFFER_LIST, Next => *mut NET_BUFFER_LIST;
        first_packet: NET_BUFFER_LIST, FirstNetBuffer => *mut NET_BUFFER;
        status: NET_BUFFER_LIST, Status => NDIS_STATUS;
        info: NET_BUFFER_LIST, NetBufferListInfo => *mut ();
        next_packet: NET_BUFFER, Next => *mut NET_BUFFER;
        data_length: NET_BUFFER, DataLength => NET_BUFFER_DATA_LENGTH;
    }
}

/// A list that is the callout's to look at for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct PacketList<'a> {
    list: NonNull<NET_BUFFER_LIST>,
    life: PhantomData<&'a NET_BUFFER_LIST>,
}

impl<'a> PacketList<'a> {
    /// # Safety
    /// It is a list as a callout is given it, and stays for `'a`.
    pub(super) const unsafe fn new(list: NonNull<NET_BUFFER_LIST>) -> Self {
        Self { list, life: PhantomData }
    }

    pub(super) const fn as_ptr(self) -> *mut NET_BUFFER_LIST {
        self.list.as_ptr()
    }

    /// Whether another list is chained to it: a group of fragments, each of which was seen before.
    pub(crate) fn is_group(self) -> bool {
        // SAFETY: the list stays while the callout is asked.
        !unsafe { place::next_list(self.list).read() }.is_null()
    }

    fn info(self, entry: usize) -> usize {
        let table = place::info(self.list);
        // SAFETY: the entry is one of those that every version has, and the list stays while the callout is asked.
        unsafe { table.wrapping_add(entry).read() }.addr()
    }

    /// What hardware did about checksums, or is to do: bits of the direction's own.
    pub(crate) fn checksum_info(self) -> u32 {
        self.info(TcpIpChecksumNetBufferListInfo) as u32
    }

    /// Whether hardware is to cut it into segments.
    pub(crate) fn is_large_send(self) -> bool {
        self.info(TcpLargeSendNetBufferListInfo) != 0
    }

    /// Its packets, in order.
    pub(crate) fn packets(self) -> impl Iterator<Item = PacketRef<'a>> {
        // SAFETY: the list and its packets stay while the callout is asked.
        let mut next = unsafe { place::first_packet(self.list).read() };
        core::iter::from_fn(move || {
            let packet = NonNull::new(next)?;
            // SAFETY: as above.
            next = unsafe { place::next_packet(packet).read() };
            Some(PacketRef { packet, life: PhantomData })
        })
    }
}

/// One packet of a list.
pub(crate) struct PacketRef<'a> {
    packet: NonNull<NET_BUFFER>,
    life: PhantomData<&'a NET_BUFFER>,
}

impl PacketRef<'_> {
    /// Moves its start back by so many bytes, which the stack has advanced it by; `None` when that cannot be done.
    pub(crate) fn retreat(&mut self, by: u32) -> Option<Retreated<'_>> {
        if by != 0 {
            // SAFETY: the packet is the callout's while it is asked; room that is missing would be allocated by NDIS.
            let status =
                unsafe { ffi::NdisRetreatNetBufferDataStart(self.packet.as_ptr(), by, 0, null_mut()) };
            if status != NDIS_STATUS_SUCCESS {
                return None;
            }
        }
        Some(Retreated { packet: self.packet, by, life: PhantomData })
    }
}

/// A packet whose start was moved back; moved forward again when it is dropped.
pub(crate) struct Retreated<'a> {
    packet: NonNull<NET_BUFFER>,
    by: u32,
    life: PhantomData<&'a NET_BUFFER>,
}

impl Retreated<'_> {
    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the packet stays while the callout is asked.
        let length = unsafe { place::data_length(self.packet).read() };
        length.DataLength as usize
    }

    /// Its bytes in one piece: in place when they are so, else copied to `room`, which is to be as long as the packet.
    pub(crate) fn bytes<'b>(&'b self, room: &'b mut [u8]) -> Option<&'b [u8]> {
        let storage = if room.is_empty() { null_mut() } else { room.as_mut_ptr() };
        let length = self.len();
        if length == 0 || (!room.is_empty() && room.len() < length) {
            return None;
        }
        // SAFETY: the storage is null or has room for the whole packet; no alignment is asked for.
        let bytes = unsafe { ffi::NdisGetDataBuffer(self.packet.as_ptr(), length as u32, storage, 1, 0) };
        if bytes.is_null() {
            return None;
        }
        // SAFETY: so many bytes are there, in the packet or in the storage, and stay for as long as both are borrowed.
        Some(unsafe { slice::from_raw_parts(bytes, length) })
    }
}

impl Drop for Retreated<'_> {
    fn drop(&mut self) {
        if self.by != 0 {
            // SAFETY: it was moved back by as much; nothing was allocated for it that had to be freed otherwise.
            unsafe { ffi::NdisAdvanceNetBufferDataStart(self.packet.as_ptr(), self.by, 0, null_mut()) };
        }
    }
}
