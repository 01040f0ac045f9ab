//! The client's end: when its unload routine has run, everything it had must be gone. The process goes then too, so the
//! last report is written to a file.

use core::sync::atomic::{AtomicUsize, Ordering};

use divert_driver_abi::wdm::{
    DEVICE_OBJECT, DRIVER_DISPATCH, DRIVER_OBJECT, DRIVER_UNLOAD, IRP, NTSTATUS, PVOID,
};
use divert_testbed_control::UNLOAD_REPORT;
use divert_testbed_model::Rule;

use crate::world::WORLD;
use crate::{control, raw, stack, system, watch};

/// Services whose driver object is looked for: the driver's, whose name holds its protocol's version.
const SERVICE: &str = "Divert3";

/// The client's own unload routine.
static ORIGINAL: AtomicUsize = AtomicUsize::new(0);
/// Its driver object.
static DRIVER: AtomicUsize = AtomicUsize::new(0);

/// Finds the client's driver object.
pub(crate) fn look() {
    if DRIVER.load(Ordering::Acquire) == 0 {
        found(system::driver_object(SERVICE));
    }
    hook();
}

/// Finds it by a device of the client's.
pub(crate) fn watch_device(device: PVOID) {
    if DRIVER.load(Ordering::Acquire) == 0
        && let Some(device) = raw::see(device.cast_const().cast::<DEVICE_OBJECT>())
    {
        found(device.DriverObject);
    }
    hook();
}

/// The client's driver object is this.
pub(crate) fn found(driver: *mut DRIVER_OBJECT) {
    if !driver.is_null() {
        DRIVER.store(driver.expose_provenance(), Ordering::Release);
    }
}

/// The client's dispatch routine, which is the same for all it is asked.
static DISPATCH: AtomicUsize = AtomicUsize::new(0);

/// Puts our routines in the place of the client's, once it has them.
fn hook() {
    let driver: *mut DRIVER_OBJECT =
        core::ptr::with_exposed_provenance_mut(DRIVER.load(Ordering::Acquire));
    let Some(driver) = raw::change(driver) else { return };
    let Some(original) = driver.DriverUnload else { return };
    if ORIGINAL.compare_exchange(0, original as usize, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        driver.DriverUnload = Some(unload);
        if let Some(Some(original)) = driver.MajorFunction.first() {
            DISPATCH.store(*original as usize, Ordering::Release);
            driver.MajorFunction.fill(Some(dispatch));
        }
    }
}

unsafe extern "system" fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    WORLD.with(|world| world.requests.give(irp.addr() as u64));
    let original = DISPATCH.load(Ordering::Acquire);
    // SAFETY: the address of the client's routine, of this type, as it stood in its driver object.
    let original = unsafe { core::mem::transmute::<usize, DRIVER_DISPATCH>(original) };
    // SAFETY: the system's call, passed on.
    unsafe { original(device, irp) }
}

/// A device of the client's is gone. When it has no routine for unloading it is not loaded, and was not: its entry takes
/// back what it has made, and the device last, as it was made first.
pub(crate) fn device_deleted() {
    let driver: *mut DRIVER_OBJECT =
        core::ptr::with_exposed_provenance_mut(DRIVER.load(Ordering::Acquire));
    if raw::see(driver).is_some_and(|driver| driver.DriverUnload.is_none()) {
        gone(driver);
    }
}

unsafe extern "system" fn unload(driver: *mut DRIVER_OBJECT) {
    let original = ORIGINAL.load(Ordering::Acquire);
    // SAFETY: the address of the client's routine, of this type, as it stood in its driver object.
    let original = unsafe { core::mem::transmute::<usize, DRIVER_UNLOAD>(original) };
    // SAFETY: the system's call, passed on.
    unsafe { original(driver) };
    gone(driver);
}

/// Nothing of the client may be left.
fn gone(driver: *const DRIVER_OBJECT) {
    stack::stop();
    let device_left = raw::see(driver).is_some_and(|driver| !driver.DeviceObject.is_null());
    let report = WORLD.with(|world| {
        if device_left {
            world.findings.add(Rule::ObjectLeft, 9, 1);
        }
        world.close();
        world.report()
    });
    if !system::write_file(UNLOAD_REPORT, &report.encode()) {
        system::print("testbed: the last report cannot be written\n\0");
    }
    // The loader may take this image away, too, once the client's is gone.
    control::delete();
    watch::detach();
}
