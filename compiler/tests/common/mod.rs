//! Shared by the tests: the conformance vectors, random inputs and random graphs.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use std::path::PathBuf;

use divert_compiler::graph::{Builder, Graph, Load, NodeId};
use divert_compiler::set::{Interval, IntervalSet};
use divert_vm::field::{FIELDS, Field};
use divert_vm::input::{Address, Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::Packet;
use serde_json::Value;

/// The lines of a conformance file; none where the files are not at hand.
pub(crate) fn vectors(name: &str) -> Vec<Value> {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../tests/conformance", "../../shared/conformance"];
    let text = places.iter().find_map(|place| std::fs::read_to_string(package.join(place).join(name)).ok());
    let Some(text) = text else { return Vec::new() };
    text.lines().map(|line| serde_json::from_str(line).expect("a vector is JSON")).collect()
}

pub(crate) fn text<'v>(line: &'v Value, name: &str) -> &'v str {
    line[name].as_str().unwrap_or_default()
}

pub(crate) fn layer(value: &Value) -> Layer {
    Layer::from_number(value.as_u64().unwrap() as u8).unwrap()
}

/// Something to be judged, with its own bytes.
#[derive(Clone, Debug)]
pub(crate) enum Case {
    Packet(Layer, Vec<u8>, Address),
    Endpoint(Layer, Event, Endpoint, Address),
    Reflected(Event, Reflected, Address),
}

impl Case {
    pub(crate) fn layer(&self) -> Layer {
        match self {
            Self::Packet(layer, ..) | Self::Endpoint(layer, ..) => *layer,
            Self::Reflected(..) => Layer::Reflect,
        }
    }

    /// Judges the case; `None` when it is no input.
    pub(crate) fn with<T>(&self, judge: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        match self {
            Self::Packet(layer, bytes, address) => {
                let packet = Packet::parse(bytes).ok()?;
                Some(judge(&match layer {
                    Layer::Network => Input::network(&packet, address),
                    _ => Input::forward(&packet, address),
                }))
            }
            Self::Endpoint(Layer::Flow, event, endpoint, address) => {
                Input::flow(*event, endpoint, address).ok().map(|input| judge(&input))
            }
            Self::Endpoint(_, event, endpoint, address) => {
                Input::socket(*event, endpoint, address).ok().map(|input| judge(&input))
            }
            Self::Reflected(event, handle, address) => {
                Input::reflect(*event, handle, address).ok().map(|input| judge(&input))
            }
        }
    }

    /// The case of a line of `eval.jsonl`.
    pub(crate) fn of(line: &Value) -> Option<Self> {
        let addr = &line["addr"];
        let flag = |name: &str| addr[name].as_bool().unwrap_or(false);
        let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
        let address = Address {
            timestamp: addr["timestamp"].as_i64()?,
            outbound: flag("outbound"),
            loopback: flag("loopback"),
            impostor: flag("impostor"),
            if_idx: number(addr, "ifIdx") as u32,
            sub_if_idx: number(addr, "subIfIdx") as u32,
        };
        let layer = layer(&addr["layer"]);
        let event = Event::from_number(number(addr, "event") as u8)?;
        match layer {
            Layer::Network | Layer::Forward => {
                let hex = line["packet"].as_str()?;
                let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                Some(Self::Packet(layer, (0..hex.len()).step_by(2).map(byte).collect(), address))
            }
            Layer::Flow | Layer::Socket => {
                let data = &addr[if layer == Layer::Flow { "flow" } else { "socket" }];
                let words = |name: &str| {
                    let words = data[name].as_array().cloned().unwrap_or_default();
                    words.iter().rev().fold(0, |all, word| all << 32 | u128::from(word.as_u64().unwrap()))
                };
                let endpoint = Endpoint {
                    ipv6: flag("ipv6"),
                    endpoint_id: number(data, "endpointId"),
                    parent_endpoint_id: number(data, "parentEndpointId"),
                    process_id: number(data, "processId") as u32,
                    local_addr: words("localAddr"),
                    remote_addr: words("remoteAddr"),
                    local_port: number(data, "localPort") as u16,
                    remote_port: number(data, "remotePort") as u16,
                    protocol: number(data, "protocol") as u8,
                };
                Some(Self::Endpoint(layer, event, endpoint, address))
            }
            Layer::Reflect => {
                let data = &addr["reflect"];
                let handle = Reflected {
                    process_id: number(data, "processId") as u32,
                    layer: Layer::from_number(number(data, "layer") as u8)?,
                    priority: data["priority"].as_i64()? as i16,
                };
                Some(Self::Reflected(event, handle, address))
            }
        }
    }
}

