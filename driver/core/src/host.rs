//! The platform on any machine with `std`: for tests and tools.
//!
//! Time stands still until it is set, unless [`Host::real_time`] is asked for; what is injected and completed is kept
//! until somebody looks. Programs are kept for the life of the process, each distinct one once: without unsafe code
//! there is no structure that holds bytes and a view of them, and a kernel shell has one of its own.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use std::vec::Vec;

use divert_vm::{Program as Decoded, Verified};

use crate::inject::Injection;
use crate::memory::Pool;
use crate::needs::Callouts;
use crate::platform::{
    Clock, EngineError, KeepError, Lock, Memory, Platform, Program, Programs, Receive, Shared, Stack,
};
use crate::receive::{Completion, Window};

/// Ticks in a second of the host's clock: those of most performance counters.
pub const FREQUENCY: u64 = 10_000_000;

/// The platform.
#[derive(Debug)]
pub struct Host {
    now: AtomicI64,
    started: Option<Instant>,
    /// The budget of all handles.
    pub memory: Pool,
    injected: Mutex<VecDeque<Injection>>,
    completed: Mutex<VecDeque<(HostReceive, Completion)>>,
    callouts: Mutex<Callouts>,
    /// Fail every injection.
    pub refuse_injections: AtomicBool,
    /// Fail to install callouts.
    pub refuse_callouts: AtomicBool,
    /// Fail to install callouts because the filtering engine is disabled.
    pub engine_disabled: AtomicBool,
    /// Fail this many allocations from the budget.
    pub refuse_memory: AtomicU32,
}

impl Default for Host {
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

impl Host {
    /// A platform with a budget of this many bytes, at tick 0.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self {
            now: AtomicI64::new(0),
            started: None,
            memory: Pool::new(memory),
            injected: Mutex::default(),
            completed: Mutex::default(),
            callouts: Mutex::default(),
            refuse_injections: AtomicBool::new(false),
            refuse_callouts: AtomicBool::new(false),
            engine_disabled: AtomicBool::new(false),
            refuse_memory: AtomicU32::new(0),
        }
    }

    /// A platform whose clock goes.
    #[must_use]
    pub fn real_time(memory: usize) -> Self {
        Self { started: Some(Instant::now()), ..Self::new(memory) }
    }

    /// Sets the clock.
    pub fn set_ticks(&self, ticks: i64) {
        self.now.store(ticks, Ordering::Relaxed);
    }

    /// Lets milliseconds pass.
    pub fn pass(&self, milliseconds: i64) {
        let ticks = milliseconds.saturating_mul(FREQUENCY as i64 / 1000);
        self.now.fetch_add(ticks, Ordering::Relaxed);
    }

    /// What was injected first and not taken yet.
    pub fn take_injected(&self) -> Option<Injection> {
        lock(&self.injected).pop_front()
    }

    /// What was completed first and not taken yet.
    pub fn take_completed(&self) -> Option<(HostReceive, Completion)> {
        lock(&self.completed).pop_front()
    }

    /// The callouts that are installed.
    pub fn callouts(&self) -> Callouts {
        *lock(&self.callouts)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clock for Host {
    fn ticks(&self) -> i64 {
        match self.started {
            Some(started) => (started.elapsed().as_nanos() / 100) as i64,
            None => self.now.load(Ordering::Relaxed),
        }
    }

    fn frequency(&self) -> u64 {
        FREQUENCY
    }
}

impl Memory for Host {
    fn take(&self, bytes: usize) -> bool {
        let refused = self
            .refuse_memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
        !refused && self.memory.take(bytes)
    }

    fn give(&self, bytes: usize) {
        self.memory.give(bytes);
    }
}

/// A verified program of the host.
#[derive(Clone, Copy, Debug)]
pub struct HostProgram(Verified<'static>);

impl Program for HostProgram {
    fn verified(&self) -> &Verified<'_> {
        &self.0
    }
}

/// Verifies a copy of `bytes` that lives as long as the process.
///
/// # Errors
/// When it is not a program, or refused.
pub fn keep(bytes: &[u8], work_limit: u32) -> Result<HostProgram, KeepError> {
    static KEPT: OnceLock<Mutex<HashMap<Vec<u8>, &'static [u8]>>> = OnceLock::new();
    // Refused programs are not kept.
    let program = Decoded::decode(bytes).map_err(KeepError::Decode)?;
    program.verify(work_limit).map_err(KeepError::Verify)?;
    let mut kept = lock(KEPT.get_or_init(Mutex::default));
    let lasting: &'static [u8] = kept.entry(bytes.to_vec()).or_insert_with(|| Vec::leak(bytes.to_vec()));
    let program = Decoded::decode(lasting).map_err(KeepError::Decode)?;
    program.verify(work_limit).map(HostProgram).map_err(KeepError::Verify)
}

impl Programs for Host {
    type Program = HostProgram;

    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<HostProgram, KeepError> {
        keep(bytes, work_limit)
    }
}

/// A receive of the host.
#[derive(Debug)]
pub struct HostReceive {
    key: u64,
    addresses: Vec<[u8; 80]>,
    data: Vec<u8>,
}

impl HostReceive {
    /// A receive with room for this many records and bytes.
    #[must_use]
    pub fn new(key: u64, addresses: usize, data: usize) -> Self {
        Self { key, addresses: std::vec![[0; 80]; addresses], data: std::vec![0; data] }
    }

    /// The records; as many are filled as the completion says.
    #[must_use]
    pub fn addresses(&self) -> &[[u8; 80]] {
        &self.addresses
    }

    /// The data; as much is filled as the completion says.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

impl Receive for HostReceive {
    fn key(&self) -> u64 {
        self.key
    }

    fn window(&mut self) -> Window<'_> {
        Window { addresses: &mut self.addresses, data: &mut self.data }
    }
}

impl Stack for Host {
    type Receive = HostReceive;

    fn inject(&self, injection: Injection) -> Result<(), Injection> {
        if self.refuse_injections.load(Ordering::Relaxed) {
            return Err(injection);
        }
        lock(&self.injected).push_back(injection);
        Ok(())
    }

    fn complete(&self, receive: HostReceive, completion: Completion) {
        lock(&self.completed).push_back((receive, completion));
    }

    fn install(&self, callouts: Callouts) -> Result<(), EngineError> {
        if self.engine_disabled.load(Ordering::Relaxed) {
            return Err(EngineError::Disabled);
        }
        if self.refuse_callouts.load(Ordering::Relaxed) {
            return Err(EngineError::Refused(0xC022_0000));
        }
        *lock(&self.callouts) = callouts;
        Ok(())
    }
}

/// A lock of the host.
#[derive(Debug)]
pub struct HostLock<T>(Mutex<T>);

impl<T> Lock<T> for HostLock<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut lock(&self.0))
    }

    fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock of the host with many readers.
#[derive(Debug)]
pub struct HostShared<T>(RwLock<T>);

impl<T> Shared<T> for HostShared<T> {
    fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        work(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Platform for Host {
    type Lock<T> = HostLock<T>;
    type Shared<T> = HostShared<T>;
    type Mutex<T> = HostLock<T>;
}
