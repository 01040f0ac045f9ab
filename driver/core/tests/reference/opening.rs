//! Reference §2 (layers) and §4 (opening).

use super::common::*;
use divert_driver_core::host::Host;
use divert_driver_core::state::{Action, State};
use divert_driver_core::{Driver, MAX_HANDLES, Refusal, Verdict};
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Code, Counter, Flags, Open, Reason};
use divert_vm::Layer;

fn refusal(layer: Layer, program: &[u8], priority: i16, flags: u64) -> Option<Refusal> {
    let driver = driver();
    let id = driver.create().unwrap();
    let request = Open { layer, priority, flags: Flags::from_bits(flags), work_limit: 0, program };
    let refused = driver.open(id, 1, &request).err();
    if let Some(refusal) = refused {
        // A refused handle is not open, can be opened another way, and costs nothing.
        assert_eq!(driver.statistics(id), Err(Code::NotReady), "{refusal}");
        assert_eq!(driver.platform().memory.used(), 0);
        assert_eq!(driver.platform().callouts().iter().count(), 0);
    }
    refused
}

/// §4: priority −30000 … 30000, else 87.
#[test]
fn priorities_have_bounds() {
    let program = filter(Layer::Network, "true");
    for (priority, fine) in [(-30_000, true), (30_000, true), (0, true), (-30_001, false), (30_001, false)] {
        let refused = refusal(Layer::Network, &program, priority, 0);
        assert_eq!(refused.is_none(), fine, "{priority}");
        assert!(refused.is_none_or(|refused| refused.code() == Code::InvalidParameter));
    }
}

/// §4: invalid and required flags, 87; at every layer.
#[test]
fn flags_are_checked_at_open() {
    for layer in Layer::ALL {
        let program = filter(layer, "true");
        for bits in 0..0x80 {
            let refused = refusal(layer, &program, 0, bits);
            assert_eq!(refused.is_none(), Flags::from_bits(bits).check(layer).is_ok(), "{layer:?} {bits:#x}");
            assert!(refused.is_none_or(|refused| refused.code() == Code::InvalidParameter));
        }
    }
}

/// §4: a bad filter is refused with 87; the reason says what is wrong.
#[test]
fn bad_programs_are_refused() {
    let good = filter(Layer::Network, "tcp.DstPort == 80 and ip.TTL > 5");
    assert_eq!(refusal(Layer::Network, &good, 0, 0), None);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let refused = refusal(Layer::Network, &bad, 0, 0).unwrap();
        assert_eq!(refused.code(), Code::InvalidParameter, "byte {at}: {refused}");
    }
    let refused = refusal(Layer::Forward, &good, 0, 0);
    assert_eq!(refused, Some(Refusal::Layer { program: Layer::Network }));
    assert!(matches!(refusal(Layer::Network, &[], 0, 0), Some(Refusal::Undecodable(_))));
}

/// Decided here: the driver's own work limit holds, whatever the opener asks for; a lower one is honoured.
#[test]
fn work_is_limited() {
    let program = filter(Layer::Network, "tcp.DstPort == 80 and ip.TTL > 5 and ip.Id != 3");
    let open = |own: u32, asked: u32| {
        let driver = Driver::with_work_limit(Host::default(), own);
        let id = driver.create().unwrap();
        let request = Open {
            layer: Layer::Network,
            priority: 0,
            flags: Flags::NONE,
            work_limit: asked,
            program: &program,
        };
        driver.open(id, 1, &request)
    };
    let work = open(512, 0).unwrap().work;
    assert!(work >= 3);
    assert!(open(work, 1_000_000).is_ok());
    for (own, asked) in [(work - 1, 0), (work - 1, 1_000_000), (512, work - 1)] {
        let refused = open(own, asked).unwrap_err();
        assert_eq!(refused.reason(), Reason::TooCostly(work));
    }
}

