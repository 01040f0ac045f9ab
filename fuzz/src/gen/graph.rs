//! Decision graphs: few loads tested often, so that there is something to optimise; or any loads and keys.

use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::{FIELDS, Field};
use divert_vm::layer::Layer;

use crate::source::Source;

/// What a graph may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masks {
    /// None.
    None,
    /// Some that every back end can spell out.
    Few,
    /// Any.
    Any,
}

/// A graph of at most `size` tests.
pub fn any(source: &mut Source<'_>, layer: Layer, size: usize, masks: Masks) -> Graph {
    let mut builder = if source.one_in(2) { Builder::simplifying(layer) } else { Builder::plain(layer) };
    let mut ids = vec![NodeId::REJECT, NodeId::ACCEPT];
    let loads: Vec<Load> = (0..=source.below(8)).map(|_| load(source, layer)).collect();
    for _ in 0..size {
        let mut load = source.pick(&loads);
        if masks != Masks::None && source.one_in(8) {
            load.mask = mask(source, load, masks);
        }
        let set = set(source, load, layer);
        let (yes, no) = (target(source, &ids), target(source, &ids));
        let id = builder.test(load, set, yes, no);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let entry = ids.last().copied().unwrap_or(NodeId::REJECT);
    builder.finish(entry)
}

fn target(source: &mut Source<'_>, ids: &[NodeId]) -> NodeId {
    let recent = source.below(ids.len().min(4));
    if source.one_in(3) { NodeId::verdict(source.one_in(2)) } else { ids[ids.len() - 1 - recent] }
}

/// A load that exists at the layer.
pub fn load(source: &mut Source<'_>, layer: Layer) -> Load {
    const LIKELY: [Field; 14] = [
        Field::Tcp,
        Field::Udp,
        Field::Icmp,
        Field::Icmpv6,
        Field::Ip,
        Field::Ipv6,
        Field::Protocol,
        Field::IpProtocol,
        Field::TcpDstPort,
        Field::UdpDstPort,
        Field::Inbound,
        Field::Outbound,
        Field::IcmpType,
        Field::Packet,
    ];
    let all: Vec<Field> =
        FIELDS.iter().filter(|info| info.layers.contains(layer)).map(|info| info.field).collect();
    let likely: Vec<Field> = LIKELY.into_iter().filter(|field| field.info().layers.contains(layer)).collect();
    let field = if !likely.is_empty() && source.one_in(2) { source.pick(&likely) } else { source.pick(&all) };
    let element = i32::from(field.info().element);
    let index = match element {
        0 => 0,
        _ if source.one_in(4) => -element - source.below(30) as i32,
        _ => source.below(50) as i32,
    };
    Load { index, ..Load::field(field) }
}

fn mask(source: &mut Source<'_>, load: Load, masks: Masks) -> u128 {
    let info = load.field.info();
    let plain = info.range.origin.magnitude() == 0;
    if masks == Masks::Any && plain && source.one_in(2) {
        return source.within(1, info.range.high.max(1));
    }
    match info.range.high {
        0xFF => source.pick(&[0x0F, 0xF0, 0x3C, 0x01, 0xFC]),
        0xFFFF => source.pick(&[0xFF00, 0xFFF0, 0x0FF0]),
        0xFFFF_FFFF if plain => source.pick(&[0xFFFF_FFF0, 0xFF00_0000]),
        _ => Load::NO_MASK,
    }
}

/// A key near those that generated inputs have.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields have small keys")]
fn usual(source: &mut Source<'_>, field: Field, least: u128) -> u128 {
    match field {
        Field::Timestamp => 1 << 63,
        Field::Priority => 32_768,
        Field::LocalAddr | Field::RemoteAddr => source.pick(&[0xFFFF_0A00_0000, 0x2001_0db8 << 96]),
        Field::IpSrcAddr | Field::IpDstAddr => 0x0A00_0000,
        Field::Ipv6SrcAddr | Field::Ipv6DstAddr => 0x2001_0db8 << 96,
        Field::Protocol | Field::IpProtocol | Field::Ipv6NextHdr => source.pick(&[6, 17, 1, 58]),
        _ => least,
    }
}

/// Keys of the load, near those that generated inputs have.
pub fn set(source: &mut Source<'_>, load: Load, layer: Layer) -> IntervalSet {
    let keys = load.keys(layer);
    let most = if source.one_in(16) { 60 } else { 3 };
    let count = 1 + source.below(most);
    let wide = source.one_in(8);
    let intervals: IntervalSet = (0..count)
        .map(|_| {
            let base = usual(source, load.field, keys.low);
            let base = if wide { source.within(keys.low, keys.high) } else { base };
            let low = base.saturating_add(source.below(4) as u128).saturating_sub(source.below(2) as u128);
            let length = if source.one_in(2) { source.below(4) as u128 } else { 0 };
            let high = if source.one_in(6) { keys.high.max(low) } else { low.saturating_add(length) };
            Interval { low, high }
        })
        .collect();
    if source.one_in(4) { intervals.complement(keys) } else { intervals }
}
