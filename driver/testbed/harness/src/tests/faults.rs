//! Everything that can fail does: memory at every point in turn, the engine, injection; and the stack takes its time.

use divert_driver_protocol::{Code, Counter, Flags};
use divert_testbed_control::{Completion, Failure, Settings};

use super::equal;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{id_of, inbound, outbound, udp, udp6};

/// `STATUS_INSUFFICIENT_RESOURCES`.
const NO_RESOURCES: i32 = 0xC000_009A_u32.cast_signed();
/// More points than a scenario has.
const MOST_POINTS: u64 = 2000;

/// Ordinary use, from opening to closing; errors are ordinary too.
fn scenario(bed: &Bed) {
    let Ok(sniffer) = Handle::create() else { return };
    let Ok(handle) = Handle::create() else { return };
    let Ok(program) = crate::filters::program(divert_vm::Layer::Network, "udp") else { return };
    let _ = sniffer.open_with(divert_vm::Layer::Network, &program, 1, Flags::SNIFF);
    let _ = handle.open_with(divert_vm::Layer::Network, &program, 0, Flags::NONE);
    let waiting = handle.start(1, 2000);
    for packet in [outbound(udp(1, 10)), inbound(udp6(20)), outbound(udp(2, 10)), inbound(udp(3, 10))] {
        let _ = bed.packet(divert_testbed_control::Packet { split: 16, ..packet });
    }
    if let Ok(batch) = waiting.and_then(|receive| receive.wait_for(50)) {
        let _ = handle.send_back(&batch);
    }
    if let Ok(batch) = handle.start(255, 4000).and_then(|receive| receive.wait_for(50)) {
        let _ = handle.send_back(&batch);
    }
    let _ = handle.statistics();
    let _ = handle.handles();
    let cancelled = sniffer.start(1, 0);
    drop(cancelled);
}

