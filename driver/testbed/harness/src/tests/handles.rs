//! What a handle does: priorities, flags, queues, receives, sends, its end (reference §4 to §6).

use divert_driver_protocol::{Address, Code, Counter, Flags, How, Parameter};
use divert_testbed_control::{Fate, How as Way, Packet};

use super::equal;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{id_of, inbound, outbound, udp, udp_ttl};
use crate::sys::{ABORTED, TIMEOUT};

/// The identifications of what left, in order.
fn left(bed: &Bed) -> Check<Vec<u16>> {
    Ok(bed.outcomes()?.iter().map(|outcome| id_of(&outcome.bytes)).collect())
}

fn ids(packets: &[(Address, Vec<u8>)]) -> Vec<u16> {
    packets.iter().map(|(_, packet)| id_of(packet)).collect()
}

fn some(range: std::ops::Range<u16>) -> Vec<Packet> {
    range.map(|id| outbound(udp(id, 10))).collect()
}

pub(crate) fn priorities(bed: &mut Bed) -> Check {
    let low = Handle::network("udp", -5, Flags::NONE)?;
    let high = Handle::network("udp", 5, Flags::NONE)?;
    let middle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packet(outbound(udp(1, 10)))?;
    // Each in turn: what one sends is offered to lower ones only.
    for (name, handle) in [("high", &high), ("middle", &middle), ("low", &low)] {
        equal("nothing left before", left(bed)?.len(), 0)?;
        let batch = handle.receive().context(name)?;
        equal(name, id_of(&batch.data), 1)?;
        handle.send_back(&batch).context(name)?;
    }
    equal("left", left(bed)?, vec![1])?;
    // What the middle one sends is not seen by the high one.
    bed.packet(outbound(udp(2, 10)))?;
    let batch = high.receive().context("high")?;
    middle.send_back(&batch).context("sending by the middle one")?;
    let batch = low.receive().context("low")?;
    equal("low", id_of(&batch.data), 2)?;
    equal("high has nothing", high.drain(1)?.len(), 0)
}

pub(crate) fn sniffing(bed: &mut Bed) -> Check {
    let sniffer = Handle::network("udp", 10, Flags::SNIFF)?;
    let lower = Handle::network("udp", 0, Flags::SNIFF)?;
    equal("fate", bed.packet(outbound(udp(3, 10)))?, Fate::Permitted)?;
    for handle in [&sniffer, &lower] {
        let batch = handle.receive().context("receiving")?;
        equal("sniffed", batch.addresses[0].sniffed, true)?;
        equal("id", id_of(&batch.data), 3)?;
    }
    equal("left", left(bed)?, vec![3])
}

pub(crate) fn dropping(bed: &mut Bed) -> Check {
    let dropper = Handle::network("udp.PayloadLength == 10", 0, Flags::DROP)?;
    let fates = bed.packets(vec![outbound(udp(1, 10)), outbound(udp(2, 11)), inbound(udp(3, 10))])?;
    equal("fates", fates, vec![Fate::Absorbed, Fate::Permitted, Fate::Absorbed])?;
    equal("left", left(bed)?, vec![2])?;
    equal("dropped", dropper.counter(Counter::DroppedByFlag).context("counters")?, 2)
}

pub(crate) fn one_way(bed: &mut Bed) -> Check {
    let receiver = Handle::network("udp", 0, Flags::RECV_ONLY)?;
    bed.packet(outbound(udp(1, 10)))?;
    let batch = receiver.receive().context("receiving")?;
    equal("sending", receiver.send_back(&batch), Err(Code::InvalidParameter.number()))?;
    let sender = Handle::network("udp", 0, Flags::SEND_ONLY)?;
    let refused = sender.start(1, 100).and_then(|receiving| receiving.wait());
    equal("receiving", refused.map(drop), Err(Code::InvalidParameter.number()))?;
    equal("sent", sender.send_back(&batch).context("sending")?.packets, 1)?;
    equal("left", left(bed)?, vec![1])?;
    drop(receiver);
    equal("a sender diverts nothing", bed.packet(outbound(udp(2, 10)))?, Fate::Permitted)
}

pub(crate) fn batches(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packets(some(0..300))?;
    let batch = handle.start(255, 1 << 20).context("asking")?.wait().context("receiving")?;
    equal("records", batch.addresses.len(), 255)?;
    let packets: Vec<u16> = batch.packets().iter().map(|packet| id_of(packet)).collect();
    equal("ids", packets, (0..255).collect::<Vec<u16>>())?;
    let sent = handle.send_back(&batch).context("sending")?;
    equal("sent", (sent.packets, sent.failed), (255, 0))?;
    equal("left", left(bed)?, (0..255).collect())?;
    // As many whole packets as fit: three of 38 bytes in 120.
    let batch = handle.start(255, 120).context("asking")?.wait().context("receiving")?;
    equal("whole packets", batch.packets().iter().map(|packet| packet.len()).collect(), vec![38_usize; 3])?;
    equal("the rest", handle.drain(1000)?.len(), 42)
}

