//! Callouts of other drivers at the same layers: what they decide before the driver is asked, and after.

use divert_driver_protocol::Flags;
use divert_testbed_control::{Event, Fate, Hands, Other, Packet};
use divert_testbed_model::layer::Kind;
use divert_vm::Layer;

use super::equal;
use super::events::event;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{forwarded, id_of, outbound, udp};

/// Weights of sublayers around the driver's.
const BEFORE: u16 = 0xFFFF;
const AFTER: u16 = 1;

const KINDS: [Kind; 3] = [Kind::Inbound, Kind::Outbound, Kind::Forward];

fn other(kind: Kind, weight: u16, fate: Fate, hard: bool) -> Other {
    Other { kind, ipv6: false, weight, fate, hard }
}

fn arriving(kind: Kind, packet: Vec<u8>) -> Packet {
    Packet { kind, ..forwarded(packet) }
}

fn layer(kind: Kind) -> Layer {
    if kind == Kind::Forward { Layer::Forward } else { Layer::Network }
}

/// One who sniffs, and one below who diverts.
fn pair(kind: Kind) -> Check<(Handle, Handle)> {
    let sniffs = Handle::open(layer(kind), "udp", 1, Flags::SNIFF)?;
    Ok((sniffs, Handle::open(layer(kind), "udp", 0, Flags::NONE)?))
}

/// How many packets a handle has.
fn count(handle: &Handle) -> Check<u64> {
    handle.counter(divert_driver_protocol::Counter::QueueLength).context("counters")
}

pub(crate) fn before(bed: &mut Bed) -> Check {
    for kind in KINDS {
        let (sniffs, diverts) = pair(kind)?;
        // Decision, whether for good; what comes of the packet, who sees it.
        for (fate, hard, becomes, sniffed, diverted) in [
            (Fate::Blocked, true, Fate::Blocked, 0, 0),
            (Fate::Absorbed, true, Fate::Absorbed, 0, 0),
            (Fate::Permitted, true, Fate::Permitted, 1, 0),
            (Fate::Blocked, false, Fate::Absorbed, 1, 1),
            (Fate::Permitted, false, Fate::Absorbed, 1, 1),
        ] {
            bed.others(vec![other(kind, BEFORE, fate, hard)])?;
            let (had_sniffed, had_diverted) = (count(&sniffs)?, count(&diverts)?);
            let what = format!("{kind:?} {fate:?} {hard}");
            equal(&what, bed.packet(arriving(kind, udp(1, 5)))?, becomes)?;
            // In pieces, and several at once.
            let list = Packet { split: 16, buffers: vec![udp(2, 5), udp(3, 5)], ..arriving(kind, vec![]) };
            equal(&what, bed.packet(list)?, becomes)?;
            equal(&what, count(&sniffs)? - had_sniffed, 3 * sniffed)?;
            equal(&what, count(&diverts)? - had_diverted, 3 * diverted)?;
        }
        // What it does not want any more it lets through again.
        bed.others(vec![])?;
        drop((sniffs, diverts));
    }
    Ok(())
}

pub(crate) fn after(bed: &mut Bed) -> Check {
    for kind in KINDS {
        let (sniffs, diverts) = pair(kind)?;
        for fate in [Fate::Permitted, Fate::Blocked, Fate::Absorbed] {
            for hard in [false, true] {
                bed.others(vec![other(kind, AFTER, fate, hard)])?;
                // What is taken is taken, whatever comes after.
                equal("diverted", bed.packet(arriving(kind, udp(1, 5)))?, Fate::Absorbed)?;
                let batch = diverts.receive().context("receiving")?;
                equal("whole", id_of(&batch.data), 1)?;
                // What is not is the other's to decide.
                let mut icmp = udp(2, 5);
                icmp[9] = 1;
                equal("not diverted", bed.packet(arriving(kind, icmp))?, fate)?;
            }
        }
        equal("copies", count(&sniffs)?, 6)?;
    }
    Ok(())
}

pub(crate) fn again(bed: &mut Bed) -> Check {
    // A packet that was sent is asked about again, by all.
    let diverts = Handle::network("udp", 0, Flags::NONE)?;
    bed.packet(outbound(udp(1, 5)))?;
    let batch = diverts.receive().context("receiving")?;
    for (weight, fate, left) in [
        (BEFORE, Fate::Blocked, 0),
        (AFTER, Fate::Blocked, 0),
        (BEFORE, Fate::Permitted, 1),
        (AFTER, Fate::Permitted, 1),
    ] {
        bed.others(vec![other(Kind::Outbound, weight, fate, true)])?;
        equal("sent", diverts.send_back(&batch).context("sending")?.packets, 1)?;
        equal("left", bed.outcomes()?.len(), left)?;
    }
    // What another has absorbed and sends on later is an impostor's.
    bed.others(vec![other(Kind::Outbound, BEFORE, Fate::Absorbed, true)])?;
    equal("absorbed", bed.packet(outbound(udp(2, 5)))?, Fate::Absorbed)?;
    bed.others(vec![])?;
    bed.packet(Packet { hands: Hands::Other, ..outbound(udp(2, 5)) })?;
    let batch = diverts.receive().context("receiving")?;
    equal("once, as an impostor", (id_of(&batch.data), batch.addresses[0].impostor), (2, true))?;
    equal("once", count(&diverts)?, 0)
}

pub(crate) fn sockets(bed: &mut Bed) -> Check {
    let sniffs = Handle::open(Layer::Socket, "true", 1, Flags::SNIFF | Flags::RECV_ONLY)?;
    let blocks = Handle::open(Layer::Socket, "true", 0, Flags::RECV_ONLY)?;
    let (mut told, mut asked) = (0, 0);
    for kind in [Kind::ResourceAssignment, Kind::Connect, Kind::Listen, Kind::Accept] {
        for (fate, hard, becomes, sniffed, blocked) in [
            (Fate::Blocked, true, Fate::Blocked, 0, 0),
            (Fate::Permitted, true, Fate::Permitted, 1, 0),
            (Fate::Blocked, false, Fate::Blocked, 1, 1),
            (Fate::Permitted, false, Fate::Blocked, 1, 1),
        ] {
            bed.others(vec![other(kind, BEFORE, fate, hard)])?;
            let what = format!("{kind:?} {fate:?} {hard}");
            let event: Event = event(kind);
            equal(&what, bed.event(event)?.0, becomes)?;
            told += sniffed;
            asked += blocked;
            equal(&what, (count(&sniffs)?, count(&blocks)?), (told, asked))?;
        }
    }
    Ok(())
}
