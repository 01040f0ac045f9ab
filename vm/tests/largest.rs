//! The largest programs that SPEC §2 and §6 allow, and one more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Assembly, range};
use divert_vm::limits::{MAX_BUCKETS, MAX_INSTRUCTIONS, MAX_SET_INTERVALS, USER_WORK};
use divert_vm::verify::{Rule, Where};
use divert_vm::wire::{DecodeError, Section};
use divert_vm::{Address, Endpoint, Event, Field, Input, Instruction, Layer, Op, Packet, Program, Target};

const SET: Instruction =
    Instruction { op: Op::Set, ..range(Field::Zero, 0, 0, Target::ACCEPT, Target::REJECT) };

fn chain(length: usize) -> Assembly {
    let mut assembly = Assembly::new(Layer::Network);
    assembly.instructions = (1..=length)
        .map(|next| {
            let no = if next < length { Target::instruction(next).unwrap() } else { Target::REJECT };
            range(Field::Packet32, next as u32, next as u32, Target::ACCEPT, no)
        })
        .collect();
    assembly
}

#[test]
fn most_instructions() {
    let bytes = chain(MAX_INSTRUCTIONS).encode();
    let verified = Assembly::verify(&bytes).unwrap();
    assert_eq!(verified.work(), 65_534);
    const { assert!(USER_WORK >= 65_534, "the longest program without sets is for user mode") };
    let mut packet = [0_u8; 20];
    (packet[0], packet[3]) = (0x45, 20);
    let packet = Packet::parse(&packet).unwrap();
    let address = Address::default();
    assert_eq!(verified.matches_counting(&Input::network(&packet, &address)), (false, 65_534));

    assert_eq!(Target::instruction(MAX_INSTRUCTIONS), None);
    let mut longer = chain(MAX_INSTRUCTIONS);
    longer.instructions.push(longer.instructions[0]);
    let bytes = longer.encode();
    assert_eq!(Program::decode(&bytes).unwrap_err(), DecodeError::TooMany(Section::Instructions));
}

#[test]
fn most_intervals() {
    let intervals: Vec<(u128, u128)> =
        (0..MAX_SET_INTERVALS as u128).map(|number| (8 * number, 8 * number + 1)).collect();
    let mut assembly = Assembly::new(Layer::Network);
    assembly.set(false, &intervals, None, 0);
    assembly.instructions.push(Instruction { field: Field::IpSrcAddr, ..SET });
    let bytes = assembly.encode();
    assert_eq!(Assembly::verify(&bytes).unwrap().work(), 1 + 23);

    assembly.sets.clear();
    assembly.narrow.clear();
    assembly.set(false, &[&intervals[..], &[(1 << 30, 1 << 30)]].concat(), None, 0);
    let error = Assembly::verify(&assembly.encode()).unwrap_err();
    assert_eq!((error.place, error.rule), (Where::Set(0), Rule::SetLayout));
}

#[test]
fn most_buckets() {
    let buckets = u128::from(MAX_BUCKETS);
    for spare in [0, 1] {
        let mut assembly = Assembly::new(Layer::Flow);
        assembly.set(true, &[(7, 7), (buckets + 6, buckets + 6)], Some(0), spare);
        let mask = assembly.constant(u128::MAX);
        assembly.instructions.push(Instruction { op: Op::WideSet, field: Field::LocalAddr, mask, ..SET });
        let bytes = assembly.encode();
        if spare > 0 {
            let error = Assembly::verify(&bytes).unwrap_err();
            assert_eq!((error.place, error.rule), (Where::Set(0), Rule::SetDirectory));
            continue;
        }
        let verified = Assembly::verify(&bytes).unwrap();
        let address = Address::default();
        for (key, inside) in [(6, false), (7, true), (8, false), (buckets + 6, true), (buckets + 7, false)] {
            let endpoint = Endpoint { local_addr: key, ..Endpoint::default() };
            let input = Input::flow(Event::FlowDeleted, &endpoint, &address).unwrap();
            assert_eq!(verified.matches_counting(&input), (inside, 3), "{key}");
        }
    }
}
