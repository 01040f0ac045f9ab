//! Filters: compiling, evaluating, formatting.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::LazyLock;

use divert_driver_client::{Address, Data, Filter, FilterError};
use divert_vm::input::Address as Facts;
use divert_vm::packet::Version;
use divert_vm::{Event, Input, Layer, Packet, Reflected};

use super::address::written;
use crate::types::{BOOL, FALSE, TRUE, WINDIVERT_ADDRESS};
use crate::{Win32, guarded, last_error, memory};

const NO_ERROR: &CStr = c"No error";
const TOO_SHORT: &CStr = c"the filter object buffer is too short";
const BAD_OBJECT: &CStr = c"the filter object is invalid";
const TOO_LARGE: &CStr = c"the filter is too large";
const BAD_LAYER: &CStr = c"the layer does not exist";
const NO_TEXT: &CStr = c"the filter is not UTF-8 text";
const NO_FILTER: &CStr = c"there is no filter";

/// What each kind of mistake is, as texts that live as long as the library: callers keep the pointer.
static MISTAKES: LazyLock<HashMap<&'static str, CString>> = LazyLock::new(|| {
    let grammar = divert_grammar::codes::CODES.iter().map(|(code, _, text)| (*code, *text));
    let compiler = divert_compiler::codes::CODES.iter().map(|entry| (entry.code, entry.explanation));
    grammar.chain(compiler).filter_map(|(code, text)| Some((code, CString::new(text).ok()?))).collect()
});

/// A filter that was not taken.
pub(crate) struct Mistake {
    text: &'static CStr,
    position: u32,
    code: Win32,
}

impl Mistake {
    const fn new(text: &'static CStr) -> Self {
        Self { text, position: 0, code: Win32::INVALID_PARAMETER }
    }

    /// The Win32 code.
    #[cfg(windows)]
    pub(crate) const fn code(&self) -> Win32 {
        self.code
    }

    fn of(error: &FilterError, source: &str) -> Self {
        let text = match error.code.and_then(|code| MISTAKES.get(code)) {
            Some(text) => text.as_c_str(),
            None if source.starts_with('@') => BAD_OBJECT,
            None => TOO_LARGE,
        };
        // The place within an object means nothing to whoever did not write it.
        let position = if source.starts_with('@') { 0 } else { u32::try_from(error.position).unwrap_or(0) };
        Self { text, position, code: Win32::INVALID_PARAMETER }
    }
}

/// The layer with this number.
pub(crate) fn layer(number: u32) -> Option<Layer> {
    Layer::from_number(u8::try_from(number).ok()?)
}

/// Compiles a text or reads an object.
///
/// # Safety
/// `filter` is null or a text with a zero at its end.
pub(crate) unsafe fn compile(filter: *const c_char, number: u32) -> Result<Filter, Mistake> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { memory::text(filter) }.map_err(|_| Mistake::new(NO_FILTER))?;
    let layer = layer(number).ok_or(const { Mistake::new(BAD_LAYER) })?;
    let text = str::from_utf8(bytes).map_err(|error| Mistake {
        position: u32::try_from(error.valid_up_to()).unwrap_or(0),
        ..Mistake::new(NO_TEXT)
    })?;
    Filter::compile(text, layer).map_err(|error| Mistake::of(&error, text))
}

/// Compiles a filter to an object text, which stands for the filter wherever one is wanted. All but the filter and the
/// layer may be null. The error text is static.
///
/// # Safety
/// `filter` is null or a text with a zero at its end; `object` is null or leads to `length` writable bytes; `error` and
/// `position` are null or places for what they are named after.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperCompileFilter(
    filter: *const c_char,
    layer: u32,
    object: *mut c_char,
    length: u32,
    error: *mut *const c_char,
    position: *mut u32,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let compiled = unsafe { compile(filter, layer) }.and_then(|compiled| {
            if object.is_null() {
                return Ok(());
            }
            let text = compiled.object().map_err(|_| Mistake::new(TOO_LARGE))?;
            // SAFETY: the caller's promise.
            match unsafe { written(&text, object, length) } {
                Ok(_) => Ok(()),
                Err(code) => Err(Mistake { code, ..Mistake::new(TOO_SHORT) }),
            }
        });
        let (text, place) = match &compiled {
            Ok(()) => (NO_ERROR, 0),
            Err(mistake) => (mistake.text, mistake.position),
        };
        // SAFETY: the caller's promise.
        unsafe { memory::put(error, text.as_ptr()) };
        // SAFETY: the caller's promise.
        unsafe { memory::put(position, place) };
        compiled.map(|()| TRUE).map_err(|mistake| mistake.code)
    })
}

