//! `Fwps`: registered callouts and contexts of flows.

use divert_driver_abi::wdm::{GUID, NTSTATUS, PVOID, STATUS_DEVICE_BUSY};
use divert_driver_abi::wfp::*;
use divert_testbed_model::Rule;
use divert_testbed_model::flows::{Context, Flows};

use super::{export, status};
use crate::world::{Callout, WORLD};
use crate::{present, raw, unload};

fn unregister(id: u32) -> NTSTATUS {
    WORLD.with(|world| {
        world.may_wait();
        if world.callouts.get(&id).is_some_and(|callout| callout.running > 0) {
            world.findings.add(Rule::UnregisteredInUse, u64::from(id), 0);
        }
        // It stays registered until its last context is gone, and is to be unregistered again then.
        if world.flows.contexts_of(id) > 0 {
            return STATUS_DEVICE_BUSY;
        }
        let answer = world.engine.unregister(id, &mut world.findings);
        world.callouts.remove(&id);
        status(answer)
    })
}

export! {
    fn FwpsCalloutRegister1(device: PVOID, callout: *const FWPS_CALLOUT1, id: *mut u32) -> NTSTATUS {
        unload::watch_device(device);
        let Some(callout) = raw::get(callout) else { return STATUS_FWP_NULL_POINTER };
        let registered = WORLD.with(|world| {
            world.may_wait();
            let id = world.engine.register(callout.calloutKey)?;
            world.callouts.insert(
                id,
                Callout {
                    classify: callout.classifyFn,
                    notify: callout.notifyFn,
                    flow_delete: callout.flowDeleteFn,
                    running: 0,
                },
            );
            Ok(id)
        });
        match registered {
            Ok(number) => {
                raw::put(id, number);
                0
            }
            Err(status) => status,
        }
    }

    fn FwpsCalloutUnregisterById0(id: u32) -> NTSTATUS {
        unregister(id)
    }

    fn FwpsCalloutUnregisterByKey0(key: *const GUID) -> NTSTATUS {
        let Some(key) = raw::get(key) else { return STATUS_FWP_NULL_POINTER };
        match WORLD.with(|world| world.engine.registered_id(key)) {
            Some(id) => unregister(id),
            None => STATUS_FWP_CALLOUT_NOT_FOUND,
        }
    }

    fn FwpsFlowAssociateContext0(flow: u64, layer: u16, id: u32, context: u64) -> NTSTATUS {
        WORLD.with(|world| {
            if !world.engine.is_registered(id) {
                world.findings.add(Rule::UsedAfterRelease, u64::from(id), 0);
                return STATUS_FWP_CALLOUT_NOT_FOUND;
            }
            match world.flows.associate(flow, Context { layer, callout: id, context }) {
                Ok(()) => 0,
                Err((status, rule)) => {
                    if let Some(rule) = rule {
                        world.findings.add(rule, flow, 0);
                    }
                    status
                }
            }
        })
    }

    fn FwpsFlowRemoveContext0(flow: u64, layer: u16, id: u32) -> NTSTATUS {
        let context = WORLD.with(|world| world.flows.remove(flow, layer, id));
        if let Some(context) = context {
            present::flow_deleted(context);
        }
        Flows::removal(context.is_some())
    }
}
