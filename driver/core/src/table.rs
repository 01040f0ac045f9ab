//! All handles: where they are, who is asked about what, and in which order.
//!
//! For each class of input (layer, event, direction, IP version) there is a list of the handles that can match it, the
//! highest priority first and, within one, the oldest first. A packet costs what the handles of its class cost.

use alloc::vec::Vec;

use crate::memory::{NoMemory, try_push};
use crate::needs::{CLASSES, Callouts, classes_of};
use crate::platform::{Lock, Platform, Program};
use crate::session::{Fixed, Live};

/// A place in a list: after everything that precedes it in priority, or in age at the same priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) priority: i16,
    pub(crate) serial: u64,
}

impl Place {
    /// Before all.
    pub(crate) const FIRST: Self = Self { priority: i16::MAX, serial: 0 };

    /// After every handle of this priority.
    pub(crate) const fn below(priority: i16) -> Self {
        Self { priority, serial: u64::MAX }
    }

    /// Whether a handle at this place is asked before one at the other, or is the same.
    fn precedes_or_is(self, other: Self) -> bool {
        self.priority > other.priority || (self.priority == other.priority && self.serial <= other.serial)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) slot: u32,
}

/// A handle, open or not yet.
pub(crate) struct Session<P: Platform> {
    pub(crate) fixed: Option<Fixed<P>>,
    pub(crate) live: P::Lock<Live<P>>,
}

struct Slot<P: Platform> {
    generation: u32,
    session: Option<Session<P>>,
}

/// The handles.
pub(crate) struct Table<P: Platform> {
    slots: Vec<Slot<P>>,
    /// Open handles in the order of opening: serial number and slot.
    order: Vec<(u64, u32)>,
    classes: [Vec<Entry>; CLASSES],
}

impl<P: Platform> Table<P> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), order: Vec::new(), classes: [const { Vec::new() }; CLASSES] }
    }

    /// Makes a handle; gives its slot and generation.
    pub(crate) fn create(&mut self, most: usize) -> Result<(u32, u32), NoMemory> {
        let session = Session { fixed: None, live: P::Lock::new(Live::new()) };
        let free = self.slots.iter_mut().enumerate().find(|(_, slot)| slot.session.is_none());
        if let Some((number, slot)) = free {
            slot.generation = slot.generation.wrapping_add(1);
            slot.session = Some(session);
            return Ok((u32::try_from(number).map_err(|_| NoMemory)?, slot.generation));
        }
        if self.slots.len() >= most {
            return Err(NoMemory);
        }
        let number = u32::try_from(self.slots.len()).map_err(|_| NoMemory)?;
        try_push(&mut self.slots, Slot { generation: 1, session: Some(session) }).map_err(|_| NoMemory)?;
        Ok((number, 1))
    }

    pub(crate) fn session(&self, slot: u32, generation: u32) -> Option<&Session<P>> {
        let slot = self.slots.get(slot as usize).filter(|slot| slot.generation == generation)?;
        slot.session.as_ref()
    }

    /// The open handle in this slot, and its generation.
    pub(crate) fn at(&self, slot: u32) -> Option<(u32, &Session<P>, &Fixed<P>)> {
        let slot = self.slots.get(slot as usize)?;
        let session = slot.session.as_ref()?;
        Some((slot.generation, session, session.fixed.as_ref()?))
    }

    /// Enters an opened handle into the lists; all of them or none.
    pub(crate) fn enter(&mut self, slot: u32, generation: u32, fixed: Fixed<P>) -> Result<(), Fixed<P>> {
        let Self { slots, order, classes } = self;
        let place = Place { priority: fixed.priority, serial: fixed.serial };
        let (layer, flags, serial) = (fixed.layer, fixed.flags, fixed.serial);
        let wanted = || classes_of(fixed.program.verified().needs(), layer, flags);
        let mut ready = order.try_reserve(1).is_ok();
        for class in wanted() {
            ready &= classes.get_mut(class).is_some_and(|list| list.try_reserve(1).is_ok());
        }
        let session = slots
            .get_mut(slot as usize)
            .filter(|slot| slot.generation == generation)
            .and_then(|slot| slot.session.as_mut());
        let Some(session) = session.filter(|_| ready) else { return Err(fixed) };
        for class in wanted() {
            if let Some(list) = classes.get_mut(class) {
                insert(list, Entry { place, slot });
            }
        }
        // Serial numbers rise: the list stays sorted. There is room for one.
        let _ = try_push(order, (serial, slot));
        session.fixed = Some(fixed);
        Ok(())
    }

    /// Takes a handle out of everything.
    pub(crate) fn remove(&mut self, slot: u32, generation: u32) -> Option<Session<P>> {
        let held = self.slots.get_mut(slot as usize).filter(|held| held.generation == generation)?;
        let session = held.session.take()?;
        if session.fixed.is_some() {
            self.order.retain(|(_, number)| *number != slot);
            for list in &mut self.classes {
                list.retain(|entry| entry.slot != slot);
            }
        }
        Some(session)
    }

    /// The handles of a class that come after `place`.
    pub(crate) fn after(&self, class: usize, place: Place) -> &[Entry] {
        let Some(list) = self.classes.get(class) else { return &[] };
        let from = list.partition_point(|entry| entry.place.precedes_or_is(place));
        list.get(from..).unwrap_or(&[])
    }

    /// The open handles with this serial number or a later one, in the order of opening.
    pub(crate) fn opened_from(&self, serial: u64) -> impl Iterator<Item = (u32, &Fixed<P>)> {
        let from = self.order.partition_point(|(number, _)| *number < serial);
        let later = self.order.get(from..).unwrap_or(&[]);
        later.iter().filter_map(|(_, slot)| self.at(*slot).map(|(_, _, fixed)| (*slot, fixed)))
    }

    /// The serial number of the youngest open handle; 0 when there is none.
    pub(crate) fn last_serial(&self) -> u64 {
        self.order.last().map_or(0, |(serial, _)| *serial)
    }

    /// The callouts that the open handles need.
    pub(crate) fn callouts(&self) -> Callouts {
        self.opened_from(0).fold(Callouts::default(), |all, (_, fixed)| all.and(fixed.callouts))
    }
}

/// Puts an entry where it belongs; the list has room for it.
fn insert(list: &mut Vec<Entry>, entry: Entry) {
    let at = list.partition_point(|held| held.place.precedes_or_is(entry.place));
    let mut moved = entry;
    for held in list.iter_mut().skip(at) {
        core::mem::swap(held, &mut moved);
    }
    let _ = try_push(list, moved);
}
