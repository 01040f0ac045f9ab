//! Decides questions about filters: can one match, are two the same, does one imply the other, can both match one
//! input. Every "there is one" comes with an input, confirmed by the slow evaluator and by the VM; every "there is
//! none" is a proof over all inputs that the packet model allows.
//!
//! Method: the tests of a filter are tests on bits of a packet. For each of the eight shapes of packets (IP version and
//! transport header) a filter becomes a reduced ordered binary decision diagram over those bits (`formula`); two
//! filters that agree become the same diagram. So whatever names a field has (`tcp.SrcPort`, `localPort`, `packet16`),
//! it is the same variables, and header fields, addresses by direction and raw bytes are tied without further
//! thought (`layout`). What ties lengths, numbers and extension headers is one more diagram (`ties`). Nothing of the
//! optimiser is used.
//!
//! ```
//! use divert_compiler::analysis::{Answer, Budget, implies};
//! use divert_compiler::front::text::{Options, analyse, lower};
//! use divert_compiler::graph::{Builder, Graph};
//!
//! let graph = |text| -> Graph {
//!     let typed = analyse(text, &Options::default()).typed.expect("no errors");
//!     let mut builder = Builder::plain(typed.layer);
//!     let entry = lower(&typed, &mut builder).expect("small");
//!     builder.finish(entry)
//! };
//! let (narrow, wide) = (graph("tcp.DstPort == 443"), graph("(outbound? remotePort in 400..500: localPort > 80)"));
//! assert!(matches!(implies(&narrow, &wide, &Budget::default()), Answer::Yes(())));
//! let Answer::No(witness) = implies(&wide, &narrow, &Budget::default()) else { panic!("they differ") };
//! assert!(witness.packet().is_some());
//! ```

mod assignment;
mod bits;
mod build;
mod chain;
mod diagram;
mod event;
mod formula;
mod ground;
mod layout;
mod needs;
mod prove;
mod search;
mod ties;
mod witness;

use std::fmt;

use crate::graph::Graph;
use search::{Found, Goal, Search};

pub use layout::span;
pub use prove::{Proof, ProveError, prove};
pub use witness::{Content, Witness};

/// What a question may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most nodes of diagrams; each takes about 24 bytes.
    pub nodes: usize,
    /// Most steps of work on diagrams; each takes some 20 ns.
    pub steps: u64,
    /// Most packets that are tried for the sake of a random field.
    pub tries: u32,
}

impl Default for Budget {
    /// About 200 MB and a few seconds.
    fn default() -> Self {
        Self { nodes: 1 << 23, steps: 1 << 27, tries: 1 << 22 }
    }
}

/// What a question did cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Nodes of diagrams.
    pub nodes: usize,
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The diagrams need more nodes than the budget allows.
    Memory,
    /// The work needs more steps than the budget allows.
    Steps,
    /// It depends on a random field, and no packet that was tried has the hash for it.
    Hash,
    /// It depends on bytes behind IPv6 extension headers, of which only common arrangements were tried.
    Extensions,
    /// It depends on bytes whose place depends on lengths, of which too many are possible.
    Layouts,
    /// A packet was found that the evaluators do not confirm: a defect of the analysis.
    Unconfirmed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "the question needs more memory than its budget",
            Self::Steps => "the question needs more time than its budget",
            Self::Hash => "it depends on a random field, and no packet with the right hash was found",
            Self::Extensions => {
                "it depends on the bytes behind IPv6 extension headers, of which not all arrangements were tried"
            }
            Self::Layouts => "it depends on bytes whose places vary with too many different lengths",
            Self::Unconfirmed => "internal error: a packet that should show the answer does not",
        })
    }
}

/// The answer to a question: `Y` comes with a yes, `N` with a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<Y, N> {
    /// Proved, or shown by a witness.
    Yes(Y),
    /// Proved, or shown by a witness.
    No(N),
    /// Not decided.
    Unknown(Reason),
}

/// The answer to "is there an input …".
pub type Exists = Answer<Box<Witness>, ()>;
/// The answer to "is it so for all inputs …".
pub type Always = Answer<(), Box<Witness>>;

fn search(graphs: &[&Graph], goal: Goal, budget: &Budget) -> (Exists, Cost) {
    let mut search = Search::new(graphs, goal, budget);
    let answer = match search.run() {
        Found::Witness(witness) => Answer::Yes(Box::new(witness)),
        Found::Nothing => Answer::No(()),
        Found::Unknown(reason) => Answer::Unknown(reason),
    };
    (answer, search.cost())
}

fn never((answer, cost): (Exists, Cost)) -> (Always, Cost) {
    let answer = match answer {
        Answer::Yes(witness) => Answer::No(witness),
        Answer::No(()) => Answer::Yes(()),
        Answer::Unknown(reason) => Answer::Unknown(reason),
    };
    (answer, cost)
}

/// Whether some input matches.
#[must_use]
pub fn sat(graph: &Graph, budget: &Budget) -> Exists {
    search(&[graph], Goal::All, budget).0
}

/// Whether some input matches both.
#[must_use]
pub fn overlap(a: &Graph, b: &Graph, budget: &Budget) -> Exists {
    search(&[a, b], Goal::All, budget).0
}

/// Whether every input that matches `a` matches `b`.
#[must_use]
pub fn implies(a: &Graph, b: &Graph, budget: &Budget) -> Always {
    never(search(&[a, b], Goal::FirstOnly, budget)).0
}

/// Whether both match the same inputs.
#[must_use]
pub fn equivalent(a: &Graph, b: &Graph, budget: &Budget) -> Always {
    equivalent_at_cost(a, b, budget).0
}

/// [`equivalent`], and what it did cost.
#[must_use]
pub fn equivalent_at_cost(a: &Graph, b: &Graph, budget: &Budget) -> (Always, Cost) {
    never(search(&[a, b], Goal::Differ, budget))
}
