//! The optimiser. Every pass keeps the verdict for every possible input; none adds a test.

pub(crate) mod facts;
pub mod gather;
pub mod implied;
mod numbers;
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
    if level == 0 {
        return graph.clone();
    }
    let shared = share::share(graph);
    if shared.nodes().len() > 1 {
        return rounds(shared, level);
    }
    // The other passes are about what tests have to do with each other.
    debug_assert_eq!(shared, rounds(shared.clone(), level), "one test or none has nothing to gain");
    shared
}

/// Runs the passes behind [`share::share`], whose result `best` is, and all passes again and again, until none of them
/// changes anything.
fn rounds(mut best: Graph, level: u8) -> Graph {
    let passes = || PASSES.iter().filter(|pass| level > 1 || pass.name != "order");
    let mut unchanged = 1;
    for pass in (0..ROUNDS).flat_map(|_| passes()).skip(1) {
        let next = (pass.run)(&best);
        debug_assert_eq!(crate::graph::check::check(&next), Ok(()), "after {}", pass.name);
        unchanged = if next == best { unchanged + 1 } else { 1 };
        best = next;
        if unchanged > passes().count() {
            return best;
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
