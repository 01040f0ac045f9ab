//! Judging the records of an input: one after the other, or a batch that was taken from it.

use std::ffi::OsStr;
use std::io::{BufRead, Read};

use divert_compiler::explain::Explainer;
use divert_vm::layer::Layer;

use super::part::{Part, Trouble};
use super::report::{self, Shown};
use super::source::{Opened, Source, open_counted};
use super::{Explain, Judge, Name};
use crate::capture::batch::Batch;
use crate::capture::record::Record;
use crate::capture::{CaptureReader, Enough, Visitor};
use crate::codes;
use crate::console::Progress;
use crate::events::EventReader;
use crate::finding::Finding;

/// Lines of events that are judged in one go.
const LINES: usize = 256;

/// What is done with records. All threads share it.
pub(crate) struct Work<'w> {
    judge: Judge<'w>,
    form: Form<'w>,
    keeps: bool,
    /// For statistics: the filter, and a judge for its input with all times.
    counted: Option<(&'w Explainer<'w>, Judge<'w>)>,
}

/// What is said of single records.
pub(crate) enum Form<'w> {
    /// Nothing.
    Nothing,
    /// A JSON object for each.
    Json,
    /// A line for each match.
    List,
    /// Why they match, or do not.
    Explain(Box<Explain<'w>>),
}

impl<'w> Work<'w> {
    /// Judges with `judge` and says what `form` has of each record; `keeps` matches, to be written; and remembers what
    /// came of the tests of `counted`.
    pub(crate) fn new(
        judge: Judge<'w>,
        form: Form<'w>,
        keeps: bool,
        counted: Option<&'w Explainer<'w>>,
    ) -> Self {
        let counted = counted.map(|explainer| (explainer, judge.clone().with_times()));
        Self { judge, form, keeps, counted }
    }

    /// The layer that is judged.
    pub(crate) const fn layer(&self) -> Layer {
        self.judge.layer()
    }

    /// Opens an input, if it holds what the filter can judge. `progress` is told how many bytes of it are read; captures
    /// are read so many bytes at once.
    pub(super) fn open(
        &self,
        name: &OsStr,
        progress: &Progress,
        read_size: usize,
    ) -> Result<Opened, Finding> {
        let opened = open_counted(name, progress, read_size)?;
        let layer = self.judge.layer();
        if matches!(opened.source, Source::Events(_)) || layer.has_packets() {
            return Ok(opened);
        }
        let (layer, origin) = (layer.name(), opened.origin);
        let message = format!("the filter is for {layer}, and `{origin}` is a capture, which holds packets");
        let finding = Finding::whole(&origin, codes::NO_SUCH_RECORDS, message);
        Err(finding.help(format!("events at {layer} are read from .jsonl files")))
    }

    /// Judges records of a capture until the part is full; tells whether there may be more.
    pub(crate) fn some<R: Read>(&self, name: &Name, reader: &mut CaptureReader<R>, part: &mut Part) -> bool {
        let more = if self.is_silent() {
            reader.visit(&mut self.judging::<false>(name, true, part)).is_err()
        } else {
            reader.visit(&mut self.judging::<true>(name, true, part)).is_err()
        };
        part.tally.damaged = reader.damage_total() > 0;
        more
    }

    /// Judges a batch of a capture.
    pub(crate) fn batch(&self, name: &Name, batch: &Batch, part: &mut Part) {
        // It does not have enough before the end.
        let _ = if self.is_silent() {
            batch.visit(&mut self.judging::<false>(name, false, part))
        } else {
            batch.visit(&mut self.judging::<true>(name, false, part))
        };
    }

    /// Judges some lines of events; tells whether there may be more.
    pub(crate) fn lines<R: BufRead>(
        &self,
        name: &Name,
        reader: &mut EventReader<R>,
        part: &mut Part,
    ) -> bool {
        for _ in 0..LINES {
            let line = match reader.next() {
                Ok(Some(line)) => line,
                Ok(None) => return false,
                Err(error) => {
                    part.tally.damaged = true;
                    part.troubles.push((part.text.len(), Trouble::Read(error)));
                    return false;
                }
            };
            let event = match line.event {
                Ok(event) => event,
                Err(error) => {
                    part.tally.damaged = true;
                    part.troubles.push((part.text.len(), Trouble::Line(line.number, error)));
                    continue;
                }
            };
            // At another layer the verdict is no, whatever the event; the program says so itself.
            let judged = event.judge(line.packet, |input| self.judge.verified().matches(input));
            let matched = judged.unwrap_or(false);
            part.tally.records += 1;
            part.tally.ip += u64::from(judged.is_some());
            part.tally.matched += u64::from(matched);
            if !self.is_silent() {
                self.tell(name, &Shown::event(line.index, &event, line.packet, matched), part);
            }
            if matched && self.keeps {
                part.kept.push(line.raw);
            }
            if part.is_full() {
                break;
            }
        }
        true
    }

    /// Whether only numbers of records are wanted.
    fn is_silent(&self) -> bool {
        matches!(self.form, Form::Nothing) && self.counted.is_none()
    }

    fn tell(&self, name: &Name, shown: &Shown<'_>, part: &mut Part) {
        match &self.form {
            Form::Nothing => {}
            Form::Json => report::json(name, shown, &mut part.text),
            Form::List => report::list(shown, &mut part.text),
            Form::Explain(explain) => explain.tell(name, shown, &mut part.text),
        }
        if let Some((explainer, judge)) = &self.counted {
            part.seen.record(explainer, judge, shown);
        }
    }

    fn judging<'j, const TELLS: bool>(
        &'j self,
        name: &'j Name,
        stops: bool,
        part: &'j mut Part,
    ) -> Judging<'j, TELLS> {
        Judging { work: self, name, stops, keeps: self.keeps, part }
    }
}

/// Judges what it visits.
struct Judging<'j, const TELLS: bool> {
    work: &'j Work<'j>,
    name: &'j Name,
    /// Whether it has enough when the part is full.
    stops: bool,
    keeps: bool,
    part: &'j mut Part,
}

impl<const TELLS: bool> Visitor for Judging<'_, TELLS> {
    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) -> Result<(), Enough> {
        let (matched, packet) = self.work.judge.judge(record, &mut self.part.tally);
        if TELLS {
            self.work.tell(self.name, &Shown::capture(record, packet.as_ref(), matched), self.part);
        }
        if self.keeps && matched {
            self.part.kept.push(record.raw);
        }
        if (TELLS || self.keeps) && self.stops && self.part.is_full() { Err(Enough) } else { Ok(()) }
    }

    fn block(&mut self, block: &[u8]) -> Result<(), Enough> {
        if self.keeps {
            self.part.kept.push(block);
        }
        Ok(())
    }
}
