//! Requests of the I/O manager.
//!
//! An [`Irp`] is the right to complete a request, and the duty. One that has to wait becomes a [`Waiting`] and two
//! [`Share`]s: owner, dispatch routine and cancel routine each hold the request, and the last who lets go completes
//! it. So nobody touches a request that is completed, whoever comes first.

use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};
use core::slice;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use divert_driver_abi::wdm::{
    DEVICE_OBJECT, FILE_OBJECT, IO_NO_INCREMENT, IO_STACK_LOCATION, IRP, KernelMode, MDL,
    MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL, METHOD_BUFFERED, METHOD_NEITHER, MmCached,
    NTSTATUS, SL_PENDING_RETURNED, STATUS_CANCELLED, STATUS_PENDING, member,
};

use super::{ffi, pool};

/// The bits of a control code that say how buffers are passed.
const METHODS: u32 = 3;

/// A request that the driver has and will complete. Dropped, it is completed as cancelled.
pub(crate) struct Irp(NonNull<IRP>);

/// Lengths and code of a control request.
#[derive(Clone, Copy)]
pub(crate) struct ControlParameters {
    pub(crate) code: u32,
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Irp {
    /// The request that a dispatch routine was given.
    ///
    /// # Safety
    /// The I/O manager has just given it to the driver, which has not completed it.
    pub(super) const unsafe fn new(irp: NonNull<IRP>) -> Self {
        Self(irp)
    }

    fn stack(&self) -> *mut IO_STACK_LOCATION {
        let place = member::irp_stack(self.0.as_ptr());
        // SAFETY: the request is the driver's until it is completed.
        unsafe { place.read() }
    }

    /// The major function.
    pub(crate) fn major(&self) -> usize {
        let place = member::stack_major(self.stack());
        // SAFETY: as above; the stack location is part of the request.
        usize::from(unsafe { place.read() })
    }

    /// Parameters of a control request; to be asked of no other.
    pub(crate) fn control(&self) -> ControlParameters {
        let stack = self.stack();
        // SAFETY: the stack location is part of the request.
        let code = unsafe { member::stack_control_code(stack).read() };
        // SAFETY: as above.
        let input = unsafe { member::stack_input_length(stack).read() };
        // SAFETY: as above.
        let output = unsafe { member::stack_output_length(stack).read() };
        ControlParameters { code, input: input as usize, output: output as usize }
    }

    fn file(&self) -> *mut FILE_OBJECT {
        let place = member::stack_file(self.stack());
        // SAFETY: the stack location is part of the request.
        unsafe { place.read() }
    }

    /// The number that the driver keeps with the file object.
    pub(crate) fn file_number(&self) -> u64 {
        let file = self.file();
        if file.is_null() {
            return 0;
        }
        // SAFETY: the file object lives as long as a request for it; the member is the driver's own.
        unsafe { member::file_context(file).read() }.addr() as u64
    }

    /// Keeps a number with the file object. Only to be called while it is being created, when nobody else has it.
    pub(crate) fn set_file_number(&self, number: u64) {
        let file = self.file();
        if !file.is_null() {
            // SAFETY: as above.
            unsafe { member::file_context(file).write(core::ptr::without_provenance_mut(number as usize)) };
        }
    }

    fn system_buffer(&self) -> *mut u8 {
        let place = member::irp_system_buffer(self.0.as_ptr());
        // SAFETY: the request is the driver's.
        unsafe { place.read() }.cast()
    }

    /// The input of a control request: a copy that the I/O manager made, unless the code says otherwise; then empty.
    pub(crate) fn input(&self) -> &[u8] {
        let ControlParameters { code, input, .. } = self.control();
        let buffer = self.system_buffer();
        if buffer.is_null() || input == 0 || code & METHODS == METHOD_NEITHER {
            return &[];
        }
        // SAFETY: the I/O manager allocated it for this request, at least as long as the input; nobody writes to it
        // while it is borrowed from here.
        unsafe { slice::from_raw_parts(buffer, input) }
    }

    /// Where the output of a buffered control request goes, in the place of the input. Empty for other methods.
    pub(crate) fn output(&mut self) -> &mut [u8] {
        let ControlParameters { code, output, .. } = self.control();
        let buffer = self.system_buffer();
        if buffer.is_null() || output == 0 || code & METHODS != METHOD_BUFFERED {
            return &mut [];
        }
        // SAFETY: for this method the buffer is as long as the longer of input and output; `self` is borrowed alone.
        unsafe { slice::from_raw_parts_mut(buffer, output) }
    }

    /// Whether the caller gave an output buffer, of whatever length.
    pub(crate) fn has_user_buffer(&self) -> bool {
        // SAFETY: the request is the driver's. The pointer itself is never followed.
        !unsafe { member::irp_user_buffer(self.0.as_ptr()).read() }.is_null()
    }

    /// The direct output buffer, mapped for the system: probed and locked by the I/O manager, so that it stays where it
    /// is until the request is completed. `None` when there is none, or no way to map it.
    fn map(&self) -> Option<(NonNull<u8>, usize)> {
        // SAFETY: the request is the driver's.
        let mdl = unsafe { member::irp_mdl(self.0.as_ptr()).read() };
        if mdl.is_null() {
            return None;
        }
        // SAFETY: the descriptor belongs to the request.
        let length = unsafe { member::mdl_length(mdl).read() };
        // SAFETY: as above.
        let address = unsafe { system_address(mdl) };
        Some((NonNull::new(address.cast())?, length as usize))
    }

    fn set(&self, status: NTSTATUS, information: usize) {
        // SAFETY: the request is the driver's.
        unsafe { member::irp_status(self.0.as_ptr()).write(status) };
        // SAFETY: as above.
        unsafe { member::irp_information(self.0.as_ptr()).write(information) };
    }

    fn mark_pending(&self) {
        let control = member::stack_control(self.stack());
        // SAFETY: the stack location is the driver's.
        let bits = unsafe { control.read() };
        // SAFETY: as above.
        unsafe { control.write(bits | SL_PENDING_RETURNED) };
    }

    /// Completes the request at once. Gives what the dispatch routine returns. Up to DISPATCH_LEVEL.
    pub(crate) fn complete(self, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.set(status, information);
        let irp = self.0;
        core::mem::forget(self);
        // SAFETY: `self` was the right to complete, and is gone.
        unsafe { ffi::IofCompleteRequest(irp.as_ptr(), IO_NO_INCREMENT) };
        status
    }

    /// Completes the request as if it had waited, so that events and completion ports hear of failures too.
    pub(crate) fn complete_pending(self, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.mark_pending();
        self.complete(status, information);
        STATUS_PENDING
    }

    /// Makes a request with a direct output buffer wait, to be found by the cancel routine under `number`. From here on
    /// the dispatch routine has to return `STATUS_PENDING`.
    ///
    /// # Errors
    /// The request, when its buffer cannot be mapped.
    pub(crate) fn wait(self, number: u64) -> Result<(Waiting, Share), Self> {
        match self.map() {
            Some((buffer, length)) => Ok(self.wait_with(number, buffer, length)),
            None => Err(self),
        }
    }

    /// As [`Irp::wait`], for a request without an output buffer.
    pub(crate) fn hold(self, number: u64) -> (Waiting, Share) {
        self.wait_with(number, NonNull::dangling(), 0)
    }

    fn wait_with(self, number: u64, buffer: NonNull<u8>, length: usize) -> (Waiting, Share) {
        let irp = self.0;
        self.mark_pending();
        core::mem::forget(self);
        let context = [
            // Owner, dispatch routine, cancel routine.
            core::ptr::without_provenance_mut::<c_void>(3),
            core::ptr::without_provenance_mut(number as usize),
            null_mut(),
            null_mut(),
        ];
        // SAFETY: the member is the driver's own while it has the request; nobody else knows of it yet.
        unsafe { member::irp_driver_context(irp.as_ptr()).write(context) };
        routine(irp).store(cancelled as *mut c_void, Ordering::SeqCst);
        (Waiting { irp, buffer, length }, Share(irp))
    }
}

impl Drop for Irp {
    fn drop(&mut self) {
        self.set(STATUS_CANCELLED, 0);
        // SAFETY: this is the right to complete, and it is gone after this.
        unsafe { ffi::IofCompleteRequest(self.0.as_ptr(), IO_NO_INCREMENT) };
    }
}

/// `MmGetSystemAddressForMdlSafe`: an inline function of the headers.
///
/// # Safety
/// The descriptor is of locked pages, or of non-paged pool.
unsafe fn system_address(mdl: *mut MDL) -> *mut c_void {
    // SAFETY: the caller's promise.
    let flags = unsafe { member::mdl_flags(mdl).read() };
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        // SAFETY: the flags say that the member holds the address.
        unsafe { member::mdl_mapped(mdl).read() }
    } else {
        let priority = pool::mapping_priority();
        // SAFETY: the pages are locked; failure is a null pointer, as asked for (the last but one argument).
        unsafe { ffi::MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null_mut(), 0, priority) }
    }
}

