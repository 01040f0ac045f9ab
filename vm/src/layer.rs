//! Layers and events: where a filter is attached, and what happened there (reference §2).

/// A place at which filters run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// Packets to and from this machine.
    Network = 0,
    /// Packets that pass through this machine.
    Forward = 1,
    /// Flows that are established or deleted.
    Flow = 2,
    /// Socket operations.
    Socket = 3,
    /// Handles of this driver that are opened or closed.
    Reflect = 4,
}

impl Layer {
    /// All layers, by number.
    pub const ALL: [Self; 5] = [Self::Network, Self::Forward, Self::Flow, Self::Socket, Self::Reflect];

    /// The layer with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Network),
            1 => Some(Self::Forward),
            2 => Some(Self::Flow),
            3 => Some(Self::Socket),
            4 => Some(Self::Reflect),
            _ => None,
        }
    }

    /// Its number in the driver's interface.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its macro in the filter language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "NETWORK",
            Self::Forward => "NETWORK_FORWARD",
            Self::Flow => "FLOW",
            Self::Socket => "SOCKET",
            Self::Reflect => "REFLECT",
        }
    }

    /// The layer whose macro is `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Whether inputs at this layer are packets (and not events).
    #[must_use]
    pub const fn has_packets(self) -> bool {
        matches!(self, Self::Network | Self::Forward)
    }

    /// Numbers of the first and last event of this layer.
    #[must_use]
    pub const fn events(self) -> (u8, u8) {
        match self {
            Self::Network | Self::Forward => (0, 0),
            Self::Flow => (1, 2),
            Self::Socket => (3, 7),
            Self::Reflect => (8, 9),
        }
    }
}

/// A set of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layers(u8);

impl Layers {
    /// The layers whose flags are set.
    #[must_use]
    pub const fn of(network: bool, forward: bool, flow: bool, socket: bool, reflect: bool) -> Self {
        Self(
            network as u8
                | (forward as u8) << 1
                | (flow as u8) << 2
                | (socket as u8) << 3
                | (reflect as u8) << 4,
        )
    }

    /// Whether the set holds `layer`.
    #[must_use]
    pub const fn contains(self, layer: Layer) -> bool {
        self.0 >> layer.number() & 1 == 1
    }

    /// The layers of the set, by number.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.contains(*layer))
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Event {
    /// A packet (NETWORK, NETWORK_FORWARD).
    Packet = 0,
    /// A flow was established (FLOW).
    FlowEstablished = 1,
    /// A flow was deleted (FLOW).
    FlowDeleted = 2,
    /// `bind` (SOCKET).
    SocketBind = 3,
    /// `connect` (SOCKET).
    SocketConnect = 4,
    /// `listen` (SOCKET).
    SocketListen = 5,
    /// `accept` (SOCKET).
    SocketAccept = 6,
    /// A socket or its binding was closed (SOCKET).
    SocketClose = 7,
    /// A handle was opened (REFLECT).
    ReflectOpen = 8,
    /// A handle was closed (REFLECT).
    ReflectClose = 9,
}

impl Event {
    /// All events, by number.
    pub const ALL: [Self; 10] = [
        Self::Packet,
        Self::FlowEstablished,
        Self::FlowDeleted,
        Self::SocketBind,
        Self::SocketConnect,
        Self::SocketListen,
        Self::SocketAccept,
        Self::SocketClose,
        Self::ReflectOpen,
        Self::ReflectClose,
    ];

    /// The event with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number in the driver's interface.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its macro, which means different events at SOCKET and REFLECT for `CLOSE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packet => "PACKET",
            Self::FlowEstablished => "ESTABLISHED",
            Self::FlowDeleted => "DELETED",
            Self::SocketBind => "BIND",
            Self::SocketConnect => "CONNECT",
            Self::SocketListen => "LISTEN",
            Self::SocketAccept => "ACCEPT",
            Self::SocketClose | Self::ReflectClose => "CLOSE",
            Self::ReflectOpen => "OPEN",
        }
    }

    /// Whether it can happen at `layer`.
    #[must_use]
    pub const fn happens_at(self, layer: Layer) -> bool {
        let (first, last) = layer.events();
        first <= self.number() && self.number() <= last
    }

    /// The event with this macro at `layer`.
    #[must_use]
    pub fn from_name(name: &str, layer: Layer) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name && event.happens_at(layer))
    }
}
