//! The debug section of a program: the text that it was compiled from, for explanations. The VM does not look at it.
//!
//! It begins with `SRC1` and the dialect (0 extended, 1 WinDivert); the text follows. Whoever reads it must not believe
//! that the text belongs to the program, but compile it and compare ([`belongs`]).

use divert_vm::program::Program;

use crate::back::bytecode::emit;
use crate::dialect::Dialect;
use crate::front::text::{Loader, Options, Typed, analyse, lower};
use crate::graph::Builder;
use crate::opt::optimise;

const MAGIC: &[u8; 4] = b"SRC1";

/// The section for a text.
#[must_use]
pub fn section(source: &str, dialect: Dialect) -> Vec<u8> {
    let mut section = MAGIC.to_vec();
    section.push(match dialect {
        Dialect::Extended => 0,
        Dialect::Windivert => 1,
    });
    section.extend(source.as_bytes());
    section
}

/// The text of a section; `None` when it is no such section.
#[must_use]
pub fn source(section: &[u8]) -> Option<(&str, Dialect)> {
    let (dialect, text) = section.strip_prefix(MAGIC)?.split_first()?;
    let dialect = match dialect {
        0 => Dialect::Extended,
        1 => Dialect::Windivert,
        _ => return None,
    };
    Some((std::str::from_utf8(text).ok()?, dialect))
}

/// The filter of a program's debug section, when compiling it gives just this program.
#[must_use]
pub fn belongs<'p>(program: &Program<'p>, loader: &dyn Loader) -> Option<(&'p str, Typed)> {
    let (text, dialect) = source(program.debug())?;
    let typed = analyse(text, &Options { layer: Some(program.layer()), dialect, loader }).typed?;
    let same = |level| {
        let simplify = level > 0;
        let mut builder = if simplify { Builder::simplifying } else { Builder::plain }(typed.layer);
        lower(&typed, &mut builder).is_ok_and(|entry| {
            let graph = optimise(&builder.finish(entry), level);
            emit(&graph, program.debug()).is_ok_and(|bytes| bytes == program.bytes())
        })
    };
    (0..=2).rev().any(same).then_some((text, typed))
}
