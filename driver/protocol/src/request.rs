//! What user mode asks of the driver.

use divert_vm::Layer;

use crate::address::Address;
use crate::code::Code;
use crate::flags::Flags;
use crate::limits::{ADDRESS, HEADER, MAX_BATCH, MAX_BATCH_DATA, MAX_PROGRAM};
use crate::parameter::Parameter;
use crate::wire::{DecodeError, Reader, TooSmall, Writer, begin, header};

/// A request; it borrows the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Open the handle; answered by [`crate::Reply::Opened`] or [`crate::Reply::Refused`].
    Open(Open<'a>),
    /// Receive packets or events; answered in the form of [`crate::receive`].
    Receive(Receive),
    /// Send packets; answered by [`crate::Reply::Sent`].
    Send(Send<'a>),
    /// Shut down one direction or both.
    Shutdown(How),
    /// Set a parameter.
    SetParameter(Parameter, u64),
    /// Get a parameter; answered by [`crate::Reply::Value`].
    GetParameter(Parameter),
    /// Get the counters; answered by [`crate::Reply::Statistics`].
    Statistics,
    /// List the open handles in the order of opening, from this serial number on; answered by
    /// [`crate::Reply::Handles`]. It needs no open handle.
    Handles {
        /// The least serial number that is wanted.
        from: u64,
    },
    /// Complete this very request with a code and a length. It touches nothing: user mode ends a caller's own
    /// overlapped call with it, once what was received has been put where the caller wants it. It needs no open handle.
    Complete(Completed),
    /// Wait until it is released; what may be cancelled in place of a receive of user mode's own. It needs no open
    /// handle.
    Hold {
        /// Names it among those of the handle; not 0.
        token: u64,
    },
    /// End a request that is held; fails with code 995 when it is not there any more.
    Release {
        /// The one.
        token: u64,
        /// How it ends.
        completed: Completed,
    },
}

/// Opens a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// Where it is to be.
    pub layer: Layer,
    /// Its priority; not checked here.
    pub priority: i16,
    /// Its flags; not checked here.
    pub flags: Flags,
    /// Most steps that the opener wants to allow its filter; 0 for the driver's own limit, which also bounds it.
    pub work_limit: u32,
    /// The program; neither decoded nor verified here.
    pub program: &'a [u8],
}

/// Receives one packet or event, or as many as fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// Room for address records, 1 to 255.
    pub addresses: u8,
    /// The held request that it is for, whose cancelling cancels it; 0 for none.
    pub hold: u64,
}

/// How an overlapped call of user mode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The Win32 code with which it failed; none when it succeeded.
    pub code: Option<Code>,
    /// Bytes that it transferred.
    pub length: u32,
}

/// Sends packets that lie back to back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send<'a> {
    records: &'a [[u8; ADDRESS]],
    data: &'a [u8],
}

/// What is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum How {
    /// Nothing more is queued.
    Receive = 1,
    /// Nothing more is sent.
    Send = 2,
    /// Both.
    Both = 3,
}

impl How {
    /// The one with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Receive),
            2 => Some(Self::Send),
            3 => Some(Self::Both),
            _ => None,
        }
    }

    /// Whether receiving is shut down.
    #[must_use]
    pub const fn receive(self) -> bool {
        matches!(self, Self::Receive | Self::Both)
    }

    /// Whether sending is shut down.
    #[must_use]
    pub const fn send(self) -> bool {
        matches!(self, Self::Send | Self::Both)
    }
}

impl<'a> Send<'a> {
    /// A batch of `records.len()` packets in `data`.
    ///
    /// # Errors
    /// When there are none or more than 255, or more bytes than they can have.
    pub fn new(records: &'a [[u8; ADDRESS]], data: &'a [u8]) -> Result<Self, DecodeError> {
        count(records.len(), MAX_BATCH)?;
        if data.len() > MAX_BATCH_DATA {
            return Err(DecodeError::Count(small(data.len())));
        }
        Ok(Self { records, data })
    }

    /// How many packets there are to be.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Never: a batch has one packet at least.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The address records.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + 'a {
        self.records.iter().map(Address::decode)
    }

    /// The packets, back to back; each is as long as its IP header says.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }
}

const OPEN: u16 = 1;
const RECEIVE: u16 = 2;
const SEND: u16 = 3;
const SHUTDOWN: u16 = 4;
const SET_PARAMETER: u16 = 5;
const GET_PARAMETER: u16 = 6;
const STATISTICS: u16 = 7;
const HANDLES: u16 = 8;
const COMPLETE: u16 = 9;
const HOLD: u16 = 10;
const RELEASE: u16 = 11;

