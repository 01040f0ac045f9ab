//! From what a verified program can need to the callouts that serve it, and to the classes of input that it is asked
//! about (reference §7). Nothing here is taken from user mode.

use divert_driver_protocol::Flags;
use divert_vm::{Event, Layer, Needs};

/// A layer of the filtering platform; each exists for IPv4 and for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WfpLayer {
    /// NETWORK, inbound.
    InboundIpPacket = 0,
    /// NETWORK, outbound.
    OutboundIpPacket,
    /// NETWORK_FORWARD.
    IpForward,
    /// FLOW; deletion is told by the flow context.
    AleFlowEstablished,
    /// SOCKET: bind.
    AleResourceAssignment,
    /// SOCKET: connect.
    AleAuthConnect,
    /// SOCKET: listen.
    AleAuthListen,
    /// SOCKET: accept.
    AleAuthRecvAccept,
    /// SOCKET: close.
    AleResourceRelease,
    /// SOCKET: close.
    AleEndpointClosure,
}

impl WfpLayer {
    /// All layers.
    pub const ALL: [Self; 10] = [
        Self::InboundIpPacket,
        Self::OutboundIpPacket,
        Self::IpForward,
        Self::AleFlowEstablished,
        Self::AleResourceAssignment,
        Self::AleAuthConnect,
        Self::AleAuthListen,
        Self::AleAuthRecvAccept,
        Self::AleResourceRelease,
        Self::AleEndpointClosure,
    ];

    /// Those at which this event is seen.
    const fn of(event: Event, outbound: bool, layer: Layer) -> [Option<Self>; 2] {
        match event {
            Event::Packet if matches!(layer, Layer::Forward) => [Some(Self::IpForward), None],
            Event::Packet if outbound => [Some(Self::OutboundIpPacket), None],
            Event::Packet => [Some(Self::InboundIpPacket), None],
            Event::FlowEstablished | Event::FlowDeleted => [Some(Self::AleFlowEstablished), None],
            Event::SocketBind => [Some(Self::AleResourceAssignment), None],
            Event::SocketConnect => [Some(Self::AleAuthConnect), None],
            Event::SocketListen => [Some(Self::AleAuthListen), None],
            Event::SocketAccept => [Some(Self::AleAuthRecvAccept), None],
            Event::SocketClose => [Some(Self::AleResourceRelease), Some(Self::AleEndpointClosure)],
            Event::ReflectOpen | Event::ReflectClose => [None, None],
        }
    }
}

/// A set of callouts: layers of the filtering platform, each in its IPv4 and IPv6 form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Callouts(u32);

impl Callouts {
    /// Whether the set holds this one.
    #[must_use]
    pub const fn has(self, layer: WfpLayer, ipv6: bool) -> bool {
        self.0 & Self::bit(layer, ipv6) != 0
    }

    const fn bit(layer: WfpLayer, ipv6: bool) -> u32 {
        1_u32.wrapping_shl((layer as u32) << 1 | ipv6 as u32)
    }

    /// Those of either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this set that the other does not hold.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The callouts of the set.
    pub fn iter(self) -> impl Iterator<Item = (WfpLayer, bool)> {
        WfpLayer::ALL
            .into_iter()
            .flat_map(|layer| [(layer, false), (layer, true)])
            .filter(move |(layer, ipv6)| self.has(*layer, *ipv6))
    }
}

/// Whether a handle with these flags is asked about anything: one that only sends is not, unless it drops.
#[must_use]
pub const fn takes_part(flags: Flags) -> bool {
    !flags.has(Flags::SEND_ONLY) || flags.has(Flags::DROP)
}

/// The callouts that a handle with this program and these flags needs.
#[must_use]
pub fn callouts(needs: &Needs, layer: Layer, flags: Flags) -> Callouts {
    let mut set = Callouts::default();
    for (event, outbound, ipv6) in classes().filter(|class| takes(needs, layer, flags, *class)) {
        for wanted in WfpLayer::of(event, outbound, layer).into_iter().flatten() {
            set = set.and(Callouts(Callouts::bit(wanted, ipv6)));
        }
    }
    set
}

/// Number of classes: event, direction and IP version, at one layer each.
pub(crate) const CLASSES: usize = 44;

/// Every class but the layer: which of the two packet layers is meant is the handle's to say.
fn classes() -> impl Iterator<Item = (Event, bool, bool)> {
    Event::ALL.into_iter().flat_map(|event| {
        [(event, false, false), (event, false, true), (event, true, false), (event, true, true)]
    })
}

/// Number of the class; less than [`CLASSES`].
pub(crate) const fn class(layer: Layer, event: Event, outbound: bool, ipv6: bool) -> usize {
    let first = match layer {
        Layer::Network => 40,
        Layer::Forward | Layer::Flow | Layer::Socket | Layer::Reflect => (event.number() as usize) << 2,
    };
    first | (outbound as usize) << 1 | ipv6 as usize
}

/// The classes that a handle with this program and these flags is to be asked about.
pub(crate) fn classes_of(needs: &Needs, layer: Layer, flags: Flags) -> impl Iterator<Item = usize> {
    classes()
        .filter(move |class| takes(needs, layer, flags, *class))
        .map(move |(event, outbound, ipv6)| class(layer, event, outbound, ipv6))
}

fn takes(needs: &Needs, layer: Layer, flags: Flags, (event, outbound, ipv6): (Event, bool, bool)) -> bool {
    let can = if matches!(layer, Layer::Reflect) {
        // Handles have neither direction nor version: all their events are of the first class.
        !outbound && !ipv6 && needs.event(event)
    } else {
        needs.can_match(event, outbound, ipv6)
    };
    takes_part(flags) && event.happens_at(layer) && can
}
