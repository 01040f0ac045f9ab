//! Reference §6.

use super::common::*;
use divert_driver_core::{Arrival, Mark, Origin, Verdict};
use divert_driver_protocol::{Address, Code, Counter, Data};
use divert_vm::Layer;
use divert_vm::checksum::{Leave, update};
use std::sync::atomic::Ordering;

/// Only NETWORK and NETWORK_FORWARD, and not with RECV_ONLY.
#[test]
fn only_packet_layers_send() {
    for (layer, flags, fine) in [
        (Layer::Network, 0, true),
        (Layer::Network, 1, true),
        (Layer::Network, 2, true),
        (Layer::Network, 8, true),
        (Layer::Network, 4, false),
        (Layer::Forward, 0, true),
        (Layer::Forward, 4, false),
        (Layer::Flow, 5, false),
        (Layer::Socket, 4, false),
        (Layer::Reflect, 5, false),
    ] {
        let driver = driver();
        let id = open(&driver, layer, "false", 0, flags);
        let sent = send(&driver, id, &[out()], &udp(1, 0));
        assert_eq!(sent.is_ok(), fine, "{layer:?} {flags}");
        if fine {
            let injection = driver.platform().take_injected().unwrap();
            assert_eq!(injection.layer, layer);
            driver.injected(injection.ticket, true);
        } else {
            assert_eq!(sent, Err(Code::InvalidParameter));
        }
    }
}

/// Direction is the address's Outbound flag; inbound injection needs an interface.
#[test]
fn direction_is_the_address_flag() {
    let driver = driver();
    let id = network(&driver, "false", 0, 0);
    let inbound = Address { outbound: false, ..out() };
    let sent = send(&driver, id, &[inbound], &udp(1, 0)).unwrap();
    assert_eq!((sent.packets, sent.code), (0, Some(Code::InvalidParameter)));
    let inbound = Address { data: Data::Network { if_idx: 3, sub_if_idx: 4 }, ..inbound };
    assert_eq!(send(&driver, id, &[inbound, out()], &[udp(1, 0), udp(2, 0)].concat()).unwrap().packets, 2);
    let first = driver.platform().take_injected().unwrap();
    assert_eq!((first.outbound, first.if_idx, first.sub_if_idx), (false, 3, 4));
    assert!(driver.platform().take_injected().unwrap().outbound);
}

/// An injected packet is offered only to handles of lower priority than the one that sent it.
#[test]
fn injected_packets_go_to_lower_priorities() {
    let driver = driver();
    let handles: Vec<_> =
        [10, 5, 5, 0, -30_000].map(|priority| (priority, network(&driver, "true", priority, 1))).into();
    for (sender_priority, sender) in &handles {
        send(&driver, *sender, &[out()], &udp(1, 0)).unwrap();
        let injection = driver.platform().take_injected().unwrap();
        let mark = Mark::from_raw(injection.mark.to_raw()).unwrap();
        assert_eq!(mark, injection.mark);
        let arrival = Arrival { origin: Origin::Injected(mark), ..Arrival::network(&injection.bytes, true) };
        assert_eq!(driver.packet(&arrival), Verdict::LetGo);
        for (priority, handle) in &handles {
            let seen = receive(&driver, *handle).unwrap();
            assert_eq!(seen.is_some(), priority < sender_priority, "{priority} sees {sender_priority}");
            assert!(seen.is_none_or(|seen| !seen.addresses[0].impostor));
        }
        driver.injected(injection.ticket, true);
    }
}

/// Decided here: a mark fits where a pointer does.
#[test]
fn marks_are_never_zero_and_total() {
    assert_eq!(Mark::from_raw(0), None);
    for raw in (0..=u32::MAX).step_by(65_521) {
        if let Some(mark) = Mark::from_raw(raw) {
            assert_eq!(mark.to_raw(), raw);
        }
    }
}

/// What a closing handle puts back goes to lower priorities only, too.
#[test]
fn reinjected_packets_go_on_below() {
    let driver = driver();
    let id = network(&driver, "true", 5, 0);
    let same = network(&driver, "true", 5, 1);
    let below = network(&driver, "true", 4, 1);
    let _ = outbound(&driver, &udp(1, 0));
    driver.close(id).unwrap();
    let injection = driver.platform().take_injected().unwrap();
    let arrival =
        Arrival { origin: Origin::Injected(injection.mark), ..Arrival::network(&injection.bytes, true) };
    assert_eq!(driver.packet(&arrival), Verdict::LetGo);
    assert_eq!((receive_id(&driver, same), receive_id(&driver, below)), (None, Some(1)));
    driver.injected(injection.ticket, true);
}

