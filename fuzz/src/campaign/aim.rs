//! From a case towards one in which a test has a wanted outcome: a key inside or outside the test's set, mostly at its
//! boundaries, is put where the test looks.

use divert_compiler::explain::{Outcome, Site};
use divert_compiler::front::text::load_and_set;
use divert_compiler::front::text::typed::{Matcher, Test};
use divert_compiler::graph::Load;
use divert_compiler::set::IntervalSet;
use divert_vm::layer::Layer;

use super::place::{remove, write};
use crate::r#gen::case::Case;
use crate::source::Source;

/// Outcomes that a test cannot have at the layer, by itself: absent where the field always is there, true or false where
/// the set is empty or everything.
#[must_use]
pub(super) fn impossible(site: &Site<'_>, layer: Layer, outcome: Outcome) -> bool {
    let (load, set) = load_and_set(site.test);
    if matches!(site.test.matcher, Matcher::Bytes { .. }) {
        return false;
    }
    let keys = load.keys(layer);
    match outcome {
        Outcome::True => set.intersect(&IntervalSet::interval(keys)).is_empty(),
        Outcome::False => set.covers(keys),
        Outcome::Absent => load.always_present(),
    }
}

/// Changes the case so that the test may have the outcome.
pub(super) fn aim(case: &mut Case, test: &Test, outcome: Outcome, source: &mut Source<'_>) {
    if outcome == Outcome::Absent {
        remove(case, test.field, test.index);
        return;
    }
    if let Matcher::Bytes { negated, bytes, .. } = &test.matcher {
        let equal = (outcome == Outcome::True) != *negated;
        let odd = source.below(bytes.len());
        // From the end, the first byte is the farthest; it makes room for the others.
        for (at, (byte, index)) in bytes.iter().zip(test.index..).enumerate() {
            let flipped = !equal && at == odd;
            write(case, test.field, index, u128::from(byte ^ u8::from(flipped)));
        }
        return;
    }
    let (load, set) = load_and_set(test);
    let layer = case.layer();
    let keys = load.keys(layer);
    let wanted = if outcome == Outcome::True { set } else { set.complement(keys) };
    if let Some(key) = key(&wanted, source) {
        let free = if load.mask == Load::NO_MASK { 0 } else { source.within(0, u128::MAX) & !load.mask };
        write(case, test.field, test.index, key | free);
    }
}

/// A key of the set, mostly the least or greatest of an interval.
fn key(set: &IntervalSet, source: &mut Source<'_>) -> Option<u128> {
    let intervals = set.intervals();
    let interval = intervals.get(source.below(intervals.len()))?;
    Some(match source.below(4) {
        0 => interval.high,
        1 => source.within(interval.low, interval.high),
        _ => interval.low,
    })
}

/// Changes something, anything: what a test looks at, a field that none does, bytes.
pub(super) fn wander(case: &mut Case, sites: &[Site<'_>], source: &mut Source<'_>) {
    for _ in 0..source.pick(&[1, 1, 2, 3]) {
        match source.below(6) {
            0..3 if !sites.is_empty() => {
                let site = &sites[source.below(sites.len())];
                aim(case, site.test, source.pick(&Outcome::ALL), source);
            }
            3 => {
                let load = crate::r#gen::graph::load(source, case.layer());
                let keys = load.keys(case.layer());
                let key = source.within(keys.low, keys.high);
                write(case, load.field, load.index, key);
            }
            _ => match case {
                Case::Packet(_, bytes, _) => {
                    *bytes = crate::r#gen::packet::changed(source, std::mem::take(bytes));
                }
                Case::Endpoint(..) | Case::Reflected(..) => *case = Case::any(source, case.layer()),
            },
        }
    }
}
