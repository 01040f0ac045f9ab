//! What a program can need of its surroundings: the driver's ground for deciding what to install.

use super::certificate::class_count;
use crate::field::{Field, Header};
use crate::layer::{Event, Layer};
use crate::program::Program;

/// What a program can need. Everything here is an upper bound: an input outside of it cannot match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    layer: Layer,
    classes: u32,
    /// Bytes from the IP header on that `packet`, `packet16` and `packet32` can look at; 0 for none.
    pub packet_bytes: u32,
    /// Bytes from the payload's beginning on that the payload fields can look at; 0 for none.
    pub payload_bytes: u32,
    /// Whether an index counts from the end, or the program asks for lengths: the whole packet's length matters.
    pub whole_packet: bool,
    /// Whether the transport header or what is known from it is looked at.
    pub transport: bool,
    /// Whether the packet's hash is needed.
    pub hash: bool,
}

impl Needs {
    /// What `program` needs, given the classes for which its entry can match.
    pub(super) fn of(program: &Program<'_>, classes: u32) -> Self {
        let layer = program.layer();
        let existing = 1_u32.checked_shl(class_count(layer)).map_or(u32::MAX, |bit| bit.saturating_sub(1));
        let mut needs = Self {
            layer,
            classes: classes & existing,
            packet_bytes: 0,
            payload_bytes: 0,
            whole_packet: false,
            transport: false,
            hash: false,
        };
        for instruction in (0..program.len()).filter_map(|number| program.instruction(number)) {
            needs.add(instruction.field, instruction.index);
        }
        needs
    }

    fn add(&mut self, field: Field, index: i32) {
        let info = field.info();
        let in_transport = matches!(info.header, Header::Icmp | Header::Icmpv6 | Header::Tcp | Header::Udp);
        let end = u32::try_from(index).map_or(0, |index| index.saturating_add(u32::from(info.element)));
        if info.element > 0 {
            self.whole_packet |= index < 0;
            let bytes = if in_transport { &mut self.payload_bytes } else { &mut self.packet_bytes };
            *bytes = (*bytes).max(end);
        }
        self.hash |= matches!(field, Field::Random8 | Field::Random16 | Field::Random32);
        self.whole_packet |=
            matches!(field, Field::Length | Field::TcpPayloadLength | Field::UdpPayloadLength);
        self.transport |= field.needs_transport();
    }

    /// Whether an input with this event, direction and IP version can match.
    #[must_use]
    pub fn can_match(&self, event: Event, outbound: bool, ipv6: bool) -> bool {
        let Some(event) = event.number().checked_sub(self.layer.events().0) else { return false };
        let class = u32::from(event) << 2 | u32::from(outbound) << 1 | u32::from(ipv6);
        class < class_count(self.layer) && self.classes.checked_shr(class).unwrap_or(0) & 1 == 1
    }

    /// Whether nothing can match.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.classes == 0
    }

    /// Whether an input of this direction can match.
    #[must_use]
    pub fn direction(&self, outbound: bool) -> bool {
        self.any(|_, out, _| out == outbound)
    }

    /// Whether an input of this IP version can match.
    #[must_use]
    pub fn version(&self, ipv6: bool) -> bool {
        self.any(|_, _, six| six == ipv6)
    }

    /// Whether this event can match.
    #[must_use]
    pub fn event(&self, event: Event) -> bool {
        self.any(|at, _, _| at == event)
    }

    fn any(&self, wanted: impl Fn(Event, bool, bool) -> bool) -> bool {
        Event::ALL.into_iter().filter(|event| event.happens_at(self.layer)).any(|event| {
            [(false, false), (false, true), (true, false), (true, true)].into_iter().any(
                |(outbound, ipv6)| wanted(event, outbound, ipv6) && self.can_match(event, outbound, ipv6),
            )
        })
    }
}
