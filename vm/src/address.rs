//! Addresses as text (language notes §1 and §8): what the filter language reads and what the formatter writes.

use core::fmt;

use crate::field::is_ipv4_mapped;

/// Reads `d.d.d.d`: four decimal groups of 0 to 255, leading zeros allowed and decimal, nothing else.
#[must_use]
pub fn parse_ipv4(text: &str) -> Option<u32> {
    dotted(text.as_bytes())
}

// The readers work on bytes: `str::find` and `str::split` hold panics (on paths that cannot be taken) which the proof in
// `nopanic` finds.

fn dotted(text: &[u8]) -> Option<u32> {
    let mut groups = text.split(|byte| *byte == b'.');
    let mut address = 0_u32;
    for _ in 0..4 {
        address = address << 8 | u32::from(decimal_octet(groups.next()?)?);
    }
    groups.next().is_none().then_some(address)
}

fn decimal_octet(text: &[u8]) -> Option<u8> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u8, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads an IPv6 address (RFC 4291 §2.2): eight groups of one to four hexadecimal digits, one `::` for one or more
/// zero groups, the last two groups perhaps as a dotted IPv4 address.
#[must_use]
pub fn parse_ipv6(text: &str) -> Option<u128> {
    let text = text.as_bytes();
    let (before, after) = match text.windows(2).position(|pair| pair == b"::") {
        Some(at) => (text.get(..at)?, Some(text.get(at.checked_add(2)?..)?)),
        None => (text, None),
    };
    let (high, high_groups) = groups(before, after.is_none())?;
    let Some(after) = after else { return (high_groups == 8).then_some(high) };
    let (low, low_groups) = groups(after, true)?;
    // `::` stands for one group at least.
    if high_groups.checked_add(low_groups)? > 7 {
        return None;
    }
    let shift = 8_u32.checked_sub(high_groups)?.checked_mul(16)?;
    Some(high.checked_shl(shift).unwrap_or(0) | low)
}

/// Reads groups separated by `:`; none when empty. Gives their value and how many there are.
fn groups(text: &[u8], dotted_tail: bool) -> Option<(u128, u32)> {
    let (mut value, mut count) = (0_u128, 0_u32);
    if text.is_empty() {
        return Some((value, count));
    }
    let mut parts = text.split(|byte| *byte == b':').peekable();
    while let Some(part) = parts.next() {
        let (bits, size) = if dotted_tail && parts.peek().is_none() && part.contains(&b'.') {
            (dotted(part)?, 2)
        } else {
            (u32::from(hexadecimal_group(part)?), 1)
        };
        count = count.checked_add(size)?;
        if count > 8 {
            return None;
        }
        value = value << (if size == 2 { 32 } else { 16 }) | u128::from(bits);
    }
    Some((value, count))
}

fn hexadecimal_group(text: &[u8]) -> Option<u16> {
    if text.is_empty() || text.len() > 4 {
        return None;
    }
    text.iter().try_fold(0_u16, |value, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(value << 4 | digit as u16)
    })
}

/// An IPv4 address, displayed as `10.0.0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4(pub u32);

impl fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0.to_be_bytes();
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// A 128-bit address as WinDivert displays it: IPv4-mapped as `10.0.0.1`; else hexadecimal groups without leading
/// zeros, the longest run of zero groups (the first of equal ones, a single group too) as `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6(pub u128);

impl fmt::Display for Ipv6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_ipv4_mapped(self.0) {
            return Ipv4((self.0 & 0xFFFF_FFFF) as u32).fmt(f);
        }
        let (start, length) = longest_zero_run(self.0);
        let run = start..start.saturating_add(length);
        let mut separated = true;
        for position in 0..8 {
            if position == start && length > 0 {
                f.write_str("::")?;
                separated = true;
            }
            if !run.contains(&position) {
                f.write_str(if separated { "" } else { ":" })?;
                write!(f, "{:x}", group(self.0, position))?;
                separated = false;
            }
        }
        Ok(())
    }
}

/// Writes `text` and a NUL to the front of `buffer`, as the C interface wants it. Gives the length without the NUL, or
/// `None` when there is no room for all of it.
pub fn write_terminated(text: impl fmt::Display, buffer: &mut [u8]) -> Option<usize> {
    struct Front<'b> {
        buffer: &'b mut [u8],
        used: usize,
    }
    impl fmt::Write for Front<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = self.used.checked_add(text.len()).ok_or(fmt::Error)?;
            self.buffer.get_mut(self.used..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
            self.used = end;
            Ok(())
        }
    }
    let mut front = Front { buffer, used: 0 };
    fmt::write(&mut front, format_args!("{text}\0")).ok()?;
    front.used.checked_sub(1)
}

fn group(address: u128, position: u32) -> u16 {
    let [high, low] = match address.to_be_bytes().as_chunks::<2>().0.get(position as usize) {
        Some(bytes) => *bytes,
        None => [0, 0],
    };
    u16::from_be_bytes([high, low])
}

/// Position and length of the longest run of zero groups; length 0 when there is none.
fn longest_zero_run(address: u128) -> (u32, u32) {
    let (mut best, mut run) = ((0, 0), 0_u32);
    for position in 0..8_u32 {
        run = if group(address, position) == 0 { run.saturating_add(1) } else { 0 };
        if run > best.1 {
            best = (position.saturating_add(1).saturating_sub(run), run);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;

    #[test]
    fn ipv6_text() {
        for (text, shown) in [
            ("::", "::"),
            ("1::", "1::"),
            ("::1", "::1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"),
            ("1:0:2:0:3:0:4:0", "1::2:0:3:0:4:0"),
            ("::1.2.3.4", "::102:304"),
            ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7::"),
            ("0:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8"),
        ] {
            assert_eq!(Ipv6(parse_ipv6(text).unwrap()).to_string(), shown, "{text}");
        }
        for text in [
            "",
            ":",
            ":::",
            "1::2::3",
            "1:2:3:4:5:6:7",
            "1::2:3:4:5:6:7:8",
            "::1:2:3:4:5:6:7:8",
            "1.2.3.4",
            "0:1.2.3.4",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8:",
            "12345::",
            "::1.2.3",
            "1.2.3.4::",
            "::g",
            "::1.2.3.4:5",
        ] {
            assert_eq!(parse_ipv6(text), None, "{text}");
        }
    }
}
