//! `compile --prove`: what was compiled is read back and compared with what was written.

use divert_compiler::Dialect;
use divert_compiler::analysis::{Always, Answer, Budget, ProveError, equivalent, prove};
use divert_compiler::front::text::{Options, analyse};
use divert_compiler::graph::Graph;

use crate::codes;
use crate::finding::{Finding, Origin};
use crate::pipeline;

/// Why there is no proof.
pub(super) enum NoProof {
    /// It cannot be read back.
    Unreadable(String),
    /// It was compared.
    Compared(Always),
}

/// What comparing gave.
type Proof = Result<(), NoProof>;

fn of(answer: Option<Always>) -> Proof {
    match answer {
        Some(Answer::Yes(())) => Ok(()),
        Some(answer @ (Answer::No(_) | Answer::Unknown(_))) => Err(NoProof::Compared(answer)),
        None => Err(NoProof::Unreadable("there is nothing to compare".to_owned())),
    }
}

fn unreadable(error: ProveError) -> NoProof {
    NoProof::Unreadable(error.to_string())
}

/// Compares bytecode with its source.
pub(super) fn bytecode(source: &Graph, bytes: &[u8]) -> Proof {
    of(prove(source, Some(bytes), None, &Budget::default()).map_err(unreadable)?.bytecode)
}

/// Compares an object with its source.
pub(super) fn object(source: &Graph, bytes: &[u8]) -> Proof {
    let text = String::from_utf8_lossy(bytes);
    of(prove(source, None, Some(text.trim_end()), &Budget::default()).map_err(unreadable)?.object)
}

/// Compares text with its source.
pub(super) fn text(source: &Graph, bytes: &[u8], dialect: Dialect) -> Proof {
    let text = String::from_utf8_lossy(bytes);
    let analysis = analyse(&text, &Options { layer: Some(source.layer()), dialect, ..Options::default() });
    let graph = analysis.typed.and_then(|typed| pipeline::lowered(&typed, 0).ok());
    let Some(graph) = graph else {
        return Err(NoProof::Unreadable("the text cannot be read back".to_owned()));
    };
    of(Some(equivalent(source, &graph, &Budget::default())))
}

/// Says why there is no proof.
pub(super) fn accept(origin: &Origin, proof: Proof) -> Result<(), Finding> {
    let message = match proof {
        Ok(()) => return Ok(()),
        Err(NoProof::Unreadable(reason)) => format!("internal error: {reason}"),
        Err(NoProof::Compared(Answer::No(witness))) => {
            format!(
                "internal error: what was compiled judges this in another way than what was written: {witness}"
            )
        }
        Err(NoProof::Compared(Answer::Unknown(reason))) => format!("there is no proof: {reason}"),
        Err(NoProof::Compared(Answer::Yes(()))) => return Ok(()),
    };
    Err(Finding::whole(origin, codes::NOT_PROVED, message))
}
