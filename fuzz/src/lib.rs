//! What holds for every filter, program, packet and event, and generators that look for one where it does not.
//!
//! A [`Property`] takes any bytes, makes something of them (`gen`) and checks it (`oracle`); what it finds is a
//! [`Finding`] that a person can read. libFuzzer, proptest and the smoke tests run the same properties from one
//! registry, [`PROPERTIES`]. `campaign` is the search behind `divertc fuzz`.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod r#gen;
pub mod oracle;
pub mod source;

pub use r#gen::case::Case;
pub use oracle::{Finding, Outcome};
pub use source::Source;

/// Something that holds whatever the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name: that of the fuzz target and of the folder with its seeds.
    pub name: &'static str,
    /// What holds.
    pub promise: &'static str,
    /// Checks it for what these bytes make.
    pub run: fn(&[u8]) -> Outcome,
}

/// All properties of this crate. Those of captures and event files are in the package of the command line, which reads
/// them.
pub const PROPERTIES: [Property; 10] = [
    Property {
        name: "parse",
        promise: "any text: places lie inside it, an error is reported exactly when the tree is damaged",
        run: oracle::roundtrip::any_text,
    },
    Property {
        name: "format",
        promise: "any tree and any text without errors: formatted it is the same tree, twice is once, comments stay",
        run: oracle::roundtrip::any_tree,
    },
    Property {
        name: "agree_text",
        promise: "a text means the same in every form it can be brought to",
        run: oracle::agree::any_text,
    },
    Property {
        name: "agree_tree",
        promise: "a typed tree means the same in every form it can be brought to",
        run: oracle::agree::any_tree,
    },
    Property {
        name: "agree_graph",
        promise: "a graph means the same in every form it can be brought to",
        run: oracle::agree::any_graph,
    },
    Property {
        name: "bytecode",
        promise: "any bytes: the verifier accepts what SPEC §6 allows and nothing else; what runs keeps its bound",
        run: oracle::verifier::any_bytes,
    },
    Property {
        name: "program",
        promise: "a program built by SPEC §6 is accepted and runs as SPEC §4 says",
        run: oracle::verifier::any_program,
    },
    Property {
        name: "mutated",
        promise: "a damaged program is judged by SPEC §6, and runs within its bound when it is accepted",
        run: oracle::verifier::any_damage,
    },
    Property {
        name: "object",
        promise: "any text as a WinDivert object: no panic, the same text again, the same meaning when written by us",
        run: oracle::roundtrip::any_object,
    },
    Property {
        name: "protocol",
        promise: "any bytes as messages of the driver: an error, or a value that is written as the same bytes",
        run: oracle::protocol::any_message,
    },
];

/// The property with this name.
#[must_use]
pub fn property(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == name)
}

/// For fuzz targets, whose way to report is a panic.
///
/// # Panics
/// With the finding.
#[expect(clippy::panic, reason = "a fuzz target reports by panicking")]
pub fn must_hold(name: &str, outcome: Outcome) {
    if let Err(finding) = outcome {
        panic!("{name}: {finding}");
    }
}
