//! Control requests of hostile callers: random and mutated messages in any order only ever meet defined codes, and
//! nothing is left behind.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use divert_driver_core::Control;
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Flags, Open, Parameter, Receive, Reply, Request, Send};
use divert_vm::Layer;
use proptest::prelude::*;

fn messages() -> Vec<Vec<u8>> {
    let program = filter(Layer::Network, "udp.DstPort == 53");
    let open =
        Open { layer: Layer::Network, priority: 3, flags: Flags::NONE, work_limit: 0, program: &program };
    let (records, packet) = ([out().encode()], udp(1, 3));
    [
        Request::Open(open),
        Request::Receive(Receive { addresses: 3, hold: 0 }),
        Request::Send(Send::new(&records, &packet).unwrap()),
        Request::Shutdown(How::Receive),
        Request::SetParameter(Parameter::QueueSize, 70_000),
        Request::GetParameter(Parameter::QueueTime),
        Request::Statistics,
        Request::Handles { from: 0 },
    ]
    .iter()
    .map(|request| {
        let mut message = vec![0; request.encoded_length()];
        request.encode(&mut message).unwrap();
        message
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn only_defined_answers(
        steps in proptest::collection::vec(
            (
                0_usize..8,
                0_usize..4,
                proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
                prop_oneof![Just(4096_usize), 0_usize..64],
                any::<bool>(),
            ),
            1..60,
        ),
    ) {
        let (driver, messages) = (driver(), messages());
        let mut handles: Vec<_> = (0..4).map(|_| driver.create().unwrap()).collect();
        for (which, at, changes, room, closes) in steps {
            let mut message = messages[which].clone();
            for (place, value) in changes {
                let place = place.index(message.len());
                message[place] = value;
            }
            let mut reply = vec![0; room];
            if let Ok(Control::Replied(length)) = driver.control(handles[at], 9, &message, &mut reply) {
                prop_assert!(length == 0 || Reply::decode(&reply[..length]).is_ok());
            }
            let _ = outbound(&driver, &udp(2, 0));
            if closes && which == 0 {
                driver.close(handles[at]).unwrap();
                handles[at] = driver.create().unwrap();
            }
        }
        for handle in handles {
            driver.close(handle).unwrap();
        }
        drain_injected(&driver);
        prop_assert_eq!(driver.platform().memory.used(), 0);
        prop_assert_eq!(driver.platform().callouts().iter().count(), 0);
    }
}

#[test]
fn handles_are_listed_in_pages() {
    let driver = driver();
    for priority in 0..10 {
        network(&driver, "true", priority, 1);
    }
    let id = driver.create().unwrap();
    let (mut from, mut seen) = (0, Vec::new());
    loop {
        let mut message = [0; 16];
        Request::Handles { from }.encode(&mut message).unwrap();
        // Room for three entries.
        let mut reply = [0; 16 + 3 * 40 + 39];
        let Ok(Control::Replied(length)) = driver.control(id, 1, &message, &mut reply) else { break };
        let Ok(Reply::Handles(handles)) = Reply::decode(&reply[..length]) else { break };
        seen.extend(handles.entries().map(|entry| (entry.priority, entry.process_id)));
        from = handles.entries().last().map_or(from, |entry| entry.serial + 1);
        if !handles.more {
            break;
        }
    }
    assert_eq!(seen, (0..10).map(|priority| (priority, 77)).collect::<Vec<_>>());
}
