//! Reading and writing.

use alloc::vec::Vec;
use core::fmt;

/// Bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a message of the testbed")
    }
}

impl core::error::Error for Malformed {}

/// Something that goes over the wire.
pub(crate) trait Wire: Sized {
    fn put(&self, to: &mut Vec<u8>);
    fn get(from: &mut &[u8]) -> Result<Self, Malformed>;
}

macro_rules! number {
    ($($type:ty),*) => {
        $(impl Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
                let (chunk, rest) = from.split_first_chunk().ok_or(Malformed)?;
                *from = rest;
                Ok(Self::from_le_bytes(*chunk))
            }
        })*
    };
}

number!(u8, u16, u32, u64, u128, i32, i64);

impl Wire for bool {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        match u8::get(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        (self.len() as u32).put(to);
        for item in self {
            item.put(to);
        }
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let count = u32::get(from)?;
        // Every item has a byte at least: a count cannot ask for more memory than the message has bytes.
        if count as usize > from.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| T::get(from)).collect()
    }
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    fn put(&self, to: &mut Vec<u8>) {
        for item in self {
            item.put(to);
        }
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let items: Vec<T> = (0..N).map(|_| T::get(from)).collect::<Result<_, _>>()?;
        items.try_into().map_err(|_| Malformed)
    }
}

impl<T: Wire, U: Wire> Wire for (T, U) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok((T::get(from)?, U::get(from)?))
    }
}

/// A structure whose members go over the wire in their order.
macro_rules! members {
    ($name:ident { $($member:ident),* $(,)? }) => {
        impl crate::wire::Wire for $name {
            fn put(&self, to: &mut alloc::vec::Vec<u8>) {
                $(crate::wire::Wire::put(&self.$member, to);)*
            }

            fn get(from: &mut &[u8]) -> Result<Self, crate::wire::Malformed> {
                Ok(Self { $($member: crate::wire::Wire::get(from)?),* })
            }
        }
    };
}

/// An enumeration without data, as its number among those that are listed.
macro_rules! choice {
    ($name:ident { $($variant:ident),* $(,)? }) => {
        impl crate::wire::Wire for $name {
            fn put(&self, to: &mut alloc::vec::Vec<u8>) {
                to.push(*self as u8);
            }

            fn get(from: &mut &[u8]) -> Result<Self, crate::wire::Malformed> {
                let number = <u8 as crate::wire::Wire>::get(from)?;
                [$(Self::$variant),*].into_iter().find(|one| *one as u8 == number).ok_or(crate::wire::Malformed)
            }
        }
    };
}

pub(crate) use {choice, members};
