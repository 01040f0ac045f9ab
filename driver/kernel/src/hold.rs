//! Requests that are held: user mode's library answers a caller's own overlapped receive with one of these, and receives
//! by another request on its behalf. Cancelling the held one cancels that receive; when the receive has ended, the held
//! one waits to be released with what came of it.
//!
//! Lock order: this list before the runtime's table and handles.

use alloc::boxed::Box;

use divert_driver_core::HandleId;

use crate::control::Receive;
use crate::platform::Runtime;
use crate::sys::irp::Waiting;
use crate::sys::lock::SpinLock;
use crate::sys::pool;

/// Where a held request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is received for it yet.
    Alone,
    /// It is received for by the request with this key.
    Receiving(u64),
    /// The same, and it was cancelled before that receive could be found.
    Cancelled(u64),
    /// The receive has ended; user mode will release it.
    Ended,
}

struct Held {
    next: Option<Box<Self>>,
    file: u64,
    token: u64,
    irp: Waiting,
    state: State,
}

/// A list from the youngest to the oldest. There are as many as receives that wait overlapped, most often a few.
struct List(Option<Box<Held>>);

impl List {
    fn find(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<&mut Held> {
        let mut place = self.0.as_deref_mut();
        while let Some(held) = place {
            if wanted(held) {
                return Some(held);
            }
            place = held.next.as_deref_mut();
        }
        None
    }

    fn take(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<Box<Held>> {
        let mut place = &mut self.0;
        while place.as_ref().is_some_and(|held| !wanted(held)) {
            place = &mut place.as_mut()?.next;
        }
        let mut held = place.take()?;
        *place = held.next.take();
        Some(held)
    }
}

/// All requests that are held, of all handles.
pub(crate) struct Holds(SpinLock<List>);

impl Holds {
    pub(crate) const fn new() -> Self {
        Self(SpinLock::new(List(None)))
    }

    /// Holds a request. Up to DISPATCH_LEVEL, as are all of these.
    ///
    /// # Errors
    /// The request, when there is no memory.
    pub(crate) fn add(&self, file: u64, token: u64, irp: Waiting) -> Result<(), Waiting> {
        let held = Held { next: None, file, token, irp, state: State::Alone };
        let mut held = pool::try_box(held).map_err(|held| held.irp)?;
        self.0.write(|list| {
            held.next = list.0.take();
            list.0 = Some(held);
        });
        Ok(())
    }

    /// Says which request receives for a held one; false when that is gone, or has one.
    pub(crate) fn link(&self, file: u64, token: u64, key: u64) -> bool {
        self.0.write(|list| {
            let held =
                list.find(|held| held.file == file && held.token == token && held.state == State::Alone);
            held.map(|held| held.state = State::Receiving(key)).is_some()
        })
    }

    /// The receive for a held request ends: it cannot be found by its key any more.
    pub(crate) fn ended(&self, file: u64, token: u64) {
        self.0.write(|list| {
            if let Some(held) = list.find(|held| held.file == file && held.token == token) {
                held.state = State::Ended;
            }
        });
    }

    /// Takes a held request out, to be completed.
    pub(crate) fn release(&self, file: u64, token: u64) -> Option<Waiting> {
        let held = self.0.write(|list| list.take(|held| held.file == file && held.token == token));
        held.map(|held| held.irp)
    }

    /// Takes one out whose handle is closed.
    pub(crate) fn close(&self, file: u64) -> Option<Waiting> {
        self.0.write(|list| list.take(|held| held.file == file)).map(|held| held.irp)
    }

    /// Whether a held request was cancelled before the receive for it could be found; gives the request's key.
    pub(crate) fn cancelled(&self, file: u64, token: u64) -> Option<u64> {
        self.0.write(|list| {
            let held = list.find(|held| held.file == file && held.token == token)?;
            matches!(held.state, State::Cancelled(_)).then(|| held.irp.key())
        })
    }

    /// The held request with this key was cancelled. Gives it and the receive for it, to be completed as cancelled;
    /// neither when the receive has ended already, or is about to.
    pub(crate) fn cancel(&self, driver: &Runtime, file: u64, key: u64) -> (Option<Waiting>, Option<Receive>) {
        let this = |held: &Held| held.file == file && held.irp.key() == key;
        let (held, receive) = self.0.write(|list| {
            let Some(held) = list.find(this) else { return (None, None) };
            let receive = match held.state {
                State::Ended => return (None, None),
                State::Alone => None,
                // Found under the lock: a receive that ends has to pass it, so that the key is no other's yet.
                State::Receiving(key) | State::Cancelled(key) => {
                    let receive = driver.cancel(HandleId::from_raw(file), key);
                    if receive.is_none() {
                        held.state = State::Cancelled(key);
                        return (None, None);
                    }
                    receive
                }
            };
            (list.take(this), receive)
        });
        (held.map(|held| held.irp), receive)
    }
}
