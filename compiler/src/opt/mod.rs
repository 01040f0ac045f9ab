//! The optimiser. Every pass keeps the verdict for every possible input; none adds a test.

pub(crate) mod facts;
pub mod gather;
pub mod implied;
pub mod order;
pub mod share;

use crate::graph::Graph;

/// A pass over the graph.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// What it promises beside the same verdicts.
    pub promise: &'static str,
    /// What it does.
    pub run: fn(&Graph) -> Graph,
}

/// All passes, in the order in which they run.
pub const PASSES: [Pass; 4] = [
    Pass { name: "share", promise: "no two tests are equal, none has two equal edges", run: share::share },
    Pass { name: "order", promise: "within a chain, cheap tests come first", run: order::order },
    Pass { name: "gather", promise: "neighbouring tests on one load are one test", run: gather::gather },
    Pass { name: "implied", promise: "no test that every path to it decides", run: implied::implied },
];

/// Most rounds of all passes; more never helped.
const ROUNDS: usize = 4;

/// Optimises `graph`: level 0 leaves it as it is, level 1 removes and joins tests but keeps their order, level 2
/// does all it can. Takes about n log n time.
#[must_use]
pub fn optimise(graph: &Graph, level: u8) -> Graph {
    let mut best = graph.clone();
    if level == 0 {
        return best;
    }
    for _ in 0..ROUNDS {
        let before = best.clone();
        for pass in &PASSES {
            if level > 1 || pass.name != "order" {
                best = (pass.run)(&best);
                debug_assert_eq!(crate::graph::check::check(&best), Ok(()), "after {}", pass.name);
            }
        }
        if best == before {
            break;
        }
    }
    share::share(&best)
}

/// Number of edges that lead to each test, the entry counting as one.
pub(crate) fn references(graph: &Graph) -> Vec<u32> {
    let mut references = vec![0_u32; graph.nodes().len()];
    let edges = graph.nodes().iter().flat_map(|node| [node.yes, node.no]);
    for index in edges.chain([graph.entry()]).filter_map(crate::graph::NodeId::index) {
        references[index] = references[index].saturating_add(1);
    }
    references
}
