//! Any bytes: decoding and verifying never panic, and what is accepted runs within its bound.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Assembly, Source, cases, fix_checksum, input::with_input, program::valid};
use divert_vm::disasm::Listing;
use divert_vm::limits::USER_WORK;
use divert_vm::wire::{DecodeError, HEADER, checksum_of};
use divert_vm::{FIELDS, Program};
use proptest::collection::vec;
use proptest::prelude::*;

/// What may become of bytes.
#[derive(Debug, PartialEq)]
enum Fate {
    NoProgram,
    Refused,
    Ran,
}

fn handle(bytes: &[u8], source: &mut Source<'_>) -> Fate {
    let program = match Program::decode(bytes) {
        Ok(program) => program,
        Err(error) => {
            let _ = error.to_string();
            return Fate::NoProgram;
        }
    };
    let _ = Listing::new(&program, 5).to_string();
    let verified = match program.verify(USER_WORK) {
        Ok(verified) => verified,
        Err(error) => {
            assert!((1..=14).contains(&error.rule.number()), "{error}");
            return Fate::Refused;
        }
    };
    assert!(0 < verified.work() && verified.work() <= USER_WORK);
    for info in &FIELDS {
        assert!(!verified.reads(info.field) || info.layers.contains(program.layer()));
    }
    for _ in 0..6 {
        with_input(source, program.layer(), |input| {
            let (verdict, steps) = verified.matches_counting(input);
            assert!(steps <= verified.work());
            if let (true, Some(ipv6)) = (verdict, input.is_ipv6()) {
                assert!(verified.needs().can_match(input.event(), input.address().outbound, ipv6));
            }
        });
    }
    Fate::Ran
}

/// A valid program with some bytes changed, cut off or added.
fn mutated(source: &mut Source<'_>) -> Vec<u8> {
    let mut bytes = valid(source).encode();
    for _ in 0..source.pick(&[1, 1, 1, 2, 3, 8]) {
        let at = source.below(bytes.len());
        bytes[at] = match source.byte() % 4 {
            0 => bytes[at] ^ 1 << source.below(8),
            1 => bytes[at].wrapping_add(1),
            2 => source.pick(&[0, 1, 0xFE, 0xFF]),
            _ => source.byte(),
        };
    }
    match source.byte() % 16 {
        0 => bytes.truncate(source.below(bytes.len())),
        1 => {
            let more = 1 + source.below(50);
            bytes.extend(source.bytes(more));
        }
        _ => {}
    }
    bytes
}

/// Makes the header's length right, so that more gets past the decoder.
fn fix_length(bytes: &mut [u8]) {
    let length = bytes.len() as u32;
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn random_bytes(mut bytes in vec(any::<u8>(), 0..400)) {
        handle(&bytes, &mut Source::new(&[]));
        // With a header that gets further.
        if bytes.len() >= HEADER {
            bytes[..8].copy_from_slice(b"DVC\x1a\x01\0\0\0");
            bytes[6] = bytes[20] % 6;
            fix_length(&mut bytes);
            let mut left = bytes.len() - HEADER;
            let counts = [(16, 36), (20, 16), (24, 24), (28, 8), (32, 32), (36, 4), (40, 1)];
            for (at, size) in counts {
                let count = if size == 1 { left } else { left / size / 2 };
                left -= count * size;
                bytes[at..at + 4].copy_from_slice(&(count as u32).to_le_bytes());
            }
            bytes[44..48].fill(0);
            fix_checksum(&mut bytes);
            let refused = bytes[6] > 4;
            prop_assert_eq!(Program::decode(&bytes).is_err(), refused);
            handle(&bytes, &mut Source::new(&[]));
        }
    }

    #[test]
    fn mutated_programs(random in vec(any::<u8>(), 0..900), rest in vec(any::<u8>(), 0..400)) {
        let original = valid(&mut Source::new(&random)).encode();
        let mut bytes = mutated(&mut Source::new(&random));
        // An error in few bytes is found by the checksum.
        let fate = handle(&bytes, &mut Source::new(&rest));
        prop_assert!(fate == Fate::NoProgram || bytes == original, "{:?}", fate);
        fix_checksum(&mut bytes);
        handle(&bytes, &mut Source::new(&rest));
        if bytes.len() >= HEADER {
            fix_length(&mut bytes);
            fix_checksum(&mut bytes);
            handle(&bytes, &mut Source::new(&rest));
        }
    }

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
    let mut state = 1_u64;
    for _ in 0..3000 {
        let random: Vec<u8> = (0..400)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let mut bytes = mutated(&mut Source::new(&random));
        fix_checksum(&mut bytes);
        let fate = handle(&bytes, &mut Source::new(&random));
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
