//! The table of callouts: one for each layer and IP version.

use core::sync::atomic::{AtomicU32, Ordering};

use divert_driver_abi::wdm::{GUID, NTSTATUS};
use divert_driver_abi::wfp as abi;
use divert_driver_core::WfpLayer;

use crate::platform::DRIVER;
use crate::sys::call::{ClassifyFn, classify};
use crate::sys::device::Device;
use crate::sys::engine::Keys;
use crate::sys::register::Registered;

/// Identifiers of the driver's own: the provider, the sublayer, and from here on a callout and a filter for each row.
const OWN: u128 = 0x6f2d_51c8_0b7e_4d36_9a84_d5e1_7c39_0000;
/// The provider.
pub(crate) const PROVIDER: GUID = GUID::from_u128(OWN);
/// The sublayer.
pub(crate) const SUBLAYER: GUID = GUID::from_u128(OWN + 1);
/// Asked early: before most others, but not before all.
pub(crate) const SUBLAYER_WEIGHT: u16 = 0xFFF0;

/// How many callouts there are.
pub(crate) const ROWS: usize = 20;

/// A callout.
pub(crate) struct Row {
    /// The layer that it is for.
    pub(crate) layer: WfpLayer,
    /// Its form for IPv6, else for IPv4.
    pub(crate) ipv6: bool,
    /// The layer by its name.
    layer_key: GUID,
    classify: ClassifyFn,
}

impl Row {
    const fn new<const ROW: usize>(layer: WfpLayer, ipv6: bool, layer_key: GUID) -> Self {
        Self { layer, ipv6, layer_key, classify: classify::<ROW> }
    }
}

/// The callouts.
pub(crate) static TABLE: [Row; ROWS] = ROW;

const ROW: [Row; ROWS] = [
    Row::new::<0>(WfpLayer::InboundIpPacket, false, abi::FWPM_LAYER_INBOUND_IPPACKET_V4),
    Row::new::<1>(WfpLayer::InboundIpPacket, true, abi::FWPM_LAYER_INBOUND_IPPACKET_V6),
    Row::new::<2>(WfpLayer::OutboundIpPacket, false, abi::FWPM_LAYER_OUTBOUND_IPPACKET_V4),
    Row::new::<3>(WfpLayer::OutboundIpPacket, true, abi::FWPM_LAYER_OUTBOUND_IPPACKET_V6),
    Row::new::<4>(WfpLayer::IpForward, false, abi::FWPM_LAYER_IPFORWARD_V4),
    Row::new::<5>(WfpLayer::IpForward, true, abi::FWPM_LAYER_IPFORWARD_V6),
    Row::new::<6>(WfpLayer::AleFlowEstablished, false, abi::FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4),
    Row::new::<7>(WfpLayer::AleFlowEstablished, true, abi::FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6),
    Row::new::<8>(WfpLayer::AleResourceAssignment, false, abi::FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4),
    Row::new::<9>(WfpLayer::AleResourceAssignment, true, abi::FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V6),
    Row::new::<10>(WfpLayer::AleAuthConnect, false, abi::FWPM_LAYER_ALE_AUTH_CONNECT_V4),
    Row::new::<11>(WfpLayer::AleAuthConnect, true, abi::FWPM_LAYER_ALE_AUTH_CONNECT_V6),
    Row::new::<12>(WfpLayer::AleAuthListen, false, abi::FWPM_LAYER_ALE_AUTH_LISTEN_V4),
    Row::new::<13>(WfpLayer::AleAuthListen, true, abi::FWPM_LAYER_ALE_AUTH_LISTEN_V6),
    Row::new::<14>(WfpLayer::AleAuthRecvAccept, false, abi::FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4),
    Row::new::<15>(WfpLayer::AleAuthRecvAccept, true, abi::FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6),
    Row::new::<16>(WfpLayer::AleResourceRelease, false, abi::FWPM_LAYER_ALE_RESOURCE_RELEASE_V4),
    Row::new::<17>(WfpLayer::AleResourceRelease, true, abi::FWPM_LAYER_ALE_RESOURCE_RELEASE_V6),
    Row::new::<18>(WfpLayer::AleEndpointClosure, false, abi::FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4),
    Row::new::<19>(WfpLayer::AleEndpointClosure, true, abi::FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6),
];

// Every row is where `place` looks for it, and is asked by its own number.
#[expect(clippy::indexing_slicing, reason = "what fails, fails to compile")]
const _: () = {
    let mut at = 0;
    while at < ROWS {
        assert!(place(ROW[at].layer, ROW[at].ipv6) == at);
        at += 1;
    }
};

/// Number of the row for a layer and version.
const fn place(layer: WfpLayer, ipv6: bool) -> usize {
    (layer as usize) << 1 | ipv6 as usize
}

/// What the callout of a layer and version and its filter are known by.
pub(crate) fn keys(layer: WfpLayer, ipv6: bool) -> Option<Keys> {
    let number = place(layer, ipv6);
    let row = TABLE.get(number)?;
    Some(Keys { callout: callout_key(number), filter: own_key(0x200, number), layer: row.layer_key })
}

fn callout_key(number: usize) -> GUID {
    own_key(0x100, number)
}

const fn own_key(from: u128, number: usize) -> GUID {
    GUID::from_u128(OWN.wrapping_add(from).wrapping_add(number as u128))
}

/// The numbers that the platform gave the callouts; zero before it did.
pub(crate) struct CalloutIds([AtomicU32; ROWS]);

impl CalloutIds {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; ROWS])
    }

    /// The number of a row.
    pub(crate) fn of(&self, row: usize) -> u32 {
        self.0.get(row).map_or(0, |id| id.load(Ordering::Relaxed))
    }
}

/// All callouts, registered; unregistered when they are dropped.
pub(crate) struct Registrations {
    _registered: [Option<Registered>; ROWS],
}

impl Registrations {
    /// Registers all. They are not asked before a filter refers to them. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status of the platform.
    pub(crate) fn new(device: &Device) -> Result<Self, NTSTATUS> {
        let mut registered = [const { None }; ROWS];
        for (number, (place, row)) in registered.iter_mut().zip(&TABLE).enumerate() {
            let flows = matches!(row.layer, WfpLayer::AleFlowEstablished);
            let callout = Registered::new(device, callout_key(number), row.classify, flows)?;
            if let Some(id) = DRIVER.get().and_then(|driver| driver.platform().callouts.0.get(number)) {
                id.store(callout.id(), Ordering::Relaxed);
            }
            *place = Some(callout);
        }
        Ok(Self { _registered: registered })
    }
}
