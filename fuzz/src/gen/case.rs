//! A case: something to be judged, with its own bytes. It prints as the line of JSON that `divertc eval` reads.

use std::fmt;

use divert_compiler::analysis::{Content, Witness};
use divert_vm::layer::{Event, Layer};
use divert_vm::{Address, Endpoint, Input, Packet, Reflected};
use serde_json::Value;

use super::packet;
use crate::source::Source;

/// An input that owns its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// A packet at NETWORK or NETWORK_FORWARD.
    Packet(Layer, Vec<u8>, Address),
    /// An event at FLOW or SOCKET.
    Endpoint(Layer, Event, Endpoint, Address),
    /// An event at REFLECT.
    Reflected(Event, Reflected, Address),
}

impl From<Witness> for Case {
    fn from(witness: Witness) -> Self {
        let Witness { layer, event, address, content } = witness;
        match content {
            Content::Packet(bytes) => Self::Packet(layer, bytes, address),
            Content::Endpoint(endpoint) => Self::Endpoint(layer, event, endpoint, address),
            Content::Reflected(handle) => Self::Reflected(event, handle, address),
        }
    }
}

impl From<Case> for Witness {
    fn from(case: Case) -> Self {
        let layer = case.layer();
        let (event, address, content) = match case {
            Case::Packet(_, bytes, address) => (Event::Packet, address, Content::Packet(bytes)),
            Case::Endpoint(_, event, endpoint, address) => (event, address, Content::Endpoint(endpoint)),
            Case::Reflected(event, handle, address) => (event, address, Content::Reflected(handle)),
        };
        Self { layer, event, address, content }
    }
}

impl Case {
    /// Its layer.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        match self {
            Self::Packet(layer, ..) | Self::Endpoint(layer, ..) => *layer,
            Self::Reflected(..) => Layer::Reflect,
        }
    }

    /// Judges the case; `None` when it is no input.
    pub fn with<T>(&self, judge: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        match self {
            Self::Packet(layer, bytes, address) => {
                let packet = Packet::parse(bytes).ok()?;
                let at = if *layer == Layer::Forward { Input::forward } else { Input::network };
                Some(judge(&at(&packet, address)))
            }
            Self::Endpoint(layer, event, endpoint, address) => {
                let at = if *layer == Layer::Flow { Input::flow } else { Input::socket };
                at(*event, endpoint, address).ok().map(|input| judge(&input))
            }
            Self::Reflected(event, handle, address) => {
                Input::reflect(*event, handle, address).ok().map(|input| judge(&input))
            }
        }
    }

    /// The case of a vector: `{"packet": hex or null, "addr": {…}}`, layers and events by number, addresses as words.
    /// `None` for what is no input, such as a packet whose version is not the one that `ipv6` says.
    #[must_use]
    pub fn of(line: &Value) -> Option<Self> {
        let addr = &line["addr"];
        let flag = |name: &str| addr[name].as_bool().unwrap_or(false);
        let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
        let small = |of: &Value, name: &str| u32::try_from(number(of, name)).ok();
        let layer_of = |value: &Value| Layer::from_number(u8::try_from(value.as_u64()?).ok()?);
        let address = Address {
            timestamp: addr["timestamp"].as_i64()?,
            outbound: flag("outbound"),
            loopback: flag("loopback"),
            impostor: flag("impostor"),
            if_idx: small(addr, "ifIdx")?,
            sub_if_idx: small(addr, "subIfIdx")?,
        };
        let layer = layer_of(&addr["layer"])?;
        let event = Event::from_number(u8::try_from(number(addr, "event")).ok()?)?;
        if !event.happens_at(layer) {
            return None;
        }
        let packet = line["packet"].as_str().and_then(from_hex);
        match (layer, packet) {
            (Layer::Network | Layer::Forward, Some(bytes)) => {
                let version = if flag("ipv6") { 6 } else { 4 };
                let fits = bytes.first().is_some_and(|first| first >> 4 == version);
                (fits && Packet::parse(&bytes).is_ok()).then_some(Self::Packet(layer, bytes, address))
            }
            (Layer::Flow | Layer::Socket, None) => {
                let data = &addr[if layer == Layer::Flow { "flow" } else { "socket" }];
                let words = |name: &str| {
                    let words = data[name].as_array()?.iter().rev();
                    words.map(Value::as_u64).try_fold(0, |all, word| Some(all << 32 | u128::from(word?)))
                };
                let endpoint = Endpoint {
                    ipv6: flag("ipv6"),
                    endpoint_id: number(data, "endpointId"),
                    parent_endpoint_id: number(data, "parentEndpointId"),
                    process_id: small(data, "processId")?,
                    local_addr: words("localAddr")?,
                    remote_addr: words("remoteAddr")?,
                    local_port: u16::try_from(number(data, "localPort")).ok()?,
                    remote_port: u16::try_from(number(data, "remotePort")).ok()?,
                    protocol: u8::try_from(number(data, "protocol")).ok()?,
                };
                Some(Self::Endpoint(layer, event, endpoint, address))
            }
            (Layer::Reflect, _) => {
                let data = &addr["reflect"];
                let handle = Reflected {
                    process_id: small(data, "processId")?,
                    layer: layer_of(&data["layer"])?,
                    priority: i16::try_from(data["priority"].as_i64()?).ok()?,
                };
                Some(Self::Reflected(event, handle, address))
            }
            (Layer::Network | Layer::Forward, None) | (Layer::Flow | Layer::Socket, Some(_)) => None,
        }
    }

    /// The case as such an object; [`Case::of`] gives the case again.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::from_str(&self.to_string()).unwrap_or_default()
    }

    /// A case at `layer`; a packet need not be one.
    pub fn any(source: &mut Source<'_>, layer: Layer) -> Self {
        let address = address(source);
        let event = event(source, layer);
        match layer {
            Layer::Network | Layer::Forward => Self::Packet(layer, packet::any(source), address),
            Layer::Flow | Layer::Socket => Self::Endpoint(layer, event, endpoint(source), address),
            Layer::Reflect => {
                let handle = Reflected {
                    process_id: few_or_many(source, u32::MAX.into()) as u32,
                    layer: source.pick(&Layer::ALL),
                    priority: source.pick(&[0, -1, 1, 2, 5, -5, 30_000, -30_000]),
                };
                Self::Reflected(event, handle, address)
            }
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Witness::from(self.clone()).to_json())
    }
}