/// The place of the cancel routine, which is exchanged as `IoSetCancelRoutine` does.
fn routine<'a>(irp: NonNull<IRP>) -> &'a AtomicPtr<c_void> {
    let place = member::irp_cancel_routine(irp.as_ptr()).cast::<*mut c_void>();
    // SAFETY: callers hold the request; an optional function pointer has the form of a pointer, and the place is
    // aligned and only ever exchanged atomically.
    unsafe { AtomicPtr::from_ptr(place) }
}

/// Lets go of some of the shares; the last one completes the request, whose status the owner has set.
fn release(irp: NonNull<IRP>, shares: usize) {
    let count = member::irp_driver_context(irp.as_ptr()).cast::<usize>();
    // SAFETY: callers hold a share, so the request is there, and its first word is the count.
    let count = unsafe { AtomicUsize::from_ptr(count) };
    if count.fetch_sub(shares, Ordering::AcqRel) == shares {
        // SAFETY: nobody holds the request any more but this call.
        unsafe { ffi::IofCompleteRequest(irp.as_ptr(), IO_NO_INCREMENT) };
    }
}

/// A request that waits, and its output buffer. Dropped, it is completed as cancelled.
pub(crate) struct Waiting {
    irp: NonNull<IRP>,
    buffer: NonNull<u8>,
    length: usize,
}

