//! Functions of the kernel that the client imports are watched: the addresses in its import table are replaced by those
//! of functions here, which keep the books and call the kernel's own. The image itself is unchanged.

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use alloc::collections::BTreeMap;

use divert_driver_abi::wdm::*;
use divert_testbed_control::{LOAD_FAILURE, Request};

use crate::export::CALLER;
use crate::ffi::*;
use crate::spin::Spin;
use crate::world::WORLD;
use crate::{control, quarantine, raw, system, unload};

/// The locks that queued handles stand for.
static QUEUED: Spin<BTreeMap<usize, u64>> = Spin::new(BTreeMap::new());

fn number<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// An allocation of the client's by a function that gives null when there is none.
fn allocate<T>(length: usize, make: impl FnOnce() -> *mut T) -> *mut T {
    if !WORLD.with(|world| world.pool.admit()) {
        return core::ptr::null_mut();
    }
    let made = make();
    if !made.is_null() {
        WORLD.with(|world| world.pool.allocate(number(made), length));
    }
    made
}

/// The client frees; whether it may.
fn free<T>(memory: *mut T) -> bool {
    WORLD.with(|world| {
        let outcome = world.pool.free(number(memory));
        world.findings.check(outcome, number(memory));
        outcome.is_ok()
    })
}

fn may_wait() {
    WORLD.with(crate::world::World::may_wait);
}

/// The client is about to take a lock; whether it may.
fn acquire(lock: u64) -> bool {
    WORLD.with(|world| {
        let outcome = world.threads.acquire(system::thread(), lock);
        world.findings.check(outcome, lock);
        outcome.is_ok()
    })
}

/// The client is about to release a lock; whether it may.
fn release(lock: u64) -> bool {
    WORLD.with(|world| {
        let outcome = world.threads.release(system::thread(), lock);
        world.findings.check(outcome, lock);
        outcome.is_ok()
    })
}

pub(crate) unsafe extern "system" fn pool_allocate(kind: i32, length: usize, tag: u32) -> PVOID {
    // SAFETY: the client's call, passed on.
    allocate(length, || unsafe { ExAllocatePoolWithTag(kind, length, tag) })
}

pub(crate) unsafe extern "system" fn pool_free(memory: PVOID, tag: u32) {
    if free(memory) {
        // SAFETY: the client's call, passed on; it is the first for this memory.
        unsafe { ExFreePoolWithTag(memory, tag) }
    }
}

unsafe extern "system" fn pool_free_untagged(memory: PVOID) {
    if free(memory) {
        // SAFETY: the client's call, passed on; tag zero fits every tag.
        unsafe { ExFreePoolWithTag(memory, 0) }
    }
}

unsafe extern "system" fn mdl_allocate(
    at: PVOID,
    length: u32,
    secondary: BOOLEAN,
    charge: BOOLEAN,
    irp: *mut IRP,
) -> *mut MDL {
    // SAFETY: the client's call, passed on.
    allocate(size_of::<MDL>(), || unsafe { IoAllocateMdl(at, length, secondary, charge, irp) })
}

unsafe extern "system" fn mdl_free(mdl: *mut MDL) {
    if free(mdl) {
        // SAFETY: the client's call, passed on; it is the first for this descriptor.
        unsafe { IoFreeMdl(mdl) }
    }
}

unsafe extern "system" fn work_item_allocate(device: *mut DEVICE_OBJECT) -> PVOID {
    // SAFETY: the client's call, passed on.
    allocate(1, || unsafe { IoAllocateWorkItem(device) })
}

unsafe extern "system" fn work_item_free(item: PVOID) {
    if free(item) {
        // SAFETY: the client's call, passed on; it is the first for this item.
        unsafe { IoFreeWorkItem(item) }
    }
}

pub(crate) unsafe extern "system" fn spin_acquire(lock: *mut KSPIN_LOCK) -> KIRQL {
    if acquire(number(lock)) {
        // SAFETY: the client's call, passed on; this thread does not hold the lock.
        unsafe { KeAcquireSpinLockRaiseToDpc(lock) }
    } else {
        // It would wait forever; the breach is noted, and life goes on.
        0
    }
}

pub(crate) unsafe extern "system" fn spin_release(lock: *mut KSPIN_LOCK, irql: KIRQL) {
    if release(number(lock)) {
        // SAFETY: the client's call, passed on; this thread holds the lock.
        unsafe { KeReleaseSpinLock(lock, irql) }
    }
}

