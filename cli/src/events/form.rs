//! The written form of an event, and what it stands for.

use std::borrow::Cow;
use std::fmt;

use divert_vm::address::{parse_ipv4, parse_ipv6};
use divert_vm::field::{IPV4_MAPPED, is_ipv4_mapped};
use divert_vm::input::{Address, Endpoint, Reflected};
use divert_vm::layer::{Event, Layer};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::error::Category;

use super::{Data, Described};

/// Why a line is no event: in words, since they are only shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadEvent(pub(super) String);

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    packet: Option<Cow<'a, str>>,
    #[serde(borrow)]
    addr: WrittenAddress<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenAddress<'a> {
    #[serde(borrow)]
    layer: Named<'a>,
    #[serde(borrow, default)]
    event: Option<Named<'a>>,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    outbound: bool,
    #[serde(default)]
    loopback: bool,
    #[serde(default)]
    impostor: bool,
    #[serde(default)]
    ipv6: Option<bool>,
    #[serde(default)]
    if_idx: u32,
    #[serde(default)]
    sub_if_idx: u32,
    #[serde(default)]
    flow: Option<WrittenEndpoint>,
    #[serde(default)]
    socket: Option<WrittenEndpoint>,
    #[serde(borrow, default)]
    reflect: Option<WrittenHandle<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenEndpoint {
    #[serde(default)]
    endpoint_id: u64,
    #[serde(default)]
    parent_endpoint_id: u64,
    #[serde(default)]
    process_id: u32,
    local_addr: Words,
    remote_addr: Words,
    #[serde(default)]
    local_port: u16,
    #[serde(default)]
    remote_port: u16,
    #[serde(default)]
    protocol: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenHandle<'a> {
    #[serde(default, rename = "timestamp")]
    _timestamp: i64,
    #[serde(default)]
    process_id: u32,
    #[serde(borrow)]
    layer: Named<'a>,
    #[serde(default, rename = "flags")]
    _flags: u64,
    #[serde(default)]
    priority: i64,
}

/// A number or a name.
enum Named<'a> {
    Number(u64),
    Name(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Named<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Named<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a name")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Named::Number(number))
            }
            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Named::Name(Cow::Borrowed(name)))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Named::Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// An address: text, or four words, low word first.
