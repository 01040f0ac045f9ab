//! Shared by the tests: programs written down in TOML, recorded packets, and the generators of `divert-fuzz`.
#![allow(dead_code, unused_imports, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::test_runner::Config;

pub(crate) use divert_fuzz::r#gen::assembly::{Assembly, crc32, fix_checksum, range};
pub(crate) use divert_fuzz::r#gen::program;
pub(crate) use divert_fuzz::source::Source;

pub(crate) mod case;
pub(crate) mod input;

/// As many cases as asked for, or as the environment says.
pub(crate) fn cases(cases: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    Config { cases, failure_persistence: None, ..Config::default() }
}