impl<'a> Request<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is not one request of this version.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (kind, mut reader) = header(bytes)?;
        let request = match kind {
            OPEN => Self::Open(Open::read(&mut reader)?),
            RECEIVE => Self::Receive(Receive::read(&mut reader)?),
            SEND => Self::Send(Send::read(&mut reader)?),
            SHUTDOWN => Self::Shutdown(numbered(reader.u32()?, How::from_number)?),
            SET_PARAMETER => {
                let parameter = numbered(reader.u32()?, Parameter::from_number)?;
                reader.zero32()?;
                Self::SetParameter(parameter, reader.u64()?)
            }
            GET_PARAMETER => Self::GetParameter(numbered(reader.u32()?, Parameter::from_number)?),
            STATISTICS => Self::Statistics,
            HANDLES => Self::Handles { from: reader.u64()? },
            COMPLETE => Self::Complete(Completed::read(&mut reader)?),
            HOLD => Self::Hold { token: token(&mut reader)? },
            RELEASE => Self::Release { token: token(&mut reader)?, completed: Completed::read(&mut reader)? },
            _ => return Err(DecodeError::Kind(kind)),
        };
        reader.end()?;
        Ok(request)
    }

    /// Length of the message in bytes.
    #[must_use]
    pub const fn encoded_length(&self) -> usize {
        let body = match self {
            Self::Open(open) => open.program.len().saturating_add(24),
            Self::Send(send) => {
                send.records.len().saturating_mul(ADDRESS).saturating_add(send.data.len()).saturating_add(8)
            }
            Self::SetParameter(..) | Self::Receive(_) | Self::Release { .. } => 16,
            Self::Handles { .. } | Self::Complete(_) | Self::Hold { .. } => 8,
            Self::Shutdown(_) | Self::GetParameter(_) => 4,
            Self::Statistics => 0,
        };
        HEADER.saturating_add(body)
    }

    /// Writes the message to the front of `buffer`; gives its length.
    ///
    /// # Errors
    /// When the buffer is shorter than [`Request::encoded_length`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, TooSmall> {
        let length = self.encoded_length();
        let kind = match self {
            Self::Open(_) => OPEN,
            Self::Receive(_) => RECEIVE,
            Self::Send(_) => SEND,
            Self::Shutdown(_) => SHUTDOWN,
            Self::SetParameter(..) => SET_PARAMETER,
            Self::GetParameter(_) => GET_PARAMETER,
            Self::Statistics => STATISTICS,
            Self::Handles { .. } => HANDLES,
            Self::Complete(_) => COMPLETE,
            Self::Hold { .. } => HOLD,
            Self::Release { .. } => RELEASE,
        };
        let mut writer = begin(buffer, kind, length)?;
        match self {
            Self::Open(open) => {
                writer.u8(open.layer.number())?;
                writer.u8(0)?;
                writer.u16(open.priority.cast_unsigned())?;
                writer.u32(open.work_limit)?;
                writer.u64(open.flags.bits())?;
                writer.u32(u32::try_from(open.program.len()).map_err(|_| TooSmall)?)?;
                writer.u32(0)?;
                writer.bytes(open.program)?;
            }
            Self::Receive(receive) => {
                writer.u32(u32::from(receive.addresses))?;
                writer.u32(0)?;
                writer.u64(receive.hold)?;
            }
            Self::Send(send) => {
                writer.u32(small(send.records.len()))?;
                writer.u32(small(send.data.len()))?;
                writer.bytes(send.records.as_flattened())?;
                writer.bytes(send.data)?;
            }
            Self::Shutdown(how) => writer.u32(*how as u32)?,
            Self::SetParameter(parameter, value) => {
                writer.u32(parameter.number())?;
                writer.u32(0)?;
                writer.u64(*value)?;
            }
            Self::GetParameter(parameter) => writer.u32(parameter.number())?,
            Self::Statistics => {}
            Self::Handles { from } => writer.u64(*from)?,
            Self::Complete(completed) => completed.write(&mut writer)?,
            Self::Hold { token } => writer.u64(*token)?,
            Self::Release { token, completed } => {
                writer.u64(*token)?;
                completed.write(&mut writer)?;
            }
        }
        Ok(writer.written())
    }
}

impl<'a> Open<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let layer = reader.u8()?;
        if reader.u8()? != 0 {
            return Err(DecodeError::Reserved);
        }
        let layer = numbered(u32::from(layer), |_| Layer::from_number(layer))?;
        let priority = reader.u16()?.cast_signed();
        let work_limit = reader.u32()?;
        let flags = Flags::from_bits(reader.u64()?);
        let length = reader.u32()?;
        reader.zero32()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        count(length, MAX_PROGRAM)?;
        Ok(Self { layer, priority, flags, work_limit, program: reader.bytes(length)? })
    }
}

impl Receive {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let addresses = reader.u32()?;
        reader.zero32()?;
        let hold = reader.u64()?;
        match u8::try_from(addresses) {
            Ok(addresses) if addresses > 0 => Ok(Self { addresses, hold }),
            _ => Err(DecodeError::Count(addresses)),
        }
    }
}

impl Completed {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = match reader.u32()? {
            0 => None,
            number => Some(numbered(number, Code::from_number)?),
        };
        Ok(Self { code, length: reader.u32()? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooSmall> {
        writer.u32(self.code.map_or(0, Code::number))?;
        writer.u32(self.length)
    }
}

/// The name of a held request.
fn token(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.u64()? {
        0 => Err(DecodeError::Number(0)),
        token => Ok(token),
    }
}

impl<'a> Send<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let records = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        let data = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        count(records, MAX_BATCH)?;
        let (records, _) = reader.bytes(records.saturating_mul(ADDRESS))?.as_chunks();
        Self::new(records, reader.bytes(data)?)
    }
}

fn numbered<T>(number: u32, known: impl Fn(u32) -> Option<T>) -> Result<T, DecodeError> {
    known(number).ok_or(DecodeError::Number(number))
}

fn count(count: usize, most: usize) -> Result<(), DecodeError> {
    if (1..=most).contains(&count) { Ok(()) } else { Err(DecodeError::Count(small(count))) }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
