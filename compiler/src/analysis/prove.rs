//! Translation validation: what a compiler emitted means what the source means.

use std::fmt;

use divert_vm::limits::USER_WORK;
use divert_vm::program::Program;
use divert_vm::verify::VerifyError;
use divert_vm::wire::DecodeError;

use super::{Always, Budget, Cost, equivalent_at_cost};
use crate::front::bytecode::lift;
use crate::front::windivert::{ObjectError, decode};
use crate::graph::Graph;

/// Why there was nothing to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProveError {
    /// The bytes are no program.
    Undecodable(DecodeError),
    /// The verifier refuses the program.
    Refused(VerifyError),
    /// The text is no object of the graph's layer.
    Object(ObjectError),
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable(error) => write!(f, "the compiled program cannot be read: {error}"),
            Self::Refused(error) => write!(f, "the verifier refuses the compiled program: {error}"),
            Self::Object(error) => write!(f, "the compiled object cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ProveError {}

/// What was proved of the outputs that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The program means what the source means.
    pub bytecode: Option<Always>,
    /// The object means what the source means.
    pub object: Option<Always>,
    /// What the greater of the two proofs did cost.
    pub cost: Cost,
}

/// Compares outputs with their source: `source` is its graph as written, from a plain builder, `bytecode` and `object`
/// are what was emitted. Each output is read back; the optimiser and the emitters have no part in the proof.
///
/// # Errors
/// When an output cannot be read back.
pub fn prove(
    source: &Graph,
    bytecode: Option<&[u8]>,
    object: Option<&str>,
    budget: &Budget,
) -> Result<Proof, ProveError> {
    let mut proof = Proof { bytecode: None, object: None, cost: Cost { nodes: 0 } };
    let mut compare = |output: &Graph| {
        let (answer, cost) = equivalent_at_cost(source, output, budget);
        proof.cost.nodes = proof.cost.nodes.max(cost.nodes);
        answer
    };
    let mut answers = [None, None];
    if let Some(bytes) = bytecode {
        let program = Program::decode(bytes).map_err(ProveError::Undecodable)?;
        let verified = program.verify(USER_WORK).map_err(ProveError::Refused)?;
        answers[0] = Some(compare(&lift(&verified)));
    }
    if let Some(text) = object {
        let graph = decode(text, source.layer()).map_err(ProveError::Object)?;
        answers[1] = Some(compare(&graph));
    }
    [proof.bytecode, proof.object] = answers;
    Ok(proof)
}
