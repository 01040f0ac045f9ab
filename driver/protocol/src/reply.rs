//! What the driver answers.

use divert_vm::Layer;

use crate::code::Code;
use crate::flags::Flags;
use crate::limits::{HEADER, MAX_LISTED};
use crate::reason::Reason;
use crate::statistics::{Counter, Statistics};
use crate::wire::{DecodeError, Reader, TooSmall, Writer, begin, header};

/// An answer. Receives are answered in the form of [`crate::receive`], shutdowns and settings by success alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The handle is open.
    Opened(Opened),
    /// The handle was not opened, and why.
    Refused(Refused),
    /// What became of a batch.
    Sent(Sent),
    /// The value of a parameter.
    Value(u64),
    /// The counters.
    Statistics(Statistics),
    /// Open handles.
    Handles(Handles<'a>),
}

/// A handle that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its serial number; never used again as long as the driver runs.
    pub serial: u64,
    /// Most steps that the verified program can cost.
    pub work: u32,
}

/// A handle that was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The Win32 code.
    pub code: Code,
    /// The reason; `None` (0 in a message) where there is but the code.
    pub reason: Option<Reason>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sent {
    /// Packets that went into the stack.
    pub packets: u32,
    /// Their bytes.
    pub bytes: u32,
    /// Packets that did not.
    pub failed: u32,
    /// Why the first of them did not.
    pub code: Option<Code>,
}

/// A list of handles; a view of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handles<'a> {
    records: &'a [[u8; ENTRY]],
    /// Whether there are more behind the last.
    pub more: bool,
}

/// An open handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleEntry {
    /// Its serial number.
    pub serial: u64,
    /// When it was opened, in ticks.
    pub timestamp: i64,
    /// Process that opened it.
    pub process_id: u32,
    /// Its layer.
    pub layer: Layer,
    /// Its priority.
    pub priority: i16,
    /// Its flags.
    pub flags: Flags,
}

/// Length of one entry of a handle list.
pub const ENTRY: usize = 40;

const OPENED: u16 = 0x8001;
const REFUSED: u16 = 0x8101;
const SENT: u16 = 0x8003;
const VALUE: u16 = 0x8006;
const STATISTICS: u16 = 0x8007;
const HANDLES: u16 = 0x8008;

impl<'a> Reply<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is not one reply of this version.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (kind, mut reader) = header(bytes)?;
        let reply = match kind {
            OPENED => {
                let (serial, work) = (reader.u64()?, reader.u32()?);
                reader.zero32()?;
                Self::Opened(Opened { serial, work })
            }
            REFUSED => Self::Refused(Refused::read(&mut reader)?),
            SENT => Self::Sent(Sent::read(&mut reader)?),
            VALUE => Self::Value(reader.u64()?),
            STATISTICS => Self::Statistics(read_statistics(&mut reader)?),
            HANDLES => Self::Handles(Handles::read(&mut reader)?),
            _ => return Err(DecodeError::Kind(kind)),
        };
        reader.end()?;
        Ok(reply)
    }

    /// Length of the message in bytes.
    #[must_use]
    pub const fn encoded_length(&self) -> usize {
        let body = match self {
            Self::Opened(_) | Self::Refused(_) | Self::Sent(_) => 16,
            Self::Value(_) => 8,
            Self::Statistics(_) => Counter::COUNT.saturating_mul(8).saturating_add(8),
            Self::Handles(handles) => handles.records.len().saturating_mul(ENTRY).saturating_add(8),
        };
        HEADER.saturating_add(body)
    }

    /// Writes the message to the front of `buffer`; gives its length.
    ///
    /// # Errors
    /// When the buffer is shorter than [`Reply::encoded_length`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, TooSmall> {
        let length = self.encoded_length();
        let kind = match self {
            Self::Opened(_) => OPENED,
            Self::Refused(_) => REFUSED,
            Self::Sent(_) => SENT,
            Self::Value(_) => VALUE,
            Self::Statistics(_) => STATISTICS,
            Self::Handles(_) => HANDLES,
        };
        let mut writer = begin(buffer, kind, length)?;
        match self {
            Self::Opened(opened) => {
                writer.u64(opened.serial)?;
                writer.u32(opened.work)?;
                writer.u32(0)?;
            }
            Self::Refused(refused) => {
                let (reason, detail) = refused.reason.map_or((0, 0), Reason::parts);
                writer.u32(refused.code.number())?;
                writer.u32(reason)?;
                writer.u64(detail)?;
            }
            Self::Sent(sent) => {
                writer.u32(sent.packets)?;
                writer.u32(sent.bytes)?;
                writer.u32(sent.failed)?;
                writer.u32(sent.code.map_or(0, Code::number))?;
            }
            Self::Value(value) => writer.u64(*value)?,
            Self::Statistics(statistics) => {
                writer.u32(Counter::COUNT as u32)?;
                writer.u32(0)?;
                for value in statistics.0 {
                    writer.u64(value)?;
                }
            }
            Self::Handles(handles) => {
                writer.u32(handles.records.len() as u32)?;
                writer.u32(u32::from(handles.more))?;
                writer.bytes(handles.records.as_flattened())?;
            }
        }
        Ok(writer.written())
    }
}

