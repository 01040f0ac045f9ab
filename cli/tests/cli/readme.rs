//! The examples of `cli/README.md`: blocks marked `console` hold commands and what they print, standard output first.

use std::fs;
use std::path::PathBuf;

use crate::run::{all_equal, compare, line, shown, workplace};

#[test]
fn examples() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let folder = workplace();
    let (mut text, mut in_block, mut commands) = (String::new(), false, 0);
    for written in fs::read_to_string(&path).expect("the manual").lines() {
        if written.starts_with("```") {
            in_block = written == "```console";
            text.push_str(&format!("{written}\n"));
        } else if !in_block {
            text.push_str(&format!("{written}\n"));
        } else if let Some(command) = written.strip_prefix("$ ") {
            commands += 1;
            let ran = line(command, folder.path());
            text.push_str(&format!("$ {command}\n{}{}", shown(&ran.stdout), shown(&ran.stderr)));
            while text.ends_with("\n\n") {
                text.pop();
            }
        }
    }
    assert!(commands > 10, "the manual has examples");
    all_equal(compare(&path, &text).into_iter());
}
