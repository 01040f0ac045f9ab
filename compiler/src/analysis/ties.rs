//! What ties the parts of a packet to each other: lengths, protocol numbers, extension headers.
//!
//! For [`Layout::general`] the ties hold for exactly those values that some packet has, as long as nobody looks at
//! bytes which the layout takes for independent (`needs.rs`).

use divert_vm::packet::{Protocol, Version, icmp, tcp, udp};

use super::bits::{Bit, Bits, constant};
use super::chain;
use super::diagram::{Bdd, Built, Diagrams};
use super::ground;
use super::layout::Layout;
use crate::set::{Interval, IntervalSet};

/// Builds the ties of one layout.
pub(super) struct Ties<'l> {
    pub(super) layout: &'l Layout,
    /// Whether the length of the payload matters.
    pub(super) payload: bool,
    /// Whether bytes of extension headers are looked at.
    pub(super) chain_bytes: bool,
}

/// A condition as a function that builds it.
fn all(diagrams: &mut Diagrams, parts: &[Bdd]) -> Built {
    parts.iter().try_fold(Bdd::TRUE, |all, part| diagrams.and(all, *part))
}

fn any(diagrams: &mut Diagrams, parts: &[Bdd]) -> Built {
    parts.iter().try_fold(Bdd::FALSE, |any, part| diagrams.or(any, *part))
}

fn set(keys: &[u8]) -> IntervalSet {
    keys.iter().map(|key| Interval::one((*key).into())).collect()
}

