//! Running the program, and comparing with what is written down.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The repository's folder of test data.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests").join(name)
}

/// What came of a command.
pub(crate) struct Ran {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: i32,
}

/// The program, in a surrounding that is the same everywhere.
pub(crate) fn divertc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_divertc"));
    command.current_dir(folder);
    for name in ["NO_COLOR", "COLUMNS", "TERM", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command line: `[NAME=VALUE…] divertc ARGUMENT… [< FILE]`, or `cat FILE…`.
pub(crate) fn line(text: &str, folder: &Path) -> Ran {
    let mut words = words(text);
    let stdin = match words.iter().position(|word| word == "<") {
        Some(at) => {
            let name = words.remove(at + 1);
            words.remove(at);
            fs::read(folder.join(name)).expect("the file after < is there")
        }
        None => Vec::new(),
    };
    let mut words = words.into_iter().peekable();
    let mut variables = Vec::new();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        variables.push((name.to_owned(), value.to_owned()));
        words.next();
    }
    match words.next().as_deref() {
        Some("divertc") => {
            let mut command = divertc(folder);
            command.args(words).envs(variables);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("divertc runs");
            // It need not read all, or anything.
            let _ = child.stdin.take().expect("piped").write_all(&stdin);
            let output = child.wait_with_output().expect("divertc ends");
            let status = output.status.code().expect("no signal ended it");
            Ran { stdout: output.stdout, stderr: output.stderr, status }
        }
        Some("cat") => {
            let stdout = words.flat_map(|name| fs::read(folder.join(&name)).expect(&name)).collect();
            Ran { stdout, stderr: Vec::new(), status: 0 }
        }
        other => panic!("tests run divertc and cat, not {other:?}"),
    }
}

/// Splits as a shell does: blanks divide, quotes of both kinds keep together.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if c == open => quote = None,
            (None, ' ') => words.extend(word.take()),
            (None | Some(_), _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A folder of its own with the files of `tests/cmd/files` and the sample captures in it.
pub(crate) fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for source in [data("cmd/files"), data("captures")] {
        for entry in fs::read_dir(source).expect("test data") {
            let path = entry.expect("an entry").path();
            fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    folder
}

/// Compares with the file at `path`, or writes it with BLESS. Gives the name of the file when it differs.
pub(crate) fn compare(path: &Path, found: &str) -> Option<String> {
    if env::var_os("BLESS").is_some() {
        fs::write(path, found).expect("expectations are written");
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    if expected == found {
        return None;
    }
    let line = expected.lines().zip(found.lines()).position(|(expected, found)| expected != found);
    let line = line.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    Some(format!("{}:{}\n  expected: {}\n  found:    {}", path.display(), line + 1, at(&expected), at(found)))
}

/// Fails with everything that differs.
pub(crate) fn all_equal(differences: impl Iterator<Item = String>) {
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "BLESS=1 accepts what was found\n{}", differences.join("\n"));
}

/// The files of a folder of test data with this extension, sorted.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(data(folder)).expect("test data");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

/// What a stream held, as a transcript shows it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.replace('\r', ""),
        Ok(_) | Err(_) => format!("({} bytes)\n", bytes.len()),
    }
}
