//! Programs that are built to be valid: they are accepted, agree with a slow reading of SPEC §4, keep their bound, and
//! need what they say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Assembly, Source, cases, input::with_input, program::valid, program::valid_of};
use divert_fuzz::oracle::reference;
use divert_vm::limits::USER_WORK;
use divert_vm::{Address, Event, Header, Input, Instruction, Layer, Packet, Program, Target};
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..900)
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn accepted_and_encoded_faithfully(random in bytes()) {
        let assembly = valid(&mut Source::new(&random));
        let encoded = assembly.encode();
        let program = Program::decode(&encoded).unwrap();
        let verified = program.verify(USER_WORK).map_err(|error| TestCaseError::fail(format!(
            "{error}\n{}", divert_vm::disasm::Listing::new(&program, 50)
        )))?;
        prop_assert_eq!(verified.work(), reference::work(&program, USER_WORK).unwrap());
        prop_assert!(program.verify(verified.work()).is_ok());
        prop_assert!(program.verify(verified.work() - 1).is_err());

        prop_assert_eq!(program.layer(), assembly.layer);
        let instructions: Vec<_> = (0..program.len()).filter_map(|number| program.instruction(number)).collect();
        prop_assert_eq!(&instructions, &assembly.instructions);
        let certificates: Vec<_> = (0..program.len()).filter_map(|number| program.certificate(number)).collect();
        prop_assert_eq!(&certificates, &assembly.certificates());
        let sets: Vec<_> = (0..program.set_count() as u32).filter_map(|number| program.set(number)).collect();
        prop_assert_eq!(&sets, &assembly.sets);
        let constants: Vec<_> = (0..assembly.constants.len() as u32).filter_map(|number| program.constant(number)).collect();
        prop_assert_eq!(&constants, &assembly.constants);
        prop_assert_eq!(program.debug(), &assembly.debug[..]);
        for (number, set) in sets.iter().enumerate() {
            for interval in 0..set.count {
                let at = (set.first + interval) as usize;
                let expected = if set.wide {
                    assembly.wide[at]
                } else {
                    let (low, high) = assembly.narrow[at];
                    (low.into(), high.into())
                };
                prop_assert_eq!(program.interval(set, interval), Some(expected), "set {}", number);
            }
        }
        // Written again, it is the same.
        let again = Assembly { instructions, constants, sets, ..assembly };
        prop_assert_eq!(again.encode_with(&certificates), encoded);
    }

    #[test]
    fn agrees_with_the_slow_evaluator(random in bytes(), inputs in vec(vec(any::<u8>(), 0..160), 12)) {
        let assembly = valid(&mut Source::new(&random));
        let encoded = assembly.encode();
        let verified = Assembly::verify(&encoded).unwrap();
        for random in inputs {
            with_input(&mut Source::new(&random), assembly.layer, |input| {
                let (verdict, steps) = verified.matches_counting(input);
                assert_eq!((verdict, steps), reference::run(verified.program(), input));
                assert_eq!(verified.matches(input), verdict);
                assert!(0 < steps && steps <= verified.work());
            });
        }
    }

    #[test]
    fn matches_only_in_classes_that_can_match(random in bytes(), inputs in vec(vec(any::<u8>(), 0..160), 12)) {
        let assembly = valid(&mut Source::new(&random));
        let encoded = assembly.encode();
        let verified = Assembly::verify(&encoded).unwrap();
        let needs = verified.needs();
        for random in inputs {
            with_input(&mut Source::new(&random), assembly.layer, |input| {
                let outbound = input.address().outbound;
                // At REFLECT an input is of no IP version, and its direction is no field: all four classes count.
                let ipv6 = input.is_ipv6();
                if verified.matches(input) {
                    for ipv6 in ipv6.map_or(vec![false, true], |ipv6| vec![ipv6]) {
                        assert!(needs.can_match(input.event(), outbound, ipv6));
                        assert!(needs.version(ipv6));
                    }
                    assert!(needs.direction(outbound) && needs.event(input.event()) && !needs.is_nothing());
                }
            });
        }
        for event in Event::ALL {
            if !event.happens_at(assembly.layer) {
                prop_assert!(!needs.event(event));
                prop_assert!(!needs.can_match(event, true, true));
            }
        }
    }

    /// What a program looks at lies within what it says it needs: bytes behind that do not change the verdict.
    #[test]
    fn looks_at_no_more_bytes_than_needed(
        random in bytes(),
        transport in any::<bool>(),
        packets in vec(vec(any::<u8>(), 0..160), 12),
    ) {
        let assembly = valid_of(&mut Source::new(&random), Layer::Network, |info| match info.header {
            Header::None | Header::Ip | Header::Ipv6 => true,
            Header::Icmp | Header::Icmpv6 | Header::Tcp | Header::Udp => transport,
        });
        let encoded = assembly.encode();
        let verified = Assembly::verify(&encoded).unwrap();
        let needs = verified.needs();
        for random in packets {
            let mut buffer = common::input::packet(&mut Source::new(&random));
            let Ok(before) = Packet::parse(&buffer) else { continue };
            let address = Address::default();
            let headers = if needs.transport { before.transport().payload as usize } else { before.header_length() };
            // A header that was looked at and found wanting, such as TCP with an impossible length.
            let headers = headers + if needs.transport { 20 } else { 0 };
            let looked_at = headers.saturating_add(needs.payload_bytes as usize).max(needs.packet_bytes as usize);
            if needs.whole_packet {
                continue;
            }
            let verdict = verified.matches(&Input::network(&before, &address));
            for byte in buffer.iter_mut().skip(looked_at) {
                *byte ^= 0x5A;
            }
            let after = Packet::parse(&buffer).unwrap();
            prop_assert_eq!(verified.matches(&Input::network(&after, &address)), verdict);
        }
    }

    #[test]
    fn needs_are_those_of_the_instructions(random in bytes()) {
        let assembly = valid(&mut Source::new(&random));
        let encoded = assembly.encode();
        let verified = Assembly::verify(&encoded).unwrap();
        let (mut packet, mut payload, mut from_end) = (0, 0, false);
        for Instruction { field, index, .. } in &assembly.instructions {
            let (size, header) = (field.info().element, field.info().header);
            if size == 0 {
                continue;
            }
            from_end |= *index < 0;
            if *index >= 0 {
                let end = *index as u32 + u32::from(size);
                let bytes = if header == Header::None { &mut packet } else { &mut payload };
                *bytes = end.max(*bytes);
            }
        }
        let needs = verified.needs();
        prop_assert_eq!((needs.packet_bytes, needs.payload_bytes), (packet, payload));
        prop_assert!(needs.whole_packet || !from_end);
        for field in divert_vm::FIELDS.iter().map(|info| info.field) {
            let reads = assembly.instructions.iter().any(|instruction| instruction.field == field);
            prop_assert_eq!(verified.reads(field), reads);
        }
    }
}

#[test]
fn input_of_another_layer_matches_nothing() {
    let mut assembly = Assembly::new(Layer::Forward);
    assembly.instructions.push(common::range(divert_vm::Field::Zero, 0, 0, Target::ACCEPT, Target::ACCEPT));
    let encoded = assembly.encode();
    let verified = Assembly::verify(&encoded).unwrap();
    let bytes = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let packet = Packet::parse(&bytes).unwrap();
    let address = Address::default();
    assert_eq!(verified.matches_counting(&Input::network(&packet, &address)), (false, 0));
    assert_eq!(verified.matches_counting(&Input::forward(&packet, &address)), (true, 1));
}
