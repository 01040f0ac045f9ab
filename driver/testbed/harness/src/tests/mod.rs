//! The tests, in the order in which they run. Each opens what it needs and closes it; what is left is found.

mod basics;
pub(crate) mod figures;
mod rules;

use std::process::ExitCode;

use crate::Check;
use crate::bed::Bed;

/// A test.
type Test = fn(&mut Bed) -> Check;

/// All tests.
pub(crate) const ALL: &[(&str, Test)] = &[
    ("rules: every check of the double fires", rules::fire),
    ("rules: what is left at unload is found", rules::left),
    ("basics: a packet is diverted, received, sent back and leaves", basics::round_trip),
];

/// What a child process of a test does.
pub(crate) fn child(role: &str) -> ExitCode {
    eprintln!("no role {role}");
    ExitCode::FAILURE
}

/// Fails unless two things are equal.
fn equal<T: PartialEq + std::fmt::Debug>(what: &str, left: T, right: T) -> Check {
    if left == right { Ok(()) } else { Err(format!("{what}: {left:?}, expected {right:?}")) }
}
