//! Packets per second through classify → queue → receive, by handles and threads. Prints a table:
//! `cargo bench -p divert-driver-core`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a benchmark")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use divert_driver_core::host::{Host, HostReceive};
use divert_driver_core::{Answer, Arrival, Driver, HandleId};
use divert_vm::Layer;

const TIME: Duration = Duration::from_millis(300);

fn host() -> Driver<Host> {
    Driver::new(Host::real_time(1 << 30))
}

/// Nanoseconds per packet of `work`, run by so many threads at once: of all its runs that of the fastest tenth, so that
/// other work on the machine does not show.
fn measure(threads: usize, work: impl Fn(usize) -> u64 + Sync) -> f64 {
    let started = Instant::now();
    let mut runs: Vec<f64> = thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    let mut runs = Vec::new();
                    while started.elapsed() < TIME {
                        let begun = Instant::now();
                        let packets = work(number);
                        runs.push(begun.elapsed().as_nanos() as f64 / packets as f64);
                    }
                    runs
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 10]
}

/// 256 packets that nobody takes.
fn pass(driver: &Driver<Host>, packet: &[u8]) -> u64 {
    for _ in 0..256 {
        let _ = black_box(driver.packet(&Arrival::network(black_box(packet), true)));
    }
    256
}

/// 64 packets into the queue and out again, in batches.
fn divert(driver: &Driver<Host>, id: HandleId, packet: &[u8], receive: &mut Option<HostReceive>) -> u64 {
    for _ in 0..64 {
        let _ = driver.packet(&Arrival::network(packet, true));
    }
    let mut packets = 0;
    while let Some(taken) = receive.take() {
        match driver.receive(id, taken) {
            Answer::Complete(taken, completion) => {
                packets += completion.map_or(0, |filled| filled.packets as u64);
                *receive = Some(taken);
            }
            Answer::Pended => *receive = driver.cancel(id, 0),
        }
        if packets >= 64 {
            break;
        }
    }
    packets
}

fn row(name: &str, handles: usize, cells: [f64; 2]) {
    // Millions of packets a second by all threads together.
    let rate = |threads: f64, cell: f64| threads * 1000.0 / cell;
    println!(
        "{name:<58} {handles:>7} {:>8.0} ns {:>7.2} M/s {:>8.0} ns {:>7.2} M/s",
        cells[0],
        rate(1.0, cells[0]),
        cells[1],
        rate(2.0, cells[1])
    );
}

fn main() {
    println!("{:<58} {:>7} {:>23} {:>23}", "", "handles", "1 thread", "2 threads");
    let packet = udp(1, 1000);
    for count in [0, 1, 10, 100] {
        let driver = host();
        for _ in 0..count {
            open(&driver, Layer::Network, "tcp.DstPort == 443 and outbound", 0, 0);
        }
        row(
            "goes on; needs met, filter false",
            count,
            [1, 2].map(|threads| measure(threads, |_| pass(&driver, &packet))),
        );
    }
    for count in [1, 10, 100] {
        let driver = host();
        for _ in 0..count {
            open(&driver, Layer::Network, "tcp.DstPort == 443 and ipv6", 0, 0);
        }
        row(
            "goes on; needs not met (all want IPv6)",
            count,
            [1, 2].map(|threads| measure(threads, |_| pass(&driver, &packet))),
        );
    }
    for (count, filter, name) in [
        (1, "true", "64 packets of 1,028 bytes: classify, queue, receive"),
        (10, "tcp.DstPort == 443", "  ... below others whose needs are met"),
        (100, "tcp.DstPort == 443", "  ... below others whose needs are met"),
        (10, "ipv6", "  ... below others whose needs are not met"),
        (100, "ipv6", "  ... below others whose needs are not met"),
    ] {
        let cells = [1, 2].map(|threads| {
            let driver = host();
            for _ in 1..count {
                network(&driver, filter, 9, 0);
            }
            // A handle for each thread, by identification.
            let ids = [network(&driver, "ip.Id == 1", 0, 0), network(&driver, "ip.Id == 2", 0, 0)];
            let packets = [udp(1, 1000), udp(2, 1000)];
            let buffers = [0, 1].map(|_| std::sync::Mutex::new(Some(HostReceive::new(0, 255, 300_000))));
            measure(threads, |number| {
                let mut receive = buffers[number].lock().unwrap();
                divert(&driver, ids[number], &packets[number], &mut receive)
            })
        });
        row(name, count, cells);
    }
}
