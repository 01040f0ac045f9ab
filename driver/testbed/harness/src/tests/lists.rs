//! Lists as the stack makes them: several packets, memory in pieces, fragments, checksums, versions, layers.

use divert_driver_protocol::{Data, Flags};
use divert_testbed_control::{Fate, How, Packet};
use divert_testbed_model::layer::Kind;
use divert_vm::Layer;

use super::equal;
use crate::Check;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{capture, forwarded, id_of, inbound, outbound, udp, udp6};

/// `FWP_CONDITION_FLAG_`.
const LOOPBACK: u32 = 0x1;
const FRAGMENT: u32 = 0x20;
const FRAGMENT_GROUP: u32 = 0x40;
const REASSEMBLED: u32 = 0x400;

pub(crate) fn pieces(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    for (index, packet) in [udp(1, 60), udp6(60), udp(2, 0), udp(3, 1400)].into_iter().enumerate() {
        for make in [outbound, inbound] {
            for split in [1, 3, 7, 20, 21, 40, 64] {
                let before = (split % 5) * 3;
                let list = Packet { split, before, ..make(packet.clone()) };
                let kind = list.kind;
                equal("fate", bed.packet(list)?, Fate::Absorbed)?;
                let batch = handle.receive().context("receiving")?;
                equal("bytes", &batch.data[..], &packet[..])?;
                let address = &batch.addresses[0];
                equal("direction", address.outbound, kind == Kind::Outbound)?;
                equal("version", address.ipv6, index == 1)?;
                equal("interface", address.data, Data::Network { if_idx: 5, sub_if_idx: 6 })?;
            }
        }
    }
    Ok(())
}

pub(crate) fn several(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp.PayloadLength == 10", 0, Flags::NONE)?;
    let none = Packet { buffers: vec![udp(1, 9), udp(2, 8)], ..outbound(vec![]) };
    equal("none matches: the list goes on", bed.packet(none)?, Fate::Permitted)?;
    let outcomes = bed.outcomes()?;
    equal("as it was", outcomes.iter().map(|outcome| outcome.how).collect(), vec![How::Passed; 2])?;
    for make in [outbound, inbound] {
        let some =
            Packet { buffers: vec![udp(1, 9), udp(2, 10), udp(3, 9), udp(4, 10)], split: 11, ..make(vec![]) };
        equal("some match", bed.packet(some)?, Fate::Absorbed)?;
        // The others go on by themselves.
        let outcomes = bed.outcomes()?;
        let ids: Vec<u16> = outcomes.iter().map(|outcome| id_of(&outcome.bytes)).collect();
        equal("left", ids, vec![1, 3])?;
        let received =
            [handle.receive(), handle.receive()].map(|batch| batch.map(|batch| id_of(&batch.data)));
        equal("received", received, [Ok(2), Ok(4)])?;
    }
    Ok(())
}

pub(crate) fn fragments(bed: &mut Bed) -> Check {
    let whole = Handle::network("ip", 0, Flags::SNIFF)?;
    let pieces = Handle::network("ip", 1, Flags::SNIFF | Flags::FRAGMENTS)?;
    let mut fragment = udp(1, 40);
    fragment[6] = 0x20;
    divert_vm::checksum::update(&mut fragment, divert_vm::checksum::Leave::default());
    bed.packet(Packet { flags: FRAGMENT, ..inbound(fragment.clone()) })?;
    bed.packet(Packet { flags: REASSEMBLED, ..inbound(udp(2, 40)) })?;
    bed.packet(inbound(udp(3, 40)))?;
    // A group was seen fragment by fragment.
    let group = Packet { flags: FRAGMENT_GROUP, chained: true, ..outbound(udp(4, 40)) };
    equal("a group goes on", bed.packet(group)?, Fate::Permitted)?;
    let ids = |handle: &Handle| -> Check<Vec<u16>> {
        Ok(handle.drain(10)?.iter().map(|(_, packet)| id_of(packet)).collect())
    };
    equal("reassembled", ids(&whole)?, vec![2, 3])?;
    equal("fragments", ids(&pieces)?, vec![1, 3])
}

pub(crate) fn checksums(bed: &mut Bed) -> Check {
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    let seen = |list: Packet| -> Check<(bool, bool, bool)> {
        bed.packet(list)?;
        let batch = handle.receive().context("receiving")?;
        let address = &batch.addresses[0];
        Ok((address.ip_checksum, address.tcp_checksum, address.udp_checksum))
    };
    equal("nothing said", seen(outbound(udp(1, 4)))?, (true, true, true))?;
    // Left to the hardware: IPv4, IP header, UDP.
    equal("left out", seen(Packet { checksum: 1 | 1 << 4 | 1 << 3, ..outbound(udp(1, 4)) })?.2, false)?;
    equal("left out", seen(Packet { checksum: 1 | 1 << 4, ..outbound(udp(1, 4)) })?.0, false)?;
    equal("found wrong", seen(Packet { checksum: 1 << 1, ..inbound(udp(1, 4)) })?.2, false)?;
    equal("found right", seen(Packet { checksum: 1 << 4 | 1 << 5, ..inbound(udp(1, 4)) })?.2, true)?;
    // What is not valid is computed when it is sent.
    let right = udp(9, 33);
    let mut wrong = right.clone();
    wrong[26..28].copy_from_slice(&[0x12, 0x34]);
    bed.packet(Packet { checksum: 1 | 1 << 3, ..outbound(wrong.clone()) })?;
    let batch = handle.receive().context("receiving")?;
    equal("as it was", &batch.data[..], &wrong[..])?;
    handle.send_back(&batch).context("sending")?;
    equal("put right", &bed.outcomes()?[0].bytes[..], &right[..])
}

