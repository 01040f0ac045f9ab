//! The answer to a receive: a header, room for the address records that were asked for, then packets back to back.
//!
//! Where each part lies follows from the request alone, so that both can be filled in place, in any order, before the
//! receive is completed.

use crate::address::Address;
use crate::code::Code;
use crate::limits::{ADDRESS, HEADER, MAX_BATCH, MAX_BATCH_DATA, VERSION};
use crate::wire::{DecodeError, Reader, TooSmall, Writer};

const RECEIVED: u16 = 0x8002;

/// Length of what precedes the records.
pub const PREFIX: usize = HEADER + 16;

/// Where things lie in a buffer for the answer to a receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    addresses: u8,
    data: usize,
}

/// The three parts of such a buffer.
#[derive(Debug)]
pub struct Parts<'a> {
    prefix: &'a mut [u8],
    /// Room for the address records.
    pub addresses: &'a mut [[u8; ADDRESS]],
    /// Room for packets.
    pub data: &'a mut [u8],
}

/// What was received; a view of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    records: &'a [[u8; ADDRESS]],
    /// The packets, back to back.
    pub data: &'a [u8],
    /// [`Code::InsufficientBuffer`] when the only packet was truncated.
    pub code: Option<Code>,
}

impl Layout {
    /// For a buffer of `length` bytes and a request for `addresses` records.
    ///
    /// # Errors
    /// When the buffer has no room for the records, or more room for data than a batch can need.
    pub fn new(length: usize, addresses: u8) -> Result<Self, DecodeError> {
        if addresses == 0 {
            return Err(DecodeError::Count(0));
        }
        let data = length.checked_sub(Self::before(addresses)).ok_or(DecodeError::TooShort)?;
        if data > MAX_BATCH_DATA {
            return Err(DecodeError::Length);
        }
        Ok(Self { addresses, data })
    }

    fn before(addresses: u8) -> usize {
        usize::from(addresses).saturating_mul(ADDRESS).saturating_add(PREFIX)
    }

    /// Length of a buffer with room for `data` bytes.
    #[must_use]
    pub fn length(addresses: u8, data: usize) -> usize {
        Self::before(addresses).saturating_add(data)
    }

    /// The parts of `buffer`; `None` when it is shorter than the layout.
    #[must_use]
    pub fn split(self, buffer: &mut [u8]) -> Option<Parts<'_>> {
        let (prefix, rest) = buffer.split_at_mut_checked(PREFIX)?;
        let (addresses, rest) =
            rest.split_at_mut_checked(usize::from(self.addresses).saturating_mul(ADDRESS))?;
        Some(Parts { prefix, addresses: addresses.as_chunks_mut().0, data: rest.get_mut(..self.data)? })
    }

    /// Reads what was received.
    ///
    /// # Errors
    /// When the buffer does not begin with an answer of this layout.
    pub fn read(self, buffer: &[u8]) -> Result<Received<'_>, DecodeError> {
        let mut reader = Reader::new(buffer);
        let (version, kind, length) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let (count, data, code) = (reader.u32()?, reader.u32()?, reader.u32()?);
        reader.zero32()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        if kind != RECEIVED {
            return Err(DecodeError::Kind(kind));
        }
        if count == 0 || count > u32::from(self.addresses) {
            return Err(DecodeError::Count(count));
        }
        if data as usize > self.data || length as usize != Self::length(self.addresses, data as usize) {
            return Err(DecodeError::Length);
        }
        let code = match code {
            0 => None,
            number => Some(Code::from_number(number).ok_or(DecodeError::Number(number))?),
        };
        let records = reader.bytes(usize::from(self.addresses).saturating_mul(ADDRESS))?.as_chunks().0;
        let records = records.get(..count as usize).ok_or(DecodeError::TooShort)?;
        Ok(Received { records, data: reader.bytes(data as usize)?, code })
    }
}

impl Parts<'_> {
    /// Writes the header: `count` records and `data` bytes are in place.
    ///
    /// # Errors
    /// When that is more than there is room for.
    pub fn finish(&mut self, count: usize, data: usize, code: Option<Code>) -> Result<usize, TooSmall> {
        if count > self.addresses.len() || count > MAX_BATCH || data > self.data.len() {
            return Err(TooSmall);
        }
        let room = u8::try_from(self.addresses.len()).map_err(|_| TooSmall)?;
        let length = Layout::length(room, data);
        let mut writer = Writer::new(self.prefix);
        writer.u16(VERSION)?;
        writer.u16(RECEIVED)?;
        writer.u32(u32::try_from(length).map_err(|_| TooSmall)?)?;
        writer.u32(count as u32)?;
        writer.u32(u32::try_from(data).map_err(|_| TooSmall)?)?;
        writer.u32(code.map_or(0, Code::number))?;
        writer.u32(0)?;
        Ok(length)
    }
}

impl<'a> Received<'a> {
    /// How many packets or events.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Never: a receive completes with one at least.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The address records.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + 'a {
        self.records.iter().map(Address::decode)
    }
}
