//! A verified program and its bytes in one.

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::{NonNull, slice_from_raw_parts_mut};

use divert_driver_core::memory::try_copy;
use divert_driver_core::platform::{KeepError, Program};
use divert_vm::{Program as Decoded, Verified};

use super::pool;

/// Bytes that stay where they are until they are dropped.
struct Bytes {
    start: NonNull<u8>,
    length: usize,
    capacity: usize,
}

// SAFETY: the bytes are owned, and nothing about them depends on the thread.
unsafe impl Send for Bytes {}
// SAFETY: they are only read.
unsafe impl Sync for Bytes {}

impl Bytes {
    fn copy(bytes: &[u8]) -> Option<Self> {
        let mut copy = core::mem::ManuallyDrop::new(try_copy(bytes).ok()?);
        let (length, capacity) = (copy.len(), copy.capacity());
        NonNull::new(copy.as_mut_ptr()).map(|start| Self { start, length, capacity })
    }

    /// The bytes, for as long as the caller sees to it that `self` is not dropped.
    ///
    /// # Safety
    /// What is returned is not used once `self` is dropped.
    unsafe fn lasting(&self) -> &'static [u8] {
        let bytes = slice_from_raw_parts_mut(self.start.as_ptr(), self.length);
        // SAFETY: `copy` made them and nobody writes to them; the caller promises not to use them for too long.
        unsafe { &*bytes }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: these are the parts of the vector that `copy` took apart.
        drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.length, self.capacity) });
    }
}

/// A verified program and the bytes that it is a view of.
pub(crate) struct Kept {
    // Before the bytes, so that it is dropped before them.
    // Not by value: it is larger than what a kernel stack should carry from call to call.
    verified: Box<Verified<'static>>,
    _bytes: Bytes,
}

impl Kept {
    /// Copies, decodes and verifies.
    ///
    /// # Errors
    /// When the bytes are not a program, the verifier refuses it, or there is no memory.
    #[inline(never)]
    pub(crate) fn new(bytes: &[u8], work_limit: u32) -> Result<Self, KeepError> {
        let bytes = Bytes::copy(bytes).ok_or(KeepError::NoMemory)?;
        // SAFETY: the view goes into the same structure as the bytes, is only lent for as long as that is borrowed
        // (`Program::verified`), and is dropped before them.
        let lasting = unsafe { bytes.lasting() };
        let program = Decoded::decode(lasting).map_err(KeepError::Decode)?;
        let verified = verified(program, work_limit)?;
        Ok(Self { verified, _bytes: bytes })
    }
}

/// In a frame of its own, which is gone when the runtime goes on.
#[inline(never)]
fn verified(program: Decoded<'static>, work_limit: u32) -> Result<Box<Verified<'static>>, KeepError> {
    let verified = program.verify(work_limit).map_err(KeepError::Verify)?;
    pool::try_box(verified).map_err(|_| KeepError::NoMemory)
}

impl Program for Kept {
    fn verified(&self) -> &Verified<'_> {
        &self.verified
    }
}
