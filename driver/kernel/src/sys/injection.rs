//! Packets of the driver's own, and putting them into the stack.

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use divert_driver_abi::ndis::{
    NDIS_OBJECT_HEADER, NDIS_OBJECT_TYPE_DEFAULT, NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
    NET_BUFFER_LIST, NET_BUFFER_LIST_POOL_PARAMETERS, NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
};
use divert_driver_abi::wdm::{BOOLEAN, HANDLE, MDL, NT_SUCCESS, NTSTATUS, STATUS_INSUFFICIENT_RESOURCES};
use divert_driver_abi::wfp::{
    FWPS_INJECTION_TYPE_FORWARD, FWPS_INJECTION_TYPE_NETWORK, FWPS_PACKET_INJECTED_BY_OTHER,
    FWPS_PACKET_INJECTED_BY_SELF, FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF, UNSPECIFIED_COMPARTMENT_ID,
};

use super::packet::{PacketList, place};
use super::{ffi, pool};

/// The pool that lists for injected packets come from; freed when it is dropped.
pub(crate) struct ListPool(NonNull<c_void>);

// SAFETY: NDIS serialises what is asked of a pool.
unsafe impl Send for ListPool {}
// SAFETY: as above.
unsafe impl Sync for ListPool {}

impl ListPool {
    /// PASSIVE_LEVEL. `None` when there is no memory.
    pub(crate) fn new() -> Option<Self> {
        let parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
                Size: NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            },
            ProtocolId: 0,
            // One packet in each list, with data that is not the pool's.
            fAllocateNetBuffer: 1,
            ContextSize: 0,
            PoolTag: u32::from_le_bytes(*b"Dvt2"),
            DataSize: 0,
        };
        // SAFETY: the parameters are whole; callers that are no network driver pass no handle.
        NonNull::new(unsafe { ffi::NdisAllocateNetBufferListPool(null_mut(), &raw const parameters) })
            .map(Self)
    }
}

impl Drop for ListPool {
    fn drop(&mut self) {
        // SAFETY: every list that came from it has been freed: the driver is unloaded after the last injection.
        unsafe { ffi::NdisFreeNetBufferListPool(self.0.as_ptr()) };
    }
}

/// Where packets are injected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The way in, as if received by this interface and sub-interface.
    Receive(u32, u32),
    /// The way out.
    Send,
    /// The way through, to this interface.
    Forward(u32),
}

/// The right to inject packets of one kind and version; given back when it is dropped.
pub(crate) struct InjectionHandle {
    handle: HANDLE,
    family: u16,
}

// SAFETY: the platform serialises what is asked of a handle.
unsafe impl Send for InjectionHandle {}
// SAFETY: as above.
unsafe impl Sync for InjectionHandle {}

/// Where a packet comes from, as far as the platform knows; with the context that it was injected with.
pub(crate) enum Injected {
    /// Not by anybody.
    No,
    /// With this handle.
    Here(u64),
    /// By somebody else, or with another handle.
    Elsewhere,
}

impl InjectionHandle {
    /// For NETWORK or for NETWORK_FORWARD, and the packets of one address family. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the platform.
    pub(crate) fn new(forward: bool, family: u16) -> Result<Self, NTSTATUS> {
        let kind = if forward { FWPS_INJECTION_TYPE_FORWARD } else { FWPS_INJECTION_TYPE_NETWORK };
        let mut handle = null_mut();
        // SAFETY: there is a place for the handle.
        let status = unsafe { ffi::FwpsInjectionHandleCreate0(family, kind, &raw mut handle) };
        if NT_SUCCESS(status) { Ok(Self { handle, family }) } else { Err(status) }
    }

    /// Whether a packet was injected, and by whom. Up to DISPATCH_LEVEL.
    pub(crate) fn state(&self, list: PacketList<'_>) -> Injected {
        let mut context = null_mut();
        // SAFETY: the list is the one that a callout is asked about.
        let state =
            unsafe { ffi::FwpsQueryPacketInjectionState0(self.handle, list.as_ptr(), &raw mut context) };
        match state {
            FWPS_PACKET_INJECTED_BY_SELF | FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF => {
                Injected::Here(context.addr() as u64)
            }
            FWPS_PACKET_INJECTED_BY_OTHER => Injected::Elsewhere,
            _ => Injected::No,
        }
    }

