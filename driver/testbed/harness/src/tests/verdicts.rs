//! What the driver diverts is what the virtual machine matches: the filters of the conformance vectors, and of programs
//! in the wild where they are, against the packets of the vectors.

use std::collections::BTreeSet;

use divert_driver_protocol::Flags;
use divert_testbed_control::{Fate, Packet, Settings};
use divert_vm::limits::DRIVER_WORK;
use divert_vm::{Address, Input, Layer, Program};
use serde_json::Value;

use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{forwarded, inbound, outbound};
use crate::random::Random;
use crate::{Check, filters};

/// How many filters are taken when not all are wanted.
const SAMPLE: usize = 500;
/// How many packets each of them is asked about.
const SHOTS: usize = 12;
/// Most packets in one request.
const PORTION: usize = 200;
/// Filters that are always taken, with their layers: the interface of a packet that is forwarded is the one it leaves by.
const ALWAYS: [(u8, &str); 3] =
    [(1, "ifIdx == 6 and subIfIdx == 7"), (1, "subIfIdx > 6"), (0, "ifIdx == 5 and subIfIdx == 6")];

fn lines(path: &std::path::Path) -> Check<Vec<Value>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{}: {error}", path.display())))
        .collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Filters with the layers that they are for.
fn gather(bed: &Bed) -> Check<BTreeSet<(u8, String)>> {
    let mut all = BTreeSet::new();
    let vectors = bed.root.join("tests/conformance");
    for name in ["eval.jsonl", "eval_random.jsonl", "compile.jsonl"] {
        for line in lines(&vectors.join(name))? {
            let layer = line.get("layer").or_else(|| line.get("addr")?.get("layer")).and_then(Value::as_u64);
            let filter = line.get("filter").and_then(Value::as_str);
            if let (Some(layer @ 0..=1), Some(filter)) = (layer, filter) {
                all.insert((layer as u8, filter.to_owned()));
            }
        }
    }
    // Beside the repository on some machines only.
    if let Ok(real) = lines(&bed.root.join("../shared/real/filters.jsonl")) {
        for line in real {
            let filter = line.get("filter").and_then(Value::as_str).unwrap_or("");
            let layers = line.get("layers").and_then(Value::as_array).cloned().unwrap_or_default();
            for layer in layers.iter().filter_map(Value::as_u64).filter(|layer| *layer < 2) {
                all.insert((layer as u8, filter.to_owned()));
            }
        }
    }
    Ok(all)
}

/// The packets of the vectors, whole ones, each once.
fn packets(bed: &Bed) -> Check<Vec<Vec<u8>>> {
    let mut all = BTreeSet::new();
    for line in lines(&bed.root.join("tests/conformance/eval.jsonl"))? {
        let packet = line.get("packet").and_then(Value::as_str).and_then(unhex).unwrap_or_default();
        let whole = divert_vm::Packet::parse(&packet).is_ok_and(|parsed| !parsed.is_truncated());
        if whole && packet.len() <= 2000 {
            all.insert(packet);
        }
    }
    Ok(all.into_iter().collect())
}

/// Whether the network would show the packet as it is: on the way in, fragments are told of, and a header must be whole.
fn is_fragment(packet: &[u8]) -> bool {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => u16::from_be_bytes([packet[6], packet[7]]) & 0x3FFF != 0,
        _ => packet.get(6) == Some(&44),
    }
}

/// What the virtual machine says of a list's packet.
fn expected(program: &Program<'_>, layer: Layer, list: &Packet) -> Check<bool> {
    let verified = program.verify(DRIVER_WORK).map_err(|error| format!("{error:?}"))?;
    let packet = divert_vm::Packet::parse(&list.buffers[0]).map_err(|error| format!("{error:?}"))?;
    // What is forwarded leaves by the next interface.
    let leaves = u32::from(layer == Layer::Forward);
    let facts = Address {
        timestamp: 0,
        outbound: list.kind == divert_testbed_model::layer::Kind::Outbound,
        loopback: false,
        impostor: false,
        if_idx: list.interface + leaves,
        sub_if_idx: list.sub_interface + leaves,
    };
    let input = match layer {
        Layer::Forward => Input::forward(&packet, &facts),
        Layer::Network | Layer::Flow | Layer::Socket | Layer::Reflect => Input::network(&packet, &facts),
    };
    Ok(verified.matches(&input))
}

/// A packet as it comes by at a layer, one way or the other, in one piece or several.
fn arriving(layer: Layer, packet: &[u8], random: &mut Random) -> Packet {
    let list = match (layer, random.below(2)) {
        (Layer::Forward, _) => forwarded(packet.to_vec()),
        (_, 0) if !is_fragment(packet) => inbound(packet.to_vec()),
        _ => outbound(packet.to_vec()),
    };
    Packet { split: [0, 0, 16, 33][random.below(4)], ..list }
}

pub(crate) fn agree(bed: &mut Bed) -> Check {
    bed.set(Settings { keep: false, ..Settings::default() })?;
    let packets = packets(bed)?;
    let mut filters: Vec<(u8, String)> = gather(bed)?.into_iter().collect();
    // The time of a packet is not the harness's to know, nor are the numbers that are made from it.
    filters.retain(|(_, filter)| !filter.contains("timestamp") && !filter.contains("random"));
    let mut random = Random::new(8);
    if !bed.all {
        let mut sample = Vec::new();
        while sample.len() < SAMPLE && !filters.is_empty() {
            let taken = random.below(filters.len());
            sample.push(filters.swap_remove(taken));
        }
        filters = sample;
    }
    filters.extend(ALWAYS.map(|(layer, filter)| (layer, filter.to_owned())));
    let (mut asked, mut matched, mut opened) = (0_u64, 0_u64, 0_u64);
    for (layer, filter) in &filters {
        let Some(layer) = Layer::from_number(*layer) else { continue };
        // Vectors of what is refused are among them.
        let Ok(bytes) = filters::program(layer, filter) else { continue };
        let Ok(program) = Program::decode(&bytes) else { return Err(format!("{filter}: no program")) };
        if program.verify(DRIVER_WORK).is_err() {
            continue;
        }
        let handle = Handle::create().context("the device")?;
        handle.open_with(layer, &bytes, 0, Flags::DROP).context(filter)?;
        opened += 1;
        let chosen: Vec<&Vec<u8>> = if bed.all {
            packets.iter().collect()
        } else {
            (0..SHOTS).map(|_| &packets[random.below(packets.len())]).collect()
        };
        for portion in chosen.chunks(PORTION) {
            let lists: Vec<Packet> =
                portion.iter().map(|packet| arriving(layer, packet, &mut random)).collect();
            let fates = bed.packets(lists.clone())?;
            for (list, fate) in lists.iter().zip(fates) {
                let wanted = expected(&program, layer, list)?;
                asked += 1;
                matched += u64::from(wanted);
                if wanted == (fate == Fate::Permitted) {
                    return Err(format!(
                        "{filter} at {}: {fate:?}, but the filter says {wanted} of {:?} {:02X?}",
                        layer.name(),
                        list.kind,
                        list.buffers[0],
                    ));
                }
            }
        }
        drop(handle);
    }
    println!("        {opened} filters, {} packets, {asked} verdicts, {matched} of them yes", packets.len());
    if opened < 300 || matched == 0 || matched == asked {
        return Err("the sample says nothing".into());
    }
    Ok(())
}
