//! Standard output and standard error. This is the only module that writes to them: results go to the one, everything
//! else to the other. A reader that goes away is no error and changes no answer: what it does not see is left out, and the
//! command goes on to its end. Commands that print without end ask [`Console::is_closed`].

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Stderr, StdoutLock, Write as _};

use divert_grammar::diagnostic::Severity;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Global, MessageFormat, When};
use crate::finding::Finding;
use crate::input::reason;
use crate::render;

/// How a command ended; the exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// 0: done, or "yes".
    Fine,
    /// 1: "no": findings, no match, not as it should be.
    No,
    /// 2: could not do it.
    Failed,
}

impl Status {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::No => 1,
            Self::Failed => 2,
        }
    }
}

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Standard output takes no more: a full disk.
    Output(io::Error),
    /// This is wrong.
    Finding(Finding),
    /// Something is wrong, and has been said.
    Said,
    /// Nobody reads the results any more, and there is nothing else to do: what is known so far.
    Closed(Status),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

/// What commands give back.
pub(crate) type Outcome<T = Status> = Result<T, Stop>;

/// Width of messages where there is no terminal to ask.
const USUAL_WIDTH: usize = 100;
/// Bytes from which on reading takes so long that a bar is of use: about half a second from a slow disk.
const LARGE: u64 = 256 << 20;
/// Nothing is made narrower than this.
const LEAST_WIDTH: usize = 30;

/// A bar, or none; it vanishes when the work is done, and steps aside when something is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// What is told of bytes that were read, where somebody sees it.
    pub(crate) fn counter(&self) -> Option<ProgressBar> {
        self.0.clone()
    }

    /// Writes to a terminal beside the bar.
    fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Standard output, collected.
type Out = BufWriter<StdoutLock<'static>>;

/// The two streams and how to write to them.
pub(crate) struct Console {
    out: Out,
    /// Not locked: other threads draw a bar there.
    err: Stderr,
    format: MessageFormat,
    when: When,
    /// Whether findings are what the command was asked for, and so go to standard output.
    findings_are_results: bool,
    /// For SARIF, which is one document.
    kept: Vec<Finding>,
    errors: u64,
    warnings: u64,
    progress: Progress,
    /// The reader of standard output went away.
    closed: bool,
}

