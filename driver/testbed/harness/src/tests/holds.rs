//! Requests that are held for overlapped receives of a caller, as user mode's library uses them, and as nobody should.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use divert_driver_protocol::{Code, Completed, Flags, How, Parameter};
use divert_testbed_control::{Completion, Settings};

use super::equal;
use super::faults::returns;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle, Receiving};
use crate::packets::{id_of, outbound, udp};
use crate::random::Random;
use crate::sys::{ABORTED, Pending, TIMEOUT};

/// Longer than anything takes that is to happen.
const PATIENCE: u32 = 20_000;
/// Time for what is not to happen.
const MOMENT: Duration = Duration::from_millis(20);

const fn completed(length: u32) -> Completed {
    Completed { code: None, length }
}

fn hold(handle: &Handle, token: u64) -> Check<Pending> {
    handle.hold(token).context("holding")
}

fn receive(handle: &Handle, token: u64) -> Check<Receiving> {
    handle.start_for(1, 1000, token).context("asking")
}

/// Whether a request still waits a moment later.
fn waits(held: &Pending) -> bool {
    std::thread::sleep(MOMENT);
    !held.is_done()
}

pub(crate) fn life(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let held = hold(&handle, 7)?;
    let receiving = receive(&handle, 7)?;
    let another = hold(&handle, 7)?.outcome(PATIENCE);
    equal("another of this name", another, Err(Code::InvalidParameter.number()))?;
    bed.packet(outbound(udp(3, 5)))?;
    equal("received", id_of(&receiving.wait().context("receiving")?.data), 3)?;
    equal("the held one waits", waits(&held), true)?;
    handle.release(7, completed(33)).context("releasing")?;
    equal("released", held.outcome(PATIENCE), Ok(33))?;
    equal("again", handle.release(7, completed(0)), Err(ABORTED))?;
    // With an error, and a name that was used before.
    let held = hold(&handle, 7)?;
    let failed = Completed { code: Some(Code::NoData), length: 0 };
    handle.release(7, failed).context("releasing")?;
    equal("released", held.outcome(PATIENCE), Err(Code::NoData.number()))?;
    // A receive for nobody.
    equal("nobody", receive(&handle, 9)?.wait().map(drop), Err(ABORTED))
}

pub(crate) fn cancelling(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    // Before anything is received for it.
    let held = hold(&handle, 1)?;
    held.cancel();
    equal("alone", held.outcome(PATIENCE), Err(ABORTED))?;
    equal("too late to receive", receive(&handle, 1)?.wait().map(drop), Err(ABORTED))?;
    // While something is.
    let held = hold(&handle, 2)?;
    let receiving = receive(&handle, 2)?;
    held.cancel();
    equal("its receive", receiving.wait().map(drop), Err(ABORTED))?;
    equal("held", held.outcome(PATIENCE), Err(ABORTED))?;
    equal("it is gone", handle.release(2, completed(0)), Err(ABORTED))?;
    // Once it has brought something: too late.
    let held = hold(&handle, 3)?;
    let receiving = receive(&handle, 3)?;
    bed.packet(outbound(udp(8, 5)))?;
    equal("received", id_of(&receiving.wait().context("receiving")?.data), 8)?;
    held.cancel();
    equal("the held one waits", waits(&held), true)?;
    handle.release(3, completed(5)).context("releasing")?;
    equal("released", held.outcome(PATIENCE), Ok(5))?;
    // The receive was cancelled, and user mode says so.
    let held = hold(&handle, 4)?;
    let receiving = receive(&handle, 4)?;
    receiving.cancel();
    equal("cancelled", receiving.wait().map(drop), Err(ABORTED))?;
    equal("the held one waits", waits(&held), true)?;
    handle.release(4, Completed { code: Some(Code::OperationAborted), length: 0 }).context("releasing")?;
    equal("released", held.outcome(PATIENCE), Err(ABORTED))
}

/// The system cancels all requests of a thread that ends, the newest first, and waits for them before it closes handles.
pub(crate) fn ending(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let held = hold(&handle, 1)?;
    let receiving = receive(&handle, 1)?;
    receiving.cancel();
    equal("the receive", receiving.wait().map(drop), Err(ABORTED))?;
    held.cancel();
    equal("the receive has brought nothing", held.outcome(PATIENCE), Err(ABORTED))?;
    // It had something, and nobody is there to take it.
    let held = hold(&handle, 2)?;
    let receiving = receive(&handle, 2)?;
    bed.packet(outbound(udp(8, 5)))?;
    receiving.wait().context("receiving")?;
    bed.set(Settings { ending: true, ..Settings::default() })?;
    held.cancel();
    equal("held", held.outcome(PATIENCE), Err(ABORTED))
}