/// Decided here, for §4 and §5: every illegal order has its code.
#[test]
fn illegal_orders_have_codes() {
    use State::{BothShutdown, Closed, Closing, Opening, ReceiveShutdown, SendShutdown};
    let actions = [
        Action::Open,
        Action::Receive,
        Action::Send,
        Action::Shutdown(How::Receive),
        Action::Shutdown(How::Send),
        Action::Shutdown(How::Both),
        Action::Ask,
        Action::Close,
    ];
    let (f, n, h, d) = (Code::InvalidFunction, Code::NotReady, Code::InvalidHandle, Code::NoData);
    let o = State::Open;
    let table = [
        (Opening, [Ok(o), Err(n), Err(n), Err(n), Err(n), Err(n), Err(n), Ok(Closing)]),
        (
            o,
            [
                Err(f),
                Ok(o),
                Ok(o),
                Ok(ReceiveShutdown),
                Ok(SendShutdown),
                Ok(BothShutdown),
                Ok(o),
                Ok(Closing),
            ],
        ),
        (
            ReceiveShutdown,
            [
                Err(f),
                Ok(ReceiveShutdown),
                Ok(ReceiveShutdown),
                Ok(ReceiveShutdown),
                Ok(BothShutdown),
                Ok(BothShutdown),
                Ok(ReceiveShutdown),
                Ok(Closing),
            ],
        ),
        (
            SendShutdown,
            [
                Err(f),
                Ok(SendShutdown),
                Err(d),
                Ok(BothShutdown),
                Ok(SendShutdown),
                Ok(BothShutdown),
                Ok(SendShutdown),
                Ok(Closing),
            ],
        ),
        (
            BothShutdown,
            [
                Err(f),
                Ok(BothShutdown),
                Err(d),
                Ok(BothShutdown),
                Ok(BothShutdown),
                Ok(BothShutdown),
                Ok(BothShutdown),
                Ok(Closing),
            ],
        ),
        (Closing, [Err(h); 8]),
        (Closed, [Err(h); 8]),
    ];
    assert_eq!(table.len(), State::ALL.len());
    for (state, row) in table {
        for (action, expected) in actions.into_iter().zip(row) {
            assert_eq!(state.after(action), expected, "{state:?} {action:?}");
        }
    }
}

/// Decided here: the same through the driver.
#[test]
fn handles_live_once() {
    let driver = driver();
    let id = driver.create().unwrap();
    assert_eq!(receive(&driver, id), Err(Code::NotReady));
    assert_eq!(driver.shutdown(id, How::Both), Err(Code::NotReady));
    assert_eq!(send(&driver, id, &[out()], &udp(1, 0)), Err(Code::NotReady));
    let program = filter(Layer::Network, "true");
    let request =
        Open { layer: Layer::Network, priority: 0, flags: Flags::NONE, work_limit: 0, program: &program };
    assert!(driver.open(id, 1, &request).is_ok());
    assert_eq!(driver.open(id, 1, &request), Err(Refusal::State(Code::InvalidFunction)));
    assert_eq!(driver.close(id), Ok(()));
    assert_eq!(driver.close(id), Err(Code::InvalidHandle));
    assert_eq!(receive(&driver, id), Err(Code::InvalidHandle));
    assert_eq!(driver.open(id, 1, &request), Err(Refusal::State(Code::InvalidHandle)));
    // The slot is used again, the handle is not.
    let next = driver.create().unwrap();
    assert_ne!(next, id);
    assert_eq!(driver.statistics(id), Err(Code::InvalidHandle));
    assert_eq!(driver.close(next), Ok(()));
}

/// Decided here: there are so many handles and no more.
#[test]
fn handles_have_a_limit() {
    let driver = driver();
    let ids: Vec<_> = (0..MAX_HANDLES).map(|_| driver.create().unwrap()).collect();
    assert_eq!(driver.create(), Err(Code::NoSystemResources));
    driver.close(ids[7]).unwrap();
    assert!(driver.create().is_ok());
}

