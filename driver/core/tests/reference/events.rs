//! Reference §2: FLOW, SOCKET and REFLECT.

use super::common::*;
use divert_driver_core::Verdict;
use divert_driver_protocol::{Counter, Data};
use divert_vm::{Endpoint, Event, Layer};

/// FLOW: established and deleted; never blocked, no data, `Sniffed`, addresses as IPv4-mapped IPv6.
#[test]
fn flows_are_told() {
    let driver = driver();
    let id = open(&driver, Layer::Flow, "processId == 42 and remotePort == 53", 0, 5);
    let born = driver.flow_established(&endpoint(), true, false);
    driver.flow_established(&Endpoint { process_id: 43, ..endpoint() }, true, false);
    driver.flow_deleted(&endpoint(), true, false, born);
    // No data: a null buffer of length 0 is enough, and is not "too small".
    let got = receive_batch(&driver, id, 10, 0).unwrap().unwrap();
    assert_eq!((got.filled.packets, got.filled.bytes, got.filled.truncated), (2, 0, false));
    assert_eq!(got.addresses.iter().map(|address| address.event).collect::<Vec<_>>(), [1, 2]);
    for address in got.addresses {
        assert!(address.sniffed && address.outbound && address.layer == 2);
        assert_eq!(address.data, Data::Endpoint(endpoint()));
    }
}

/// Flows older than the handle are not seen.
#[test]
fn older_flows_are_not_seen() {
    let driver = driver();
    let first = open(&driver, Layer::Flow, "true", 0, 5);
    let born = driver.flow_established(&endpoint(), true, false);
    let second = open(&driver, Layer::Flow, "true", 0, 5);
    driver.flow_deleted(&endpoint(), true, false, born);
    assert_eq!(receive_batch(&driver, first, 10, 0).unwrap().unwrap().filled.packets, 2);
    assert_eq!(receive_batch(&driver, second, 10, 0), Ok(None));
}

/// SOCKET: every event but CLOSE is blocked; CLOSE is told with `Sniffed` (§3).
#[test]
fn sockets_are_blocked_but_for_close() {
    for event in [
        Event::SocketBind,
        Event::SocketConnect,
        Event::SocketListen,
        Event::SocketAccept,
        Event::SocketClose,
    ] {
        for flags in [4, 5, 6] {
            let driver = driver();
            let id = open(&driver, Layer::Socket, "true", 0, flags);
            let closes = event == Event::SocketClose;
            let verdict = driver.socket(event, &endpoint(), true, false, None);
            assert_eq!(verdict == Verdict::Block, !closes && flags != 5, "{event:?} {flags}");
            let got = receive_batch(&driver, id, 1, 0).unwrap();
            assert_eq!(got.is_some(), flags != 6, "dropped silently");
            if let Some(got) = got {
                assert_eq!(got.addresses[0].event, event.number());
                assert_eq!(got.addresses[0].sniffed, closes || flags == 5);
            }
        }
    }
}

/// §7 SOCKET: what another driver allows for good is told to those who sniff, and nobody blocks it.
#[test]
fn settled_sockets_are_sniffed() {
    let driver = driver();
    let [blocks, sniffs, drops] = [4, 5, 6].map(|flags| open(&driver, Layer::Socket, "true", 0, flags));
    driver.sniff_socket(Event::SocketConnect, &endpoint(), true, false);
    assert!(receive_batch(&driver, blocks, 1, 0).unwrap().is_none());
    assert!(receive_batch(&driver, drops, 1, 0).unwrap().is_none());
    assert!(receive_batch(&driver, sniffs, 1, 0).unwrap().unwrap().addresses[0].sniffed);
}

/// SOCKET: BIND and LISTEN have zero remote address and port.
#[test]
fn unbound_sockets_have_no_peer() {
    let driver = driver();
    let id = open(&driver, Layer::Socket, "remotePort == 0 and remoteAddr == ::", 0, 5);
    let _ = driver.socket(Event::SocketBind, &endpoint(), true, false, None);
    let _ = driver.socket(Event::SocketListen, &endpoint(), true, false, None);
    let _ = driver.socket(Event::SocketConnect, &endpoint(), true, false, None);
    let got = receive_batch(&driver, id, 10, 0).unwrap().unwrap();
    assert_eq!(got.filled.packets, 2);
    for address in got.addresses {
        let Data::Endpoint(seen) = address.data else { panic!("an endpoint") };
        assert_eq!((seen.remote_addr, seen.remote_port, seen.local_port), (0, 0, 4096));
    }
}

/// Sockets older than the handle are not seen, where their age is known.
#[test]
fn older_sockets_are_not_seen() {
    let driver = driver();
    let first = open(&driver, Layer::Socket, "true", 0, 5);
    let born = driver.born_now();
    let second = open(&driver, Layer::Socket, "true", 0, 5);
    let _ = driver.socket(Event::SocketClose, &endpoint(), true, false, Some(born));
    assert!(receive_batch(&driver, first, 1, 0).unwrap().is_some());
    assert!(receive_batch(&driver, second, 1, 0).unwrap().is_none());
}

