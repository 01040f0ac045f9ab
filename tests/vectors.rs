//! Reading vectors: files, hex, event objects.

use std::path::{Path, PathBuf};

use divert_vm::{Address, Endpoint, Event, Input, Layer, Packet, Reflected};
use serde_json::Value;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The lines of `tests/conformance/name`.
#[must_use]
pub fn conformance(name: &str) -> Vec<Value> {
    read(&root().join("tests/conformance").join(name)).expect("the vectors are in the repository")
}

/// The lines of `../shared/name`, which is beside the repository on some machines only.
#[must_use]
pub fn shared(name: &str) -> Option<Vec<Value>> {
    read(&root().join("../shared").join(name))
}

/// The lines of a file of JSON values; `None` where there is none.
#[must_use]
pub fn read(path: &Path) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
}

/// The bytes of a hexadecimal text.
#[must_use]
pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The layer with this number; the vectors also have numbers without one.
#[must_use]
pub fn layer(number: &Value) -> Option<Layer> {
    Layer::from_number(u8::try_from(number.as_u64()?).ok()?)
}

/// What a line says the right answer is: `documented` where the original breaks its documentation.
#[must_use]
pub fn expected(line: &Value) -> &Value {
    line.get("documented").unwrap_or(line)
}

/// Something to be judged, with its own bytes.
#[derive(Clone, Debug)]
pub enum Case {
    /// A packet.
    Packet(Layer, Vec<u8>, Address),
    /// A FLOW or SOCKET event.
    Endpoint(Layer, Event, Endpoint, Address),
    /// A REFLECT event.
    Reflected(Event, Reflected, Address),
}

impl Case {
    /// The case of an evaluation vector; `None` where a call of the original fails because its arguments do not agree.
    #[must_use]
    pub fn of(line: &Value) -> Option<Self> {
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
        let packet = line["packet"].as_str().map(bytes);
        let layer = layer(&addr["layer"])?;
        let event = Event::from_number(number(addr, "event") as u8)?;
        match (layer, packet) {
            (Layer::Network | Layer::Forward, Some(bytes)) => {
                let ipv6 = bytes.first().is_some_and(|byte| byte >> 4 == 6);
                (ipv6 == flag("ipv6")).then_some(Self::Packet(layer, bytes, address))
            }
            (Layer::Flow | Layer::Socket, None) => {
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
            (Layer::Reflect, _) => {
                let data = &addr["reflect"];
                let handle = Reflected {
                    process_id: number(data, "processId") as u32,
                    layer: Layer::from_number(number(data, "layer") as u8)?,
                    priority: data["priority"].as_i64()? as i16,
                };
                Some(Self::Reflected(event, handle, address))
            }
            (Layer::Network | Layer::Forward, None) | (Layer::Flow | Layer::Socket, Some(_)) => None,
        }
    }

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
                Some(judge(&if *layer == Layer::Network {
                    Input::network(&packet, address)
                } else {
                    Input::forward(&packet, address)
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
}