/// §1: what does not match goes on as normal; what does is diverted.
#[test]
fn only_matches_are_diverted() {
    let driver = driver();
    let id = network(&driver, "udp.DstPort == 53 and outbound", 0, 0);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!(inbound(&driver, &udp(2, 0)), Verdict::LetGo);
    assert_eq!(driver.packet(&divert_driver_core::Arrival::network(b"not IP", true)), Verdict::LetGo);
    assert_eq!(receive_id(&driver, id), Some(1));
    assert_eq!(receive_id(&driver, id), None);
}

/// §4: higher priorities see packets first; a packet is diverted once.
#[test]
fn higher_priorities_come_first() {
    let driver = driver();
    let low = network(&driver, "true", -5, 0);
    let high = network(&driver, "ip.Id < 10", 30_000, 0);
    let middle = network(&driver, "ip.Id < 20", 0, 0);
    for id in [5, 15, 25] {
        assert_eq!(outbound(&driver, &udp(id, 0)), Verdict::Block);
    }
    let received: Vec<_> = [high, middle, low].map(|handle| receive_id(&driver, handle)).into();
    assert_eq!(received, [Some(5), Some(15), Some(25)]);
    assert!([high, middle, low].into_iter().all(|handle| receive_id(&driver, handle).is_none()));
}

/// §4: at one level a packet is diverted once; here the older handle has it.
#[test]
fn one_level_diverts_once() {
    let driver = driver();
    let older = network(&driver, "true", 3, 0);
    let newer = network(&driver, "true", 3, 0);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!((receive_id(&driver, older), receive_id(&driver, newer)), (Some(1), None));
}

/// §4, §7 SNIFF: copies, does not block; everybody who sniffs has a copy, and `Sniffed` is set.
#[test]
fn sniffing_copies() {
    let driver = driver();
    let sniffers: Vec<_> = (0..3).map(|priority| network(&driver, "true", priority, 1)).collect();
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::LetGo);
    let diverting = network(&driver, "true", 1, 0);
    assert_eq!(outbound(&driver, &udp(2, 0)), Verdict::Block);
    // Priority 0 comes after the one that diverts.
    for (sniffer, expected) in sniffers.into_iter().zip([vec![1], vec![1, 2], vec![1, 2]]) {
        for id in expected {
            let got = receive(&driver, sniffer).unwrap().unwrap();
            assert!(got.addresses[0].sniffed && id_of(&got.data) == id);
        }
        assert_eq!(receive_id(&driver, sniffer), None);
    }
    assert!(!receive(&driver, diverting).unwrap().unwrap().addresses[0].sniffed);
}

/// §4, §7 SNIFF: what another driver lets through for good is shown to those who sniff, and to nobody else.
#[test]
fn settled_packets_are_sniffed() {
    let driver = driver();
    let ids =
        [(2, 0), (1, 1), (0, 1), (0, 2)].map(|(priority, flags)| network(&driver, "true", priority, flags));
    let packet = udp(1, 0);
    driver.sniff(&divert_driver_core::Arrival::network(&packet, true));
    assert_eq!(ids.map(|id| counter(&driver, id, Counter::QueueLength)), [0, 1, 1, 0]);
    assert!(receive(&driver, ids[1]).unwrap().unwrap().addresses[0].sniffed);
}

/// §4 DROP: drops matches silently.
#[test]
fn dropping_is_silent() {
    let driver = driver();
    let id = network(&driver, "ip.Id == 1", 0, 2);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!(outbound(&driver, &udp(2, 0)), Verdict::LetGo);
    assert_eq!(receive_id(&driver, id), None);
    assert_eq!(counter(&driver, id, Counter::DroppedByFlag), 1);
    let program = filter(Layer::Network, "ip.Id == 1");
    assert_eq!(driver.platform().memory.used(), program.len() + object(&program).len());
}

/// §4 RECV_ONLY: no send. SEND_ONLY: no receive, and nothing is diverted.
#[test]
fn one_way_handles() {
    let driver = driver();
    let receiver = network(&driver, "ip.Id == 1", 0, 4);
    assert_eq!(send(&driver, receiver, &[out()], &udp(1, 0)), Err(Code::InvalidParameter));
    let sender = network(&driver, "true", 5, 8);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!(outbound(&driver, &udp(2, 0)), Verdict::LetGo);
    assert_eq!(receive(&driver, sender), Err(Code::InvalidParameter));
    assert_eq!(send(&driver, sender, &[out()], &udp(3, 0)).unwrap().packets, 1);
    assert_eq!(drain_injected(&driver), [3]);
}