/// A packet injected by another driver is flagged Impostor. Sending one decrements TTL and fails with 1232 if that
/// would reach zero.
#[test]
fn impostors_wear_out() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for (packet, ttl_at) in [(udp(1, 0), 8), (udp6(0), 7)] {
        for (ttl, left) in [(64, Some(63)), (2, Some(1)), (1, None), (0, None)] {
            let mut packet = packet.clone();
            packet[ttl_at] = ttl;
            update(&mut packet, Leave::default());
            let arrival = Arrival { origin: Origin::Impostor, ..Arrival::network(&packet, true) };
            assert_eq!(driver.packet(&arrival), Verdict::Block);
            let got = receive(&driver, id).unwrap().unwrap();
            assert!(got.addresses[0].impostor);
            let sent = send(&driver, id, &got.addresses, &got.data).unwrap();
            assert_eq!(sent.code, left.is_none().then_some(Code::HostUnreachable));
            let injected = driver.platform().take_injected();
            assert_eq!(injected.as_ref().map(|injection| injection.bytes[ttl_at]), left);
            if let Some(injection) = injected {
                let mut whole = injection.bytes.clone();
                update(&mut whole, Leave::default());
                assert_eq!(whole, injection.bytes, "the checksum was mended");
                driver.injected(injection.ticket, true);
            }
        }
    }
    assert_eq!(counter(&driver, id, Counter::LoopsBroken), 4);
}

/// Batches of up to 255, back to back; each packet is as long as its own header says.
#[test]
fn batches_are_cut_by_their_headers() {
    let driver = driver();
    let id = network(&driver, "false", 0, 0);
    let packets: Vec<_> = (0..255).map(|number| udp(number, usize::from(number) % 11)).collect();
    let addresses = vec![out(); 255];
    let sent = send(&driver, id, &addresses, &packets.concat()).unwrap();
    assert_eq!((sent.packets, sent.failed, sent.bytes as usize), (255, 0, packets.concat().len()));
    for packet in packets {
        let injection = driver.platform().take_injected().unwrap();
        assert_eq!(injection.bytes, packet);
        driver.injected(injection.ticket, true);
    }
    let largest = udp6(65_527);
    assert_eq!(send(&driver, id, &[out()], &largest).unwrap().bytes, 40 + 65_535);
}

/// A packet cut short fails with "buffer too small"; another version, or an IPv4 length under 20, with 87; so do bytes
/// behind the last packet, which no record speaks of.
#[test]
fn nonsense_is_refused_as_a_whole() {
    let driver = driver();
    let id = network(&driver, "false", 0, 0);
    let good = udp(1, 4);
    let changed = |at: usize, value: u8| {
        let mut packet = udp(2, 4);
        packet[at] = value;
        packet
    };
    for (second, code) in [
        (good[..good.len() - 1].to_vec(), Code::InsufficientBuffer),
        (good[..19].to_vec(), Code::InsufficientBuffer),
        (udp6(4)[..39].to_vec(), Code::InsufficientBuffer),
        (udp6(4)[..47].to_vec(), Code::InsufficientBuffer),
        (Vec::new(), Code::InsufficientBuffer),
        (changed(0, 0x55), Code::InvalidParameter),
        (changed(0, 0x05), Code::InvalidParameter),
        (changed(3, 19), Code::InvalidParameter),
        (changed(3, 0), Code::InvalidParameter),
        (changed(0, 0x44), Code::InvalidParameter),
        ([good.clone(), vec![0]].concat(), Code::InvalidParameter),
    ] {
        let sent = send(&driver, id, &[out(), out()], &[good.clone(), second.clone()].concat());
        assert_eq!(sent, Err(code), "{second:02x?}");
    }
    assert!(driver.platform().take_injected().is_none());
    assert_eq!(counter(&driver, id, Counter::SendRefused), 22);
}

