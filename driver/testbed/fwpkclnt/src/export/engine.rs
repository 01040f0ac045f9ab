//! `Fwpm`: what is told to the engine.

use core::ptr::null_mut;

use divert_driver_abi::wdm::{GUID, HANDLE, NTSTATUS, PVOID, STATUS_INVALID_PARAMETER};
use divert_driver_abi::wfp::*;
use divert_testbed_model::engine::{Answer, Engine, Filter, NewFilter};
use divert_testbed_model::Findings;

use super::{export, status};
use crate::world::WORLD;
use crate::{present, raw};

fn number(handle: HANDLE) -> u64 {
    handle.addr() as u64
}

/// Asks the engine at a place where one may wait.
fn ask<T>(work: impl FnOnce(&mut Engine, &mut Findings) -> Answer<T>) -> Answer<T> {
    WORLD.with(|world| {
        world.may_wait();
        work(&mut world.engine, &mut world.findings)
    })
}

/// A display name is wanted of everything that is added.
fn named(data: &FWPM_DISPLAY_DATA0) -> Answer<()> {
    if data.name.is_null() { Err(STATUS_FWP_NULL_DISPLAY_NAME) } else { Ok(()) }
}

fn there<T: Copy>(at: *const T) -> Answer<T> {
    raw::get(at).ok_or(STATUS_FWP_NULL_POINTER)
}

fn add_provider(engine: HANDLE, provider: *const FWPM_PROVIDER0) -> Answer<()> {
    let provider = there(provider)?;
    named(&provider.displayData)?;
    ask(|model, findings| model.add_provider(number(engine), provider.providerKey, findings))
}

fn add_sublayer(engine: HANDLE, sublayer: *const FWPM_SUBLAYER0) -> Answer<()> {
    let sublayer = there(sublayer)?;
    named(&sublayer.displayData)?;
    ask(|model, findings| {
        model.add_sublayer(number(engine), sublayer.subLayerKey, sublayer.weight, findings)
    })
}

fn add_callout(engine: HANDLE, callout: *const FWPM_CALLOUT0) -> Answer<u32> {
    let callout = there(callout)?;
    named(&callout.displayData)?;
    ask(|model, findings| {
        model.add_callout(number(engine), callout.calloutKey, callout.applicableLayer, findings)
    })
}

/// The weight of a filter. `FWP_UINT8` is a class of weights, within which the engine chooses.
fn weight(value: FWP_VALUE0) -> Answer<Option<u64>> {
    match value.r#type {
        FWP_EMPTY => Ok(None),
        // SAFETY: the type says that this member was written.
        FWP_UINT8 => match unsafe { value.u.uint8 } {
            class @ 0..16 => Ok(Some(u64::from(class) << 60)),
            _ => Err(STATUS_FWP_INVALID_WEIGHT),
        },
        // SAFETY: as above.
        FWP_UINT64 => there(unsafe { value.u.uint64 }).map(Some),
        _ => Err(STATUS_FWP_INVALID_WEIGHT),
    }
}

