//! Runs programs that use the driver, in the testbed: starts them, lets packets and events come by, and judges what they
//! say and what became of the packets. Part of `driver/testbed/run`, which puts the programs beside this one.
//!
//! `programs [NAME…]` runs what has such a name, or all. The last line counts. `programs --figures` measures instead.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a test that is looked at")]

#[cfg(windows)]
mod child;
#[cfg(windows)]
mod client;
#[cfg(windows)]
mod commands;
#[cfg(windows)]
mod figures;
#[cfg(windows)]
mod packets;
#[cfg(windows)]
mod program;
#[cfg(windows)]
mod samples;
#[cfg(windows)]
mod stack;

use std::process::ExitCode;

#[cfg(not(windows))]
fn main() -> ExitCode {
    println!("this is a Windows program; `driver/testbed/run programs` builds and runs it");
    ExitCode::from(2)
}

/// What a test comes to.
#[cfg(windows)]
type Check = Result<(), String>;

/// A test and its name.
#[cfg(windows)]
type Test = (&'static str, fn(&mut stack::Stack) -> Check);

#[cfg(windows)]
fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let tests: Vec<Test> = [program::TESTS, client::TESTS, samples::TESTS, commands::TESTS]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let mut stack = match stack::Stack::start() {
        Ok(stack) => stack,
        Err(error) => {
            println!("FAILED  the driver does not start: {error}");
            return ExitCode::from(2);
        }
    };
    if wanted.iter().any(|wanted| wanted == "--figures") {
        return match figures::print(&stack).and_then(|()| stack.settled()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("FAILED  {error}");
                ExitCode::FAILURE
            }
        };
    }
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        match test(&mut stack).and_then(|()| stack.settled()) {
            Ok(()) => {
                passed += 1;
                println!("ok      {name}");
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {name}: {error}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
