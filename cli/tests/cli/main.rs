//! Tests of the program as a program: arguments in, streams and exit status out.
//!
//! - `cases`: transcripts in `tests/cmd/*.txt`. Dropping a file there adds a test; its head says what it shows.
//! - `diagnostics`: bad filters in `tests/diagnostics/*.dvf`, each with what `check` says of it beside it.
//! - `encoding`: line ends and byte-order marks, which transcripts do not show.
//! - `peers`: tcpdump finds the same packets, with filters of equal meaning.
//! - `readme`: the manual's examples are run, so that it cannot lie.
//! - `streams`: what cannot be written down as a transcript: closed pipes, full disks, permissions.
//! - `witnesses`: what shows an answer shows it when it is read again.
//!
//! `BLESS=1 cargo test -p divertc --test cli` writes all expectations anew; read the difference before it is committed.
#![expect(clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod cases;
mod diagnostics;
mod encoding;
mod peers;
mod readme;
mod run;
mod streams;
mod witnesses;
