//! A list of packets comes by.
//!
//! Each packet of it is judged on its own. When none is taken the list goes on as it is. When one is, the list is, and
//! those of its packets that were not taken are sent on alone, in their order, marked so that nobody is asked about them
//! again. Up to DISPATCH_LEVEL.

use divert_driver_abi::ndis::{
    NDIS_CHECKSUM_RECEIVE_IP_FAILED, NDIS_CHECKSUM_RECEIVE_IP_VALUE_INVALID,
    NDIS_CHECKSUM_RECEIVE_TCP_FAILED, NDIS_CHECKSUM_RECEIVE_TCP_VALUE_INVALID,
    NDIS_CHECKSUM_RECEIVE_UDP_FAILED, NDIS_CHECKSUM_TRANSMIT_IP_HEADER, NDIS_CHECKSUM_TRANSMIT_TCP,
    NDIS_CHECKSUM_TRANSMIT_UDP,
};
use divert_driver_abi::wfp::{
    DEFAULT_COMPARTMENT_ID, FWP_CONDITION_FLAG_IS_FRAGMENT, FWP_CONDITION_FLAG_IS_FRAGMENT_GROUP,
    FWP_CONDITION_FLAG_IS_IPSEC_SECURED, FWP_CONDITION_FLAG_IS_LOOPBACK, FWP_CONDITION_FLAG_IS_REASSEMBLED,
    FWPS_FIELDS_INBOUND_IPPACKET as inbound, FWPS_FIELDS_IPFORWARD as forward,
    FWPS_FIELDS_OUTBOUND_IPPACKET as outbound, FWPS_METADATA_FIELD_COMPARTMENT_ID,
    FWPS_METADATA_FIELD_IP_HEADER_SIZE,
};
use divert_driver_core::memory::try_copy;
use divert_driver_core::{Arrival, Seen, Verdict};
use divert_driver_protocol::Flags;
use divert_vm::checksum::{Leave, update};
use divert_vm::{Layer, Packet};

use super::inject::was_asked;
use crate::platform::Runtime;
use crate::sys::call::{Decided, Question};
use crate::sys::injection::Place;
use crate::sys::packet::{PacketList, PacketRef};
use crate::sys::pool;

/// Which way packets go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
    Through,
}

/// Where a layer says what.
struct Fields {
    interface: usize,
    sub_interface: usize,
    flags: usize,
}

const fn fields(way: Way) -> Fields {
    match way {
        Way::In => Fields {
            interface: inbound::INTERFACE_INDEX,
            sub_interface: inbound::SUB_INTERFACE_INDEX,
            flags: inbound::FLAGS,
        },
        // What is forwarded is injected again by the interface that it leaves by.
        Way::Through => Fields {
            interface: forward::DESTINATION_INTERFACE_INDEX,
            sub_interface: forward::DESTINATION_SUB_INTERFACE_INDEX,
            flags: forward::FLAGS,
        },
        Way::Out => Fields {
            interface: outbound::INTERFACE_INDEX,
            sub_interface: outbound::SUB_INTERFACE_INDEX,
            flags: outbound::FLAGS,
        },
    }
}

/// What holds for all packets of a list.
struct Common<'a> {
    /// Without the bytes.
    arrival: Arrival<'a>,
    /// How far back the IP header is.
    retreat: u32,
    place: Place,
}

/// Judges all packets of a list; `Block` when it is not to go on.
pub(super) fn take(
    driver: &Runtime,
    way: Way,
    ipv6: bool,
    question: &Question<'_>,
    decided: Decided,
) -> Verdict {
    if decided == Decided::Blocked {
        return Verdict::LetGo;
    }
    let Some(list) = question.packets() else { return Verdict::LetGo };
    let Some(common) = common(driver, way, ipv6, question, list) else { return Verdict::LetGo };
    if decided == Decided::Permitted {
        for mut packet in list.packets() {
            // Without memory those who sniff do without, as they do elsewhere.
            let _ = with_bytes(&common, &mut packet, |bytes| {
                driver.sniff(&Arrival { bytes, ..common.arrival });
            });
        }
        return Verdict::LetGo;
    }
    // Packets that were let go before the first one was taken.
    let mut let_go: usize = 0;
    let mut verdict = Verdict::LetGo;
    for mut packet in list.packets() {
        let own = judge(driver, &common, &mut packet);
        match (verdict, own) {
            (Verdict::LetGo, Verdict::LetGo) => let_go = let_go.saturating_add(1),
            (Verdict::LetGo, Verdict::Block) => {
                verdict = Verdict::Block;
                for mut earlier in list.packets().take(let_go) {
                    pass_on(driver, &common, &mut earlier);
                }
            }
            (Verdict::Block, Verdict::LetGo) => pass_on(driver, &common, &mut packet),
            (Verdict::Block, Verdict::Block) => {}
        }
    }
    verdict
}

