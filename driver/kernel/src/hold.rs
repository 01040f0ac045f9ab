//! Requests that are held: user mode's library answers a caller's own overlapped receive with one of these, and receives
//! by another request on its behalf. Cancelling the held one cancels that receive; when the receive has ended, the held
//! one waits to be released with what came of it.
//!
//! Lock order: this list before the runtime's table and handles.

use alloc::vec::Vec;

use divert_driver_core::HandleId;
use divert_driver_core::memory::try_push;

use crate::control::Receive;
use crate::platform::Runtime;
use crate::sys::irp::Waiting;
use crate::sys::lock::SpinLock;

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
    file: u64,
    token: u64,
    irp: Waiting,
    state: State,
}

/// Most requests that are held, of all handles together: each receive that waits overlapped has one, and they are looked
/// through one by one.
const MAX_HELD: usize = 16_384;

/// In no order. There are as many as receives that wait overlapped, most often a few.
struct List(Vec<Held>);

impl List {
    fn find(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<&mut Held> {
        self.0.iter_mut().find(|held| wanted(held))
    }

    fn take(&mut self, wanted: impl Fn(&Held) -> bool) -> Option<Held> {
        let at = self.0.iter().position(wanted)?;
        let last = self.0.pop()?;
        // The last one fills the gap, unless it is the gap.
        match self.0.get_mut(at) {
            Some(place) => Some(core::mem::replace(place, last)),
            None => Some(last),
        }
    }

    /// Gives back what there is no memory for.
    fn add(&mut self, held: Held) -> Result<(), Held> {
        if self.0.len() < MAX_HELD { try_push(&mut self.0, held) } else { Err(held) }
    }
}

/// All requests that are held, of all handles.
pub(crate) struct Holds(SpinLock<List>);

impl Holds {
    pub(crate) const fn new() -> Self {
        Self(SpinLock::new(List(Vec::new())))
    }

    /// Holds a request. Up to DISPATCH_LEVEL, as are all of these.
    ///
    /// # Errors
    /// The request, when there is no memory, or too many are held.
    pub(crate) fn add(&self, file: u64, token: u64, irp: Waiting) -> Result<(), Waiting> {
        let held = Held { file, token, irp, state: State::Alone };
        self.0.write(|list| list.add(held)).map_err(|held| held.irp)
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
