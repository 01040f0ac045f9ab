//! Who injected a packet that comes by.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use divert_driver_abi::wfp::{
    FWPS_PACKET_INJECTED_BY_OTHER, FWPS_PACKET_INJECTED_BY_SELF, FWPS_PACKET_INJECTION_STATE,
    FWPS_PACKET_NOT_INJECTED, FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF,
};

/// An injection: by which handle, with which context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    /// The injection handle; of another driver: one that the client does not have.
    pub handle: u64,
    /// What the injector said about it.
    pub context: u64,
}

/// The injections of each list that is being classified, the latest last.
#[derive(Debug, Default)]
pub struct Origins(BTreeMap<u64, Vec<Injected>>);

impl Origins {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A list comes by that went through these hands.
    pub fn present(&mut self, list: u64, hands: Vec<Injected>) {
        if !hands.is_empty() {
            self.0.insert(list, hands);
        }
    }

    /// It is gone; gives the hands.
    pub fn withdraw(&mut self, list: u64) -> Vec<Injected> {
        self.0.remove(&list).unwrap_or_default()
    }

    /// What the owner of `handle` is told, and its own context where there is one.
    #[must_use]
    pub fn query(&self, handle: u64, list: u64) -> (FWPS_PACKET_INJECTION_STATE, u64) {
        let hands = self.0.get(&list).map_or(&[][..], Vec::as_slice);
        let own = hands.iter().rev().find(|hand| hand.handle == handle);
        match (hands.last(), own) {
            (None, _) => (FWPS_PACKET_NOT_INJECTED, 0),
            (Some(last), Some(own)) if last == own => (FWPS_PACKET_INJECTED_BY_SELF, own.context),
            (Some(_), Some(own)) => (FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF, own.context),
            (Some(_), None) => (FWPS_PACKET_INJECTED_BY_OTHER, 0),
        }
    }
}
