//! Reading the shared vectors: files, hex, event objects.

use std::path::PathBuf;

use divert_vm::input::{Address, Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Packet, Version};
use serde_json::Value;

/// The lines of a shared file; none when the file is not there.
pub(crate) fn lines(name: &str) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../tests", "../../shared"];
    let text = places.iter().find_map(|place| std::fs::read_to_string(folder.join(place).join(name)).ok());
    let Some(text) = text else {
        eprintln!("{name} is not here; nothing is tested");
        return Vec::new();
    };
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

pub(crate) fn layer(value: &Value) -> Option<Layer> {
    Layer::from_number(u8::try_from(value.as_u64().unwrap()).unwrap())
}

fn words(value: &Value) -> u128 {
    let words = value.as_array().unwrap().iter().map(|word| u128::from(word.as_u64().unwrap()));
    words.enumerate().map(|(place, word)| word << (32 * place)).sum()
}

/// Judges the input that an event object is; `None` where the original fails with 87.
pub(crate) fn input<T>(
    packet: Option<&[u8]>,
    addr: &Value,
    judge: impl FnOnce(&Input<'_>) -> T,
) -> Option<T> {
    let flag = |name: &str| addr[name].as_bool().unwrap_or(false);
    let number = |name: &str| addr[name].as_u64().unwrap_or(0) as u32;
    let address = Address {
        timestamp: addr["timestamp"].as_i64().unwrap(),
        outbound: flag("outbound"),
        loopback: flag("loopback"),
        impostor: flag("impostor"),
        if_idx: number("ifIdx"),
        sub_if_idx: number("subIfIdx"),
    };
    let layer = layer(&addr["layer"])?;
    let event = Event::from_number(addr["event"].as_u64().unwrap() as u8)?;
    match layer {
        Layer::Network | Layer::Forward => {
            let packet = Packet::parse(packet?).ok()?;
            if matches!(packet.version(), Version::V6) != flag("ipv6") {
                return None;
            }
            Some(judge(&if layer == Layer::Network {
                Input::network(&packet, &address)
            } else {
                Input::forward(&packet, &address)
            }))
        }
        Layer::Flow | Layer::Socket => {
            if packet.is_some() {
                return None;
            }
            let data = &addr[if layer == Layer::Flow { "flow" } else { "socket" }];
            let endpoint = Endpoint {
                ipv6: flag("ipv6"),
                endpoint_id: data["endpointId"].as_u64().unwrap(),
                parent_endpoint_id: data["parentEndpointId"].as_u64().unwrap(),
                process_id: data["processId"].as_u64().unwrap() as u32,
                local_addr: words(&data["localAddr"]),
                remote_addr: words(&data["remoteAddr"]),
                local_port: data["localPort"].as_u64().unwrap() as u16,
                remote_port: data["remotePort"].as_u64().unwrap() as u16,
                protocol: data["protocol"].as_u64().unwrap() as u8,
            };
            if layer == Layer::Flow {
                Input::flow(event, &endpoint, &address).ok().map(|input| judge(&input))
            } else {
                Input::socket(event, &endpoint, &address).ok().map(|input| judge(&input))
            }
        }
        Layer::Reflect => {
            let data = &addr["reflect"];
            let handle = Reflected {
                process_id: data["processId"].as_u64().unwrap() as u32,
                layer: self::layer(&data["layer"])?,
                priority: data["priority"].as_i64().unwrap() as i16,
            };
            Input::reflect(event, &handle, &address).ok().map(|input| judge(&input))
        }
    }
}
