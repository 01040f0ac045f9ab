//! Transcripts: lines that begin with `$ ` are commands, what follows is what they print. `[stderr]` divides standard
//! output from standard error, `[status N]` is there when it is not 0, lines that begin with `## ` are prose.

use std::fs;
use std::path::Path;

use crate::run::{all_equal, compare, files, line, shown, workplace};

#[test]
fn transcripts() {
    let paths = files("cmd", "txt");
    assert!(paths.len() > 5, "the transcripts are there");
    all_equal(paths.iter().filter_map(|path| compare(path, &replay(path))));
}

/// The transcript as it is when its commands run now, one after the other in one folder.
fn replay(path: &Path) -> String {
    let folder = workplace();
    let mut text = String::new();
    for written in fs::read_to_string(path).expect("a transcript").lines() {
        if let Some(prose) = written.strip_prefix("## ") {
            text.push_str(&format!("## {prose}\n"));
        } else if let Some(command) = written.strip_prefix("$ ") {
            let ran = line(command, folder.path());
            text.push_str(&format!("\n$ {command}\n{}", ended(shown(&ran.stdout))));
            if !ran.stderr.is_empty() {
                text.push_str(&format!("[stderr]\n{}", ended(shown(&ran.stderr))));
            }
            if ran.status != 0 {
                text.push_str(&format!("[status {}]\n", ran.status));
            }
        }
    }
    text
}

fn ended(text: String) -> String {
    if text.is_empty() || text.ends_with('\n') { text } else { text + " (no line end)\n" }
}
