//! Reference §3, as what is received and sent has it, byte by byte; and the numbers of §2, §4 and §5.

use super::common::*;
use divert_driver_core::host::HostReceive;
use divert_driver_core::{Answer, Arrival, Origin};
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Code, Flags, Send};
use divert_vm::{Event, Layer};

/// The only record that a receive gets, as bytes.
fn record(driver: &Host1, id: divert_driver_core::HandleId) -> [u8; 80] {
    let Answer::Complete(receive, Ok(filled)) = driver.receive(id, HostReceive::new(1, 1, 70_000)) else {
        panic!("a packet waits")
    };
    assert_eq!(filled.packets, 1);
    receive.addresses()[0]
}

fn word(record: &[u8; 80], at: usize) -> u32 {
    u32::from_le_bytes(*record[at..].first_chunk().unwrap())
}

/// Each bit of the record says what it stands for, alone; what is reserved is zero.
#[test]
fn received_records_are_true() {
    let driver = driver();
    let sniffer = network(&driver, "true", 9, 1);
    let id = network(&driver, "true", 0, 0);
    let (v4, v6) = (udp(1, 0), udp6(0));
    for bits in 0..0x80_u32 {
        let bit = |number: u32| bits >> number & 1 == 1;
        let (outbound, loopback) = (bit(0) || bit(1), bit(1));
        let arrival = Arrival {
            loopback,
            origin: if bit(2) { Origin::Impostor } else { Origin::Stack },
            ip_checksum: bit(4),
            tcp_checksum: bit(5),
            udp_checksum: bit(6),
            if_idx: 0x0102_0304 + bits,
            sub_if_idx: 0x0A0B_0C0D,
            ..Arrival::network(if bit(3) { &v6 } else { &v4 }, outbound)
        };
        driver.platform().pass(3);
        let _ = driver.packet(&arrival);
        for (handle, sniffed) in [(sniffer, 1), (id, 0)] {
            let record = record(&driver, handle);
            let ticks = i64::from(bits + 1) * 30_000;
            assert_eq!(record[..8], ticks.to_le_bytes());
            let flags = sniffed | u32::from(outbound) << 1 | u32::from(loopback) << 2 | (bits >> 2) << 3;
            assert_eq!(word(&record, 8), flags << 16, "{bits:#x}");
            assert_eq!(
                (word(&record, 12), word(&record, 16), word(&record, 20)),
                (0, arrival.if_idx, arrival.sub_if_idx)
            );
            assert_eq!(record[24..], [0; 56]);
        }
    }
}

/// What is reserved, and what only means something on receive, changes nothing on send.
#[test]
fn reserved_bits_are_ignored_on_send() {
    let driver = driver();
    let id = network(&driver, "false", 0, 0);
    let mut record = out().encode();
    for at in [0, 5, 11, 12, 15, 30, 79] {
        record[at] = 0xFF;
    }
    // Another layer, another event, sniffed.
    (record[8], record[9], record[10]) = (1, 7, record[10] | 1);
    let packet = udp(1, 9);
    assert_eq!(driver.send(id, &Send::new(&[record], &packet).unwrap()).unwrap().packets, 1);
    let injection = driver.platform().take_injected().unwrap();
    assert_eq!((injection.layer, injection.outbound, injection.loopback), (Layer::Network, true, false));
    assert_eq!(injection.bytes, packet);
    driver.injected(injection.ticket, true);
}

/// §2: layers and events have numbers, and each event its layer.
#[test]
fn layers_and_events_have_numbers() {
    let names = ["NETWORK", "NETWORK_FORWARD", "FLOW", "SOCKET", "REFLECT"];
    for (number, name) in (0..).zip(names) {
        assert_eq!(Layer::from_number(number).map(Layer::name), Some(name));
    }
    assert_eq!(Layer::from_number(5), None);
    let events = [
        (Event::Packet, Layer::Network),
        (Event::FlowEstablished, Layer::Flow),
        (Event::FlowDeleted, Layer::Flow),
        (Event::SocketBind, Layer::Socket),
        (Event::SocketConnect, Layer::Socket),
        (Event::SocketListen, Layer::Socket),
        (Event::SocketAccept, Layer::Socket),
        (Event::SocketClose, Layer::Socket),
        (Event::ReflectOpen, Layer::Reflect),
        (Event::ReflectClose, Layer::Reflect),
    ];
    for (number, (event, layer)) in (0..).zip(events) {
        assert_eq!(event.number(), number);
        for at in Layer::ALL {
            let both = number == 0 && at == Layer::Forward;
            assert_eq!(event.happens_at(at), at == layer || both, "{event:?} {at:?}");
        }
    }
}

/// §4, §5, §6: the Win32 codes.
#[test]
fn codes_have_their_numbers() {
    for (code, number) in [
        (Code::FileNotFound, 2),
        (Code::AccessDenied, 5),
        (Code::InvalidParameter, 87),
        (Code::InsufficientBuffer, 122),
        (Code::NoData, 232),
        (Code::InvalidImageHash, 577),
        (Code::FailedPriorUnload, 654),
        (Code::ServiceDoesNotExist, 1060),
        (Code::HostUnreachable, 1232),
        (Code::DriverBlocked, 1275),
        (Code::NotRegistered, 1753),
    ] {
        assert_eq!((code.number(), Code::from_number(number)), (number, Some(code)));
    }
}

/// §5: shutdown of receiving is 1, of sending 2, of both 3. §4: the bits of the flags.
#[test]
fn requests_have_their_numbers() {
    assert_eq!([1, 2, 3].map(How::from_number), [Some(How::Receive), Some(How::Send), Some(How::Both)]);
    assert_eq!([0, 4].map(How::from_number), [None, None]);
    let flags = [
        (Flags::SNIFF, 1),
        (Flags::DROP, 2),
        (Flags::RECV_ONLY, 4),
        (Flags::SEND_ONLY, 8),
        (Flags::NO_INSTALL, 0x10),
        (Flags::FRAGMENTS, 0x20),
    ];
    assert!(flags.into_iter().all(|(flag, bits)| flag.bits() == bits));
}
