//! The loop over a capture.

use std::io::Read;

use super::{Judge, Sink, Tally};
use crate::capture::CaptureReader;
use crate::capture::Item;
use crate::capture::write::{CaptureWriter, WriteError};
use crate::console::{Console, Outcome};
use crate::eval::report::Shown;

/// Judges every record of `reader`; matching ones go to `writer` when there is one. What a writer cannot write is given
/// back beside the tally.
pub(crate) fn capture<R: Read, S: Sink>(
    judge: &Judge<'_>,
    reader: &mut CaptureReader<R>,
    writer: Option<&mut CaptureWriter>,
    sink: &mut S,
    console: &mut Console,
) -> Outcome<Result<Tally, WriteError>> {
    let mut tally = Tally::default();
    match writer {
        None => {
            while let Some(record) = reader.next() {
                let (matched, packet) = judge.judge(&record, &mut tally);
                if S::WANTS_RECORDS {
                    sink.record(&Shown::capture(&record, packet.as_ref(), matched), console)?;
                }
            }
        }
        Some(writer) => {
            if let Err(error) = writer.begin(reader) {
                return Ok(Err(error));
            }
            while let Some(item) = reader.next_item() {
                if let Item::Record(record) = &item {
                    let (matched, packet) = judge.judge(record, &mut tally);
                    if S::WANTS_RECORDS {
                        sink.record(&Shown::capture(record, packet.as_ref(), matched), console)?;
                    }
                    if !matched {
                        continue;
                    }
                }
                if let Err(error) = writer.write(&item) {
                    return Ok(Err(error));
                }
            }
        }
    }
    tally.damaged = reader.damage_total() > 0;
    Ok(Ok(tally))
}
