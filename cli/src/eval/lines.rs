//! The loop over an event file.

use std::io::{self, BufRead};

use super::{Judge, Sink, Tally};
use crate::console::{Console, Outcome};
use crate::eval::report::Shown;
use crate::events::{BadEvent, EventReader};

/// What was wrong with an event file.
pub(crate) enum Trouble<'t> {
    /// A line is no event.
    Line(u64, &'t BadEvent),
    /// The file cannot be read any further.
    Read(&'t io::Error),
}

/// Judges every event of `reader`. `keep` is given the lines that match, as they stand; `trouble` what is wrong.
pub(crate) fn events<R: BufRead, S: Sink>(
    judge: &Judge<'_>,
    reader: &mut EventReader<R>,
    mut keep: impl FnMut(&[u8]) -> Outcome<()>,
    sink: &mut S,
    console: &mut Console,
    mut trouble: impl FnMut(Trouble<'_>, &mut Console) -> Outcome<()>,
) -> Outcome<Tally> {
    let mut tally = Tally::default();
    loop {
        let line = match reader.next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                tally.damaged = true;
                trouble(Trouble::Read(&error), console)?;
                break;
            }
        };
        let event = match &line.event {
            Ok(event) => event,
            Err(error) => {
                tally.damaged = true;
                trouble(Trouble::Line(line.number, error), console)?;
                continue;
            }
        };
        // At another layer the verdict is no, whatever the event; the program says so itself.
        let judged = event.judge(line.packet, |input| judge.verified().matches(input));
        tally.records += 1;
        tally.ip += u64::from(judged.is_some());
        let matched = judged.unwrap_or(false);
        tally.matched += u64::from(matched);
        if S::WANTS_RECORDS {
            sink.record(&Shown::event(line.index, event, line.packet, matched), console)?;
        }
        if matched {
            keep(line.raw)?;
        }
    }
    Ok(tally)
}