/// Whether a filter matches. FALSE with last error 0 when it does not; 87 when it is no filter, or packet and address
/// do not go together. At FLOW, SOCKET and REFLECT there is no packet.
///
/// # Safety
/// `filter` is null or a text with a zero at its end; `packet` is null or leads to `length` readable bytes; `address` is
/// null or leads to an address record.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperEvalFilter(
    filter: *const c_char,
    packet: *const c_void,
    length: u32,
    address: *const WINDIVERT_ADDRESS,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise; a record is any 80 bytes.
        let WINDIVERT_ADDRESS(record) = unsafe { memory::read(address) }?;
        let address = Address::decode(&record);
        // SAFETY: the caller's promise.
        let filter = unsafe { compile(filter, u32::from(address.layer)) }.map_err(|mistake| mistake.code)?;
        let bytes = if packet.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { memory::bytes(packet, length) }?)
        };
        let matched = judge(&filter, bytes, &address).ok_or(Win32::INVALID_PARAMETER)?;
        last_error::set(0);
        Ok(BOOL::from(matched))
    })
}

/// `None` when packet and address do not go together.
fn judge(filter: &Filter, bytes: Option<&[u8]>, address: &Address) -> Option<bool> {
    let verified = filter.verified().ok()?;
    let Address { timestamp, outbound, loopback, impostor, .. } = *address;
    let (if_idx, sub_if_idx) = match address.data {
        Data::Network { if_idx, sub_if_idx } => (if_idx, sub_if_idx),
        Data::Endpoint(_) | Data::Reflect(_) => (0, 0),
    };
    let facts = Facts { timestamp, outbound, loopback, impostor, if_idx, sub_if_idx };
    let layer = filter.layer();
    let event = Event::from_number(address.event).filter(|event| event.happens_at(layer))?;
    match (layer, &address.data) {
        (Layer::Network | Layer::Forward, _) => {
            let packet = Packet::parse(bytes?).ok()?;
            if (packet.version() == Version::V6) != address.ipv6 {
                return None;
            }
            let input = if layer == Layer::Forward { Input::forward } else { Input::network };
            Some(verified.matches(&input(&packet, &facts)))
        }
        (Layer::Flow | Layer::Socket, Data::Endpoint(endpoint)) => {
            if bytes.is_some() {
                return None;
            }
            let input = if layer == Layer::Flow { Input::flow } else { Input::socket };
            Some(verified.matches(&input(event, endpoint, &facts).ok()?))
        }
        (Layer::Reflect, Data::Reflect(handle)) => {
            let reflected = Reflected {
                process_id: handle.process_id,
                layer: crate::helper::filter::layer(handle.layer)?,
                priority: handle.priority,
            };
            Some(verified.matches(&Input::reflect(event, &reflected, &facts).ok()?))
        }
        _ => None,
    }
}

/// Writes a filter as text that is a filter again; 122 when it does not fit.
///
/// # Safety
/// `filter` is null or a text with a zero at its end; `buffer` is null or leads to `length` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WinDivertHelperFormatFilter(
    filter: *const c_char,
    layer: u32,
    buffer: *mut c_char,
    length: u32,
) -> BOOL {
    guarded(FALSE, || {
        // SAFETY: the caller's promise.
        let filter = unsafe { compile(filter, layer) }.map_err(|mistake| mistake.code)?;
        let text = filter.text().map_err(|_| Win32::INTERNAL)?;
        // SAFETY: the caller's promise.
        unsafe { written(&text, buffer, length) }
    })
}
