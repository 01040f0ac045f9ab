//! The simulated stack: what comes out for a given set of handles.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{endpoint, filter, id_of, udp};
use divert_driver_core::simulate::{Action, Handle, Happening, Simulation, TICKS_PER_MS};
use divert_driver_core::{Arrival, Refusal, Verdict};
use divert_driver_protocol::{Counter, Flags};
use divert_vm::{Endpoint, Event, Layer};

fn handle(text: &str, priority: i16, flags: u64, action: Action) -> Handle {
    at(Layer::Network, text, priority, flags, action)
}

fn at(layer: Layer, text: &str, priority: i16, flags: u64, action: Action) -> Handle {
    let (program, flags) = (filter(layer, text), Flags::from_bits(flags));
    Handle { name: text.to_owned(), layer, priority, flags, program, action }
}

/// Sends packets 1 to 10, a millisecond apart; gives identification, time in ms and TTL of what comes out.
fn run(handles: Vec<Handle>) -> (Vec<(u16, i64, u8)>, Simulation) {
    let mut simulation = Simulation::new(handles).ok().unwrap();
    let mut out = Vec::new();
    let mut collect = |output: divert_driver_core::simulate::Output<'_>| {
        assert_eq!(output.source, u64::from(id_of(output.bytes)));
        let mut right = output.bytes.to_vec();
        divert_vm::checksum::update(&mut right, divert_vm::checksum::Leave::default());
        assert_eq!(right, output.bytes);
        out.push((id_of(output.bytes), output.ticks / TICKS_PER_MS, output.bytes[8]));
    };
    for id in 1..=10 {
        let packet = udp(id, 5);
        let arrival = Arrival::network(&packet, id % 2 == 0);
        simulation.packet(i64::from(id) * TICKS_PER_MS, u64::from(id), &arrival, &mut collect);
    }
    simulation.finish(&mut collect);
    (out, simulation)
}

fn ids(out: &[(u16, i64, u8)]) -> Vec<u16> {
    out.iter().map(|(id, ..)| *id).collect()
}

#[test]
fn without_handles_all_comes_out() {
    assert_eq!(ids(&run(Vec::new()).0), (1..=10).collect::<Vec<_>>());
}

#[test]
fn packets_pass_all_priorities() {
    let (out, simulation) = run(vec![
        handle("true", 5, 0, Action::Pass),
        handle("true", 3, 1, Action::Pass),
        handle("ip.Id <= 5", 1, 0, Action::TimeToLive(9)),
        handle("ip.Id == 5", 0, 0, Action::Drop),
        handle("ip.Id == 7", -1, 2, Action::Pass),
    ]);
    assert_eq!(ids(&out), [1, 2, 3, 4, 6, 8, 9, 10]);
    assert!(out.iter().all(|(id, _, ttl)| *ttl == if *id <= 5 { 9 } else { 64 }));
    let matched: Vec<_> =
        simulation.report().map(|(_, statistics, _)| statistics.get(Counter::Matched)).collect();
    assert_eq!(matched, [10, 10, 5, 1, 1]);
    let tallies: Vec<_> = simulation.report().map(|(_, _, tally)| tally).collect();
    assert_eq!((tallies[0].sent, tallies[1].looked_at, tallies[3].forgotten), (10, 10, 1));
}

#[test]
fn delays_reorder() {
    let (out, _) = run(vec![
        handle("ip.Id == 2", 1, 0, Action::Delay(3)),
        handle("ip.Id == 10", 1, 0, Action::Delay(50)),
        handle("true", 0, 0, Action::Pass),
    ]);
    assert_eq!(ids(&out), [1, 3, 4, 2, 5, 6, 7, 8, 9, 10]);
    assert_eq!((out[3].1, out[9].1), (5, 60));
}

#[test]
fn who_cannot_send_loses() {
    let (out, simulation) = run(vec![handle("ip.Id == 3", 0, 4, Action::Pass)]);
    assert_eq!(out.len(), 9);
    assert_eq!(simulation.report().next().unwrap().2.refused, 1);
}

