//! Levels of lints on the command line, and the pages of the reference that are printed.

use clap::{ArgMatches, Args, FromArgMatches};
use divert_compiler::lint::{Level, Levels, Lint};
use divert_grammar::diagnostic::Severity;

use crate::args::{Reading, usage};
use crate::codes;
use crate::console::{Outcome, Stop};
use crate::finding::Finding;
use crate::pipeline;

/// The options.
#[derive(Debug, Args)]
struct Written {
    /// Treat a lint's findings as errors: its code, its name, or `warnings` for all that warn
    #[arg(short = 'D', long, value_name = "LINT")]
    deny: Vec<String>,
    /// Say nothing of a lint's findings
    #[arg(short = 'A', long, value_name = "LINT")]
    allow: Vec<String>,
    /// Warn of a lint's findings
    #[arg(short = 'W', long, value_name = "LINT")]
    warn: Vec<String>,
}

/// What becomes of findings: words with their levels, in the order of the command line. The last one that names a lint
/// counts; `warnings` is for whatever warns after all others.
#[derive(Debug)]
pub(crate) struct LintLevels(Vec<(String, Level)>);

/// The word for all that warn.
const WARNINGS: &str = "warnings";

impl FromArgMatches for LintLevels {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Written { deny, allow, warn } = Written::from_arg_matches(matches)?;
        let mut all = Vec::new();
        for (option, words, level) in
            [("deny", deny, Level::Deny), ("allow", allow, Level::Allow), ("warn", warn, Level::Warn)]
        {
            let places = matches.indices_of(option).into_iter().flatten();
            all.extend(places.zip(words).map(|(place, word)| (place, word, level)));
        }
        all.sort_by_key(|(place, ..)| *place);
        Ok(Self(all.into_iter().map(|(_, word, level)| (word, level)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for LintLevels {
    fn augment_args(command: clap::Command) -> clap::Command {
        Written::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Written::augment_args_for_update(command)
    }
}

impl LintLevels {
    /// The level of each lint.
    pub(crate) fn levels(&self, reading: &Reading) -> Outcome<Levels> {
        let mut levels = Levels::new(pipeline::dialect(reading));
        for (word, level) in self.0.iter().filter(|(word, _)| word != WARNINGS && !is_note(word)) {
            levels.set(word, *level).map_err(|error| unknown(word, &error.to_string()))?;
        }
        if let Some(level) = self.of_warnings() {
            levels.set(WARNINGS, level).map_err(|error| unknown(WARNINGS, &error.to_string()))?;
        }
        Ok(levels)
    }

    /// What becomes of all that warns in the end.
    fn of_warnings(&self) -> Option<Level> {
        self.0.iter().rev().find(|(word, _)| word == WARNINGS).map(|(_, level)| *level)
    }

    /// Applies the levels to a note, which is no lint; `None` when it is allowed.
    pub(crate) fn note(&self, mut finding: Finding) -> Option<Finding> {
        let diagnostic = &mut finding.diagnostic;
        if diagnostic.severity != Severity::Note {
            return Some(finding);
        }
        let name = codes::find(diagnostic.code).map(|(name, _)| name);
        let meant = |word: &str| word == diagnostic.code || Some(word) == name;
        let level = match self.0.iter().rev().find(|(word, _)| meant(word)) {
            Some((_, Level::Warn)) => self.of_warnings().unwrap_or(Level::Warn),
            Some((_, level)) => *level,
            None => return Some(finding),
        };
        diagnostic.severity = match level {
            Level::Deny => Severity::Error,
            Level::Warn => Severity::Warning,
            Level::Allow => return None,
        };
        Some(finding)
    }
}

fn is_note(word: &str) -> bool {
    codes::lookup(word).is_some_and(|(code, ..)| code.starts_with('N'))
}

fn unknown(word: &str, error: &str) -> Stop {
    match codes::lookup(word) {
        Some((code, name, _)) => usage(&format!("{code} ({name}) is no lint, and errors have no levels")),
        None => usage(error),
    }
}

/// What is to be said of a code or name, as a page.
pub(crate) fn page(word: &str) -> Outcome<String> {
    // Codes are written in capitals and names in small letters, but here it is clear what is meant.
    let found = [word.to_owned(), word.to_ascii_uppercase(), word.to_ascii_lowercase()];
    let Some((code, name, explanation)) = found.iter().find_map(|word| codes::lookup(word)) else {
        return Err(usage(&format!("there is no finding `{word}`; codes and names are in the reference")));
    };
    let mut page = format!("{code} {name}\n\n{explanation}\n");
    let Some(info) = Lint::find(code).and_then(Lint::info) else { return Ok(page) };
    if !info.example.is_empty() {
        page.push_str(&format!("\nSpeaks of:\n    {}\n", info.example));
    }
    if let Some(better) = info.better {
        page.push_str(&format!("\nBetter:\n    {better}\n"));
    }
    page.push_str(&format!(
        "\nLevel: {}. Change it with --allow, --warn or --deny {name},\nor in the filter with `# divertc: allow({name})`.\n",
        info.level.name()
    ));
    Ok(page)
}
