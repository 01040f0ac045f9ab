//! What the runtime asks of its surroundings, in terms of the kernel.

use alloc::boxed::Box;

use divert_driver_abi::wdm::{NTSTATUS, STATUS_INSUFFICIENT_RESOURCES};
use divert_driver_core::memory::Pool;
use divert_driver_core::platform::{
    Clock, EngineError, KeepError, Lock as _, Memory, Platform, Programs, Stack,
};
use divert_driver_core::{Callouts, Completion, Driver, Injection};

use crate::control::Receive;
use crate::hold::Holds;
use crate::sys::global::Global;
use crate::sys::lock::{Mutex, SpinLock};
use crate::sys::program::Kept;
use crate::sys::{pool, time};
use crate::wfp::callouts::CalloutIds;
use crate::wfp::engine::Engine;
use crate::wfp::flow::Flows;
use crate::wfp::inject::Injector;

/// Most bytes of the non-paged pool for what is queued, in flight, or a filter: eight of the longest queues.
const BUDGET: usize = 256 << 20;

/// The runtime on this platform.
pub(crate) type Runtime = Driver<Kernel>;

/// The one driver, from loading to unloading.
pub(crate) static DRIVER: Global<Runtime> = Global::new();

/// The kernel, as the runtime sees it.
pub(crate) struct Kernel {
    frequency: u64,
    memory: Pool,
    engine: Mutex<Engine>,
    /// Numbers of the registered callouts.
    pub(crate) callouts: CalloutIds,
    /// Flows that are told of when they end.
    pub(crate) flows: Flows,
    /// The way into the stack.
    pub(crate) injector: Injector,
    /// Requests that are held for callers of user mode's library.
    pub(crate) holds: Holds,
}

/// Makes the runtime. PASSIVE_LEVEL.
///
/// # Errors
/// The status with which loading fails.
pub(crate) fn start() -> Result<Box<Runtime>, NTSTATUS> {
    let kernel = Kernel {
        frequency: time::frequency(),
        memory: Pool::new(BUDGET),
        engine: Mutex::new(Engine::new()),
        callouts: CalloutIds::new(),
        flows: Flows::new(),
        injector: Injector::new()?,
        holds: Holds::new(),
    };
    pool::try_box(Driver::new(kernel)).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)
}

impl Kernel {
    /// Ends the session with the filtering engine, and with it all filters. PASSIVE_LEVEL.
    pub(crate) fn disconnect(&self) {
        self.engine.with(Engine::close);
    }
}

impl Clock for Kernel {
    fn ticks(&self) -> i64 {
        time::ticks()
    }

    fn frequency(&self) -> u64 {
        self.frequency
    }
}

impl Memory for Kernel {
    fn take(&self, bytes: usize) -> bool {
        self.memory.take(bytes)
    }

    fn give(&self, bytes: usize) {
        self.memory.give(bytes);
    }
}

impl Programs for Kernel {
    type Program = Kept;

    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<Kept, KeepError> {
        Kept::new(bytes, work_limit)
    }
}

impl Stack for Kernel {
    type Receive = Receive;

    fn inject(&self, injection: Injection) -> Result<(), Injection> {
        self.injector.inject(injection)
    }

    fn complete(&self, receive: Receive, completion: Completion) {
        receive.complete(completion);
    }

    fn install(&self, callouts: Callouts) -> Result<(), EngineError> {
        self.engine.with(|engine| engine.install(callouts))
    }
}

impl Platform for Kernel {
    type Lock<T> = SpinLock<T>;
    type Shared<T> = SpinLock<T>;
    type Mutex<T> = Mutex<T>;
}
