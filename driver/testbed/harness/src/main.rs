//! Test harness of the driver: a Windows program that installs the driver's service, starts it, and drives it from both
//! sides: as a program that diverts packets, and as the network, through the double of the filtering platform.
//!
//! `driver/testbed/run` builds it and runs it under Wine. Arguments are names of tests, or parts of them; `--all` runs
//! the long forms, `--list` names the tests, `--root=` says where the repository is.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test runner: its output is for people")]

mod bed;
mod filters;
mod handle;
mod packets;
mod random;
mod sys;
mod tests;

use std::process::ExitCode;

/// Why a test failed.
type Check<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = arguments.first().and_then(|first| first.strip_prefix("--child=")) {
        return tests::child(role);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        for (name, _) in tests::ALL {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    if !cfg!(windows) {
        eprintln!("divert-testbed drives the driver on Windows; driver/testbed/run runs it under Wine");
        return ExitCode::from(2);
    }
    let (options, wanted): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|argument| argument.starts_with("--"));
    let all = options.iter().any(|option| option == "--all");
    let root = options.iter().find_map(|option| option.strip_prefix("--root=")).unwrap_or(".");
    run(&wanted, all, root)
}

fn run(wanted: &[String], all: bool, root: &str) -> ExitCode {
    let mut bed = match bed::Bed::start(all, root) {
        Ok(bed) => bed,
        Err(error) => {
            println!("FAILED  start: {error}\n0 passed, 1 failed");
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let begin = std::time::Instant::now();
        let outcome = test(&mut bed).and_then(|()| bed.judge());
        let time = begin.elapsed().as_millis();
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("ok      {name} ({time} ms)");
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {name} ({time} ms): {error}");
                if let Err(error) = bed.restart() {
                    println!("FAILED  restart after {name}: {error}");
                    failed += 1;
                    break;
                }
            }
        }
    }
    match bed.stop() {
        Ok(()) => passed += 1,
        Err(error) => {
            failed += 1;
            println!("FAILED  the last unload: {error}");
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