// SAFETY: the I/O manager does not care which thread completes a request, and its buffer is mapped for the system.
unsafe impl Send for Waiting {}

impl Waiting {
    /// Different for any two that wait at once.
    pub(crate) fn key(&self) -> u64 {
        self.irp.as_ptr().addr() as u64
    }

    /// The output buffer.
    pub(crate) fn buffer(&mut self) -> &mut [u8] {
        // SAFETY: it is mapped until the request is completed, which this owner has not done; nobody else in the
        // kernel has it (user mode may change it, but nothing here relies on what is read back from it).
        unsafe { slice::from_raw_parts_mut(self.buffer.as_ptr(), self.length) }
    }

    /// Completes the request as soon as nobody else holds it. Up to DISPATCH_LEVEL.
    pub(crate) fn complete(self, status: NTSTATUS, information: usize) {
        self.finish(status, information);
        core::mem::forget(self);
    }

    fn finish(&self, status: NTSTATUS, information: usize) {
        // SAFETY: the owner holds the request, and only it sets the status.
        unsafe { member::irp_status(self.irp.as_ptr()).write(status) };
        // SAFETY: as above.
        unsafe { member::irp_information(self.irp.as_ptr()).write(information) };
        // When the routine was still there it will not be called: its share is the owner's to give back.
        let uncalled = !routine(self.irp).swap(null_mut(), Ordering::SeqCst).is_null();
        release(self.irp, if uncalled { 2 } else { 1 });
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.finish(STATUS_CANCELLED, 0);
    }
}

/// Holds a request that waits without owning it.
pub(crate) struct Share(NonNull<IRP>);

impl Share {
    /// See [`Waiting::key`].
    pub(crate) fn key(&self) -> u64 {
        self.0.as_ptr().addr() as u64
    }

    /// Whether somebody has asked to cancel it.
    pub(crate) fn is_cancelled(&self) -> bool {
        let cancel = member::irp_cancel(self.0.as_ptr());
        // SAFETY: the request is held. The I/O manager sets the byte once, and before it calls the cancel routine.
        unsafe { cancel.read_volatile() != 0 }
    }

    fn number(&self) -> u64 {
        let place = member::irp_driver_context(self.0.as_ptr()).cast::<*mut c_void>().wrapping_add(1);
        // SAFETY: the request is held, and the word was written before there were shares.
        unsafe { place.read() }.addr() as u64
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        release(self.0, 1);
    }
}

/// The cancel routine: called by the I/O manager at DISPATCH_LEVEL with its cancel lock held, which it gives back.
unsafe extern "system" fn cancelled(_: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the cancel routine has a share of the request.
    let irql = unsafe { member::irp_cancel_irql(irp).read() };
    // SAFETY: the I/O manager took the lock for this call and left the level in the request.
    unsafe { ffi::IoReleaseCancelSpinLock(irql) };
    let Some(irp) = NonNull::new(irp) else { return };
    let share = Share(irp);
    crate::control::cancel(share.number(), &share);
}