impl Refused {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (code, reason, detail) = (reader.u32()?, reader.u32()?, reader.u64()?);
        let code = Code::from_number(code).ok_or(DecodeError::Number(code))?;
        let reason = match (reason, detail) {
            (0, 0) => None,
            (number, detail) => Some(Reason::from_parts(number, detail)?),
        };
        Ok(Self { code, reason })
    }
}

impl Sent {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (packets, bytes, failed, code) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let code = match code {
            0 => None,
            number => Some(Code::from_number(number).ok_or(DecodeError::Number(number))?),
        };
        Ok(Self { packets, bytes, failed, code })
    }
}

fn read_statistics(reader: &mut Reader<'_>) -> Result<Statistics, DecodeError> {
    let count = reader.u32()?;
    reader.zero32()?;
    if count as usize != Counter::COUNT {
        return Err(DecodeError::Count(count));
    }
    let mut statistics = Statistics::default();
    for value in &mut statistics.0 {
        *value = reader.u64()?;
    }
    Ok(statistics)
}

impl<'a> Handles<'a> {
    /// A list of encoded entries; of more than [`MAX_LISTED`] the first.
    #[must_use]
    pub fn new(records: &'a [[u8; ENTRY]], more: bool) -> Self {
        match records.get(..MAX_LISTED) {
            Some(first) => Self { records: first, more: more || records.len() > MAX_LISTED },
            None => Self { records, more },
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (count, more) = (reader.u32()?, reader.u32()?);
        if count as usize > MAX_LISTED {
            return Err(DecodeError::Count(count));
        }
        if more > 1 {
            return Err(DecodeError::Reserved);
        }
        let (records, _) = reader.bytes((count as usize).saturating_mul(ENTRY))?.as_chunks();
        for record in records {
            HandleEntry::decode(record)?;
        }
        Ok(Self { records, more: more == 1 })
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = HandleEntry> + 'a {
        self.records.iter().filter_map(|record| HandleEntry::decode(record).ok())
    }
}

impl HandleEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// When the layer does not exist or reserved bits are set.
    pub fn decode(record: &[u8; ENTRY]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(record);
        let (serial, timestamp) = (reader.u64()?, reader.u64()?.cast_signed());
        let (process_id, layer, reserved) = (reader.u32()?, reader.u8()?, reader.u8()?);
        let priority = reader.u16()?.cast_signed();
        let flags = Flags::from_bits(reader.u64()?);
        if reserved != 0 || reader.u64()? != 0 {
            return Err(DecodeError::Reserved);
        }
        let layer = Layer::from_number(layer).ok_or(DecodeError::Number(u32::from(layer)))?;
        Ok(Self { serial, timestamp, process_id, layer, priority, flags })
    }

    /// The entry as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; ENTRY] {
        let mut record = [0; ENTRY];
        // The record has room for all members.
        let _ = self.write(&mut Writer::new(&mut record));
        record
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooSmall> {
        writer.u64(self.serial)?;
        writer.u64(self.timestamp.cast_unsigned())?;
        writer.u32(self.process_id)?;
        writer.u8(self.layer.number())?;
        writer.u8(0)?;
        writer.u16(self.priority.cast_unsigned())?;
        writer.u64(self.flags.bits())
    }
}
