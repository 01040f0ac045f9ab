//! Inputs judged by several threads; what is said is in the order of the inputs and their records, as if one did it all.
//!
//! A thread takes the first input that nobody reads at the moment, reads a batch of records from it, gives the input back
//! for the next thread, and judges what it has. So several inputs are unpacked and read at the same time, and the records
//! of one input are judged at the same time; only the reading of one input is one after the other. Lines of events are
//! judged while they are read: their numbers depend on the lines before.
//!
//! Memory is bounded: as many inputs are open as there are threads, and what waits of each for those before it to be told
//! takes no more than about [`MOST_WAITING`] bytes.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::source::{Name, Opened, Source};
use super::{Part, Work};
use crate::capture;
use crate::capture::batch::Batch;
use crate::capture::damage::Damage;
use crate::capture::write::Announced;
use crate::console::{Outcome, Progress};
use crate::finding::{Finding, Origin};

/// Bytes of one input's parts that may wait to be told. What is only counted takes a few hundred for each batch, so that a
/// thread gets through gigabytes of an input while another one reads the input before.
const MOST_WAITING: usize = 8 << 20;
/// Bytes that are read at once: enough that the threads seldom wait for each other, and no more than a second-level cache
/// has room for.
const READ_SIZE: usize = 1 << 20;

/// What happens to an input, in this order: it is opened or not; parts of it are judged; it ends.
pub(crate) enum Event {
    /// It is open. Captures say what they are; else there are events in it.
    Opened(Origin, Option<Announced>),
    /// It cannot be judged; nothing else follows.
    Failed(Finding),
    /// Some records were judged.
    Part(Part),
    /// It has ended; the damaged places that were kept, and how many there were.
    Ended(Vec<Damage>, u64),
}

impl Event {
    /// Bytes of memory, about.
    fn size(&self) -> usize {
        let more = match self {
            Self::Part(part) => part.size(),
            Self::Opened(..) | Self::Failed(_) | Self::Ended(..) => 0,
        };
        more + size_of::<(u64, Self)>()
    }
}

/// Judges all inputs and tells, in order, the name of an input and what happened to it, until nobody listens any more.
pub(crate) fn run(
    names: &[OsString],
    jobs: usize,
    work: &Work<'_>,
    progress: &Progress,
    mut tell: impl FnMut(&Name, &Event) -> Outcome<()>,
) -> Outcome<()> {
    let inputs: Vec<(&OsString, Name)> = names.iter().map(|name| (name, Name::of(name))).collect();
    let read_size = if jobs > 1 { READ_SIZE } else { capture::READ_SIZE };
    let open = |number: usize| match inputs.get(number) {
        Some((name, _)) => work.open(name, progress, read_size),
        None => Err(Finding::command(crate::codes::USAGE, "there is no such input")),
    };
    if jobs <= 1 {
        for (number, (_, name)) in inputs.iter().enumerate() {
            alone(name, open(number), work, |event| tell(name, event))?;
        }
        return Ok(());
    }
    let shared =
        Shared { inputs: &inputs, jobs, state: Mutex::default(), work: Condvar::new(), news: Condvar::new() };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| shared.judge(&open, work));
        }
        // Whatever ends this, the threads end too.
        let _stop = Stop(&shared);
        shared.tell_all(tell)
    })
}

/// Judges one input with this thread alone.
fn alone(
    name: &Name,
    opened: Result<Opened, Finding>,
    work: &Work<'_>,
    mut tell: impl FnMut(&Event) -> Outcome<()>,
) -> Outcome<()> {
    let Opened { origin, mut source } = match opened {
        Ok(opened) => opened,
        Err(finding) => return tell(&Event::Failed(finding)),
    };
    tell(&Event::Opened(origin, source.announce()))?;
    let mut event = Event::Part(Part::default());
    let mut more = true;
    while more {
        if let Event::Part(part) = &mut event {
            part.clear();
            more = match &mut source {
                Source::Capture(reader) => work.some(name, reader, part),
                Source::Events(reader) => work.lines(name, reader, part),
            };
        }
        tell(&event)?;
    }
    tell(&source.ended())
}

impl Source {
    fn announce(&self) -> Option<Announced> {
        match self {
            Self::Capture(reader) => Some(reader.announce()),
            Self::Events(_) => None,
        }
    }

    fn ended(&self) -> Event {
        match self {
            Self::Capture(reader) => Event::Ended(reader.damage().to_vec(), reader.damage_total()),
            Self::Events(_) => Event::Ended(Vec::new(), 0),
        }
    }
}

/// What the threads have in common.
struct Shared<'s> {
    inputs: &'s [(&'s OsString, Name)],
    jobs: usize,
    state: Mutex<State>,
    /// There is something to do for a thread.
    work: Condvar,
    /// There is something to be told.
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// The inputs that are open, in order; the first of them is told at the moment.
    open: VecDeque<Input>,
    /// Number of the first of them.
    first: usize,
    /// Nobody listens any more.
    stopped: bool,
}

/// An input under way.
#[derive(Default)]
struct Input {
    /// To read from; not there while somebody does, before it is opened, and after its end.
    source: Option<Box<Source>>,
    /// Events that have a number, so far.
    begun: u64,
    /// What happened and is not told yet.
    waiting: BTreeMap<u64, Event>,
    /// Bytes of `waiting`.
    bytes: usize,
    /// Events that were told.
    told: u64,
    /// How many there are in all, once that is known.
    total: Option<u64>,
}

