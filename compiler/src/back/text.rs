//! The graph as text of the extended dialect: the decompiler.
//!
//! The text compiles to a graph with the same verdicts. It is as large as the graph: tails that several places share
//! are definitions.

use divert_grammar::ast::{
    CompareOp, Expr, File, Item, ItemKind, LetBody, Matcher, Set, SetItem, SetItemKind, ValueKind,
};
use divert_vm::field::{Field, Style, is_ipv4_mapped};
use divert_vm::layer::Layer;

use super::render::{NOWHERE, Writer, compare, literal, name, not_group, render, simple, test, value, word};
use super::tree::raise;
use crate::graph::{Graph, Load};
use crate::set::{Interval, IntervalSet};

/// Levels that one expression may have; what is deeper gets a name.
const DEEPEST: usize = 40;

struct Extended {
    layer: Layer,
}

fn part_name(part: usize) -> String {
    format!("part{}", part + 1)
}

impl Writer for Extended {
    fn test(&mut self, load: Load, set: &IntervalSet) -> Expr {
        let keys = load.keys(self.layer);
        let others = set.complement(keys);
        let single = |set: &IntervalSet| set.as_interval().is_some_and(|one| one.low == one.high);
        // Names have no order worth reading: they are compared with one, or listed.
        let listed = matches!(load.field.info().style, Style::Event | Style::Layer)
            && load.mask == Load::NO_MASK
            && !(single(set) || single(&others) || others.is_empty());
        if let Some(simple) = simple(load, set, self.layer).filter(|_| !listed) {
            return simple;
        }
        if others.is_empty() {
            return compare(load, CompareOp::Ge, keys.low, self.layer);
        }
        let negated = !listed && others.intervals().len() < set.intervals().len();
        let shown = if negated { &others } else { set };
        let items =
            shown.intervals().iter().flat_map(|interval| self.items(load, *interval)).collect::<Vec<_>>();
        let set = Set { braces: items.len() != 1, items, span: NOWHERE };
        test(load, Some(Matcher::In { negated, keyword: NOWHERE, set }))
    }

    fn not(&mut self, operand: Expr) -> Expr {
        not_group(operand)
    }

    fn part(&mut self, part: usize, negated: bool) -> Expr {
        let part = word(&part_name(part));
        if negated { not_group(part) } else { part }
    }
}

impl Extended {
    fn items(&self, load: Load, interval: Interval) -> Vec<SetItem> {
        let Interval { low, high } = interval;
        let written = |key| literal(load.field, key, load.mask, self.layer);
        let item = |kind| SetItem { kind, span: NOWHERE };
        if low == high {
            return vec![item(SetItemKind::Value(written(low)))];
        }
        let style = load.field.info().style;
        if matches!(style, Style::Event | Style::Layer) && load.mask == Load::NO_MASK {
            return (low..=high).map(|key| item(SetItemKind::Value(written(key)))).collect();
        }
        let dotted = matches!(style, Style::Ipv4 | Style::Address) && load.mask == Load::NO_MASK;
        let length = if dotted { prefix(load.field, interval) } else { None };
        vec![item(match length {
            Some(length) => SetItemKind::Subnet {
                base: written(low),
                prefix: value(false, ValueKind::Literal, length.to_string()),
            },
            None => SetItemKind::Range { low: written(low), high: written(high) },
        })]
    }
}

/// The prefix length of the subnet that `interval` is.
fn prefix(field: Field, interval: Interval) -> Option<u32> {
    let Interval { low, high } = interval;
    let size = (low ^ high).checked_add(1).map_or(128, u128::trailing_zeros);
    let aligned = low ^ high == u128::MAX.checked_shr(128 - size).unwrap_or(0) && low & (low ^ high) == 0;
    let mapped = field.info().style == Style::Ipv4 || (is_ipv4_mapped(low) && is_ipv4_mapped(high));
    let first_is_dotted = field.info().style == Style::Ipv4 || is_ipv4_mapped(low);
    match (aligned, mapped) {
        (true, true) => Some(32 - size),
        // A larger block that begins with ::ffff:0.0.0.0 would have a dotted base.
        (true, false) if !first_is_dotted => Some(128 - size),
        _ => None,
    }
}

/// The graph as a tree of syntax. A filter for another layer than NETWORK says so.
#[must_use]
pub fn file(graph: &Graph) -> File {
    let layer = graph.layer();
    let forest = raise(graph, DEEPEST);
    let mut style = Extended { layer };
    let mut items = Vec::new();
    if layer != Layer::Network {
        items.push(Item { kind: ItemKind::Layer(name(layer.name())), span: NOWHERE });
    }
    for (number, part) in forest.parts.iter().enumerate() {
        let body = LetBody::Filter(render(&forest.graph, part, false, &mut style));
        items.push(Item { kind: ItemKind::Let { name: name(&part_name(number)), body }, span: NOWHERE });
    }
    let filter = render(&forest.graph, &forest.filter, false, &mut style);
    File { items, filter: Some(filter), comments: Vec::new() }
}

/// The graph as formatted text.
#[must_use]
pub fn text(graph: &Graph) -> String {
    divert_grammar::format(&file(graph))
}
