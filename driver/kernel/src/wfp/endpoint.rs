//! Sockets, and what is known of the two ends of a connection. Up to DISPATCH_LEVEL.

use divert_driver_abi::wfp::{
    FWP_CONDITION_FLAG_IS_LOOPBACK, FWP_CONDITION_FLAG_IS_REAUTHORIZE,
    FWPS_FIELDS_ALE_AUTH_CONNECT as connect, FWPS_FIELDS_ALE_AUTH_LISTEN as listen,
    FWPS_FIELDS_ALE_AUTH_RECV_ACCEPT as accept, FWPS_FIELDS_ALE_ENDPOINT_CLOSURE as closure,
    FWPS_FIELDS_ALE_FLOW_ESTABLISHED as flow, FWPS_FIELDS_ALE_RESOURCE_ASSIGNMENT as bind,
    FWPS_FIELDS_ALE_RESOURCE_RELEASE as release, FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE,
    FWPS_METADATA_FIELD_PROCESS_ID, FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE,
};
use divert_driver_core::{Verdict, WfpLayer};
use divert_vm::{Endpoint, Event};

use crate::platform::Runtime;
use crate::sys::call::{Decided, Question};

/// Where a layer says what; what it does not say is not there.
struct Fields {
    local_address: usize,
    local_port: usize,
    remote: Option<(usize, usize)>,
    protocol: Option<usize>,
    flags: usize,
}

const TCP: u8 = 6;

const fn fields(layer: WfpLayer) -> Option<Fields> {
    let (local_address, local_port, remote, protocol, flags) = match layer {
        WfpLayer::AleFlowEstablished => (
            flow::IP_LOCAL_ADDRESS,
            flow::IP_LOCAL_PORT,
            Some((flow::IP_REMOTE_ADDRESS, flow::IP_REMOTE_PORT)),
            Some(flow::IP_PROTOCOL),
            flow::FLAGS,
        ),
        WfpLayer::AleResourceAssignment => {
            (bind::IP_LOCAL_ADDRESS, bind::IP_LOCAL_PORT, None, Some(bind::IP_PROTOCOL), bind::FLAGS)
        }
        WfpLayer::AleAuthConnect => (
            connect::IP_LOCAL_ADDRESS,
            connect::IP_LOCAL_PORT,
            Some((connect::IP_REMOTE_ADDRESS, connect::IP_REMOTE_PORT)),
            Some(connect::IP_PROTOCOL),
            connect::FLAGS,
        ),
        // Only TCP listens.
        WfpLayer::AleAuthListen => {
            (listen::IP_LOCAL_ADDRESS, listen::IP_LOCAL_PORT, None, None, listen::FLAGS)
        }
        WfpLayer::AleAuthRecvAccept => (
            accept::IP_LOCAL_ADDRESS,
            accept::IP_LOCAL_PORT,
            Some((accept::IP_REMOTE_ADDRESS, accept::IP_REMOTE_PORT)),
            Some(accept::IP_PROTOCOL),
            accept::FLAGS,
        ),
        WfpLayer::AleResourceRelease => (
            release::IP_LOCAL_ADDRESS,
            release::IP_LOCAL_PORT,
            None,
            Some(release::IP_PROTOCOL),
            release::FLAGS,
        ),
        WfpLayer::AleEndpointClosure => (
            closure::IP_LOCAL_ADDRESS,
            closure::IP_LOCAL_PORT,
            Some((closure::IP_REMOTE_ADDRESS, closure::IP_REMOTE_PORT)),
            Some(closure::IP_PROTOCOL),
            closure::FLAGS,
        ),
        WfpLayer::InboundIpPacket | WfpLayer::OutboundIpPacket | WfpLayer::IpForward => return None,
    };
    Some(Fields { local_address, local_port, remote, protocol, flags })
}

/// What a layer says of an endpoint, and the layer's flags.
pub(super) fn describe(layer: WfpLayer, ipv6: bool, question: &Question<'_>) -> Option<(Endpoint, u32)> {
    let fields = fields(layer)?;
    let metadata = question.metadata();
    let told = |field, value| if metadata.has(field) { value } else { 0 };
    let address =
        |field| question.address(field).map_or(0, |address| if ipv6 { address } else { mapped(address) });
    // Ports and protocols have no more than these bits.
    let port = |field| question.number(field).unwrap_or(0) as u16;
    let (remote_addr, remote_port) = fields
        .remote
        .map_or((0, 0), |(address_field, port_field)| (address(address_field), port(port_field)));
    let endpoint = Endpoint {
        ipv6,
        endpoint_id: told(FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE, metadata.transportEndpointHandle),
        parent_endpoint_id: told(FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE, metadata.parentEndpointHandle),
        process_id: told(FWPS_METADATA_FIELD_PROCESS_ID, metadata.processId) as u32,
        local_addr: address(fields.local_address),
        remote_addr,
        local_port: port(fields.local_port),
        remote_port,
        protocol: fields.protocol.map_or(TCP, |field| question.number(field).unwrap_or(0) as u8),
    };
    Some((endpoint, question.number(fields.flags).unwrap_or(0)))
}

/// `::ffff:a.b.c.d`.
const fn mapped(v4: u128) -> u128 {
    0xFFFF << 32 | (v4 & 0xFFFF_FFFF)
}

/// Something happens to a socket.
pub(super) fn socket(
    driver: &Runtime,
    event: Event,
    layer: WfpLayer,
    ipv6: bool,
    question: &Question<'_>,
    decided: Decided,
) -> Verdict {
    let Some((endpoint, flags)) = describe(layer, ipv6, question) else { return Verdict::LetGo };
    // It happened before; the system asks again because filters have changed.
    if flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE != 0 {
        return Verdict::LetGo;
    }
    let outbound = event == Event::SocketConnect;
    let loopback = flags & FWP_CONDITION_FLAG_IS_LOOPBACK != 0;
    match decided {
        Decided::No => driver.socket(event, &endpoint, outbound, loopback, None),
        Decided::Permitted => {
            driver.sniff_socket(event, &endpoint, outbound, loopback);
            Verdict::LetGo
        }
        Decided::Blocked => Verdict::LetGo,
    }
}
