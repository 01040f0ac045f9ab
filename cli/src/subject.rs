//! A filter as something to be explained: a text with the places of its tests, and the program that judges.

use std::sync::Arc;

use divert_compiler::front::text::{Options, Typed, analyse};
use divert_compiler::{Dialect, back, debug};
use divert_vm::limits::USER_WORK;

use crate::args::Reading;
use crate::codes;
use crate::console::{Console, Outcome, Stop};
use crate::finding::{Finding, Origin, SourceText};
use crate::input::{Content, Filter};
use crate::pipeline;

/// A filter with its text.
pub(crate) struct Subject {
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Its text: what was written, what the debug section holds, or what the decompiler makes of it.
    pub(crate) source: Arc<SourceText>,
    /// What the text means.
    pub(crate) typed: Typed,
    /// The program.
    pub(crate) bytes: Vec<u8>,
}

impl Subject {
    /// Understands a filter; everything that is to be said about it is said.
    pub(crate) fn of(filter: Filter, reading: &Reading, console: &mut Console) -> Outcome<Self> {
        let origin = filter.origin.clone();
        let (graph, typed) = pipeline::meaning(&filter, reading, 2, console)?;
        let bytes = match &filter.content {
            Content::Bytecode(bytes) => bytes.clone(),
            Content::Text(_) | Content::Object(_) => pipeline::assemble(&origin, &graph)?,
        };
        if let (Content::Text(source), Some(typed)) = (&filter.content, typed) {
            return Ok(Self { origin, source: Arc::clone(source), typed, bytes });
        }
        let (text, typed) = match kept(&origin, &bytes, reading)? {
            Some(kept) => kept,
            None => {
                let text = back::text::text(&graph);
                let layer = Some(graph.layer());
                let options = Options { layer, dialect: Dialect::Extended, ..Options::default() };
                let typed = analyse(&text, &options).typed.ok_or_else(|| {
                    let message = "internal error: the decompiled filter cannot be read";
                    Stop::from(Finding::whole(&origin, codes::TARGET, message))
                })?;
                (text, typed)
            }
        };
        let source = Arc::new(SourceText { origin: origin.clone(), text });
        Ok(Self { origin, source, typed, bytes })
    }
}

/// The text in the debug section of a program, when it is this program's.
fn kept(origin: &Origin, bytes: &[u8], reading: &Reading) -> Outcome<Option<(String, Typed)>> {
    let verified = pipeline::program(origin, bytes, reading, USER_WORK)?;
    let found = debug::belongs(verified.program(), &pipeline::loader(origin));
    Ok(found.map(|(text, typed)| (text.to_owned(), typed)))
}
