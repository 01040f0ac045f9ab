//! All that a filter may look at: a packet or an event, and what is known about it.

use core::fmt;

use crate::layer::{Event, Layer};
use crate::packet::{Packet, Version};

/// What is known about a packet or an event beside its content; the address record of reference §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Address {
    /// When it happened, in ticks.
    pub timestamp: i64,
    /// Whether it is outbound; else inbound.
    pub outbound: bool,
    /// Whether it is loopback traffic.
    pub loopback: bool,
    /// Whether another driver injected it.
    pub impostor: bool,
    /// Interface number (packets only).
    pub if_idx: u32,
    /// Sub-interface number (packets only).
    pub sub_if_idx: u32,
}

impl Address {
    /// A copy, part by part; so that the original never leaves the registers.
    #[inline]
    pub(crate) const fn copy(&self) -> Self {
        let Self { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx } = *self;
        Self { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx }
    }
}

/// What a FLOW or SOCKET event is about. IPv4 addresses are `::ffff:a.b.c.d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// Whether it is IPv6.
    pub ipv6: bool,
    /// Identifier of the endpoint.
    pub endpoint_id: u64,
    /// Identifier of its parent.
    pub parent_endpoint_id: u64,
    /// Process that owns it.
    pub process_id: u32,
    /// Local address as a number.
    pub local_addr: u128,
    /// Remote address as a number.
    pub remote_addr: u128,
    /// Local port.
    pub local_port: u16,
    /// Remote port.
    pub remote_port: u16,
    /// Transport protocol.
    pub protocol: u8,
}

/// What a REFLECT event is about: a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reflected {
    /// Process that owns the handle.
    pub process_id: u32,
    /// Layer of the handle.
    pub layer: Layer,
    /// Priority of the handle; −30000 to 30000, others count as the nearest of these.
    pub priority: i16,
}

/// What the input is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'a> {
    Packet(&'a Packet<'a>),
    Endpoint(&'a Endpoint),
    Reflected(&'a Reflected),
}

/// Something to be judged by a filter. It borrows its parts, so that a hot loop makes one in no time.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub(crate) layer: Layer,
    pub(crate) event: Event,
    pub(crate) address: &'a Address,
    pub(crate) data: Data<'a>,
}

/// Why parts do not make an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputError {
    /// The event does not happen at the layer.
    Event {
        /// The event.
        event: Event,
        /// The layer.
        layer: Layer,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { event, layer } => {
                write!(
                    f,
                    "event {} ({}) does not happen at layer {}",
                    event.number(),
                    event.name(),
                    layer.name()
                )
            }
        }
    }
}

impl core::error::Error for InputError {}

impl<'a> Input<'a> {
    /// A packet at NETWORK.
    #[must_use]
    #[inline]
    pub const fn network(packet: &'a Packet<'a>, address: &'a Address) -> Self {
        Self { layer: Layer::Network, event: Event::Packet, address, data: Data::Packet(packet) }
    }

    /// A packet at NETWORK_FORWARD.
    #[must_use]
    #[inline]
    pub const fn forward(packet: &'a Packet<'a>, address: &'a Address) -> Self {
        Self { layer: Layer::Forward, event: Event::Packet, address, data: Data::Packet(packet) }
    }

    /// An event at FLOW.
    ///
    /// # Errors
    /// When the event does not happen there.
    pub fn flow(event: Event, endpoint: &'a Endpoint, address: &'a Address) -> Result<Self, InputError> {
        Self::at(Layer::Flow, event, address, Data::Endpoint(endpoint))
    }

    /// An event at SOCKET.
    ///
    /// # Errors
    /// When the event does not happen there.
    pub fn socket(event: Event, endpoint: &'a Endpoint, address: &'a Address) -> Result<Self, InputError> {
        Self::at(Layer::Socket, event, address, Data::Endpoint(endpoint))
    }

    /// An event at REFLECT.
    ///
    /// # Errors
    /// When the event does not happen there.
    pub fn reflect(event: Event, handle: &'a Reflected, address: &'a Address) -> Result<Self, InputError> {
        Self::at(Layer::Reflect, event, address, Data::Reflected(handle))
    }

    fn at(layer: Layer, event: Event, address: &'a Address, data: Data<'a>) -> Result<Self, InputError> {
        if event.happens_at(layer) {
            Ok(Self { layer, event, address, data })
        } else {
            Err(InputError::Event { event, layer })
        }
    }

    /// Where it happened.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// What happened.
    #[must_use]
    pub const fn event(&self) -> Event {
        self.event
    }

    /// What is known beside the content.
    #[must_use]
    pub const fn address(&self) -> &'a Address {
        self.address
    }

    /// The packet, at NETWORK and NETWORK_FORWARD.
    #[must_use]
    pub const fn packet(&self) -> Option<&'a Packet<'a>> {
        match self.data {
            Data::Packet(packet) => Some(packet),
            Data::Endpoint(_) | Data::Reflected(_) => None,
        }
    }

    /// Whether it is IPv6; `None` at REFLECT.
    #[must_use]
    pub fn is_ipv6(&self) -> Option<bool> {
        match self.data {
            Data::Packet(packet) => Some(matches!(packet.version(), Version::V6)),
            Data::Endpoint(endpoint) => Some(endpoint.ipv6),
            Data::Reflected(_) => None,
        }
    }
}
