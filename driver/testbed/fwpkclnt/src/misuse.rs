//! A bad client: it breaks each rule once, through the very functions that a client calls, so that it is seen that the
//! breach is found.

use alloc::boxed::Box;
use alloc::vec;
use core::ffi::c_void;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use divert_driver_abi::ndis::NET_BUFFER_LIST;
use divert_driver_abi::wdm::{BOOLEAN, GUID, HANDLE, KSPIN_LOCK, MDL};
use divert_driver_abi::wfp::*;
use divert_testbed_control::{Completion, Hands, Packet};
use divert_testbed_model::Rule;
use divert_testbed_model::layer::Kind;

use crate::export::callout::{
    FwpsCalloutRegister1, FwpsCalloutUnregisterById0, FwpsFlowAssociateContext0, FwpsFlowRemoveContext0,
};
use crate::export::engine::*;
use crate::export::inject::{
    FwpsAllocateNetBufferAndNetBufferList0, FwpsFreeNetBufferList0, FwpsInjectNetworkSendAsync0,
    FwpsInjectionHandleCreate0, FwpsInjectionHandleDestroy0,
};
use crate::export::ndis::TestbedMove;
use crate::packet::descriptor;
use crate::world::WORLD;
use crate::{raw, stack, watch};

/// Provider, sublayer, callout and filter of the bad client.
const KEY: GUID = GUID::from_u128(0x0BAD_0BAD_0000_4000_8000_0000_0000_0001);
/// Which rule the bad callout breaks; 0: none.
static BAD: AtomicU8 = AtomicU8::new(0);
/// A spin lock.
static LOCK: AtomicUsize = AtomicUsize::new(0);

fn lock() -> *mut KSPIN_LOCK {
    LOCK.as_ptr()
}

/// Calls a function that the client would call.
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: an export of this crate, called as documented but for the one thing that is to be found, which the
        // callee survives; what is pointed to outlives the call.
        unsafe { $name($($argument),*) }
    };
}

/// Breaks a rule; false when it did not get that far.
pub(crate) fn commit(rule: Rule) -> bool {
    match rule {
        Rule::ListFreedTwice
        | Rule::ListFreedInStack
        | Rule::ListUnknown
        | Rule::ListLeaked
        | Rule::ListInjectedTwice
        | Rule::ListMalformed => list(rule),
        Rule::Unbalanced
        | Rule::MovedTooFar
        | Rule::PacketChanged
        | Rule::ActionWithoutRight
        | Rule::UnknownAction
        | Rule::WaitsAtDispatch
        | Rule::LockKept => classified(rule),
        Rule::UnregisteredInUse => {
            let Some(callout) = Callout::new() else { return false };
            // As if another thread were in it.
            let called = crate::present::begin(callout.id).is_some();
            let status = call!(FwpsCalloutUnregisterById0(callout.id));
            crate::present::end(callout.id);
            called && status == 0
        }
        Rule::UsedAfterRelease => call!(FwpmEngineClose0(core::ptr::without_provenance_mut(0x10))) < 0,
        Rule::ObjectLeft => {
            let mut handle: HANDLE = null_mut();
            call!(FwpsInjectionHandleCreate0(0, 0, &raw mut handle)) == 0
        }
        Rule::Transaction => {
            let mut engine: HANDLE = null_mut();
            call!(FwpmEngineOpen0(null(), 0, null_mut(), null(), &raw mut engine)) == 0
                && call!(FwpmTransactionCommit0(engine)) < 0
                && call!(FwpmEngineClose0(engine)) == 0
        }
        Rule::PoolFreedTwice | Rule::PoolUnknown | Rule::PoolLeaked => memory(rule),
        Rule::RequestCompletedTwice => {
            // As if it had been given one and had completed it.
            let request = 0x10;
            let done = WORLD.with(|world| {
                world.requests.give(request);
                world.requests.complete(request).is_ok()
            });
            // SAFETY: the watched function notes the breach and leaves the request alone.
            unsafe { watch::complete(core::ptr::without_provenance_mut(request as usize), 0) };
            done
        }
        Rule::RequestLeft => {
            WORLD.with(|world| world.requests.give(0x20));
            true
        }
        Rule::LockNotHeld => {
            // SAFETY: the watched function notes the breach and leaves the lock alone.
            unsafe { watch::spin_release(lock(), 0) };
            true
        }
        Rule::LockTwice => {
            // SAFETY: nobody else has this lock.
            let irql = unsafe { watch::spin_acquire(lock()) };
            // SAFETY: the watched function notes the breach and leaves the lock alone.
            let _ = unsafe { watch::spin_acquire(lock()) };
            // SAFETY: taken above.
            unsafe { watch::spin_release(lock(), irql) };
            true
        }
        Rule::LevelOrder => {
            // SAFETY: the watched function notes the breach; the level is lowered from nothing to nothing.
            unsafe { watch::lower(2) };
            true
        }
        Rule::FlowContext => {
            let Some(callout) = Callout::new() else { return false };
            let flow = WORLD.with(|world| world.flows.begin());
            let first = call!(FwpsFlowAssociateContext0(flow, 52, callout.id, 1));
            let second = call!(FwpsFlowAssociateContext0(flow, 52, callout.id, 2));
            let removed = call!(FwpsFlowRemoveContext0(flow, 52, callout.id));
            WORLD.with(|world| world.flows.end(flow));
            (first, removed) == (0, 0) && second < 0
        }
    }
}

