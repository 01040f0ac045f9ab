//! What comes out of a simulation, as a capture.

use std::path::Path;

use divert_driver_core::simulate::Output;

use super::Counts;
use crate::capture::raw_ip::{RawIpWriter, Unit};
use crate::console::{Console, Outcome};
use crate::output;

/// A pcap file with raw IP and nanoseconds, or nothing.
pub(super) struct Writer<'p>(Option<(&'p Path, RawIpWriter)>);

impl<'p> Writer<'p> {
    pub(super) fn new(path: Option<&'p Path>, console: &mut Console) -> Outcome<Self> {
        let open = |path: &'p Path| {
            let file = output::open(path, Some("a capture"), console)?;
            Outcome::Ok((path, RawIpWriter::new(file, Unit::Nanoseconds)))
        };
        path.map(open).transpose().map(Self)
    }

    pub(super) fn put(&mut self, output: &Output<'_>, counts: &mut Counts) {
        counts.out += 1;
        let Some((_, writer)) = &mut self.0 else { return };
        let second = 10_000_000;
        let (seconds, ticks) = (output.ticks.div_euclid(second), output.ticks.rem_euclid(second));
        writer.put(seconds as u32, ticks as u32 * 100, output.bytes);
    }

    pub(super) fn finish(self) -> Outcome<()> {
        self.0.map_or(Ok(()), |(path, writer)| writer.finish(path))
    }
}
