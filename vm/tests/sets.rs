//! Set look-ups against linear search, with directories of every shift, keys at both ends of the numbers included.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Assembly, Source, cases, program::intervals, program::shift};
use divert_vm::{Address, Endpoint, Event, Field, Input, Instruction, Layer, Op, Packet, Target};
use proptest::collection::vec;
use proptest::prelude::*;

const TEST: Instruction = Instruction {
    op: Op::Set,
    field: Field::IpSrcAddr,
    on_true: Target::ACCEPT,
    on_false: Target::REJECT,
    index: 0,
    mask: u32::MAX,
    low: 0,
    high: 0,
};

/// A program that looks a source address up, behind another set so that nothing begins at 0.
fn program(wide: bool, intervals: &[(u128, u128)], shift: Option<u8>, spare: u32) -> Vec<u8> {
    let mut assembly = Assembly::new(if wide { Layer::Flow } else { Layer::Network });
    assembly.set(wide, &[(3, 3), (5, 9)], Some(0), 1);
    let low = assembly.set(wide, intervals, shift, spare);
    let instruction = if wide {
        let mask = assembly.constant(u128::MAX);
        Instruction { op: Op::WideSet, field: Field::LocalAddr, low, mask, ..TEST }
    } else {
        Instruction { low, ..TEST }
    };
    assembly.instructions.push(instruction);
    assembly.encode()
}

/// Whether the program finds the key, and in how many steps.
fn look_up(program: &[u8], wide: bool, key: u128) -> (bool, u32) {
    let verified = Assembly::verify(program).unwrap();
    let address = Address::default();
    // Counting steps reads records only; the other way reads what was decoded before.
    let judge = |input: &Input<'_>| {
        let (found, steps) = verified.matches_counting(input);
        assert_eq!(verified.matches(input), found, "{key:#x}");
        (found, steps)
    };
    let found = if wide {
        let endpoint = Endpoint { local_addr: key, ..Endpoint::default() };
        judge(&Input::flow(Event::FlowEstablished, &endpoint, &address).unwrap())
    } else {
        let mut packet = [0_u8; 20];
        (packet[0], packet[3]) = (0x45, 20);
        packet[12..16].copy_from_slice(&(key as u32).to_be_bytes());
        judge(&Input::network(&Packet::parse(&packet).unwrap(), &address))
    };
    assert_eq!(found.1, verified.work());
    found
}

fn check(wide: bool, intervals: &[(u128, u128)], shift: Option<u8>, spare: u32, more: &[u128]) {
    let program = program(wide, intervals, shift, spare);
    let greatest = if wide { u128::MAX } else { u32::MAX.into() };
    let ends = intervals.iter().flat_map(|&(low, high)| {
        [low.saturating_sub(1), low, low.midpoint(high), high, high.saturating_add(1)]
    });
    for key in ends.chain([0, 1, greatest - 1, greatest]).chain(more.iter().copied()) {
        let key = key.min(greatest);
        let expected = intervals.iter().any(|(low, high)| *low <= key && key <= *high);
        assert_eq!(look_up(&program, wide, key).0, expected, "{key:#x} in {intervals:x?}, shift {shift:?}");
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn look_up_is_linear_search(random in vec(any::<u8>(), 0..1200)) {
        let mut source = Source::new(&random);
        let wide = source.one_in(2);
        let most = source.pick(&[1, 2, 3, 8, 40]);
        let count = 1 + source.below(most);
        let greatest = if wide { u128::MAX } else { u32::MAX.into() };
        let intervals = intervals(&mut source, 0, greatest, count);
        let shift = source.one_in(3).then_some(()).map_or_else(|| shift(&mut source, &intervals), |()| None);
        let spare = u32::from(source.byte());
        let more: Vec<u128> = (0..8).map(|_| source.within(0, greatest)).collect();
        check(wide, &intervals, shift, spare, &more);
    }
}

#[test]
fn keys_at_both_ends() {
    const MAX: u128 = u128::MAX;
    for (wide, greatest) in [(false, u128::from(u32::MAX)), (true, MAX)] {
        for intervals in [
            &[(0, 0)][..],
            &[(greatest, greatest)],
            &[(0, greatest)],
            &[(0, 0), (greatest, greatest)],
            &[(0, 0), (2, greatest - 2), (greatest, greatest)],
            &[(1, greatest - 2), (greatest, greatest)],
        ] {
            check(wide, intervals, None, 0, &[]);
            for shift in 0..=127 {
                if (intervals[intervals.len() - 1].0 - intervals[0].0) >> shift < 5000 {
                    check(wide, intervals, Some(shift), 0, &[]);
                    check(wide, intervals, Some(shift), 3, &[]);
                }
            }
        }
    }
}

/// One interval a bucket, and all intervals in one bucket: the look-up costs what the depth says.
#[test]
fn depth_is_of_the_fullest_bucket() {
    let intervals: Vec<_> = (0..100).map(|number| (number << 8, (number << 8) + 9)).collect();
    for (shift, steps) in [(None, 1 + 8), (Some(8), 1 + 2), (Some(31), 1 + 8), (Some(12), 1 + 6)] {
        let program = program(false, &intervals, shift, 0);
        assert_eq!(look_up(&program, false, 0x0105), (true, steps), "{shift:?}");
        assert_eq!(look_up(&program, false, 0x010A), (false, steps), "{shift:?}");
    }
}