/// The bytes of a text of digits; `None` when it is no such text.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// The bytes as digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Small numbers half of the time, so that tests on them agree now and then.
fn few_or_many(source: &mut Source<'_>, high: u128) -> u128 {
    if source.one_in(2) { source.within(0, high) } else { source.below(4) as u128 }
}

/// What is known about an input.
pub fn address(source: &mut Source<'_>) -> Address {
    let flags = source.byte();
    Address {
        timestamp: if source.one_in(2) {
            source.within(0, u64::MAX.into()) as i64
        } else {
            source.below(6) as i64 - 3
        },
        outbound: flags & 1 == 1,
        loopback: flags & 2 == 2,
        impostor: flags & 4 == 4,
        if_idx: few_or_many(source, u32::MAX.into()) as u32,
        sub_if_idx: few_or_many(source, u32::MAX.into()) as u32,
    }
}

/// An event of the layer.
pub fn event(source: &mut Source<'_>, layer: Layer) -> Event {
    let (first, last) = layer.events();
    let number = first + source.byte() % (last - first + 1);
    Event::from_number(number).unwrap_or(Event::Packet)
}

/// What a FLOW or SOCKET event is about.
pub fn endpoint(source: &mut Source<'_>) -> Endpoint {
    let address = |source: &mut Source<'_>| match source.below(4) {
        0 => source.within(0, u128::MAX),
        1 => 0x2001_0db8 << 96 | source.below(4) as u128,
        _ => 0xFFFF_0A00_0000 | source.below(4) as u128,
    };
    Endpoint {
        ipv6: source.one_in(2),
        endpoint_id: few_or_many(source, u64::MAX.into()) as u64,
        parent_endpoint_id: few_or_many(source, u64::MAX.into()) as u64,
        process_id: few_or_many(source, u32::MAX.into()) as u32,
        local_addr: address(source),
        remote_addr: address(source),
        local_port: few_or_many(source, 65_535) as u16,
        remote_port: few_or_many(source, 65_535) as u16,
        protocol: source.pick(&[1, 6, 17, 58, 50, 255]),
    }
}
