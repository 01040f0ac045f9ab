//! What is known about an input on the way to a test: which keys a load can still have, and which headers are there.
//!
//! Facts are sound and bounded, not complete: at most [`MOST_LOADS`] loads and at most [`MOST_INTERVALS`] intervals each
//! are kept; what does not fit is forgotten. The fields that others depend on always fit: they are bits.

use divert_vm::field::{Field, Header};
use divert_vm::layer::Layer;

use super::numbers::Numbers;
use crate::graph::Load;
use crate::set::IntervalSet;

const MOST_LOADS: usize = 48;
const MOST_INTERVALS: usize = 32;
/// Any packet has the fixed IPv4 header at least.
const SURE_BYTES: i32 = 20;

#[derive(Clone, Debug, PartialEq)]
struct Fact {
    load: Load,
    /// Whether the load is there; only used for array fields, the headers tell about the others.
    present: Option<bool>,
    /// The keys that it can have where it is there.
    keys: IntervalSet,
}

/// What holds for every input that gets to some place.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    layer: Layer,
    /// Which of the fields that are 0 or 1, and that others depend on, have a known value: bits by [`bit_of`].
    known_bits: u8,
    /// Those values; 0 where none is known.
    values: u8,
    /// What `protocol` can be, and what `ip.Protocol` can be where it is there.
    numbers: [Numbers; 2],
    /// The other loads, sorted.
    known: Vec<Fact>,
}

/// No input can be here: the facts exclude each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Impossible;

type Learned = Result<(), Impossible>;

/// `protocol` and `ip.Protocol` in [`Facts::numbers`].
const PROTOCOL: usize = 0;
const IP_PROTOCOL: usize = 1;

/// The bit of a field that is 0 or 1 and that others depend on.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing depends on the other fields")]
const fn bit_of(field: Field) -> Option<u8> {
    Some(match field {
        Field::Inbound => 1,
        Field::Outbound => 1 << 1,
        Field::Ip => 1 << 2,
        Field::Ipv6 => 1 << 3,
        Field::Icmp => 1 << 4,
        Field::Icmpv6 => 1 << 5,
        Field::Tcp => 1 << 6,
        Field::Udp => 1 << 7,
        _ => return None,
    })
}

/// The place of a field in [`Facts::numbers`].
#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields are no protocol numbers")]
const fn number_of(field: Field) -> Option<usize> {
    match field {
        Field::Protocol => Some(PROTOCOL),
        Field::IpProtocol => Some(IP_PROTOCOL),
        _ => None,
    }
}

/// The transport headers with their protocol numbers.
const TRANSPORTS: [(Field, u8); 4] =
    [(Field::Tcp, 6), (Field::Udp, 17), (Field::Icmp, 1), (Field::Icmpv6, 58)];

impl Facts {
    pub(crate) const fn none(layer: Layer) -> Self {
        Self { layer, known_bits: 0, values: 0, numbers: [Numbers::ALL; 2], known: Vec::new() }
    }

    pub(crate) const fn layer(&self) -> Layer {
        self.layer
    }

    fn find(&self, load: Load) -> Result<usize, usize> {
        self.known.binary_search_by(|fact| fact.load.cmp(&load))
    }

    fn fact(&self, load: Load) -> Option<&Fact> {
        self.known.get(self.find(load).ok()?)
    }

    /// The keys that `load` can have where it is there.
    pub(crate) fn keys(&self, load: Load) -> IntervalSet {
        if load.mask == Load::NO_MASK {
            if let Some(value) = self.bit(load.field) {
                return IntervalSet::range(u128::from(value), u128::from(value));
            }
            if let Some(number) = number_of(load.field) {
                return self.numbers[number].to_set();
            }
        }
        if let Some(fact) = self.fact(load) {
            return fact.keys.clone();
        }
        if load.mask != Load::NO_MASK {
            let plain = self.keys(Load { mask: Load::NO_MASK, ..load }).as_interval();
            if let Some(one) = plain.filter(|interval| interval.low == interval.high) {
                return IntervalSet::range(one.low & load.mask, one.low & load.mask);
            }
        }
        IntervalSet::interval(load.keys(self.layer))
    }