unsafe extern "system" fn queued_acquire(lock: *mut KSPIN_LOCK, handle: *mut KLOCK_QUEUE_HANDLE) {
    if acquire(number(lock)) {
        QUEUED.with(|queued| queued.insert(handle.addr(), number(lock)));
        // SAFETY: the client's call, passed on; this thread does not hold the lock.
        unsafe { KeAcquireInStackQueuedSpinLock(lock, handle) }
    }
}

unsafe extern "system" fn queued_release(handle: *mut KLOCK_QUEUE_HANDLE) {
    let lock = QUEUED.with(|queued| queued.remove(&handle.addr()));
    if release(lock.unwrap_or(0)) {
        // SAFETY: the client's call, passed on; this thread holds the lock by this handle.
        unsafe { KeReleaseInStackQueuedSpinLock(handle) }
    }
}

pub(crate) unsafe extern "system" fn wait(
    object: PVOID,
    reason: i32,
    mode: i8,
    alertable: BOOLEAN,
    timeout: *const i64,
) -> NTSTATUS {
    // To look without waiting is allowed anywhere.
    if raw::get(timeout) != Some(0) {
        may_wait();
    }
    // SAFETY: the client's call, passed on.
    unsafe { KeWaitForSingleObject(object, reason, mode, alertable, timeout) }
}

pub(crate) unsafe extern "system" fn delay(mode: i8, alertable: BOOLEAN, interval: *const i64) -> NTSTATUS {
    may_wait();
    // SAFETY: the client's call, passed on.
    unsafe { KeDelayExecutionThread(mode, alertable, interval) }
}

unsafe extern "system" fn fast_mutex(mutex: *mut FAST_MUTEX) {
    may_wait();
    // SAFETY: the client's call, passed on.
    unsafe { ExAcquireFastMutex(mutex) }
}

unsafe extern "system" fn thread_create(
    handle: *mut HANDLE,
    access: u32,
    attributes: PVOID,
    process: HANDLE,
    client: PVOID,
    start: KSTART_ROUTINE,
    context: PVOID,
) -> NTSTATUS {
    may_wait();
    if !WORLD.with(|world| world.pool.admit()) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the client's call, passed on.
    unsafe { PsCreateSystemThread(handle, access, attributes, process, client, start, context) }
}

/// Wine has no levels: they are kept here, and given to the client as the system would.
unsafe extern "system" fn raise(to: KIRQL) -> KIRQL {
    // SAFETY: the client's call, passed on.
    let _ = unsafe { KfRaiseIrql(to) };
    let thread = system::thread();
    WORLD.with(|world| match world.threads.raise(thread, to) {
        Ok(before) => before,
        Err(rule) => {
            world.findings.add(rule, thread, i64::from(to));
            to
        }
    })
}

pub(crate) unsafe extern "system" fn lower(to: KIRQL) {
    let thread = system::thread();
    WORLD.with(|world| {
        if let Err(rule) = world.threads.lower(thread, to) {
            world.findings.add(rule, thread, i64::from(to));
        }
    });
    // SAFETY: the client's call, passed on.
    unsafe { KeLowerIrql(to) }
}

unsafe extern "system" fn close(handle: HANDLE) -> NTSTATUS {
    may_wait();
    WORLD.with(|world| world.opened.remove(&number(handle)));
    // SAFETY: the client's call, passed on.
    unsafe { ZwClose(handle) }
}

pub(crate) unsafe extern "system" fn complete(irp: *mut IRP, boost: i8) {
    let may = WORLD.with(|world| {
        let outcome = world.requests.complete(number(irp));
        world.findings.check(outcome, number(irp));
        outcome.is_ok()
    });
    if may {
        quarantine::completed(irp.addr());
        // SAFETY: the client's call, passed on; it is the first for this request.
        unsafe { IofCompleteRequest(irp, boost) }
    }
}

/// Wine does not know which threads are ending: the harness says.
unsafe extern "system" fn thread_ending(_: PVOID) -> BOOLEAN {
    BOOLEAN::from(WORLD.with(|world| world.settings.ending))
}

/// A call that makes something of the client's, and fails as an allocation does.
fn make(call: impl FnOnce() -> NTSTATUS) -> NTSTATUS {
    may_wait();
    if WORLD.with(|world| world.pool.admit()) { call() } else { STATUS_INSUFFICIENT_RESOURCES }
}

unsafe extern "system" fn device_create(
    driver: *mut DRIVER_OBJECT,
    extension: u32,
    name: *const UNICODE_STRING,
    kind: u32,
    characteristics: u32,
    exclusive: BOOLEAN,
    device: *mut *mut DEVICE_OBJECT,
) -> NTSTATUS {
    unload::found(driver);
    let status = make(|| {
        // SAFETY: the client's call, passed on.
        unsafe { IoCreateDevice(driver, extension, name, kind, characteristics, exclusive, device) }
    });
    if status >= 0 {
        WORLD.with(|world| world.devices += 1);
    }
    status
}