pub(crate) fn limits(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    equal("default length", handle.get(Parameter::QueueLength).context("get")?, 4096)?;
    equal("default time", handle.get(Parameter::QueueTime).context("get")?, 2000)?;
    equal("default size", handle.get(Parameter::QueueSize).context("get")?, 4_194_304)?;
    equal("version", handle.get(Parameter::VersionMajor).context("get")?, 2)?;
    equal("read only", handle.set(Parameter::VersionMajor, 3), Err(Code::InvalidParameter.number()))?;
    equal("too low", handle.set(Parameter::QueueLength, 31), Err(Code::InvalidParameter.number()))?;
    handle.set(Parameter::QueueLength, 32).context("set")?;
    bed.packets(some(0..40))?;
    equal("the oldest are dropped", ids(&handle.drain(100)?), (8..40).collect())?;
    equal("by length", handle.counter(Counter::DroppedLength).context("counters")?, 8)?;
    handle.set(Parameter::QueueSize, 65_535).context("set")?;
    bed.packets((0..5).map(|id| outbound(udp(id, 20_000))).collect())?;
    equal("by size", ids(&handle.drain(100)?), vec![2, 3, 4])?;
    // What waited too long is dropped when the queue is served; packets wait at least that long.
    handle.set(Parameter::QueueTime, 100).context("set")?;
    bed.packets(some(0..3))?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    bed.packets(some(7..8))?;
    equal("by time", ids(&handle.drain(100)?), vec![7])?;
    equal("by time", handle.counter(Counter::DroppedTime).context("counters")?, 3)
}

pub(crate) fn truncation(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let packet = udp(4, 50);
    bed.packet(outbound(packet.clone()))?;
    let batch = handle.start(1, 30).context("asking")?.wait().context("receiving")?;
    equal("code", batch.code, Some(Code::InsufficientBuffer))?;
    equal("front", &batch.data[..], &packet[..30])?;
    equal("the address is filled", batch.addresses[0].outbound, true)?;
    bed.packet(outbound(packet))?;
    let batch = handle.start(1, 0).context("asking")?.wait().context("receiving")?;
    equal("no room at all", (batch.code, batch.data.len()), (Some(Code::InsufficientBuffer), 0))
}

pub(crate) fn waiting(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let first = handle.start(1, 1000).context("asking")?;
    let second = handle.start(1, 1000).context("asking")?;
    equal("both wait", (first.is_done(), second.is_done()), (false, false))?;
    bed.packets(some(5..7))?;
    equal("first", id_of(&first.wait().context("first")?.data), 5)?;
    equal("second", id_of(&second.wait().context("second")?.data), 6)?;
    let third = handle.start(1, 1000).context("asking")?;
    third.cancel();
    equal("cancelled", third.wait().map(drop), Err(ABORTED))?;
    let fourth = handle.start(1, 1000).context("asking")?;
    bed.packets(some(8..9))?;
    equal("after the cancelled one", id_of(&fourth.wait().context("fourth")?.data), 8)?;
    equal("counted", handle.counter(Counter::Cancelled).context("counters")?, 1)
}

pub(crate) fn shutting_down(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packets(some(1..3))?;
    handle.shutdown(How::Receive).context("shutdown")?;
    equal("later matches go on", bed.packet(outbound(udp(3, 10)))?, Fate::Permitted)?;
    equal("they left", left(bed)?, vec![3])?;
    let batch = handle.receive().context("the queued one")?;
    equal("queued", id_of(&batch.data), 1)?;
    equal("the second", id_of(&handle.receive().context("receiving")?.data), 2)?;
    equal("then nothing", handle.receive().map(drop), Err(Code::NoData.number()))?;
    equal("sending still works", handle.send_back(&batch).context("sending")?.packets, 1)?;
    handle.shutdown(How::Send).context("shutdown")?;
    equal("no more", handle.send_back(&batch), Err(Code::NoData.number()))?;
    let other = Handle::network("udp", 0, Flags::NONE)?;
    let waiting = other.start(1, 100).context("asking")?;
    other.shutdown(How::Both).context("shutdown")?;
    equal("who waits is told", waiting.wait().map(drop), Err(Code::NoData.number()))
}

