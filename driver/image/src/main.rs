//! `divert-driver-image finish FROM TO`: sets the checksum. `check IMAGE`: says what is wrong with it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the build")]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use divert_driver_image::{checksum, frames, imports, judge};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["finish", from, to] => finish(Path::new(from), Path::new(to)),
        ["check", image] => check(Path::new(image)),
        ["imports"] => list(),
        _ => Err("usage: divert-driver-image finish FROM TO | check IMAGE | imports".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn finish(from: &Path, to: &Path) -> Result<(), String> {
    let mut image = read(from)?;
    let sum = checksum::set(&mut image).map_err(|error| format!("{}: {error}", from.display()))?;
    let unfinished = to.with_extension("tmp");
    let written = fs::write(&unfinished, &image).and_then(|()| fs::rename(&unfinished, to));
    written.map_err(|error| format!("{}: {error}", to.display()))?;
    println!("{}: {} bytes, checksum {sum:#010x}", to.display(), image.len());
    Ok(())
}

fn check(path: &Path) -> Result<(), String> {
    let image = read(path)?;
    let wrong = judge::judge(&image).map_err(|error| format!("{}: {error}", path.display()))?;
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let mut frames = frames::of(&image)?;
    frames.sort_unstable();
    let largest = frames.last().map_or(0, |frame| frame.bytes);
    println!(
        "{}: {} imports, all known; {} functions, the largest frame is {largest} bytes",
        path.display(),
        imports::of(&image)?.len(),
        frames.len()
    );
    for frame in frames.iter().rev().take(8) {
        println!("  {:6} bytes at {:#x}", frame.bytes, frame.address);
    }
    Ok(())
}

fn list() -> Result<(), String> {
    for entry in imports::read(imports::LIST)? {
        println!("{} {}", entry.module, entry.function);
    }
    Ok(())
}
