//! The fields of FLOW, SOCKET and REFLECT events.

use super::{Source, ticks};
use crate::field::Field;
use crate::input::{Endpoint, Input, Reflected};
use crate::packet::{icmp, tcp, udp};

/// Reads the fields of a FLOW or SOCKET event.
pub(crate) struct EndpointSource<'r, 'a> {
    pub(crate) input: &'r Input<'a>,
    pub(crate) endpoint: &'a Endpoint,
}

/// Reads the fields of a REFLECT event.
pub(crate) struct ReflectedSource<'r, 'a> {
    pub(crate) input: &'r Input<'a>,
    pub(crate) handle: &'a Reflected,
}

impl Source for EndpointSource<'_, '_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    fn narrow(&self, field: u8, _: i32) -> Option<u32> {
        let endpoint = self.endpoint;
        let value = match Field::from_number(field)? {
            Field::Zero => 0,
            Field::Inbound => u32::from(!self.input.address.outbound),
            Field::Outbound => u32::from(self.input.address.outbound),
            Field::Loopback => u32::from(self.input.address.loopback),
            Field::Event => u32::from(self.input.event.number()),
            Field::Ip => u32::from(!endpoint.ipv6),
            Field::Ipv6 => u32::from(endpoint.ipv6),
            Field::Icmp => u32::from(endpoint.protocol == icmp::NUMBER && !endpoint.ipv6),
            Field::Icmpv6 => u32::from(endpoint.protocol == icmp::NUMBER_V6 && endpoint.ipv6),
            Field::Tcp => u32::from(endpoint.protocol == tcp::NUMBER),
            Field::Udp => u32::from(endpoint.protocol == udp::NUMBER),
            Field::ProcessId => endpoint.process_id,
            Field::LocalPort => u32::from(endpoint.local_port),
            Field::RemotePort => u32::from(endpoint.remote_port),
            Field::Protocol => u32::from(endpoint.protocol),
            _ => return None,
        };
        Some(value)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    fn wide(&self, field: Field) -> Option<u128> {
        match field {
            Field::Timestamp => Some(ticks(self.input)),
            Field::LocalAddr => Some(self.endpoint.local_addr),
            Field::RemoteAddr => Some(self.endpoint.remote_addr),
            Field::EndpointId => Some(u128::from(self.endpoint.endpoint_id)),
            Field::ParentEndpointId => Some(u128::from(self.endpoint.parent_endpoint_id)),
            _ => None,
        }
    }
}

impl Source for ReflectedSource<'_, '_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
    fn narrow(&self, field: u8, _: i32) -> Option<u32> {
        match Field::from_number(field)? {
            Field::Zero => Some(0),
            Field::Event => Some(u32::from(self.input.event.number())),
            Field::ProcessId => Some(self.handle.process_id),
            Field::Layer => Some(u32::from(self.handle.layer.number())),
            Field::Priority => Some(priority_key(self.handle.priority)),
            _ => None,
        }
    }

    fn wide(&self, field: Field) -> Option<u128> {
        matches!(field, Field::Timestamp).then(|| ticks(self.input))
    }
}

/// The key of a priority; those that no handle can have count as the nearest that one can.
fn priority_key(priority: i16) -> u32 {
    u32::from(priority.clamp(-30_000, 30_000).wrapping_sub(i16::MIN).cast_unsigned())
}
