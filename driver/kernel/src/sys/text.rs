//! Text in UTF-16, made at compile time.
#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "what fails, fails to compile")]

use divert_driver_abi::wdm::UNICODE_STRING;

/// ASCII as UTF-16 and a zero behind it.
pub(crate) struct Text<const N: usize>([u16; N]);

impl<const N: usize> Text<N> {
    /// `N` is one more than the length of `text`, which is ASCII.
    pub(crate) const fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        assert!(N == bytes.len() + 1 && N < 0x7FFF && text.is_ascii());
        let mut units = [0; N];
        let mut at = 0;
        while at < bytes.len() {
            units[at] = bytes[at] as u16;
            at += 1;
        }
        Self(units)
    }

    /// With a zero at its end, in the type that the interfaces want, although they do not change it.
    pub(crate) const fn as_ptr(&'static self) -> *mut u16 {
        self.0.as_ptr().cast_mut()
    }

    /// In the form that the system wants for names.
    pub(crate) const fn as_string(&'static self) -> UNICODE_STRING {
        UNICODE_STRING { Length: (2 * (N - 1)) as u16, MaximumLength: (2 * N) as u16, Buffer: self.as_ptr() }
    }
}

/// A static text.
macro_rules! text {
    ($text:literal) => {{
        static TEXT: $crate::sys::text::Text<{ $text.len() + 1 }> = $crate::sys::text::Text::new($text);
        &TEXT
    }};
}
pub(crate) use text;
