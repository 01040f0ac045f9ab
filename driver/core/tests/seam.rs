//! What the runtime promises at its seam: no spin lock is held when the stack is called or a receive is completed, locks
//! are taken in their order, and the stack may call back from within an injection, user mode from within a completion.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{filter, id_of, out, udp};
use divert_driver_core::host::{Host, HostLock, HostProgram, HostReceive, HostShared};
use divert_driver_core::platform::{
    Clock, EngineError, KeepError, Lock, Memory, Platform, Programs, Shared, Stack,
};
use divert_driver_core::{
    Answer, Arrival, Callouts, Completion, Driver, HandleId, Injection, Origin, Verdict,
};
use divert_driver_protocol::{Counter, Flags, Open, Send};
use divert_vm::Layer;

thread_local! {
    /// The highest lock that this thread holds: 1 control, 2 the table, 3 a handle or the sum of the closed ones.
    static HELD: Cell<u8> = const { Cell::new(0) };
}

/// Runs `work` at a level that is higher than what is held.
fn at_level<R>(level: u8, work: impl FnOnce() -> R) -> R {
    let before = HELD.replace(level);
    assert!(before < level, "a lock of level {level} was asked for while one of level {before} was held");
    let result = work();
    HELD.set(before);
    result
}

fn no_spin_lock_is_held() {
    assert!(HELD.get() < 2, "a spin lock of level {} is held", HELD.get());
}

/// The host, with its locks watched and a stack that calls back at once.
struct Watched(Host);

struct Handle<T>(HostLock<T>);
struct Control<T>(HostLock<T>);
struct Table<T>(HostShared<T>);

impl<T> Lock<T> for Handle<T> {
    fn new(value: T) -> Self {
        Self(HostLock::new(value))
    }
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        at_level(3, || self.0.with(work))
    }
    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Lock<T> for Control<T> {
    fn new(value: T) -> Self {
        Self(HostLock::new(value))
    }
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        at_level(1, || self.0.with(work))
    }
    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Shared<T> for Table<T> {
    fn new(value: T) -> Self {
        Self(HostShared::new(value))
    }
    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        at_level(2, || self.0.read(work))
    }
    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        at_level(2, || self.0.write(work))
    }
}

impl Platform for Watched {
    type Lock<T> = Handle<T>;
    type Shared<T> = Table<T>;
    type Mutex<T> = Control<T>;
}

impl Clock for Watched {
    fn ticks(&self) -> i64 {
        self.0.ticks()
    }
    fn frequency(&self) -> u64 {
        self.0.frequency()
    }
}

impl Memory for Watched {
    fn take(&self, bytes: usize) -> bool {
        Memory::take(&self.0, bytes)
    }
    fn give(&self, bytes: usize) {
        Memory::give(&self.0, bytes);
    }
}

impl Programs for Watched {
    type Program = HostProgram;
    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<HostProgram, KeepError> {
        assert_eq!(HELD.get(), 0, "programs are kept outside all locks");
        self.0.keep(bytes, work_limit)
    }
}

static DRIVER: OnceLock<Driver<Watched>> = OnceLock::new();
/// Identifications of what came out of the stack, as a sum of bits.
static CAME_OUT: AtomicU64 = AtomicU64::new(0);
static COMPLETED: AtomicU64 = AtomicU64::new(0);

impl Stack for Watched {
    type Receive = HostReceive;

    fn inject(&self, injection: Injection) -> Result<(), Injection> {
        no_spin_lock_is_held();
        let driver = DRIVER.get().unwrap();
        let arrival =
            Arrival { origin: Origin::Injected(injection.mark), ..Arrival::network(&injection.bytes, true) };
        if driver.packet(&arrival) == Verdict::LetGo {
            CAME_OUT.fetch_or(1 << id_of(&injection.bytes), Ordering::Relaxed);
        }
        driver.injected(injection.ticket, true);
        Ok(())
    }

    fn complete(&self, receive: HostReceive, completion: Completion) {
        no_spin_lock_is_held();
        COMPLETED.fetch_add(1, Ordering::Relaxed);
        // User mode asks again at once, and sends what it got.
        let driver = DRIVER.get().unwrap();
        if let Ok(filled) = completion
            && let Some(data) = receive.data().get(..filled.bytes).filter(|data| !data.is_empty())
        {
            let id = HandleId::from_raw(divert_driver_core::platform::Receive::key(&receive));
            let records = [out().encode()];
            let _ = driver.send(id, &Send::new(&records, data).unwrap());
            let _ = driver.receive(id, HostReceive::new(id.to_raw(), 1, 1000));
        }
    }

    fn install(&self, callouts: Callouts) -> Result<(), EngineError> {
        no_spin_lock_is_held();
        self.0.install(callouts)
    }
}

fn open(driver: &Driver<Watched>, layer: Layer, text: &str, priority: i16, flags: u64) -> HandleId {
    let id = driver.create().unwrap();
    let program = filter(layer, text);
    let request = Open { layer, priority, flags: Flags::from_bits(flags), work_limit: 0, program: &program };
    driver.open(id, 1, &request).unwrap();
    id
}

fn counter(driver: &Driver<Watched>, id: HandleId, counter: Counter) -> u64 {
    driver.statistics(id).unwrap().get(counter)
}

#[test]
fn the_stack_is_called_without_locks() {
    let driver = DRIVER.get_or_init(|| Driver::new(Watched(Host::default())));
    let reflect = open(driver, Layer::Reflect, "true", 0, 5);
    let handles: Vec<_> = [9, 5, 1].map(|priority| open(driver, Layer::Network, "true", priority, 0)).into();
    let sniffer = open(driver, Layer::Network, "true", 3, 1);
    // Each handle has a receive that waits: the packet falls through all of them within one call.
    for id in handles.iter().chain([&sniffer]) {
        assert!(matches!(driver.receive(*id, HostReceive::new(id.to_raw(), 1, 1000)), Answer::Pended));
    }
    assert_eq!(driver.packet(&Arrival::network(&udp(1, 0), true)), Verdict::Block);
    assert_eq!(CAME_OUT.load(Ordering::Relaxed), 1 << 1);
    assert_eq!(handles.iter().map(|id| counter(driver, *id, Counter::HandedOver)).sum::<u64>(), 4);
    // What the sniffer sent of its copy, the last handle had as well.
    assert_eq!(counter(driver, sniffer, Counter::Injected), 1);
    // Queued, the stack calls back from within the closing.
    for id in &handles {
        assert!(driver.cancel(*id, id.to_raw()).is_some());
    }
    assert_eq!(driver.packet(&Arrival::network(&udp(2, 0), true)), Verdict::Block);
    for id in handles {
        driver.close(id).unwrap();
    }
    assert_eq!(CAME_OUT.load(Ordering::Relaxed), 1 << 1 | 1 << 2);
    driver.shutdown(sniffer, divert_driver_protocol::How::Both).unwrap();
    driver.close(sniffer).unwrap();
    assert_eq!(counter(driver, reflect, Counter::Queued), 8);
    driver.close(reflect).unwrap();
    assert!(COMPLETED.load(Ordering::Relaxed) >= 5);
    assert_eq!(driver.platform().0.memory.used(), 0);
    assert_eq!(HELD.get(), 0);
}
