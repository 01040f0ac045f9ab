//! Receiving: waiting for it, or overlapped.

use std::cell::RefCell;
use std::ffi::c_void;

use divert_driver_client::windows::control;
use divert_driver_protocol::limits::{ADDRESS, MAX_BATCH_DATA};
use divert_driver_protocol::{Code, ControlCode, Layout, Receive, Request};

use super::borrowed;
use super::overlapped::{Caller, begin};
use super::request::{STRANGE, encoded};
use crate::types::{BOOL, FALSE, HANDLE, OVERLAPPED, TRUE, WINDIVERT_ADDRESS};
use crate::{Win32, guarded, memory};

/// Where the caller wants what is received.
#[derive(Clone, Copy)]
pub(super) struct Places {
    packet: *mut c_void,
    length: u32,
    received: *mut u32,
    address: *mut WINDIVERT_ADDRESS,
    address_length: *mut u32,
    addresses: u8,
}

impl Places {
    pub(super) fn layout(&self) -> Result<(usize, Layout), Win32> {
        // More than the longest batch cannot be used, and need not be asked for.
        let data = (self.length as usize).min(MAX_BATCH_DATA);
        let length = Layout::length(self.addresses, data);
        let layout = Layout::new(length, self.addresses).map_err(|_| Win32::INVALID_PARAMETER)?;
        Ok((length, layout))
    }

    /// The request, on behalf of a held one or of none (0).
    pub(super) fn message(&self, hold: u64) -> Result<Vec<u8>, Win32> {
        encoded(&Request::Receive(Receive { addresses: self.addresses, hold }))
    }

    /// Copies out what lies in `buffer`; gives its length, and 122 when it is truncated.
    ///
    /// # Safety
    /// The places are what the caller of [`WinDivertRecvEx`] promises.
    pub(super) unsafe fn fill(&self, layout: Layout, buffer: &[u8]) -> Result<(u32, Option<Code>), Win32> {
        let found = layout.read(buffer).map_err(|_| STRANGE)?;
        let length = u32::try_from(found.data.len()).map_err(|_| STRANGE)?;
        // SAFETY: the caller's promise; the driver gives no more than it was asked for.
        let packet = unsafe { memory::bytes_mut(self.packet, length.min(self.length)) }?;
        packet.copy_from_slice(found.data.get(..packet.len()).unwrap_or(&[]));
        let records = found.addresses().take(usize::from(self.addresses));
        if !self.address.is_null() {
            for (number, address) in records.enumerate() {
                let place = self.address.wrapping_add(number);
                // SAFETY: there is room for as many records as were asked for.
                unsafe { memory::put(place, WINDIVERT_ADDRESS(address.encode())) };
            }
        }
        let address_length = u32::try_from(found.len() * ADDRESS).map_err(|_| STRANGE)?;
        // SAFETY: the caller's promise.
        unsafe { memory::put(self.address_length, address_length) };
        Ok((length, found.code))
    }
}

thread_local! {
    #[allow(clippy::missing_const_for_thread_local, reason = "it is const; the lint does not see it on this target")]
    /// For what is received before it is copied to where the caller wants it.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Receives one packet or event, waiting as long as it takes. All places may be null. FALSE and 122 for a packet that is
/// there in part.
///
/// # Safety
/// As [`WinDivertRecvEx`] for one record.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertRecv(
    handle: HANDLE,
    packet: *mut c_void,
    length: u32,
    received: *mut u32,
    address: *mut WINDIVERT_ADDRESS,
) -> BOOL {
    let none = std::ptr::null_mut();
    // SAFETY: the caller's promise.
    unsafe { WinDivertRecvEx(handle, packet, length, received, 0, address, none, std::ptr::null_mut()) }
}

/// Receives as many packets or events as are there and fit, one at least: back to back in `packet`, their records in
/// `address`, for which `address_length` says how many bytes there are and then how many were filled (without it: one
/// record). With an overlapped structure the call does not wait; packets and records are in place before the structure
/// says that it has ended.
///
/// # Safety
/// `handle` is no handle, or one that stays open during the call; `packet` is null or leads to `length` writable bytes;
/// `address` is null or leads to as many as `address_length` leads to; the others are null or places for what they are
/// named after. With an overlapped structure all of it stays until the call has ended.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertRecvEx(
    handle: HANDLE,
    packet: *mut c_void,
    length: u32,
    received: *mut u32,
    flags: u64,
    address: *mut WINDIVERT_ADDRESS,
    address_length: *mut u32,
    overlapped: *mut OVERLAPPED,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let file = unsafe { borrowed(handle) }?;
        let addresses = if address.is_null() || address_length.is_null() {
            1
        } else {
            // SAFETY: the caller's promise.
            let bytes = unsafe { memory::read(address_length) }? as usize;
            u8::try_from(bytes / ADDRESS).ok().filter(|_| bytes.is_multiple_of(ADDRESS)).unwrap_or(0)
        };
        if flags != 0 || addresses == 0 || (packet.is_null() && length > 0) {
            return Err(Win32::INVALID_PARAMETER);
        }
        let places = Places { packet, length, received, address, address_length, addresses };
        let (size, layout) = places.layout()?;
        if let Some(caller) = Caller::new(handle, overlapped) {
            return begin(caller, places, size, layout);
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            let buffer = buffer.get_mut(..size).ok_or(Win32::INTERNAL)?;
            control(file, ControlCode::Receive, &places.message(0)?, buffer)
                .map_err(|failure| Win32(failure.0))?;
            // SAFETY: the caller's promise.
            let (length, code) = unsafe { places.fill(layout, buffer) }?;
            // SAFETY: the caller's promise.
            unsafe { memory::put(places.received, length) };
            code.map_or(Ok(TRUE), |code| Err(Win32(code.number())))
        })
    })
}
