//! What of a layout must be known so that no two of the bytes that graphs look at are one byte under two names.

use divert_vm::field::Field;
use divert_vm::packet::{Protocol, Version};

use super::chain::Chain;
use super::layout::{Layout, Shape};
use crate::graph::{Graph, Load};

/// What must be known, and what the graphs look at besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Where the transport header begins.
    pub(super) base: bool,
    /// Where the TCP payload begins.
    pub(super) offset: bool,
    /// The length of the buffer.
    pub(super) length: bool,
    /// The length of the payload.
    pub(super) payload: bool,
    /// The length of the payload matters, known or not.
    pub(super) counts_payload: bool,
    /// The packet's hash matters.
    pub(super) hash: bool,
}

impl Needs {
    /// The needs of `graphs` for packets of `shape`.
    pub(super) fn of(graphs: &[&Graph], shape: Shape) -> Self {
        let mut needs = Self::default();
        let (mut far, mut backwards) = (false, false);
        let (mut payload, mut payload_backwards) = (false, false);
        let loads = graphs.iter().flat_map(|graph| graph.nodes()).map(|node| node.load);
        for Load { field, index, .. } in loads {
            let end = i64::from(index) + i64::from(field.info().element);
            match place(field, shape.kind) {
                Place::Packet => {
                    far |= index >= 0 && end > i64::from(shape.fixed());
                    backwards |= index < 0;
                }
                Place::Payload => {
                    needs.counts_payload = true;
                    payload |= index >= 0;
                    payload_backwards |= index < 0;
                }
                Place::PayloadLength => needs.counts_payload = true,
                Place::Hash => needs.hash = true,
                Place::Elsewhere => {}
            }
        }
        needs.base = far || backwards;
        needs.offset = shape.kind == Protocol::Tcp && needs.base && (payload || payload_backwards);
        needs.length = backwards;
        needs.payload = payload_backwards && (payload || needs.base);
        needs
    }

    /// Whether nothing is looked at under two names in `layout`.
    pub(super) const fn are_met_by(self, layout: &Layout) -> bool {
        let base = match layout.shape.version {
            Version::V4 => layout.words.is_some(),
            Version::V6 => layout.chain.is_some(),
        };
        (base || !self.base)
            && (layout.offset.is_some() || !self.offset)
            && (layout.length.is_some() || !self.length)
            && (layout.payload.is_some() || !self.payload)
    }

    /// What of `concrete`, which knows all, must be known.
    pub(super) fn part_of(self, concrete: &Layout) -> Layout {
        Layout {
            shape: concrete.shape,
            words: concrete.words.filter(|_| self.base),
            offset: concrete.offset.filter(|_| self.offset),
            chain: concrete.chain.clone().filter(|_| self.base),
            length: concrete.length.filter(|_| self.length),
            total: None,
            payload: concrete.payload.filter(|_| self.payload),
        }
    }

    /// Whether a layout that meets the needs stands for all packets with its lengths. With extension headers in sight
    /// their kinds and contents may vary, and one arrangement is tried.
    pub(super) fn are_all_met_by(self, layout: &Layout) -> bool {
        layout.shape.version == Version::V4 || !self.base || {
            // Even without headers: one that is cut short is tried with few bytes only.
            layout.chain == Some(Chain::default()) && layout.shape.kind != Protocol::Other
        }
    }
}

/// What a field looks at.
enum Place {
    Packet,
    Payload,
    PayloadLength,
    Hash,
    Elsewhere,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields have their own bits")]
const fn place(field: Field, kind: Protocol) -> Place {
    match field {
        Field::Packet | Field::Packet16 | Field::Packet32 => Place::Packet,
        Field::Random8 | Field::Random16 | Field::Random32 => Place::Hash,
        Field::TcpPayload | Field::TcpPayload16 | Field::TcpPayload32 if matches!(kind, Protocol::Tcp) => {
            Place::Payload
        }
        Field::UdpPayload | Field::UdpPayload16 | Field::UdpPayload32 if matches!(kind, Protocol::Udp) => {
            Place::Payload
        }
        Field::TcpPayloadLength if matches!(kind, Protocol::Tcp) => Place::PayloadLength,
        Field::UdpPayloadLength if matches!(kind, Protocol::Udp) => Place::PayloadLength,
        _ => Place::Elsewhere,
    }
}
