//! Packets to be sent together.

use divert_driver_protocol::limits::{ADDRESS, MAX_BATCH, MAX_BATCH_DATA};
use divert_driver_protocol::{Address, DecodeError, Send};

/// Packets and their address records, in the order in which they are sent; at most 255.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    records: Vec<[u8; ADDRESS]>,
    data: Vec<u8>,
}

impl Outgoing {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { records: Vec::new(), data: Vec::new() }
    }

    /// Adds a packet, which must be as long as its IP header says.
    ///
    /// # Errors
    /// When there are 255 already, or more bytes than that many packets can have.
    pub fn push(&mut self, packet: &[u8], address: &Address) -> Result<(), DecodeError> {
        let length = self.data.len().saturating_add(packet.len());
        if self.records.len() >= MAX_BATCH {
            return Err(DecodeError::Count(MAX_BATCH as u32 + 1));
        }
        if length > MAX_BATCH_DATA {
            return Err(DecodeError::Count(u32::try_from(length).unwrap_or(u32::MAX)));
        }
        self.records.push(address.encode());
        self.data.extend_from_slice(packet);
        Ok(())
    }

    /// How many packets there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Forgets all packets and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        self.data.clear();
    }

    pub(crate) fn batch(&self) -> Result<Send<'_>, DecodeError> {
        Send::new(&self.records, &self.data)
    }
}
