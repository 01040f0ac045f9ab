//! What the lexer and the actions of the grammar share: the source and the errors so far.

use core::cell::{Cell, RefCell};

use crate::error::SyntaxError;
use crate::limits::{MAX_ERRORS, MAX_IDLE, MAX_RECOVERIES, MAX_RECOVERY};
use crate::span::Span;

/// Shared by the lexer, which finds mistakes in words and brackets, and the grammar's actions, which find the others.
pub(crate) struct Context<'s> {
    /// The text.
    pub(crate) source: &'s str,
    lexical: RefCell<Vec<SyntaxError>>,
    syntactic: RefCell<Vec<SyntaxError>>,
    /// Where tokens begin whose predecessor was bad: what the grammar says of them is a consequence.
    excused: RefCell<Vec<u32>>,
    /// Where the last token stands after which a mistake before it no longer shows.
    synced: Cell<u32>,
    /// Where the last error stands from which the grammar had to recover.
    recovered: Cell<Option<u32>>,
    blank: Cell<bool>,
    stopped: Cell<bool>,
    idle: Cell<u32>,
    recovery: Cell<u32>,
    recoveries: Cell<usize>,
}

impl<'s> Context<'s> {
    /// A context without errors.
    pub(crate) const fn new(source: &'s str) -> Self {
        Self {
            source,
            lexical: RefCell::new(Vec::new()),
            syntactic: RefCell::new(Vec::new()),
            excused: RefCell::new(Vec::new()),
            synced: Cell::new(0),
            recovered: Cell::new(None),
            blank: Cell::new(false),
            stopped: Cell::new(false),
            idle: Cell::new(0),
            recovery: Cell::new(0),
            recoveries: Cell::new(0),
        }
    }

    /// The text of a span.
    pub(crate) fn text(&self, span: Span) -> Box<str> {
        span.of(self.source).into()
    }

    /// Records what the lexer found.
    pub(crate) fn lexical(&self, error: SyntaxError) {
        let mut errors = self.lexical.borrow_mut();
        errors.push(error);
        if errors.len() >= MAX_ERRORS {
            self.stopped.set(true);
        }
    }

    /// Says that what follows at `place` may look wrong only because of what stands before it.
    pub(crate) fn excuse(&self, place: u32) {
        let mut excused = self.excused.borrow_mut();
        if excused.last() != Some(&place) {
            excused.push(place);
        }
    }

    /// Records what the grammar found, unless it is a consequence of something recorded before.
    pub(crate) fn report(&self, error: SyntaxError) {
        // Places rise, so that the search is short even after many errors.
        if self.excused.borrow().binary_search(&error.span().start()).is_ok() {
            return;
        }
        let mut errors = self.syntactic.borrow_mut();
        errors.push(error);
        if errors.len() >= MAX_ERRORS {
            self.stopped.set(true);
        }
    }

    /// The parser gets a connective, a separator or a closing bracket at `place`.
    pub(crate) fn sync(&self, place: u32) {
        self.synced.set(place);
    }

    /// Records an error from which the grammar has to recover, unless it follows another without anything between them
    /// that would have brought the parser back into step.
    pub(crate) fn report_recovered(&self, error: SyntaxError) {
        self.recoveries.set(self.recoveries.get() + 1);
        if self.recoveries.get() > MAX_RECOVERIES {
            self.stop();
        }
        let place = error.span().start();
        let consequence = self.recovered.get().is_some_and(|last| last < place && self.synced.get() <= last);
        self.recovered.set(Some(place));
        if !consequence {
            self.report(error);
        }
    }

    /// Forgets what the grammar said of constants and masks between two parentheses, when the error about the parentheses
    /// says it all.
    pub(crate) fn forget_consequences(&self, within: Span) {
        self.syntactic.borrow_mut().retain(|error| {
            let start = error.span().start();
            let said = matches!(error, SyntaxError::LoneConstant { .. } | SyntaxError::MaskAlone { .. });
            !(said && within.start() <= start && start < within.end())
        });
    }

    /// The text has ended before its filter began.
    pub(crate) fn end_blank(&self, end: u32) {
        self.blank.set(true);
        if self.excused.borrow().last() != Some(&end) {
            self.lexical(SyntaxError::EmptyFilter { span: Span::empty(end) });
        }
    }

    /// Whether the text has no filter at all.
    pub(crate) fn is_blank(&self) -> bool {
        self.blank.get()
    }

    /// Whether the grammar has found something at or after a place.
    pub(crate) fn reported_since(&self, place: u32) -> bool {
        self.syntactic.borrow().iter().any(|error| error.span().start() >= place)
    }

    /// Stops parsing.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Whether parsing has to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.get()
    }

    /// A part of the tree was finished.
    pub(crate) fn progress(&self) {
        self.idle.set(0);
    }

    /// A token goes to the parser with `open` brackets open. False when so many went without finishing any part of the
    /// tree that error recovery must be throwing them away, and has done so for too long.
    pub(crate) fn spend(&self, open: usize) -> bool {
        let idle = self.idle.get() + 1;
        self.idle.set(idle);
        if idle > MAX_IDLE {
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            self.recovery.set(self.recovery.get().saturating_add(open).saturating_add(1));
        }
        self.recovery.get() <= MAX_RECOVERY
    }

    /// All errors in the order of the text, and where parsing stopped, if it did.
    pub(crate) fn finish(self, reached: u32) -> Vec<SyntaxError> {
        let mut errors = self.lexical.into_inner();
        let mut syntactic = self.syntactic.into_inner();
        syntactic.sort_by_key(|error| error.span().start());
        syntactic.dedup_by_key(|error| error.span().start());
        if !errors.is_empty() {
            let mut taken: Vec<u32> = errors
                .iter()
                .filter(|error| !matches!(error, SyntaxError::Unclosed { .. }))
                .map(|error| error.span().start())
                .collect();
            taken.sort_unstable();
            syntactic.retain(|error| taken.binary_search(&error.span().start()).is_err());
        }
        errors.append(&mut syntactic);
        errors.sort_by_key(|error| error.span().start());
        if errors.len() >= MAX_ERRORS || (self.stopped.get() && !errors.iter().any(is_limit)) {
            errors.truncate(MAX_ERRORS);
            // The lexer may have found a mistake in what the parser has not been given yet.
            let last = errors.last().map_or(0, |error| error.span().start());
            errors.push(SyntaxError::TooManyErrors { span: Span::empty(reached.max(last)) });
        }
        errors
    }
}

/// Whether an error says by itself why parsing stopped.
const fn is_limit(error: &SyntaxError) -> bool {
    matches!(error, SyntaxError::TooDeep { .. } | SyntaxError::TooLong { .. })
}