pub(crate) fn closing(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let lower = Handle::network("udp.PayloadLength == 11", -1, Flags::SNIFF)?;
    bed.packets(vec![outbound(udp(1, 10)), outbound(udp(2, 11)), inbound(udp(3, 10))])?;
    equal("nothing left yet", left(bed)?.len(), 0)?;
    drop(handle);
    // The close travels by itself.
    let mut all = Vec::new();
    for _ in 0..100 {
        all.extend(bed.outcomes()?);
        if all.len() == 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    equal("re-injected", all.iter().map(|outcome| id_of(&outcome.bytes)).collect(), vec![1_u16, 2, 3])?;
    equal("how", all.iter().all(|outcome| outcome.how == Way::Injected), true)?;
    equal("interface", (all[2].interface, all[2].sub_interface), (5, 6))?;
    equal("lower ones see it", ids(&lower.drain(10)?), vec![2])?;
    // Copies are not put back.
    bed.packet(outbound(udp(4, 11)))?;
    drop(lower);
    equal("the original only", left(bed)?, vec![4])
}

pub(crate) fn close_while_waiting(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let waiting: Vec<_> = (0..4).map(|_| handle.start(1, 100)).collect::<Result<_, _>>().context("asking")?;
    drop(handle);
    for receive in waiting {
        match receive.wait_for(5000) {
            Err(TIMEOUT) => return Err("a receive outlives its handle".into()),
            Err(_) => {}
            Ok(batch) => return Err(format!("received {batch:?}")),
        }
    }
    equal("nobody diverts", bed.packet(outbound(udp(1, 1)))?, Fate::Permitted)
}

pub(crate) fn refusals(_: &mut Bed) -> Check {
    use divert_vm::Layer;
    let invalid = Err(Code::InvalidParameter.number());
    let program = crate::filters::program(Layer::Network, "true")?;
    let flow = crate::filters::program(Layer::Flow, "true")?;
    let open = |layer, program: &[u8], priority, flags| {
        let handle = Handle::create().map_err(|code| code + 10_000)?;
        handle.open_with(layer, program, priority, flags).map(drop)
    };
    equal("priority", open(Layer::Network, &program, 30_001, Flags::NONE), invalid)?;
    equal("flags", open(Layer::Network, &program, 0, Flags::SNIFF | Flags::DROP), invalid)?;
    equal("unknown flags", open(Layer::Network, &program, 0, Flags::from_bits(64)), invalid)?;
    equal("FLOW without flags", open(Layer::Flow, &flow, 0, Flags::NONE), invalid)?;
    equal("layer", open(Layer::Flow, &program, 0, Flags::SNIFF | Flags::RECV_ONLY), invalid)?;
    equal("program", open(Layer::Network, &program[..program.len() - 1], 0, Flags::NONE), invalid)?;
    equal("right", open(Layer::Network, &program, 30_000, Flags::NONE), Ok(()))?;
    let handle = Handle::create().context("the device")?;
    equal("not open", handle.receive().map(drop), Err(Code::NotReady.number()))?;
    handle.open_with(Layer::Network, &program, 0, Flags::NONE).context("opening")?;
    let twice = handle.open_with(Layer::Network, &program, 0, Flags::NONE).map(drop);
    equal("twice", twice, Err(Code::InvalidFunction.number()))
}

pub(crate) fn impostors(bed: &mut Bed) -> Check {
    use divert_testbed_control::Hands;
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packet(Packet { hands: Hands::Other, ..outbound(udp_ttl(1, 3)) })?;
    bed.packet(Packet { hands: Hands::Other, ..outbound(udp_ttl(2, 1)) })?;
    bed.packet(outbound(udp_ttl(3, 1)))?;
    let batches = [handle.receive(), handle.receive(), handle.receive()];
    let [first, second, third] = batches.map(|batch| batch.context("receiving"));
    let (first, second, third) = (first?, second?, third?);
    let flags = [&first, &second, &third].map(|batch| batch.addresses[0].impostor);
    equal("impostor", flags, [true, true, false])?;
    equal("one hop less", handle.send_back(&first).context("sending")?.packets, 1)?;
    let sent = handle.send_back(&second).context("sending")?;
    equal("too far", (sent.packets, sent.code), (0, Some(Code::HostUnreachable)))?;
    equal("one's own", handle.send_back(&third).context("sending")?.packets, 1)?;
    let outcomes = bed.outcomes()?;
    equal("left", outcomes.iter().map(|outcome| outcome.bytes[8]).collect(), vec![2_u8, 1])?;
    let fixed =
        divert_vm::checksum::update(&mut outcomes[0].bytes.clone(), divert_vm::checksum::Leave::default());
    let _ = fixed;
    equal("loops broken", handle.counter(Counter::LoopsBroken).context("counters")?, 1)
}
