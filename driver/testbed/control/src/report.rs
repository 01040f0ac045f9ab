//! What the double has seen of its client.

use alloc::vec::Vec;
use core::fmt;

use divert_testbed_model::{Finding, Rule};

use crate::wire::{Malformed, Wire, members};

/// What the double has seen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    /// The first breaches.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub found: u64,
    /// The client's lists: live, of these in the stack, ever allocated, ever injected.
    pub lists: [u64; 4],
    /// The client's memory: live allocations, bytes in them, ever allocated, failed on demand, freed but never seen.
    pub memory: [u64; 5],
    /// Sessions, providers, sublayers, callouts, filters, registered callouts, injection handles, pools of lists, devices,
    /// their links, handles of the kernel.
    pub objects: [u64; 11],
    /// Contexts of flows, and flows.
    pub flows: [u64; 2],
    /// Requests of the client: live, ever given, completed but never seen.
    pub requests: [u64; 3],
    /// Lists that went on, were blocked, were absorbed.
    pub fates: [u64; 3],
    /// Packets that left and were the stack's, or the client's.
    pub outcomes: [u64; 2],
    /// Functions of the client's image that are watched.
    pub watched: u64,
    /// Whether a demanded failure is still to come.
    pub armed: bool,
    /// The client was unloaded: everything must be gone.
    pub unloaded: bool,
}

members!(Report {
    findings,
    found,
    lists,
    memory,
    objects,
    flows,
    requests,
    fates,
    outcomes,
    watched,
    armed,
    unloaded
});

impl Wire for Finding {
    fn put(&self, to: &mut Vec<u8>) {
        self.rule.put(to);
        self.subject.put(to);
        self.detail.put(to);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self { rule: Rule::get(from)?, subject: Wire::get(from)?, detail: Wire::get(from)? })
    }
}

impl Report {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        self.put(&mut to);
        to
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no report.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        let report = Self::get(&mut rest)?;
        if rest.is_empty() { Ok(report) } else { Err(Malformed) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lists, memory, objects, flows, requests, fates, outcomes, watched, .. } = self;
        writeln!(f, "  found    {}", self.found)?;
        for finding in &self.findings {
            writeln!(f, "           {finding}")?;
        }
        let [live, in_stack, allocated, injected] = lists;
        writeln!(
            f,
            "  lists    {live} live ({in_stack} in the stack), {allocated} allocated, {injected} injected"
        )?;
        let [live, bytes, allocated, failed, unknown] = memory;
        writeln!(
            f,
            "  memory   {live} live ({bytes} bytes), {allocated} allocated, {failed} failed on demand, {unknown} unknown"
        )?;
        let [live, given, unknown] = requests;
        writeln!(f, "  requests {live} live, {given} given, {unknown} unknown")?;
        writeln!(f, "  objects  {objects:?}, contexts of flows and flows {flows:?}")?;
        writeln!(f, "  packets  fates {fates:?}, outcomes {outcomes:?}; {watched} functions watched")
    }
}
