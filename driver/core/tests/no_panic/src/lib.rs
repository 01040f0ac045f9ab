//! The driver's runtime on the least of platforms, linked as a kernel image would be: the panic handler calls a function
//! that does not exist, so that the link fails when any panic can be reached. `../no_panic.rs` builds it; nobody runs it.
#![no_std]
#![allow(clippy::missing_safety_doc, reason = "nobody calls it")]

extern crate alloc;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::hint::black_box;

use divert_driver_core::memory::{NoMemory, Pool};
use divert_driver_core::platform::{
    Clock, EngineError, KeepError, Lock, Memory, Platform, Program, Programs, Receive, Shared, Stack,
};
use divert_driver_core::{
    Answer, Arrival, Callouts, Completion, Control, Driver, HandleId, Injection, Mark, Origin, Verdict,
    Window,
};
use divert_vm::{Endpoint, Event, Program as Decoded, Verified};

#[link(name = "c")]
unsafe extern "C" {
    fn malloc(size: usize) -> *mut u8;
    fn free(memory: *mut u8);
}

unsafe extern "C" {
    fn PANIC_REACHABLE_IN_DRIVER() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { PANIC_REACHABLE_IN_DRIVER() }
}

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

struct Allocator;

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { malloc(layout.size()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        unsafe { free(memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

pub struct Cell<T>(UnsafeCell<T>);

impl<T> Lock<T> for Cell<T> {
    fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(unsafe { &mut *self.0.get() })
    }

    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Shared<T> for Cell<T> {
    fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        work(unsafe { &*self.0.get() })
    }

    fn write<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(unsafe { &mut *self.0.get() })
    }
}

pub struct Kept {
    verified: Verified<'static>,
    _bytes: Vec<u8>,
}

impl Program for Kept {
    fn verified(&self) -> &Verified<'_> {
        &self.verified
    }
}

pub struct Request {
    records: *mut [u8; 80],
    count: usize,
    data: *mut u8,
    length: usize,
}

impl Receive for Request {
    fn key(&self) -> u64 {
        self.data as u64
    }

    fn window(&mut self) -> Window<'_> {
        let addresses = unsafe { core::slice::from_raw_parts_mut(self.records, self.count) };
        let data = unsafe { core::slice::from_raw_parts_mut(self.data, self.length) };
        Window { addresses, data }
    }
}

pub struct Least(Pool);

impl Clock for Least {
    fn ticks(&self) -> i64 {
        black_box(1)
    }

    fn frequency(&self) -> u64 {
        black_box(10_000_000)
    }
}

impl Memory for Least {
    fn take(&self, bytes: usize) -> bool {
        self.0.take(bytes)
    }

    fn give(&self, bytes: usize) {
        self.0.give(bytes);
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    if bytes.len() > copy.capacity().wrapping_sub(copy.len()) {
        return Err(NoMemory);
    }
    copy.extend_from_slice(bytes);
    Ok(copy)
}

impl Programs for Least {
    type Program = Kept;

    fn keep(&self, bytes: &[u8], work_limit: u32) -> Result<Kept, KeepError> {
        let bytes = copy(bytes).map_err(|_| KeepError::NoMemory)?;
        // SAFETY: the view goes with the bytes, whose place on the heap stays the same.
        let lasting: &'static [u8] = unsafe { core::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        let program = Decoded::decode(lasting).map_err(KeepError::Decode)?;
        let verified = program.verify(work_limit).map_err(KeepError::Verify)?;
        Ok(Kept { verified, _bytes: bytes })
    }
}

impl Stack for Least {
    type Receive = Request;

    fn inject(&self, injection: Injection) -> Result<(), Injection> {
        if black_box(false) {
            return Err(injection);
        }
        driver().injected(injection.ticket, black_box(true));
        Ok(())
    }

    fn complete(&self, receive: Request, completion: Completion) {
        black_box((receive.key(), completion.map_or(0, |filled| filled.bytes)));
    }

    fn install(&self, callouts: Callouts) -> Result<(), EngineError> {
        black_box(callouts);
        if black_box(false) { Err(EngineError::Disabled) } else { Ok(()) }
    }
}

impl Platform for Least {
    type Lock<T> = Cell<T>;
    type Shared<T> = Cell<T>;
    type Mutex<T> = Cell<T>;
}

struct Global(UnsafeCell<Option<Driver<Least>>>);

unsafe impl Sync for Global {}

static DRIVER: Global = Global(UnsafeCell::new(None));

fn driver() -> &'static Driver<Least> {
    loop {
        if let Some(driver) = unsafe { &*DRIVER.0.get() } {
            return driver;
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn entry() {
    unsafe { *DRIVER.0.get() = Some(Driver::new(Least(Pool::new(1 << 28)))) }
}

#[unsafe(no_mangle)]
pub extern "C" fn create() -> u64 {
    driver().create().map_or(0, HandleId::to_raw)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn control(
    handle: u64,
    message: *const u8,
    length: usize,
    reply: *mut u8,
    room: usize,
    records: *mut [u8; 80],
) -> usize {
    let message = unsafe { core::slice::from_raw_parts(message, length) };
    let answer = unsafe { core::slice::from_raw_parts_mut(reply, room) };
    let id = HandleId::from_raw(handle);
    match driver().control(id, black_box(1), message, answer) {
        Ok(Control::Replied(written)) => written,
        Ok(Control::Receive(receive)) => {
            let count = usize::from(receive.addresses);
            match driver().receive(id, Request { records, count, data: reply, length: room }) {
                Answer::Complete(_, completion) => completion.map_or(0, |filled| filled.bytes),
                Answer::Pended => 0,
            }
        }
        Ok(Control::Complete(completed) | Control::Release { completed, .. }) => completed.length as usize,
        Ok(Control::Hold { token }) => token as usize,
        Err(code) => code.number() as usize,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn classify(packet: *const u8, length: usize, outbound: bool, mark: u32) -> bool {
    let bytes = unsafe { core::slice::from_raw_parts(packet, length) };
    let origin = Mark::from_raw(mark).map_or(Origin::Stack, Origin::Injected);
    driver().packet(&Arrival { origin, ..Arrival::network(bytes, outbound) }) == Verdict::Block
}

#[unsafe(no_mangle)]
pub extern "C" fn event(number: u8, endpoint_id: u64) -> bool {
    let endpoint = Endpoint { endpoint_id, ..Endpoint::default() };
    let born = driver().flow_established(&endpoint, true, false);
    driver().flow_deleted(&endpoint, true, false, born);
    Event::from_number(number)
        .is_some_and(|event| driver().socket(event, &endpoint, true, false, Some(born)) == Verdict::Block)
}

#[unsafe(no_mangle)]
pub extern "C" fn cancel(handle: u64, key: u64) -> bool {
    driver().cancel(HandleId::from_raw(handle), key).is_some()
}

#[unsafe(no_mangle)]
pub extern "C" fn close(handle: u64) -> bool {
    driver().close(HandleId::from_raw(handle)).is_ok()
}
