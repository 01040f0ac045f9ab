//! Inputs that show something: packets and events with their own bytes.

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use divert_vm::field::{IPV4_MAPPED, is_ipv4_mapped};
use divert_vm::input::{Address, Endpoint, Input, Reflected};
use divert_vm::layer::{Event, Layer};
use divert_vm::packet::{Packet, Protocol, Version, icmp, ipv4, ipv6, tcp};

/// What a witness is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A packet, from the IP header on.
    Packet(Vec<u8>),
    /// A flow or a socket.
    Endpoint(Endpoint),
    /// A handle.
    Reflected(Reflected),
}

/// An input that shows an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Where it happens.
    pub layer: Layer,
    /// What happens.
    pub event: Event,
    /// What is known beside the content.
    pub address: Address,
    /// The content.
    pub content: Content,
}

impl Witness {
    /// Judges the input; `None` when it is none, which the search never gives.
    pub fn with<T>(&self, judge: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        match (&self.content, self.layer) {
            (Content::Packet(bytes), Layer::Network | Layer::Forward) => {
                let packet = Packet::parse(bytes).ok()?;
                Some(judge(&if self.layer == Layer::Network {
                    Input::network(&packet, &self.address)
                } else {
                    Input::forward(&packet, &self.address)
                }))
            }
            (Content::Endpoint(endpoint), Layer::Flow) => {
                Input::flow(self.event, endpoint, &self.address).ok().map(|input| judge(&input))
            }
            (Content::Endpoint(endpoint), Layer::Socket) => {
                Input::socket(self.event, endpoint, &self.address).ok().map(|input| judge(&input))
            }
            (Content::Reflected(handle), Layer::Reflect) => {
                Input::reflect(self.event, handle, &self.address).ok().map(|input| judge(&input))
            }
            (Content::Packet(_) | Content::Endpoint(_) | Content::Reflected(_), _) => None,
        }
    }

    /// The packet's bytes.
    #[must_use]
    pub fn packet(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Packet(bytes) => Some(bytes),
            Content::Endpoint(_) | Content::Reflected(_) => None,
        }
    }

    /// The witness as an event object in JSON, on one line: what `eval` reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\"packet\":");
        match self.packet() {
            Some(bytes) => {
                let _ = write!(text, "\"{}\"", Hex(bytes));
            }
            None => text.push_str("null"),
        }
        let Address { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx } = self.address;
        let ipv6 = match &self.content {
            Content::Packet(bytes) => bytes.first().is_some_and(|first| first >> 4 == 6),
            Content::Endpoint(endpoint) => endpoint.ipv6,
            Content::Reflected(_) => false,
        };
        let _ = write!(
            text,
            ",\"addr\":{{\"layer\":{},\"event\":{},\"timestamp\":{timestamp},\"outbound\":{outbound},\
             \"loopback\":{loopback},\"impostor\":{impostor},\"ipv6\":{ipv6}",
            self.layer.number(),
            self.event.number()
        );
        // Only packets have interfaces, but the record has room for the numbers at every layer.
        if self.packet().is_some() || (if_idx, sub_if_idx) != (0, 0) {
            let _ = write!(text, ",\"ifIdx\":{if_idx},\"subIfIdx\":{sub_if_idx}");
        }
        let _ = match &self.content {
            Content::Packet(_) => Ok(()),
            Content::Endpoint(endpoint) => {
                let name = if self.layer == Layer::Flow { "flow" } else { "socket" };
                write!(
                    text,
                    ",\"{name}\":{{\"endpointId\":{},\"parentEndpointId\":{},\"processId\":{},\"localAddr\":{},\
                     \"remoteAddr\":{},\"localPort\":{},\"remotePort\":{},\"protocol\":{}}}",
                    endpoint.endpoint_id,
                    endpoint.parent_endpoint_id,
                    endpoint.process_id,
                    words(endpoint.local_addr),
                    words(endpoint.remote_addr),
                    endpoint.local_port,
                    endpoint.remote_port,
                    endpoint.protocol
                )
            }
            Content::Reflected(handle) => write!(
                text,
                ",\"reflect\":{{\"timestamp\":0,\"processId\":{},\"layer\":{},\"flags\":0,\"priority\":{}}}",
                handle.process_id,
                handle.layer.number(),
                handle.priority
            ),
        };
        text.push_str("}}");
        text
    }
}

/// An address as four words, the lowest first.
fn words(address: u128) -> String {
    let [a, b, c, d] = [0, 32, 64, 96].map(|shift| (address >> shift) as u32);
    format!("[{a},{b},{c},{d}]")
}

/// Bytes as hexadecimal digits.
struct Hex<'b>(&'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An address with its port.
fn place(address: u128, port: Option<u16>) -> String {
    match (is_ipv4_mapped(address), port) {
        (true, Some(port)) => format!("{}:{port}", Ipv4Addr::from_bits(address as u32)),
        (true, None) => Ipv4Addr::from_bits(address as u32).to_string(),
        (false, Some(port)) => format!("[{}]:{port}", Ipv6Addr::from_bits(address)),
        (false, None) => Ipv6Addr::from_bits(address).to_string(),
    }
}

