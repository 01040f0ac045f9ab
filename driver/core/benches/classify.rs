//! Packets per second through classify → queue → receive, by handles and threads. Prints a table:
//! `cargo bench -p divert-driver-core`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a benchmark")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::{self, black_box};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use divert_driver_core::host::{Host, HostReceive};
use divert_driver_core::{Answer, Arrival, Driver, HandleId};
use divert_vm::Layer;

/// For one thread; several need more until a busy machine has run them at once often enough.
const TIME: Duration = Duration::from_millis(300);

fn host() -> Driver<Host> {
    Driver::new(Host::real_time(1 << 30))
}

/// Nanoseconds that a packet takes one thread, when so many run `work` at once. They begin every round together, and it
/// ends with the last; of all rounds in which they ran at once, that at the end of the fastest tenth, so that other work
/// on the machine does not show.
fn measure(threads: usize, work: impl Fn(usize) -> u64 + Sync) -> Option<f64> {
    (0..8).find_map(|_| attempt(threads, &work))
}

/// One attempt; on a busy machine several threads may never run at once in it.
fn attempt(threads: usize, work: &(impl Fn(usize) -> u64 + Sync)) -> Option<f64> {
    let time = if threads == 1 { TIME } else { TIME * 8 };
    let (started, arrived, stop) = (Instant::now(), AtomicUsize::new(0), AtomicBool::new(false));
    let rounds: Vec<Vec<_>> = thread::scope(|scope| {
        let (arrived, stop) = (&arrived, &stop);
        let run = move |number| {
            let mut rounds = Vec::new();
            loop {
                arrived.fetch_add(1, Ordering::AcqRel);
                // Who waits keeps its core: the other one is to run at the same time, not in its place.
                while arrived.load(Ordering::Acquire) < threads * (rounds.len() + 1) {
                    if stop.load(Ordering::Relaxed) {
                        return rounds;
                    }
                    hint::spin_loop();
                }
                let begun = started.elapsed();
                let packets = work(number);
                rounds.push((begun, started.elapsed(), packets));
                if started.elapsed() > time {
                    stop.store(true, Ordering::Relaxed);
                    return rounds;
                }
            }
        };
        let running: Vec<_> = (0..threads).map(|number| scope.spawn(move || run(number))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let whole = rounds.iter().map(Vec::len).min().unwrap();
    let mut cells: Vec<f64> = (0..whole)
        .filter_map(|round| {
            let times = rounds.iter().map(|thread| thread[round]);
            let begun = least_and_greatest(times.clone().map(|(begun, ..)| begun))?;
            let ended = least_and_greatest(times.clone().map(|(_, ended, _)| ended))?;
            let packets: u64 = times.map(|(.., packets)| packets).sum();
            let whole = ended.1 - begun.0;
            // Threads that took turns on one core say nothing of threads that run at once.
            let together = ended.0.checked_sub(begun.1)?;
            (together * 5 > whole * 4).then(|| whole.as_nanos() as f64 * threads as f64 / packets as f64)
        })
        .collect();
    cells.sort_by(f64::total_cmp);
    cells.get(cells.len() / 10).copied()
}

fn least_and_greatest(times: impl Iterator<Item = Duration> + Clone) -> Option<(Duration, Duration)> {
    Some((times.clone().min()?, times.max()?))
}

/// Packets that nobody takes.
fn pass(driver: &Driver<Host>, packet: &[u8]) -> u64 {
    const PACKETS: u64 = 512;
    for _ in 0..PACKETS {
        let _ = black_box(driver.packet(&Arrival::network(black_box(packet), true)));
    }
    PACKETS
}

/// Four times 64 packets into the queue, and out again in batches.
fn divert(driver: &Driver<Host>, id: HandleId, packet: &[u8], receive: &mut Option<HostReceive>) -> u64 {
    const PACKETS: usize = 64;
    const TIMES: usize = 4;
    for _ in 0..TIMES {
        for _ in 0..PACKETS {
            let _ = driver.packet(&Arrival::network(packet, true));
        }
        let mut received = 0;
        while received < PACKETS
            && let Some(taken) = receive.take()
        {
            match driver.receive(id, taken) {
                Answer::Complete(taken, completion) => {
                    received += completion.map_or(0, |filled| filled.packets);
                    *receive = Some(taken);
                }
                Answer::Pended => *receive = driver.cancel(id, 0),
            }
        }
    }
    (PACKETS * TIMES) as u64
}

fn row(name: &str, handles: usize, cells: [Option<f64>; 2]) {
    let [one, two] = [(1.0, cells[0]), (2.0, cells[1])].map(|(threads, cell)| match cell {
        // Millions of packets a second by all threads together.
        Some(cell) => format!("{cell:>8.0} ns {:>7.2} M/s", threads * 1000.0 / cell),
        None => "never ran at once".to_owned(),
    });
    println!("{name:<44} {handles:>7} {one:>23} {two:>23}");
}

fn main() {
    println!("{:<44} {:>7} {:>23} {:>23}", "", "handles", "1 thread", "2 threads");
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
        (1, "true", "1,028 bytes: classify, queue, receive"),
        (10, "tcp.DstPort == 443", "  ... below others whose needs are met"),
        (100, "tcp.DstPort == 443", "  ... below others whose needs are met"),
        (10, "ipv6", "  ... below others whose needs are not met"),
        (100, "ipv6", "  ... below others whose needs are not met"),
    ] {
        row(name, count, [1, 2].map(|threads| round_trip(count, filter, threads)));
    }
}

/// Each thread diverts to its own handle.
fn round_trip(count: usize, filter: &str, threads: usize) -> Option<f64> {
    let driver = host();
    for _ in 1..count {
        network(&driver, filter, 9, 0);
    }
    let ids = ["ip.Id == 1", "ip.Id == 2"].map(|own| network(&driver, own, 0, 0));
    let packets = [udp(1, 1000), udp(2, 1000)];
    let buffers = [0, 1].map(|_| Mutex::new(Some(HostReceive::new(0, 64, 100_000))));
    measure(threads, |number| {
        let mut receive = buffers[number].lock().unwrap();
        divert(&driver, ids[number], &packets[number], &mut receive)
    })
}
