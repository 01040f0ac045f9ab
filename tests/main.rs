//! One test binary; a module for each subject. `README.md` says what lives where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod acceptance;
mod capi;
mod docs;
mod engines;
mod extended;
mod lints;
mod savings;
mod tidy;
