//! Packets into the stack: those that user mode sends, those that a closing handle puts back, and those that have to be
//! sent alone because others of their list were taken.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use divert_driver_abi::wdm::NTSTATUS;
use divert_driver_abi::wfp::{AF_INET, AF_INET6};
use divert_driver_core::{Injection, Mark, Origin, Ticket};
use divert_vm::Layer;

use crate::platform::DRIVER;
use crate::sys::injection::{Injected, InjectionHandle, ListPool, NO_MEMORY, OwnPacket, Place, Then};
use crate::sys::packet::PacketList;

/// The context of a packet that all handles have been asked about: the mark of a priority below all others.
const ASKED: u32 = 0x8000_8000;

/// Whether all handles have been asked about what comes from there.
pub(super) fn was_asked(origin: Origin) -> bool {
    matches!(origin, Origin::Injected(mark) if mark.to_raw() == ASKED)
}

/// Counts what the stack has, and holds what it takes to give it something. Up to DISPATCH_LEVEL, but for making it.
pub(crate) struct Injector {
    in_flight: AtomicUsize,
    // Handles before the pool of what is injected with them.
    network: [InjectionHandle; 2],
    forward: [InjectionHandle; 2],
    pool: ListPool,
}

/// What stands behind a packet of user mode.
struct Ticketed(Ticket);

impl Then for Ticketed {
    fn then(self, well: bool) {
        if let Some(driver) = DRIVER.get() {
            driver.injected(self.0, well);
            driver.platform().injector.landed();
        }
    }
}

/// Nobody waits for it.
struct Unattended;

impl Then for Unattended {
    fn then(self, _: bool) {
        if let Some(driver) = DRIVER.get() {
            driver.platform().injector.landed();
        }
    }
}

impl Injector {
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The status with which loading fails.
    pub(crate) fn new() -> Result<Self, NTSTATUS> {
        Ok(Self {
            in_flight: AtomicUsize::new(0),
            network: [InjectionHandle::new(false, AF_INET)?, InjectionHandle::new(false, AF_INET6)?],
            forward: [InjectionHandle::new(true, AF_INET)?, InjectionHandle::new(true, AF_INET6)?],
            pool: ListPool::new().ok_or(NO_MEMORY)?,
        })
    }

    /// How many packets the stack has that are the driver's.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    fn landed(&self) {
        self.in_flight.fetch_sub(1, Ordering::Release);
    }

    fn handle(&self, forward: bool, ipv6: bool) -> &InjectionHandle {
        let [v4, v6] = if forward { &self.forward } else { &self.network };
        if ipv6 { v6 } else { v4 }
    }

    /// Where a list comes from. What was injected on one way may come by on another: both handles are asked.
    pub(crate) fn origin(&self, list: PacketList<'_>, forward: bool, ipv6: bool) -> Origin {
        let own = self.handle(forward, ipv6).state(list);
        let other = match own {
            Injected::Elsewhere => self.handle(!forward, ipv6).state(list),
            Injected::No | Injected::Here(_) => Injected::No,
        };
        match (own, other) {
            (Injected::No, _) => Origin::Stack,
            (Injected::Here(context), _) | (Injected::Elsewhere, Injected::Here(context)) => {
                // A context without meaning is not the driver's.
                let mark = u32::try_from(context).ok().and_then(Mark::from_raw);
                mark.map_or(Origin::Impostor, Origin::Injected)
            }
            (Injected::Elsewhere, _) => Origin::Impostor,
        }
    }

    /// Sends a packet that nobody but the stack is to hear of again; false when it is lost for want of memory.
    pub(crate) fn pass_on(&self, bytes: Vec<u8>, place: Place) -> bool {
        self.put(bytes, Unattended, place, u64::from(ASKED)).is_ok()
    }

    /// See [`divert_driver_core::platform::Stack::inject`].
    pub(crate) fn inject(&self, injection: Injection) -> Result<(), Injection> {
        let Injection { bytes, layer, outbound, loopback, if_idx, sub_if_idx, mark, ticket } = injection;
        let place = match layer {
            Layer::Forward => Place::Forward(if_idx),
            Layer::Network | Layer::Flow | Layer::Socket | Layer::Reflect if outbound => Place::Send,
            Layer::Network | Layer::Flow | Layer::Socket | Layer::Reflect => {
                Place::Receive(if_idx, sub_if_idx)
            }
        };
        self.put(bytes, Ticketed(ticket), place, u64::from(mark.to_raw())).map_err(
            |(bytes, Ticketed(ticket))| Injection {
                bytes,
                layer,
                outbound,
                loopback,
                if_idx,
                sub_if_idx,
                mark,
                ticket,
            },
        )
    }

    fn put<T: Then>(&self, bytes: Vec<u8>, then: T, place: Place, context: u64) -> Result<(), (Vec<u8>, T)> {
        let ipv6 = bytes.first().is_some_and(|byte| byte >> 4 == 6);
        let handle = self.handle(matches!(place, Place::Forward(_)), ipv6);
        let packet = match OwnPacket::new(&self.pool, bytes) {
            Ok(packet) => packet,
            Err(bytes) => return Err((bytes, then)),
        };
        // Before it can land.
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let put = handle.inject(packet, then, place, context);
        if put.is_err() {
            self.landed();
        }
        put
    }
}
