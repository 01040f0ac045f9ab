//! The client against the driver's portable core.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use divert_driver_client::host::System;
use divert_driver_client::{
    Address, Buffer, Code, Counter, Data, Error, Filter, Flags, Handle, How, Layer, Options, Outgoing,
    Parameter, handle,
};
use divert_driver_core::{Arrival, Refusal, Verdict};
use divert_vm::checksum::{Leave, update};

/// An IPv4 UDP packet with this identification and so many bytes of payload.
fn udp(id: u16, payload: usize) -> Vec<u8> {
    let total = u16::try_from(28 + payload).unwrap();
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet.extend([0x10, 0x00, 0x00, 0x35]);
    packet.extend((total - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|at| at as u8));
    update(&mut packet, Leave::default());
    packet
}

fn open(system: &Arc<System>, text: &str, layer: Layer, options: Options) -> Result<Handle, Error> {
    let filter = Filter::compile(text, layer)?;
    Handle::open_on(Box::new(system.device(77)?), &filter, &options)
}

fn network(system: &Arc<System>, text: &str) -> Handle {
    open(system, text, Layer::Network, Options::default()).unwrap()
}

#[test]
fn a_packet_is_received_and_sent() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp.DstPort == 53");
    let packet = udp(1, 10);
    assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
    let mut buffer = Buffer::for_one();
    handle.receive(&mut buffer).unwrap();
    let events: Vec<_> = buffer.events().collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data, packet);
    assert!(events[0].address.outbound && !events[0].address.sniffed);
    assert_eq!(events[0].address.data, Data::Network { if_idx: 1, sub_if_idx: 0 });
    handle.send(events[0].data, &events[0].address).unwrap();
    assert_eq!(system.driver().platform().take_injected().unwrap().bytes, packet);
    let statistics = handle.statistics().unwrap();
    assert_eq!(statistics.get(Counter::Received), 1);
    assert_eq!(statistics.get(Counter::InjectedBytes), packet.len() as u64);
}

#[test]
fn batches_come_and_go_whole() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp");
    let packets: Vec<_> = (0..20).map(|id| udp(id, usize::from(id) * 7)).collect();
    for packet in &packets {
        assert_eq!(system.packet(&Arrival::network(packet, false)), Verdict::Block);
    }
    let mut buffer = Buffer::for_batch(16, 65_536).unwrap();
    let mut batch = Outgoing::new();
    for wanted in [&packets[..16], &packets[16..]] {
        handle.receive(&mut buffer).unwrap();
        let found: Vec<_> = buffer.events().map(|event| event.data.to_vec()).collect();
        assert_eq!(found, wanted);
        for event in buffer.events() {
            batch.push(event.data, &event.address).unwrap();
        }
    }
    let sent = handle.send_batch(&batch).unwrap();
    assert_eq!((sent.packets, sent.failed, sent.code), (20, 0, None));
    for packet in &packets {
        assert_eq!(system.driver().platform().take_injected().unwrap().bytes, *packet);
    }
    batch.clear();
    assert!(handle.send_batch(&batch).unwrap_err().is(Code::InvalidParameter));
    assert!(Buffer::for_batch(0, 10).is_err() && Buffer::for_batch(256, 10).is_err());
}

#[test]
fn what_does_not_fit_is_truncated_and_said_to_be() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp");
    let packet = udp(1, 100);
    for _ in 0..2 {
        assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
    }
    let mut buffer = Buffer::for_batch(2, 64).unwrap();
    handle.receive(&mut buffer).unwrap();
    assert!(buffer.is_truncated());
    let events: Vec<_> = buffer.events().collect();
    assert_eq!((events.len(), events[0].data), (1, &packet[..64]));
    let mut nothing = Buffer::for_batch(1, 0).unwrap();
    handle.receive(&mut nothing).unwrap();
    assert!(nothing.is_truncated() && nothing.data().is_empty());
    assert_eq!(nothing.events().count(), 1);
}

#[test]
fn a_receive_waits_for_its_packet() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp");
    let packet = udp(9, 1);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut buffer = Buffer::for_one();
            handle.receive(&mut buffer).map(|()| buffer.data().to_vec())
        });
        // It is queued or handed over: the answer is the same.
        assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
        assert_eq!(waiting.join().unwrap().unwrap(), packet);
    });
}