enum Task {
    Open(usize),
    Read(usize, Box<Source>, u64),
}

/// Ends the threads when it goes.
struct Stop<'s>(&'s Shared<'s>);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.work.notify_all();
        self.0.news.notify_all();
    }
}

impl State {
    /// What is to be done next; `None`: nothing at the moment.
    fn task(&mut self, inputs: usize, jobs: usize) -> Option<Task> {
        for (place, input) in self.open.iter_mut().enumerate() {
            if input.bytes < MOST_WAITING
                && let Some(source) = input.source.take()
            {
                input.begun += 1;
                return Some(Task::Read(self.first + place, source, input.begun - 1));
            }
        }
        let next = self.first + self.open.len();
        (next < inputs && self.open.len() < jobs).then(|| {
            self.open.push_back(Input::default());
            Task::Open(next)
        })
    }

    /// Whether nothing will ever have to be read again.
    fn is_read(&self, inputs: usize) -> bool {
        self.first + self.open.len() == inputs && self.open.iter().all(|input| input.total.is_some())
    }

    fn input(&mut self, number: usize) -> Option<&mut Input> {
        self.open.get_mut(number.checked_sub(self.first)?)
    }
}

impl Input {
    /// What happened, with the next number.
    fn happened(&mut self, event: Event) {
        self.begun += 1;
        self.wait(self.begun - 1, event);
    }

    /// What happened waits to be told.
    fn wait(&mut self, order: u64, event: Event) {
        self.bytes += event.size();
        self.waiting.insert(order, event);
    }

    /// What is to be told next, if it has happened.
    fn next(&mut self) -> Option<Event> {
        let event = self.waiting.remove(&self.told)?;
        self.bytes -= event.size();
        self.told += 1;
        Some(event)
    }

    /// It is to be read on, or has ended.
    fn give_back(&mut self, source: Box<Source>, more: bool) {
        if more {
            self.source = Some(source);
        } else {
            self.happened(source.ended());
            self.total = Some(self.begun);
        }
    }
}

impl<'s> Shared<'s> {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has stopped everything.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State>, reason: &Condvar) -> MutexGuard<'g, State> {
        reason.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes an input, and wakes whom that concerns.
    fn change(&self, number: usize, change: impl FnOnce(&mut Input)) {
        let mut state = self.lock();
        let is_first = state.first == number;
        let Some(input) = state.input(number) else { return };
        let (was_free, was_over) = (input.source.is_some(), input.total.is_some());
        change(input);
        let work = input.source.is_some() != was_free || input.total.is_some() != was_over;
        let news = is_first && (input.waiting.contains_key(&input.told) || input.total == Some(input.told));
        drop(state);
        if work {
            self.work.notify_all();
        }
        if news {
            self.news.notify_one();
        }
    }

    fn next(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.is_read(self.inputs.len()) {
                return None;
            }
            match state.task(self.inputs.len(), self.jobs) {
                Some(task) => return Some(task),
                None => state = self.wait(state, &self.work),
            }
        }
    }

    /// What each thread does.
    fn judge(&self, open: &impl Fn(usize) -> Result<Opened, Finding>, work: &Work<'_>) {
        let stop = Stop(self);
        let mut batch = Batch::default();
        while let Some(task) = self.next() {
            match task {
                Task::Open(number) => {
                    let opened = open(number);
                    self.change(number, |input| match opened {
                        Ok(Opened { origin, source }) => {
                            input.happened(Event::Opened(origin, source.announce()));
                            input.source = Some(Box::new(source));
                        }
                        Err(finding) => {
                            input.happened(Event::Failed(finding));
                            input.total = Some(input.begun);
                        }
                    });
                }
                Task::Read(number, source, order) => self.read(number, source, order, work, &mut batch),
            }
        }
        // Only a panic stops the others.
        std::mem::forget(stop);
    }

    fn read(&self, number: usize, mut source: Box<Source>, order: u64, work: &Work<'_>, batch: &mut Batch) {
        let Some((_, name)) = self.inputs.get(number) else { return };
        let mut part = Part::default();
        let give_back =
            |source: Box<Source>, more: bool| self.change(number, |input| input.give_back(source, more));
        match &mut *source {
            Source::Capture(reader) => {
                let more = reader.fill(batch);
                part.tally.damaged = reader.damage_total() > 0;
                give_back(source, more);
                work.batch(name, batch, &mut part);
            }
            Source::Events(reader) => {
                let more = work.lines(name, reader, &mut part);
                give_back(source, more);
            }
        }
        self.change(number, |input| input.wait(order, Event::Part(part)));
    }

    /// Tells everything in order.
    fn tell_all(&self, mut tell: impl FnMut(&Name, &Event) -> Outcome<()>) -> Outcome<()> {
        for (_, name) in self.inputs {
            while let Some(event) = self.event() {
                tell(name, &event)?;
            }
        }
        Ok(())
    }

    /// What is to be told next of the first input; `None` when there is nothing left, and the next one is the first.
    fn event(&self) -> Option<Event> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let (mut event, mut ended, mut was_full) = (None, false, false);
            if let Some(input) = state.open.front_mut() {
                was_full = input.bytes >= MOST_WAITING;
                event = input.next();
                ended = event.is_none() && input.total == Some(input.told);
            }
            if ended {
                state.open.pop_front();
                state.first += 1;
            }
            if ended || event.is_some() {
                drop(state);
                if ended || was_full {
                    self.work.notify_all();
                }
                return event;
            }
            state = self.wait(state, &self.news);
        }
    }
}
