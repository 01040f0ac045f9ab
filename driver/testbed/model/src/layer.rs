//! The layers that the doubles serve, and where their values stand.

use divert_driver_abi::wdm::GUID;
use divert_driver_abi::wfp::{self, *};

/// A layer without its IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// INBOUND_IPPACKET.
    Inbound = 0,
    /// OUTBOUND_IPPACKET.
    Outbound,
    /// IPFORWARD.
    Forward,
    /// ALE_FLOW_ESTABLISHED.
    FlowEstablished,
    /// ALE_RESOURCE_ASSIGNMENT.
    ResourceAssignment,
    /// ALE_AUTH_CONNECT.
    Connect,
    /// ALE_AUTH_LISTEN.
    Listen,
    /// ALE_AUTH_RECV_ACCEPT.
    Accept,
    /// ALE_RESOURCE_RELEASE.
    ResourceRelease,
    /// ALE_ENDPOINT_CLOSURE.
    EndpointClosure,
}

impl Kind {
    /// All of them, by number.
    pub const ALL: [Self; 10] = [
        Self::Inbound,
        Self::Outbound,
        Self::Forward,
        Self::FlowEstablished,
        Self::ResourceAssignment,
        Self::Connect,
        Self::Listen,
        Self::Accept,
        Self::ResourceRelease,
        Self::EndpointClosure,
    ];

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether packets come by here.
    #[must_use]
    pub const fn has_packets(self) -> bool {
        matches!(self, Self::Inbound | Self::Outbound | Self::Forward)
    }

    /// Where the values stand.
    #[must_use]
    pub const fn fields(self) -> Fields {
        match self {
            Self::Inbound => {
                use wfp::FWPS_FIELDS_INBOUND_IPPACKET as f;
                Fields {
                    local: Some(f::IP_LOCAL_ADDRESS),
                    remote: Some(f::IP_REMOTE_ADDRESS),
                    interface: Some(f::INTERFACE_INDEX),
                    sub_interface: Some(f::SUB_INTERFACE_INDEX),
                    ..Fields::none(f::COUNT, f::FLAGS)
                }
            }
            Self::Outbound => {
                use wfp::FWPS_FIELDS_OUTBOUND_IPPACKET as f;
                Fields {
                    local: Some(f::IP_LOCAL_ADDRESS),
                    remote: Some(f::IP_REMOTE_ADDRESS),
                    interface: Some(f::INTERFACE_INDEX),
                    sub_interface: Some(f::SUB_INTERFACE_INDEX),
                    ..Fields::none(f::COUNT, f::FLAGS)
                }
            }
            Self::Forward => {
                use wfp::FWPS_FIELDS_IPFORWARD as f;
                Fields {
                    local: Some(f::IP_SOURCE_ADDRESS),
                    remote: Some(f::IP_DESTINATION_ADDRESS),
                    interface: Some(f::SOURCE_INTERFACE_INDEX),
                    sub_interface: Some(f::SOURCE_SUB_INTERFACE_INDEX),
                    to_interface: Some(f::DESTINATION_INTERFACE_INDEX),
                    to_sub_interface: Some(f::DESTINATION_SUB_INTERFACE_INDEX),
                    ..Fields::none(f::COUNT, f::FLAGS)
                }
            }
            Self::FlowEstablished => {
                use wfp::FWPS_FIELDS_ALE_FLOW_ESTABLISHED as f;
                Fields { direction: Some(f::DIRECTION), ..Fields::ale(f::COUNT, f::FLAGS) }
            }
            Self::ResourceAssignment => {
                use wfp::FWPS_FIELDS_ALE_RESOURCE_ASSIGNMENT as f;
                Fields { remote: None, remote_port: None, ..Fields::ale(f::COUNT, f::FLAGS) }
            }
            Self::Connect => {
                use wfp::FWPS_FIELDS_ALE_AUTH_CONNECT as f;
                Fields::ale(f::COUNT, f::FLAGS)
            }
            Self::Listen => {
                use wfp::FWPS_FIELDS_ALE_AUTH_LISTEN as f;
                Fields { remote: None, remote_port: None, protocol: None, ..Fields::ale(f::COUNT, f::FLAGS) }
            }
            Self::Accept => {
                use wfp::FWPS_FIELDS_ALE_AUTH_RECV_ACCEPT as f;
                Fields::ale(f::COUNT, f::FLAGS)
            }
            Self::ResourceRelease => {
                use wfp::FWPS_FIELDS_ALE_RESOURCE_RELEASE as f;
                Fields { remote: None, remote_port: None, ..Fields::ale(f::COUNT, f::FLAGS) }
            }
            Self::EndpointClosure => {
                use wfp::FWPS_FIELDS_ALE_ENDPOINT_CLOSURE as f;
                Fields::ale(f::COUNT, f::FLAGS)
            }
        }
    }
}