#[test]
fn overlapped_receives_wait_end_and_are_cancelled() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp");
    let mut first = handle.receive_later(Buffer::for_one()).unwrap();
    let mut second = handle.receive_later(Buffer::for_one()).unwrap();
    assert!(!first.is_ready() && !second.wait(Duration::from_millis(1)));
    let packet = udp(3, 3);
    assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
    assert!(first.is_ready() && !second.is_ready());
    let (buffer, ended) = first.finish();
    assert_eq!((ended, buffer.data()), (Ok(()), &packet[..]));
    second.cancel();
    assert!(second.is_ready());
    let (buffer, ended) = second.finish();
    assert!(ended.unwrap_err().is(Code::OperationAborted) && buffer.events().count() == 0);
    // One that is given up takes no packet with it.
    drop(handle.receive_later(Buffer::for_one()).unwrap());
    assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
    let mut buffer = buffer;
    handle.receive(&mut buffer).unwrap();
    assert_eq!(buffer.data(), packet);
    // The handle goes while a receive waits.
    let waiting = handle.receive_later(buffer).unwrap();
    drop(handle);
    assert!(waiting.finish().1.unwrap_err().is(Code::OperationAborted));
}

#[test]
fn shutdown_lets_the_queue_run_dry() {
    let system = Arc::new(System::default());
    let handle = network(&system, "udp");
    let packet = udp(1, 1);
    assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::Block);
    handle.shutdown(How::Receive).unwrap();
    assert_eq!(system.packet(&Arrival::network(&packet, true)), Verdict::LetGo);
    let mut buffer = Buffer::for_one();
    handle.receive(&mut buffer).unwrap();
    assert!(handle.receive(&mut buffer).unwrap_err().is(Code::NoData));
    assert_eq!(buffer.events().count(), 0, "what was received before is gone");
    handle.shutdown(How::Send).unwrap();
    let address = Address { outbound: true, ..Address::default() };
    assert!(handle.send(&packet, &address).unwrap_err().is(Code::NoData));
}

#[test]
fn parameters_have_their_bounds() {
    let system = Arc::new(System::default());
    let handle = network(&system, "true");
    for parameter in Parameter::ALL {
        let Some(bounds) = parameter.bounds() else {
            assert_eq!(handle.parameter(parameter), Ok(2));
            assert!(handle.set_parameter(parameter, 2).unwrap_err().is(Code::InvalidParameter));
            continue;
        };
        assert_eq!(handle.parameter(parameter), Ok(bounds.default));
        handle.set_parameter(parameter, bounds.max).unwrap();
        assert_eq!(handle.parameter(parameter), Ok(bounds.max));
        assert!(handle.set_parameter(parameter, bounds.max + 1).unwrap_err().is(Code::InvalidParameter));
    }
}

#[test]
fn refusals_say_why() {
    let system = Arc::new(System::default());
    let refused = |text: &str, layer, priority, flags: Flags| {
        let options = Options { priority, flags, ..Options::default() };
        open(&system, text, layer, options).unwrap_err().to_string()
    };
    for (said, wanted) in [
        (refused("true", Layer::Network, 30_001, Flags::NONE), "priority 30001 is outside -30000 to 30000"),
        (refused("true", Layer::Network, -30_001, Flags::NONE), "priority -30001 is outside"),
        (refused("true", Layer::Network, 0, Flags::from_bits(0x40)), "flags 0x40 do not exist"),
        (refused("true", Layer::Network, 0, Flags::SNIFF | Flags::DROP), "SNIFF and DROP exclude each other"),
        (refused("true", Layer::Flow, 0, Flags::RECV_ONLY), "FLOW needs SNIFF"),
        (refused("true", Layer::Socket, 0, Flags::SNIFF), "SOCKET needs RECV_ONLY"),
    ] {
        assert!(said.contains(wanted) && said.ends_with("(error 87)"), "{said}");
    }
    let options = Options { work_limit: 1, ..Options::default() };
    let error = open(&system, "tcp and packet[77] == 3", Layer::Network, options).unwrap_err();
    assert!(error.to_string().contains("more than the driver accepts"), "{error}");
}

/// What can be known without the driver is known before it is installed; elsewhere than on Windows, before it is missing.
#[test]
fn mistakes_are_found_before_the_driver_is() {
    let filter = Filter::compile("true", Layer::Flow).unwrap();
    let opened = |priority, flags| {
        let options = Options { priority, flags, ..Options::default() };
        Handle::open(&filter, &options).unwrap_err().to_string()
    };
    assert_eq!(opened(0, Flags::SNIFF), "the driver refuses the handle: FLOW needs RECV_ONLY (error 87)");
    assert!(opened(-30_001, Flags::NONE).contains("priority -30001 is outside"));
    assert!(opened(30_001, Flags::NONE).contains("priority 30001 is outside"));
}

