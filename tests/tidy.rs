//! What reviewers would otherwise have to watch: sizes of files, arrows between crates, unique codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use divert_tests::vectors::root;

/// Longest source file in lines; longer ones want to be split.
const LONGEST: usize = 600;

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, wanted, found);
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(
        &root(),
        &|path| path.extension().is_some_and(|kind| kind == "rs" || kind == "lalrpop"),
        &mut found,
    );
    assert!(found.len() > 50, "only {} sources", found.len());
    found
}

#[test]
fn sources_are_short() {
    for path in sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for path in sources().iter().filter(|path| !path.ends_with("tidy.rs")) {
        let text = fs::read_to_string(path).unwrap();
        for mark in ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "XXX"] {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

#[test]
fn unsafe_is_forbidden_where_it_must_be() {
    for root_file in [
        "grammar/src/lib.rs",
        "vm/src/lib.rs",
        "compiler/src/lib.rs",
        "cli/src/lib.rs",
        "cli/src/bin/divertc.rs",
        "fuzz/src/lib.rs",
    ] {
        let text = fs::read_to_string(root().join(root_file)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{root_file}");
    }
}

#[test]
fn crates_depend_on_what_they_may() {
    for (package, allowed) in [
        ("grammar", [].as_slice()),
        ("vm", &[]),
        ("compiler", &["divert-grammar", "divert-vm"]),
        (
            "cli",
            &[
                "divert-compiler",
                "divert-driver-client",
                "divert-driver-core",
                "divert-driver-protocol",
                "divert-grammar",
                "divert-vm",
                "divert-fuzz",
            ],
        ),
        ("driver/protocol", &["divert-vm"]),
        ("driver/core", &["divert-driver-protocol", "divert-vm"]),
        ("driver/client", &["divert-compiler", "divert-driver-core", "divert-driver-protocol", "divert-vm"]),
        (
            "driver/capi",
            &[
                "divert-compiler",
                "divert-driver-client",
                "divert-driver-protocol",
                "divert-grammar",
                "divert-vm",
            ],
        ),
        ("fuzz", &["divert-compiler", "divert-driver-protocol", "divert-grammar", "divert-vm"]),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap();
        for name in dependencies.lines().filter_map(|line| line.split([' ', '.', '=']).next()) {
            assert!(!name.starts_with("divert") || allowed.contains(&name), "{package} depends on {name}");
        }
    }
}

#[test]
fn codes_are_unique() {
    let mut seen = BTreeSet::new();
    for (code, ..) in divert_grammar::codes::CODES {
        assert!(seen.insert(code.to_string()), "{code} is used twice");
    }
    for entry in divert_compiler::codes::CODES {
        assert!(seen.insert(entry.code.to_string()), "{} is used twice", entry.code);
    }
}
