//! Flows: what is kept of each, so that its end can be told of. Up to DISPATCH_LEVEL.
//!
//! A flow carries a key to a table of the driver's own and no pointer: whatever comes back finds its entry or nothing.

use alloc::vec::Vec;

use divert_driver_abi::wfp::{
    FWP_CONDITION_FLAG_IS_LOOPBACK, FWP_DIRECTION_OUTBOUND, FWPS_FIELDS_ALE_FLOW_ESTABLISHED as fields,
    FWPS_METADATA_FIELD_FLOW_HANDLE,
};
use divert_driver_core::memory::try_push;
use divert_driver_core::{Born, WfpLayer};
use divert_vm::Endpoint;

use super::callouts::CalloutIds;
use super::endpoint;
use crate::platform::{DRIVER, Runtime};
use crate::sys::call::Question;
use crate::sys::lock::SpinLock;
use crate::sys::register::{associate, dissociate};

/// What is told when a flow ends.
#[derive(Clone, Copy)]
struct Flow {
    endpoint: Endpoint,
    outbound: bool,
    loopback: bool,
    born: Born,
    /// How the platform knows it.
    handle: u64,
    layer: u16,
    row: usize,
}

/// An entry of the table.
enum Entry {
    Taken(Flow),
    /// The next free one, if any.
    Free(Option<u32>),
}

/// An entry and how often it was used, so that an old key finds nothing.
struct Slot {
    entry: Entry,
    generation: u32,
}

/// Entries in pieces of this many: growing moves no entry.
const PIECE: usize = 256;

struct Table {
    pieces: Vec<Vec<Slot>>,
    free: Option<u32>,
}

/// All flows that are told of when they end.
pub(crate) struct Flows(SpinLock<Table>);

fn key(number: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(number)
}

impl Table {
    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        let number = number as usize;
        self.pieces.get_mut(number / PIECE)?.get_mut(number % PIECE)
    }

    /// Enters a flow where there is room.
    fn enter(&mut self, flow: Flow) -> Option<u64> {
        let number = self.free?;
        let slot = self.slot(number)?;
        let Entry::Free(next) = slot.entry else { return None };
        slot.entry = Entry::Taken(flow);
        let key = key(number, slot.generation);
        self.free = next;
        Some(key)
    }

    fn remove(&mut self, key: u64) -> Option<Flow> {
        let number = key as u32;
        let free = self.free;
        let slot = self.slot(number)?;
        if u64::from(slot.generation) != key >> 32 {
            return None;
        }
        let Entry::Taken(flow) = slot.entry else { return None };
        slot.entry = Entry::Free(free);
        slot.generation = slot.generation.wrapping_add(1);
        self.free = Some(number);
        Some(flow)
    }

    /// Adds a piece, which is dropped when there is no room to note it.
    fn grow(&mut self, piece: Vec<Slot>) -> bool {
        let first = self.pieces.len().saturating_mul(PIECE);
        let Ok(first) = u32::try_from(first) else { return false };
        if try_push(&mut self.pieces, piece).is_err() {
            return false;
        }
        for number in (first..).take(PIECE) {
            let free = self.free;
            if let Some(slot) = self.slot(number) {
                slot.entry = Entry::Free(free);
                self.free = Some(number);
            }
        }
        true
    }
}

/// A piece of free entries, or nothing when there is no memory.
fn piece() -> Option<Vec<Slot>> {
    let mut piece = Vec::new();
    piece.try_reserve_exact(PIECE).ok()?;
    for _ in 0..PIECE {
        // Keys are not zero: the platform has no context then.
        try_push(&mut piece, Slot { entry: Entry::Free(None), generation: 1 }).ok()?;
    }
    Some(piece)
}

impl Flows {
    /// None.
    pub(crate) const fn new() -> Self {
        Self(SpinLock::new(Table { pieces: Vec::new(), free: None }))
    }

    fn enter(&self, flow: Flow) -> Option<u64> {
        if let Some(key) = self.0.write(|table| table.enter(flow)) {
            return Some(key);
        }
        let piece = piece()?;
        self.0.write(|table| {
            table.grow(piece);
            table.enter(flow)
        })
    }

    fn remove(&self, key: u64) -> Option<Flow> {
        self.0.write(|table| table.remove(key))
    }

    /// Takes back what flows carry; the platform tells of each as if it had ended. For unloading, when no flow can come
    /// any more.
    pub(crate) fn forget_all(&self, callouts: &CalloutIds) {
        let mut number = 0;
        loop {
            let found = self.0.read(|table| {
                let slot = table.pieces.get(number / PIECE)?.get(number % PIECE)?;
                Some(match &slot.entry {
                    Entry::Taken(flow) => Some((flow.handle, flow.layer, flow.row)),
                    Entry::Free(_) => None,
                })
            });
            match found {
                None => return,
                Some(Some((flow, layer, row))) => dissociate(flow, layer, callouts.of(row)),
                Some(None) => {}
            }
            number = number.saturating_add(1);
        }
    }
}

/// A flow is established.
pub(super) fn established(driver: &Runtime, row: usize, ipv6: bool, question: &Question<'_>) {
    let Some((endpoint, flags)) = endpoint::describe(WfpLayer::AleFlowEstablished, ipv6, question) else {
        return;
    };
    let outbound = question.number(fields::DIRECTION) == Some(FWP_DIRECTION_OUTBOUND.cast_unsigned());
    let loopback = flags & FWP_CONDITION_FLAG_IS_LOOPBACK != 0;
    let born = driver.flow_established(&endpoint, outbound, loopback);
    let metadata = question.metadata();
    if !metadata.has(FWPS_METADATA_FIELD_FLOW_HANDLE) {
        return;
    }
    let (handle, layer) = (metadata.flowHandle, question.layer());
    let platform = driver.platform();
    // Without memory, or when the platform refuses, the end of the flow is not told.
    let flow = Flow { endpoint, outbound, loopback, born, handle, layer, row };
    if let Some(key) = platform.flows.enter(flow)
        && associate(handle, layer, platform.callouts.of(row), key).is_err()
    {
        platform.flows.remove(key);
    }
}

/// A flow has ended.
pub(crate) fn deleted(key: u64) {
    let Some(driver) = DRIVER.get() else { return };
    if let Some(Flow { endpoint, outbound, loopback, born, .. }) = driver.platform().flows.remove(key) {
        driver.flow_deleted(&endpoint, outbound, loopback, born);
    }
}
