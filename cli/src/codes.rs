//! Codes of what the command line itself has to say, E09xx; and one look-up for the codes of all crates. A code is never
//! reused for another meaning.

/// What is known of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// `E0901` or the like.
    pub(crate) code: &'static str,
    /// A few words with hyphens.
    pub(crate) name: &'static str,
    /// What it means.
    pub(crate) explanation: &'static str,
}

pub(crate) const CANNOT_READ: &str = "E0901";
pub(crate) const NOT_TEXT: &str = "E0902";
pub(crate) const NOT_BYTECODE: &str = "E0903";
pub(crate) const REFUSED: &str = "E0904";
pub(crate) const BAD_OBJECT: &str = "E0905";
pub(crate) const TARGET: &str = "E0906";
pub(crate) const CANNOT_WRITE: &str = "E0907";
pub(crate) const NOT_CAPTURE: &str = "E0908";
pub(crate) const DAMAGE: &str = "E0909";
pub(crate) const BAD_EVENT: &str = "E0910";
pub(crate) const NO_SUCH_RECORDS: &str = "E0911";
pub(crate) const USAGE: &str = "E0912";
pub(crate) const LAYER_GIVEN: &str = "E0913";
pub(crate) const NOT_PROVED: &str = "E0914";
pub(crate) const HANDLES: &str = "E0915";
pub(crate) const DRIVER: &str = "E0916";

/// All codes of the command line.
#[rustfmt::skip]
pub(crate) const CODES: &[Code] = &[
    Code { code: CANNOT_READ, name: "cannot-read", explanation: "A file cannot be opened or read." },
    Code { code: NOT_TEXT, name: "not-text", explanation: "A filter file is not UTF-8 text." },
    Code { code: NOT_BYTECODE, name: "not-bytecode", explanation: "A file does not have the shape of a compiled filter: it is something else, of another version, or damaged." },
    Code { code: REFUSED, name: "refused-bytecode", explanation: "The verifier refuses a compiled filter. The V-number is that of the invariant in `vm/SPEC.md`." },
    Code { code: BAD_OBJECT, name: "bad-object", explanation: "A text that begins with `@WinDiv_` is not a filter object of WinDivert 2.2, or one that begins with `@Divert_` not the object text of a program (`vm/SPEC.md` §9)." },
    Code { code: TARGET, name: "target-too-small", explanation: "The filter has a meaning, but the target cannot express it: WinDivert's library takes 256 tests and its driver 255, for example." },
    Code { code: CANNOT_WRITE, name: "cannot-write", explanation: "An output file cannot be made. Nothing of it remains." },
    Code { code: NOT_CAPTURE, name: "not-a-capture", explanation: "An input is neither pcap nor pcapng nor lines of events." },
    Code { code: DAMAGE, name: "damaged-capture", explanation: "A capture is damaged at one place; all that can be read around it has been evaluated." },
    Code { code: BAD_EVENT, name: "bad-event", explanation: "A line of an event file is not an event; all other lines have been evaluated." },
    Code { code: NO_SUCH_RECORDS, name: "captures-hold-packets", explanation: "A filter at FLOW, SOCKET or REFLECT judges events, and a capture holds packets. Events are read from `.jsonl` files." },
    Code { code: USAGE, name: "usage", explanation: "Arguments that do not go together." },
    Code { code: LAYER_GIVEN, name: "layer-disagrees", explanation: "`--layer` names another layer than the one a compiled filter was made for." },
    Code { code: NOT_PROVED, name: "not-proved", explanation: "`--prove` could not show that what was compiled means what was written: a defect of the compiler, or a question too large to be decided." },
    Code { code: HANDLES, name: "bad-handles", explanation: "A file of handles for `divert --simulate` is not TOML, describes something else, or has a handle that the driver would refuse." },
    Code { code: DRIVER, name: "driver", explanation: "The driver does not do what is asked, or cannot be reached. It exists on Windows, and only administrators may use it." },
];

/// Name and explanation of a code of any crate.
pub(crate) fn find(code: &str) -> Option<(&'static str, &'static str)> {
    let own = CODES.iter().find(|entry| entry.code == code).map(|entry| (entry.name, entry.explanation));
    let grammar = || {
        let mut codes = divert_grammar::codes::CODES.iter();
        codes.find(|(known, _, _)| *known == code).map(|(_, name, explanation)| (*name, *explanation))
    };
    let compiler = || divert_compiler::codes::find(code).map(|entry| (entry.name, entry.explanation));
    own.or_else(compiler).or_else(grammar)
}

/// Code, name and explanation of what has this code or name, in any crate.
pub(crate) fn lookup(word: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let own = CODES.iter().map(|entry| (entry.code, entry.name, entry.explanation));
    let compiler = divert_compiler::codes::CODES.iter();
    let lints = divert_compiler::lint::LINTS.iter().map(|info| &info.about);
    let compiler = compiler.chain(lints).map(|entry| (entry.code, entry.name, entry.explanation));
    let grammar = divert_grammar::codes::CODES.iter().copied();
    own.chain(compiler).chain(grammar).find(|(code, name, _)| *code == word || *name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1` writes the table anew.
    #[test]
    fn the_manual_has_all_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let page = std::fs::read_to_string(path).expect("the manual").replace("\r\n", "\n");
        let (before, rest) = page.split_once("<!-- codes -->\n").expect("the place of the table");
        let (_, after) = rest.split_once("<!-- end -->").expect("its end");
        let row = |entry: &Code| format!("| {} | {} | {} |\n", entry.code, entry.name, entry.explanation);
        let rows: String = CODES.iter().map(row).collect();
        let now = format!(
            "{before}<!-- codes -->\n| code | name | meaning |\n| --- | --- | --- |\n{rows}<!-- end -->{after}"
        );
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &now).expect("the manual is written");
        } else {
            assert!(now == page, "the table of codes is out of date; BLESS=1 writes it anew");
        }
    }

    #[test]
    fn codes_are_unique_and_found() {
        for (position, entry) in CODES.iter().enumerate() {
            assert!(CODES.iter().skip(position + 1).all(|other| other.code != entry.code));
            assert_eq!(find(entry.code), Some((entry.name, entry.explanation)));
            assert!(divert_grammar::codes::CODES.iter().all(|(code, _, _)| *code != entry.code));
            assert!(divert_compiler::codes::find(entry.code).is_none());
        }
        assert_eq!(find("E0101").map(|(name, _)| name), Some("bad-character"));
    }
}