/// A socket operation that is blocked is asked of the highest priority first and told to it alone.
#[test]
fn a_blocked_connect_is_told_once() {
    let driver = driver();
    let low = open(&driver, Layer::Socket, "event == CONNECT", 0, 4);
    let high = open(&driver, Layer::Socket, "event == CONNECT", 9, 4);
    assert_eq!(driver.socket(Event::SocketConnect, &endpoint(), true, false, None), Verdict::Block);
    assert!(receive_batch(&driver, high, 1, 0).unwrap().is_some());
    assert!(receive_batch(&driver, low, 1, 0).unwrap().is_none());
    driver.close(high).unwrap();
    driver.close(low).unwrap();
    // Events are not put back.
    assert!(driver.platform().take_injected().is_none());
}

/// REFLECT: every handle that is open first, then changes, in order; data is the filter object; not of REFLECT handles.
#[test]
fn reflect_tells_in_order() {
    let driver = driver();
    let first = network(&driver, "tcp", 1, 0);
    let gone = network(&driver, "udp", 2, 0);
    let second = open(&driver, Layer::Socket, "true", -3, 5);
    driver.close(gone).unwrap();
    driver.platform().pass(5);
    let other = open(&driver, Layer::Reflect, "true", 0, 5);
    let reflect = open(&driver, Layer::Reflect, "layer != FLOW", 0, 5);
    let third = open(&driver, Layer::Forward, "ip", 30_000, 0x21);
    let _ignored = open(&driver, Layer::Flow, "true", 0, 5);
    driver.close(first).unwrap();
    driver.close(other).unwrap();
    let mut told = Vec::new();
    while let Some(got) = receive(&driver, reflect).unwrap() {
        let address = got.addresses[0];
        let Data::Reflect(handle) = address.data else { panic!("a handle") };
        assert!(address.sniffed && address.layer == 4 && handle.process_id == 77);
        told.push((address.event, handle.layer, handle.priority, handle.flags, handle.timestamp, got.data));
    }
    let text = |layer, text| object(&filter(layer, text));
    assert_eq!(
        told,
        [
            (8, 0, 1, 0, 0, text(Layer::Network, "tcp")),
            (8, 3, -3, 5, 0, text(Layer::Socket, "true")),
            (8, 1, 30_000, 0x21, 50_000, text(Layer::Forward, "ip")),
            (9, 0, 1, 0, 0, text(Layer::Network, "tcp")),
        ]
    );
    assert_eq!(text(Layer::Network, "tcp"), b"@Divert_101080110\0");
    driver.close(third).unwrap();
    driver.close(second).unwrap();
    assert_eq!(counter(&driver, reflect, Counter::Queued), 6);
}

/// A handle that was made but never opened is nobody's business.
#[test]
fn unopened_handles_are_not_told() {
    let driver = driver();
    let reflect = open(&driver, Layer::Reflect, "true", 0, 5);
    let id = driver.create().unwrap();
    driver.close(id).unwrap();
    assert_eq!(receive(&driver, reflect), Ok(None));
}

/// Every handle that is open is told of, also where there is no memory for its filter, or the queue could never hold it:
/// then without data. A receive that waits needs neither.
#[test]
fn reflect_does_without_data() {
    use divert_driver_protocol::Parameter;
    use std::sync::atomic::Ordering;
    let driver = driver();
    let reflect = open(&driver, Layer::Reflect, "event == OPEN", 0, 5);
    driver.set_parameter(reflect, Parameter::QueueSize, 65_535).unwrap();
    // Every second address: nothing to be merged, two digits each.
    let list: Vec<_> =
        (0..32_762).map(|at| format!("10.{}.{}.{}", at / 16_384, at / 128 % 128, at % 128 * 2)).collect();
    let text = format!("ip.SrcAddr in {{{}}}", list.join(", "));
    let large = object(&filter(Layer::Network, &text));
    assert!((65_536..=65_575).contains(&large.len()), "{}", large.len());
    let _opened = network(&driver, &text, 3, 0);
    let got = receive_batch(&driver, reflect, 1, 200_000).unwrap().unwrap();
    let Data::Reflect(handle) = got.addresses[0].data else { panic!("a handle") };
    assert_eq!((handle.priority, got.data.len(), got.filled.truncated), (3, 0, false));
    assert!(matches!(
        driver.receive(reflect, divert_driver_core::host::HostReceive::new(1, 1, 200_000)),
        divert_driver_core::Answer::Pended
    ));
    let _other = network(&driver, &text, 4, 0);
    let third = network(&driver, "tcp", 5, 0);
    let (receive, completion) = driver.platform().take_completed().unwrap();
    assert_eq!(got_data(&receive, completion), large);
    let gone = open(&driver, Layer::Reflect, "event == CLOSE", 0, 5);
    driver.platform().refuse_memory.store(1, Ordering::Relaxed);
    driver.close(third).unwrap();
    let got = receive_batch(&driver, gone, 1, 200_000).unwrap().unwrap();
    assert!(matches!(got.addresses[0].data, Data::Reflect(handle) if handle.priority == 5));
    assert_eq!((got.data.len(), counter(&driver, gone, Counter::DroppedMemory)), (0, 0));
}

fn got_data(
    receive: &divert_driver_core::host::HostReceive,
    completion: divert_driver_core::Completion,
) -> Vec<u8> {
    got(receive, completion.unwrap()).data
}