fn memory(rule: Rule) -> bool {
    // SAFETY: an allocation like any other.
    let memory = unsafe { watch::pool_allocate(512, 48, 1) };
    match rule {
        Rule::PoolFreedTwice => {
            // SAFETY: allocated above.
            unsafe { watch::pool_free(memory, 1) };
            // SAFETY: the watched function notes the breach and leaves the memory alone.
            unsafe { watch::pool_free(memory, 1) };
        }
        Rule::PoolUnknown => {
            // SAFETY: allocated above.
            unsafe { watch::pool_free(memory, 1) };
            // SAFETY: as above.
            unsafe { watch::pool_free(null_mut(), 1) };
        }
        _ => {}
    }
    !memory.is_null()
}

unsafe extern "system" fn ignore(_: *mut c_void, _: *mut NET_BUFFER_LIST, _: BOOLEAN) {}

/// Breaks a rule about lists.
fn list(rule: Rule) -> bool {
    // Leaked on purpose where the rule is about that, and kept in any case: it is a few bytes.
    let data: &mut [u8] = Box::leak(Box::new([0x60; 64]));
    let mdl: *mut MDL = Box::leak(Box::new(descriptor(data.as_ptr(), 64)));
    let length = if rule == Rule::ListMalformed { 65 } else { 64 };
    let mut list: *mut NET_BUFFER_LIST = null_mut();
    let made = call!(FwpsAllocateNetBufferAndNetBufferList0(null_mut(), 0, 0, mdl, 0, length, &raw mut list));
    let mut handle: HANDLE = null_mut();
    if made != 0 || call!(FwpsInjectionHandleCreate0(0, 0, &raw mut handle)) != 0 {
        return false;
    }
    let before = WORLD.with(|world| {
        let before = world.settings;
        world.settings.completion = Completion::Delayed;
        world.settings.delay = 50;
        before
    });
    let inject = || {
        call!(FwpsInjectNetworkSendAsync0(handle, null_mut(), 0, 0, list, Some(ignore), null_mut()))
    };
    let mut done = true;
    match rule {
        Rule::ListFreedTwice => call!(FwpsFreeNetBufferList0(list)),
        Rule::ListFreedInStack => {
            done = inject() == 0;
            call!(FwpsFreeNetBufferList0(list));
        }
        Rule::ListUnknown => call!(FwpsFreeNetBufferList0(core::ptr::without_provenance_mut(0x10))),
        Rule::ListInjectedTwice => done = inject() == 0 && inject() < 0,
        Rule::ListMalformed => done = inject() < 0,
        _ => {}
    }
    stack::settle();
    WORLD.with(|world| world.settings = before);
    if rule != Rule::ListLeaked {
        call!(FwpsFreeNetBufferList0(list));
    }
    call!(FwpsInjectionHandleDestroy0(handle)) == 0 && done
}

/// The bad callout, registered.
struct Callout {
    id: u32,
}

impl Callout {
    fn new() -> Option<Self> {
        let mut id = 0;
        let callout = FWPS_CALLOUT1 {
            calloutKey: KEY,
            flags: 0,
            classifyFn: Some(classify),
            notifyFn: None,
            flowDeleteFn: None,
        };
        let status = call!(FwpsCalloutRegister1(null_mut(), &raw const callout, &raw mut id));
        (status == 0).then_some(Self { id })
    }
}

impl Drop for Callout {
    fn drop(&mut self) {
        // The rule about unregistering has done it already.
        if WORLD.with(|world| world.engine.is_registered(self.id)) {
            call!(FwpsCalloutUnregisterById0(self.id));
        }
    }
}