/// One packet failing softly does not stop the others.
#[test]
fn soft_failures_do_not_stop() {
    let driver = driver();
    let id = network(&driver, "false", 0, 0);
    let mut tired = udp(2, 0);
    tired[8] = 1;
    let impostor = Address { impostor: true, ..out() };
    let sent = send(&driver, id, &[out(), impostor, out()], &[udp(1, 0), tired, udp(3, 0)].concat()).unwrap();
    assert_eq!((sent.packets, sent.failed, sent.code), (2, 1, Some(Code::HostUnreachable)));
    assert_eq!(drain_injected(&driver), [1, 3]);
    driver.platform().refuse_memory.store(1, Ordering::Relaxed);
    let sent = send(&driver, id, &[out(), out()], &[udp(1, 0), udp(3, 0)].concat()).unwrap();
    assert_eq!((sent.packets, sent.code), (1, Some(Code::NoSystemResources)));
    assert_eq!(drain_injected(&driver), [3]);
}

/// §3, §6: a checksum bit of 1 leaves the checksum, 0 has it computed; on the way back at close as well.
#[test]
fn checksums_are_left_or_computed() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    let right = udp(1, 3);
    let mut wrong = right.clone();
    wrong[10] ^= 0xFF;
    wrong[26] ^= 0xFF;
    for (ip, udp_bit) in [(false, false), (true, false), (false, true), (true, true)] {
        let address = Address { ip_checksum: ip, udp_checksum: udp_bit, ..out() };
        send(&driver, id, &[address], &wrong).unwrap();
        let injection = driver.platform().take_injected().unwrap();
        assert_eq!(injection.bytes[10] == wrong[10], ip);
        assert_eq!(injection.bytes[26] == wrong[26], udp_bit);
        driver.injected(injection.ticket, true);
    }
    let arrival = Arrival { ip_checksum: false, udp_checksum: false, ..Arrival::network(&wrong, true) };
    let _ = driver.packet(&arrival);
    driver.close(id).unwrap();
    assert_eq!(driver.platform().take_injected().unwrap().bytes, right);
}

/// Decided here: the stack refuses or fails: counted, and all memory comes back.
#[test]
fn failing_injections_are_counted() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    let _ = outbound(&driver, &udp(9, 0));
    driver.platform().refuse_injections.store(true, Ordering::Relaxed);
    let sent = send(&driver, id, &[out()], &udp(1, 0)).unwrap();
    assert_eq!((sent.packets, sent.code), (0, Some(Code::NoSystemResources)));
    driver.platform().refuse_injections.store(false, Ordering::Relaxed);
    send(&driver, id, &[out()], &udp(2, 0)).unwrap();
    let injection = driver.platform().take_injected().unwrap();
    driver.injected(injection.ticket, false);
    assert_eq!(counter(&driver, id, Counter::InjectFailed), 2);
    send(&driver, id, &[out()], &udp(3, 0)).unwrap();
    driver.platform().refuse_injections.store(true, Ordering::Relaxed);
    driver.close(id).unwrap();
    let injection = driver.platform().take_injected().unwrap();
    driver.injected(injection.ticket, false);
    assert_eq!(driver.closed_statistics().get(Counter::InjectFailed), 4);
    assert_eq!(driver.platform().memory.used(), 0);
}

/// Decided here: what one handle has in the stack's hands is bounded, whatever the budget of all is; what the stack is done
/// with makes room.
#[test]
fn packets_in_flight_are_bounded() {
    use divert_driver_core::MAX_IN_FLIGHT;
    let driver = driver();
    let (id, other) = (network(&driver, "false", 0, 0), network(&driver, "false", 0, 0));
    let packet = udp6(65_527);
    let fit = MAX_IN_FLIGHT / packet.len();
    for _ in 0..fit {
        assert_eq!(send(&driver, id, &[out()], &packet).unwrap().packets, 1);
    }
    let sent = send(&driver, id, &[out(), out()], &[packet.clone(), udp(1, 0)].concat()).unwrap();
    assert_eq!((sent.packets, sent.failed, sent.code), (1, 1, Some(Code::NoSystemResources)));
    assert_eq!(send(&driver, other, &[out()], &packet).unwrap().packets, 1);
    let first = driver.platform().take_injected().unwrap();
    driver.injected(first.ticket, true);
    assert_eq!(send(&driver, id, &[out()], &packet).unwrap().packets, 1);
    assert_eq!(counter(&driver, id, Counter::SendRefused), 1);
    assert_eq!(drain_injected(&driver).len(), fit + 2);
}
