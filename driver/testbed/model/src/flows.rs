//! Flows, and the contexts that callouts associate with them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use divert_driver_abi::wdm::{NTSTATUS, STATUS_SUCCESS};
use divert_driver_abi::wfp::{STATUS_FWP_ALREADY_EXISTS, STATUS_FWP_NOT_FOUND};

use crate::finding::Rule;

/// A context of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Layer at which it was associated.
    pub layer: u16,
    /// Whose it is.
    pub callout: u32,
    /// What the callout keeps there.
    pub context: u64,
}

/// The flows that are alive.
#[derive(Debug, Default)]
pub struct Flows {
    flows: BTreeMap<u64, Vec<Context>>,
    next: u64,
}

impl Flows {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { flows: BTreeMap::new(), next: 0x100 }
    }

    /// A new flow.
    pub fn begin(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.flows.insert(self.next, Vec::new());
        self.next
    }

    /// A callout associates a context.
    ///
    /// # Errors
    /// A status, and the rule that was broken.
    pub fn associate(&mut self, flow: u64, context: Context) -> Result<(), (NTSTATUS, Option<Rule>)> {
        let contexts = self.flows.get_mut(&flow).ok_or((STATUS_FWP_NOT_FOUND, None))?;
        if contexts.iter().any(|other| other.layer == context.layer && other.callout == context.callout) {
            return Err((STATUS_FWP_ALREADY_EXISTS, Some(Rule::FlowContext)));
        }
        contexts.push(context);
        Ok(())
    }

    /// A callout removes its context; it is to be notified of it.
    pub fn remove(&mut self, flow: u64, layer: u16, callout: u32) -> Option<Context> {
        let contexts = self.flows.get_mut(&flow)?;
        let at = contexts.iter().position(|other| other.layer == layer && other.callout == callout)?;
        Some(contexts.remove(at))
    }

    /// A flow ends; gives the contexts whose callouts are to be notified.
    pub fn end(&mut self, flow: u64) -> Option<Vec<Context>> {
        self.flows.remove(&flow)
    }

    /// How many contexts a callout has.
    #[must_use]
    pub fn contexts_of(&self, callout: u32) -> usize {
        self.flows.values().flatten().filter(|context| context.callout == callout).count()
    }

    /// How many contexts there are, and flows.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.flows.values().map(Vec::len).sum(), self.flows.len())
    }

    /// The status of a removal.
    #[must_use]
    pub const fn removal(found: bool) -> NTSTATUS {
        if found { STATUS_SUCCESS } else { STATUS_FWP_NOT_FOUND }
    }
}
