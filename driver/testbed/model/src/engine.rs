//! The engine: sessions, transactions, and the objects that are added to it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use divert_driver_abi::wdm::{GUID, NTSTATUS, STATUS_INVALID_HANDLE};
use divert_driver_abi::wfp::*;

use crate::finding::{Findings, Rule};
use crate::layer;

/// Who an object is.
type Key = (u32, u16, u16, [u8; 8]);

const fn key(guid: GUID) -> Key {
    (guid.Data1, guid.Data2, guid.Data3, guid.Data4)
}

/// Status of a call that failed, as its client sees it.
pub type Answer<T> = Result<T, NTSTATUS>;

/// What is added with a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFilter {
    /// Its key.
    pub key: GUID,
    /// Its layer.
    pub layer: GUID,
    /// Its sublayer.
    pub sublayer: GUID,
    /// The higher the earlier; none: the engine chooses, the newer the earlier.
    pub weight: Option<u64>,
    /// What to do.
    pub action: FWP_ACTION_TYPE,
    /// The callout to ask.
    pub callout: GUID,
    /// `rawContext`.
    pub context: u64,
}

/// A filter in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What was added.
    pub new: NewFilter,
    /// Its number.
    pub id: u64,
    session: u64,
}

impl Filter {
    /// A filter that was just added, as its callout is told of it.
    #[must_use]
    pub const fn preview(new: NewFilter, id: u64) -> Self {
        Self { new, id, session: 0 }
    }
}

#[derive(Clone, Debug, Default)]
struct Objects {
    providers: BTreeMap<Key, u64>,
    sublayers: BTreeMap<Key, (u16, u64)>,
    callouts: BTreeMap<Key, (GUID, u64)>,
    filters: BTreeMap<Key, Filter>,
}

impl Objects {
    const fn new() -> Self {
        Self {
            providers: BTreeMap::new(),
            sublayers: BTreeMap::new(),
            callouts: BTreeMap::new(),
            filters: BTreeMap::new(),
        }
    }
}

/// A step of a classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The filter.
    pub filter: Filter,
    /// Weight of its sublayer.
    pub sublayer_weight: u16,
    /// The registered callout to ask; none: it is not registered, and its filter blocks.
    pub callout: Option<u32>,
}

/// The engine.
#[derive(Debug, Default)]
pub struct Engine {
    objects: Objects,
    /// The objects as the session's transaction sees them.
    staged: Option<(u64, Objects)>,
    /// The session whose commit has failed: it may abort what is gone already.
    failed: Option<u64>,
    /// Whether what is added in the session goes with it.
    sessions: BTreeMap<u64, bool>,
    /// Keys of the registered callouts, by number.
    registered: BTreeMap<u32, Key>,
    next_session: u64,
    next_callout: u32,
    next_filter: u64,
    /// Calls that succeed before one fails, and how.
    fuse: Option<(u64, NTSTATUS)>,
}

