//! The address record: 80 bytes that say where a packet or an event comes from (reference §3).

use divert_vm::Endpoint;

use crate::limits::ADDRESS;
use crate::wire::{Reader, TooSmall, Writer};

/// An address record, decoded. Reserved bits are ignored when read and written as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Address {
    /// When it happened, in ticks of the performance counter.
    pub timestamp: i64,
    /// Number of the layer; decides what [`Data`] is.
    pub layer: u8,
    /// Number of the event.
    pub event: u8,
    /// It was copied, not blocked.
    pub sniffed: bool,
    /// Outbound; else inbound.
    pub outbound: bool,
    /// Loopback traffic.
    pub loopback: bool,
    /// Injected by another driver.
    pub impostor: bool,
    /// IPv6; else IPv4.
    pub ipv6: bool,
    /// The IPv4 header checksum is valid; on send: is left alone.
    pub ip_checksum: bool,
    /// The TCP checksum is valid; on send: is left alone.
    pub tcp_checksum: bool,
    /// The UDP checksum is valid; on send: is left alone.
    pub udp_checksum: bool,
    /// What the layer adds.
    pub data: Data,
}

/// The part of the record that depends on the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// NETWORK and NETWORK_FORWARD; also what a layer number without meaning is read as.
    Network {
        /// Interface.
        if_idx: u32,
        /// Sub-interface.
        sub_if_idx: u32,
    },
    /// FLOW and SOCKET. Whether it is IPv6 stands in the bit field, not here.
    Endpoint(Endpoint),
    /// REFLECT.
    Reflect(Reflect),
}

/// A handle, as REFLECT sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reflect {
    /// When it was opened, in ticks.
    pub timestamp: i64,
    /// Process that opened it.
    pub process_id: u32,
    /// Number of its layer.
    pub layer: u32,
    /// Its flags.
    pub flags: u64,
    /// Its priority.
    pub priority: i16,
}

impl Default for Data {
    fn default() -> Self {
        Self::Network { if_idx: 0, sub_if_idx: 0 }
    }
}

const SNIFFED: u32 = 1 << 16;
const OUTBOUND: u32 = 1 << 17;
const LOOPBACK: u32 = 1 << 18;
const IMPOSTOR: u32 = 1 << 19;
const IPV6: u32 = 1 << 20;
const IP_CHECKSUM: u32 = 1 << 21;
const TCP_CHECKSUM: u32 = 1 << 22;
const UDP_CHECKSUM: u32 = 1 << 23;

impl Address {
    /// Reads a record; every 80 bytes are one.
    #[must_use]
    pub fn decode(bytes: &[u8; ADDRESS]) -> Self {
        // The record has the length that is read: the default is never what is returned.
        Self::read(&mut Reader::new(bytes)).unwrap_or_default()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, crate::DecodeError> {
        let timestamp = reader.u64()?.cast_signed();
        let bits = reader.u32()?;
        let _reserved = reader.u32()?;
        let [layer, event, ..] = bits.to_le_bytes();
        let ipv6 = bits & IPV6 != 0;
        let data = match layer {
            2 | 3 => Data::Endpoint(read_endpoint(reader, ipv6)?),
            4 => Data::Reflect(read_reflect(reader)?),
            _ => Data::Network { if_idx: reader.u32()?, sub_if_idx: reader.u32()? },
        };
        Ok(Self {
            timestamp,
            layer,
            event,
            sniffed: bits & SNIFFED != 0,
            outbound: bits & OUTBOUND != 0,
            loopback: bits & LOOPBACK != 0,
            impostor: bits & IMPOSTOR != 0,
            ipv6,
            ip_checksum: bits & IP_CHECKSUM != 0,
            tcp_checksum: bits & TCP_CHECKSUM != 0,
            udp_checksum: bits & UDP_CHECKSUM != 0,
            data,
        })
    }

    /// The record as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; ADDRESS] {
        let mut bytes = [0; ADDRESS];
        // As above: it has room for every member.
        let _ = self.write(&mut Writer::new(&mut bytes));
        bytes
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooSmall> {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        writer.u64(self.timestamp.cast_unsigned())?;
        writer.u32(
            u32::from(self.layer)
                | u32::from(self.event) << 8
                | bit(self.sniffed, SNIFFED)
                | bit(self.outbound, OUTBOUND)
                | bit(self.loopback, LOOPBACK)
                | bit(self.impostor, IMPOSTOR)
                | bit(self.ipv6, IPV6)
                | bit(self.ip_checksum, IP_CHECKSUM)
                | bit(self.tcp_checksum, TCP_CHECKSUM)
                | bit(self.udp_checksum, UDP_CHECKSUM),
        )?;
        writer.u32(0)?;
        match &self.data {
            Data::Network { if_idx, sub_if_idx } => {
                writer.u32(*if_idx)?;
                writer.u32(*sub_if_idx)
            }
            Data::Endpoint(endpoint) => write_endpoint(writer, endpoint),
            Data::Reflect(handle) => {
                writer.u64(handle.timestamp.cast_unsigned())?;
                writer.u32(handle.process_id)?;
                writer.u32(handle.layer)?;
                writer.u64(handle.flags)?;
                writer.u16(handle.priority.cast_unsigned())
            }
        }
    }
}

/// Reads the members in their order. Addresses are words with the least significant first, which is a little-endian
/// number of 128 bits.
fn read_endpoint(reader: &mut Reader<'_>, ipv6: bool) -> Result<Endpoint, crate::DecodeError> {
    let (endpoint_id, parent_endpoint_id, process_id) = (reader.u64()?, reader.u64()?, reader.u32()?);
    let (local_low, local_high) = (reader.u64()?, reader.u64()?);
    let (remote_low, remote_high) = (reader.u64()?, reader.u64()?);
    Ok(Endpoint {
        ipv6,
        endpoint_id,
        parent_endpoint_id,
        process_id,
        local_addr: u128::from(local_high) << 64 | u128::from(local_low),
        remote_addr: u128::from(remote_high) << 64 | u128::from(remote_low),
        local_port: reader.u16()?,
        remote_port: reader.u16()?,
        protocol: reader.u8()?,
    })
}

fn write_endpoint(writer: &mut Writer<'_>, endpoint: &Endpoint) -> Result<(), TooSmall> {
    let Endpoint {
        ipv6: _,
        endpoint_id,
        parent_endpoint_id,
        process_id,
        local_addr,
        remote_addr,
        local_port,
        remote_port,
        protocol,
    } = *endpoint;
    writer.u64(endpoint_id)?;
    writer.u64(parent_endpoint_id)?;
    writer.u32(process_id)?;
    writer.bytes(&local_addr.to_le_bytes())?;
    writer.bytes(&remote_addr.to_le_bytes())?;
    writer.u16(local_port)?;
    writer.u16(remote_port)?;
    writer.u8(protocol)
}

fn read_reflect(reader: &mut Reader<'_>) -> Result<Reflect, crate::DecodeError> {
    Ok(Reflect {
        timestamp: reader.u64()?.cast_signed(),
        process_id: reader.u32()?,
        layer: reader.u32()?,
        flags: reader.u64()?,
        priority: reader.u16()?.cast_signed(),
    })
}
