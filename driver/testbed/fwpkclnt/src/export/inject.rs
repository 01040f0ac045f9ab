//! `Fwps`: lists of the client's own, and their injection.

use alloc::boxed::Box;
use core::ptr::null_mut;

use divert_driver_abi::ndis::{NET_BUFFER, NET_BUFFER_DATA_LENGTH, NET_BUFFER_LIST};
use divert_driver_abi::wdm::{
    HANDLE, MDL, NTSTATUS, PVOID, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER,
};
use divert_driver_abi::wfp::*;
use divert_testbed_model::layer::Kind;
use divert_testbed_model::{chain, origin::Origins};

use super::export;
use crate::packet::descriptors;
use crate::stack::{self, Asked};
use crate::world::WORLD;
use crate::raw;

fn number<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

fn handle(number: u64) -> HANDLE {
    core::ptr::without_provenance_mut(number as usize)
}

/// One list with one packet in the client's memory.
fn allocate(pool: HANDLE, mdl: *mut MDL, offset: u32, length: usize) -> Result<*mut NET_BUFFER_LIST, NTSTATUS> {
    // A list is an allocation of the client's: it fails when one is to.
    WORLD.with(|world| {
        let known = pool.is_null() || world.known(number(pool), |world| &world.pools);
        match (known, world.pool.admit()) {
            (false, _) => Err(STATUS_INVALID_HANDLE),
            (true, false) => Err(STATUS_INSUFFICIENT_RESOURCES),
            (true, true) => Ok(()),
        }
    })?;
    let place = chain::place(descriptors(mdl).map(|(_, mdl)| mdl.ByteCount), offset);
    let place = place.ok_or(STATUS_INVALID_PARAMETER)?;
    let (current, _) = descriptors(mdl).nth(place.part).ok_or(STATUS_INVALID_PARAMETER)?;
    let mut buffer: Box<NET_BUFFER> = Box::new(raw::zeroed());
    buffer.MdlChain = mdl;
    buffer.CurrentMdl = current.cast_mut();
    buffer.CurrentMdlOffset = place.offset;
    buffer.DataOffset = offset;
    buffer.DataLength = NET_BUFFER_DATA_LENGTH { DataLength: length as u32, High: 0 };
    buffer.NdisPoolHandle = pool;
    let mut list: Box<NET_BUFFER_LIST> = Box::new(raw::zeroed());
    list.NdisPoolHandle = pool;
    list.FirstNetBuffer = Box::into_raw(buffer);
    let list = Box::into_raw(list);
    WORLD.with(|world| world.lists.allocate(number(list)));
    Ok(list)
}

fn free(list: *mut NET_BUFFER_LIST) {
    let may = WORLD.with(|world| {
        let outcome = world.lists.free(number(list));
        world.findings.check(outcome, number(list));
        outcome.is_ok()
    });
    if may {
        if let Some(list) = raw::see(list) {
            raw::free(list.FirstNetBuffer);
        }
        raw::free(list);
    }
}

fn query(origins: &Origins, handle: HANDLE, list: *const NET_BUFFER_LIST) -> (FWPS_PACKET_INJECTION_STATE, u64) {
    origins.query(number(handle), number(list))
}

export! {
    fn FwpsInjectionHandleCreate0(_family: u16, _kind: u32, created: *mut HANDLE) -> NTSTATUS {
        let created_handle = WORLD.with(|world| {
            world.may_wait();
            // It takes memory, which is the client's to do without.
            world.pool.admit().then(|| {
                let handle = world.handle();
                world.handles.insert(handle);
                handle
            })
        });
        match created_handle {
            Some(number) => {
                raw::put(created, handle(number));
                0
            }
            None => {
                raw::put(created, null_mut());
                STATUS_INSUFFICIENT_RESOURCES
            }
        }
    }

    fn FwpsInjectionHandleDestroy0(injection: HANDLE) -> NTSTATUS {
        let known = WORLD.with(|world| {
            world.may_wait();
            let known = world.known(number(injection), |world| &world.handles);
            world.handles.remove(&number(injection));
            known
        });
        // It waits for what was injected by it.
        stack::settle();
        if known { 0 } else { STATUS_INVALID_HANDLE }
    }

    fn FwpsAllocateNetBufferAndNetBufferList0(
        pool: HANDLE,
        _context_size: u16,
        _context_backfill: u16,
        mdl: *mut MDL,
        offset: u32,
        length: usize,
        list: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS {
        match allocate(pool, mdl, offset, length) {
            Ok(allocated) => {
                raw::put(list, allocated);
                0
            }
            Err(status) => {
                raw::put(list, null_mut());
                status
            }
        }
    }

    fn FwpsFreeNetBufferList0(list: *mut NET_BUFFER_LIST) {
        free(list);
    }

    fn FwpsQueryPacketInjectionState0(
        injection: HANDLE,
        list: *const NET_BUFFER_LIST,
        context: *mut HANDLE,
    ) -> FWPS_PACKET_INJECTION_STATE {
        let (state, own) = WORLD.with(|world| {
            world.known(number(injection), |world| &world.handles);
            query(&world.origins, injection, list)
        });
        raw::put(context, handle(own));
        state
    }

    fn FwpsInjectNetworkSendAsync0(
        injection: HANDLE,
        context: HANDLE,
        _flags: u32,
        _compartment: u32,
        list: *mut NET_BUFFER_LIST,
        complete: FWPS_INJECT_COMPLETE0,
        completion_context: PVOID,
    ) -> NTSTATUS {
        stack::inject(&Asked {
            handle: number(injection),
            context: number(context),
            kind: Kind::Outbound,
            interface: 0,
            sub_interface: 0,
            list,
            complete,
            completion_context,
        })
    }

    fn FwpsInjectNetworkReceiveAsync0(
        injection: HANDLE,
        context: HANDLE,
        _flags: u32,
        _compartment: u32,
        interface: u32,
        sub_interface: u32,
        list: *mut NET_BUFFER_LIST,
        complete: FWPS_INJECT_COMPLETE0,
        completion_context: PVOID,
    ) -> NTSTATUS {
        stack::inject(&Asked {
            handle: number(injection),
            context: number(context),
            kind: Kind::Inbound,
            interface,
            sub_interface,
            list,
            complete,
            completion_context,
        })
    }

    fn FwpsInjectForwardAsync0(
        injection: HANDLE,
        context: HANDLE,
        _flags: u32,
        _family: u16,
        _compartment: u32,
        interface: u32,
        list: *mut NET_BUFFER_LIST,
        complete: FWPS_INJECT_COMPLETE0,
        completion_context: PVOID,
    ) -> NTSTATUS {
        stack::inject(&Asked {
            handle: number(injection),
            context: number(context),
            kind: Kind::Forward,
            interface,
            sub_interface: 0,
            list,
            complete,
            completion_context,
        })
    }
}
