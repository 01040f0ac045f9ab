//! The extension headers of an IPv6 packet, as far as a filter can tell them apart.

/// Hop-by-hop options, routing, destination options, mobility: 8 bytes and multiples.
pub(super) const OPTIONS: [u8; 4] = [0, 43, 60, 135];
pub(super) const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// Longest header with options in bytes.
pub(super) const LONGEST_OPTIONS: u32 = 2048;
/// Longest authentication header in bytes.
pub(super) const LONGEST_AUTHENTICATION: u32 = 1028;

/// The headers that are skipped on the way to the transport header, with their lengths.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Chain {
    headers: Vec<(u8, u32)>,
    later: bool,
}

impl Chain {
    /// A chain of `size` bytes that begins with the header `first`; with a fragment header if `fragment`, at its end if
    /// it is of a later fragment. `None` when there is no such chain.
    pub(super) fn of(first: u8, size: u32, fragment: bool, later: bool) -> Option<Self> {
        if size == 0 {
            return (!fragment && !later).then(Self::default);
        }
        let mut headers = Vec::new();
        if first == FRAGMENT {
            headers.push((FRAGMENT, 8));
            let behind = if size.is_multiple_of(8) { DESTINATION_OPTIONS } else { AUTHENTICATION };
            options(behind, size.checked_sub(8)?, &mut headers)?;
            return (fragment && (!later || size == 8)).then_some(Self { headers, later });
        }
        let before = if fragment { size.checked_sub(8).filter(|before| *before > 0)? } else { size };
        options(first, before, &mut headers)?;
        if fragment {
            headers.push((FRAGMENT, 8));
        }
        (fragment || !later).then_some(Self { headers, later })
    }

    /// Number of the header behind the fixed one, if it is one of the chain's.
    pub(super) fn first(&self) -> Option<u8> {
        self.headers.first().map(|header| header.0)
    }

    pub(super) fn size(&self) -> u32 {
        self.headers.iter().map(|header| header.1).sum()
    }

    pub(super) fn has_fragment(&self) -> bool {
        self.headers.iter().any(|header| header.0 == FRAGMENT)
    }

    pub(super) const fn is_later(&self) -> bool {
        self.later
    }

    /// Where the number of the header behind the chain stands, in bytes from the chain's beginning.
    pub(super) fn number_at(&self) -> Option<u32> {
        let last = self.headers.last()?;
        Some(self.size() - last.1)
    }

    /// The bytes that make it this chain, with their places; all but [`Chain::number_at`].
    pub(super) fn bytes(&self) -> Vec<(u32, u8)> {
        let mut bytes = Vec::new();
        let mut at = 0;
        for (number, (kind, size)) in self.headers.iter().enumerate() {
            if let Some(next) = self.headers.get(number + 1) {
                bytes.push((at, next.0));
            }
            match *kind {
                // The offset without the three bits below it: 0, or 1 for a later fragment.
                FRAGMENT => bytes.extend([(at + 2, 0), (at + 3, u8::from(self.later) << 3)]),
                AUTHENTICATION => bytes.push((at + 1, (size / 4).saturating_sub(2) as u8)),
                _ => bytes.push((at + 1, (size / 8).saturating_sub(1) as u8)),
            }
            at += size;
        }
        bytes
    }
}

/// Headers of `size` bytes together, the first with the number `first`, none of them a fragment header.
fn options(first: u8, mut size: u32, headers: &mut Vec<(u8, u32)>) -> Option<()> {
    if size == 0 {
        return Some(());
    }
    if !size.is_multiple_of(4) {
        return None;
    }
    let mut next = first;
    let odd = !size.is_multiple_of(8);
    if first == AUTHENTICATION {
        let whole = if size <= LONGEST_AUTHENTICATION { size } else { 8 + size % 8 };
        headers.push((first, whole));
        (next, size) = (DESTINATION_OPTIONS, size - whole);
        if whole < 8 {
            return None;
        }
    } else if !OPTIONS.contains(&first) {
        return None;
    } else if odd {
        // Only an authentication header can be of 12 bytes, and another header comes first.
        size = size.checked_sub(12).filter(|size| *size > 0)?;
    }
    while size > 0 {
        let whole = size.min(LONGEST_OPTIONS);
        headers.push((next, whole));
        (next, size) = (DESTINATION_OPTIONS, size - whole);
    }
    if odd && first != AUTHENTICATION {
        headers.push((AUTHENTICATION, 12));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use divert_vm::packet::ipv6::skip_extensions;

    /// Every size and first header that the ties allow is one that the packet model reads back.
    #[test]
    fn chains_are_read_back() {
        for first in [0, 43, 44, 51, 60, 135, 6] {
            for size in (0..4400).step_by(4) {
                for (fragment, later) in [(false, false), (true, false), (true, true)] {
                    let wanted = allowed(first, size, fragment, later);
                    let chain = Chain::of(first, size, fragment, later);
                    assert_eq!(chain.is_some(), wanted, "{first} {size} {fragment} {later}");
                    let Some(chain) = chain else { continue };
                    let mut packet = vec![0; 40 + size as usize + 8];
                    packet[0] = 0x60;
                    packet[6] = chain.first().unwrap_or(17);
                    for (at, byte) in chain.bytes() {
                        packet[40 + at as usize] = byte;
                    }
                    if let Some(at) = chain.number_at() {
                        packet[40 + at as usize] = 17;
                    }
                    let last = skip_extensions(&packet);
                    assert_eq!((last.number, last.fragment, last.later), (17, fragment, later));
                    assert_eq!(last.offset, 40 + size as usize);
                    assert!(size == 0 || packet[6] == first);
                }
            }
        }
    }

    /// The same as in `ties.rs`, in other words.
    fn allowed(first: u8, size: u32, fragment: bool, later: bool) -> bool {
        match (first, fragment) {
            (_, _) if size == 0 => !fragment && !later,
            (6, _) => false,
            (44, false) => false,
            (44, true) if later => size == 8,
            (44, true) => size >= 8 && size != 12,
            (51, false) => size >= 8,
            (51, true) => size >= 16,
            (_, false) => size >= 8 && size != 12,
            (_, true) => size >= 16 && size != 20,
        }
    }
}
