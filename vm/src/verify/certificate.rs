//! What can be said of an instruction from itself and from what is said of its successors (SPEC §5): the most work to a
//! verdict, and the classes of inputs for which a match is still possible. The compiler writes these claims down, the
//! verifier checks each against its neighbours; so the whole is checked in one pass without memory.

use crate::field::{Field, Header};
use crate::layer::Layer;
use crate::op::{Certificate, Instruction, SetInfo, Target};
use crate::program::Program;
use crate::run::narrow_contains;
use crate::wire::Parts;

/// What an instruction's certificate rule needs to know of the program around it.
pub(super) trait Context {
    fn layer(&self) -> Layer;
    fn set(&self, number: u32) -> Option<SetInfo>;
    fn narrow_contains(&self, set: &SetInfo, key: u32) -> bool;
}

impl Context for Program<'_> {
    fn layer(&self) -> Layer {
        self.layer
    }

    fn set(&self, number: u32) -> Option<SetInfo> {
        Program::set(self, number)
    }

    fn narrow_contains(&self, set: &SetInfo, key: u32) -> bool {
        narrow_contains(self, set, key)
    }
}

impl Context for Parts<'_> {
    fn layer(&self) -> Layer {
        self.layer
    }

    fn set(&self, number: u32) -> Option<SetInfo> {
        self.sets.get(number as usize).copied()
    }

    fn narrow_contains(&self, set: &SetInfo, key: u32) -> bool {
        let end = set.first.saturating_add(set.count) as usize;
        let intervals = self.narrow.get(set.first as usize..end).unwrap_or(&[]);
        intervals.iter().any(|(low, high)| *low <= key && key <= *high)
    }
}

/// Computes the certificates of `parts.instructions` into `out`, which must be as long; `parts.certificates` is not
/// looked at. Successors that are not later instructions count as "no match": the verifier refuses them anyway.
pub fn certify(parts: &Parts<'_>, out: &mut [Certificate]) {
    for certificate in out.iter_mut() {
        *certificate = Certificate { from: u16::MAX, ..Certificate::default() };
    }
    for (number, instruction) in parts.instructions.iter().enumerate().rev() {
        let certificate = of(parts, instruction, |target| match target.number() {
            Some(next) if next > number => out.get(next).copied().unwrap_or_default(),
            Some(_) => Certificate::default(),
            None => of_verdict(target),
        });
        if let Some(place) = out.get_mut(number) {
            place.work = certificate.work;
            place.classes = certificate.classes;
        }
        // Going backwards, the last one to write is the first that leads there.
        for target in [instruction.on_true, instruction.on_false] {
            if let (Some(next), Ok(from)) = (target.number(), u16::try_from(number))
                && let Some(place) = out.get_mut(next)
            {
                place.from = from;
            }
        }
    }
    if let Some(entry) = out.first_mut() {
        entry.from = 0;
    }
}

/// What is said of a verdict.
pub(super) const fn of_verdict(target: Target) -> Certificate {
    let classes = if target.raw() == Target::ACCEPT.raw() { u32::MAX } else { 0 };
    Certificate { work: 0, classes, from: 0 }
}

/// The certificate that `instruction` must have, `from` apart.
pub(super) fn of(
    context: &impl Context,
    instruction: &Instruction,
    successor: impl Fn(Target) -> Certificate,
) -> Certificate {
    let (yes, no) = (successor(instruction.on_true), successor(instruction.on_false));
    let lookup = if instruction.op.is_set() {
        context.set(instruction.low).map_or(0, |set| u32::from(set.depth))
    } else {
        0
    };
    let (can_succeed, can_fail) = outcomes(context, instruction);
    Certificate {
        work: yes.work.max(no.work).saturating_add(1).saturating_add(lookup),
        classes: (can_succeed & yes.classes) | (can_fail & no.classes),
        from: 0,
    }
}

/// Class of an input: `(event - first event of the layer) * 4 + outbound * 2 + ipv6`.
pub(super) const fn class_count(layer: Layer) -> u32 {
    let (first, last) = layer.events();
    (last as u32).saturating_sub(first as u32).saturating_add(1) << 2
}

/// The classes for which the test can succeed, and those for which it can fail.
fn outcomes(context: &impl Context, instruction: &Instruction) -> (u32, u32) {
    let layer = context.layer();
    let (mut can_succeed, mut can_fail) = (0_u32, 0_u32);
    for class in 0..class_count(layer) {
        let bit = 1 << class;
        match known_key(instruction.field, layer, class) {
            Known::Key(key) => {
                if succeeds(context, instruction, key) {
                    can_succeed |= bit;
                } else {
                    can_fail |= bit;
                }
            }
            Known::Absent => can_fail |= bit,
            Known::Nothing => {
                can_succeed |= bit;
                can_fail |= bit;
            }
        }
    }
    (can_succeed, can_fail)
}

enum Known {
    /// Every input of the class has this key.
    Key(u32),
    /// No input of the class has the field.
    Absent,
    Nothing,
}

/// What the class says about the field.
#[expect(clippy::wildcard_enum_match_arm, reason = "the class says nothing of the other fields themselves")]
fn known_key(field: Field, layer: Layer, class: u32) -> Known {
    let (ipv6, outbound) = (class & 1 == 1, class >> 1 & 1 == 1);
    let packets = layer.has_packets();
    match field {
        Field::Zero => Known::Key(0),
        Field::Event => Known::Key(u32::from(layer.events().0).saturating_add(class >> 2)),
        Field::Outbound => Known::Key(u32::from(outbound)),
        Field::Inbound => Known::Key(u32::from(!outbound)),
        Field::Ip => Known::Key(u32::from(!ipv6)),
        Field::Ipv6 => Known::Key(u32::from(ipv6)),
        Field::Icmp if ipv6 => Known::Key(0),
        Field::Icmpv6 if !ipv6 => Known::Key(0),
        _ => match field.info().header {
            Header::Ip | Header::Icmp if packets && ipv6 => Known::Absent,
            Header::Ipv6 | Header::Icmpv6 if packets && !ipv6 => Known::Absent,
            Header::None
            | Header::Ip
            | Header::Ipv6
            | Header::Icmp
            | Header::Icmpv6
            | Header::Tcp
            | Header::Udp => Known::Nothing,
        },
    }
}

/// Whether the test succeeds for this key; only for narrow fields.
fn succeeds(context: &impl Context, instruction: &Instruction, key: u32) -> bool {
    let key = key & instruction.mask;
    let inside = if instruction.op.is_set() {
        context.set(instruction.low).is_some_and(|set| context.narrow_contains(&set, key))
    } else {
        instruction.low <= key && key <= instruction.high
    };
    inside != instruction.op.is_negated()
}
