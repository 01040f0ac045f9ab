//! Packets: headers, hash, checksums, time to live.

use std::ffi::c_void;
use std::ptr::null_mut;

use divert_vm::checksum::{Leave, decrement_ttl, update};
use divert_vm::hash;
use divert_vm::packet::{Packet, Protocol, Version};

use crate::types::{BOOL, FALSE, TRUE, WINDIVERT_ADDRESS};
use crate::{Win32, guarded, memory};

/// Bits of the address record's bit field, byte 2 of it: the checksums are valid (reference §3).
const CHECKSUMS: usize = 8 + 2;
const IP_CHECKSUM: u8 = 1 << 5;
const TCP_CHECKSUM: u8 = 1 << 6;
const UDP_CHECKSUM: u8 = 1 << 7;

/// The hash of a packet's headers; 0 for what is no whole packet.
///
/// # Safety
/// `packet` is null or leads to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperHashPacket(
    packet: *const c_void,
    length: u32,
    seed: u64,
) -> u64 {
    guarded(0, || {
        // SAFETY: the caller's promise.
        let bytes = unsafe { memory::bytes(packet, length) }?;
        let packet = Packet::parse(bytes).map_err(|_| Win32::INVALID_PARAMETER)?;
        Ok(hash::packet(&packet, seed))
    })
}

/// Where the parts of a packet are. Every place may be null; a part that is not there is null.
///
/// # Safety
/// `packet` is null or leads to `length` readable bytes; all others are null or places for what they are named after.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperParsePacket(
    packet: *const c_void,
    length: u32,
    ip: *mut *mut c_void,
    ipv6: *mut *mut c_void,
    protocol: *mut u8,
    icmp: *mut *mut c_void,
    icmpv6: *mut *mut c_void,
    tcp: *mut *mut c_void,
    udp: *mut *mut c_void,
    data: *mut *mut c_void,
    data_length: *mut u32,
    next: *mut *mut c_void,
    next_length: *mut u32,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let bytes = unsafe { memory::bytes(packet, length) }?;
        let parsed = Packet::parse(bytes).map_err(|_| Win32::INVALID_PARAMETER)?;
        if parsed.is_truncated() {
            return Err(Win32::INVALID_PARAMETER);
        }
        let transport = parsed.transport();
        let end = parsed.end();
        let place = |at: usize, there: bool| {
            if there { packet.wrapping_byte_add(at).cast_mut() } else { null_mut() }
        };
        let header = |kind| place(transport.offset as usize, transport.kind == kind);
        let payload = end.saturating_sub(transport.payload as usize);
        let rest = bytes.len().saturating_sub(end);
        let small = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for (to, value) in [
            (ip, place(0, parsed.version() == Version::V4)),
            (ipv6, place(0, parsed.version() == Version::V6)),
            (icmp, header(Protocol::Icmp)),
            (icmpv6, header(Protocol::Icmpv6)),
            (tcp, header(Protocol::Tcp)),
            (udp, header(Protocol::Udp)),
            (data, place(transport.payload as usize, payload > 0)),
            (next, place(end, rest > 0)),
        ] {
            // SAFETY: the caller's promise.
            unsafe { memory::put(to, value) };
        }
        // SAFETY: the caller's promise.
        unsafe { memory::put(protocol, transport.number) };
        // SAFETY: the caller's promise.
        unsafe { memory::put(data_length, small(payload)) };
        // SAFETY: the caller's promise.
        unsafe { memory::put(next_length, small(rest)) };
        Ok(TRUE)
    })
}

/// Writes the checksums of a packet, and says in `address` (which may be null) which are valid now.
///
/// # Safety
/// `packet` is null or leads to `length` writable bytes; `address` is null or leads to an address record.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperCalcChecksums(
    packet: *mut c_void,
    length: u32,
    address: *mut WINDIVERT_ADDRESS,
    flags: u64,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let bytes = unsafe { memory::bytes_mut(packet, length) }?;
        let done = update(bytes, Leave::from_flags(flags));
        // SAFETY: the caller's promise; a record is any 80 bytes.
        if let Ok(WINDIVERT_ADDRESS(mut record)) = unsafe { memory::read(address) } {
            for (bit, written) in [(IP_CHECKSUM, done.ip), (TCP_CHECKSUM, done.tcp), (UDP_CHECKSUM, done.udp)]
            {
                if let Some(byte) = record.get_mut(CHECKSUMS).filter(|_| written) {
                    *byte |= bit;
                }
            }
            // SAFETY: it was read there.
            unsafe { memory::put(address, WINDIVERT_ADDRESS(record)) };
        }
        if done.ok { Ok(TRUE) } else { Err(Win32::INVALID_PARAMETER) }
    })
}

/// Decrements the time to live or hop limit; FALSE, with nothing changed, when it is 0 or 1.
///
/// # Safety
/// `packet` is null or leads to `length` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperDecrementTTL(packet: *mut c_void, length: u32) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let bytes = unsafe { memory::bytes_mut(packet, length) }?;
        if decrement_ttl(bytes) { Ok(TRUE) } else { Err(Win32::INVALID_PARAMETER) }
    })
}