/// Small random numbers: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn address(&mut self) -> Address {
        Address {
            timestamp: self.below(6) as i64 - 3,
            outbound: self.chance(2),
            loopback: self.chance(2),
            impostor: self.chance(2),
            if_idx: self.below(4) as u32,
            sub_if_idx: self.below(4) as u32,
        }
    }

    /// A packet with few different values in it, so that tests often agree.
    fn packet(&mut self) -> Vec<u8> {
        let protocol = self.one(&[1, 6, 6, 17, 17, 58, 50]);
        let payload: Vec<u8> = (0..self.below(48)).map(|_| self.below(6) as u8).collect();
        let mut body: Vec<u8> = Vec::new();
        for _ in 0..2 {
            body.extend((self.below(4) as u16).to_be_bytes());
        }
        body.extend((0..16).map(|_| self.below(3) as u8));
        body[12] = 0x50;
        body.extend(payload);
        let total = body.len();
        let mut packet = if self.chance(2) {
            let mut header = vec![0x45, self.below(4) as u8, 0, (total + 20) as u8, 0, 1, 0, 0];
            if self.chance(4) {
                header[6] = self.one(&[0x20, 0x40]);
                header[7] = self.below(2) as u8;
            }
            header.extend([self.below(5) as u8, protocol, 0, 0, 10, 0, 0, self.below(4) as u8]);
            header.extend([10, 0, 0, self.below(4) as u8]);
            header
        } else {
            let mut header =
                vec![0x60, 0, 0, self.below(3) as u8, 0, total as u8, protocol, self.below(5) as u8];
            for _ in 0..2 {
                header.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, self.below(4) as u8]);
            }
            header
        };
        packet.extend(body);
        if self.chance(5) {
            let fixed = if packet[0] >> 4 == 4 { 20 } else { 40 };
            packet.truncate(fixed + self.below((packet.len() - fixed) as u64) as usize);
        }
        packet
    }

    pub(crate) fn case(&mut self, layer: Layer) -> Case {
        let address = self.address();
        let (first, last) = layer.events();
        let event = Event::from_number(first + self.below(u64::from(last - first) + 1) as u8).unwrap();
        match layer {
            Layer::Network | Layer::Forward => Case::Packet(layer, self.packet(), address),
            Layer::Flow | Layer::Socket => {
                let mut word = |high: u128| high | u128::from(self.below(4));
                let (local_addr, remote_addr) = (word(0xFFFF_0A00_0000), word(0x2001_0db8 << 96));
                let endpoint = Endpoint {
                    ipv6: self.chance(2),
                    endpoint_id: self.below(3),
                    parent_endpoint_id: self.below(3),
                    process_id: self.below(4) as u32,
                    local_addr,
                    remote_addr,
                    local_port: self.below(4) as u16,
                    remote_port: self.below(4) as u16,
                    protocol: self.one(&[1, 6, 17, 58, 50]),
                };
                Case::Endpoint(layer, event, endpoint, address)
            }
            Layer::Reflect => {
                let handle = Reflected {
                    process_id: self.below(4) as u32,
                    layer: self.one(&Layer::ALL),
                    priority: self.below(5) as i16 - 2,
                };
                Case::Reflected(event, handle, address)
            }
        }
    }

    fn load(&mut self, layer: Layer) -> Load {
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
        loop {
            let field =
                if self.chance(2) { self.one(&LIKELY) } else { FIELDS[self.below(86) as usize].field };
            if !field.info().layers.contains(layer) {
                continue;
            }
            let mut load = Load::field(field);
            if field.is_array() {
                load.index = if self.chance(4) { -1 - self.below(30) as i32 } else { self.below(50) as i32 };
                if load.index < 0 {
                    load.index -= i32::from(field.info().element);
                }
            }
            return load;
        }
    }

    /// A mask that back ends can spell out.
    fn mask(&mut self, load: Load) -> u128 {
        let high = load.field.info().range.high;
        match high {
            0xFF => self.one(&[0x0F, 0xF0, 0x3C, 0x01, 0xFC]),
            0xFFFF => self.one(&[0xFF00, 0xFFF0, 0x0FF0]),
            0xFFFF_FFFF if load.field.info().range.origin.magnitude() == 0 => {
                self.one(&[0xFFFF_FFF0, 0xFF00_0000])
            }
            _ => Load::NO_MASK,
        }
    }

    fn set(&mut self, load: Load, layer: Layer) -> IntervalSet {
        let keys = load.keys(layer);
        let intervals = (0..1 + self.below(3)).map(|_| {
            let base = match load.field {
                Field::Timestamp => 1 << 63,
                Field::Priority => 32_768,
                Field::LocalAddr | Field::RemoteAddr => self.one(&[0xFFFF_0A00_0000, 0x2001_0db8 << 96]),
                Field::IpSrcAddr | Field::IpDstAddr => 0x0A00_0000,
                Field::Ipv6SrcAddr | Field::Ipv6DstAddr => 0x2001_0db8 << 96,
                Field::Protocol | Field::IpProtocol | Field::Ipv6NextHdr => self.one(&[1, 6, 17, 58]),
                _ => keys.low,
            };
            let low = (base + u128::from(self.below(4))).saturating_sub(u128::from(self.below(2)));
            let length = if self.chance(2) { 0 } else { u128::from(self.below(4)) };
            Interval { low, high: if self.chance(6) { keys.high.max(low) } else { low + length } }
        });
        let set: IntervalSet = intervals.collect::<Vec<_>>().into_iter().collect();
        if self.chance(4) { set.complement(keys) } else { set }
    }

    /// A graph of at most `size` tests; `masks` whether it may have masks.
    pub(crate) fn graph(&mut self, layer: Layer, size: u64, masks: bool) -> Graph {
        let mut builder = if self.chance(2) { Builder::plain(layer) } else { Builder::simplifying(layer) };
        let mut ids = vec![NodeId::REJECT, NodeId::ACCEPT];
        let loads: Vec<Load> = (0..1 + self.below(8)).map(|_| self.load(layer)).collect();
        for _ in 0..size {
            let mut load = self.one(&loads);
            if masks && self.chance(8) {
                load.mask = self.mask(load);
            }
            let set = self.set(load, layer);
            let target = |random: &mut Self| {
                let recent = random.below(4).min(ids.len() as u64 - 1) as usize;
                if random.chance(3) { random.one(&ids[..2]) } else { ids[ids.len() - 1 - recent] }
            };
            let (yes, no) = (target(self), target(self));
            let id = builder.test(load, set, yes, no);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        builder.finish(ids[ids.len() - 1])
    }
}
