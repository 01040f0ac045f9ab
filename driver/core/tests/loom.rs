//! The lock protocol under every interleaving (up to a bound of preemptions): the driver itself, on loom's locks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{filter, udp};
use divert_driver_core::host::{Host, HostProgram, HostReceive};
use divert_driver_core::memory::NoMemory;
use divert_driver_core::platform::{
    Clock, EngineError, KeepError, Lock, Memory, Platform, Programs, Receive, Shared, Stack,
};
use divert_driver_core::{Answer, Arrival, Callouts, Completion, Driver, HandleId, Injection, Verdict};
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Code, Counter, Flags, Open, Parameter};
use divert_vm::{Layer, Verified};
use loom::sync::Arc;
use loom::thread;

/// The host platform with loom's locks. What the host keeps for the test is no part of the protocol.
struct Loomed(Host);

impl Clock for Loomed {
    fn ticks(&self) -> i64 {
        self.0.ticks()
    }
    fn frequency(&self) -> u64 {
        self.0.frequency()
    }
}

impl Memory for Loomed {
    fn take(&self, bytes: usize) -> bool {
        Memory::take(&self.0, bytes)
    }
    fn give(&self, bytes: usize) {
        Memory::give(&self.0, bytes);
    }
}

impl Programs for Loomed {
    type Program = HostProgram;
    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<HostProgram, KeepError> {
        self.0.keep(bytes, work_limit)
    }
}

impl Stack for Loomed {
    type Receive = HostReceive;
    fn inject(&self, injection: Injection) -> Result<(), Injection> {
        self.0.inject(injection)
    }
    fn complete(&self, receive: HostReceive, completion: Completion) {
        self.0.complete(receive, completion);
    }
    fn install(&self, callouts: Callouts) -> Result<(), EngineError> {
        self.0.install(callouts)
    }
}

struct LoomLock<T>(loom::sync::Mutex<T>);

impl<T> Lock<T> for LoomLock<T> {
    fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap())
    }
    fn into_inner(self) -> T {
        self.0.into_inner().unwrap()
    }
}

struct LoomShared<T>(loom::sync::RwLock<T>);

impl<T> Shared<T> for LoomShared<T> {
    fn new(value: T) -> Self {
        Self(loom::sync::RwLock::new(value))
    }
    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        work(&self.0.read().unwrap())
    }
    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.write().unwrap())
    }
}

impl Platform for Loomed {
    type Lock<T> = LoomLock<T>;
    type Shared<T> = LoomShared<T>;
    type Mutex<T> = LoomLock<T>;
}

type LoomDriver = Arc<Driver<Loomed>>;

fn open(driver: &LoomDriver, layer: Layer, program: &[u8], flags: u64) -> HandleId {
    let id = driver.create().unwrap();
    let flags = Flags::from_bits(flags);
    driver.open(id, 1, &Open { layer, priority: 0, flags, work_limit: 0, program }).unwrap();
    id
}

/// Runs two threads over one open handle in every interleaving, then looks at the end.
fn check<A: Send + 'static, B: Send + 'static>(
    prepare: fn(&LoomDriver, HandleId),
    first: fn(&LoomDriver, HandleId) -> A,
    second: fn(&LoomDriver, HandleId) -> B,
    end: fn(&LoomDriver, HandleId, A, B),
) {
    let program = filter(Layer::Network, "true");
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let driver: LoomDriver = Arc::new(Driver::new(Loomed(Host::default())));
        let id = open(&driver, Layer::Network, &program, 0);
        prepare(&driver, id);
        let thread = thread::spawn({
            let driver = Arc::clone(&driver);
            move || first(&driver, id)
        });
        let b = second(&driver, id);
        let a = thread.join().unwrap();
        end(&driver, id, a, b);
        let _ = driver.close(id);
        while let Some(injection) = driver.platform().0.take_injected() {
            driver.injected(injection.ticket, true);
        }
        assert_eq!(driver.platform().0.memory.used(), 0);
    });
}

fn packet(driver: &LoomDriver, _: HandleId) -> Verdict {
    driver.packet(&Arrival::network(&udp(1, 0), true))
}

fn receive(driver: &LoomDriver, id: HandleId) -> Option<Completion> {
    match driver.receive(id, HostReceive::new(1, 1, 100)) {
        Answer::Complete(_, completion) => Some(completion),
        Answer::Pended => None,
    }
}

