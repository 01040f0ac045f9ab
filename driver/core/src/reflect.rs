//! What REFLECT handles are told: first every handle that is open, then every opening and closing, in order. All of
//! this happens under the control lock, so there is one order.

use alloc::vec::Vec;

use divert_driver_protocol::{Address, Data, Reflect};
use divert_vm::input::Address as Facts;
use divert_vm::{Event, Input, Layer, Reflected};

use crate::classify::{Seen, Subject};
use crate::driver::{Driver, HandleId};
use crate::memory::try_copy;
use crate::needs::class;
use crate::platform::{Platform, Shared};
use crate::session::Fixed;
use crate::table::{Place, Table};

/// What there is to tell about a handle.
#[derive(Clone, Copy)]
struct Portrait {
    reflect: Reflect,
    layer: Layer,
}

impl Portrait {
    fn of<P: Platform>(fixed: &Fixed<P>) -> Self {
        let reflect = Reflect {
            timestamp: fixed.timestamp,
            process_id: fixed.process_id,
            layer: u32::from(fixed.layer.number()),
            flags: fixed.flags.bits(),
            priority: fixed.priority,
        };
        Self { reflect, layer: fixed.layer }
    }
}

/// A handle of the table: its portrait and, when there is memory, its object.
struct Found {
    serial: u64,
    portrait: Portrait,
    object: Option<Vec<u8>>,
}

impl Found {
    fn of<P: Platform>(fixed: &Fixed<P>) -> Self {
        Self { serial: fixed.serial, portrait: Portrait::of(fixed), object: try_copy(&fixed.object).ok() }
    }
}

impl<P: Platform> Driver<P> {
    /// A handle was opened: others are told of it, or it is told of others.
    pub(crate) fn tell_opened(&self, id: HandleId) {
        let (slot, _) = id.parts();
        let own = self.table.read(|table| table.at(slot).map(|(_, _, fixed)| Found::of(fixed)));
        match own {
            Some(own) if own.portrait.layer == Layer::Reflect => self.tell_of_all(id, own.serial),
            Some(own) => self.tell_found(Event::ReflectOpen, &own, None),
            None => {}
        }
    }

    /// Tells one handle of all that were opened before it.
    fn tell_of_all(&self, id: HandleId, before: u64) {
        let (slot, _) = id.parts();
        let mut from = 0;
        while let Some(found) = self.table.read(|table| next(table, from, before)) {
            from = found.serial.saturating_add(1);
            self.tell_found(Event::ReflectOpen, &found, Some(slot));
        }
    }

    fn tell_found(&self, event: Event, found: &Found, only: Option<u32>) {
        // Without memory for the object the event is told without it: that a handle came or went matters more.
        self.tell_portrait(event, found.portrait, found.object.as_deref().unwrap_or(&[]), only);
    }

    /// Tells of a handle.
    pub(crate) fn tell(&self, event: Event, fixed: &Fixed<P>, only: Option<u32>) {
        self.tell_portrait(event, Portrait::of(fixed), &fixed.object, only);
    }

    fn tell_portrait(
        &self,
        event: Event,
        Portrait { reflect, layer }: Portrait,
        object: &[u8],
        only: Option<u32>,
    ) {
        let now = self.platform.ticks();
        let facts = Facts { timestamp: now, ..Facts::default() };
        let handle = Reflected { process_id: reflect.process_id, layer, priority: reflect.priority };
        let Ok(input) = Input::reflect(event, &handle, &facts) else { return };
        let record = Address {
            timestamp: now,
            layer: Layer::Reflect.number(),
            event: event.number(),
            data: Data::Reflect(reflect),
            ..Address::default()
        };
        let subject = Subject {
            input: &input,
            class: class(Layer::Reflect, event, false, false),
            record,
            data: object,
            seen: Seen::Whole,
            can_block: false,
            born: u64::MAX,
            only,
            now,
        };
        let _ = self.offer(&subject, Place::FIRST);
    }
}

/// The first handle with a serial number from `from` to before `before` that is not REFLECT.
fn next<P: Platform>(table: &Table<P>, from: u64, before: u64) -> Option<Found> {
    let (_, fixed) = table
        .opened_from(from)
        .take_while(|(_, fixed)| fixed.serial < before)
        .find(|(_, fixed)| fixed.layer != Layer::Reflect)?;
    Some(Found::of(fixed))
}
