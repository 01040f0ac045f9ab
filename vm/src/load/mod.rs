//! From a field and an input to a key, or to "absent": the only place where fields meet data (language notes §5).

mod event;
mod packet;
pub(crate) mod place;

pub(crate) use event::{EndpointSource, ReflectedSource};
pub(crate) use packet::PacketSource;

use crate::field::Field;
use crate::input::{Data, Input};

/// The key of `field` for `input`, or `None` when the input does not have the field. `index` is a byte offset, from
/// the end when negative, and is looked at for array fields only.
#[must_use]
pub fn key(input: &Input<'_>, field: Field, index: i32) -> Option<u128> {
    match input.data {
        Data::Packet(packet) => PacketSource::new(input, packet, field.needs_transport()).key(field, index),
        Data::Endpoint(endpoint) => EndpointSource { input, endpoint }.key(field, index),
        Data::Reflected(handle) => ReflectedSource { input, handle }.key(field, index),
    }
}

/// Where keys come from. The three kinds of input each have their own, so that a program runs without asking again
/// what it runs on.
pub(crate) trait Source {
    /// The key of the field of 32 bits or less with this number.
    fn narrow(&self, field: u8, index: i32) -> Option<u32>;

    /// The key of a field of more than 32 bits.
    fn wide(&self, field: Field) -> Option<u128>;

    /// The key of any field.
    fn key(&self, field: Field, index: i32) -> Option<u128> {
        if field.is_wide() { self.wide(field) } else { self.narrow(field.number(), index).map(u128::from) }
    }
}

/// The timestamp's key.
fn ticks(input: &Input<'_>) -> u128 {
    u128::from(input.address.timestamp.cast_unsigned() ^ 1 << 63)
}
