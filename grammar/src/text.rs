//! Byte strings: what stands between the quotes, and the bytes it means.

use core::ops::Range;

/// Replaces the escapes of a string's inside. Calls `bad` with the place of each escape that does not exist; such an
/// escape stands for nothing.
pub(crate) fn unescape(raw: &str, mut bad: impl FnMut(Range<usize>)) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut characters = raw.char_indices();
    while let Some((start, character)) = characters.next() {
        if character != '\\' {
            let end = start + character.len_utf8();
            bytes.extend_from_slice(raw.get(start..end).unwrap_or("").as_bytes());
            continue;
        }
        let rest = characters.as_str();
        match rest.chars().next() {
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('0') => bytes.push(0),
            Some(same @ ('\\' | '"')) => bytes.extend(u8::try_from(same)),
            Some('x') => {
                let digits = rest.bytes().skip(1).take(2).take_while(u8::is_ascii_hexdigit).count();
                match rest.get(1..3).filter(|_| digits == 2).map(|hex| u8::from_str_radix(hex, 16)) {
                    Some(Ok(byte)) => bytes.push(byte),
                    _ => bad(start..start + 2 + digits),
                }
                for _ in 0..digits {
                    characters.next();
                }
            }
            Some(other) => bad(start..start + 1 + other.len_utf8()),
            None => bad(start..start + 1),
        }
        characters.next();
    }
    bytes.into()
}
