//! Helpers shared by the tests of this package.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test support")]

pub mod vectors;