pub(crate) fn closing(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let held = hold(&handle, 1)?;
    let receiving = receive(&handle, 1)?;
    handle.shutdown(How::Receive).context("shutting down")?;
    equal("shut down", receiving.wait().map(drop), Err(Code::NoData.number()))?;
    equal("the held one waits", waits(&held), true)?;
    held.cancel();
    equal("cancelled", held.outcome(PATIENCE), Err(ABORTED))?;
    // Alone, received for, and filled.
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let (alone, busy, filled) = (hold(&handle, 1)?, hold(&handle, 2)?, hold(&handle, 3)?);
    let brings = receive(&handle, 3)?;
    let receiving = receive(&handle, 2)?;
    bed.packet(outbound(udp(1, 1)))?;
    brings.wait().context("receiving")?;
    handle.close();
    for held in [alone, busy, filled] {
        if let outcome @ (Ok(_) | Err(TIMEOUT)) = held.outcome(PATIENCE) {
            return Err(format!("a held request of a closed handle: {outcome:?}"));
        }
    }
    match receiving.wait() {
        Err(code) if code != TIMEOUT => Ok(()),
        other => Err(format!("a receive of a closed handle: {other:?}")),
    }
}

/// As many as the driver holds.
const MAX_HELD: u64 = 16_384;

pub(crate) fn bound(bed: &mut Bed) -> Check {
    let many = if bed.all { MAX_HELD } else { 500 };
    returns(bed, 1, |_| {
        let handle = Handle::network("udp", 0, Flags::NONE)?;
        let held = (1..=many).map(|token| hold(&handle, token)).collect::<Check<Vec<_>>>()?;
        if many == MAX_HELD {
            let more = hold(&handle, many + 1)?.outcome(PATIENCE);
            equal("one more", more, Err(Code::NoSystemResources.number()))?;
        }
        handle.release(many / 2, completed(9)).context("releasing")?;
        equal("released", held[many as usize / 2 - 1].outcome(PATIENCE), Ok(9))?;
        held[0].cancel();
        equal("cancelled", held[0].outcome(PATIENCE), Err(ABORTED))?;
        handle.close();
        match held.iter().find(|held| held.outcome(PATIENCE) == Err(TIMEOUT)) {
            None => Ok(()),
            Some(_) => Err("one is still held".into()),
        }
    })
}

/// What the threads of a stress share.
struct Shared {
    handle: Handle,
    tokens: AtomicU64,
    /// Nobody is to expect anything of the handle any more.
    closing: AtomicBool,
    /// What may be cancelled by anybody.
    victims: Mutex<Vec<(Arc<Pending>, Arc<Receiving>)>>,
    received: AtomicU64,
    cancelled: AtomicU64,
}

/// Receives as user mode's library does, again and again; gives how often.
fn caller(shared: &Shared, seed: u64) -> Check<u64> {
    let Shared { handle, .. } = shared;
    let mut random = Random::new(seed);
    for round in 0.. {
        let closing = || shared.closing.load(Ordering::Acquire);
        let token = shared.tokens.fetch_add(1, Ordering::Relaxed);
        let held = match handle.hold(token) {
            Ok(held) => Arc::new(held),
            Err(_) if closing() => return Ok(round),
            Err(code) => return Err(format!("holding: error {code}")),
        };
        if random.below(10) == 0 {
            held.cancel();
        }
        let receiving = match handle.start_for(1, 1000, token) {
            Ok(receiving) => Arc::new(receiving),
            // It has ended at once, like any other.
            Err(code) => {
                end(shared, token, &held, Err(code))?;
                if closing() {
                    return Ok(round);
                }
                continue;
            }
        };
        {
            let mut victims = shared.victims.lock().unwrap_or_else(PoisonError::into_inner);
            victims.retain(|(held, _)| !held.is_done());
            victims.push((Arc::clone(&held), Arc::clone(&receiving)));
        }
        match random.below(6) {
            0 => held.cancel(),
            1 => receiving.cancel(),
            _ => {}
        }
        let received = receiving.wait().map(|batch| batch.data.len());
        if received == Err(TIMEOUT) {
            return Err("a receive does not end".into());
        }
        end(shared, token, &held, received)?;
    }
    Ok(0)
}

