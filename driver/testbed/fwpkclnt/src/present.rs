//! Something comes by at a layer: the callouts are asked in order, and what they do is looked at.

use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr::{null, null_mut};

use divert_driver_abi::wfp::*;
use divert_testbed_control::{Event, Hands, Other, Packet};
use divert_testbed_model::Rule;
use divert_testbed_model::arbiter::{Arbiter, Fate};
use divert_testbed_model::engine::Step;
use divert_testbed_model::layer::{Fields, Kind, Layer, layer};
use divert_testbed_model::origin::Injected;

use crate::packet::List;
use crate::world::{Callout, WORLD};
use crate::{raw, system};

/// The handle by which packets of other drivers are injected.
const OTHER: Injected = Injected { handle: 3, context: 0 };
/// More fields than any layer has.
const MAX_FIELDS: usize = 40;

/// The fixed values of a layer, and what they point to.
struct Values {
    values: [FWPS_INCOMING_VALUE0; MAX_FIELDS],
    fields: Fields,
    local: FWP_BYTE_ARRAY16,
    remote: FWP_BYTE_ARRAY16,
}

fn value(kind: FWP_DATA_TYPE, u: FWP_VALUE0_0) -> FWPS_INCOMING_VALUE0 {
    FWPS_INCOMING_VALUE0 { value: FWP_VALUE0 { r#type: kind, u } }
}

impl Values {
    fn new(kind: Kind) -> Self {
        let empty = value(FWP_EMPTY, FWP_VALUE0_0 { uint64: null_mut() });
        let nowhere = FWP_BYTE_ARRAY16 { byteArray16: [0; 16] };
        Self { values: [empty; MAX_FIELDS], fields: kind.fields(), local: nowhere, remote: nowhere }
    }

    fn put(&mut self, at: Option<usize>, value: FWPS_INCOMING_VALUE0) {
        if let Some(place) = at.and_then(|at| self.values.get_mut(at)) {
            *place = value;
        }
    }

    fn number(&mut self, at: Option<usize>, number: u32) {
        self.put(at, value(FWP_UINT32, FWP_VALUE0_0 { uint32: number }));
    }

    /// The addresses. The structure must stay where it is from then on.
    fn addresses(&mut self, ipv6: bool, local: u128, remote: u128) {
        let (at_local, at_remote) = (self.fields.local, self.fields.remote);
        if ipv6 {
            self.local.byteArray16 = local.to_be_bytes();
            self.remote.byteArray16 = remote.to_be_bytes();
            let (local, remote) = (&raw mut self.local, &raw mut self.remote);
            self.put(at_local, value(FWP_BYTE_ARRAY16_TYPE, FWP_VALUE0_0 { byteArray16: local }));
            self.put(at_remote, value(FWP_BYTE_ARRAY16_TYPE, FWP_VALUE0_0 { byteArray16: remote }));
        } else {
            self.number(at_local, local as u32);
            self.number(at_remote, remote as u32);
        }
    }

    fn incoming(&mut self, layer: Layer) -> FWPS_INCOMING_VALUES0 {
        FWPS_INCOMING_VALUES0 {
            layerId: layer.id,
            valueCount: self.fields.count as u32,
            incomingValue: self.values.as_mut_ptr(),
        }
    }
}

/// A packet's addresses as numbers, source before destination.
fn addresses(packet: &[u8], ipv6: bool) -> (u128, u128) {
    let number = |range: core::ops::Range<usize>| {
        packet.get(range).map_or(0, |bytes| bytes.iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte)))
    };
    if ipv6 { (number(8..24), number(24..40)) } else { (number(12..16), number(16..20)) }
}

/// Length of a packet's IP header.
fn header(packet: &[u8], ipv6: bool) -> usize {
    if ipv6 {
        40
    } else {
        packet.first().map_or(0, |byte| usize::from(byte & 0xF) * 4)
    }
}