fn add_filter(engine: HANDLE, filter: *const FWPM_FILTER0) -> Answer<u64> {
    let filter = there(filter)?;
    named(&filter.displayData)?;
    // The engine makes a key where none is given; here every client gives one.
    if filter.numFilterConditions != 0 || filter.filterKey == GUID::from_u128(0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    // SAFETY: without the flag for a provider context, which is not modelled, this member counts.
    let context = unsafe { filter.u.rawContext };
    let new = NewFilter {
        key: filter.filterKey,
        layer: filter.layerKey,
        sublayer: filter.subLayerKey,
        weight: weight(filter.weight)?,
        action: filter.action.r#type,
        callout: filter.action.calloutKey,
        context,
    };
    let id = ask(|model, findings| model.add_filter(number(engine), new, findings))?;
    let refused = present::notify(FWPS_CALLOUT_NOTIFY_ADD_FILTER, &Filter::preview(new, id));
    if refused < 0 {
        let _ = ask(|model, findings| {
            model.delete_filter(number(engine), |filter| filter.id == id, findings).map(drop)
        });
        return Err(refused);
    }
    Ok(id)
}

fn delete_filter(engine: HANDLE, which: impl Fn(&Filter) -> bool) -> NTSTATUS {
    match ask(|model, findings| model.delete_filter(number(engine), which, findings)) {
        Ok(filter) => {
            present::notify(FWPS_CALLOUT_NOTIFY_DELETE_FILTER, &filter);
            0
        }
        Err(status) => status,
    }
}

fn give<T>(answer: Answer<T>, to: *mut T) -> NTSTATUS {
    match answer {
        Ok(value) => {
            raw::put(to, value);
            0
        }
        Err(status) => status,
    }
}

export! {
    fn FwpmEngineOpen0(
        _server: *const u16,
        _service: u32,
        _identity: PVOID,
        session: *const FWPM_SESSION0,
        engine: *mut HANDLE,
    ) -> NTSTATUS {
        let dynamic = raw::get(session).is_some_and(|session| session.flags & FWPM_SESSION_FLAG_DYNAMIC != 0);
        let opened = ask(|model, _| model.open(dynamic));
        raw::put(engine, null_mut());
        give(opened.map(|number| core::ptr::without_provenance_mut(number as usize)), engine)
    }

    fn FwpmEngineClose0(engine: HANDLE) -> NTSTATUS {
        status(ask(|model, findings| model.close(number(engine), findings)))
    }

    fn FwpmTransactionBegin0(engine: HANDLE, _flags: u32) -> NTSTATUS {
        status(ask(|model, findings| model.begin(number(engine), findings)))
    }

    fn FwpmTransactionCommit0(engine: HANDLE) -> NTSTATUS {
        status(ask(|model, findings| model.end(number(engine), true, findings)))
    }

    fn FwpmTransactionAbort0(engine: HANDLE) -> NTSTATUS {
        status(ask(|model, findings| model.end(number(engine), false, findings)))
    }

    fn FwpmProviderAdd0(engine: HANDLE, provider: *const FWPM_PROVIDER0, _security: PVOID) -> NTSTATUS {
        status(add_provider(engine, provider))
    }

    fn FwpmProviderDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS {
        let Some(key) = raw::get(key) else { return STATUS_FWP_NULL_POINTER };
        status(ask(|model, findings| model.delete_provider(number(engine), key, findings)))
    }

    fn FwpmSubLayerAdd0(engine: HANDLE, sublayer: *const FWPM_SUBLAYER0, _security: PVOID) -> NTSTATUS {
        status(add_sublayer(engine, sublayer))
    }

    fn FwpmSubLayerDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS {
        let Some(key) = raw::get(key) else { return STATUS_FWP_NULL_POINTER };
        status(ask(|model, findings| model.delete_sublayer(number(engine), key, findings)))
    }

    fn FwpmCalloutAdd0(
        engine: HANDLE,
        callout: *const FWPM_CALLOUT0,
        _security: PVOID,
        id: *mut u32,
    ) -> NTSTATUS {
        give(add_callout(engine, callout), id)
    }

    fn FwpmCalloutDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS {
        let Some(key) = raw::get(key) else { return STATUS_FWP_NULL_POINTER };
        status(ask(|model, findings| model.delete_callout(number(engine), key, findings)))
    }

    fn FwpmFilterAdd0(engine: HANDLE, filter: *const FWPM_FILTER0, _security: PVOID, id: *mut u64) -> NTSTATUS {
        give(add_filter(engine, filter), id)
    }

    fn FwpmFilterDeleteByKey0(engine: HANDLE, key: *const GUID) -> NTSTATUS {
        let Some(key) = raw::get(key) else { return STATUS_FWP_NULL_POINTER };
        delete_filter(engine, |filter| filter.new.key == key)
    }

    fn FwpmFilterDeleteById0(engine: HANDLE, id: u64) -> NTSTATUS {
        delete_filter(engine, |filter| filter.id == id)
    }

    /// `FWPM_SERVICE_RUNNING`.
    fn FwpmBfeStateGet0() -> i32 {
        3
    }
}
