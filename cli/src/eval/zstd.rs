//! Undoing zstd: frames one after the other, each held against its checksum.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Whether something begins with a frame, or with one that is skipped: those have 16 numbers.
pub(super) const fn is_zstd(prefix: &[u8]) -> bool {
    matches!(prefix, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The bytes that frames of zstd hold.
pub(super) struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether the decoder is in a frame.
    inside: bool,
}

impl<R: BufRead> Frames<R> {
    /// Nothing is read yet.
    pub(super) fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), inside: false }
    }

    /// Enters the next frame; false at the end.
    fn enter(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                // pzstd and others put what they need to know in such frames.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.source.by_ref().take(u64::from(length));
                    if io::copy(&mut skipped, &mut io::sink())? < u64::from(length) {
                        return Err(damaged());
                    }
                }
                Err(_) => return Err(damaged()),
            }
        }
        Ok(false)
    }

    /// Whether what came out of the frame is what went in, as far as the frame says so. The decoder does not look.
    fn is_sound(&self) -> bool {
        let noted = self.decoder.get_checksum_from_data();
        noted.is_none() || noted == self.decoder.get_calculated_checksum()
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside && !self.enter()? {
                return Ok(0);
            }
            self.inside = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|_| damaged())?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if !self.is_sound() {
                return Err(damaged());
            }
            self.inside = false;
        }
    }
}

/// The decoder's own words are of its insides.
fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "incomplete or damaged zstd data")
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn undone(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Frames::new(packed).read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Text with repetitions and without.
    fn text() -> Vec<u8> {
        (0..400u32)
            .flat_map(|n| format!("{} tcp.DstPort == {n}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn frames_follow_each_other_and_some_are_skipped() {
        let (text, packed) = (text(), compress_to_vec(&text()[..], CompressionLevel::Fastest));
        let skipped = [&[0x5e, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"notes"].concat();
        let twice = text.repeat(2);
        for (parts, expected) in [
            (vec![&packed[..]], &text[..]),
            (vec![&packed, &packed], &twice),
            (vec![&skipped, &packed, &skipped, &packed, &skipped], &twice),
            (vec![&skipped], &[]),
        ] {
            let packed = parts.concat();
            assert!(is_zstd(&packed));
            assert!(undone(&packed).is_ok_and(|bytes| bytes == expected));
            assert!(undone(&packed[..packed.len() - 1]).is_err());
            assert!(undone(&[&packed[..], b"more"].concat()).is_err());
        }
    }

    /// A byte that is wrong in the middle of a file gave wrong packets, and nothing was said.
    #[test]
    fn a_wrong_byte_is_noticed() {
        let text = text();
        let packed = compress_to_vec(&text[..], CompressionLevel::Fastest);
        for at in 0..packed.len() {
            let mut wrong = packed.clone();
            wrong[at] ^= 1 << (at % 8);
            assert!(undone(&wrong).map_or(true, |bytes| bytes == text), "byte {at}");
        }
        let last = packed.len() - 1;
        assert!(undone(&[&packed[..last], &[packed[last] ^ 1]].concat()).is_err(), "there is a checksum");
    }
}
