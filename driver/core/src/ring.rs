//! A first-in-first-out ring that grows, and says so when it cannot. It shrinks again: what a handle's queue once held
//! does not stay with it, out of every budget.

use alloc::vec::Vec;

/// Room after the first growth; the least there is after that.
const FIRST: usize = 16;

/// So many places for each element, at most.
const SPARSE: usize = 4;

/// A queue of `T`. An empty one has no memory.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    slots: Vec<Option<T>>,
    head: usize,
    len: usize,
}

impl<T> Ring<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), head: 0, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the element with this number, counted from the oldest, lies.
    fn place(&self, number: usize) -> usize {
        let place = self.head.wrapping_add(number);
        place.checked_sub(self.slots.len()).unwrap_or(place)
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.slots.get(self.head)?.as_ref()
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let value = self.slots.get_mut(self.head)?.take()?;
        self.head = self.place(1);
        self.len = self.len.saturating_sub(1);
        self.shrink();
        Some(value)
    }

    /// Appends, or gives the value back when there is no memory.
    pub(crate) fn push_back(&mut self, value: T) -> Result<(), T> {
        if self.len == self.slots.len() && !self.grow() {
            return Err(value);
        }
        let place = self.place(self.len);
        match self.slots.get_mut(place) {
            Some(slot) => *slot = Some(value),
            None => return Err(value),
        }
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    fn grow(&mut self) -> bool {
        self.resize(self.slots.len().saturating_mul(2).max(FIRST))
    }

    fn shrink(&mut self) {
        let room = self.slots.len();
        if room > FIRST && self.len.saturating_mul(SPARSE) <= room {
            // Without memory for the smaller one the larger one stays.
            let _ = self.resize(room / 2);
        }
    }

    /// Moves to other memory; `room` is not less than there are elements.
    fn resize(&mut self, room: usize) -> bool {
        let mut slots = Vec::new();
        if slots.try_reserve_exact(room).is_err() {
            return false;
        }
        slots.resize_with(room, || None);
        let len = self.len;
        for (number, slot) in slots.iter_mut().enumerate().take(len) {
            let place = self.place(number);
            *slot = self.slots.get_mut(place).and_then(Option::take);
        }
        *self = Self { slots, head: 0, len };
        true
    }

    /// Takes out the first for which `wanted` holds; the order of the others stays.
    pub(crate) fn take_first(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Option<T> {
        let found = (0..self.len).find(|number| {
            self.slots.get(self.place(*number)).and_then(Option::as_ref).is_some_and(&mut wanted)
        })?;
        let place = self.place(found);
        let value = self.slots.get_mut(place)?.take();
        // The younger ones move up.
        for number in found.saturating_add(1)..self.len {
            let (from, to) = (self.place(number), self.place(number.saturating_sub(1)));
            let moved = self.slots.get_mut(from).and_then(Option::take);
            if let Some(slot) = self.slots.get_mut(to) {
                *slot = moved;
            }
        }
        self.len = self.len.saturating_sub(1);
        self.shrink();
        value
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_as_a_queue(steps in proptest::collection::vec((0_u8..4, any::<u8>()), 0..400)) {
            let (mut ring, mut model) = (Ring::new(), VecDeque::new());
            for (step, value) in steps {
                match step {
                    0 | 1 => {
                        prop_assert!(ring.push_back(value).is_ok());
                        model.push_back(value);
                    }
                    2 => prop_assert_eq!(ring.pop_front(), model.pop_front()),
                    _ => {
                        let found = model.iter().position(|held| held % 4 == value % 4);
                        let expected = found.and_then(|at| model.remove(at));
                        prop_assert_eq!(ring.take_first(|held| held % 4 == value % 4), expected);
                    }
                }
                prop_assert_eq!(ring.front(), model.front());
                prop_assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
                let most = ring.len().saturating_mul(super::SPARSE).max(super::FIRST);
                prop_assert!(ring.slots.len() <= most);
            }
        }
    }
}
