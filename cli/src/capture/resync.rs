//! Finding the way back after damage: the first place from where on records make sense again.
//!
//! Both searches look at each byte once, only forward, and look ahead at a bounded number of bytes that the window
//! keeps; so they are linear and always end.

use std::io::Read;

use super::pcap::Layout;
use super::pcapng;
use super::window::Window;

/// Records within this many seconds of the last good one (30 days) are believed sooner. Packets can contain captures
/// themselves (a download of one); their times are usually others.
const NEAR: u32 = 30 * 24 * 3600;

/// Whether two records may well be of one capture. What is read as a header where none is nearly always has a time far
/// from all others, even if its lengths make sense.
#[inline(always)]
pub(super) fn is_near(secs: u32, other: u32) -> bool {
    secs.abs_diff(other) <= NEAR
}

/// Frames longer than this on the wire do not exist; the largest segments that network stacks pass on have 0.5 MB.
pub(super) const MAX_ORIGINAL: u32 = 1 << 24;

/// Consecutive headers that must make sense, the first one included, if it is near in time.
const CHAIN: usize = 2;

/// The same if it is not near, or there is another way to read on: the capture may have paused, or be merged from others.
const FAR_CHAIN: usize = 4;

/// Moves the window to the next pcap record after the damaged one that it stands at, or to the end: then false.
pub(super) fn next_record<R: Read>(layout: &Layout, last_secs: Option<u32>, window: &mut Window<R>) -> bool {
    window.advance(1);
    while window.ensure(layout.header_len) {
        let bytes = window.bytes();
        let candidates = bytes.len() - layout.header_len + 1;
        let found = (0..candidates)
            .find(|&at| bytes.get(at..).is_some_and(|bytes| record_length(layout, None, bytes).is_some()));
        let Some(at) = found else {
            window.advance(candidates);
            continue;
        };
        window.advance(at);
        let near = match (last_secs, layout.head(window.bytes())) {
            (Some(last), Some(head)) => is_near(head.secs, last),
            (None, _) | (_, None) => true,
        };
        if has_chain(layout, window, 0, if near { CHAIN } else { FAR_CHAIN }) {
            return true;
        }
        window.advance(1);
    }
    window.advance(layout.header_len);
    false
}

/// Length of the record at the front of `bytes` if its header has nothing odd at all, time included.
fn record_length(layout: &Layout, secs: Option<u32>, bytes: &[u8]) -> Option<usize> {
    let head = layout.head(bytes)?;
    let sensible = (1..=layout.usual_frame).contains(&head.captured)
        && head.original >= head.captured
        && head.original <= MAX_ORIGINAL
        && head.fraction < layout.second()
        && secs.is_none_or(|secs| is_near(head.secs, secs));
    sensible.then_some(layout.header_len + head.captured as usize)
}

/// Where records of a time near to this begin among the first `length` bytes, not counting the very first. Where bytes are
/// missing or too many, what is read as headers can make sense forever, each as far beside the true one. Where clocks began
/// at zero, times prove nothing: small numbers are everywhere.
///
/// The caller goes on there, or behind all of the bytes; so no byte is looked at again and again.
pub(super) fn within<R: Read>(
    layout: &Layout,
    secs: u32,
    window: &mut Window<R>,
    length: usize,
) -> Option<usize> {
    window.ensure(length + layout.header_len);
    (1..length).filter(|_| secs > NEAR).find(|&at| {
        let bytes = window.bytes().get(at..).unwrap_or_default();
        record_length(layout, Some(secs), bytes).is_some() && has_chain(layout, window, at, FAR_CHAIN)
    })
}

/// Whether sensible records follow each other from this position in the window on, `count` of them or up to the end of
/// the file; the last may be cut there, but not the first.
fn has_chain<R: Read>(layout: &Layout, window: &mut Window<R>, mut at: usize, count: usize) -> bool {
    let mut secs = None;
    for number in 0..count {
        window.ensure(at + layout.header_len);
        let rest = window.bytes().get(at..).unwrap_or_default();
        if number > 0 && rest.len() < layout.header_len {
            return true;
        }
        let Some(length) = record_length(layout, secs, rest) else {
            return false;
        };
        secs = layout.head(rest).map(|head| head.secs);
        at += length;
        if !window.ensure(at) {
            return number > 0;
        }
    }
    true
}

/// Moves the window to the next pcapng block after the damaged one that it stands at, or to the end: then false.
///
/// A block is believed if its type is a known one, its length possible for that type, and repeated at its end.
pub(super) fn next_block<R: Read>(big_endian: bool, window: &mut Window<R>) -> bool {
    window.advance(1);
    while window.ensure(pcapng::MIN_BLOCK) {
        let bytes = window.bytes();
        let candidates = bytes.len() - pcapng::MIN_BLOCK + 1;
        let found = (0..candidates).find(|&at| {
            bytes.get(at..).is_some_and(|bytes| pcapng::known_block(bytes, big_endian).is_some())
        });
        let Some(at) = found else {
            window.advance(candidates);
            continue;
        };
        window.advance(at);
        if let Some((length, order)) = pcapng::known_block(window.bytes(), big_endian)
            && window.ensure(length as usize)
            && pcapng::trailer(window.bytes(), length, order) == Some(length)
        {
            return true;
        }
        window.advance(1);
    }
    window.advance(pcapng::MIN_BLOCK);
    false
}
