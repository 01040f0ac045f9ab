//! Requests that are held: user mode's library answers a caller's own overlapped receive with one of these, and receives
//! by another request on its behalf. Cancelling the held one cancels that receive; when the receive has ended, the held
//! one waits to be released with what came of it.
//!
//! A held request that was cancelled ends by itself as soon as nothing can come of it any more: no receive is under way
//! for it, or that has ended with nothing. Where the receive has brought something the cancelling came too late, as it
//! does for any request, and user mode releases the held one. It cannot when its thread is ending, and the system waits for
//! the requests of such a thread, for minutes, before it closes any handle: then the held one ends at once.
//!
//! Lock order: this list before the runtime's table and handles. Memory is asked for and freed outside.

use alloc::vec::Vec;
use core::mem;

use divert_driver_core::HandleId;
use divert_driver_core::memory::try_push;
use divert_driver_protocol::Code;

use crate::control::Receive;
use crate::platform::Runtime;
use crate::sys::irp::Waiting;
use crate::sys::lock::SpinLock;

/// Where the receive for a held request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is received for it yet.
    Alone,
    /// It is received for by the request with this key.
    Receiving(u64),
    /// The receive has ended with nothing.
    Failed,
    /// The receive has brought something, with which user mode will release the held one.
    Filled,
}

/// Who does not want a held request any more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cancelled {
    /// Nobody.
    No,
    /// It was cancelled.
    Asked,
    /// It was cancelled because its thread is ending.
    Ending,
}

struct Held {
    file: u64,
    token: u64,
    irp: Waiting,
    state: State,
    cancelled: Cancelled,
}

impl Held {
    fn is(&self, file: u64, token: u64) -> bool {
        self.file == file && self.token == token
    }

    /// Whether it was cancelled and nobody will end it but the driver.
    fn is_over(&self) -> bool {
        match self.state {
            State::Alone | State::Failed => self.cancelled != Cancelled::No,
            State::Filled => self.cancelled == Cancelled::Ending,
            State::Receiving(_) => false,
        }
    }
}

/// Most requests that are held, of all handles together: each receive that waits overlapped has one, and they are looked
/// through one by one.
const MAX_HELD: usize = 16_384;
/// An empty list keeps memory for so many.
const KEPT: usize = 64;

/// In no order. There are as many as receives that wait overlapped, most often a few.
struct List(Vec<Held>);

/// What came of adding.
enum Added {
    Done,
    Refused(Held, Code),
    /// There is room for too few; so many would do.
    Grow(Held, usize),
}

