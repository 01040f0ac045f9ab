//! The cases of `tests/verifier/`: assembled programs with the expected refusal, or what is known of them when accepted;
//! and SPEC §6 against the verifier. `tests/verifier/README.md` describes the files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use common::case::{assemble, get, number};
use divert_vm::limits::USER_WORK;
use divert_vm::verify::{Rule, VerifyError, Where};
use divert_vm::wire::DecodeError;
use divert_vm::{Event, Program, Verified};
use toml::{Table, Value};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/verifier")
}

/// File name to its cases.
fn files() -> BTreeMap<String, Vec<Table>> {
    std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let cases = table["case"].as_array().unwrap();
            let cases = cases.iter().map(|case| case.as_table().unwrap().clone()).collect();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), cases)
        })
        .collect()
}

fn place(text: &str) -> Where {
    match text.split_once(' ') {
        Some(("instruction", number)) => Where::Instruction(number.parse().unwrap()),
        Some(("set", number)) => Where::Set(number.parse().unwrap()),
        _ => {
            assert_eq!(text, "program");
            Where::Program
        }
    }
}

fn rule(name: &str, case: &Table) -> Rule {
    match name {
        "Empty" => Rule::Empty,
        "SetLayout" => Rule::SetLayout,
        "SetOrder" => Rule::SetOrder,
        "SetDirectory" => Rule::SetDirectory,
        "SetDepth" => Rule::SetDepth,
        "Op" => Rule::Op,
        "Field" => Rule::Field,
        "Reserved" => Rule::Reserved,
        "Layer" => Rule::Layer,
        "Width" => Rule::Width,
        "Index" => Rule::Index,
        "Target" => Rule::Target,
        "Operand" => Rule::Operand,
        "Constant" => Rule::Constant,
        "Unreachable" => Rule::Unreachable,
        "Work" => Rule::Work,
        "Classes" => Rule::Classes,
        "OverLimit" => Rule::OverLimit { work: get(case, "work", 0), limit: get(case, "limit", USER_WORK) },
        other => panic!("no rule {other}"),
    }
}

const fn decode_error_name(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::TooShort => "TooShort",
        DecodeError::Magic => "Magic",
        DecodeError::Version(_) => "Version",
        DecodeError::Layer(_) => "Layer",
        DecodeError::Reserved => "Reserved",
        DecodeError::Length { .. } => "Length",
        DecodeError::TooMany(_) => "TooMany",
        DecodeError::Sections => "Sections",
        DecodeError::Checksum { .. } => "Checksum",
    }
}

/// The classes (SPEC §5) that can match.
fn classes(verified: &Verified<'_>) -> Vec<u128> {
    let (first, last) = verified.program().layer().events();
    let mut classes = Vec::new();
    for event in first..=last {
        for (class, (outbound, ipv6)) in
            [(false, false), (false, true), (true, false), (true, true)].into_iter().enumerate()
        {
            if verified.needs().can_match(Event::from_number(event).unwrap(), outbound, ipv6) {
                classes.push(u128::from(event - first) * 4 + class as u128);
            }
        }
    }
    classes
}

fn check_accepted(case: &Table, verified: &Verified<'_>, name: &str) {
    assert_eq!(verified.work(), get(case, "work", u32::MAX), "{name}: work");
    if let Some(expected) = case.get("classes") {
        let expected: Vec<u128> = expected.as_array().unwrap().iter().map(number).collect();
        assert_eq!(classes(verified), expected, "{name}: classes");
    }
    let needs = verified.needs();
    for (key, expected) in case.get("needs").map_or(&Table::new(), |needs| needs.as_table().unwrap()) {
        let actual = match key.as_str() {
            "packet_bytes" => Value::from(needs.packet_bytes),
            "payload_bytes" => Value::from(needs.payload_bytes),
            "whole_packet" => Value::from(needs.whole_packet),
            "transport" => Value::from(needs.transport),
            "hash" => Value::from(needs.hash),
            "nothing" => Value::from(needs.is_nothing()),
            other => panic!("{name}: no need {other}"),
        };
        assert_eq!(&actual, expected, "{name}: {key}");
    }
}

