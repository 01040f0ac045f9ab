//! The harness's device.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use divert_driver_abi::wdm::*;
use divert_testbed_control::{CODE, DEVICE, Failure, LINK, Outcome, Reply, Request};

use crate::world::{WORLD, World};
use crate::{misuse, present, raw, stack, system, unload};

/// Makes driver object and device within the client's process.
pub(crate) fn create() {
    let status = system::create_driver("\\Driver\\DivertTestbed", init);
    if status < 0 {
        system::print("testbed: no control device\n\0");
    }
}

/// The driver object.
static DRIVER: AtomicUsize = AtomicUsize::new(0);

/// Takes them away.
pub(crate) fn delete() {
    let driver = DRIVER.swap(0, Ordering::AcqRel);
    if driver != 0 {
        system::delete_device(core::ptr::with_exposed_provenance_mut(driver), LINK);
    }
}

unsafe extern "system" fn init(driver: *mut DRIVER_OBJECT, _: *mut UNICODE_STRING) -> NTSTATUS {
    DRIVER.store(driver.expose_provenance(), Ordering::Release);
    if let Some(driver) = raw::change(driver) {
        driver.MajorFunction = [Some(dispatch); IRP_MJ_MAXIMUM_FUNCTION + 1];
    }
    system::create_device(driver, DEVICE, LINK)
}

unsafe extern "system" fn dispatch(_: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let Some(request) = raw::see(irp) else { return STATUS_INVALID_PARAMETER };
    let Some(stack) = raw::see(request.CurrentStackLocation) else { return STATUS_INVALID_PARAMETER };
    if usize::from(stack.MajorFunction) != IRP_MJ_DEVICE_CONTROL {
        return system::complete(irp, STATUS_SUCCESS, 0);
    }
    let parameters = stack.Parameters;
    if parameters.IoControlCode.Value != CODE {
        return system::complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    let (input, output) =
        (parameters.InputBufferLength.Value as usize, parameters.OutputBufferLength.Value as usize);
    let buffer: *mut u8 = request.SystemBuffer.cast();
    unload::look();
    let reply = match Request::decode(raw::bytes(buffer, input)) {
        Ok(request) => serve(request, output),
        Err(_) => Reply::Refused,
    };
    let reply = reply.encode();
    if reply.len() > output {
        return system::complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    raw::bytes_mut(buffer, reply.len()).copy_from_slice(&reply);
    system::complete(irp, STATUS_SUCCESS, reply.len())
}

fn serve(request: Request, room: usize) -> Reply {
    match request {
        Request::Ping => Reply::Done,
        Request::Packets(packets) => Reply::Fates(packets.iter().map(stack::arrive).collect()),
        Request::Event(event) => {
            let (fate, flow) = present::event(&event);
            Reply::Event(fate, flow)
        }
        Request::FlowEnd(flow) => {
            if present::flow_end(flow) {
                Reply::Done
            } else {
                Reply::Refused
            }
        }
        Request::Outcomes(most) => WORLD.with(|world| outcomes(world, most as usize, room)),
        Request::Settle => {
            stack::settle();
            Reply::Done
        }
        Request::Set(settings) => {
            WORLD.with(|world| world.settings = settings);
            Reply::Done
        }
        Request::Fail(failure) => {
            WORLD.with(|world| fail(world, failure));
            Reply::Done
        }
        Request::Blast(blast) => Reply::Blasted(stack::blast(&blast)),
        Request::Report => Reply::Report(Box::new(WORLD.with(|world| world.report()))),
        Request::Forget => {
            WORLD.with(|world| world.findings.take());
            Reply::Done
        }
        Request::Others(others) => {
            WORLD.with(|world| world.others = others);
            Reply::Done
        }
        Request::Echo(bytes) => Reply::Echo(bytes),
        Request::Misuse(rule) => {
            if misuse::commit(rule) {
                Reply::Done
            } else {
                Reply::Refused
            }
        }
    }
}

/// The oldest outcomes, as many as fit.
fn outcomes(world: &mut World, most: usize, room: usize) -> Reply {
    /// More than what an outcome has beside its bytes.
    const OVERHEAD: usize = 32;
    let mut left = room.saturating_sub(OVERHEAD);
    let mut taken: Vec<Outcome> = Vec::new();
    while let Some(next) = world.outcomes.front() {
        let Some(rest) = left.checked_sub(next.bytes.len() + OVERHEAD) else { break };
        if taken.len() == most {
            break;
        }
        left = rest;
        taken.extend(world.outcomes.pop_front());
    }
    Reply::Outcomes(taken, !world.outcomes.is_empty())
}

/// Arms a failure.
pub(crate) fn fail(world: &mut World, failure: Failure) {
    match failure {
        Failure::None => {
            world.pool.fail_after(None);
            world.engine.fail_after(None);
            world.refuse = None;
            world.spoil = None;
        }
        Failure::Memory(after) => world.pool.fail_after(Some(after)),
        Failure::Engine(after, status) => world.engine.fail_after(Some((after, status))),
        Failure::Injection(after, status) => world.refuse = Some((after, status)),
        Failure::Completion(after, status) => world.spoil = Some((after, status)),
    }
}