/// A list comes by; `hands` are those that the client had it in.
pub(crate) fn packet(packet: &Packet, mut hands: Vec<Injected>) -> Fate {
    let first = packet.buffers.first().map_or(&[][..], Vec::as_slice);
    let ipv6 = first.first().is_some_and(|byte| byte >> 4 == 6);
    let layer = layer(packet.kind, ipv6);
    let (steps, others) =
        WORLD.with(|world| (world.engine.steps(layer.key), world.others(packet.kind, ipv6)));
    if steps.is_empty() && others.is_empty() {
        WORLD.with(|world| world.decided(Fate::Permitted));
        return Fate::Permitted;
    }
    let mut metadata = FWPS_INCOMING_METADATA_VALUES0::EMPTY;
    let mut values = Values::new(packet.kind);
    let fields = values.fields;
    let (source, destination) = addresses(first, ipv6);
    if packet.kind == Kind::Inbound {
        values.addresses(ipv6, destination, source);
    } else {
        values.addresses(ipv6, source, destination);
    }
    values.number(Some(fields.flags), packet.flags);
    values.number(fields.interface, packet.interface);
    values.number(fields.sub_interface, packet.sub_interface);
    values.number(fields.to_interface, packet.interface.wrapping_add(1));
    values.number(fields.to_sub_interface, packet.sub_interface.wrapping_add(1));
    metadata.currentMetadataValues =
        FWPS_METADATA_FIELD_IP_HEADER_SIZE | FWPS_METADATA_FIELD_COMPARTMENT_ID;
    metadata.ipHeaderSize = header(first, ipv6) as u32;
    metadata.compartmentId = DEFAULT_COMPARTMENT_ID;
    // On the way in the data start behind the IP header.
    let start = if packet.kind == Kind::Inbound { metadata.ipHeaderSize as usize } else { 0 };
    let (before, split) = (usize::from(packet.before), usize::from(packet.split));
    let mut list = List::new(&packet.buffers, (before, split, start), packet.checksum, packet.chained);
    if packet.hands == Hands::Other {
        hands.push(OTHER);
    }
    let number = list.address().addr() as u64;
    let states = list.states();
    WORLD.with(|world| {
        world.origins.present(number, hands);
        for buffer in list.numbers() {
            world.moved.insert(buffer, 0);
        }
    });
    let mut watch = |callout: u32| {
        WORLD.with(|world| {
            let mut balanced = true;
            for buffer in list.numbers() {
                let moved = world.moved.insert(buffer, 0).unwrap_or(0);
                if moved != 0 {
                    balanced = false;
                    world.findings.add(Rule::Unbalanced, u64::from(callout), moved);
                }
            }
            if (balanced && list.states() != states) || !list.holds(&packet.buffers, before) {
                world.findings.add(Rule::PacketChanged, u64::from(callout), 0);
            }
        });
    };
    let incoming = values.incoming(layer);
    let data = number as usize as *mut c_void;
    let fate = classify((&steps, &others), &incoming, &metadata, data, &mut watch);
    WORLD.with(|world| {
        world.origins.withdraw(number);
        for buffer in list.numbers() {
            world.moved.remove(&buffer);
        }
        world.decided(fate);
    });
    fate
}

/// An event happens; gives the flow's number, where it is one that goes on.
pub(crate) fn event(event: &Event) -> (Fate, u64) {
    let layer = layer(event.kind, event.ipv6);
    let (steps, others) =
        WORLD.with(|world| (world.engine.steps(layer.key), world.others(event.kind, event.ipv6)));
    let mut values = Values::new(event.kind);
    let fields = values.fields;
    values.addresses(event.ipv6, event.local, event.remote);
    values.number(Some(fields.flags), event.flags);
    values.put(fields.local_port, value(FWP_UINT16, FWP_VALUE0_0 { uint16: event.local_port }));
    values.put(fields.remote_port, value(FWP_UINT16, FWP_VALUE0_0 { uint16: event.remote_port }));
    values.put(fields.protocol, value(FWP_UINT8, FWP_VALUE0_0 { uint8: event.protocol }));
    let direction = if event.outbound { FWP_DIRECTION_OUTBOUND } else { FWP_DIRECTION_INBOUND };
    values.number(fields.direction, direction.cast_unsigned());
    let mut metadata = FWPS_INCOMING_METADATA_VALUES0::EMPTY;
    metadata.currentMetadataValues =
        FWPS_METADATA_FIELD_PROCESS_ID | FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
    metadata.processId = event.process;
    metadata.transportEndpointHandle = event.endpoint;
    if event.parent != 0 {
        metadata.currentMetadataValues |= FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE;
        metadata.parentEndpointHandle = event.parent;
    }
    let flow = match event.kind {
        Kind::FlowEstablished => WORLD.with(|world| world.flows.begin()),
        _ => 0,
    };
    if flow != 0 {
        metadata.currentMetadataValues |= FWPS_METADATA_FIELD_FLOW_HANDLE;
        metadata.flowHandle = flow;
    }
    let incoming = values.incoming(layer);
    let fate = classify((&steps, &others), &incoming, &metadata, null_mut(), &mut |_| {});
    WORLD.with(|world| world.decided(fate));
    (fate, flow)
}

