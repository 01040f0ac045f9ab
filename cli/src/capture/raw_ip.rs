//! Writing packets that come from no capture: a pcap file of raw IP.

use std::io;
use std::path::Path;

use crate::console::Outcome;
use crate::output::{OutFile, written};

/// What a fraction of a second is counted in.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Microseconds,
    Nanoseconds,
}

/// A file in the making. The first thing that goes wrong is told at the end.
pub(crate) struct RawIpWriter {
    file: OutFile,
    failed: Option<io::Error>,
}

impl RawIpWriter {
    /// Begins a file.
    pub(crate) fn new(file: OutFile, unit: Unit) -> Self {
        let magic = match unit {
            Unit::Microseconds => 0xA1B2_C3D4,
            Unit::Nanoseconds => 0xA1B2_3C4D,
        };
        let mut writer = Self { file, failed: None };
        for word in [magic, 0x0004_0002, 0, 0, 65_575, 101_u32] {
            writer.bytes(&word.to_le_bytes());
        }
        writer
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.file.write(bytes).err();
        }
    }

    /// A packet and its moment: seconds since 1970, of which pcap has 32 bits, and units.
    pub(crate) fn put(&mut self, seconds: u32, units: u32, packet: &[u8]) {
        let length = packet.len() as u32;
        for word in [seconds, units, length, length] {
            self.bytes(&word.to_le_bytes());
        }
        self.bytes(packet);
    }

    /// Lets what is written to a stream be seen; whether anybody may still want more.
    pub(crate) fn flush(&mut self) -> bool {
        if self.failed.is_none() {
            self.failed = self.file.flush().err();
        }
        self.failed.is_none()
    }

    /// Ends the file, which is called `path`.
    pub(crate) fn finish(self, path: &Path) -> Outcome<()> {
        written(path, self.failed.map_or_else(|| self.file.finish(), Err))
    }
}
