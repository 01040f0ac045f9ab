//! What the clauses of a filter cost of the tests that a WinDivert object can have.

use divert_compiler::back::windivert::{self, DRIVER_TESTS, EncodeError, Shape};
use divert_compiler::front::text::{Typed, clauses, has_sets};
use divert_compiler::graph::Graph;
use divert_compiler::opt::optimise;
use divert_grammar::span::Span;

use crate::finding::Finding;
use crate::input::{Content, Filter};
use crate::pipeline;

/// Characters of a clause that are shown.
const SHOWN: usize = 70;
/// Clauses that an error names.
const NAMED: usize = 3;

/// A filter whose clauses are to be counted.
pub(super) struct Budget<'b> {
    pub(super) source: &'b Filter,
    /// What the text was understood as; objects and bytecode have no clauses.
    pub(super) typed: Option<&'b Typed>,
    pub(super) level: u8,
}

/// What a filter costs, and each of its clauses.
pub(super) struct Costs {
    whole: usize,
    clauses: Vec<(usize, Span)>,
}

impl Budget<'_> {
    /// Sets that were written as sets are searched; chains of single tests stay as short as they are.
    pub(super) fn shape(&self) -> Shape {
        if self.typed.is_some_and(has_sets) { Shape::Shallow } else { Shape::Fewest }
    }

    /// Counts.
    ///
    /// # Errors
    /// When a part cannot be written as tests at all.
    pub(super) fn of(&self, graph: &Graph) -> Result<Costs, EncodeError> {
        let alone: Vec<_> = self.typed.map(clauses).unwrap_or_default();
        let graphs: Vec<_> = alone
            .iter()
            .filter_map(|clause| {
                Some((optimise(&pipeline::lowered(clause, self.level).ok()?, self.level), clause))
            })
            .map(|(graph, clause)| (graph, clause.filter.span))
            .collect();
        let (graphs, spans): (Vec<_>, Vec<_>) = graphs.into_iter().unzip();
        let counted = windivert::budget(graph, &graphs, self.shape())?;
        Ok(Costs { whole: counted.tests, clauses: counted.clauses.into_iter().zip(spans).collect() })
    }

    /// The costs for people, one clause a line, in the order of the text.
    pub(super) fn table(&self, costs: &Costs) -> String {
        let mut table = String::from("tests  clause\n");
        for (tests, span) in &costs.clauses {
            table.push_str(&format!("{tests:5}  {}\n", self.shown(*span)));
        }
        table.push_str(&format!("{:5}  in all, of {DRIVER_TESTS} that WinDivert loads\n", costs.whole));
        table
    }

    /// Adds the clauses that cost most.
    pub(super) fn dearest(&self, mut finding: Finding, graph: &Graph) -> Finding {
        let Ok(mut costs) = self.of(graph) else { return finding };
        if costs.clauses.len() > 1 {
            costs.clauses.sort_by_key(|(tests, _)| std::cmp::Reverse(*tests));
            for (tests, span) in costs.clauses.into_iter().take(NAMED) {
                finding.diagnostic.notes.push(format!("{tests} tests: `{}`", self.shown(span)));
            }
        }
        finding
    }

    /// The text of a clause on one line, cut when it is long.
    fn shown(&self, span: Span) -> String {
        let Content::Text(source) = &self.source.content else { return String::new() };
        let words: Vec<_> = span.of(&source.text).split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}
