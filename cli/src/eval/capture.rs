//! The loops over a capture.

use std::io::Read;

use super::{Judge, Sink, Tally};
use crate::capture::CaptureReader;
use crate::capture::Item;
use crate::capture::write::{CaptureWriter, WriteError};
use crate::console::{Console, Outcome, Progress};
use crate::eval::report::Shown;

/// Records between two looks at how far it is, less one.
const STEP: u64 = 0xffff;

/// Judges every record of `reader`.
pub(crate) fn capture<R: Read, S: Sink>(
    judge: &Judge<'_>,
    reader: &mut CaptureReader<R>,
    progress: &Progress,
    sink: &mut S,
    console: &mut Console,
) -> Outcome<Tally> {
    let mut tally = Tally::default();
    while let Some(record) = reader.next() {
        let (matched, packet) = judge.judge(&record, &mut tally);
        if S::WANTS_RECORDS {
            sink.record(&Shown::capture(&record, packet.as_ref(), matched), console)?;
        }
        if tally.records & STEP == 0 {
            progress.at(reader.offset());
        }
    }
    tally.damaged = reader.damage_total() > 0;
    Ok(tally)
}

/// The same, and what matches goes to `writer`, with all that is no packet. When the writer fails, its error is given
/// back in place of the tally.
pub(crate) fn copy<R: Read, S: Sink>(
    judge: &Judge<'_>,
    reader: &mut CaptureReader<R>,
    writer: &mut CaptureWriter,
    progress: &Progress,
    sink: &mut S,
    console: &mut Console,
) -> Outcome<Result<Tally, WriteError>> {
    let mut tally = Tally::default();
    if let Err(error) = writer.begin(reader) {
        return Ok(Err(error));
    }
    while let Some(item) = reader.next_item() {
        let wanted = match &item {
            Item::Record(record) => {
                let (matched, packet) = judge.judge(record, &mut tally);
                if S::WANTS_RECORDS {
                    sink.record(&Shown::capture(record, packet.as_ref(), matched), console)?;
                }
                matched
            }
            Item::Block(_) => true,
        };
        if wanted && let Err(error) = writer.write(&item) {
            return Ok(Err(error));
        }
        if tally.records & STEP == 0 {
            progress.at(reader.offset());
        }
    }
    tally.damaged = reader.damage_total() > 0;
    Ok(Ok(tally))
}
