//! What the double of `ndis.sys` asks for: both sit in one process, and the rules are kept here.

use divert_driver_abi::ndis::NET_BUFFER;
use divert_driver_abi::wdm::{HANDLE, NTSTATUS, STATUS_INSUFFICIENT_RESOURCES};
use divert_testbed_model::Rule;
use divert_testbed_model::chain::{self, Moved};

use crate::packet::descriptors;
use crate::raw;
use crate::world::WORLD;

/// A pool of lists; null when there is no memory.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn TestbedPoolCreate() -> HANDLE {
    let created = WORLD.with(|world| {
        world.pool.admit().then(|| {
            let handle = world.handle();
            world.pools.insert(handle);
            handle
        })
    });
    core::ptr::without_provenance_mut(created.unwrap_or(0) as usize)
}

/// The pool goes.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn TestbedPoolDestroy(pool: HANDLE) {
    let number = pool.addr() as u64;
    WORLD.with(|world| {
        world.known(number, |world| &world.pools);
        world.pools.remove(&number);
    });
}

/// Moves the data start of a packet: towards the end, or towards the beginning where `by` is negative.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn TestbedMove(at: *mut NET_BUFFER, by: i64) -> NTSTATUS {
    let Some(buffer) = raw::change(at) else { return STATUS_INSUFFICIENT_RESOURCES };
    let bytes = by.unsigned_abs() as u32;
    let (offset, length) = (buffer.DataOffset, buffer.DataLength.DataLength);
    let moved = if by < 0 {
        chain::retreat(offset, length, bytes)
    } else {
        chain::advance(offset, length, bytes)
    };
    let number = at.addr() as u64;
    let place = moved.and_then(|moved| {
        let place = chain::place(descriptors(buffer.MdlChain).map(|(_, mdl)| mdl.ByteCount), moved.offset)?;
        let (current, _) = descriptors(buffer.MdlChain).nth(place.part)?;
        Some((moved, place, current))
    });
    let Some((Moved { offset, length }, place, current)) = place else {
        WORLD.with(|world| world.findings.add(Rule::MovedTooFar, number, by));
        return STATUS_INSUFFICIENT_RESOURCES;
    };
    buffer.DataOffset = offset;
    buffer.DataLength.DataLength = length;
    buffer.CurrentMdl = current.cast_mut();
    buffer.CurrentMdlOffset = place.offset;
    WORLD.with(|world| {
        if let Some(moved) = world.moved.get_mut(&number) {
            *moved += by;
        }
    });
    0
}
