//! Bytes that are no program, or a damaged one. That any bytes are judged by SPEC §6 and run within their bound is a
//! property of `divert-fuzz`; here is what is said of the checksum, and that the property sees programs that run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::program::{mutated, valid};
use common::{Assembly, Source, cases, fix_checksum};
use divert_fuzz::oracle::verifier::{accepted, handle};
use divert_vm::Program;
use divert_vm::wire::{DecodeError, checksum_of};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn checksum_is_the_common_one(bytes in vec(any::<u8>(), 0..300)) {
        // Bytes 12 to 15 count as zeros, also where there are none.
        let mut zeroed = bytes.clone();
        let known = zeroed.len().min(12);
        zeroed.splice(known..bytes.len().min(16), [0; 4]);
        prop_assert_eq!(checksum_of(&bytes), common::crc32(zeroed.into_iter()));
    }
}

/// What mutation makes is not all refused: otherwise the property above says little.
#[test]
fn some_mutated_programs_still_run() {
    let mut fates = [0_usize; 3];
    for seed in 0..3000 {
        let random = Source::seeded(seed).bytes(400);
        let mut bytes = mutated(&mut Source::new(&random));
        fix_checksum(&mut bytes);
        let fate = handle(&bytes, &mut Source::new(&random), accepted).unwrap();
        fates[fate as usize] += 1;
    }
    assert!(fates.iter().all(|count| *count > 100), "{fates:?}");
}

#[test]
fn every_byte_of_a_program_counts() {
    let mut source = [7_u8; 300];
    for (at, byte) in source.iter_mut().enumerate() {
        *byte = (at * 37 % 251) as u8;
    }
    let bytes = valid(&mut Source::new(&source)).encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(Program::decode(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
    for length in 0..bytes.len() {
        let error = Program::decode(&bytes[..length]).unwrap_err();
        assert!(matches!(error, DecodeError::TooShort | DecodeError::Length { .. }), "{error}");
    }
    assert!(Assembly::verify(&bytes).is_ok());
}
