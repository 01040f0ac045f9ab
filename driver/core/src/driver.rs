//! Opening, asking and closing.
//!
//! Three locks, always in this order: `control` serialises opening and closing, so that REFLECT handles see them in one
//! order; `table` says which handles there are; each handle has its own. The data's way takes the last two only.

use alloc::vec::Vec;

use divert_driver_protocol::limits::{MAX_LISTED, MAX_PRIORITY, MIN_PRIORITY};
use divert_driver_protocol::reply::ENTRY;
use divert_driver_protocol::{Code, Counter, HandleEntry, How, Open, Opened, Parameter, Statistics};
use divert_vm::limits::DRIVER_WORK;
use divert_vm::{Event, Layer};

use crate::error::Refusal;
use crate::memory::try_push;
use crate::needs::callouts;
use crate::object::object;
use crate::platform::{Lock, Platform, Program, Shared};
use crate::queue::Queued;
use crate::reflect::Portrait;
use crate::session::Fixed;
use crate::state::{Action, State};
use crate::table::{Session, Table};

/// Most handles at once, opened or not; each costs its own packets only, but the listing and REFLECT have to look at
/// all.
pub const MAX_HANDLES: usize = 4096;

/// A handle, for as long as it is not closed; never used again for another one (in 2³² uses of one slot).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleId(u64);

impl HandleId {
    pub(crate) const fn new((slot, generation): (u32, u32)) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    pub(crate) const fn parts(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }

    /// As a number that fits where a pointer does.
    #[must_use]
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// From such a number; one that was never given out names no handle.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

/// What `control` protects.
pub(crate) struct Control {
    /// The serial number of the next handle.
    next: u64,
    /// What REFLECT handles are told of the open handles, in the order of opening.
    portraits: Vec<Portrait>,
}

/// The runtime.
pub struct Driver<P: Platform> {
    pub(crate) platform: P,
    pub(crate) control: P::Mutex<Control>,
    pub(crate) table: P::Shared<Table<P>>,
    /// What the handles that are closed did.
    pub(crate) closed: P::Lock<Statistics>,
    work_limit: u32,
}

impl<P: Platform> Driver<P> {
    /// A driver without handles that accepts filters of [`DRIVER_WORK`] steps.
    pub fn new(platform: P) -> Self {
        Self::with_work_limit(platform, DRIVER_WORK)
    }

    /// A driver without handles that accepts filters of this many steps.
    pub fn with_work_limit(platform: P, work_limit: u32) -> Self {
        Self {
            platform,
            control: P::Mutex::new(Control { next: 1, portraits: Vec::new() }),
            table: P::Shared::new(Table::new()),
            closed: P::Lock::new(Statistics::default()),
            work_limit,
        }
    }

    /// What it stands on.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    /// Makes a handle that is not open yet.
    ///
    /// # Errors
    /// When there is no memory, or there are [`MAX_HANDLES`].
    pub fn create(&self) -> Result<HandleId, Code> {
        let made = self.table.write(|table| table.create(MAX_HANDLES));
        made.map(HandleId::new).map_err(|_| Code::NoSystemResources)
    }

    /// Opens a handle for a process.
    ///
    /// # Errors
    /// When anything about it is refused; the handle may then be opened in another way, or closed.
    // Not inlined, like sending and closing: the stack of a kernel is small, and what opening needs of it is not to lie
    // under a packet that is sent.
    #[inline(never)]
    pub fn open(&self, id: HandleId, process_id: u32, request: &Open<'_>) -> Result<Opened, Refusal> {
        let state = self.live(id, |live| live.state).unwrap_or(State::Closed);
        state.after(Action::Open).map_err(Refusal::State)?;
        if !(MIN_PRIORITY..=MAX_PRIORITY).contains(&request.priority) {
            return Err(Refusal::Priority(request.priority));
        }
        request.flags.check(request.layer).map_err(Refusal::Flags)?;
        let limit = match request.work_limit {
            0 => self.work_limit,
            asked => asked.min(self.work_limit),
        };
        let mut charge = 0;
        let opened = self.settle_in(id, process_id, request, limit, &mut charge);
        if opened.is_err() {
            self.platform.give(charge);
        }
        opened
    }