/// Allocations, bytes in them, and lists of the driver after everything was closed; closing travels by itself.
fn at_rest(bed: &Bed) -> Check<(u64, u64, u64)> {
    let mut before = None;
    for _ in 0..500 {
        bed.settle()?;
        let report = bed.report()?;
        let now = (report.memory[0], report.memory[1], report.lists[0]);
        if before == Some(now) && report.objects[4] == 0 {
            return Ok(now);
        }
        before = Some(now);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Err("the driver does not come to rest".into())
}

/// Runs the scenario again and again, each time with a later failure, until nothing was left to fail.
fn at_every_point(bed: &mut Bed, failure: impl Fn(u64) -> Failure) -> Check<u64> {
    bed.fail(Failure::None)?;
    scenario(bed);
    let rest = at_rest(bed)?;
    for point in 0..MOST_POINTS {
        bed.fail(failure(point))?;
        scenario(bed);
        let fired = !bed.report()?.armed;
        bed.fail(Failure::None)?;
        // Filters that the engine refused to delete are deleted with the next change; until then they do no harm.
        drop(Handle::network("udp", 0, Flags::NONE)?);
        let now = at_rest(bed)?;
        if now != rest {
            let report = bed.report()?;
            return Err(format!(
                "after a failure at point {point}: {now:?} instead of {rest:?} live\n{report}"
            ));
        }
        let findings = bed.report()?;
        if findings.found > 0 {
            return Err(format!("after a failure at point {point}:\n{findings}"));
        }
        bed.outcomes()?;
        if !fired {
            // And it works again.
            let handle = Handle::network("udp", 0, Flags::NONE)?;
            bed.packet(outbound(udp(9, 1)))?;
            equal("works", id_of(&handle.receive().context("receiving")?.data), 9)?;
            return Ok(point);
        }
    }
    Err(format!("more than {MOST_POINTS} points"))
}

pub(crate) fn memory(bed: &mut Bed) -> Check {
    let points = at_every_point(bed, Failure::Memory)?;
    println!("        {points} allocations failed in turn");
    if points < 10 { Err("hardly any allocation is watched".into()) } else { Ok(()) }
}

pub(crate) fn engine(bed: &mut Bed) -> Check {
    let points = at_every_point(bed, |point| Failure::Engine(point, NO_RESOURCES))?;
    println!("        {points} calls of the engine failed in turn");
    if points < 4 { Err("hardly any call of the engine is watched".into()) } else { Ok(()) }
}

pub(crate) fn injection(bed: &mut Bed) -> Check {
    let refused = at_every_point(bed, |point| Failure::Injection(point, NO_RESOURCES))?;
    let spoiled = at_every_point(bed, |point| Failure::Completion(point, NO_RESOURCES))?;
    println!("        {refused} injections refused, {spoiled} ended badly");
    if refused == 0 || spoiled == 0 {
        return Err("nothing was injected".into());
    }
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packet(outbound(udp(1, 1)))?;
    let batch = handle.receive().context("receiving")?;
    bed.fail(Failure::Injection(0, NO_RESOURCES))?;
    let sent = handle.send_back(&batch).context("sending")?;
    equal("refused", (sent.packets, sent.code), (0, Some(Code::NoSystemResources)))?;
    bed.fail(Failure::Completion(0, NO_RESOURCES))?;
    equal("accepted", handle.send_back(&batch).context("sending")?.packets, 1)?;
    bed.settle()?;
    equal("counted", handle.counter(Counter::InjectFailed).context("counters")?, 2)?;
    equal("nothing left", bed.outcomes()?.len(), 0)
}

/// `ERROR_INTERNAL_ERROR`: what Wine says when the process of a driver that was not loaded has ended before it was heard.
/// One that has crashed is seen by what Wine prints.
const PROCESS_GONE: u32 = 1359;

/// What loading fails with, and then succeeds without.
fn loads(bed: &mut Bed, code: u32, failure: impl Fn(u64) -> Failure) -> Check<u64> {
    for point in 0..MOST_POINTS {
        let mut outcome = bed.load_with(failure(point))?;
        for _ in 0..5 {
            if matches!(outcome, Some((PROCESS_GONE, _))) {
                std::thread::sleep(std::time::Duration::from_millis(100));
                outcome = bed.load_with(failure(point))?;
            }
        }
        let Some((failed, report)) = outcome else {
            equal("nothing was left to fail", bed.report()?.armed, true)?;
            bed.stop()?;
            return Ok(point);
        };
        equal(&format!("point {point}"), failed, code)?;
        match report {
            Some(report) if report.found > 0 || report.objects != [0; 11] || report.memory[0] > 0 => {
                return Err(format!("after loading failed at point {point}:\n{report}"));
            }
            // Where there never was a device there is nothing to take back.
            None if point > 0 => return Err(format!("no report after loading failed at point {point}")),
            Some(_) | None => {}
        }
        bed.reload()?;
        let handle = Handle::network("udp", 0, Flags::NONE)?;
        bed.packet(outbound(udp(9, 1)))?;
        equal("works", id_of(&handle.receive().context("receiving")?.data), 9)?;
        drop(handle);
        bed.stop()?;
    }
    Err(format!("more than {MOST_POINTS} points"))
}

pub(crate) fn loading(bed: &mut Bed) -> Check {
    /// `STATUS_ACCESS_DENIED`.
    const DENIED: i32 = 0xC000_0022_u32.cast_signed();
    bed.stop()?;
    let memory = loads(bed, Code::NoSystemResources.number(), Failure::Memory)?;
    let engine = loads(bed, Code::AccessDenied.number(), |point| Failure::Engine(point, DENIED))?;
    println!("        {memory} allocations and {engine} calls of the platform failed in turn");
    if memory < 8 || engine < 20 {
        return Err("hardly anything is watched".into());
    }
    bed.reload()
}

fn ways() -> [Settings; 4] {
    let way = |completion, delay| Settings { completion, delay, keep: true, split: 7, ending: false };
    [
        way(Completion::Now, 0),
        way(Completion::Thread, 0),
        way(Completion::Delayed, 20),
        way(Completion::Reversed, 30),
    ]
}

pub(crate) fn completion(bed: &mut Bed) -> Check {
    let high = Handle::network("udp", 1, Flags::NONE)?;
    let low = Handle::network("udp", 0, Flags::NONE)?;
    for settings in ways() {
        bed.set(settings)?;
        bed.packets(
            (0..50)
                .map(|id| if id % 2 == 0 { outbound(udp(id, 30)) } else { inbound(udp(id, 30)) })
                .collect(),
        )?;
        let batch = high.start(255, 1 << 16).context("asking")?.wait().context("high")?;
        equal("high", batch.addresses.len(), 50)?;
        equal("sent", high.send_back(&batch).context("sending")?.packets, 50)?;
        bed.settle()?;
        let batch = low.start(255, 1 << 16).context("asking")?.wait().context("low")?;
        equal("low", batch.addresses.len(), 50)?;
        equal("sent", low.send_back(&batch).context("sending")?.packets, 50)?;
        let ids: Vec<u16> = bed.outcomes()?.iter().map(|outcome| id_of(&outcome.bytes)).collect();
        equal("left", ids, (0..50).collect::<Vec<u16>>())?;
        equal("lists", bed.report()?.lists[0], 0)?;
    }
    Ok(())
}

pub(crate) fn unload_in_flight(bed: &mut Bed) -> Check {
    for settings in ways() {
        bed.set(Settings { delay: settings.delay * 5, ..settings })?;
        let handle = Handle::network("udp", 0, Flags::NONE)?;
        bed.packets((0..40).map(|id| outbound(udp(id, 30))).collect())?;
        let batch = handle.start(20, 1 << 16).context("asking")?.wait().context("receiving")?;
        handle.send_back(&batch).context("sending")?;
        // Twenty are in the stack, twenty in the queue, which go back into the stack now.
        drop(handle);
        bed.cycle()?;
    }
    Ok(())
}

/// Runs something once, so that what is made once and kept is made, then often; memory must be as it was after the first
/// time.
pub(super) fn returns(bed: &Bed, times: u32, mut work: impl FnMut(u32) -> Check) -> Check {
    work(0)?;
    let rest = at_rest(bed)?;
    for time in 0..times {
        work(time)?;
    }
    equal("memory returns to where it was", at_rest(bed)?, rest)
}

pub(crate) fn many_handles(bed: &mut Bed) -> Check {
    let cycles = if bed.all { 1000 } else { 100 };
    let program = crate::filters::program(divert_vm::Layer::Network, "outbound and udp.DstPort == 53")?;
    returns(bed, cycles, |_| {
        for cycle in 0..10 {
            let handle = Handle::create().context("the device")?;
            let flags = if cycle % 3 == 0 { Flags::SNIFF } else { Flags::NONE };
            handle.open_with(divert_vm::Layer::Network, &program, 0, flags).context("opening")?;
            if cycle == 0 {
                let _waiting = handle.start(1, 100).context("asking")?;
                bed.packets(vec![outbound(udp(1, 1)), outbound(udp(2, 1))])?;
            }
        }
        Ok(())
    })
}

pub(crate) fn many_packets(bed: &mut Bed) -> Check {
    let rounds = if bed.all { 1_960 } else { 196 };
    bed.set(Settings { completion: Completion::Thread, keep: false, ..Settings::default() })?;
    let lists: Vec<_> = (0..64).map(|id| outbound(udp(id, usize::from(id)))).collect();
    let before = bed.report()?.outcomes;
    let (mut received, mut sniffed) = (0, 0);
    let mut round = |_| {
        let handle = Handle::network("udp", 0, Flags::NONE)?;
        let sniffer = Handle::network("udp.PayloadLength < 40", 1, Flags::SNIFF)?;
        bed.blast(2, 255, lists.clone())?;
        for _ in 0..2 {
            let batch = handle.start(255, 1 << 16).context("asking")?.wait().context("receiving")?;
            received += batch.addresses.len() as u64;
            let sent = handle.send_back(&batch).context("sending")?;
            equal("sent", sent.packets as usize, batch.addresses.len())?;
        }
        while let Ok(batch) = sniffer.start(255, 1 << 16).and_then(|receive| receive.wait_for(0)) {
            sniffed += batch.addresses.len();
        }
        Ok(())
    };
    returns(bed, rounds, &mut round)?;
    equal("all left again", bed.report()?.outcomes[1] - before[1], received)?;
    equal("some were sniffed", sniffed > 0, true)?;
    println!("        {received} packets diverted and sent back");
    Ok(())
}

pub(crate) fn parallel(bed: &mut Bed) -> Check {
    // Classification on several threads while handles come, go, and are closed with packets in their queues.
    bed.set(Settings { completion: Completion::Reversed, delay: 2, keep: false, ..Settings::default() })?;
    let lists: Vec<_> =
        (0..16).map(|id| if id % 2 == 0 { outbound(udp(id, 64)) } else { inbound(udp(id, 64)) }).collect();
    returns(bed, 10, |round| {
        let handles: Vec<Handle> = (0..4)
            .map(|at| Handle::network("udp", at, if at == 2 { Flags::SNIFF } else { Flags::NONE }))
            .collect::<Check<_>>()?;
        let waiting = handles[3].start(16, 4000).context("asking")?;
        let blasted = bed.blast(4, 200, lists.clone())?;
        equal("all are diverted", (blasted.permitted, blasted.blocked), (0, 800))?;
        drop(waiting);
        if round % 2 == 0 {
            handles[3].shutdown(divert_driver_protocol::How::Both).context("shutdown")?;
        }
        drop(handles);
        at_rest(bed).map(drop)
    })
}
