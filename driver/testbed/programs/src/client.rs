//! The client's own calls, in this process: receives that wait while their handle goes, misuse, and its codes.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use divert_driver_client::{
    Address, Buffer, Code, Error, Filter, Flags, Handle, How, Layer, Options, Outgoing, Parameter, Pending,
};
use divert_testbed_control::{Fate, How as Left};
use divert_testbed_model::layer::Kind;

use crate::packets::udp;
use crate::samples::expect;
use crate::stack::{PATIENCE, Stack};
use crate::{Check, Test};

pub(crate) const TESTS: &[Test] = &[
    ("client: a handle goes before its receives", handle_first),
    ("client: receives end in other threads", other_threads),
    ("client: a cancelled receive loses nothing", cancelled),
    ("client: what is queued goes on when the handle is closed", queued),
    ("client: misuse has its codes", misuse),
];

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn open(text: &str) -> Result<Handle, String> {
    let filter = Filter::compile(text, Layer::Network).map_err(said)?;
    Handle::open(&filter, &Options::default()).map_err(said)
}

fn waiting(handle: &Handle) -> Result<Pending, String> {
    handle.receive_later(Buffer::for_one()).map_err(said)
}

/// That something failed with this code.
fn refused<T>(what: &str, result: Result<T, Error>, code: Code) -> Check {
    let found = result.err().map(|error| error.code());
    expect(what, found, Some(code.number()))
}

/// The handle is closed with its device, not with the last receive: packets go on at once.
fn handle_first(stack: &mut Stack) -> Check {
    let handle = open("udp")?;
    let mut receives = [waiting(&handle)?, waiting(&handle)?, waiting(&handle)?];
    expect("ready", receives.iter_mut().any(Pending::is_ready), false)?;
    drop(handle);
    stack.settled()?;
    expect("a packet", stack.packet(Kind::Outbound, &udp(1, 53))?, Fate::Permitted)?;
    let [first, mut second, third] = receives;
    // Cancelling what has no handle any more, dropping, and finishing.
    second.cancel();
    expect("end", second.wait(PATIENCE), true)?;
    drop(third);
    for ended in [first, second] {
        let (buffer, result) = ended.finish();
        refused("a receive whose handle is gone", result, Code::OperationAborted)?;
        expect("events", buffer.events().count(), 0)?;
    }
    Ok(())
}

/// Receives wait, are cancelled and finished in threads of their own while the handle goes in another.
fn other_threads(stack: &mut Stack) -> Check {
    for round in 0..20 {
        let handle = open("udp")?;
        let barrier = Barrier::new(5);
        let receives: Vec<_> = (0..4).map(|_| waiting(&handle)).collect::<Result<_, _>>()?;
        let ended: Vec<Check> = thread::scope(|scope| {
            let waits = receives.into_iter().enumerate().map(|(number, mut receive)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    match (number + round) % 4 {
                        0 => drop(receive),
                        1 => {
                            receive.cancel();
                            refused("cancelled", receive.finish().1, Code::OperationAborted)?;
                        }
                        2 => expect("end", receive.wait(PATIENCE), true)?,
                        _ => refused("left alone", receive.finish().1, Code::OperationAborted)?,
                    }
                    Ok(())
                })
            });
            let waits: Vec<_> = waits.collect();
            barrier.wait();
            drop(handle);
            waits.into_iter().map(|wait| wait.join().unwrap_or(Err("a panic".into()))).collect()
        });
        ended.into_iter().collect::<Check>()?;
        expect("a packet", stack.packet(Kind::Outbound, &udp(1, 53))?, Fate::Permitted)?;
    }
    // A thread that waits without an overlapped call hears of the shutdown.
    let handle = open("udp")?;
    thread::scope(|scope| {
        let wait = scope.spawn(|| handle.receive(&mut Buffer::for_one()));
        thread::sleep(Duration::from_millis(50));
        handle.shutdown(How::Receive).map_err(said)?;
        refused("shut down", wait.join().unwrap_or(Ok(())), Code::NoData)
    })
}

/// What comes when a receive was cancelled is in the queue, or was received by it; never both, never neither.
fn cancelled(stack: &mut Stack) -> Check {
    let handle = open("udp")?;
    for id in 1..=50 {
        let mut receive = waiting(&handle)?;
        let fate = thread::scope(|scope| {
            let fate = scope.spawn(|| stack.packet(Kind::Outbound, &udp(id, 53)));
            receive.cancel();
            fate.join().unwrap_or(Err("a panic".into()))
        })?;
        expect("a packet", fate == Fate::Permitted, false)?;
        let (mut buffer, result) = receive.finish();
        match result {
            Ok(()) => {}
            Err(error) if error.is(Code::OperationAborted) => handle.receive(&mut buffer).map_err(said)?,
            Err(error) => return Err(said(error)),
        }
        expect("the packet", buffer.data(), &udp(id, 53))?;
    }
    let mut nothing = waiting(&handle)?;
    expect("a second copy", nothing.wait(Duration::from_millis(20)), false)
}

