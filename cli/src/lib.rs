//! `divertc`: the command line; a library, so that fuzz targets reach what reads files. `main` parses the arguments,
//! runs the command and maps its end to the exit status.
//!
//! `args` (what is common to commands) and `cmd` (one file each) say what there is; `input` and `pipeline` read filters
//! and take them from one form to the next; `eval`, `events` and `capture` judge packets and events; `finding`, `render`
//! and `console` are how anything reaches people and programs.
#![forbid(unsafe_code)]

mod args;
mod brief;
#[expect(dead_code, reason = "what a capture says is read before every command asks for it")]
mod capture;
mod cmd;
mod codes;
mod console;
mod eval;
mod events;
mod finding;
mod flags;
mod found;
mod identity;
mod input;
mod lints;
mod live;
mod output;
mod pipeline;
pub mod properties;
mod render;
mod subject;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use console::{Console, Outcome, Status, Stop};
use finding::Finding;

/// Runs the command that the arguments of the process name, and gives its exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version end here too. Nothing is left to be done when nobody reads them.
            let _ = message.print();
            return ExitCode::from(if message.use_stderr() {
                Status::Failed.code()
            } else {
                Status::Fine.code()
            });
        }
    };
    let mut console = Console::new(&cli.global);
    let ended = run(cli.command, &mut console).and_then(|status| console.finish().map(|()| status));
    let status = match ended {
        Ok(status) => status,
        Err(Stop::Closed(status)) => status,
        Err(Stop::Output(error)) => output_failed(&mut console, &error),
        Err(Stop::Said) => last_words(&mut console, None),
        Err(Stop::Finding(finding)) => last_words(&mut console, Some(finding)),
    };
    ExitCode::from(status.code())
}

fn run(command: Command, console: &mut Console) -> Outcome {
    match command {
        Command::Compile(command) => command.run(console),
        Command::Check(command) => command.run(console),
        Command::Format(command) => command.run(console),
        Command::Eval(command) => command.run(console),
        Command::Explain(command) => command.run(console),
        Command::Fuzz(command) => command.run(console),
        Command::Verify(command) => command.run(console),
        Command::Disasm(command) => command.run(console),
        Command::Divert(command) => command.run(console),
        Command::Attach(command) => command.run(console),
        Command::Handles(command) => command.run(console),
        Command::Watch(command) => command.run(console),
        Command::Kill(command) => command.run(console),
        Command::Uninstall(command) => command.run(console),
        Command::Sat(command) => command.run(console),
        Command::Equiv(command) => command.run(console),
        Command::Implies(command) => command.run(console),
        Command::Overlap(command) => command.run(console),
        Command::Completions(command) => command.run(console),
        Command::Man(command) => command.run(console),
    }
}

/// Says why the command could not go on.
fn last_words(console: &mut Console, finding: Option<Finding>) -> Status {
    let said = match finding {
        Some(finding) => console.report(finding),
        None => Ok(()),
    };
    match said.and_then(|()| console.finish()) {
        Err(Stop::Output(error)) => output_failed(console, &error),
        Ok(()) | Err(Stop::Said | Stop::Closed(_) | Stop::Finding(_)) => Status::Failed,
    }
}

/// A full disk, for example.
fn output_failed(console: &mut Console, error: &io::Error) -> Status {
    console.give_up(error);
    Status::Failed
}
