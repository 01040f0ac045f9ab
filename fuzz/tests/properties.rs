//! Every property on random bytes: a smoke test with fixed ones, and a proptest twin of each fuzz target.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use divert_fuzz::{PROPERTIES, Source, must_hold, property};
use proptest::prelude::*;

/// As many cases as the environment says, else `cases`.
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn properties_hold_for_fixed_bytes() {
    for property in &PROPERTIES {
        for length in [0, 1, 2, 3, 7, 20, 60, 200, 900] {
            for seed in 0..10 {
                let bytes = Source::seeded(seed).bytes(length);
                must_hold(property.name, (property.run)(&bytes));
            }
        }
    }
}

/// The seeds of the fuzz targets; among them is what was found once.
#[test]
fn properties_hold_for_their_seeds() {
    for property in &PROPERTIES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(property.name);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            must_hold(property.name, (property.run)(&bytes));
            count += 1;
        }
        assert!(count > 2, "{} has {count} seeds", property.name);
    }
}

#[test]
fn properties_are_found_by_name() {
    for wanted in &PROPERTIES {
        assert_eq!(property(wanted.name).unwrap().promise, wanted.promise);
    }
    assert!(property("nothing").is_none());
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn properties_hold_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for property in &PROPERTIES {
            must_hold(property.name, (property.run)(&bytes));
        }
    }
}
