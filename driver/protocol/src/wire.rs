//! Little-endian reading and writing with every length checked.

use core::fmt;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// Fewer bytes than the message needs.
    TooShort,
    /// Bytes behind the message's end, or a length in it that is not the length it has.
    Length,
    /// Another protocol version.
    Version(u16),
    /// No message, or none that is expected here, has this number.
    Kind(u16),
    /// Bits that must be zero are not.
    Reserved,
    /// No layer, parameter, shutdown or code has this number.
    Number(u32),
    /// More packets, records or bytes than [`crate::limits`] allow, or none.
    Count(u32),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("the message is too short"),
            Self::Length => f.write_str("the message's length is not what it says"),
            Self::Version(version) => write!(f, "protocol version {version}"),
            Self::Kind(kind) => write!(f, "message kind {kind} is not expected"),
            Self::Reserved => f.write_str("reserved bits are set"),
            Self::Number(number) => write!(f, "number {number} means nothing here"),
            Self::Count(count) => write!(f, "a count of {count} is not allowed"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// The buffer does not hold what was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TooSmall;

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is too small for the message")
    }
}

impl core::error::Error for TooSmall {}

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (chunk, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::TooShort)?;
        self.rest = rest;
        Ok(*chunk)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::TooShort)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.chunk().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.chunk().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.chunk().map(u64::from_le_bytes)
    }

    pub(crate) fn zero32(&mut self) -> Result<(), DecodeError> {
        if self.u32()? == 0 { Ok(()) } else { Err(DecodeError::Reserved) }
    }

    pub(crate) const fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Length) }
    }
}

/// Writes to the front of a slice.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
    written: usize,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer, written: 0 }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), TooSmall> {
        let (front, rest) =
            core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()).ok_or(TooSmall)?;
        for (to, from) in front.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.rest = rest;
        self.written = self.written.saturating_add(bytes.len());
        Ok(())
    }

    pub(crate) fn u8(&mut self, value: u8) -> Result<(), TooSmall> {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> Result<(), TooSmall> {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> Result<(), TooSmall> {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), TooSmall> {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) const fn written(&self) -> usize {
        self.written
    }
}

/// The header of a message: version, kind, and the length of all of it.
pub(crate) fn header<'a>(bytes: &'a [u8]) -> Result<(u16, Reader<'a>), DecodeError> {
    let mut reader = Reader::new(bytes);
    let (version, kind, length) = (reader.u16()?, reader.u16()?, reader.u32()?);
    if version != crate::limits::VERSION {
        return Err(DecodeError::Version(version));
    }
    if usize::try_from(length) != Ok(bytes.len()) || bytes.len() > crate::limits::MAX_MESSAGE {
        return Err(DecodeError::Length);
    }
    Ok((kind, reader))
}

/// A writer behind a header for a message of `length` bytes.
pub(crate) fn begin<'a>(buffer: &'a mut [u8], kind: u16, length: usize) -> Result<Writer<'a>, TooSmall> {
    let front = buffer.get_mut(..length).ok_or(TooSmall)?;
    let mut writer = Writer::new(front);
    writer.u16(crate::limits::VERSION)?;
    writer.u16(kind)?;
    writer.u32(u32::try_from(length).map_err(|_| TooSmall)?)?;
    Ok(writer)
}