/// §4 NO_INSTALL: user mode's business; the driver takes it, shows it, and does as without it.
#[test]
fn no_install_is_the_business_of_user_mode() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0x10);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!(receive_id(&driver, id), Some(1));
    assert_eq!(send(&driver, id, &[out()], &udp(1, 0)).unwrap().packets, 1);
    let mut seen = Vec::new();
    let _ = driver.handles(0, 9, |entry| seen.push(entry.flags));
    assert_eq!(seen, [Flags::NO_INSTALL]);
}

/// §4 FRAGMENTS: inbound at NETWORK, fragments instead of reassembled packets.
#[test]
fn fragments_or_reassembled() {
    use divert_driver_core::{Arrival, Seen};
    for (flags, seen, outbound, taken) in [
        (0, Seen::Fragment, false, false),
        (0, Seen::Reassembled, false, true),
        (0, Seen::Whole, false, true),
        (0x20, Seen::Fragment, false, true),
        (0x20, Seen::Reassembled, false, false),
        (0x20, Seen::Whole, false, true),
        (0, Seen::Fragment, true, true),
        (0x20, Seen::Reassembled, true, true),
    ] {
        let driver = driver();
        let _handle = network(&driver, "true", 0, flags);
        let packet = udp(1, 0);
        let verdict = driver.packet(&Arrival { seen, ..Arrival::network(&packet, outbound) });
        assert_eq!(verdict == Verdict::Block, taken, "{flags:#x} {seen:?} {outbound}");
    }
}

/// §2: loopback packets are outbound only.
#[test]
fn loopback_is_outbound_only() {
    use divert_driver_core::Arrival;
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    let packet = udp(1, 0);
    let inbound = Arrival { loopback: true, ..Arrival::network(&packet, false) };
    assert_eq!(driver.packet(&inbound), Verdict::LetGo);
    let outbound = Arrival { loopback: true, ..Arrival::network(&packet, true) };
    assert_eq!(driver.packet(&outbound), Verdict::Block);
    assert!(receive(&driver, id).unwrap().unwrap().addresses[0].loopback);
}

/// §2: NETWORK and NETWORK_FORWARD are apart.
#[test]
fn packet_layers_are_apart() {
    use divert_driver_core::Arrival;
    let driver = driver();
    let forward = open(&driver, Layer::Forward, "true", 0, 0);
    let packet = udp(1, 0);
    assert_eq!(outbound(&driver, &packet), Verdict::LetGo);
    let arrival = Arrival { layer: Layer::Forward, ..Arrival::network(&packet, true) };
    assert_eq!(driver.packet(&arrival), Verdict::Block);
    assert_eq!(receive(&driver, forward).unwrap().unwrap().addresses[0].layer, 1);
}

/// Decided here: a number that was never given out names no handle, whatever the slot holds.
#[test]
fn numbers_that_were_never_given_out_are_nobody() {
    use divert_driver_core::HandleId;
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    let raw = id.to_raw();
    assert_eq!(HandleId::from_raw(raw), id);
    for other in [0, u64::MAX, raw ^ 1, raw ^ 1 << 32, raw ^ 1 << 63, u64::from(raw as u32)] {
        let other = HandleId::from_raw(other);
        assert_eq!(receive(&driver, other), Err(Code::InvalidHandle));
        assert_eq!(driver.shutdown(other, How::Both), Err(Code::InvalidHandle));
        assert_eq!(send(&driver, other, &[out()], &udp(1, 0)), Err(Code::InvalidHandle));
        assert_eq!(driver.close(other), Err(Code::InvalidHandle));
        assert!(driver.cancel(other, 1).is_none());
    }
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
}