    /// Takes the budget (which `charge` tells), keeps the program, and enters the handle.
    fn settle_in(
        &self,
        id: HandleId,
        process_id: u32,
        request: &Open<'_>,
        limit: u32,
        charge: &mut usize,
    ) -> Result<Opened, Refusal> {
        self.charge(request.program.len(), charge)?;
        let program = self.platform.keep(request.program, limit)?;
        let own = program.verified().program().layer();
        if own != request.layer {
            return Err(Refusal::Layer { program: own });
        }
        let object = object(program.verified()).map_err(|_| Refusal::NoMemory)?;
        self.charge(object.len(), charge)?;
        self.control.with(|control| {
            let fixed = Fixed {
                serial: control.next,
                timestamp: self.platform.ticks(),
                process_id,
                layer: request.layer,
                priority: request.priority,
                flags: request.flags,
                callouts: callouts(program.verified().needs(), request.layer, request.flags),
                program,
                charge: *charge,
            };
            let opened = Opened { serial: fixed.serial, work: fixed.work() };
            let portrait = Portrait::of(&fixed, object);
            control.portraits.try_reserve(1).map_err(|_| Refusal::NoMemory)?;
            self.enter(id, fixed)?;
            control.next = control.next.saturating_add(1);
            if request.layer == Layer::Reflect {
                self.tell_of_all(id, &control.portraits);
            } else {
                self.tell(Event::ReflectOpen, &portrait, None);
                // There is room for one.
                let _ = try_push(&mut control.portraits, portrait);
            }
            Ok(opened)
        })
    }

    fn charge(&self, bytes: usize, charge: &mut usize) -> Result<(), Refusal> {
        if !self.platform.take(bytes) {
            return Err(Refusal::NoMemory);
        }
        *charge = charge.saturating_add(bytes);
        Ok(())
    }

    /// Installs the callouts, then makes the handle visible to packets.
    fn enter(&self, id: HandleId, fixed: Fixed<P>) -> Result<(), Refusal> {
        // Nobody else opens or closes: what was read here stays true.
        let state = self.live(id, |live| live.state).unwrap_or(State::Closed);
        state.after(Action::Open).map_err(Refusal::State)?;
        let before = self.table.read(Table::callouts);
        let after = before.and(fixed.callouts);
        if after != before {
            self.platform.install(after).map_err(Refusal::Engine)?;
        }
        let (slot, generation) = id.parts();
        let entered = self.table.write(|table| table.enter(slot, generation, fixed));
        if entered.is_err() {
            // Fewer callouts than are installed do no harm: their packets meet nobody.
            let _ = self.platform.install(before);
            return Err(Refusal::NoMemory);
        }
        let opened = self.live(id, |live| live.act(Action::Open)).unwrap_or(Err(Code::InvalidHandle));
        opened.map_err(Refusal::State)
    }

