//! Programs from filter text, and what they say of a packet by themselves.

use divert_compiler::back::bytecode::emit;
use divert_compiler::front::text::{Options, analyse, lower};
use divert_compiler::graph::Builder;
use divert_compiler::opt::optimise;
use divert_vm::limits::DRIVER_WORK;
use divert_vm::{Layer, Program};

use crate::Check;

/// The bytecode of a filter.
pub(crate) fn program(layer: Layer, text: &str) -> Check<Vec<u8>> {
    let text = format!("layer {}; {text}", layer.name());
    let analysis = analyse(&text, &Options::default());
    let typed = analysis.typed.ok_or_else(|| format!("{text}: {:?}", analysis.diagnostics))?;
    let mut builder = Builder::simplifying(typed.layer);
    let entry = lower(&typed, &mut builder).map_err(|error| format!("{text}: {error:?}"))?;
    emit(&optimise(&builder.finish(entry), 2), &[]).map_err(|error| format!("{text}: {error:?}"))
}

/// What REFLECT handles receive of a program.
pub(crate) fn object(program: &[u8]) -> Check<Vec<u8>> {
    let decoded = Program::decode(program).map_err(|error| format!("{error:?}"))?;
    let verified = decoded.verify(DRIVER_WORK).map_err(|error| format!("{error:?}"))?;
    let mut text = divert_compiler::back::object::text(&verified).into_bytes();
    text.push(0);
    Ok(text)
}