impl Console {
    /// The console of this process.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
            err: io::stderr(),
            format: global.message_format,
            when: global.color,
            findings_are_results: false,
            kept: Vec::new(),
            errors: 0,
            warnings: 0,
            progress: Progress::default(),
            closed: false,
        }
    }

    /// Whether nobody reads standard output any more; then what is printed is dropped.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Sends findings to standard output from now on.
    pub(crate) fn findings_are_results(&mut self) {
        self.findings_are_results = true;
    }

    /// How findings are written.
    pub(crate) const fn format(&self) -> MessageFormat {
        self.format
    }

    /// Errors and warnings so far.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.errors, self.warnings)
    }

    /// Whether standard output is a terminal.
    pub(crate) fn out_is_terminal(&self) -> bool {
        self.out.get_ref().is_terminal()
    }

    /// Standard output itself, for a command that says nothing else there.
    pub(crate) fn raw(&self) -> Box<dyn io::Write> {
        Box::new(io::stdout())
    }

    /// Shows a bar for work on `size` bytes, where somebody sees it, and, so says `silent`, nothing else is printed
    /// meanwhile; until [`Console::done`].
    pub(crate) fn progress(&mut self, size: u64, silent: bool) -> Progress {
        let quiet = silent || !self.out_is_terminal();
        let seen = quiet && size >= LARGE && self.format == MessageFormat::Human && self.err.is_terminal();
        self.progress = Progress(seen.then(|| {
            let template = "{wide_bar} {percent:>3}%  {binary_bytes_per_sec}  {eta} left";
            let style = ProgressStyle::with_template(template);
            ProgressBar::new(size).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }));
        self.progress.clone()
    }

    /// Takes the bar away.
    pub(crate) fn done(&mut self) {
        if let Some(bar) = std::mem::take(&mut self.progress).0 {
            bar.finish_and_clear();
        }
    }

    /// A part of the result.
    pub(crate) fn result(&mut self, text: impl fmt::Display) -> Outcome<()> {
        self.print(|out| write!(out, "{text}"))
    }

    /// A part of the result that is no text, or is text already.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.print(|out| out.write_all(bytes))
    }

    /// Writes to standard output, where somebody reads it.
    fn print(&mut self, write: impl FnOnce(&mut Out) -> io::Result<()>) -> Outcome<()> {
        if self.closed {
            return Ok(());
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written.map_err(Stop::Output),
        }
    }

    /// Writes to standard error, behind all results so far. When that cannot be done there is no other place to say
    /// anything, so the work goes on without.
    fn say(&mut self, write: impl FnOnce(&mut Stderr) -> io::Result<()>) -> Outcome<()> {
        let progress = self.progress.clone();
        progress.aside(|| {
            self.print(Out::flush)?;
            let _ = write(&mut self.err);
            Ok(())
        })
    }

    /// Lets what was said so far be seen; for commands that print without end, which end when nobody reads it.
    pub(crate) fn flush(&mut self) -> Outcome<()> {
        self.print(Out::flush)?;
        if self.closed { Err(Stop::Closed(Status::Fine)) } else { Ok(()) }
    }

    /// A line about what was done, for people.
    pub(crate) fn remark(&mut self, text: impl fmt::Display) -> Outcome<()> {
        self.say(|err| writeln!(err, "{text}"))
    }

    /// Says what was found.
    pub(crate) fn report(&mut self, finding: Finding) -> Outcome<()> {
        match finding.diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
        let text = match self.format {
            MessageFormat::Human => render::human(&finding, &self.style()),
            MessageFormat::Json => render::json(&finding),
            MessageFormat::Github => render::github(&finding),
            MessageFormat::Sarif => {
                self.kept.push(finding);
                return Ok(());
            }
        };
        self.message(&text)
    }

    /// Says what is left to be said. `always`: a command whose result are its findings gives a document without any,
    /// too.
    pub(crate) fn finish(&mut self) -> Outcome<()> {
        self.done();
        if self.format == MessageFormat::Sarif && (self.findings_are_results || !self.kept.is_empty()) {
            let document = render::sarif(&self.kept);
            self.kept.clear();
            self.message(&document)?;
        }
        self.print(Out::flush)
    }

    /// Standard output does not take any more; says so and lets what waits for it go.
    pub(crate) fn give_up(&mut self, error: &io::Error) {
        self.done();
        // There is no third place to say that standard error fails too.
        let _ = writeln!(self.err, "divertc: cannot write the output: {}", reason(error));
    }

    fn message(&mut self, text: &str) -> Outcome<()> {
        if self.findings_are_results {
            return self.bytes(text.as_bytes());
        }
        self.say(|err| err.write_all(text.as_bytes()))
    }

    /// How results for people look.
    pub(crate) fn result_style(&self) -> render::Style {
        self.style_of(true)
    }

    fn style(&self) -> render::Style {
        self.style_of(self.findings_are_results)
    }

    fn style_of(&self, results: bool) -> render::Style {
        let terminal = if results { self.out_is_terminal() } else { self.err.is_terminal() };
        let color = match self.when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        let asked = || {
            let size = if results {
                terminal_size::terminal_size_of(self.out.get_ref())
            } else {
                terminal_size::terminal_size_of(&self.err)
            };
            size.map(|(width, _)| usize::from(width.0))
        };
        let told = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
        let width = asked().or_else(told).unwrap_or(USUAL_WIDTH).max(LEAST_WIDTH);
        render::Style { color, width }
    }
}