/// What holds for the list; `None` when it is none of the driver's business.
fn common<'a>(
    driver: &Runtime,
    way: Way,
    ipv6: bool,
    question: &Question<'a>,
    list: PacketList<'a>,
) -> Option<Common<'a>> {
    let fields = fields(way);
    let metadata = question.metadata();
    let flags = question.number(fields.flags).unwrap_or(0);
    let has = |flag| flags & flag != 0;
    // The fragments of a group were seen one by one.
    if list.is_group() || has(FWP_CONDITION_FLAG_IS_FRAGMENT_GROUP) {
        return None;
    }
    // What IPsec protects can be neither changed nor sent again.
    if has(FWP_CONDITION_FLAG_IS_IPSEC_SECURED) {
        return None;
    }
    // A packet could not be put back where it belongs: an address record does not say the compartment.
    if metadata.has(FWPS_METADATA_FIELD_COMPARTMENT_ID) && metadata.compartmentId > DEFAULT_COMPARTMENT_ID {
        return None;
    }
    let inbound = way == Way::In;
    let loopback = has(FWP_CONDITION_FLAG_IS_LOOPBACK);
    // It was seen on its way out.
    if loopback && inbound {
        return None;
    }
    let retreat = match inbound {
        true if metadata.has(FWPS_METADATA_FIELD_IP_HEADER_SIZE) => metadata.ipHeaderSize,
        true => return None,
        false => 0,
    };
    let seen = if has(FWP_CONDITION_FLAG_IS_FRAGMENT) {
        Seen::Fragment
    } else if has(FWP_CONDITION_FLAG_IS_REASSEMBLED) {
        Seen::Reassembled
    } else {
        Seen::Whole
    };
    let through = way == Way::Through;
    let origin = driver.platform().injector.origin(list, through, ipv6);
    if was_asked(origin) {
        return None;
    }
    let if_idx = question.number(fields.interface).unwrap_or(0);
    let sub_if_idx = question.number(fields.sub_interface).unwrap_or(0);
    let (ip_checksum, tcp_checksum, udp_checksum) = checksums(list, inbound, ipv6);
    let arrival = Arrival {
        layer: if through { Layer::Forward } else { Layer::Network },
        bytes: &[],
        outbound: !inbound,
        loopback,
        if_idx,
        sub_if_idx,
        ip_checksum,
        tcp_checksum,
        udp_checksum,
        seen,
        origin,
    };
    let place = match way {
        Way::In => Place::Receive(if_idx, sub_if_idx),
        Way::Out => Place::Send,
        Way::Through => Place::Forward(if_idx),
    };
    Some(Common { arrival, retreat, place })
}

/// Which checksums (IPv4, TCP, UDP) are right, as far as hardware has a part in it: what it is still to compute on the
/// way out is not, nor what it found wrong or has made meaningless on the way in.
fn checksums(list: PacketList<'_>, inbound: bool, ipv6: bool) -> (bool, bool, bool) {
    let info = list.checksum_info();
    let clear = |bits| info & bits == 0;
    if inbound {
        (
            ipv6 || clear(NDIS_CHECKSUM_RECEIVE_IP_FAILED | NDIS_CHECKSUM_RECEIVE_IP_VALUE_INVALID),
            clear(NDIS_CHECKSUM_RECEIVE_TCP_FAILED | NDIS_CHECKSUM_RECEIVE_TCP_VALUE_INVALID),
            clear(NDIS_CHECKSUM_RECEIVE_UDP_FAILED),
        )
    } else {
        let whole = !list.is_large_send();
        (
            ipv6 || (whole && clear(NDIS_CHECKSUM_TRANSMIT_IP_HEADER)),
            whole && clear(NDIS_CHECKSUM_TRANSMIT_TCP),
            clear(NDIS_CHECKSUM_TRANSMIT_UDP),
        )
    }
}

/// Runs `work` with a packet from its IP header on, in one piece; `None` when there is no memory for that.
fn with_bytes<R>(
    common: &Common<'_>,
    packet: &mut PacketRef<'_>,
    work: impl FnOnce(&[u8]) -> R,
) -> Option<R> {
    let packet = packet.retreat(common.retreat)?;
    if let Some(bytes) = packet.bytes(&mut []) {
        return Some(work(bytes));
    }
    let mut room = pool::try_zeroed(packet.len())?;
    packet.bytes(&mut room).map(work)
}

fn judge(driver: &Runtime, common: &Common<'_>, packet: &mut PacketRef<'_>) -> Verdict {
    let verdict = with_bytes(common, packet, |bytes| driver.packet(&Arrival { bytes, ..common.arrival }));
    verdict.unwrap_or_else(|| unseen(driver, common.arrival.layer))
}

/// What becomes of a packet that there is no memory to look at: lost, as one would be that is to be queued, so that no
/// filter is bypassed by exhausting memory; unless all who would look only watch.
fn unseen(driver: &Runtime, layer: Layer) -> Verdict {
    let mut verdict = Verdict::LetGo;
    let mut from = 0;
    loop {
        let mut next = from;
        let more = driver.handles(from, usize::MAX, |handle| {
            if handle.layer == layer && !handle.flags.has(Flags::SNIFF) {
                verdict = Verdict::Block;
            }
            next = handle.serial.saturating_add(1);
        });
        if !more || next == from {
            return verdict;
        }
        from = next;
    }
}

/// Sends a packet alone that was let go, with its checksums computed that hardware would have. Without memory it is
/// lost, as on any way.
fn pass_on(driver: &Runtime, common: &Common<'_>, packet: &mut PacketRef<'_>) {
    let Arrival { ip_checksum, tcp_checksum, udp_checksum, .. } = common.arrival;
    let copy = with_bytes(common, packet, |bytes| {
        // What stands behind the packet in its buffer is padding of the link.
        Packet::parse(bytes).ok().and_then(|packet| try_copy(packet.content()).ok())
    });
    if let Some(mut copy) = copy.flatten() {
        let leave = Leave { ip: ip_checksum, tcp: tcp_checksum, udp: udp_checksum, icmp: true, icmpv6: true };
        let _ = update(&mut copy, leave);
        let _ = driver.platform().injector.pass_on(copy, common.place);
    }
}
