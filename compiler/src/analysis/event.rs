//! The fields of FLOW, SOCKET and REFLECT events as bits, and what ties them.

use divert_vm::field::{Field, IPV4_MAPPED};
use divert_vm::layer::Layer;
use divert_vm::packet::{icmp, tcp, udp};

use super::Reason;
use super::bits::{Bits, constant};
use super::diagram::{Bdd, Built, Diagrams};
use super::ground;
use super::layout::Alternatives;
use crate::set::IntervalSet;

fn either(diagrams: &mut Diagrams, yes: Bdd) -> Result<Alternatives, Reason> {
    Ok(vec![(yes, constant(1, 1)), (diagrams.not(yes)?, constant(0, 1))])
}

/// What `field` can be for an event of `layer`.
#[expect(clippy::wildcard_enum_match_arm, reason = "fields without an arm are absent here")]
pub(super) fn load(diagrams: &mut Diagrams, layer: Layer, field: Field) -> Result<Alternatives, Reason> {
    let bits = match field {
        Field::Zero => constant(0, 1),
        Field::Event => ground::EVENT.bits(),
        Field::Timestamp => ground::TIMESTAMP.bits(),
        Field::ProcessId => ground::PROCESS.bits(),
        _ if layer == Layer::Reflect => match field {
            Field::Layer => ground::LAYER.bits(),
            Field::Priority => ground::PRIORITY.bits(),
            _ => return Ok(Vec::new()),
        },
        Field::Outbound => ground::OUTBOUND.bits(),
        Field::Loopback => ground::LOOPBACK.bits(),
        Field::Ipv6 => ground::IPV6.bits(),
        Field::Protocol => ground::NUMBER.bits(),
        Field::LocalAddr => ground::LOCAL_ADDR.bits(),
        Field::RemoteAddr => ground::REMOTE_ADDR.bits(),
        Field::LocalPort => ground::LOCAL_PORT.bits(),
        Field::RemotePort => ground::REMOTE_PORT.bits(),
        Field::EndpointId => ground::ENDPOINT.bits(),
        Field::ParentEndpointId => ground::PARENT.bits(),
        Field::Inbound => {
            let inbound = diagrams.is(&ground::OUTBOUND.bits(), 0)?;
            return either(diagrams, inbound);
        }
        Field::Ip => {
            let ip = diagrams.is(&ground::IPV6.bits(), 0)?;
            return either(diagrams, ip);
        }
        Field::Tcp | Field::Udp | Field::Icmp | Field::Icmpv6 => {
            let (number, version) = match field {
                Field::Tcp => (tcp::NUMBER, None),
                Field::Udp => (udp::NUMBER, None),
                Field::Icmp => (icmp::NUMBER, Some(0)),
                _ => (icmp::NUMBER_V6, Some(1)),
            };
            let number = diagrams.is(&ground::NUMBER.bits(), number.into())?;
            let version = match version {
                Some(version) => diagrams.is(&ground::IPV6.bits(), version)?,
                None => Bdd::TRUE,
            };
            let both = diagrams.and(number, version)?;
            return either(diagrams, both);
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![(Bdd::TRUE, bits)])
}

fn within(diagrams: &mut Diagrams, number: &Bits, (low, high): (u128, u128)) -> Built {
    diagrams.member(number, u128::MAX, &IntervalSet::range(low, high))
}

/// True exactly for the events of `layer`.
pub(super) fn ties(diagrams: &mut Diagrams, layer: Layer) -> Built {
    let event = within(diagrams, &ground::EVENT.bits(), Field::Event.keys_at(layer))?;
    if layer != Layer::Reflect {
        return Ok(event);
    }
    let handle = within(diagrams, &ground::LAYER.bits(), Field::Layer.keys_at(layer))?;
    let priority = within(diagrams, &ground::PRIORITY.bits(), Field::Priority.keys_at(layer))?;
    let both = diagrams.and(handle, priority)?;
    diagrams.and(event, both)
}

/// True for events whose addresses are of their IP version: what a driver reports, although a filter cannot rely on it.
pub(super) fn usual(diagrams: &mut Diagrams) -> Built {
    let mapped = IntervalSet::range(IPV4_MAPPED, IPV4_MAPPED | 0xFFFF_FFFF);
    let mut usual = Bdd::TRUE;
    for address in [ground::LOCAL_ADDR, ground::REMOTE_ADDR] {
        let v4 = diagrams.member(&address.bits(), u128::MAX, &mapped)?;
        let v6 = diagrams.not(v4)?;
        let ipv6 = diagrams.is(&ground::IPV6.bits(), 1)?;
        let agrees = diagrams.ite(ipv6, v6, v4)?;
        usual = diagrams.and(usual, agrees)?;
    }
    Ok(usual)
}