/// Whether both addresses are of the event's IP version, as a driver reports them. A filter cannot rely on it, so where
/// nothing else shows an answer, they are not.
fn is_usual(endpoint: &Endpoint) -> bool {
    [endpoint.local_addr, endpoint.remote_addr].map(is_ipv4_mapped) == [!endpoint.ipv6; 2]
}

fn protocol_name(number: u8) -> String {
    match number {
        icmp::NUMBER => "ICMP".to_owned(),
        icmp::NUMBER_V6 => "ICMPv6".to_owned(),
        tcp::NUMBER => "TCP".to_owned(),
        divert_vm::packet::udp::NUMBER => "UDP".to_owned(),
        number => format!("protocol {number}"),
    }
}

/// One line: what a person needs to recognise the packet.
fn headers(packet: &Packet<'_>) -> String {
    let (bytes, transport) = (packet.bytes(), packet.transport());
    let offset = transport.offset as usize;
    let (version, source, destination) = match packet.version() {
        Version::V4 => (
            "IPv4",
            ipv4::source(bytes).map(|address| IPV4_MAPPED | u128::from(address)),
            ipv4::destination(bytes).map(|address| IPV4_MAPPED | u128::from(address)),
        ),
        Version::V6 => ("IPv6", ipv6::source(bytes), ipv6::destination(bytes)),
    };
    let (ports, details) = match transport.kind {
        Protocol::Tcp => {
            let flags = tcp::flags(bytes, offset).unwrap_or(0);
            let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
            let set: Vec<&str> = names
                .iter()
                .enumerate()
                .filter(|(bit, _)| flags >> bit & 1 == 1)
                .map(|(_, name)| *name)
                .collect();
            (true, format!(" [{}]", set.join(" ")))
        }
        Protocol::Udp => (true, String::new()),
        Protocol::Icmp | Protocol::Icmpv6 => {
            let (kind, code) =
                (icmp::kind(bytes, offset).unwrap_or(0), icmp::code(bytes, offset).unwrap_or(0));
            (false, format!(" type {kind} code {code}"))
        }
        Protocol::Other => (false, " without a transport header".to_owned()),
    };
    let port = |port: Option<u16>| port.filter(|_| ports);
    let mut line = format!(
        "{version} {} {} > {}{details}, {} bytes",
        protocol_name(transport.number),
        place(source.unwrap_or(0), port(tcp::source_port(bytes, offset))),
        place(destination.unwrap_or(0), port(tcp::destination_port(bytes, offset))),
        bytes.len(),
    );
    if transport.kind != Protocol::Other {
        let payload = packet.end().saturating_sub(transport.payload as usize);
        let _ = write!(line, ", payload {payload}");
    }
    if transport.fragment {
        line.push_str(", fragment");
    }
    if packet.is_truncated() {
        line.push_str(", truncated");
    } else if packet.end() < bytes.len() {
        line.push_str(", with bytes behind the packet");
    }
    line
}

impl fmt::Display for Witness {
    /// One line without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match &self.content {
            Content::Packet(_) => {
                self.with(|input| input.packet().map(headers)).flatten().unwrap_or_default()
            }
            Content::Endpoint(endpoint) => {
                format!(
                    "{} {} local {} remote {}, process {}",
                    if endpoint.ipv6 { "IPv6" } else { "IPv4" },
                    protocol_name(endpoint.protocol),
                    place(endpoint.local_addr, Some(endpoint.local_port)),
                    place(endpoint.remote_addr, Some(endpoint.remote_port)),
                    endpoint.process_id,
                ) + if is_usual(endpoint) { "" } else { ", whose addresses are not of its IP version" }
            }
            Content::Reflected(handle) => format!(
                "handle at {} with priority {}, process {}",
                handle.layer.name(),
                handle.priority,
                handle.process_id
            ),
        };
        write!(f, "{} {}: {line}", self.layer.name(), self.event.name())?;
        let Address { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx } = self.address;
        if self.layer != Layer::Reflect && self.layer != Layer::Forward {
            f.write_str(if outbound { ", outbound" } else { ", inbound" })?;
        }
        for (flag, name) in [(loopback, "loopback"), (impostor, "impostor")] {
            if flag {
                write!(f, ", {name}")?;
            }
        }
        for (number, usual, name) in [(if_idx, 1, "ifIdx"), (sub_if_idx, 0, "subIfIdx")] {
            if self.layer.has_packets() && number != usual {
                write!(f, ", {name} {number}")?;
            }
        }
        if timestamp != 0 { write!(f, ", timestamp {timestamp}") } else { Ok(()) }
    }
}