fn completed(driver: &LoomDriver) -> Option<Completion> {
    driver.platform().0.take_completed().map(|(_, completion)| completion)
}

/// A packet and a receive meet, exactly once, whoever comes first.
#[test]
fn a_packet_meets_a_receive() {
    check(
        |_, _| {},
        packet,
        receive,
        |driver, _, verdict, received| {
            assert_eq!(verdict, Verdict::Block);
            let ends = [received, completed(driver), completed(driver)];
            assert_eq!(ends.iter().flatten().count(), 1);
            assert!(ends.iter().flatten().all(|end| end.unwrap().packets == 1));
        },
    );
}

/// A receive is cancelled or completed, never both and never neither.
#[test]
fn a_cancel_meets_a_packet() {
    check(
        |driver, id| assert_eq!(receive(driver, id), None),
        packet,
        |driver, id| driver.cancel(id, 1),
        |driver, id, _, cancelled| {
            let done = completed(driver);
            assert_ne!(cancelled.is_some(), done.is_some());
            assert!(cancelled.is_none_or(|receive| receive.key() == 1));
            let queued = driver.statistics(id).unwrap().get(Counter::QueueLength);
            assert_eq!(queued, u64::from(done.is_none()));
        },
    );
}

/// A packet that meets a closing handle goes on or is put back; it is never lost.
#[test]
fn a_close_meets_a_packet() {
    check(
        |_, _| {},
        packet,
        |driver, id| driver.close(id).unwrap(),
        |driver, _, verdict, ()| {
            let back = driver.platform().0.take_injected();
            assert_eq!(verdict == Verdict::Block, back.is_some());
            if let Some(injection) = back {
                driver.injected(injection.ticket, true);
            }
        },
    );
}

/// A receive that meets a closing handle ends.
#[test]
fn a_close_meets_a_receive() {
    check(
        |_, _| {},
        receive,
        |driver, id| driver.close(id).unwrap(),
        |driver, _, received, ()| {
            let end = received.or_else(|| completed(driver)).unwrap();
            assert!(matches!(end, Err(Code::OperationAborted | Code::InvalidHandle)));
        },
    );
}

/// A receive that meets a shutdown ends, and no packet is left behind unseen.
#[test]
fn a_shutdown_meets_a_receive() {
    check(
        |_, _| {},
        receive,
        |driver, id| driver.shutdown(id, How::Receive).unwrap(),
        |driver, _, received, ()| {
            assert_eq!(received.or_else(|| completed(driver)), Some(Err(Code::NoData)));
        },
    );
}

/// A packet that meets a shutdown goes on, or is in the queue and can be received.
#[test]
fn a_shutdown_meets_a_packet() {
    check(
        |_, _| {},
        packet,
        |driver, id| driver.shutdown(id, How::Receive).unwrap(),
        |driver, id, verdict, ()| {
            let received = receive(driver, id).unwrap();
            assert_eq!(received.is_ok(), verdict == Verdict::Block);
        },
    );
}

/// Once a receive was told that there is nothing more, there is nothing more.
#[test]
fn no_data_is_final() {
    check(
        |_, _| {},
        packet,
        |driver, id| {
            driver.shutdown(id, How::Receive).unwrap();
            receive(driver, id).unwrap()
        },
        |driver, id, verdict, first| {
            let then = receive(driver, id).unwrap();
            assert_eq!(then, Err(Code::NoData));
            assert_eq!(first.is_ok(), verdict == Verdict::Block);
        },
    );
}

/// Two closers: one wins.
#[test]
fn a_close_meets_a_close() {
    check(
        |driver, id| assert_eq!(packet(driver, id), Verdict::Block),
        |driver, id| driver.close(id).is_ok(),
        |driver, id| driver.close(id).is_ok(),
        |driver, _, first, second| {
            assert_ne!(first, second);
            let injection = driver.platform().0.take_injected().unwrap();
            driver.injected(injection.ticket, true);
        },
    );
}

/// Limits change while packets come and go: the counters still add up.
#[test]
fn a_limit_meets_a_packet() {
    check(
        |driver, id| {
            for _ in 0..32 {
                let _ = packet(driver, id);
            }
        },
        packet,
        |driver, id| driver.set_parameter(id, Parameter::QueueLength, 32).unwrap(),
        |driver, id, _, ()| {
            let statistics = driver.statistics(id).unwrap();
            assert_eq!(statistics.get(Counter::QueueLength), 32);
            assert_eq!(statistics.get(Counter::DroppedLength), 1);
        },
    );
}