/// Asks the callouts in order. A filter whose callout is not registered blocks.
fn classify(
    (steps, others): (&[Step], &[Other]),
    incoming: &FWPS_INCOMING_VALUES0,
    metadata: &FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    watch: &mut dyn FnMut(u32),
) -> Fate {
    let mut arbiter = Arbiter::new();
    let mut decided = None;
    let mut others = others.iter().peekable();
    for step in steps {
        while let Some(other) = others.next_if(|other| other.weight > step.sublayer_weight) {
            decide(&mut arbiter, other);
        }
        if decided == Some(step.filter.new.sublayer) {
            continue;
        }
        let mut out = arbiter.ask(step.filter.id);
        let filter = FWPS_FILTER1 {
            filterId: step.filter.id,
            weight: FWP_VALUE0 { r#type: FWP_EMPTY, u: FWP_VALUE0_0 { uint64: null_mut() } },
            subLayerWeight: step.sublayer_weight,
            flags: 0,
            numFilterConditions: 0,
            filterCondition: null_mut(),
            action: FWPS_ACTION0 { r#type: step.filter.new.action, calloutId: step.callout.unwrap_or(0) },
            context: step.filter.new.context,
            providerContext: null_mut(),
        };
        match step.callout.and_then(|id| begin(id).map(|callout| (id, callout))) {
            Some((id, callout)) => {
                ask(id, callout, (incoming, metadata, data), &filter, &mut out);
                watch(id);
            }
            None => out.actionType = FWP_ACTION_BLOCK,
        }
        match arbiter.answer(&out) {
            Ok(true) => decided = Some(step.filter.new.sublayer),
            Ok(false) => {}
            Err(rule) => WORLD.with(|world| {
                world.findings.add(rule, step.callout.map_or(0, u64::from), i64::from(out.actionType));
            }),
        }
    }
    others.for_each(|other| decide(&mut arbiter, other));
    arbiter.fate()
}

/// Another driver is asked, which knows what it may do.
fn decide(arbiter: &mut Arbiter, other: &Other) {
    let mut out = arbiter.ask(0);
    if out.rights & FWPS_RIGHT_ACTION_WRITE == 0 {
        return;
    }
    out.actionType = if other.fate == Fate::Permitted { FWP_ACTION_PERMIT } else { FWP_ACTION_BLOCK };
    if other.fate == Fate::Absorbed {
        out.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    }
    if other.hard {
        out.rights &= !FWPS_RIGHT_ACTION_WRITE;
    }
    // It has the right, and takes an action that there is.
    let _ = arbiter.answer(&out);
}

/// A callout is about to be called.
pub(crate) fn begin(id: u32) -> Option<Callout> {
    WORLD.with(|world| {
        let callout = world.callouts.get_mut(&id)?;
        callout.running += 1;
        Some(*callout)
    })
}

/// It has returned.
pub(crate) fn end(id: u32) {
    WORLD.with(|world| {
        if let Some(callout) = world.callouts.get_mut(&id) {
            callout.running = callout.running.saturating_sub(1);
        }
    });
}

/// Marks the thread as one that must not wait, while `call` runs.
pub(crate) fn at_dispatch<R>(call: impl FnOnce() -> R) -> R {
    let thread = system::thread();
    let entered = WORLD.with(|world| world.threads.enter(thread));
    let result = call();
    WORLD.with(|world| {
        let outcome = world.threads.leave(thread, entered);
        world.findings.check(outcome, thread);
    });
    result
}

fn ask(
    id: u32,
    callout: Callout,
    (incoming, metadata, data): (&FWPS_INCOMING_VALUES0, &FWPS_INCOMING_METADATA_VALUES0, *mut c_void),
    filter: &FWPS_FILTER1,
    out: &mut FWPS_CLASSIFY_OUT0,
) {
    if let Some(classify) = callout.classify {
        at_dispatch(|| {
            // SAFETY: the client registered the function for this; every argument is valid for the call.
            unsafe { classify(incoming, metadata, data, null(), filter, 0, out) }
        });
    }
    end(id);
}

/// Tells a callout that a context of a flow is gone.
pub(crate) fn flow_deleted(context: divert_testbed_model::flows::Context) {
    let Some(callout) = begin(context.callout) else { return };
    if let Some(delete) = callout.flow_delete {
        at_dispatch(|| {
            // SAFETY: the client registered the function for this, and associated the context.
            unsafe { delete(context.layer, context.callout, context.context) }
        });
    }
    end(context.callout);
}

/// A flow ends; false when there is none.
pub(crate) fn flow_end(flow: u64) -> bool {
    let Some(contexts) = WORLD.with(|world| world.flows.end(flow)) else { return false };
    for context in contexts {
        flow_deleted(context);
    }
    true
}

/// Tells a callout that a filter of it comes or goes.
pub(crate) fn notify(kind: FWPS_CALLOUT_NOTIFY_TYPE, step: &divert_testbed_model::engine::Filter) -> i32 {
    let Some(id) = WORLD.with(|world| world.engine.registered_id(step.new.callout)) else { return 0 };
    let Some(callout) = begin(id) else { return 0 };
    let mut filter: FWPS_FILTER1 = raw::zeroed();
    filter.filterId = step.id;
    filter.context = step.new.context;
    filter.action = FWPS_ACTION0 { r#type: step.new.action, calloutId: id };
    let key = if kind == FWPS_CALLOUT_NOTIFY_ADD_FILTER { &raw const step.new.key } else { null() };
    let status = match callout.notify {
        // SAFETY: the client registered the function for this; key and filter are valid for the call.
        Some(notify) => unsafe { notify(kind, key, &raw mut filter) },
        None => 0,
    };
    end(id);
    status
}