#[test]
fn a_bad_handle_is_named() {
    let refused =
        Simulation::new(vec![handle("true", 0, 0, Action::Pass), handle("true", 0, 3, Action::Pass)]);
    assert!(matches!(refused, Err((1, Refusal::Flags(_)))));
}

/// Events are told and blocked; flows that were there before are not seen; what was delayed leaves at its own time,
/// between two events as between two packets.
#[test]
fn events_go_with_packets() {
    let mut simulation = Simulation::new(vec![
        at(Layer::Flow, "true", 0, 5, Action::Pass),
        at(Layer::Socket, "event == CONNECT and remotePort == 53", 0, 4, Action::Pass),
        at(Layer::Socket, "true", -1, 5, Action::Pass),
        handle("true", 0, 0, Action::Delay(5)),
    ])
    .ok()
    .unwrap();
    let mut out = Vec::new();
    let mut collect = |output: divert_driver_core::simulate::Output<'_>| {
        out.push((id_of(output.bytes), output.ticks / TICKS_PER_MS));
    };
    let packet = udp(1, 0);
    simulation.packet(TICKS_PER_MS, 1, &Arrival::network(&packet, true), &mut collect);
    let mut happens = |ms: i64, event, endpoint| {
        let happening = Happening { event, endpoint, outbound: true, loopback: false };
        simulation.event(ms * TICKS_PER_MS, &happening, &mut collect)
    };
    let (first, other) = (endpoint(), Endpoint { endpoint_id: 9, ..endpoint() });
    assert_eq!(happens(2, Event::FlowEstablished, first), Verdict::LetGo);
    // Older than the handles.
    assert_eq!(happens(3, Event::FlowDeleted, other), Verdict::LetGo);
    assert_eq!(happens(40, Event::SocketBind, first), Verdict::LetGo);
    assert_eq!(happens(41, Event::SocketConnect, first), Verdict::Block);
    assert_eq!(happens(42, Event::FlowDeleted, first), Verdict::LetGo);
    assert_eq!(happens(43, Event::FlowDeleted, first), Verdict::LetGo);
    assert_eq!(happens(44, Event::SocketClose, first), Verdict::LetGo);
    simulation.finish(&mut collect);
    assert_eq!(out, [(1, 6)]);
    let looked: Vec<_> = simulation.report().map(|(_, _, tally)| tally.looked_at).collect();
    assert_eq!(looked, [2, 1, 2, 0]);
}

/// REFLECT handles see the others: those that were opened before them, after them, and all of them close at the end;
/// however late the inputs begin, nothing has waited too long.
#[test]
fn reflect_sees_the_others() {
    let (out, simulation) = run(vec![
        handle("tcp", 7, 0, Action::Pass),
        at(Layer::Reflect, "true", 0, 5, Action::Pass),
        at(Layer::Reflect, "event == CLOSE and priority > 5", 0, 5, Action::Pass),
        at(Layer::Socket, "true", 0, 4, Action::Pass),
    ]);
    assert_eq!(out.len(), 10);
    let seen: Vec<_> = simulation
        .report()
        .map(|(handle, statistics, tally)| {
            (handle.priority, statistics.get(Counter::Matched), tally.looked_at)
        })
        .collect();
    assert_eq!(seen, [(7, 0, 0), (0, 4, 4), (0, 1, 1), (0, 0, 0)]);
    let reflect = at(Layer::Reflect, "true", 0, 5, Action::Pass);
    let mut simulation = Simulation::new(vec![handle("true", 0, 0, Action::Pass), reflect]).ok().unwrap();
    let packet = udp(1, 0);
    simulation.packet(17_040_672_000_000_000, 1, &Arrival::network(&packet, true), &mut |_| ());
    simulation.finish(&mut |_| ());
    assert_eq!(simulation.report().last().unwrap().2.looked_at, 2);
}
