//! From bytecode to its object text (`divert_vm::object`, SPEC §9).

use divert_vm::Verified;
use divert_vm::object::write;

/// The object text of a program.
#[must_use]
pub fn text(verified: &Verified<'_>) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = write(verified, &mut text);
    text
}
