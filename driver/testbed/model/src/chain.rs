//! Where a packet lies in a chain of memory descriptors.

/// A place in a chain: which descriptor, and how far into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the descriptor.
    pub part: usize,
    /// Bytes before the place in it.
    pub offset: u32,
}

/// The place that is `offset` bytes into a chain of parts of these lengths. An offset at the end of a part is the
/// beginning of the next, except behind the last. None when the chain is shorter.
pub fn place(parts: impl IntoIterator<Item = u32>, offset: u32) -> Option<Place> {
    let mut left = offset;
    let mut last = None;
    for (part, length) in parts.into_iter().enumerate() {
        if left < length {
            return Some(Place { part, offset: left });
        }
        left -= length;
        last = Some(Place { part, offset: length });
    }
    last.filter(|_| left == 0)
}

/// What became of a data start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The new offset in the chain.
    pub offset: u32,
    /// The new length.
    pub length: u32,
}

/// Moves the data start towards the end; none when that is farther than the data goes.
#[must_use]
pub const fn advance(offset: u32, length: u32, by: u32) -> Option<Moved> {
    match (offset.checked_add(by), length.checked_sub(by)) {
        (Some(offset), Some(length)) => Some(Moved { offset, length }),
        _ => None,
    }
}

/// Moves the data start towards the beginning; none when there is not as much room before it.
#[must_use]
pub const fn retreat(offset: u32, length: u32, by: u32) -> Option<Moved> {
    match (offset.checked_sub(by), length.checked_add(by)) {
        (Some(offset), Some(length)) => Some(Moved { offset, length }),
        _ => None,
    }
}
