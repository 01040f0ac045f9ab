//! `events`: see `divertc::properties`.
#![no_main]

use divert_fuzz::must_hold;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| must_hold("events", divertc::properties::events(bytes)));
