//! `protocol`: see the registry in `divert_fuzz`.
#![no_main]

use divert_fuzz::{must_hold, oracle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| must_hold("protocol", oracle::protocol::any_message(bytes)));
