//! `divert-driver-image finish FROM TO`: sets the checksum. `check IMAGE [MAP]`: says what is wrong
//! with it. `imports`: lists what may be imported.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the build")]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use divert_driver_image::{calls, checksum, imports, judge, names};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["finish", from, to] => finish(Path::new(from), Path::new(to)),
        ["check", image] => check(Path::new(image), None),
        ["check", image, map] => check(Path::new(image), Some(Path::new(map))),
        ["imports"] => list(),
        _ => Err("usage: divert-driver-image finish FROM TO | check IMAGE [MAP] | imports".into()),
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

fn check(path: &Path, map: Option<&Path>) -> Result<(), String> {
    let image = read(path)?;
    let map = map.map(read).transpose()?.map(|map| String::from_utf8_lossy(&map).into_owned());
    let wrong =
        judge::judge(&image, map.as_deref()).map_err(|error| format!("{}: {error}", path.display()))?;
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let functions = calls::of(&image)?;
    let names = map.as_deref().map(names::read).unwrap_or_default();
    println!(
        "{}: {} imports, all known; {} functions",
        path.display(),
        imports::of(&image)?.len(),
        functions.len()
    );
    println!("ways in, and the stack that they take with what they call:");
    for root in calls::roots(&functions) {
        let depth = functions.get(&root).map_or(0, |function| function.depth);
        println!("  {depth:6} bytes at {root:#x} {}", names.get(&root).map_or("", String::as_str));
    }
    Ok(())
}

fn list() -> Result<(), String> {
    for entry in imports::read(imports::LIST)? {
        println!("{} {}", entry.module, entry.function);
    }
    Ok(())
}
