//! The double's state.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use divert_driver_abi::wdm::NTSTATUS;
use divert_driver_abi::wfp::{
    FWPS_CALLOUT_CLASSIFY_FN1, FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0, FWPS_CALLOUT_NOTIFY_FN1,
};
use divert_testbed_control::{Completion, How, Other, Outcome, Report, Settings};
use divert_testbed_model::arbiter::Fate;
use divert_testbed_model::engine::Engine;
use divert_testbed_model::flows::Flows;
use divert_testbed_model::layer::Kind;
use divert_testbed_model::lists::Lists;
use divert_testbed_model::origin::Origins;
use divert_testbed_model::pool::Pool;
use divert_testbed_model::requests::Requests;
use divert_testbed_model::threads::Threads;
use divert_testbed_model::{Findings, Rule};

use crate::spin::Spin;
use crate::system;

/// Most outcomes that wait for the harness; more are counted only.
const MAX_OUTCOMES: usize = 1 << 17;

/// A callout that the client registered.
#[derive(Clone, Copy)]
pub(crate) struct Callout {
    pub(crate) classify: FWPS_CALLOUT_CLASSIFY_FN1,
    pub(crate) notify: FWPS_CALLOUT_NOTIFY_FN1,
    pub(crate) flow_delete: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
    /// Calls that it is in.
    pub(crate) running: u32,
}

/// Everything.
pub(crate) struct World {
    pub(crate) findings: Findings,
    pub(crate) engine: Engine,
    pub(crate) callouts: BTreeMap<u32, Callout>,
    pub(crate) lists: Lists,
    pub(crate) pool: Pool,
    pub(crate) requests: Requests,
    /// Devices of the client, and their links.
    pub(crate) devices: u64,
    pub(crate) links: u64,
    /// Handles of the kernel that the client opened.
    pub(crate) opened: BTreeSet<u64>,
    pub(crate) threads: Threads,
    pub(crate) origins: Origins,
    pub(crate) flows: Flows,
    /// Injection handles.
    pub(crate) handles: BTreeSet<u64>,
    /// Pools of lists.
    pub(crate) pools: BTreeSet<u64>,
    pub(crate) next_handle: u64,
    /// By how many bytes the data start of each presented packet was moved.
    pub(crate) moved: BTreeMap<u64, i64>,
    pub(crate) settings: Settings,
    /// Callouts of other drivers.
    pub(crate) others: Vec<Other>,
    /// Injections that are accepted before one is refused.
    pub(crate) refuse: Option<(u64, NTSTATUS)>,
    /// Injections that end well before one does not.
    pub(crate) spoil: Option<(u64, NTSTATUS)>,
    pub(crate) outcomes: VecDeque<Outcome>,
    pub(crate) left: [u64; 2],
    pub(crate) fates: [u64; 3],
    pub(crate) watched: u64,
    pub(crate) unloaded: bool,
}

/// The state.
pub(crate) static WORLD: Spin<World> = Spin::new(World::new());

impl World {
    const fn new() -> Self {
        Self {
            findings: Findings::new(),
            engine: Engine::new(),
            callouts: BTreeMap::new(),
            lists: Lists::new(),
            pool: Pool::new(),
            requests: Requests::new(),
            devices: 0,
            links: 0,
            opened: BTreeSet::new(),
            threads: Threads::new(),
            origins: Origins::new(),
            flows: Flows::new(),
            handles: BTreeSet::new(),
            pools: BTreeSet::new(),
            next_handle: 0x7000,
            moved: BTreeMap::new(),
            settings: Settings { completion: Completion::Now, delay: 0, keep: true, split: 0, ending: false },
            others: Vec::new(),
            refuse: None,
            spoil: None,
            outcomes: VecDeque::new(),
            left: [0; 2],
            fates: [0; 3],
            watched: 0,
            unloaded: false,
        }
    }

    /// A new handle.
    pub(crate) fn handle(&mut self) -> u64 {
        self.next_handle += 16;
        self.next_handle
    }