    /// The value of a field that is 0 or 1 and that others depend on.
    const fn bit(&self, field: Field) -> Option<bool> {
        match bit_of(field) {
            Some(bit) if self.known_bits & bit != 0 => Some(self.values & bit != 0),
            Some(_) | None => None,
        }
    }

    /// Whether `load` is there.
    pub(crate) fn present(&self, load: Load) -> Option<bool> {
        let info = load.field.info();
        if let Some(header) = info.header.field()
            && let Some(present) = self.bit(header)
            && !(present && load.field.is_array())
        {
            return Some(present);
        }
        if !load.field.is_array() {
            return (info.header == Header::None).then_some(true);
        }
        if info.header == Header::None
            && load.index >= 0
            && load.index <= SURE_BYTES - i32::from(info.element)
        {
            return Some(true);
        }
        self.fact(Load { mask: Load::NO_MASK, ..load })?.present
    }

    /// Whether the test `load` in `set` is known to succeed or to fail.
    pub(crate) fn decide(&self, load: Load, set: &IntervalSet) -> Option<bool> {
        let present = self.present(load);
        if present == Some(false) {
            return Some(false);
        }
        let keys = self.keys(load);
        let inside = keys.intersect(set);
        if inside.is_empty() {
            Some(false)
        } else if present == Some(true) && inside == keys {
            Some(true)
        } else {
            None
        }
    }

    /// Takes note that the test `load` in `set` succeeded or failed.
    pub(crate) fn learn(&mut self, load: Load, set: &IntervalSet, succeeded: bool) -> Learned {
        self.conclude(load, set, succeeded, true)
    }

    /// The same for a load that nobody will ask for again: only what it says about others is noted.
    pub(crate) fn conclude(
        &mut self,
        load: Load,
        set: &IntervalSet,
        succeeded: bool,
        again: bool,
    ) -> Learned {
        let plain = Load { mask: Load::NO_MASK, ..load };
        let present = self.present(load);
        let before = self.keys(load);
        if succeeded {
            self.narrow(load, before.intersect(set), again)?;
            if again && load.field.is_array() {
                self.note(plain, Some(true), None);
            }
            return match load.field.info().header.field() {
                Some(header) => self.set(header, true),
                None => self.derive(load.field),
            };
        }
        if present == Some(false) {
            return Ok(());
        }
        let keys = before.subtract(set);
        if !keys.is_empty() {
            self.narrow(load, keys, again)?;
            return if present == Some(true) { self.derive(load.field) } else { Ok(()) };
        }
        match (present, load.field.info().header.field()) {
            (Some(_), _) => Err(Impossible),
            (None, Some(header)) if !load.field.is_array() => self.set(header, false),
            (None, _) => {
                if again {
                    self.note(plain, Some(false), None);
                }
                Ok(())
            }
        }
    }

    /// Takes note that the keys of `load` are these, where it is there.
    fn narrow(&mut self, load: Load, keys: IntervalSet, again: bool) -> Learned {
        if keys.is_empty() {
            return Err(Impossible);
        }
        if load.mask == Load::NO_MASK {
            if let Some(bit) = bit_of(load.field) {
                if let Some(one) = keys.as_interval().filter(|interval| interval.low == interval.high) {
                    self.known_bits |= bit;
                    self.values = if one.low == 1 { self.values | bit } else { self.values & !bit };
                }
                return Ok(());
            }
            if let Some(number) = number_of(load.field) {
                self.numbers[number] = Numbers::of(&keys);
                return Ok(());
            }
        }
        if again {
            self.note(load, None, Some(keys));
        }
        Ok(())
    }

    /// Notes what is given, if it is short enough.
    fn note(&mut self, load: Load, present: Option<bool>, keys: Option<IntervalSet>) {
        let keys = keys.filter(|keys| keys.intervals().len() <= MOST_INTERVALS);
        match self.find(load) {
            Ok(at) => {
                let fact = &mut self.known[at];
                fact.present = present.or(fact.present);
                if let Some(keys) = keys {
                    fact.keys = keys;
                }
            }
            Err(at) if self.known.len() < MOST_LOADS => {
                let keys = keys.unwrap_or_else(|| IntervalSet::interval(load.keys(self.layer)));
                self.known.insert(at, Fact { load, present, keys });
            }
            Err(_) => {}
        }
    }

