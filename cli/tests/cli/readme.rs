//! The examples of `cli/README.md` and of the README's tour: blocks marked `console` hold commands and what they print,
//! standard output first.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{all_equal, compare, line, shown, workplace};

#[test]
fn examples() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let folder = workplace();
    let (text, commands) = replayed(&path, folder.path());
    assert!(commands > 10, "the manual has examples");
    all_equal(compare(&path, &text).into_iter());
}

/// The tour is for somebody in the repository: captures have their whole path, and a filter is shown before it is used.
#[test]
fn tour() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let folder = workplace();
    let captures = folder.path().join("tests/captures");
    fs::create_dir_all(&captures).expect("a folder");
    fs::copy(folder.path().join("sample.pcapng"), captures.join("sample.pcapng")).expect("the sample");
    let readme = fs::read_to_string(&path).expect("the README");
    let (_, rest) = readme.split_once("```text\n# Web traffic").expect("the filter of the tour");
    let (filter, _) = rest.split_once("```").expect("the end of a block");
    fs::write(folder.path().join("lan.dvf"), format!("# Web traffic{filter}")).expect("a filter");
    let (text, commands) = replayed(&path, folder.path());
    assert!(commands >= 5, "the tour has examples");
    all_equal(compare(&path, &text).into_iter());
}

/// The page with what its commands print now, and how many there are.
fn replayed(path: &Path, folder: &Path) -> (String, usize) {
    let (mut text, mut in_block, mut commands) = (String::new(), false, 0);
    for written in fs::read_to_string(path).expect("the page").lines() {
        if written.starts_with("```") {
            in_block = written == "```console";
            text.push_str(&format!("{written}\n"));
        } else if !in_block {
            text.push_str(&format!("{written}\n"));
        } else if let Some(command) = written.strip_prefix("$ ") {
            commands += 1;
            let ran = line(command, folder);
            text.push_str(&format!("$ {command}\n{}{}", shown(&ran.stdout), shown(&ran.stderr)));
            while text.ends_with("\n\n") {
                text.pop();
            }
        }
    }
    (text, commands)
}