    /// Puts a packet into the stack; `then` hears of its end. Up to DISPATCH_LEVEL. `context` comes back when the packet
    /// is seen again.
    ///
    /// # Errors
    /// The packet and what belongs to it, when the platform does not take it.
    pub(crate) fn inject<T: Then>(
        &self,
        packet: OwnPacket,
        then: T,
        place: Place,
        context: u64,
    ) -> Result<(), (Vec<u8>, T)> {
        let list = packet.list.as_ptr();
        let flight = pool::try_box(Flight { packet, then })
            .map_err(|Flight { packet, then }| (packet.into_bytes(), then))?;
        let flight = Box::into_raw(flight);
        let context = core::ptr::without_provenance_mut(context as usize);
        let done =
            Some(injected::<T> as unsafe extern "system" fn(*mut c_void, *mut NET_BUFFER_LIST, BOOLEAN));
        let status = match place {
            // SAFETY: the list and its data are there until `injected` frees them, which gets them back by `flight`.
            Place::Receive(interface, sub_interface) => unsafe {
                ffi::FwpsInjectNetworkReceiveAsync0(
                    self.handle,
                    context,
                    0,
                    UNSPECIFIED_COMPARTMENT_ID,
                    interface,
                    sub_interface,
                    list,
                    done,
                    flight.cast(),
                )
            },
            // SAFETY: as above.
            Place::Send => unsafe {
                ffi::FwpsInjectNetworkSendAsync0(
                    self.handle,
                    context,
                    0,
                    UNSPECIFIED_COMPARTMENT_ID,
                    list,
                    done,
                    flight.cast(),
                )
            },
            // SAFETY: as above.
            Place::Forward(interface) => unsafe {
                ffi::FwpsInjectForwardAsync0(
                    self.handle,
                    context,
                    0,
                    self.family,
                    UNSPECIFIED_COMPARTMENT_ID,
                    interface,
                    list,
                    done,
                    flight.cast(),
                )
            },
        };
        if NT_SUCCESS(status) {
            return Ok(());
        }
        // SAFETY: the platform did not take it, and will not call `injected`: the box is still this call's.
        let Flight { packet, then } = *unsafe { Box::from_raw(flight) };
        Err((packet.into_bytes(), then))
    }
}

impl Drop for InjectionHandle {
    fn drop(&mut self) {
        // SAFETY: nothing is in flight any more: the driver is unloaded after the last injection.
        unsafe { ffi::FwpsInjectionHandleDestroy0(self.handle) };
    }
}

/// What happens when the stack is done with a packet.
pub(crate) trait Then {
    /// It is done, well or not. Up to DISPATCH_LEVEL.
    fn then(self, well: bool);
}

/// What is in the stack's hands.
struct Flight<T> {
    packet: OwnPacket,
    then: T,
}

/// The stack is done with a packet. Up to DISPATCH_LEVEL.
unsafe extern "system" fn injected<T: Then>(context: *mut c_void, list: *mut NET_BUFFER_LIST, _: BOOLEAN) {
    let Some(list) = NonNull::new(list) else { return };
    // SAFETY: the platform gives the list back that it took, with its status.
    let status = unsafe { place::status(list).read() };
    // SAFETY: it is called once for each injection that it took, with the box that was let go of then.
    let Flight { packet, then } = *unsafe { Box::from_raw(context.cast::<Flight<T>>()) };
    drop(packet);
    then.then(NT_SUCCESS(status));
}

/// A packet of the driver's own: a list of one packet over bytes of the driver's.
pub(crate) struct OwnPacket {
    list: List,
    // After the list that refers to it, and before the bytes that it describes.
    mdl: Mdl,
    bytes: Vec<u8>,
}

impl OwnPacket {
    /// Makes a list for a packet that begins with its IP header. Up to DISPATCH_LEVEL.
    ///
    /// # Errors
    /// The bytes, when there is no memory.
    pub(crate) fn new(pool: &ListPool, mut bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        let Some(mdl) = Mdl::new(&mut bytes) else { return Err(bytes) };
        let mut list = null_mut();
        // SAFETY: the descriptor covers as many bytes as are asked for, and stays as long as the list.
        let status = unsafe {
            ffi::FwpsAllocateNetBufferAndNetBufferList0(
                pool.0.as_ptr(),
                0,
                0,
                mdl.0.as_ptr(),
                0,
                bytes.len(),
                &raw mut list,
            )
        };
        match NonNull::new(list) {
            Some(list) if NT_SUCCESS(status) => Ok(Self { list: List(list), mdl, bytes }),
            _ => Err(bytes),
        }
    }

    /// The bytes back; list and descriptor are freed.
    fn into_bytes(self) -> Vec<u8> {
        let Self { list, mdl, bytes } = self;
        drop(list);
        drop(mdl);
        bytes
    }
}

struct List(NonNull<NET_BUFFER_LIST>);

impl List {
    const fn as_ptr(&self) -> *mut NET_BUFFER_LIST {
        self.0.as_ptr()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the platform allocated it for this owner, and nobody else has it.
        unsafe { ffi::FwpsFreeNetBufferList0(self.0.as_ptr()) };
    }
}

/// A descriptor of bytes in the pool.
struct Mdl(NonNull<MDL>);

impl Mdl {
    /// Of all of `bytes`, which have to stay where they are for as long as it is used.
    fn new(bytes: &mut [u8]) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length != 0)?;
        // SAFETY: the range is in the pool; it is neither charged to anybody nor tied to a request.
        let mdl = unsafe { ffi::IoAllocateMdl(bytes.as_mut_ptr().cast(), length, 0, 0, null_mut()) };
        let mdl = NonNull::new(mdl)?;
        // SAFETY: the range is in non-paged pool: all of the driver's allocations are.
        unsafe { ffi::MmBuildMdlForNonPagedPool(mdl.as_ptr()) };
        Some(Self(mdl))
    }
}

impl Drop for Mdl {
    fn drop(&mut self) {
        // SAFETY: it was allocated by `new`, and the list that used it is gone.
        unsafe { ffi::IoFreeMdl(self.0.as_ptr()) };
    }
}

/// What a failure to make a handle is told as when there is no status.
pub(crate) const NO_MEMORY: NTSTATUS = STATUS_INSUFFICIENT_RESOURCES;