/// Runs a case.
fn check(case: &Table, name: &str) {
    const KEYS: [&str; 17] = [
        "name",
        "layer",
        "code",
        "constants",
        "sets",
        "spare_narrow",
        "spare_wide",
        "spare_directory",
        "certificates",
        "patch",
        "patch_checksum",
        "cut",
        "limit",
        "work",
        "classes",
        "needs",
        "at",
    ];
    for key in case.keys() {
        assert!(
            KEYS.contains(&key.as_str()) || ["error", "undecodable"].contains(&key.as_str()),
            "{name}: {key}"
        );
    }
    let bytes = assemble(case);
    if let Some(expected) = case.get("undecodable") {
        let error = Program::decode(&bytes).unwrap_err();
        assert_eq!(decode_error_name(&error), expected.as_str().unwrap(), "{name}: {error}");
        return;
    }
    let program = Program::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let result = program.verify(get(case, "limit", USER_WORK));
    match (case.get("error"), result) {
        (None, Ok(verified)) => check_accepted(case, &verified, name),
        (None, Err(error)) => panic!("{name}: {error}"),
        (Some(expected), result) => {
            let expected = VerifyError {
                rule: rule(expected.as_str().unwrap(), case),
                place: place(case["at"].as_str().unwrap()),
            };
            assert_eq!(result.map(|verified| verified.work()), Err(expected), "{name}");
            assert!(expected.to_string().ends_with(&format!("(V{})", expected.rule.number())));
        }
    }
}

#[test]
fn cases() {
    let (mut count, mut failures) = (0, Vec::new());
    for (file, cases) in files() {
        for case in cases {
            let name = format!("{file}: {}", case["name"].as_str().unwrap());
            // All of them, so that one change does not hide another.
            if catch_unwind(|| check(&case, &name)).is_err() {
                failures.push(name);
            }
            count += 1;
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(count > 100, "only {count} cases");
}

/// Every rule of the verifier and every error of the decoder has a case, and a rule's cases are in its file.
#[test]
fn every_error_has_a_case() {
    let (mut rules, mut undecodable) = (Vec::new(), Vec::new());
    for (file, cases) in files() {
        for case in cases {
            if let Some(name) = case.get("error").map(|error| error.as_str().unwrap()) {
                let number = rule(name, &case).number();
                assert!(file.starts_with(&format!("v{number:02}-")), "{file} has a case for V{number}");
                rules.push(name.to_owned());
            }
            undecodable.extend(case.get("undecodable").map(|error| error.as_str().unwrap().to_owned()));
        }
    }
    rules.sort();
    rules.dedup();
    undecodable.sort();
    undecodable.dedup();
    assert_eq!(rules.len(), 18, "{rules:?}");
    assert_eq!(undecodable.len(), 9, "{undecodable:?}");
}

/// SPEC §6 names for every V-number a check that exists and says so, its errors, and a file of cases for each.
#[test]
fn specification_and_verifier_name_each_other() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (spec, source) = (read("SPEC.md"), read("src/verify/mod.rs"));
    let files = files();
    let section = spec.split("\n## §6").nth(1).unwrap().split("\n## §7").next().unwrap();
    let mut numbers = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| V") && !line.starts_with("| V |")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, statement, check, errors, file] = cells[..] else { panic!("{row}") };
        assert!(!statement.is_empty());
        let check = check.trim_matches('`');
        let definition = source.find(&format!("\nfn {check}(")).unwrap_or_else(|| panic!("no {check}"));
        let doc = source[..definition].rsplit("\n\n").next().unwrap();
        assert!(
            doc.contains(&format!("{number}:")) || doc.contains(&format!("{number},")),
            "{check} says {doc}"
        );
        let cases = &files[file.trim_matches('`')];
        for error in errors.split(',').map(|error| error.trim().trim_matches('`')) {
            let of_error = |case: &&Table| case.get("error").is_some_and(|name| name.as_str() == Some(error));
            let case = cases.iter().find(of_error).unwrap_or_else(|| panic!("{file} has no case of {error}"));
            assert_eq!(format!("V{}", rule(error, case).number()), number, "{error}");
        }
        numbers.push(number.to_owned());
    }
    let all: Vec<String> = (1..=14).map(|number| format!("V{number}")).collect();
    assert_eq!(numbers, all);
    // And back: every check of the verifier has a row, but for those that only call other checks.
    for line in source.lines().filter_map(|line| line.strip_prefix("fn check_")) {
        let name = format!("check_{}", line.split(['(', '<']).next().unwrap());
        assert!(section.contains(&format!("`{name}`")), "SPEC §6 does not name {name}");
    }
}