unsafe extern "system" fn device_delete(device: *mut DEVICE_OBJECT) {
    may_wait();
    // SAFETY: the client's call, passed on.
    unsafe { IoDeleteDevice(device) };
    WORLD.with(|world| world.devices = world.devices.saturating_sub(1));
    unload::device_deleted();
}

unsafe extern "system" fn link_create(link: *const UNICODE_STRING, device: *const UNICODE_STRING) -> NTSTATUS {
    // SAFETY: the client's call, passed on.
    let status = make(|| unsafe { IoCreateSymbolicLink(link, device) });
    if status >= 0 {
        WORLD.with(|world| world.links += 1);
    }
    status
}

unsafe extern "system" fn link_delete(link: *const UNICODE_STRING) -> NTSTATUS {
    may_wait();
    WORLD.with(|world| world.links = world.links.saturating_sub(1));
    // SAFETY: the client's call, passed on.
    unsafe { IoDeleteSymbolicLink(link) }
}

unsafe extern "system" fn object_open(
    object: PVOID,
    attributes: u32,
    state: PVOID,
    access: u32,
    kind: PVOID,
    mode: i8,
    handle: *mut HANDLE,
) -> NTSTATUS {
    // SAFETY: the client's call, passed on.
    let status = make(|| unsafe { ObOpenObjectByPointer(object, attributes, state, access, kind, mode, handle) });
    if status >= 0
        && let Some(opened) = raw::get(handle.cast_const())
    {
        WORLD.with(|world| world.opened.insert(number(opened)));
    }
    status
}

unsafe extern "system" fn security_set(handle: HANDLE, what: u32, descriptor: PVOID) -> NTSTATUS {
    // SAFETY: the client's call, passed on.
    make(|| unsafe { ZwSetSecurityObject(handle, what, descriptor) })
}

/// What is put in the place of a function of the kernel.
fn replacement(name: &str) -> Option<usize> {
    let function = match name {
        "ExAllocatePoolWithTag" => pool_allocate as *const () as usize,
        "ExFreePoolWithTag" => pool_free as *const () as usize,
        "ExFreePool" => pool_free_untagged as *const () as usize,
        "IoAllocateMdl" => mdl_allocate as *const () as usize,
        "IoFreeMdl" => mdl_free as *const () as usize,
        "IoAllocateWorkItem" => work_item_allocate as *const () as usize,
        "IoFreeWorkItem" => work_item_free as *const () as usize,
        "KeAcquireSpinLockRaiseToDpc" => spin_acquire as *const () as usize,
        "KeReleaseSpinLock" => spin_release as *const () as usize,
        "KeAcquireInStackQueuedSpinLock" => queued_acquire as *const () as usize,
        "KeReleaseInStackQueuedSpinLock" => queued_release as *const () as usize,
        "KeWaitForSingleObject" => wait as *const () as usize,
        "KeDelayExecutionThread" => delay as *const () as usize,
        "ExAcquireFastMutex" => fast_mutex as *const () as usize,
        "PsCreateSystemThread" => thread_create as *const () as usize,
        "KfRaiseIrql" => raise as *const () as usize,
        "KeLowerIrql" => lower as *const () as usize,
        "ZwClose" => close as *const () as usize,
        "IofCompleteRequest" => complete as *const () as usize,
        "PsIsThreadTerminating" => thread_ending as *const () as usize,
        "IoCreateDevice" => device_create as *const () as usize,
        "IoDeleteDevice" => device_delete as *const () as usize,
        "IoCreateSymbolicLink" => link_create as *const () as usize,
        "IoDeleteSymbolicLink" => link_delete as *const () as usize,
        "ObOpenObjectByPointer" => object_open as *const () as usize,
        "ZwSetSecurityObject" => security_set as *const () as usize,
        _ => return None,
    };
    Some(function)
}

/// A loaded image, read where it lies.
struct Image(usize);

impl Image {
    fn read<T: Copy>(&self, offset: usize) -> T {
        let at: *const T = core::ptr::with_exposed_provenance(self.0 + offset);
        // Offsets come from the image's own headers, which the loader has checked.
        raw::get(at).unwrap_or_else(|| system::crash())
    }

    /// The image in which `address` lies: its headers are on a page before.
    fn around(address: usize) -> Option<Self> {
        const MOST_PAGES: usize = 4096;
        (0..MOST_PAGES).map(|page| Self((address & !0xFFF) - page * 0x1000)).find(|image| {
            image.read::<[u8; 2]>(0) == *b"MZ" && {
                let header = image.read::<u32>(0x3C) as usize;
                header < 0x1000 && image.read::<[u8; 4]>(header) == *b"PE\0\0"
            }
        })
    }