    /// Shuts down one direction or both.
    ///
    /// # Errors
    /// When the handle is not open.
    pub fn shutdown(&self, id: HandleId, how: How) -> Result<(), Code> {
        self.live(id, |live| live.shutdown(how)).unwrap_or(Err(Code::InvalidHandle))?;
        if how.receive() {
            self.fail_pended(id, Code::NoData);
        }
        Ok(())
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// When the handle is not open, or the value is out of bounds or read only.
    pub fn set_parameter(&self, id: HandleId, parameter: Parameter, value: u64) -> Result<(), Code> {
        let set = self.live(id, |live| live.set(&self.platform, parameter, value));
        set.unwrap_or(Err(Code::InvalidHandle))
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// When the handle is not open.
    pub fn parameter(&self, id: HandleId, parameter: Parameter) -> Result<u64, Code> {
        self.live(id, |live| live.get(parameter)).unwrap_or(Err(Code::InvalidHandle))
    }

    /// The counters of a handle.
    ///
    /// # Errors
    /// When the handle is not open.
    pub fn statistics(&self, id: HandleId) -> Result<Statistics, Code> {
        let read = self.live(id, |live| live.act(Action::Ask).map(|()| live.statistics));
        read.unwrap_or(Err(Code::InvalidHandle))
    }

    /// What all handles did that are closed.
    pub fn closed_statistics(&self) -> Statistics {
        self.closed.with(|statistics| *statistics)
    }

    /// Calls `each` for the open handles from a serial number on, in the order of opening; true when there are more
    /// than `most`.
    pub fn handles(&self, from: u64, most: usize, mut each: impl FnMut(HandleEntry)) -> bool {
        self.table.read(|table| {
            let mut handles = table.opened_from(from).map(|(_, fixed)| HandleEntry {
                serial: fixed.serial,
                timestamp: fixed.timestamp,
                process_id: fixed.process_id,
                layer: fixed.layer,
                priority: fixed.priority,
                flags: fixed.flags,
            });
            handles.by_ref().take(most.min(MAX_LISTED)).for_each(&mut each);
            handles.next().is_some()
        })
    }

    /// Whether a handle was created and not closed since.
    #[must_use]
    pub fn exists(&self, id: HandleId) -> bool {
        self.live(id, |_| ()).is_some()
    }

    /// How many entries of a listing fit into so many bytes.
    pub(crate) const fn entries_in(bytes: usize) -> usize {
        bytes / ENTRY
    }

    /// Closes a handle: receives that wait end with code 995; what is queued and was blocked goes back into the stack.
    ///
    /// # Errors
    /// When it is closed already. That is harmless: a shell may call this from every place that could be the last.
    #[inline(never)]
    pub fn close(&self, id: HandleId) -> Result<(), Code> {
        let (slot, generation) = id.parts();
        let session = self.control.with(|control| {
            self.live(id, |live| live.act(Action::Close)).unwrap_or(Err(Code::InvalidHandle))?;
            let before = self.table.read(Table::callouts);
            let removed = self.table.write(|table| table.remove(slot, generation));
            let session = removed.ok_or(Code::InvalidHandle)?;
            let after = self.table.read(Table::callouts);
            if after != before {
                // Should it fail, the packets of the callouts that stay meet nobody.
                let _ = self.platform.install(after);
            }
            if let Some(serial) = session.fixed.as_ref().map(|fixed| fixed.serial) {
                if let Some(portrait) = control.portraits.iter().find(|portrait| portrait.serial == serial) {
                    self.tell(Event::ReflectClose, portrait, None);
                }
                control.portraits.retain(|portrait| portrait.serial != serial);
            }
            Ok(session)
        })?;
        self.clear(id, session);
        Ok(())
    }

    /// Completes and re-injects what a closed handle held. Nobody else has it any more.
    fn clear(&self, id: HandleId, session: Session<P>) {
        let Session { fixed, live } = session;
        let mut live = live.into_inner();
        while let Some(receive) = live.pop_pended() {
            self.platform.complete(receive, Err(Code::OperationAborted));
        }
        while let Some(queued) = live.pop_queued() {
            match &fixed {
                Some(fixed) if !queued.sniffed && fixed.layer.has_packets() => {
                    let done = self.reinject(id, fixed, queued);
                    live.statistics.count(done);
                }
                Some(_) | None => {
                    live.statistics.count(Counter::DroppedAtClose);
                    self.free(queued);
                }
            }
        }
        self.closed.with(|closed| closed.merge(&live.statistics));
        if let Some(fixed) = fixed {
            self.platform.give(fixed.charge);
        }
    }

    pub(crate) fn free(&self, queued: Queued) {
        self.platform.give(queued.charge());
    }
}