impl Engine {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            objects: Objects::new(),
            staged: None,
            failed: None,
            sessions: BTreeMap::new(),
            registered: BTreeMap::new(),
            next_session: 0x5000,
            next_callout: 0x100,
            next_filter: 0x1_0000,
            fuse: None,
        }
    }

    /// Lets the call after `successes` more fail with a status, once; or none.
    pub const fn fail_after(&mut self, fuse: Option<(u64, NTSTATUS)>) {
        self.fuse = fuse;
    }

    /// Whether the demanded failure is still to come.
    #[must_use]
    pub const fn armed(&self) -> bool {
        self.fuse.is_some()
    }

    fn admit(&mut self) -> Answer<()> {
        match self.fuse {
            Some((0, status)) => {
                self.fuse = None;
                Err(status)
            }
            Some((left, status)) => {
                self.fuse = Some((left - 1, status));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// On demand.
    pub fn open(&mut self, dynamic: bool) -> Answer<u64> {
        self.admit()?;
        self.next_session += 8;
        self.sessions.insert(self.next_session, dynamic);
        Ok(self.next_session)
    }

    /// Closes a session: its transaction is aborted, and what was added in it goes, if it is dynamic.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn close(&mut self, session: u64, findings: &mut Findings) -> Answer<()> {
        let Some(dynamic) = self.sessions.remove(&session) else {
            findings.add(Rule::UsedAfterRelease, session, 0);
            return Err(STATUS_INVALID_HANDLE);
        };
        if self.staged.as_ref().is_some_and(|(owner, _)| *owner == session) {
            self.staged = None;
        }
        if dynamic {
            self.objects.filters.retain(|_, filter| filter.session != session);
            self.objects.callouts.retain(|_, (_, owner)| *owner != session);
            self.objects.sublayers.retain(|_, (_, owner)| *owner != session);
            self.objects.providers.retain(|_, owner| *owner != session);
        }
        Ok(())
    }

    fn check(&self, session: u64, findings: &mut Findings) -> Answer<()> {
        if self.sessions.contains_key(&session) {
            Ok(())
        } else {
            findings.add(Rule::UsedAfterRelease, session, 0);
            Err(STATUS_INVALID_HANDLE)
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When there is one already, there is no such session, or on demand.
    pub fn begin(&mut self, session: u64, findings: &mut Findings) -> Answer<()> {
        self.check(session, findings)?;
        if self.staged.is_some() {
            findings.add(Rule::Transaction, session, 0);
            return Err(STATUS_FWP_TXN_IN_PROGRESS);
        }
        self.admit()?;
        self.failed = None;
        self.staged = Some((session, self.objects.clone()));
        Ok(())
    }

    /// Ends a transaction. A commit that fails aborts; to abort it once more is no breach, as clients cannot know.
    ///
    /// # Errors
    /// When there is none of this session, or on demand.
    pub fn end(&mut self, session: u64, commit: bool, findings: &mut Findings) -> Answer<()> {
        self.check(session, findings)?;
        match self.staged.take() {
            Some((owner, objects)) if owner == session => {
                if commit {
                    self.failed = Some(session);
                    self.admit()?;
                    self.failed = None;
                    self.objects = objects;
                }
                Ok(())
            }
            None if !commit && self.failed == Some(session) => {
                self.failed = None;
                Err(STATUS_FWP_NO_TXN_IN_PROGRESS)
            }
            other => {
                self.staged = other;
                findings.add(Rule::Transaction, session, 1);
                Err(STATUS_FWP_NO_TXN_IN_PROGRESS)
            }
        }
    }

    /// What a session sees and changes.
    fn view(&mut self, session: u64, findings: &mut Findings) -> Answer<&mut Objects> {
        self.check(session, findings)?;
        self.admit()?;
        match &mut self.staged {
            Some((owner, objects)) if *owner == session => Ok(objects),
            // Other sessions wait for the transaction to end; a kernel-mode client must not.
            Some(_) => Err(STATUS_FWP_TXN_IN_PROGRESS),
            None => Ok(&mut self.objects),
        }
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// When its key exists, there is no such session, or on demand.
    pub fn add_provider(&mut self, session: u64, provider: GUID, findings: &mut Findings) -> Answer<()> {
        let objects = self.view(session, findings)?;
        if objects.providers.insert(key(provider), session).is_some() {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        Ok(())
    }

    /// Deletes a provider.
    ///
    /// # Errors
    /// When it does not exist, there is no such session, or on demand.
    pub fn delete_provider(&mut self, session: u64, provider: GUID, findings: &mut Findings) -> Answer<()> {
        let objects = self.view(session, findings)?;
        objects.providers.remove(&key(provider)).map(drop).ok_or(STATUS_FWP_PROVIDER_NOT_FOUND)
    }

    /// Adds a sublayer.
    ///
    /// # Errors
    /// When its key exists, there is no such session, or on demand.
    pub fn add_sublayer(
        &mut self,
        session: u64,
        sublayer: GUID,
        weight: u16,
        findings: &mut Findings,
    ) -> Answer<()> {
        let objects = self.view(session, findings)?;
        if objects.sublayers.insert(key(sublayer), (weight, session)).is_some() {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        Ok(())
    }

    /// Deletes a sublayer.
    ///
    /// # Errors
    /// When filters are in it, it does not exist, there is no such session, or on demand.
    pub fn delete_sublayer(&mut self, session: u64, sublayer: GUID, findings: &mut Findings) -> Answer<()> {
        let objects = self.view(session, findings)?;
        if objects.filters.values().any(|filter| filter.new.sublayer == sublayer) {
            return Err(STATUS_FWP_IN_USE);
        }
        objects.sublayers.remove(&key(sublayer)).map(drop).ok_or(STATUS_FWP_SUBLAYER_NOT_FOUND)
    }

    /// Adds a callout.
    ///
    /// # Errors
    /// When its key exists, its layer does not, there is no such session, or on demand.
    pub fn add_callout(
        &mut self,
        session: u64,
        callout: GUID,
        layer: GUID,
        findings: &mut Findings,
    ) -> Answer<u32> {
        let objects = self.view(session, findings)?;
        layer::by_key(layer).ok_or(STATUS_FWP_LAYER_NOT_FOUND)?;
        if objects.callouts.insert(key(callout), (layer, session)).is_some() {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        Ok(self.registered_id(callout).unwrap_or(0))
    }

    /// Deletes a callout.
    ///
    /// # Errors
    /// When filters ask it, it does not exist, there is no such session, or on demand.
    pub fn delete_callout(&mut self, session: u64, callout: GUID, findings: &mut Findings) -> Answer<()> {
        let objects = self.view(session, findings)?;
        if objects.filters.values().any(|filter| filter.new.callout == callout) {
            return Err(STATUS_FWP_IN_USE);
        }
        objects.callouts.remove(&key(callout)).map(drop).ok_or(STATUS_FWP_CALLOUT_NOT_FOUND)
    }

    /// Adds a filter.
    ///
    /// # Errors
    /// When its key exists, what it names does not, its callout is for another layer, its action is unknown, there is no
    /// such session, or on demand.
    pub fn add_filter(&mut self, session: u64, new: NewFilter, findings: &mut Findings) -> Answer<u64> {
        let id = self.next_filter + 1;
        let objects = self.view(session, findings)?;
        layer::by_key(new.layer).ok_or(STATUS_FWP_LAYER_NOT_FOUND)?;
        if !objects.sublayers.contains_key(&key(new.sublayer)) {
            return Err(STATUS_FWP_SUBLAYER_NOT_FOUND);
        }
        if !crate::arbiter::is_known(new.action) {
            return Err(STATUS_FWP_INVALID_ACTION_TYPE);
        }
        if new.action & FWP_ACTION_FLAG_CALLOUT != 0 {
            let (layer, _) = objects.callouts.get(&key(new.callout)).ok_or(STATUS_FWP_CALLOUT_NOT_FOUND)?;
            if *layer != new.layer {
                return Err(STATUS_FWP_INCOMPATIBLE_LAYER);
            }
        }
        if objects.filters.contains_key(&key(new.key)) {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        objects.filters.insert(key(new.key), Filter { new, id, session });
        self.next_filter = id;
        Ok(id)
    }

    /// Deletes a filter; gives it.
    ///
    /// # Errors
    /// When it does not exist, there is no such session, or on demand.
    pub fn delete_filter(
        &mut self,
        session: u64,
        which: impl Fn(&Filter) -> bool,
        findings: &mut Findings,
    ) -> Answer<Filter> {
        let objects = self.view(session, findings)?;
        let found = objects.filters.iter().find(|(_, filter)| which(filter)).map(|(key, _)| *key);
        found.and_then(|key| objects.filters.remove(&key)).ok_or(STATUS_FWP_FILTER_NOT_FOUND)
    }

    /// A driver registers a callout; gives its number.
    ///
    /// # Errors
    /// When one with this key is registered, or on demand.
    pub fn register(&mut self, callout: GUID) -> Answer<u32> {
        self.admit()?;
        if self.registered_id(callout).is_some() {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        self.next_callout += 1;
        self.registered.insert(self.next_callout, key(callout));
        Ok(self.next_callout)
    }

    /// Whether a callout with this number is registered.
    #[must_use]
    pub fn is_registered(&self, id: u32) -> bool {
        self.registered.contains_key(&id)
    }

    /// The number of the registered callout with this key.
    #[must_use]
    pub fn registered_id(&self, callout: GUID) -> Option<u32> {
        self.registered.iter().find(|(_, other)| **other == key(callout)).map(|(id, _)| *id)
    }

    /// A driver takes a callout back.
    ///
    /// # Errors
    /// When it is not registered.
    pub fn unregister(&mut self, id: u32, findings: &mut Findings) -> Answer<()> {
        if self.registered.remove(&id).is_none() {
            findings.add(Rule::UsedAfterRelease, u64::from(id), 0);
            return Err(STATUS_FWP_CALLOUT_NOT_FOUND);
        }
        Ok(())
    }

    /// Who is asked at a layer, in order: by weight of the sublayer, then of the filter.
    #[must_use]
    pub fn steps(&self, layer: GUID) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .objects
            .filters
            .values()
            .filter(|filter| filter.new.layer == layer)
            .filter_map(|filter| {
                let (weight, _) = self.objects.sublayers.get(&key(filter.new.sublayer))?;
                let callout = self.registered_id(filter.new.callout);
                Some(Step { filter: *filter, sublayer_weight: *weight, callout })
            })
            .collect();
        steps.sort_by_key(|step| {
            let weight = step.filter.new.weight.unwrap_or(step.filter.id);
            core::cmp::Reverse((step.sublayer_weight, key(step.filter.new.sublayer), weight))
        });
        steps
    }

    /// Sessions, providers, sublayers, callouts, filters, registered callouts.
    #[must_use]
    pub fn counts(&self) -> [usize; 6] {
        let objects = &self.objects;
        [
            self.sessions.len(),
            objects.providers.len(),
            objects.sublayers.len(),
            objects.callouts.len(),
            objects.filters.len(),
            self.registered.len(),
        ]
    }

    /// The client is gone: what is left was left behind.
    pub fn leave(&mut self, findings: &mut Findings) {
        for (kind, count) in self.counts().into_iter().enumerate() {
            if count > 0 {
                findings.add(Rule::ObjectLeft, kind as u64, i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }
}
