//! What comes out of a simulation, as a capture.

use std::path::Path;

use divert_driver_core::simulate::Output;

use super::Counts;
use crate::console::Outcome;
use crate::output::{OutFile, cannot_write};

/// A pcap file with raw IP and nanoseconds, or nothing.
pub(super) struct Writer {
    file: Option<OutFile>,
    failed: Option<std::io::Error>,
}

impl Writer {
    pub(super) fn new(path: Option<&Path>) -> Outcome<Self> {
        let mut writer = Self { file: None, failed: None };
        if let Some(path) = path {
            let file = if path.as_os_str() == "-" {
                Ok(OutFile::to(Box::new(std::io::stdout())))
            } else {
                OutFile::create(path)
            };
            writer.file = Some(file.map_err(|error| cannot_write(path, &error))?);
        }
        for word in [0xA1B2_3C4D, 0x0004_0002, 0, 0, 65_575, 101_u32] {
            writer.bytes(&word.to_le_bytes());
        }
        Ok(writer)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(file) = self.file.as_mut().filter(|_| self.failed.is_none()) {
            self.failed = file.write(bytes).err();
        }
    }

    pub(super) fn put(&mut self, output: &Output<'_>, counts: &mut Counts) {
        counts.out += 1;
        let second = 10_000_000;
        // pcap has 32 bits for either.
        let (seconds, ticks) = (output.ticks.div_euclid(second), output.ticks.rem_euclid(second));
        let length = output.bytes.len() as u32;
        for word in [seconds as u32, ticks as u32 * 100, length, length] {
            self.bytes(&word.to_le_bytes());
        }
        self.bytes(output.bytes);
    }

    pub(super) fn finish(self, path: Option<&Path>) -> Outcome<()> {
        let ended = match (self.failed, self.file) {
            (Some(error), _) => Err(error),
            (None, Some(file)) => file.finish(),
            (None, None) => Ok(()),
        };
        ended.map_err(|error| cannot_write(path.unwrap_or(Path::new("-")), &error).into())
    }
}
