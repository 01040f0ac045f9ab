//! What the reference says about opening, receiving, sending and callouts, each statement with its test. The address
//! record (§3) and the tables of flags and parameters are tested in `driver/protocol/tests/record.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;
#[path = "reference/events.rs"]
mod events;
#[path = "reference/opening.rs"]
mod opening;
#[path = "reference/receiving.rs"]
mod receiving;
#[path = "reference/sending.rs"]
mod sending;
