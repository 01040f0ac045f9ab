//! A program under test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::stack::PATIENCE;

/// A program on its way; it is ended when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    name: String,
}

impl Running {
    /// Starts a program that lies beside this one, or else one of the system's.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Result<Self, String> {
        Self::heard(name, arguments, usize::MAX)
    }

    /// The same; after so many lines nobody reads its standard output any more.
    pub(crate) fn heard(name: &str, arguments: &[&str], listens: usize) -> Result<Self, String> {
        let beside = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name(name);
        let program = if beside.exists() { beside } else { name.into() };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let (to, lines) = channel();
        let streams: [(Option<Box<dyn std::io::Read + Send>>, usize); 2] = [
            (child.stdout.take().map(|stream| Box::new(stream) as _), listens),
            (child.stderr.take().map(|stream| Box::new(stream) as _), usize::MAX),
        ];
        for (stream, listens) in streams {
            let Some(stream) = stream else { continue };
            let to = to.clone();
            thread::spawn(move || {
                // The pipe closes with its reader.
                for line in BufReader::new(stream).lines().map_while(Result::ok).take(listens) {
                    if to.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { child, lines, name: name.to_owned() })
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its next line; `None` when there are no more.
    pub(crate) fn line(&self) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line.trim_end().to_owned())),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!("{} says nothing more", self.name)),
        }
    }

    /// Waits for its end; gives the lines that it still said, and its exit status.
    pub(crate) fn finish(mut self) -> Result<(Vec<String>, i32), String> {
        let mut said = Vec::new();
        while let Some(line) = self.line()? {
            said.push(line);
        }
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok((said, status.code().unwrap_or(-1)));
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("{} does not end; it said {said:?}", self.name));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, which has to be a success, and gives what it said.
    pub(crate) fn succeed(self) -> Result<Vec<String>, String> {
        let (said, status) = self.finish()?;
        if status == 0 { Ok(said) } else { Err(format!("it ends with {status}: {said:?}")) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