#[derive(Clone, Copy)]
struct Words(u128);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address as text, or four 32-bit words with the low word first")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let v4 = parse_ipv4(text).map(|address| u128::from(address) | IPV4_MAPPED);
                let address = v4.or_else(|| parse_ipv6(text));
                address.map(Words).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Self::Value, A::Error> {
                let mut address = 0;
                for place in 0..4 {
                    let word: u32 =
                        words.next_element()?.ok_or_else(|| de::Error::invalid_length(place, &self))?;
                    address |= u128::from(word) << (32 * place);
                }
                match words.next_element::<de::IgnoredAny>()? {
                    Some(_) => Err(de::Error::invalid_length(5, &self)),
                    None => Ok(Words(address)),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads a line. The packet's bytes replace what is in `packet`.
///
/// # Errors
/// Why it is no event.
pub(super) fn read(line: &str, packet: &mut Vec<u8>) -> Result<Described, BadEvent> {
    packet.clear();
    let written: Written<'_> = serde_json::from_str(line).map_err(|error| json_error(&error))?;
    let WrittenAddress { layer, event, flow, socket, reflect, ipv6, .. } = &written.addr;
    let (ipv6, layer) = (*ipv6, layer_of(layer)?);
    let event = event_of(event.as_ref(), layer)?;
    let has_packet = match &written.packet {
        Some(hex) => {
            unhex(hex, packet)?;
            true
        }
        None => false,
    };
    for (name, given, at) in [
        ("flow", flow.is_some(), Layer::Flow),
        ("socket", socket.is_some(), Layer::Socket),
        ("reflect", reflect.is_some(), Layer::Reflect),
    ] {
        if given != (layer == at) {
            let problem = if given { "has no" } else { "needs a" };
            return Err(BadEvent(format!("an event at {} {problem} `{name}` in its `addr`", layer.name())));
        }
    }
    let data = match (layer, flow.or(*socket), reflect) {
        (Layer::Network | Layer::Forward, ..) if has_packet => Data::Packet,
        // The content of a REFLECT event is the filter of the handle, which no filter looks at.
        (Layer::Reflect, _, Some(handle)) => Data::Reflected(reflected(handle)?),
        (Layer::Flow | Layer::Socket, Some(endpoint), _) if !has_packet => {
            Data::Endpoint(endpoint_of(&endpoint, ipv6))
        }
        (Layer::Network | Layer::Forward | Layer::Flow | Layer::Socket | Layer::Reflect, ..) => Data::Nothing,
    };
    let WrittenAddress { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx, .. } = written.addr;
    let address = Address { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx };
    Ok(Described { layer, event, address, ipv6, data })
}

fn endpoint_of(written: &WrittenEndpoint, ipv6: Option<bool>) -> Endpoint {
    let (local_addr, remote_addr) = (written.local_addr.0, written.remote_addr.0);
    Endpoint {
        ipv6: ipv6.unwrap_or(!is_ipv4_mapped(local_addr)),
        endpoint_id: written.endpoint_id,
        parent_endpoint_id: written.parent_endpoint_id,
        process_id: written.process_id,
        local_addr,
        remote_addr,
        local_port: written.local_port,
        remote_port: written.remote_port,
        protocol: written.protocol,
    }
}

fn reflected(written: &WrittenHandle<'_>) -> Result<Reflected, BadEvent> {
    let no_priority =
        || BadEvent(format!("no handle has priority {}: they go from -30000 to 30000", written.priority));
    let priority =
        i16::try_from(written.priority).ok().filter(|priority| (-30_000..=30_000).contains(priority));
    Ok(Reflected {
        process_id: written.process_id,
        layer: layer_of(&written.layer)?,
        priority: priority.ok_or_else(no_priority)?,
    })
}

fn layer_of(named: &Named<'_>) -> Result<Layer, BadEvent> {
    let found = match named {
        Named::Number(number) => u8::try_from(*number).ok().and_then(Layer::from_number),
        Named::Name(name) if name.eq_ignore_ascii_case("forward") => Some(Layer::Forward),
        Named::Name(name) => Layer::from_name(&name.to_ascii_uppercase()),
    };
    found.ok_or_else(|| BadEvent(format!("there is no layer {}", shown(named))))
}

fn event_of(named: Option<&Named<'_>>, layer: Layer) -> Result<Event, BadEvent> {
    let (first, last) = layer.events();
    let Some(named) = named else {
        let only = (first == last).then(|| Event::from_number(first)).flatten();
        return only
            .ok_or_else(|| BadEvent(format!("`addr` has no `event`, and {} has several", layer.name())));
    };
    let found = match named {
        Named::Number(number) => u8::try_from(*number).ok().and_then(Event::from_number),
        Named::Name(name) => Event::from_name(&name.to_ascii_uppercase(), layer),
    };
    let found = found.filter(|event| event.happens_at(layer));
    found.ok_or_else(|| BadEvent(format!("there is no event {} at {}", shown(named), layer.name())))
}

fn shown(named: &Named<'_>) -> String {
    match named {
        Named::Number(number) => number.to_string(),
        Named::Name(name) => format!("`{name}`"),
    }
}

fn unhex(hex: &str, bytes: &mut Vec<u8>) -> Result<(), BadEvent> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(BadEvent("`packet` has an odd number of digits".to_owned()));
    }
    for [high, low] in pairs {
        match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(BadEvent(format!("`packet` is not hexadecimal at byte {}", bytes.len()))),
        }
    }
    Ok(())
}

/// The words of serde, with the column only: the line is known better here.
fn json_error(error: &serde_json::Error) -> BadEvent {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = match error.classify() {
        Category::Syntax => format!("it is not JSON: {text}"),
        Category::Eof => format!("it is cut short: {text}"),
        Category::Data | Category::Io => text.to_owned(),
    };
    BadEvent(format!("{text} (column {})", error.column()))
}