    /// The client uses a handle that must be in `set`.
    pub(crate) fn known(&mut self, handle: u64, set: impl Fn(&Self) -> &BTreeSet<u64>) -> bool {
        let known = set(self).contains(&handle);
        if !known {
            self.findings.add(Rule::UsedAfterRelease, handle, 0);
        }
        known
    }

    /// The client calls what may wait.
    pub(crate) fn may_wait(&mut self) {
        let thread = system::thread();
        let outcome = self.threads.may_wait(thread);
        self.findings.check(outcome, thread);
    }

    /// The callouts of other drivers at a layer, the first one first.
    pub(crate) fn others(&self, kind: Kind, ipv6: bool) -> Vec<Other> {
        let here = |other: &&Other| other.kind == kind && other.ipv6 == ipv6;
        let mut others: Vec<Other> = self.others.iter().filter(here).copied().collect();
        others.sort_unstable_by_key(|other| core::cmp::Reverse(other.weight));
        others
    }

    /// A packet leaves.
    pub(crate) fn leaves(&mut self, outcome: Outcome) {
        let which = match outcome.how {
            How::Passed => 0,
            How::Injected => 1,
        };
        self.left[which] += 1;
        if self.settings.keep && self.outcomes.len() < MAX_OUTCOMES {
            self.outcomes.push_back(outcome);
        }
    }

    /// A list or an event was decided about.
    pub(crate) fn decided(&mut self, fate: Fate) {
        let which = match fate {
            Fate::Permitted => 0,
            Fate::Blocked => 1,
            Fate::Absorbed => 2,
        };
        self.fates[which] += 1;
    }

    /// What was seen.
    pub(crate) fn report(&self) -> Report {
        let counts = self.engine.counts().map(|count| count as u64);
        let [sessions, providers, sublayers, callouts, filters, registered] = counts;
        let (contexts, flows) = self.flows.count();
        let (live, bytes) = self.pool.live();
        Report {
            findings: self.findings.kept().to_vec(),
            found: self.findings.count(),
            lists: [
                self.lists.live() as u64,
                self.lists.in_stack() as u64,
                self.lists.allocated,
                self.lists.injected,
            ],
            memory: [live as u64, bytes as u64, self.pool.allocated, self.pool.failed, self.pool.unknown],
            objects: [
                sessions,
                providers,
                sublayers,
                callouts,
                filters,
                registered,
                self.handles.len() as u64,
                self.pools.len() as u64,
                self.devices,
                self.links,
                self.opened.len() as u64,
            ],
            flows: [contexts as u64, flows as u64],
            requests: [self.requests.live() as u64, self.requests.given, self.requests.unknown],
            fates: self.fates,
            outcomes: self.left,
            watched: self.watched,
            armed: self.pool.armed() || self.engine.armed() || self.refuse.is_some() || self.spoil.is_some(),
            unloaded: self.unloaded,
        }
    }

    /// The client is gone: everything must be.
    pub(crate) fn close(&mut self) {
        self.lists.close(&mut self.findings);
        self.pool.close(&mut self.findings);
        self.requests.close(&mut self.findings);
        self.engine.leave(&mut self.findings);
        let (contexts, _) = self.flows.count();
        let (links, opened) = (self.links as usize, self.opened.len());
        for (kind, count) in
            [(6, self.handles.len()), (7, self.pools.len()), (8, contexts), (10, links), (11, opened)]
        {
            if count > 0 {
                self.findings.add(Rule::ObjectLeft, kind, count as i64);
            }
        }
        self.unloaded = true;
    }
}

/// A fuse: whether it blows now, and with which status.
pub(crate) fn blow(fuse: &mut Option<(u64, NTSTATUS)>) -> Option<NTSTATUS> {
    match *fuse {
        Some((0, status)) => {
            *fuse = None;
            Some(status)
        }
        Some((left, status)) => {
            *fuse = Some((left - 1, status));
            None
        }
        None => None,
    }
}

