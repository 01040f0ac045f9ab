//! Receiving: at once from the queue, or later; one packet or as many as fit (reference §5).

use divert_driver_protocol::limits::{ADDRESS, MAX_BATCH};
use divert_driver_protocol::{Code, Flags};

use crate::driver::{Driver, HandleId};
use crate::memory::copy_front;
use crate::platform::{Lock, Platform, Receive, Shared};
use crate::queue::Queued;
use crate::session::{Live, Taken};

/// Most receives of one handle that wait: as many as there may be packets in its queue.
pub const MAX_PENDED: usize = 4096;

/// Packets of a batch that are taken out of the queue at once: what all processors share is touched so much more rarely.
const HANDFUL: usize = 8;

/// Where to put what is received.
#[derive(Debug)]
pub struct Window<'a> {
    /// Room for address records; what is beyond 255 is not used.
    pub addresses: &'a mut [[u8; ADDRESS]],
    /// Room for packets.
    pub data: &'a mut [u8],
}

/// What was put into a receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Filled {
    /// Packets or events, and as many address records.
    pub packets: usize,
    /// Bytes of packets.
    pub bytes: usize,
    /// Whether the only packet was truncated: code 122.
    pub truncated: bool,
}

/// How a receive ended: 995 cancelled or closed, 232 shut down.
pub type Completion = Result<Filled, Code>;

/// What the driver did with a receive.
#[derive(Debug)]
pub enum Answer<R> {
    /// It is done; the caller completes it.
    Complete(R, Completion),
    /// It waits; the driver has it, and completes it through [`crate::platform::Stack::complete`], unless it is
    /// cancelled before.
    Pended,
}

/// Puts a packet behind what is there already; a packet that does not fit is cut.
pub(crate) fn put(receive: &mut impl Receive, filled: &mut Filled, record: &[u8; ADDRESS], bytes: &[u8]) {
    let window = receive.window();
    if let Some(place) = window.addresses.get_mut(filled.packets) {
        *place = *record;
    }
    let copied = window.data.get_mut(filled.bytes..).map_or(0, |room| copy_front(room, bytes));
    filled.packets = filled.packets.saturating_add(1);
    filled.bytes = filled.bytes.saturating_add(copied);
    filled.truncated |= copied < bytes.len();
}

impl<P: Platform> Driver<P> {
    /// Receives. A receive without room for an address record is filled all the same.
    pub fn receive(&self, id: HandleId, receive: P::Receive) -> Answer<P::Receive> {
        let now = self.platform.ticks();
        let mut waiting = Some(receive);
        let (slot, generation) = id.parts();
        let taken = self.table.read(|table| {
            let session = table.session(slot, generation)?;
            let deaf = session.fixed.as_ref().is_some_and(|fixed| fixed.flags.has(Flags::SEND_ONLY));
            session.live.with(|live| Some(live.take(&self.platform, now, deaf, waiting.take()?)))
        });
        match (taken, waiting) {
            (Some(Taken::Packet(mut receive, first)), _) => {
                let filled = self.fill(id, &mut receive, first, now);
                Answer::Complete(receive, Ok(filled))
            }
            (Some(Taken::Failed(receive, code)), _) => Answer::Complete(receive, Err(code)),
            (None, Some(receive)) => Answer::Complete(receive, Err(Code::InvalidHandle)),
            (Some(Taken::Pended) | None, _) => Answer::Pended,
        }
    }

    /// Puts `first` and whatever else fits into a receive. The lock is taken for a few packets at a time, and not held
    /// while they are copied.
    fn fill(&self, id: HandleId, receive: &mut P::Receive, first: Queued, now: i64) -> Filled {
        let window = receive.window();
        let (most, room) = (window.addresses.len().min(MAX_BATCH), window.data.len());
        let mut filled = Filled::default();
        self.put_queued(receive, &mut filled, first);
        let mut handful = [const { None }; HANDFUL];
        while filled.packets < most && !filled.truncated {
            let (packets, left) = (most.saturating_sub(filled.packets), room.saturating_sub(filled.bytes));
            let places = handful.iter_mut().take(packets);
            self.live(id, |live| live.take_more(&self.platform, now, left, places));
            let before = filled.packets;
            let mut charge: usize = 0;
            for packet in handful.iter_mut().map_while(Option::take) {
                put(receive, &mut filled, &packet.record, &packet.bytes);
                charge = charge.saturating_add(packet.charge());
            }
            if filled.packets == before {
                break;
            }
            self.platform.give(charge);
        }
        filled
    }

    pub(crate) fn put_queued(&self, receive: &mut P::Receive, filled: &mut Filled, packet: Queued) {
        put(receive, filled, &packet.record, &packet.bytes);
        self.platform.give(packet.charge());
    }

    /// Takes back a receive that waits; the caller completes it with code 995. `None` when it is completed already or
    /// is about to be: whoever has it completes it.
    pub fn cancel(&self, id: HandleId, key: u64) -> Option<P::Receive> {
        self.live(id, |live| live.cancel(key)).flatten()
    }

    /// Completes all receives of a handle that wait in vain.
    pub(crate) fn fail_pended(&self, id: HandleId, code: Code) {
        while let Some(receive) = self.live(id, Live::pop_pended).flatten() {
            self.platform.complete(receive, Err(code));
        }
    }

    /// Runs `work` with what changes of a handle, under its lock.
    pub(crate) fn live<R>(&self, id: HandleId, work: impl FnOnce(&mut Live<P>) -> R) -> Option<R> {
        let (slot, generation) = id.parts();
        self.table.read(|table| table.session(slot, generation).map(|session| session.live.with(work)))
    }
}