impl List {
    fn find(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<&mut Held> {
        self.0.iter_mut().find(|held| wanted(held))
    }

    fn take(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<Held> {
        let at = self.0.iter().position(wanted)?;
        let last = self.0.pop()?;
        // The last one fills the gap, unless it is the gap.
        match self.0.get_mut(at) {
            Some(place) => Some(mem::replace(place, last)),
            None => Some(last),
        }
    }

    /// Adds one, with the memory of `room` if that is more; `room` is what is to be freed then.
    fn add(&mut self, held: Held, room: &mut Vec<Held>) -> Added {
        if self.find(|other| other.is(held.file, held.token)).is_some() {
            return Added::Refused(held, Code::InvalidParameter);
        }
        if self.0.len() >= MAX_HELD {
            return Added::Refused(held, Code::NoSystemResources);
        }
        if self.0.len() == self.0.capacity() {
            if room.capacity() <= self.0.len() {
                return Added::Grow(held, self.0.len().saturating_mul(2).max(KEPT));
            }
            mem::swap(&mut self.0, room);
            while let Some(old) = room.pop() {
                // There is room.
                let _ = try_push(&mut self.0, old);
            }
        }
        match try_push(&mut self.0, held) {
            Ok(()) => Added::Done,
            Err(held) => Added::Refused(held, Code::NoSystemResources),
        }
    }

    /// Memory of an empty list, to be freed.
    fn spare(&mut self) -> Vec<Held> {
        if self.0.is_empty() && self.0.capacity() > KEPT { mem::take(&mut self.0) } else { Vec::new() }
    }

    /// Takes out the wanted one if it is over; else takes back the receive of one that was cancelled, with it.
    fn end(&mut self, driver: &Runtime, wanted: impl Fn(&Held) -> bool) -> (Option<Held>, Option<Receive>) {
        let Some(held) = self.find(&wanted) else { return (None, None) };
        let receive = match held.state {
            // Found under the lock: a receive that ends has to pass it, so that the key is no other's yet.
            State::Receiving(key) if held.cancelled != Cancelled::No => {
                driver.cancel(HandleId::from_raw(held.file), key)
            }
            State::Alone | State::Receiving(_) | State::Failed | State::Filled => None,
        };
        if receive.is_some() || held.is_over() { (self.take(wanted), receive) } else { (None, None) }
    }
}

/// All requests that are held, of all handles.
pub(crate) struct Holds(SpinLock<List>);

impl Holds {
    pub(crate) const fn new() -> Self {
        Self(SpinLock::new(List(Vec::new())))
    }

    /// Looks for one to take out; memory that is not needed any more is freed.
    fn take<R>(&self, work: impl FnOnce(&mut List) -> R) -> R {
        let (result, spare) = self.0.write(|list| (work(list), list.spare()));
        drop(spare);
        result
    }

    /// Holds a request. Up to DISPATCH_LEVEL, as are all of these.
    ///
    /// # Errors
    /// The request, with 1450 when there is no memory or too many are held, or 87 when one of this name is.
    pub(crate) fn add(&self, file: u64, token: u64, irp: Waiting) -> Result<(), (Waiting, Code)> {
        let mut held = Held { file, token, irp, state: State::Alone, cancelled: Cancelled::No };
        let mut room = Vec::new();
        loop {
            match self.0.write(|list| list.add(held, &mut room)) {
                Added::Done => return Ok(()),
                Added::Refused(held, code) => return Err((held.irp, code)),
                Added::Grow(back, capacity) => {
                    held = back;
                    room = Vec::new();
                    if room.try_reserve_exact(capacity).is_err() {
                        return Err((held.irp, Code::NoSystemResources));
                    }
                }
            }
        }
    }

    /// Says which request receives for a held one; false when that is gone, or has one.
    pub(crate) fn link(&self, file: u64, token: u64, key: u64) -> bool {
        self.0.write(|list| {
            let held = list.find(|held| held.is(file, token) && held.state == State::Alone);
            held.map(|held| held.state = State::Receiving(key)).is_some()
        })
    }

    /// The receive with this key for a held request ends: it cannot be found by its key any more. `filled` when it has
    /// brought something. Gives the held one, to be completed as cancelled, when that is over.
    #[must_use]
    pub(crate) fn ended(&self, file: u64, token: u64, key: u64, filled: bool) -> Option<Waiting> {
        let held = self.take(|list| {
            // Its name may be another's by now.
            let this = |held: &Held| held.is(file, token) && held.state == State::Receiving(key);
            let held = list.find(this)?;
            held.state = if filled { State::Filled } else { State::Failed };
            if held.is_over() { list.take(|held| held.is(file, token)) } else { None }
        });
        held.map(|held| held.irp)
    }

    /// Takes a held request out, to be completed.
    pub(crate) fn release(&self, file: u64, token: u64) -> Option<Waiting> {
        self.take(|list| list.take(|held| held.is(file, token))).map(|held| held.irp)
    }

    /// Takes one out whose handle is closed.
    pub(crate) fn close(&self, file: u64) -> Option<Waiting> {
        self.take(|list| list.take(|held| held.file == file)).map(|held| held.irp)
    }

    /// The held request with this key was cancelled. Gives it and the receive for it, to be completed as cancelled, when
    /// that is over or was under way; neither when the receive has brought something, or is about to.
    pub(crate) fn cancel(
        &self,
        driver: &Runtime,
        file: u64,
        key: u64,
        why: Cancelled,
    ) -> (Option<Waiting>, Option<Receive>) {
        let this = |held: &Held| held.file == file && held.irp.key() == key;
        let (held, receive) = self.take(|list| {
            let Some(held) = list.find(this) else { return (None, None) };
            held.cancelled = held.cancelled.max(why);
            list.end(driver, this)
        });
        (held.map(|held| held.irp), receive)
    }

    /// The receive for a held request can be found now. As [`Holds::cancel`] when that was cancelled before.
    pub(crate) fn pended(
        &self,
        driver: &Runtime,
        file: u64,
        token: u64,
    ) -> (Option<Waiting>, Option<Receive>) {
        let (held, receive) = self.take(|list| list.end(driver, |held| held.is(file, token)));
        (held.map(|held| held.irp), receive)
    }
}