/// A REFLECT handle that opens while another handle closes is told of its opening and closing, of both, or of neither;
/// never of one alone.
#[test]
fn reflection_meets_a_close() {
    let (network, reflect) = (filter(Layer::Network, "true"), filter(Layer::Reflect, "true"));
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let driver: LoomDriver = Arc::new(Driver::new(Loomed(Host::default())));
        let id = open(&driver, Layer::Network, &network, 0);
        let thread = thread::spawn({
            let driver = Arc::clone(&driver);
            move || driver.close(id).unwrap()
        });
        let reflect = open(&driver, Layer::Reflect, &reflect, 5);
        thread.join().unwrap();
        let queued = driver.statistics(reflect).unwrap().get(Counter::Queued);
        assert!(queued == 0 || queued == 2, "{queued}");
        driver.close(reflect).unwrap();
        assert_eq!(driver.platform().0.memory.used(), 0);
    });
}

/// What is sent while its handle closes is counted, for the handle or among the closed ones; and so is what the stack
/// could not do with it afterwards.
#[test]
fn a_close_meets_a_send() {
    check(
        |_, _| {},
        |driver, id| {
            let address = common::out().encode();
            let packet = udp(1, 0);
            driver.send(id, &divert_driver_protocol::Send::new(&[address], &packet).unwrap())
        },
        |driver, id| driver.close(id).unwrap(),
        |driver, _, sent, ()| {
            let injection = driver.platform().0.take_injected();
            let closed = driver.closed_statistics();
            let packets = sent.map_or(0, |sent| u64::from(sent.packets));
            assert_eq!(packets, u64::from(injection.is_some()));
            assert_eq!(closed.get(Counter::Injected), packets);
            assert_eq!(closed.get(Counter::SendRefused), u64::from(sent.is_ok_and(|sent| sent.packets == 0)));
            if let Some(injection) = injection {
                driver.injected(injection.ticket, false);
                assert_eq!(driver.closed_statistics().get(Counter::InjectFailed), 1);
            }
        },
    );
}

/// A packet for which there is no memory is dropped and counted, or taken by a receive that came in between.
#[test]
fn want_of_memory_meets_a_receive() {
    check(
        |driver, _| driver.platform().0.refuse_memory.store(1, std::sync::atomic::Ordering::Relaxed),
        packet,
        receive,
        |driver, id, verdict, received| {
            assert_eq!(verdict, Verdict::Block);
            let got = received.or_else(|| completed(driver));
            let statistics = driver.statistics(id).unwrap();
            assert_eq!(statistics.get(Counter::DroppedMemory), u64::from(got.is_none()));
            assert_eq!(statistics.get(Counter::HandedOver), u64::from(got.is_some()));
            assert!(got.is_none_or(|got| got.is_ok()));
            // The next packet finds a receive that still waits.
            let waits = statistics.get(Counter::HandedOver) == 0;
            let _ = packet(driver, id);
            assert_eq!(completed(driver).is_some(), waits);
        },
    );
}

/// A receive is cancelled or completed, never both, never neither.
#[test]
fn a_cancel_meets_a_shutdown() {
    check(
        |driver, id| assert_eq!(receive(driver, id), None),
        |driver, id| driver.cancel(id, 1).is_some(),
        |driver, id| driver.shutdown(id, How::Both).unwrap(),
        |driver, _, cancelled, ()| {
            assert_eq!(completed(driver).is_some(), !cancelled);
            assert!(completed(driver).is_none());
        },
    );
}

/// A slot that is used again: who still has the old handle meets nobody.
#[test]
fn an_old_handle_meets_a_new_one() {
    check(
        |_, _| {},
        |driver, id| {
            driver.close(id).unwrap();
            driver.create().unwrap()
        },
        |driver, id| (receive(driver, id), driver.shutdown(id, How::Send)),
        |driver, id, next, (received, shut)| {
            assert_ne!(next, id);
            assert!(matches!(shut, Ok(()) | Err(Code::InvalidHandle)));
            let received = received.or_else(|| completed(driver)).unwrap();
            assert!(matches!(received, Err(Code::OperationAborted | Code::InvalidHandle)));
            assert_eq!(driver.statistics(next), Err(Code::NotReady));
            driver.close(next).unwrap();
        },
    );
}