/// Lets a packet come by at a callout that breaks a rule.
fn classified(rule: Rule) -> bool {
    let Some(_callout) = Callout::new() else { return false };
    let mut engine: HANDLE = null_mut();
    if call!(FwpmEngineOpen0(null(), 0, null_mut(), null(), &raw mut engine)) != 0 {
        return false;
    }
    let mut name = [u16::from(b'x'), 0];
    let display = FWPM_DISPLAY_DATA0 { name: name.as_mut_ptr(), description: null_mut() };
    let mut sublayer: FWPM_SUBLAYER0 = raw::zeroed();
    sublayer.subLayerKey = KEY;
    sublayer.displayData = display;
    let mut callout: FWPM_CALLOUT0 = raw::zeroed();
    callout.calloutKey = KEY;
    callout.displayData = display;
    callout.applicableLayer = FWPM_LAYER_IPFORWARD_V6;
    let mut filter: FWPM_FILTER0 = raw::zeroed();
    filter.filterKey = KEY;
    filter.displayData = display;
    filter.layerKey = FWPM_LAYER_IPFORWARD_V6;
    filter.subLayerKey = KEY;
    filter.action = FWPM_ACTION0 { r#type: FWP_ACTION_CALLOUT_UNKNOWN, calloutKey: KEY };
    let added = [
        call!(FwpmSubLayerAdd0(engine, &raw const sublayer, null_mut())),
        call!(FwpmCalloutAdd0(engine, &raw const callout, null_mut(), null_mut())),
        call!(FwpmFilterAdd0(engine, &raw const filter, null_mut(), null_mut())),
    ];
    BAD.store(rule as u8, Ordering::Release);
    let mut packet = vec![0x60; 60];
    packet[4..6].copy_from_slice(&[0, 20]);
    crate::present::packet(
        &Packet {
            kind: Kind::Forward,
            flags: 0,
            interface: 1,
            sub_interface: 0,
            checksum: 0,
            hands: Hands::None,
            split: 16,
            before: 8,
            chained: false,
            buffers: vec![packet],
        },
        vec![],
    );
    BAD.store(0, Ordering::Release);
    if rule == Rule::LockKept {
        // SAFETY: the bad callout took it and left it.
        unsafe { watch::spin_release(lock(), 0) };
    }
    let deleted = [
        call!(FwpmFilterDeleteByKey0(engine, &KEY)),
        call!(FwpmCalloutDeleteByKey0(engine, &KEY)),
        call!(FwpmSubLayerDeleteByKey0(engine, &KEY)),
        call!(FwpmEngineClose0(engine)),
    ];
    added == [0; 3] && deleted == [0; 4]
}

unsafe extern "system" fn classify(
    _: *const FWPS_INCOMING_VALUES0,
    _: *const FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    _: *const c_void,
    _: *const FWPS_FILTER1,
    _: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    let Some(rule) = Rule::from_number(BAD.load(Ordering::Acquire)) else { return };
    let Some(list) = raw::see(data.cast_const().cast::<NET_BUFFER_LIST>()) else { return };
    let Some(out) = raw::change(out) else { return };
    match rule {
        Rule::Unbalanced => {
            TestbedMove(list.FirstNetBuffer, -8);
        }
        Rule::MovedTooFar => {
            TestbedMove(list.FirstNetBuffer, -9);
        }
        Rule::PacketChanged => {
            if let Some(mdl) = raw::see(list.FirstNetBuffer).and_then(|buffer| raw::see(buffer.CurrentMdl)) {
                raw::put(crate::packet::memory(mdl).wrapping_add(15), 0xFF);
            }
        }
        Rule::ActionWithoutRight => {
            // As if a callout before this one had decided for good; the answer is judged as if it had.
            WORLD.with(|world| {
                let mut arbiter = divert_testbed_model::arbiter::Arbiter::new();
                let mut hard = arbiter.ask(0);
                hard.actionType = FWP_ACTION_BLOCK;
                hard.rights = 0;
                let _ = arbiter.answer(&hard);
                hard.actionType = FWP_ACTION_PERMIT;
                if let Err(rule) = arbiter.answer(&hard) {
                    world.findings.add(rule, 0, 0);
                }
            });
        }
        Rule::UnknownAction => out.actionType = 0x77,
        Rule::WaitsAtDispatch => {
            let interval = -1;
            // SAFETY: the variable outlives the call; waiting here is what is to be found.
            let _ = unsafe { watch::delay(0, 0, &raw const interval) };
        }
        Rule::LockKept => {
            // SAFETY: nobody has this lock.
            let _ = unsafe { watch::spin_acquire(lock()) };
        }
        _ => {}
    }
}