pub(crate) fn layers(bed: &mut Bed) -> Check {
    let forward = Handle::open(Layer::Forward, "udp", 0, Flags::NONE)?;
    let network = Handle::network("udp", 0, Flags::NONE)?;
    for packet in [udp(1, 10), udp6(10)] {
        equal("fate", bed.packet(forwarded(packet.clone()))?, Fate::Absorbed)?;
        let batch = forward.receive().context("forward")?;
        equal("bytes", &batch.data[..], &packet[..])?;
        equal("layer", batch.addresses[0].layer, 1)?;
        forward.send_back(&batch).context("sending")?;
        let outcomes = bed.outcomes()?;
        equal("left", outcomes.iter().map(|outcome| outcome.kind).collect(), vec![Kind::Forward])?;
        equal("bytes", &outcomes[0].bytes[..], &packet[..])?;
    }
    equal("network has nothing", network.drain(1)?.len(), 0)?;
    // Inbound and outbound.
    for make in [inbound, outbound] {
        bed.packet(make(udp6(5)))?;
        let batch = network.receive().context("network")?;
        network.send_back(&batch).context("sending")?;
        let outcomes = bed.outcomes()?;
        equal("left", outcomes.len(), 1)?;
        equal("kind", outcomes[0].kind, make(vec![]).kind)?;
    }
    Ok(())
}

pub(crate) fn only_what_is_needed(bed: &mut Bed) -> Check {
    /// Filters in the engine.
    fn filters(bed: &Bed) -> Check<u64> {
        Ok(bed.report()?.objects[4])
    }
    equal("none", filters(bed)?, 0)?;
    let v4 = Handle::network("outbound and ip", 0, Flags::NONE)?;
    equal("outbound IPv4", filters(bed)?, 1)?;
    let both = Handle::network("outbound", 0, Flags::NONE)?;
    equal("outbound", filters(bed)?, 2)?;
    let all = Handle::network("true", 0, Flags::NONE)?;
    equal("all", filters(bed)?, 4)?;
    drop((v4, both, all));
    for _ in 0..200 {
        if filters(bed)? == 0 {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    equal("none again", filters(bed)?, 0)
}

pub(crate) fn loopback(bed: &mut Bed) -> Check {
    let handle = Handle::network("loopback", 0, Flags::SNIFF)?;
    bed.packet(Packet { flags: LOOPBACK, ..outbound(udp(1, 1)) })?;
    bed.packet(Packet { flags: LOOPBACK, ..inbound(udp(2, 1)) })?;
    bed.packet(outbound(udp(3, 1)))?;
    let seen = handle.drain(10)?;
    equal("outbound only", seen.iter().map(|(_, packet)| id_of(packet)).collect(), vec![1_u16])?;
    equal("flag", seen[0].0.loopback, true)
}

pub(crate) fn captures(bed: &mut Bed) -> Check {
    let file = bed.root.join("tests/captures/sample.pcap");
    let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let packets = capture(&bytes);
    if packets.len() < 3 {
        return Err(format!("the capture has {} packets", packets.len()));
    }
    for make in [outbound, inbound, forwarded] {
        let kind = make(vec![]).kind;
        let layer = if kind == Kind::Forward { Layer::Forward } else { Layer::Network };
        let handle = Handle::open(layer, "tcp or udp", 0, Flags::NONE)?;
        let fates = bed.packets(packets.iter().map(|packet| make(packet.clone())).collect())?;
        let taken = fates.iter().filter(|fate| **fate == Fate::Absorbed).count();
        for _ in 0..taken {
            let batch = handle.receive().context("receiving")?;
            let mut records = batch.records.clone();
            // Nothing is to be computed: what leaves is what came.
            let mut address = batch.addresses[0];
            (address.ip_checksum, address.tcp_checksum, address.udp_checksum) = (true, true, true);
            records[0] = address.encode();
            handle.send(&records, &batch.data).context("sending")?;
        }
        let mut came: Vec<Vec<u8>> = packets.clone();
        let mut left: Vec<Vec<u8>> = bed.outcomes()?.into_iter().map(|outcome| outcome.bytes).collect();
        came.sort();
        left.sort();
        equal("what came has left", left == came, true)?;
        equal("some were diverted", taken > 0, true)?;
    }
    Ok(())
}
