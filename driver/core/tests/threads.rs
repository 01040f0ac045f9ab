//! Real threads over one driver: packets, receives, cancellations, sends, limits, openings and closings at once. In the
//! end everything is accounted for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use common::*;
use divert_driver_core::host::{Host, HostReceive};
use divert_driver_core::{Answer, Arrival, Driver, HandleId, Origin, Verdict};
use divert_driver_protocol::{Code, Counter, Data, Flags, Open, Parameter};
use divert_vm::Layer;

const PACKETS: u16 = 20_000;

#[test]
fn nothing_is_lost_between_threads() {
    let driver = Driver::new(Host::default());
    let steady = network(&driver, "true", 0, 0);
    let reflect = open(&driver, Layer::Reflect, "true", 0, 5);
    let (stop, key) = (AtomicBool::new(false), AtomicU64::new(0));
    let (let_go, finished, received) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for half in 0..2 {
            let (driver, let_go, finished) = (&driver, &let_go, &finished);
            scope.spawn(move || {
                for number in (half..PACKETS).step_by(2) {
                    if outbound(driver, &udp(number, usize::from(number) % 50)) == Verdict::LetGo {
                        let_go.fetch_add(1, Ordering::Relaxed);
                    }
                }
                finished.fetch_add(1, Ordering::Relaxed);
            });
        }
        for _ in 0..2 {
            let (driver, stop, key, received) = (&driver, &stop, &key, &received);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let key = key.fetch_add(1, Ordering::Relaxed);
                    match driver.receive(steady, HostReceive::new(key, 8, 4000)) {
                        Answer::Complete(receive, Ok(filled)) => {
                            received.fetch_add(filled.packets as u64, Ordering::Relaxed);
                            let got = got(&receive, filled);
                            let _ = send(driver, steady, &got.addresses, &got.data);
                        }
                        Answer::Complete(_, Err(code)) => assert_eq!(code, Code::NoData),
                        Answer::Pended if key % 3 == 0 => drop(driver.cancel(steady, key)),
                        Answer::Pended => thread::yield_now(),
                    }
                    while let Some((_, completion)) = driver.platform().take_completed() {
                        received.fetch_add(
                            completion.map_or(0, |filled| filled.packets as u64),
                            Ordering::Relaxed,
                        );
                    }
                }
            });
        }
        let (driver, stop) = (&driver, &stop);
        // Handles come and go above and below.
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let above = network(driver, "ip.Id & 3 == 1", 5, 0);
                let sniffer = network(driver, "true", -5, 1);
                driver.set_parameter(steady, Parameter::QueueLength, 64).unwrap();
                driver.close(above).unwrap();
                driver.set_parameter(steady, Parameter::QueueLength, 4096).unwrap();
                driver.close(sniffer).unwrap();
            }
        });
        // The stack: what was injected comes by again.
        scope.spawn(move || {
            loop {
                match driver.platform().take_injected() {
                    Some(injection) => {
                        let origin = Origin::Injected(injection.mark);
                        let _ =
                            driver.packet(&Arrival { origin, ..Arrival::network(&injection.bytes, true) });
                        driver.injected(injection.ticket, true);
                    }
                    None if stop.load(Ordering::Relaxed) => break,
                    None => thread::yield_now(),
                }
            }
        });
        while finished.load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(let_go.load(Ordering::Relaxed), 0, "the steady handle takes all");
    driver.close(reflect).unwrap();
    driver.close(steady).unwrap();
    let mut left = 0;
    while let Some((_, completion)) = driver.platform().take_completed() {
        left += completion.map_or(0, |filled| filled.packets as u64);
    }
    drain_injected(&driver);
    assert_eq!(driver.platform().memory.used(), 0);
    let all = driver.closed_statistics();
    assert!(received.load(Ordering::Relaxed) + left <= all.get(Counter::Received));
    let accounted = all.get(Counter::Received) + all.get(Counter::Reinjected) + all.dropped();
    assert_eq!(all.get(Counter::Matched), accounted + all.get(Counter::InjectFailed));
    assert!(all.get(Counter::Matched) >= u64::from(PACKETS));
}

/// Handles come and go on two threads while somebody begins to watch: each is told to have opened, then to have closed,
/// once, or is closed before; and what is told is in one order.
#[test]
fn reflection_is_told_in_order_between_threads() {
    let driver = Driver::new(Host::default());
    let early = open(&driver, Layer::Reflect, "true", 0, 5);
    let late = thread::scope(|scope| {
        for thread in 0..2 {
            let driver = &driver;
            scope.spawn(move || {
                let program = filter(Layer::Network, "tcp");
                let mut open: Vec<_> = Vec::new();
                for number in 0..300 {
                    let id = driver.create().unwrap();
                    let request = Open {
                        layer: Layer::Network,
                        priority: 0,
                        flags: Flags::NONE,
                        work_limit: 0,
                        program: &program,
                    };
                    driver.open(id, thread * 1000 + number, &request).unwrap();
                    open.push(id);
                    if open.len() > 3 {
                        driver.close(open.swap_remove(1)).unwrap();
                    }
                }
                open.into_iter().for_each(|id| driver.close(id).unwrap());
            });
        }
        open(&driver, Layer::Reflect, "true", 0, 5)
    });
    let [all, some] = [early, late].map(|id| told(&driver, id));
    assert_eq!(all.len(), 1200);
    // Who came later has seen the same, from some moment on, after those that were open then.
    let opened = all.iter().filter(|(event, _)| *event == 8).count();
    assert_eq!(opened, 600);
    for told in [&all, &some] {
        let mut open = std::collections::BTreeSet::new();
        for (event, process) in told {
            assert!(if *event == 8 { open.insert(*process) } else { open.remove(process) });
        }
        assert!(open.is_empty());
    }
    let common = some.iter().rev().zip(all.iter().rev()).take_while(|(some, all)| some == all).count();
    let before = &some[..some.len() - common];
    assert!(before.iter().all(|(event, _)| *event == 8), "{} beside {common}", before.len());
}

/// Events and processes that a REFLECT handle was told, in order.
fn told(driver: &Driver<Host>, id: HandleId) -> Vec<(u8, u32)> {
    let mut told = Vec::new();
    while let Ok(Some(got)) = receive(driver, id) {
        let address = got.addresses[0];
        let Data::Reflect(handle) = address.data else { panic!("a handle") };
        told.push((address.event, handle.process_id));
    }
    told
}
