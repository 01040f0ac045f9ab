//! One record of an input.

use super::{Judge, Sink, Source, Tally};
use crate::console::{Console, Outcome};
use crate::eval::report::Shown;

/// Gives the record with this number to `sink`, and its verdict back; `None` when there is none.
pub(crate) fn one<S: Sink>(
    judge: &Judge<'_>,
    source: Source,
    number: u64,
    sink: &mut S,
    console: &mut Console,
) -> Outcome<Option<bool>> {
    match source {
        Source::Capture(mut reader) => {
            while let Some(record) = reader.next() {
                if record.index == number {
                    let (matched, packet) = judge.judge(&record, &mut Tally::default());
                    sink.record(&Shown::capture(&record, packet.as_ref(), matched), console)?;
                    return Ok(Some(matched));
                }
            }
        }
        Source::Events(mut reader) => {
            while let Ok(Some(line)) = reader.next() {
                if let Ok(event) = &line.event
                    && line.index == number
                {
                    let judged = event.judge(line.packet, |input| judge.verified().matches(input));
                    let matched = judged.unwrap_or(false);
                    sink.record(&Shown::event(line.index, event, line.packet, matched), console)?;
                    return Ok(Some(matched));
                }
            }
        }
    }
    Ok(None)
}
