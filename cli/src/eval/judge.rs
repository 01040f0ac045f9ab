//! From a record of a capture to a verdict. This runs once per packet, so it neither allocates nor formats.

use divert_vm::field::Field;
use divert_vm::input::{Address, Input};
use divert_vm::layer::Layer;
use divert_vm::packet::Packet;
use divert_vm::program::Verified;

use super::{Local, Tally};
use crate::capture::link::{Layer3, network_layer};
use crate::capture::record::{Direction, Record, Timestamp};

/// 100 ns: the ticks of the performance counter, in which timestamps of packets are counted, on current Windows.
const NANOS_PER_TICK: i128 = 100;

/// A program, and what is to be assumed where a capture says nothing.
#[derive(Clone)]
pub(crate) struct Judge<'v> {
    verified: Verified<'v>,
    base: Address,
    local: Option<Local>,
    wants_time: bool,
    /// Whether packets whose capture tells no direction all have the address `base`.
    all_alike: bool,
    layer: Layer,
}

impl<'v> Judge<'v> {
    /// A judge that gives packets the address `base`, but for what is known better.
    pub(crate) fn new(verified: Verified<'v>, base: Address, local: Option<Local>) -> Self {
        let wants_time = verified.needs().hash || verified.reads(Field::Timestamp);
        let all_alike = local.is_none() && !wants_time;
        Self { layer: verified.program().layer(), verified, base, local, wants_time, all_alike }
    }

    /// The same with all times: for those who look at more than the program does.
    pub(crate) const fn with_times(mut self) -> Self {
        self.wants_time = true;
        self.all_alike = false;
        self
    }

    /// The program.
    pub(crate) const fn verified(&self) -> &Verified<'v> {
        &self.verified
    }

    /// The layer it judges.
    pub(crate) const fn layer(&self) -> Layer {
        self.layer
    }

    /// Whether the record matches, and its packet where it has one.
    #[inline(always)]
    pub(crate) fn judge<'a>(&self, record: &Record<'a>, tally: &mut Tally) -> (bool, Option<Packet<'a>>) {
        tally.records += 1;
        let (bytes, link_direction) = match network_layer(record.link, record.bytes) {
            Layer3::Ip { bytes, direction } => (bytes, direction),
            other @ (Layer3::NotIp | Layer3::Wireless | Layer3::Unsupported(_)) => {
                count_other(&other, tally);
                return (false, None);
            }
        };
        // What the link layer calls IP and is none is as if it did not call it so.
        let Ok(packet) = Packet::parse(bytes) else { return (false, None) };
        tally.ip += 1;
        let direction = record.direction.or(link_direction);
        // Most captures say nothing that differs from packet to packet, and then nothing is copied.
        let own;
        let address = if direction.is_none() && self.all_alike {
            &self.base
        } else {
            own = self.address(record, direction, &packet);
            &own
        };
        let input = if self.layer == Layer::Forward {
            Input::forward(&packet, address)
        } else {
            Input::network(&packet, address)
        };
        let matched = self.verified.matches(&input);
        tally.matched += u64::from(matched);
        (matched, Some(packet))
    }

    /// Gives what the program judges of a record to `see`; `None` where the record has no packet.
    pub(crate) fn see<T>(&self, record: &Record<'_>, see: impl FnOnce(&Input<'_>) -> T) -> Option<T> {
        let Layer3::Ip { bytes, direction } = network_layer(record.link, record.bytes) else { return None };
        let packet = Packet::parse(bytes).ok()?;
        let address = self.address(record, record.direction.or(direction), &packet);
        let at = if self.layer == Layer::Forward { Input::forward } else { Input::network };
        Some(see(&at(&packet, &address)))
    }

    #[inline(never)]
    fn address(&self, record: &Record<'_>, direction: Option<Direction>, packet: &Packet<'_>) -> Address {
        let mut address = self.base;
        match direction {
            Some(direction) => address.outbound = direction == Direction::Outbound,
            None => {
                if let Some(local) = &self.local {
                    address.outbound = local.sent(packet);
                }
            }
        }
        if self.wants_time {
            address.timestamp = ticks(record);
        }
        address
    }
}

#[cold]
fn count_other(other: &Layer3<'_>, tally: &mut Tally) {
    match other {
        Layer3::Wireless => tally.wireless += 1,
        Layer3::Unsupported(_) => tally.unsupported += 1,
        Layer3::Ip { .. } | Layer3::NotIp => {}
    }
}

/// Units of 100 ns since 1970; 0 where the record does not say.
#[cold]
fn ticks(record: &Record<'_>) -> i64 {
    let nanos = record.timestamp().map_or(0, Timestamp::as_nanos);
    i64::try_from(nanos.div_euclid(NANOS_PER_TICK)).unwrap_or_default()
}
