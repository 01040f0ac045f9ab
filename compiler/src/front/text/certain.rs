//! Tests whose outcome mathematics has settled: valid, but hardly meant.

use divert_grammar::diagnostic::{Diagnostic, Severity};
use divert_grammar::span::Span;
use divert_vm::address::{Ipv4, Ipv6};
use divert_vm::field::{Field, Style};
use divert_vm::layer::Layer;
use divert_vm::number::Number;

use super::lower;
use super::resolve::Resolver;
use super::typed::{Matcher, Test};
use crate::codes;
use crate::set::IntervalSet;

impl Resolver<'_> {
    /// Warns of a test that no value of its field can pass, and of one that every value passes because its constant is
    /// outside the field's range. `ip.TTL <= 255` says nothing, but neither does it mislead.
    pub(super) fn warn_if_certain(&mut self, test: &Test) {
        // `zero` is a constant on purpose.
        if test.field == Field::Zero {
            return;
        }
        let (low, high) = test.field.keys_at(self.layer);
        let (low, high) = (test.field.number_of(low), test.field.number_of(high));
        let (outcome, at) = match &test.matcher {
            Matcher::Compare { number, written: Some(at), op: _ } => {
                let (load, set) = lower::load_and_set(test);
                let keys = load.keys(self.layer);
                let inside = set.intersect(&IntervalSet::interval(keys));
                // The original forgets the index of an array field even when the constant is in range.
                let outside = *number < low || *number > high || test.field.is_array();
                let never = inside.is_empty();
                let settled = never || (outside && inside.covers(keys));
                if !settled {
                    return;
                }
                (!never, *at)
            }
            Matcher::In { negated, set, span } => {
                if test.mask.is_some() || set.iter().any(|range| low <= range.high && range.low <= high) {
                    return;
                }
                (*negated, *span)
            }
            Matcher::Compare { written: None, .. } | Matcher::Bytes { .. } => return,
        };
        self.report(certain(test, outcome, at, (low, high), self.layer));
    }
}

#[cold]
fn certain(test: &Test, outcome: bool, at: Span, (low, high): (Number, Number), layer: Layer) -> Diagnostic {
    let info = test.field.info();
    let name = info.name;
    let header = info.header;
    let present = test.field.always_present();
    let message = match (outcome, header.field()) {
        (false, _) => format!("this test on `{name}` is never true"),
        (true, _) if present => format!("this test on `{name}` is always true"),
        (true, Some(header)) if !test.field.is_array() => {
            format!("this test on `{name}` is true for every packet with the `{}` header", header.name())
        }
        (true, _) => format!("this test on `{name}` is true for every packet that has this byte"),
    };
    let label = if test.mask.is_some() {
        "of all values that the mask leaves".to_owned()
    } else if info.style == Style::Ipv4 {
        format!("`{name}` goes from 0.0.0.0 to 255.255.255.255")
    } else if info.style == Style::Address {
        format!("`{name}` goes from {} to {}", Ipv6(low.magnitude()), Ipv6(high.magnitude()))
    } else if test.field == Field::Event {
        format!("at {} `event` is {low} to {high}", layer.name())
    } else {
        format!("`{name}` goes from {low} to {high}")
    };
    let code = if test.mask.is_some() && !outcome { codes::IMPOSSIBLE_MASK } else { codes::CERTAIN };
    let mut found = Diagnostic::new(code, Severity::Warning, message, at).label(label);
    if let Matcher::Compare { number, .. } = &test.matcher {
        let plain = number.magnitude() <= 0xFFFF_FFFF && !number.is_negative();
        // Under a mask, which is a number too, the advice would change what the test means.
        if info.style == Style::Ipv4 && plain && test.mask.is_none() {
            let right = Ipv4(number.magnitude() as u32);
            found = found.help(format!("a bare number is no IPv4 address; write `{right}`"));
        }
    }
    match original(test, outcome) {
        Some(family) => found.note(family.effect(test)),
        None => found,
    }
}

/// How WinDivert 2.2 gets a test wrong whose constant its field cannot have; the names are those of the lints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// `fold-false-to-not-header`
    FoldFalse,
    /// `fold-true-ignores-index`
    FoldTrue,
    /// `constant-truncated-to-32-bits`
    Truncated,
}

impl Family {
    /// What the original makes of the test.
    pub(crate) fn effect(self, test: &Test) -> String {
        match (self, test.field.info().header.field()) {
            (Self::FoldFalse, header) => format!(
                "WinDivert 2.2 compiles this to `not {}`, which matches every packet without that header",
                header.map_or("", Field::name)
            ),
            (Self::FoldTrue, _) => "WinDivert 2.2 compiles this without looking at the index".to_owned(),
            (Self::Truncated, _) => {
                "WinDivert 2.2 compares with the low 32 bits of the constant only".to_owned()
            }
        }
    }
}

/// What is wrong with the test in WinDivert 2.2; `None` where it is right, and for what its language does not have.
pub(crate) fn family(test: &Test, layer: Layer) -> Option<Family> {
    let Matcher::Compare { written: Some(_), .. } = test.matcher else { return None };
    if test.mask.is_some() {
        return None;
    }
    let (load, set) = lower::load_and_set(test);
    let keys = load.keys(layer);
    let inside = set.intersect(&IntervalSet::interval(keys));
    match (inside.is_empty(), inside.covers(keys)) {
        (false, false) => None,
        (never, _) => original(test, !never),
    }
}

/// What WinDivert 2.2 makes of a test with this outcome, where that is something else.
fn original(test: &Test, outcome: bool) -> Option<Family> {
    let Matcher::Compare { number, .. } = test.matcher else { return None };
    if test.mask.is_some() {
        return None;
    }
    let unfolded = [
        Field::TcpSeqNum,
        Field::TcpAckNum,
        Field::IcmpBody,
        Field::Icmpv6Body,
        Field::Packet32,
        Field::Loopback,
        Field::Impostor,
    ];
    if unfolded.contains(&test.field) {
        return (number.magnitude() > 0xFFFF_FFFF).then_some(Family::Truncated);
    }
    // There `ip.TOS` has 16 bits.
    let in_tos = test.field == Field::IpTos && !number.is_negative() && number.magnitude() <= 0xFFFF;
    match (outcome, test.field.info().header.field()) {
        (false, Some(_)) if !in_tos => Some(Family::FoldFalse),
        (true, _) if test.field.is_array() => Some(Family::FoldTrue),
        (true | false, _) => None,
    }
}