/// The receive for a held request has ended: it is released, or gone. Either way it ends once, and rightly.
fn end(shared: &Shared, token: u64, held: &Pending, received: Result<usize, u32>) -> Check {
    let completed = match received {
        Ok(length) => Completed { code: None, length: length as u32 },
        Err(_) => Completed { code: Some(Code::NoData), length: 0 },
    };
    let released = shared.handle.release(token, completed);
    let outcome = held.outcome(PATIENCE);
    shared.received.fetch_add(u64::from(received.is_ok()), Ordering::Relaxed);
    shared.cancelled.fetch_add(u64::from(outcome == Err(ABORTED)), Ordering::Relaxed);
    let right = match released {
        Ok(()) => outcome == received.map_err(|_| Code::NoData.number()),
        // Who took it, cancelled it; or the handle is closed.
        Err(_) => matches!(outcome, Err(code) if code != TIMEOUT),
    };
    let lost = received.is_ok() && released.is_err() && !shared.closing.load(Ordering::Acquire);
    if right && !lost {
        Ok(())
    } else {
        Err(format!("received {received:?}, released {released:?}, but the held request {outcome:?}"))
    }
}

/// Cancels what comes before it.
fn canceller(shared: &Shared) {
    let mut random = Random::new(77);
    while !shared.closing.load(Ordering::Acquire) {
        let victim = {
            let victims = shared.victims.lock().unwrap_or_else(PoisonError::into_inner);
            (!victims.is_empty()).then(|| victims[random.below(victims.len())].clone())
        };
        match victim {
            Some((held, _)) if random.below(2) == 0 => held.cancel(),
            Some((_, receiving)) => receiving.cancel(),
            None => {}
        }
        std::thread::sleep(Duration::from_micros(random.below(300) as u64));
    }
}

/// Packets at once, and rounds of them.
const BURST: u16 = 200;

/// Threads receive and cancel while packets come by on the stack's thread; then the handle is shut down or closed.
pub(crate) fn stress(bed: &mut Bed) -> Check {
    let rounds = if bed.all { 60 } else { 6 };
    let (mut calls, mut received, mut cancelled) = (0, 0, 0);
    let mut round = |number: u32| {
        bed.set(Settings { completion: Completion::Thread, keep: false, ..Settings::default() })?;
        let feeder = Handle::network("udp", 1, Flags::NONE)?;
        let handle = Handle::network("udp", 0, Flags::NONE)?;
        handle.set(Parameter::QueueTime, 16_000).context("set")?;
        bed.packets((0..BURST).map(|id| outbound(udp(id, 20))).collect())?;
        let shared = Shared {
            handle,
            tokens: AtomicU64::new(1),
            closing: AtomicBool::new(false),
            victims: Mutex::new(Vec::new()),
            received: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        };
        let before = bed.report()?.outcomes;
        let outcome: Check<Vec<u64>> = std::thread::scope(|scope| {
            let shared = &shared;
            let callers: Vec<_> =
                (0..4).map(|at| scope.spawn(move || caller(shared, u64::from(number) * 8 + at))).collect();
            let canceller = scope.spawn(move || canceller(shared));
            let fed = feed(&feeder);
            std::thread::sleep(MOMENT);
            shared.closing.store(true, Ordering::Release);
            if number.is_multiple_of(2) {
                let _ = shared.handle.shutdown(How::Both);
            }
            shared.handle.close();
            let _ = canceller.join();
            let calls = callers.into_iter().map(|caller| caller.join().unwrap_or(Err("a panic".into())));
            let calls = calls.collect();
            fed.and(calls)
        });
        calls += outcome?.iter().sum::<u64>();
        let here = shared.received.into_inner();
        received += here;
        cancelled += shared.cancelled.into_inner();
        shared.victims.lock().unwrap_or_else(PoisonError::into_inner).clear();
        bed.settle()?;
        // What was not received went back into the stack when the handle was closed.
        let mut left = 0;
        for _ in 0..500 {
            left = bed.report()?.outcomes[1] - before[1];
            if left + here >= u64::from(BURST) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        equal("packets received or put back", here + left, u64::from(BURST))
    };
    returns(bed, rounds, &mut round)?;
    println!("        {calls} calls, {received} packets received, {cancelled} held requests cancelled");
    if received == 0 || cancelled == 0 { Err("nothing has happened".into()) } else { Ok(()) }
}

/// Sends on what was diverted, a few at a time: it comes by again on the stack's thread.
fn feed(feeder: &Handle) -> Check {
    let mut left = usize::from(BURST);
    while left > 0 {
        let batch = feeder.start(8, 4000).context("asking")?.wait().context("feeding")?;
        left -= batch.addresses.len().min(left);
        feeder.send_back(&batch).context("sending")?;
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}