    /// Takes note of the value of a field that is 0 or 1 and that others depend on.
    fn set(&mut self, field: Field, value: bool) -> Learned {
        match (self.bit(field), bit_of(field)) {
            (Some(known), _) if known == value => Ok(()),
            (Some(_), _) => Err(Impossible),
            (None, Some(bit)) => {
                self.known_bits |= bit;
                self.values |= if value { bit } else { 0 };
                self.derive(field)
            }
            (None, None) => Ok(()),
        }
    }

    /// Restricts one of the protocol numbers.
    fn restrict(&mut self, which: usize, to: Numbers) -> Learned {
        let after = self.numbers[which].intersect(to);
        if after == self.numbers[which] {
            return Ok(());
        }
        if after.is_empty() {
            return Err(Impossible);
        }
        self.numbers[which] = after;
        self.protocol()
    }

    /// Draws the conclusions from a change of `field`. Each step makes some bit known or some numbers fewer, so it ends.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other fields depend on nothing")]
    fn derive(&mut self, field: Field) -> Learned {
        match (field, self.bit(field)) {
            (Field::Inbound, Some(value)) => self.set(Field::Outbound, !value),
            (Field::Outbound, Some(value)) => self.set(Field::Inbound, !value),
            (Field::Ip, Some(value)) => {
                self.set(Field::Ipv6, !value)?;
                self.set(if value { Field::Icmpv6 } else { Field::Icmp }, false)?;
                self.protocol()
            }
            (Field::Ipv6, Some(value)) => self.set(Field::Ip, !value),
            (Field::Tcp | Field::Udp | Field::Icmp | Field::Icmpv6, Some(true)) => {
                for (other, number) in TRANSPORTS {
                    if other == field {
                        self.restrict(PROTOCOL, Numbers::one(number))?;
                    } else {
                        self.set(other, false)?;
                    }
                }
                match field {
                    Field::Icmp => self.set(Field::Ip, true),
                    Field::Icmpv6 => self.set(Field::Ipv6, true),
                    _ => Ok(()),
                }
            }
            (Field::Tcp | Field::Udp | Field::Icmp | Field::Icmpv6, Some(false))
            | (Field::Protocol | Field::IpProtocol, _) => self.protocol(),
            _ => Ok(()),
        }
    }

    /// How the protocol number, the IP version and the transport headers restrict each other. The number does not
    /// prove a packet's header (fragments, truncation); an event has no headers, there it does.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the headers of one table, two of which need a version"
    )]
    fn protocol(&mut self) -> Learned {
        let version = self.bit(Field::Ip);
        if self.layer.has_packets() && version == Some(true) {
            self.restrict(IP_PROTOCOL, self.numbers[PROTOCOL])?;
            self.restrict(PROTOCOL, self.numbers[IP_PROTOCOL])?;
        }
        for (header, number) in TRANSPORTS {
            let numbers = self.numbers[PROTOCOL];
            if !numbers.contains(number) {
                self.set(header, false)?;
                continue;
            }
            let needed = match header {
                Field::Icmp => version == Some(true),
                Field::Icmpv6 => version == Some(false),
                _ => true,
            };
            if !self.layer.has_packets() && needed {
                if self.bit(header) == Some(false) {
                    self.restrict(PROTOCOL, numbers.without(Numbers::one(number)))?;
                } else if numbers == Numbers::one(number) {
                    self.set(header, true)?;
                }
            }
        }
        Ok(())
    }

    /// Keeps what holds on both ways.
    pub(crate) fn meet(&mut self, other: &Self) {
        self.known_bits &= other.known_bits & !(self.values ^ other.values);
        self.values &= self.known_bits;
        for (here, there) in self.numbers.iter_mut().zip(other.numbers) {
            *here = here.union(there);
        }
        self.known.retain_mut(|fact| {
            let Some(there) = other.fact(fact.load) else { return false };
            if fact.present != there.present {
                fact.present = None;
            }
            if fact.keys != there.keys {
                fact.keys = fact.keys.union(&there.keys);
            }
            fact.keys.intervals().len() <= MOST_INTERVALS
        });
    }
}