    fn text(&self, offset: usize) -> &str {
        let at: *const c_char = core::ptr::with_exposed_provenance(self.0 + offset);
        // SAFETY: names in an import table end in NUL, and the loader has read this one.
        unsafe { CStr::from_ptr(at) }.to_str().unwrap_or("")
    }

    /// Replaces what is to be watched of the kernel's functions; gives how many that are.
    fn watch(&self) -> u64 {
        let mut watched = 0;
        self.imports(KERNEL, |name, offset| {
            if let Some(function) = replacement(name) {
                watched += u64::from(self.replace(offset, function));
            }
        });
        watched
    }

    /// Calls `each` for what is imported from a module: its name, and where its address stands, as an offset.
    fn imports(&self, module: &str, mut each: impl FnMut(&str, usize)) {
        let header = self.read::<u32>(0x3C) as usize;
        // The second data directory of a 64-bit image.
        let mut descriptor = self.read::<u32>(header + 24 + 112 + 8) as usize;
        while descriptor != 0 && self.read::<u32>(descriptor + 12) != 0 {
            let (names, addresses) =
                (self.read::<u32>(descriptor) as usize, self.read::<u32>(descriptor + 16) as usize);
            let wanted = self.text(self.read::<u32>(descriptor + 12) as usize).eq_ignore_ascii_case(module);
            for at in (0..).step_by(8) {
                let name = self.read::<u64>(names + at) as usize;
                if !wanted || names == 0 || name == 0 {
                    break;
                }
                // Behind the hint.
                each(self.text(name + 2), addresses + at);
            }
            descriptor += 20;
        }
    }

    fn replace(&self, offset: usize, function: usize) -> bool {
        const READ_WRITE: u32 = 4;
        let at: *mut usize = core::ptr::with_exposed_provenance_mut(self.0 + offset);
        let Some(old) = system::protect(at.cast(), 8, READ_WRITE) else { return false };
        raw::put(at, function);
        system::protect(at.cast(), 8, old).is_some()
    }

    /// Where the address of a module's function stands, as an offset.
    fn import(&self, module: &str, function: &str) -> Option<usize> {
        let mut found = None;
        self.imports(module, |name, offset| {
            if name == function {
                found = Some(offset);
            }
        });
        found
    }
}

/// The kernel's image.
const KERNEL: &str = "ntoskrnl.exe";
/// The client's image, by its name: it is loaded when we are, since it imports us.
const CLIENT: &str = "divert64.sys";

/// The image is loaded, and the client's entry was not called yet. What is to fail while it is loaded stands in a file.
pub(crate) fn attached() {
    let Some(base) = system::image(CLIENT) else { return };
    watch(&Image(base));
    let mut room = [0; 64];
    let length = system::read_file(LOAD_FAILURE, &mut room).unwrap_or(0);
    if let Some(Ok(Request::Fail(failure))) = room.get(..length).map(Request::decode) {
        WORLD.with(|world| control::fail(world, failure));
    }
}

fn watch(image: &Image) {
    let watched = image.watch();
    WORLD.with(|world| world.watched = watched);
    if let Some(kernel) = system::image(KERNEL).map(Image)
        && let Some(offset) = kernel.import("kernel32.dll", "HeapFree")
    {
        FREES.store(kernel.read(offset), Ordering::Release);
        kernel.replace(offset, quarantine::heap_free as *const () as usize);
    }
}

/// The emulator's function that frees, which outlives us.
static FREES: AtomicUsize = AtomicUsize::new(0);

/// We are about to go: the emulator, which does not, frees as it did before.
pub(crate) fn detach() {
    let function = FREES.swap(0, Ordering::AcqRel);
    if function != 0
        && let Some(kernel) = system::image(KERNEL).map(Image)
        && let Some(offset) = kernel.import("kernel32.dll", "HeapFree")
    {
        kernel.replace(offset, function);
    }
}

/// 0: nothing done yet, 1: being done, 2: done.
static DONE: AtomicU32 = AtomicU32::new(0);

/// Called with every call of the client's: the first one starts everything.
pub(crate) fn begin() {
    if DONE.load(Ordering::Acquire) == 2 {
        return;
    }
    if DONE.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return;
    }
    // A client of another name is found by where it calls from.
    if WORLD.with(|world| world.watched) == 0
        && let Some(image) = Image::around(CALLER.load(Ordering::Acquire))
    {
        watch(&image);
    }
    control::create();
    unload::look();
    DONE.store(2, Ordering::Release);
}
