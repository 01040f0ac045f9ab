//! What REFLECT handles are told: first every handle that is open, then every opening and closing, in order. All of
//! this happens under the control lock, so there is one order; no spin lock is held.

use alloc::vec::Vec;

use divert_driver_protocol::{Address, Data, Reflect};
use divert_vm::input::Address as Facts;
use divert_vm::{Event, Input, Layer, Reflected};

use crate::classify::{Seen, Subject};
use crate::driver::{Driver, HandleId};
use crate::needs::class;
use crate::platform::Platform;
use crate::session::Fixed;
use crate::table::Place;

/// What there is to tell about a handle that is open.
pub(crate) struct Portrait {
    pub(crate) serial: u64,
    reflect: Reflect,
    layer: Layer,
    /// Its filter as an object.
    object: Vec<u8>,
}

impl Portrait {
    pub(crate) fn of<P: Platform>(fixed: &Fixed<P>, object: Vec<u8>) -> Self {
        let reflect = Reflect {
            timestamp: fixed.timestamp,
            process_id: fixed.process_id,
            layer: u32::from(fixed.layer.number()),
            flags: fixed.flags.bits(),
            priority: fixed.priority,
        };
        Self { serial: fixed.serial, reflect, layer: fixed.layer, object }
    }
}

impl<P: Platform> Driver<P> {
    /// Tells a new REFLECT handle of all that are open.
    pub(crate) fn tell_of_all(&self, id: HandleId, portraits: &[Portrait]) {
        let (slot, _) = id.parts();
        for portrait in portraits {
            self.tell(Event::ReflectOpen, portrait, Some(slot));
        }
    }

    /// Tells of a handle: every REFLECT handle, or the one in this slot only.
    pub(crate) fn tell(&self, event: Event, portrait: &Portrait, only: Option<u32>) {
        let Portrait { reflect, layer, object, .. } = portrait;
        let now = self.platform.ticks();
        let facts = Facts { timestamp: now, ..Facts::default() };
        let handle = Reflected { process_id: reflect.process_id, layer: *layer, priority: reflect.priority };
        let Ok(input) = Input::reflect(event, &handle, &facts) else { return };
        let record = Address {
            timestamp: now,
            layer: Layer::Reflect.number(),
            event: event.number(),
            data: Data::Reflect(*reflect),
            ..Address::default()
        };
        let subject = Subject {
            input: &input,
            class: class(Layer::Reflect, event, false, false),
            record,
            data: object,
            bare: true,
            seen: Seen::Whole,
            can_block: false,
            sniffers: false,
            born: u64::MAX,
            only,
            now,
        };
        let _ = self.offer(&subject, Place::FIRST);
    }
}
