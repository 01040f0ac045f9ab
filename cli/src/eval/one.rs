//! One record of an input.

use super::{Judge, Source, Tally};
use crate::eval::report::Shown;

/// Gives the record with this number to `see`, and its verdict back; `None` when there is none.
pub(crate) fn one(
    judge: &Judge<'_>,
    source: Source,
    number: u64,
    see: impl FnOnce(&Shown<'_>),
) -> Option<bool> {
    match source {
        Source::Capture(mut reader) => {
            while let Some(record) = reader.next() {
                if record.index == number {
                    let (matched, packet) = judge.judge(&record, &mut Tally::default());
                    see(&Shown::capture(&record, packet.as_ref(), matched));
                    return Some(matched);
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
                    see(&Shown::event(line.index, event, line.packet, matched));
                    return Some(matched);
                }
            }
        }
    }
    None
}
