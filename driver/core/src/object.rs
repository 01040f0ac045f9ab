//! The filter of a handle as REFLECT handles receive it: the object text of its verified program (`divert_vm::object`) and a
//! zero byte, as a string of C. Nobody's claim is taken for it.

use alloc::vec::Vec;
use core::fmt;

use divert_vm::Verified;
use divert_vm::limits::MAX_OBJECT;
use divert_vm::object::write;

use crate::memory::{NoMemory, try_push};

/// Counts up to [`MAX_OBJECT`] bytes.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        if self.0 > MAX_OBJECT { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Appends while there is memory.
struct Text(Vec<u8>);

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().try_for_each(|byte| try_push(&mut self.0, byte)).map_err(|_| fmt::Error)
    }
}

/// The object text of a program and a zero byte; nothing when it is longer than [`MAX_OBJECT`].
pub(crate) fn object(verified: &Verified<'_>) -> Result<Vec<u8>, NoMemory> {
    let mut length = Length(0);
    if write(verified, &mut length).is_err() {
        return Ok(Vec::new());
    }
    let mut text = Text(Vec::new());
    text.0.try_reserve_exact(length.0.saturating_add(1)).map_err(|_| NoMemory)?;
    write(verified, &mut text).map_err(|_| NoMemory)?;
    try_push(&mut text.0, 0).map_err(|_| NoMemory)?;
    Ok(text.0)
}
