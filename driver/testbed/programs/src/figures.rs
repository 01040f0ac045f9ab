//! What the driver costs in the testbed: `programs --figures` prints the tables of `driver/PERFORMANCE.md`.
//!
//! Each cell is of many rounds; it is the end of their fastest tenth, as the machine does other things too.

use std::time::Instant;

use divert_driver_client::{Buffer, Filter, Flags, Handle, How, Layer, Options, Outgoing};
use divert_driver_protocol::Parameter;
use divert_testbed_control::{Blast, Fate, Other, Packet, Request, Settings};
use divert_testbed_model::layer::Kind;

use crate::packets::long_udp;
use crate::stack::{Stack, list};

/// Rounds for each cell.
const ROUNDS: usize = 40;
/// Lists in a round.
const LISTS: u32 = 2000;
/// Sizes of batches, and packets in a round of each: few enough to be received long before they are too old.
const BATCHES: [(usize, u32); 3] = [(1, 64), (16, 16 * 16), (255, 255 * 4)];
/// Bytes of a packet, as in `cargo bench -p divert-driver-core`.
const LENGTH: usize = 1028;
/// Bytes of an address record.
const RECORD: usize = 80;

type Result<T> = std::result::Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The end of the fastest tenth of some rounds.
fn cell(mut round: impl FnMut() -> Result<f64>) -> Result<f64> {
    Ok(tenth((0..ROUNDS).map(|_| round()).collect::<Result<Vec<f64>>>()?))
}

fn since(begin: Instant, count: u32) -> f64 {
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

/// Prints everything.
pub(crate) fn print(stack: &Stack) -> Result<()> {
    stack.set(Settings { keep: false, ..Settings::default() })?;
    classification(stack)?;
    round_trips(stack)
}

fn packet() -> Packet {
    list(Kind::Outbound, &long_udp(LENGTH))
}

/// Microseconds for a list that comes by and goes on.
fn passing(stack: &Stack) -> Result<f64> {
    let blast = Blast { threads: 1, count: LISTS, packets: vec![packet()] };
    cell(|| {
        let blasted = stack.blast(blast.clone())?;
        if blasted.permitted != u64::from(LISTS) {
            return Err(format!("{} lists went on", blasted.permitted));
        }
        Ok(blasted.time as f64 / 10.0 / f64::from(LISTS))
    })
}

fn open(filter: &str, count: usize, flags: Flags) -> Result<Vec<Handle>> {
    let filter = Filter::compile(filter, Layer::Network).map_err(text)?;
    let options = Options { flags, ..Options::default() };
    (0..count).map(|_| Handle::open(&filter, &options).map_err(text)).collect()
}

fn classification(stack: &Stack) -> Result<()> {
    // A callout of another driver that lets everything go on: the double does all it does, and the driver is not asked.
    let other = Other { kind: Kind::Outbound, ipv6: false, weight: 1, fate: Fate::Permitted, hard: false };
    stack.done(&Request::Others(vec![other]))?;
    let double = passing(stack)?;
    println!("| a list of one packet comes by and goes on | handles | together | of it the driver |");
    println!("| --- | ---: | ---: | ---: |");
    println!("| the double alone | 0 | {double:.2} µs | |");
    for (what, filter) in [
        ("needs met, filter false", "udp.DstPort == 443 and ip"),
        ("needs not met (all want IPv6, one IPv4)", "tcp.DstPort == 443 and ipv6"),
    ] {
        // The callout is asked only when somebody wants IPv4.
        let asks = open("outbound and tcp.DstPort == 443 and ip", 1, Flags::NONE)?;
        for count in [1, 10, 100] {
            let handles = open(filter, count - 1, Flags::NONE)?;
            let time = passing(stack)?;
            println!("| {what} | {count} | {time:.2} µs | {:.2} µs |", time - double);
            drop(handles);
        }
        drop(asks);
    }
    stack.done(&Request::Others(Vec::new()))
}

/// One round of trips: what receiving took, and sending, of each packet, and what requests of the same sizes take of
/// which nothing comes.
fn trip(stack: &Stack, handle: &Handle, batch: usize, count: u32) -> Result<[f64; 3]> {
    let blasted = stack.blast(Blast { threads: 1, count, packets: vec![packet()] })?;
    if blasted.blocked != u64::from(count) {
        return Err(format!("{} lists were taken", blasted.blocked));
    }
    let mut buffer = Buffer::for_batch(batch, batch * LENGTH).map_err(text)?;
    let mut outgoing = Outgoing::new();
    let (mut left, mut received, mut sent) = (count, 0.0, 0.0);
    while left > 0 {
        let begin = Instant::now();
        handle.receive(&mut buffer).map_err(text)?;
        received += since(begin, count);
        outgoing.clear();
        for event in buffer.events() {
            outgoing.push(event.data, &event.address).map_err(text)?;
        }
        let begin = Instant::now();
        let done = handle.send_batch(&outgoing).map_err(text)?;
        sent += since(begin, count);
        left = left.checked_sub(done.packets).filter(|_| done.packets > 0).ok_or("packets of nobody")?;
    }
    // One request that brings as much as a receive does and takes as much as a send, and one that does neither. The double
    // is asked with more ado than the driver, which matters where there is little to carry.
    let bytes = vec![0; batch * (LENGTH + RECORD)];
    let mut nothing = 0.0;
    for _ in 0..(count as usize).div_ceil(batch) {
        let bytes = bytes.clone();
        let begin = Instant::now();
        idle(handle)?;
        if batch == 1 {
            idle(handle)?;
        } else {
            stack.echo(bytes)?;
        }
        nothing += since(begin, count);
    }
    Ok([received, sent, nothing])
}

/// A request of the driver that does next to nothing.
fn idle(handle: &Handle) -> Result<()> {
    handle.parameter(Parameter::QueueTime).map(drop).map_err(text)
}

/// The end of the fastest tenth.
fn tenth(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 10).copied().unwrap_or(f64::NAN)
}

fn round_trips(stack: &Stack) -> Result<()> {
    let handle = open("udp", 1, Flags::NONE)?.pop().ok_or("no handle")?;
    handle.set_parameter(Parameter::QueueLength, 16_384).map_err(text)?;
    handle.set_parameter(Parameter::QueueSize, 32 << 20).map_err(text)?;
    handle.set_parameter(Parameter::QueueTime, 16_000).map_err(text)?;
    const IDLES: u32 = 200;
    let nothing = cell(|| {
        let begin = Instant::now();
        (0..IDLES).try_for_each(|_| idle(&handle))?;
        Ok(since(begin, IDLES))
    })?;
    println!("\nA request that does nothing: {nothing:.0} µs.\n");
    println!("| batch | receive | send | together, each packet | requests of these sizes that do nothing |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for (batch, count) in BATCHES {
        let rounds =
            (0..3 * ROUNDS).map(|_| trip(stack, &handle, batch, count)).collect::<Result<Vec<_>>>()?;
        let column = |at: fn(&[f64; 3]) -> f64| tenth(rounds.iter().map(at).collect());
        let [received, sent] = [column(|round| round[0]), column(|round| round[1])];
        let [together, nothing] = [column(|round| round[0] + round[1]), column(|round| round[2])];
        println!("| {batch} | {received:.1} µs | {sent:.1} µs | {together:.1} µs | {nothing:.1} µs |");
    }
    handle.shutdown(How::Both).map_err(text)
}
