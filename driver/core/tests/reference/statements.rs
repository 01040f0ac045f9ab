//! Every statement of the reference has a test that cites its section, or says who else answers for it:
//! `statements.toml` lists them, and this holds the list to the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    section: u32,
    says: String,
    #[serde(default)]
    tests: Vec<String>,
    elsewhere: Option<String>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Vec<Statement> {
    let text = fs::read_to_string(folder().join("tests/reference/statements.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().statement
}

/// The tests of a file (its path from `driver/`), with what the comment above each and the head of the file say.
fn tests_of(file: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("..").join(file)).unwrap_or_else(|_| panic!("{file}"));
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head: String = lines.iter().take_while(|line| line.starts_with("//!")).copied().collect();
    let mut tests = BTreeMap::new();
    for at in (0..lines.len()).filter(|at| lines[*at] == "#[test]") {
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("///")).copied();
        let comment: String = above.collect();
        // Between the attribute and the function there may be others.
        let name = lines[at..].iter().find_map(|line| line.strip_prefix("fn ")?.split('(').next());
        tests.insert(name.unwrap().to_owned(), head.clone() + &comment);
    }
    tests
}

#[test]
fn every_statement_has_a_test_that_cites_it() {
    let mut files = BTreeMap::new();
    for Statement { section, says, tests, elsewhere } in table() {
        assert!(!tests.is_empty() || elsewhere.is_some(), "§{section} has no test: {says}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let known = files.entry(file.to_owned()).or_insert_with(|| tests_of(file));
            let comment = known.get(name).unwrap_or_else(|| panic!("there is no {test}"));
            assert!(comment.contains(&format!("§{section}")), "{test} does not cite §{section}: {says}");
        }
    }
}

#[test]
fn all_sections_are_listed_once_and_in_order() {
    let table = table();
    let sections: Vec<u32> = table.iter().map(|statement| statement.section).collect();
    assert!(sections.is_sorted());
    assert_eq!(sections.iter().copied().collect::<BTreeSet<_>>(), (1..=7).collect());
    let distinct: BTreeSet<&str> = table.iter().map(|statement| statement.says.as_str()).collect();
    assert_eq!(distinct.len(), table.len());
    // What the portable part answers for alone has no excuse.
    for statement in table.iter().filter(|statement| matches!(statement.section, 3 | 5 | 6)) {
        assert!(statement.elsewhere.is_none(), "{}", statement.says);
    }
}

/// A test of these files that no statement names is of something that is decided here, and says so.
#[test]
fn no_test_is_forgotten() {
    let named: BTreeSet<String> = table().into_iter().flat_map(|statement| statement.tests).collect();
    for file in ["callouts", "events", "opening", "receiving", "record", "sending"] {
        let file = format!("core/tests/reference/{file}.rs");
        for (name, comment) in tests_of(&file) {
            let named = named.contains(&format!("{file}::{name}"));
            assert!(named || comment.contains("Decided here"), "no statement names {file}::{name}");
        }
    }
}
