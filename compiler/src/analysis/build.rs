//! From values of the variables to a packet or an event.

use std::collections::HashSet;

use divert_vm::checksum::{Leave, update};
use divert_vm::input::{Address, Endpoint, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Protocol, Version, icmp, ipv4, tcp, udp};

use super::assignment::Assignment;
use super::bits::Bits;
use super::chain::{AUTHENTICATION, Chain, OPTIONS};
use super::formula::Model;
use super::ground::{self, Region};
use super::layout::Layout;
use super::witness::{Content, Witness};

impl Assignment {
    /// The layout of the packet, with nothing left open. `None` when the lengths belong to no packet.
    pub(super) fn concrete(&self) -> Option<Layout> {
        let Model::Packets(layout) = &self.model else { return None };
        let number = |bits: Bits| self.read(&bits) as u32;
        let [fragment, later] = layout.fragment().map(|bit| self.read(&[bit]) == 1);
        let chain = match (layout.shape.version, &layout.chain) {
            (Version::V4, _) => Chain::default(),
            (Version::V6, Some(chain)) => chain.clone(),
            (Version::V6, None) => {
                let first = self.read(&layout.byte(6)) as u8;
                Chain::of(first, number(layout.extensions()), fragment, later)?
            }
        };
        Some(Layout {
            shape: layout.shape,
            words: Some(number(layout.words()) as u8),
            offset: Some(number(layout.offset()) as u8),
            chain: Some(chain),
            length: Some(number(layout.length()) + layout.length_base()),
            total: Some(number(layout.total())),
            payload: Some(number(layout.payload_length())),
        })
    }

    /// The input with these values.
    pub(super) fn witness(&self) -> Option<Witness> {
        let (event, content) = match &self.model {
            Model::Packets(_) => (Event::Packet, Content::Packet(self.packet()?)),
            Model::Events(layer) => {
                let event = Event::from_number(self.number(ground::EVENT) as u8)?;
                (event, if *layer == Layer::Reflect { self.handle()? } else { self.endpoint() })
            }
        };
        Some(Witness { layer: self.layer, event, address: self.address(), content })
    }

    fn flag(&self, row: ground::Row) -> bool {
        self.number(row) == 1
    }

    fn address(&self) -> Address {
        let packets = self.layer.has_packets();
        Address {
            timestamp: (self.number(ground::TIMESTAMP) as u64 ^ 1 << 63).cast_signed(),
            outbound: self.flag(ground::OUTBOUND) && self.layer != Layer::Reflect,
            loopback: self.flag(ground::LOOPBACK),
            impostor: self.flag(ground::IMPOSTOR),
            if_idx: if packets { self.number(ground::IF_IDX) as u32 } else { 0 },
            sub_if_idx: if packets { self.number(ground::SUB_IF_IDX) as u32 } else { 0 },
        }
    }

    fn endpoint(&self) -> Content {
        Content::Endpoint(Endpoint {
            ipv6: self.flag(ground::IPV6),
            endpoint_id: self.number(ground::ENDPOINT) as u64,
            parent_endpoint_id: self.number(ground::PARENT) as u64,
            process_id: self.number(ground::PROCESS) as u32,
            local_addr: self.number(ground::LOCAL_ADDR),
            remote_addr: self.number(ground::REMOTE_ADDR),
            local_port: self.number(ground::LOCAL_PORT) as u16,
            remote_port: self.number(ground::REMOTE_PORT) as u16,
            protocol: self.number(ground::NUMBER) as u8,
        })
    }

    fn handle(&self) -> Option<Content> {
        Some(Content::Reflected(Reflected {
            process_id: self.number(ground::PROCESS) as u32,
            layer: Layer::from_number(self.number(ground::LAYER) as u8)?,
            priority: (self.number(ground::PRIORITY) as i32 - 32_768) as i16,
        }))
    }

    fn packet(&self) -> Option<Vec<u8>> {
        let Model::Packets(symbolic) = &self.model else { return None };
        let layout = self.concrete()?;
        let mut own = self.clone();
        own.base = layout.base();
        let length = layout.length?;
        let mut bytes: Vec<u8> = (0..length).map(|at| own.read(&layout.byte(at)) as u8).collect();
        let mut asked = HashSet::new();
        if let (Version::V6, Some(chain)) = (layout.shape.version, &layout.chain) {
            own.extensions(symbolic, chain, &mut bytes);
        }
        for (variable, value) in self.known() {
            let Some((region, at, bit)) = Region::of(variable) else { continue };
            let Some(place) = locate(&layout, region, at) else { continue };
            asked.insert(place);
            if let Some(byte) = bytes.get_mut(place as usize).filter(|_| region != Region::Packet) {
                let mask = 0x80 >> bit;
                *byte = if value { *byte | mask } else { *byte & !mask };
            }
        }
        finish(&layout, &mut bytes, &asked)?;
        Some(bytes)
    }

    /// Writes the extension headers, and makes the one that is cut short claim more than there is.
    fn extensions(&self, symbolic: &Layout, chain: &Chain, bytes: &mut [u8]) {
        let mut write = |at: u32, value: u8| {
            if let Some(byte) = bytes.get_mut(40 + at as usize) {
                *byte = value;
            }
        };
        let number = self.read(&symbolic.number()) as u8;
        if OPTIONS.contains(&number) || number == AUTHENTICATION {
            let length = Region::Packet.byte(40 + chain.size() + 1);
            if self.read(&length) == 0 {
                write(chain.size() + 1, 0xFF);
            }
        }
        for (at, byte) in chain.bytes() {
            write(at, byte);
        }
        if let Some(at) = chain.number_at() {
            write(at, number);
        }
    }
}

/// Where a byte lies in the buffer.
fn locate(layout: &Layout, region: Region, at: u32) -> Option<u32> {
    match region {
        Region::Packet => Some(at),
        Region::Transport => Some(layout.base()? + at),
        Region::Payload => Some(layout.payload_base()? + at),
        Region::Tail => layout.length?.checked_sub(at),
        Region::PayloadTail => layout.end()?.checked_sub(at),
    }
}

/// Fills in the UDP length and the checksums, but for those that were asked for.
fn finish(layout: &Layout, bytes: &mut [u8], asked: &HashSet<u32>) -> Option<()> {
    let base = layout.base()?;
    let free = |at: u32| !asked.contains(&at) && !asked.contains(&(at + 1));
    if layout.shape.kind == Protocol::Udp && free(base + 4) {
        let length = layout.end()?.saturating_sub(base) as u16;
        let place = bytes.get_mut(base as usize + 4..)?.first_chunk_mut()?;
        *place = length.to_be_bytes();
    }
    let left = |kind: Protocol, at: usize| layout.shape.kind == kind && !free(base + at as u32);
    let leave = Leave {
        ip: !free(ipv4::CHECKSUM as u32),
        icmp: left(Protocol::Icmp, icmp::CHECKSUM),
        icmpv6: left(Protocol::Icmpv6, icmp::CHECKSUM),
        tcp: left(Protocol::Tcp, tcp::CHECKSUM),
        udp: left(Protocol::Udp, udp::CHECKSUM),
    };
    update(bytes, leave);
    Some(())
}
