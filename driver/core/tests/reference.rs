//! What the reference says, each statement with its test: `reference/statements.toml` is the list. The layout of the
//! address record (§3) and the tables of flags and parameters are tested in `driver/protocol/tests/record.rs`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "reference/callouts.rs"]
mod callouts;
mod common;
#[path = "reference/events.rs"]
mod events;
#[path = "reference/opening.rs"]
mod opening;
#[path = "reference/receiving.rs"]
mod receiving;
#[path = "reference/record.rs"]
mod record;
#[path = "reference/sending.rs"]
mod sending;
#[path = "reference/statements.rs"]
mod statements;
