//! Where received packets and events are put: address records first, then the packets back to back, in one piece of
//! memory that the driver fills in place.

use divert_driver_protocol::limits::{MAX_BATCH, MAX_BATCH_DATA, MAX_PACKET};
use divert_driver_protocol::{Address, Code, DecodeError, Layout};
use divert_vm::{Layer, Packet};

/// Room for packets or events, and what was received into it last.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub(crate) bytes: Vec<u8>,
    addresses: u8,
    layout: Layout,
    /// Whether `bytes` begins with an answer.
    pub(crate) filled: bool,
}

/// A packet or event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'b> {
    /// Where it comes from.
    pub address: Address,
    /// The packet from its IP header on; at REFLECT the filter's object text; nothing at FLOW and SOCKET.
    pub data: &'b [u8],
}

impl Buffer {
    /// Room for one packet of any length, or one event.
    #[must_use]
    pub fn for_one() -> Self {
        Self::sized(1, MAX_PACKET)
    }

    /// Room for as many as `events` packets or events and `bytes` bytes of them.
    ///
    /// # Errors
    /// When `events` is not 1 to 255, or `bytes` is more than that many packets can have.
    pub fn for_batch(events: usize, bytes: usize) -> Result<Self, DecodeError> {
        let count = |count: usize| DecodeError::Count(u32::try_from(count).unwrap_or(u32::MAX));
        if bytes > MAX_BATCH_DATA {
            return Err(count(bytes));
        }
        match u8::try_from(events) {
            Ok(addresses) if addresses > 0 && events <= MAX_BATCH => Ok(Self::sized(addresses, bytes)),
            Ok(_) | Err(_) => Err(count(events)),
        }
    }

    fn sized(addresses: u8, bytes: usize) -> Self {
        let length = Layout::length(addresses, bytes);
        #[expect(
            clippy::expect_used,
            reason = "INVARIANT: callers ask for one record and MAX_BATCH_DATA at most"
        )]
        let layout = Layout::new(length, addresses).expect("the length is that of a layout");
        Self { bytes: vec![0; length], addresses, layout, filled: false }
    }

    /// How many packets or events there is room for.
    #[must_use]
    pub const fn capacity(&self) -> u8 {
        self.addresses
    }

    /// What was received, in order.
    pub fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let received = self.received();
        let records: Vec<Address> =
            received.iter().flat_map(divert_driver_protocol::Received::addresses).collect();
        let mut rest = received.map_or(&[][..], |received| received.data);
        let last = records.len().saturating_sub(1);
        records.into_iter().enumerate().map(move |(number, address)| {
            let length = if number == last { rest.len() } else { first(address.layer, rest) };
            let (data, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            Event { address, data: trimmed(address.layer, data) }
        })
    }

    /// The packets or events received, as they lie: back to back.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.received().map_or(&[], |received| received.data)
    }

    /// Whether the only packet did not fit and is there in part.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.received().is_some_and(|received| received.code == Some(Code::InsufficientBuffer))
    }

    fn received(&self) -> Option<divert_driver_protocol::Received<'_>> {
        if self.filled { self.layout.read(&self.bytes).ok() } else { None }
    }

    /// Takes note of an answer.
    pub(crate) fn fill(&mut self) -> Result<(), DecodeError> {
        self.filled = self.layout.read(&self.bytes).map(|_| true)?;
        Ok(())
    }
}

/// Length of the first of several.
fn first(layer: u8, rest: &[u8]) -> usize {
    match Layer::from_number(layer) {
        Some(Layer::Network | Layer::Forward) => {
            Packet::parse(rest).map_or(rest.len(), |packet| packet.end())
        }
        // A text and a zero.
        Some(Layer::Reflect) => rest.iter().position(|byte| *byte == 0).map_or(rest.len(), |zero| zero + 1),
        Some(Layer::Flow | Layer::Socket) | None => 0,
    }
}

/// Without the zero that ends a text.
fn trimmed(layer: u8, data: &[u8]) -> &[u8] {
    match data.split_last() {
        Some((0, text)) if layer == Layer::Reflect.number() => text,
        Some(_) | None => data,
    }
}