fn queued(stack: &mut Stack) -> Check {
    let handle = open("udp")?;
    for id in 1..=3 {
        stack.packet(Kind::Outbound, &udp(id, 53))?;
    }
    drop(handle);
    let outcomes = stack.outcomes()?;
    expect("packets", outcomes.iter().filter(|outcome| outcome.how == Left::Injected).count(), 3)
}

/// Reference §4 to §6: every misuse that the types leave possible.
fn misuse(stack: &mut Stack) -> Check {
    let filter = |layer| Filter::compile("true", layer).map_err(said);
    let open_with = |layer, priority, flags| -> Result<Result<Handle, Error>, String> {
        Ok(Handle::open(&filter(layer)?, &Options { priority, flags, ..Options::default() }))
    };
    let wrong = Code::InvalidParameter;
    for (layer, flags) in [
        (Layer::Network, Flags::from_bits(0x40)),
        (Layer::Network, Flags::from_bits(1 << 63)),
        (Layer::Network, Flags::SNIFF | Flags::DROP),
        (Layer::Network, Flags::RECV_ONLY | Flags::SEND_ONLY),
        (Layer::Flow, Flags::NONE),
        (Layer::Flow, Flags::SNIFF),
        (Layer::Flow, Flags::RECV_ONLY),
        (Layer::Socket, Flags::NONE),
        (Layer::Socket, Flags::SNIFF),
        (Layer::Reflect, Flags::NONE),
        (Layer::Reflect, Flags::RECV_ONLY),
    ] {
        refused(&format!("{layer:?} with {flags:?}"), open_with(layer, 0, flags)?, wrong)?;
    }
    for priority in [-30_001, 30_001, i16::MIN, i16::MAX] {
        refused("a priority", open_with(Layer::Network, priority, Flags::NONE)?, wrong)?;
    }
    for priority in [-30_000, 30_000] {
        open_with(Layer::Network, priority, Flags::NONE)?.map_err(said)?;
    }

    let packet = udp(1, 53);
    let address = Address { outbound: true, ..Address::default() };
    let reading = open_with(Layer::Network, 0, Flags::RECV_ONLY | Flags::SNIFF)?.map_err(said)?;
    refused("sending where only receiving is", reading.send(&packet, &address), wrong)?;
    let flow = open_with(Layer::Flow, 0, Flags::RECV_ONLY | Flags::SNIFF)?.map_err(said)?;
    refused("sending a flow", flow.send(&packet, &address), wrong)?;
    let sending = open_with(Layer::Network, 0, Flags::SEND_ONLY)?.map_err(said)?;
    let mut buffer = Buffer::for_one();
    refused("receiving where only sending is", sending.receive(&mut buffer), wrong)?;
    refused("the same, later", sending.receive_later(buffer).map_err(said)?.finish().1, wrong)?;
    refused("no packet", sending.send(&[], &address), Code::InsufficientBuffer)?;
    refused("a packet cut short", sending.send(&packet[..30], &address), Code::InsufficientBuffer)?;
    let mut odd = packet.clone();
    odd[0] = 0x55;
    refused("a version that is none", sending.send(&odd, &address), wrong)?;
    odd[..4].copy_from_slice(&[0x45, 0, 0, 19]);
    refused("a length under 20", sending.send(&odd, &address), wrong)?;
    let long = [packet.as_slice(), b"more"].concat();
    refused("bytes behind the packet", sending.send(&long, &address), wrong)?;
    let inbound = Address { outbound: false, ..address };
    refused("inbound without an interface", sending.send(&packet, &inbound), wrong)?;
    let mut tired = packet.clone();
    tired[8] = 1;
    let impostor = Address { impostor: true, ..address };
    refused("an impostor at its end", sending.send(&tired, &impostor), Code::HostUnreachable)?;
    refused("a batch of nothing", sending.send_batch(&Outgoing::new()), wrong)?;
    for parameter in Parameter::ALL {
        let Some(bounds) = parameter.bounds() else {
            refused("a constant", sending.set_parameter(parameter, 2), wrong)?;
            continue;
        };
        for value in [bounds.min - 1, bounds.max + 1, u64::MAX] {
            refused("a parameter", sending.set_parameter(parameter, value), wrong)?;
        }
    }
    sending.shutdown(How::Send).map_err(said)?;
    refused("sending after a shutdown", sending.send(&packet, &address), Code::NoData)?;
    drop((reading, flow, sending));
    expect("packets that went", stack.outcomes()?.len(), 0)
}
