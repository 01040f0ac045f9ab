//! The ways in: loading, unloading, and requests.

use core::ptr::NonNull;

use divert_driver_abi::wdm::{
    DEVICE_OBJECT, DRIVER_DISPATCH, DRIVER_OBJECT, IRP, IRP_MJ_MAXIMUM_FUNCTION, NTSTATUS,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS, STATUS_UNSUCCESSFUL, UNICODE_STRING, member,
};
use divert_driver_protocol::limits::NAME;

use super::device::{Device, Link};
use super::global::Global;
use super::irp::Irp;
use super::text::text;
use super::{pool, time};
use crate::platform::DRIVER;
use crate::wfp::callouts::Registrations;

// The texts below have to be literals.
const _: () =
    assert!(matches!(NAME.as_bytes(), b"Divert3"), "the protocol's version has changed: so do the names");

fn device_name() -> UNICODE_STRING {
    text!("\\Device\\Divert3").as_string()
}

fn link_name() -> UNICODE_STRING {
    text!("\\DosDevices\\Divert3").as_string()
}

/// What stands between the system and the driver.
struct Loaded {
    link: Link,
    registrations: Registrations,
    device: Device,
}

static LOADED: Global<Loaded> = Global::new();

/// The driver is loaded. PASSIVE_LEVEL, in a thread of the system.
///
/// # Safety
/// The system calls it, once, with the driver object.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn DriverEntry(
    driver: *mut DRIVER_OBJECT,
    _: *mut UNICODE_STRING,
) -> NTSTATUS {
    let Some(driver) = NonNull::new(driver) else { return STATUS_UNSUCCESSFUL };
    match load(driver) {
        Ok(()) => STATUS_SUCCESS,
        Err(status) => status,
    }
}

/// Takes the runtime away when it is dropped; nobody can ask anything of it any more.
struct Runtime;

impl Drop for Runtime {
    fn drop(&mut self) {
        // SAFETY: the device cannot be opened or is not open, and the callouts are unregistered: see where it is
        // dropped. What the stack holds is waited for there.
        drop(unsafe { DRIVER.take() });
    }
}

/// Makes everything in such an order that nothing can be asked before it can be answered. What was made is dropped in
/// the reverse order when something fails.
fn load(driver: NonNull<DRIVER_OBJECT>) -> Result<(), NTSTATUS> {
    pool::prepare();
    let device = Device::new(driver, device_name())?;
    device.secure()?;
    DRIVER.set(crate::platform::start()?);
    let runtime = Runtime;
    let registrations = Registrations::new(&device)?;
    let link = Link::new(link_name, device_name())?;
    let loaded = match pool::try_box(Loaded { link, registrations, device }) {
        Ok(loaded) => loaded,
        Err(Loaded { link, registrations, device }) => {
            drop(link);
            drop(registrations);
            drop(runtime);
            drop(device);
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
    };
    let dispatch = member::driver_dispatch(driver.as_ptr());
    // SAFETY: the driver object is the entry point's to fill in.
    unsafe { dispatch.write([Some(dispatch_request as DRIVER_DISPATCH); IRP_MJ_MAXIMUM_FUNCTION + 1]) };
    // SAFETY: as above.
    unsafe { member::driver_unload(driver.as_ptr()).write(Some(unload)) };
    loaded.device.ready();
    LOADED.set(loaded);
    core::mem::forget(runtime);
    Ok(())
}

/// The driver is unloaded: its service was stopped, and all its handles are closed. PASSIVE_LEVEL.
unsafe extern "system" fn unload(_: *mut DRIVER_OBJECT) {
    // SAFETY: nobody borrows it: only this function looks at it.
    let Some(loaded) = (unsafe { LOADED.take() }) else { return };
    let runtime = Runtime;
    let Loaded { link, registrations, device } = *loaded;
    drop(link);
    if let Some(driver) = DRIVER.get() {
        let platform = driver.platform();
        platform.disconnect();
        platform.flows.forget_all(&platform.callouts);
        // Waits until no callout is being asked, and until the platform has told of all flows.
        drop(registrations);
        while platform.injector.in_flight() != 0 {
            time::sleep_milliseconds(1);
        }
    }
    // Who has just said that the last packet is done may still be on its way out of the driver.
    time::flush_dispatch();
    time::sleep_milliseconds(10);
    drop(runtime);
    drop(device);
}

/// A request. PASSIVE_LEVEL, in a thread of the process that made it.
unsafe extern "system" fn dispatch_request(_: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let Some(irp) = NonNull::new(irp) else { return STATUS_UNSUCCESSFUL };
    // SAFETY: the I/O manager gives a request to its dispatch routine.
    crate::control::dispatch(unsafe { Irp::new(irp) })
}