impl Ties<'_> {
    /// What needs little work and often decides: the ranges of lengths, and the transport header.
    pub(super) fn simple(&self, diagrams: &mut Diagrams) -> Built {
        let layout = self.layout;
        let parts = match layout.shape.version {
            Version::V4 => [
                diagrams.member(&layout.length(), u128::MAX, &IntervalSet::range(20, 65_575))?,
                diagrams.from(&layout.words(), 5)?,
                self.kind(diagrams)?,
            ],
            Version::V6 => [diagrams.below(&layout.length(), 65_536)?, Bdd::TRUE, self.kind(diagrams)?],
        };
        all(diagrams, &parts)
    }

    /// The rest. With [`Ties::simple`], true exactly for the packets of the layout.
    pub(super) fn full(&self, diagrams: &mut Diagrams) -> Built {
        let parts = [
            self.lengths(diagrams)?,
            if self.payload { self.payload(diagrams)? } else { Bdd::TRUE },
            match self.layout.shape.version {
                Version::V4 => Bdd::TRUE,
                Version::V6 => self.extensions(diagrams)?,
            },
        ];
        all(diagrams, &parts)
    }

    /// Four times a number of words.
    fn bytes_of(words: Bits) -> Bits {
        words.into_iter().chain([Bit::Is(false); 2]).collect()
    }

    /// The segment is what the IP headers leave of the buffer or of the packet, whichever ends first.
    fn lengths(&self, diagrams: &mut Diagrams) -> Built {
        let layout = self.layout;
        let (length, total, segment) = (layout.length(), layout.total(), ground::SEGMENT.bits());
        let head = match layout.shape.version {
            Version::V4 => Self::bytes_of(layout.words()),
            Version::V6 => layout.extensions(),
        };
        let by_length = [diagrams.sum(&head, &segment, &length)?, diagrams.at_least(&total, &length)?];
        let by_total = [diagrams.sum(&head, &segment, &total)?, diagrams.at_least(&length, &total)?];
        let either = [all(diagrams, &by_length)?, all(diagrams, &by_total)?];
        any(diagrams, &either)
    }

    /// The condition for a transport header of this kind.
    fn header(&self, diagrams: &mut Diagrams, kind: Protocol) -> Built {
        let layout = self.layout;
        let v4 = layout.shape.version == Version::V4;
        let (number, least) = match kind {
            Protocol::Tcp => (tcp::NUMBER, tcp::HEADER),
            Protocol::Udp => (udp::NUMBER, udp::HEADER),
            Protocol::Icmp if v4 => (icmp::NUMBER, icmp::HEADER),
            Protocol::Icmpv6 if !v4 => (icmp::NUMBER_V6, icmp::HEADER),
            Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => return Ok(Bdd::FALSE),
        };
        let whole = if v4 {
            diagrams.member(&layout.flags_and_offset(), 0x1FFF, &IntervalSet::range(0, 0))?
        } else {
            let later = diagrams.truth(layout.fragment()[1])?;
            diagrams.not(later)?
        };
        let words = match kind {
            Protocol::Tcp if layout.shape.kind == Protocol::Tcp => diagrams.from(&layout.offset(), 5)?,
            Protocol::Tcp => diagrams.from(&layout.transport(12)[..4], 5)?,
            Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => Bdd::TRUE,
        };
        let parts = [
            diagrams.is(&layout.number(), number.into())?,
            whole,
            diagrams.from(&ground::SEGMENT.bits(), least as u128)?,
            words,
        ];
        all(diagrams, &parts)
    }

    /// The shape's transport header is there; for a shape without one, none is.
    fn kind(&self, diagrams: &mut Diagrams) -> Built {
        if self.layout.shape.kind != Protocol::Other {
            return self.header(diagrams, self.layout.shape.kind);
        }
        let mut found = Bdd::FALSE;
        for kind in [Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6] {
            let header = self.header(diagrams, kind)?;
            found = diagrams.or(found, header)?;
        }
        diagrams.not(found)
    }

    /// The payload is what the transport header leaves of the segment; nothing when a TCP header claims more.
    fn payload(&self, diagrams: &mut Diagrams) -> Built {
        let (segment, payload) = (ground::SEGMENT.bits(), self.layout.payload_length());
        let header = match self.layout.shape.kind {
            Protocol::Tcp => Self::bytes_of(self.layout.offset()),
            Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other => {
                constant(self.layout.shape.header().into(), 6)
            }
        };
        let rest = diagrams.sum(&header, &payload, &segment)?;
        let fits = diagrams.at_least(&segment, &header)?;
        let nothing = diagrams.is(&payload, 0)?;
        diagrams.ite(fits, rest, nothing)
    }

    /// Which first numbers, sizes and last numbers extension headers can have.
    fn extensions(&self, diagrams: &mut Diagrams) -> Built {
        let layout = self.layout;
        if let Some(chain) = &layout.chain {
            let cut = self.cut(diagrams, chain.has_fragment())?;
            let mut parts = vec![if chain.is_later() { Bdd::TRUE } else { cut }];
            if self.chain_bytes {
                for (at, byte) in chain.bytes() {
                    parts.push(diagrams.is(&layout.byte(40 + at), byte.into())?);
                }
            }
            return all(diagrams, &parts);
        }
        let (first, size) = (layout.byte(6).to_vec(), layout.extensions());
        let [fragment, later] = layout.fragment();
        let (fragment, later) = (diagrams.truth(fragment)?, diagrams.truth(later)?);
        let apart = diagrams.not(fragment)?;
        let first_part = diagrams.without(fragment, later)?;
        let later_part = diagrams.and(fragment, later)?;
        let is = |diagrams: &mut Diagrams, keys: &[u8]| diagrams.member(&first, u128::MAX, &set(keys));
        let plain = is(diagrams, &chain::OPTIONS)?;
        let authentication = is(diagrams, &[chain::AUTHENTICATION])?;
        let fragmented = is(diagrams, &[chain::FRAGMENT])?;
        // Multiples of four from `least` on, but for one.
        let sizes = |diagrams: &mut Diagrams, least: u128, never: u128| {
            let parts = [diagrams.member(&size, 3, &IntervalSet::range(0, 0))?, diagrams.from(&size, least)?];
            let never = diagrams.is(&size, never)?;
            let sizes = all(diagrams, &parts)?;
            diagrams.without(sizes, never)
        };
        let (eight, sixteen) = (sizes(diagrams, 8, 12)?, sizes(diagrams, 16, 20)?);
        let (any_eight, any_sixteen) = (sizes(diagrams, 8, 0)?, sizes(diagrams, 16, 0)?);
        let only_eight = diagrams.is(&size, 8)?;
        let (cut, cut_after_fragment) = (self.cut(diagrams, false)?, self.cut(diagrams, true)?);
        let direct = [
            diagrams.is(&size, 0)?,
            diagrams.same(&first, &layout.number())?,
            apart,
            diagrams.not(later)?,
            cut,
        ];
        let not_later = diagrams.not(later)?;
        let cases = [
            direct.to_vec(),
            vec![plain, eight, apart, not_later, cut],
            vec![authentication, any_eight, apart, not_later, cut],
            vec![plain, sixteen, first_part, cut_after_fragment],
            vec![authentication, any_sixteen, first_part, cut_after_fragment],
            vec![fragmented, eight, first_part, cut_after_fragment],
            vec![plain, sixteen, later_part],
            vec![authentication, any_sixteen, later_part],
            vec![fragmented, only_eight, later_part],
        ];
        let mut possible = Bdd::FALSE;
        for case in cases {
            let case = all(diagrams, &case)?;
            possible = diagrams.or(possible, case)?;
        }
        Ok(possible)
    }

    /// A last number that is one of an extension header: only when that header is cut short. After a fragment header,
    /// a second one ends the walk.
    fn cut(&self, diagrams: &mut Diagrams, after_fragment: bool) -> Built {
        let (number, segment) = (self.layout.number(), ground::SEGMENT.bits());
        let mut possible = Bdd::TRUE;
        let fragment_limit = if after_fragment { 1 << 16 } else { 8 };
        // With the bytes in sight only a header of which less than 8 bytes are left is certain to be cut short.
        let [options, authentication] = match self.chain_bytes && self.layout.chain.is_some() {
            true => [8, 8],
            false => [chain::LONGEST_OPTIONS, chain::LONGEST_AUTHENTICATION],
        };
        for (keys, limit) in [
            (chain::OPTIONS.as_slice(), options),
            (&[chain::AUTHENTICATION], authentication),
            (&[chain::FRAGMENT], fragment_limit),
        ] {
            let such = diagrams.member(&number, u128::MAX, &set(keys))?;
            let short = diagrams.below(&segment, limit.into())?;
            possible = {
                let allowed = diagrams.ite(such, short, Bdd::TRUE)?;
                diagrams.and(possible, allowed)?
            };
        }
        Ok(possible)
    }
}