/// Who asks is told what the driver means.
#[test]
fn reasons_are_those_of_the_driver() {
    use divert_driver_client::Refusal as Told;
    use divert_driver_core::platform::EngineError;
    use divert_driver_protocol::{FlagError, Refused};
    for refusal in [
        Refusal::State(Code::InvalidFunction),
        Refusal::Priority(-32_000),
        Refusal::Flags(FlagError::Unknown(0x80)),
        Refusal::Flags(FlagError::SniffAndDrop),
        Refusal::Flags(FlagError::ReceiveAndSendOnly),
        Refusal::Flags(FlagError::NeedsSniff(Layer::Reflect)),
        Refusal::Flags(FlagError::NeedsReceiveOnly(Layer::Socket)),
        Refusal::NoMemory,
        Refusal::TooManyHandles,
        Refusal::Engine(EngineError::Disabled),
        Refusal::Engine(EngineError::Refused(0xC022_0001)),
    ] {
        let (told, meant) = (Told(refusal.to_reply()).to_string(), refusal.to_string());
        assert!(told.starts_with(&meant), "{told}\n{meant}");
    }
    let refusal = Refusal::Layer { program: Layer::Flow };
    assert_eq!(Told(refusal.to_reply()).to_string(), "the filter is for FLOW (error 87)");
    let nothing = Refused { code: Code::NotRegistered, reason: None };
    assert_eq!(Told(nothing).to_string(), "the base filtering engine is disabled (error 1753)");
}

#[test]
fn handles_are_listed_and_reflected() {
    let system = Arc::new(System::default());
    let watching = Options { flags: Flags::SNIFF | Flags::RECV_ONLY, ..Options::default() };
    let low = open(&system, "tcp", Layer::Network, Options { priority: -5, ..Options::default() }).unwrap();
    let watch = open(&system, "true", Layer::Reflect, watching).unwrap();
    let _flow = open(&system, "tcp", Layer::Flow, watching).unwrap();
    let listed = low.handles().unwrap();
    assert_eq!(
        listed.iter().map(|entry| entry.layer).collect::<Vec<_>>(),
        [Layer::Network, Layer::Reflect, Layer::Flow]
    );
    assert_eq!((listed[0].priority, listed[0].process_id, listed[0].serial), (-5, 77, low.serial()));
    assert_eq!(handle::listed(&system.device(1).unwrap()).unwrap(), listed);
    drop(low);
    let mut buffer = Buffer::for_batch(8, 65_536).unwrap();
    watch.receive(&mut buffer).unwrap();
    let seen: Vec<_> = buffer
        .events()
        .map(|event| {
            let Data::Reflect(reflect) = event.address.data else { panic!("{event:?}") };
            (event.address.event, reflect.layer, reflect.priority)
        })
        .collect();
    assert_eq!(seen, [(8, 0, -5), (8, 2, 0), (9, 0, -5)]);
}

#[test]
fn filters_say_what_is_wrong_and_where() {
    let error = Filter::compile("tcp and foo", Layer::Network).unwrap_err();
    assert_eq!((error.position, error.code), (8, Some("E0201")));
    assert_eq!(Error::from(error).code(), 87);
    let error = Filter::compile("@WinDiv_WX_eXWWA", Layer::Network).unwrap_err();
    assert_eq!(error.position, 16);
    let filter = Filter::compile("tcp.DstPort in {80, 443}", Layer::Network).unwrap();
    let own = filter.object().unwrap();
    assert!(own.starts_with("@Divert_"));
    assert_eq!(Filter::compile(&own, Layer::Network).unwrap(), filter);
    assert!(Filter::compile(&own, Layer::Forward).unwrap_err().message.contains("is for NETWORK"));
    assert_eq!(Filter::compile(&own[..own.len() - 1], Layer::Network).unwrap_err().position, own.len() - 1);
    assert_eq!(filter.text().unwrap(), "tcp.DstPort == 80 or tcp.DstPort == 443");
    let object = filter.windivert_object().unwrap();
    let again = Filter::compile(&object, Layer::Network).unwrap();
    assert_eq!(again.windivert_object().unwrap(), object);
    assert_eq!(Filter::from_program(filter.program().to_vec()).unwrap(), filter);
    assert!(Filter::from_program(filter.program()[1..].to_vec()).is_err());
}

#[cfg(not(windows))]
#[test]
fn elsewhere_there_is_no_driver() {
    let filter = Filter::compile("true", Layer::Network).unwrap();
    let error = Handle::open(&filter, &Options::default()).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (50, "the driver exists on Windows only"));
}