/// Where the values of a layer stand.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// How many there are.
    pub count: usize,
    /// Condition flags.
    pub flags: usize,
    /// Local address; at IPFORWARD the source.
    pub local: Option<usize>,
    /// Remote address; at IPFORWARD the destination.
    pub remote: Option<usize>,
    /// Local port.
    pub local_port: Option<usize>,
    /// Remote port.
    pub remote_port: Option<usize>,
    /// Protocol.
    pub protocol: Option<usize>,
    /// Direction.
    pub direction: Option<usize>,
    /// Interface; at IPFORWARD the one where it came from.
    pub interface: Option<usize>,
    /// Sub-interface of it.
    pub sub_interface: Option<usize>,
    /// At IPFORWARD the interface where it goes to.
    pub to_interface: Option<usize>,
    /// Its sub-interface.
    pub to_sub_interface: Option<usize>,
}

impl Fields {
    const fn none(count: usize, flags: usize) -> Self {
        Self {
            count,
            flags,
            local: None,
            remote: None,
            local_port: None,
            remote_port: None,
            protocol: None,
            direction: None,
            interface: None,
            sub_interface: None,
            to_interface: None,
            to_sub_interface: None,
        }
    }

    /// The ALE layers begin alike.
    const fn ale(count: usize, flags: usize) -> Self {
        use wfp::FWPS_FIELDS_ALE_AUTH_CONNECT as f;
        Self {
            local: Some(f::IP_LOCAL_ADDRESS),
            remote: Some(f::IP_REMOTE_ADDRESS),
            local_port: Some(f::IP_LOCAL_PORT),
            remote_port: Some(f::IP_REMOTE_PORT),
            protocol: Some(f::IP_PROTOCOL),
            ..Self::none(count, flags)
        }
    }
}

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it is for.
    pub kind: Kind,
    /// Its IP version.
    pub ipv6: bool,
    /// Its identifier at run time. Those of ALE_RESOURCE_RELEASE and ALE_ENDPOINT_CLOSURE are the doubles' own: a client
    /// must not rely on them.
    pub id: u16,
    /// What the engine calls it.
    pub key: GUID,
}

const fn pair(kind: Kind, ids: (u16, u16), keys: (GUID, GUID)) -> [Layer; 2] {
    [Layer { kind, ipv6: false, id: ids.0, key: keys.0 }, Layer { kind, ipv6: true, id: ids.1, key: keys.1 }]
}

/// The layers, by kind, IPv4 before IPv6.
pub const LAYERS: [[Layer; 2]; 10] = [
    pair(
        Kind::Inbound,
        (FWPS_LAYER_INBOUND_IPPACKET_V4, FWPS_LAYER_INBOUND_IPPACKET_V6),
        (FWPM_LAYER_INBOUND_IPPACKET_V4, FWPM_LAYER_INBOUND_IPPACKET_V6),
    ),
    pair(
        Kind::Outbound,
        (FWPS_LAYER_OUTBOUND_IPPACKET_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V6),
        (FWPM_LAYER_OUTBOUND_IPPACKET_V4, FWPM_LAYER_OUTBOUND_IPPACKET_V6),
    ),
    pair(
        Kind::Forward,
        (FWPS_LAYER_IPFORWARD_V4, FWPS_LAYER_IPFORWARD_V6),
        (FWPM_LAYER_IPFORWARD_V4, FWPM_LAYER_IPFORWARD_V6),
    ),
    pair(
        Kind::FlowEstablished,
        (FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6),
        (FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6),
    ),
    pair(
        Kind::ResourceAssignment,
        (FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4, FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6),
        (FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4, FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V6),
    ),
    pair(
        Kind::Connect,
        (FWPS_LAYER_ALE_AUTH_CONNECT_V4, FWPS_LAYER_ALE_AUTH_CONNECT_V6),
        (FWPM_LAYER_ALE_AUTH_CONNECT_V4, FWPM_LAYER_ALE_AUTH_CONNECT_V6),
    ),
    pair(
        Kind::Listen,
        (FWPS_LAYER_ALE_AUTH_LISTEN_V4, FWPS_LAYER_ALE_AUTH_LISTEN_V6),
        (FWPM_LAYER_ALE_AUTH_LISTEN_V4, FWPM_LAYER_ALE_AUTH_LISTEN_V6),
    ),
    pair(
        Kind::Accept,
        (FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6),
        (FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6),
    ),
    pair(
        Kind::ResourceRelease,
        (0x1000, 0x1001),
        (FWPM_LAYER_ALE_RESOURCE_RELEASE_V4, FWPM_LAYER_ALE_RESOURCE_RELEASE_V6),
    ),
    pair(
        Kind::EndpointClosure,
        (0x1002, 0x1003),
        (FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6),
    ),
];

/// The layer of a kind and version.
#[must_use]
pub fn layer(kind: Kind, ipv6: bool) -> Layer {
    let [v4, v6] = LAYERS[kind as usize];
    if ipv6 { v6 } else { v4 }
}

/// The layer that the engine calls so.
#[must_use]
pub fn by_key(key: GUID) -> Option<Layer> {
    LAYERS.as_flattened().iter().copied().find(|layer| layer.key == key)
}
