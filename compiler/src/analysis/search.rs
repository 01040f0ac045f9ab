//! The search for an input on which graphs have the wanted verdicts.
//!
//! For each shape of packets the wanted combination of the graphs becomes a diagram over the bits of a packet. False
//! means that no packet of the shape is wanted. Otherwise the ties of a packet are added: first for the usual layout,
//! which gives a readable witness soon, then for all layouts. Where that takes one byte for two, a solution only tells
//! which lengths to try; they are fixed, which puts every byte in its place, and the search is repeated with them.

use divert_vm::layer::Layer;
use divert_vm::limits::USER_WORK;
use divert_vm::program::Program;

use super::assignment::Assignment;
use super::diagram::{Bdd, Built, Diagrams};
use super::event;
use super::formula::{Model, Sets};
use super::ground;
use super::layout::{Layout, Shape};
use super::needs::Needs;
use super::ties::Ties;
use super::witness::Witness;
use super::{Budget, Cost, Reason};
use crate::back::bytecode::emit;
use crate::graph::Graph;
use crate::graph::eval::eval;

/// Most sets of lengths that are tried for one shape.
const MOST_LAYOUTS: usize = 512;

/// Which verdicts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// All graphs match.
    All,
    /// The first matches, the second does not.
    FirstOnly,
    /// One of two matches.
    Differ,
}

impl Goal {
    fn holds(self, verdicts: &[bool]) -> bool {
        match (self, verdicts) {
            (Self::All, _) => verdicts.iter().all(|verdict| *verdict),
            (Self::FirstOnly, [first, second]) => *first && !second,
            (Self::Differ, [first, second]) => first != second,
            (Self::FirstOnly | Self::Differ, _) => false,
        }
    }

    fn combine(self, diagrams: &mut Diagrams, verdicts: &[Bdd]) -> Built {
        match (self, verdicts) {
            (Self::All, _) => verdicts.iter().try_fold(Bdd::TRUE, |all, verdict| diagrams.and(all, *verdict)),
            (Self::FirstOnly, [first, second]) => diagrams.without(*first, *second),
            (Self::Differ, [first, second]) if first == second => Ok(Bdd::FALSE),
            (Self::Differ, [first, second]) => {
                let left = diagrams.without(*first, *second)?;
                let right = diagrams.without(*second, *first)?;
                diagrams.or(left, right)
            }
            (Self::FirstOnly | Self::Differ, _) => Ok(Bdd::FALSE),
        }
    }
}

/// What was found.
pub(super) enum Found {
    Witness(Witness),
    /// Proved: there is none.
    Nothing,
    Unknown(Reason),
}

/// A way to go on.
enum Step {
    Witness(Witness),
    Nothing,
    /// There may be one, but it was not found.
    Open(Reason),
}

pub(super) struct Search<'g> {
    graphs: &'g [&'g Graph],
    goal: Goal,
    diagrams: Diagrams,
    sets: Sets,
    tries_left: u32,
}

impl<'g> Search<'g> {
    pub(super) fn new(graphs: &'g [&'g Graph], goal: Goal, budget: &Budget) -> Self {
        Self { graphs, goal, diagrams: Diagrams::new(budget), sets: Sets::new(), tries_left: budget.tries }
    }

    /// The memory that was used.
    pub(super) fn cost(&self) -> Cost {
        Cost { nodes: self.diagrams.len() }
    }

    /// Looks at every layer that one of the graphs is for; a graph of another layer matches nothing there.
    pub(super) fn run(&mut self) -> Found {
        let mut open = None;
        for layer in Layer::ALL {
            if !self.graphs.iter().any(|graph| graph.layer() == layer) {
                continue;
            }
            let step = if layer.has_packets() { self.packets(layer) } else { self.events(layer) };
            match step {
                Ok(Step::Witness(witness)) => return Found::Witness(witness),
                Ok(Step::Nothing) => {}
                Ok(Step::Open(reason)) | Err(reason) => open = open.or(Some(reason)),
            }
        }
        open.map_or(Found::Nothing, Found::Unknown)
    }

    /// The wanted inputs of a model.
    fn wanted(&mut self, layer: Layer, model: &Model) -> Built {
        let mut verdicts = Vec::with_capacity(self.graphs.len());
        for graph in self.graphs {
            verdicts.push(if graph.layer() == layer {
                model.formula(&mut self.diagrams, &mut self.sets, graph)?
            } else {
                Bdd::FALSE
            });
        }
        self.goal.combine(&mut self.diagrams, &verdicts)
    }

    fn events(&mut self, layer: Layer) -> Result<Step, Reason> {
        let model = Model::Events(layer);
        let wanted = self.wanted(layer, &model)?;
        let ties = event::ties(&mut self.diagrams, layer)?;
        let possible = self.diagrams.and(wanted, ties)?;
        if possible == Bdd::FALSE {
            return Ok(Step::Nothing);
        }
        let usual = if layer == Layer::Reflect { Bdd::TRUE } else { event::usual(&mut self.diagrams)? };
        let liked = self.diagrams.and(possible, usual)?;
        let root = if liked == Bdd::FALSE { possible } else { liked };
        Ok(match self.confirmed(Assignment::of(&self.diagrams, root, layer, &model)) {
            Some(witness) => Step::Witness(witness),
            None => Step::Open(Reason::Unconfirmed),
        })
    }

    fn packets(&mut self, layer: Layer) -> Result<Step, Reason> {
        let mut left = Vec::new();
        for shape in Shape::ALL {
            let wanted = self.wanted(layer, &Model::Packets(Layout::general(shape)))?;
            if wanted != Bdd::FALSE {
                left.push((shape, wanted));
            }
        }
        for (shape, _) in &left {
            let needs = Needs::of(self.graphs, *shape);
            if let Step::Witness(witness) = self.layout(layer, &Layout::usual(*shape), needs)? {
                return Ok(Step::Witness(witness));
            }
        }
        let mut open = None;
        for (shape, wanted) in left {
            match self.shape(layer, shape, wanted)? {
                Step::Witness(witness) => return Ok(Step::Witness(witness)),
                Step::Nothing => {}
                Step::Open(reason) => open = open.or(Some(reason)),
            }
        }
        Ok(open.map_or(Step::Nothing, Step::Open))
    }

    /// Those of `wanted` that are packets of the layout.
    fn tied(&mut self, wanted: Bdd, layout: &Layout, needs: Needs) -> Built {
        let ties = Ties { layout, payload: needs.counts_payload, chain_bytes: needs.base };
        let simple = ties.simple(&mut self.diagrams)?;
        let likely = self.diagrams.and(wanted, simple)?;
        if likely == Bdd::FALSE {
            return Ok(likely);
        }
        let full = ties.full(&mut self.diagrams)?;
        self.diagrams.and(likely, full)
    }

    /// The wanted packets of one layout.
    fn possible(&mut self, layer: Layer, layout: &Layout, needs: Needs) -> Built {
        let wanted = self.wanted(layer, &Model::Packets(layout.clone()))?;
        if wanted == Bdd::FALSE { Ok(wanted) } else { self.tied(wanted, layout, needs) }
    }

    /// Searches the packets of one layout.
    fn layout(&mut self, layer: Layer, layout: &Layout, needs: Needs) -> Result<Step, Reason> {
        let possible = self.possible(layer, layout, needs)?;
        if possible == Bdd::FALSE {
            return Ok(Step::Nothing);
        }
        self.solution(layer, &Model::Packets(layout.clone()), possible, needs)
    }

    /// Takes one solution and has it confirmed.
    fn solution(&mut self, layer: Layer, model: &Model, root: Bdd, needs: Needs) -> Result<Step, Reason> {
        let assignment = Assignment::of(&self.diagrams, root, layer, model);
        if needs.hash {
            return Ok(match self.hashed(assignment) {
                Some(witness) => Step::Witness(witness),
                None => Step::Open(Reason::Hash),
            });
        }
        Ok(match self.confirmed(assignment) {
            Some(witness) => Step::Witness(witness),
            None => Step::Open(Reason::Unconfirmed),
        })
    }

    /// Searches all packets of a shape. `wanted` is for the general layout.
    fn shape(&mut self, layer: Layer, shape: Shape, wanted: Bdd) -> Result<Step, Reason> {
        let general = Layout::general(shape);
        let model = Model::Packets(general.clone());
        let needs = Needs::of(self.graphs, shape);
        let mut possible = self.tied(wanted, &general, needs)?;
        if possible != Bdd::FALSE && needs.are_met_by(&general) {
            return self.solution(layer, &model, possible, needs);
        }
        let mut open = None;
        for _ in 0..MOST_LAYOUTS {
            if possible == Bdd::FALSE {
                return Ok(open.map_or(Step::Nothing, Step::Open));
            }
            let assignment = Assignment::of(&self.diagrams, possible, layer, &model);
            let Some(concrete) = assignment.concrete() else { return Ok(Step::Open(Reason::Unconfirmed)) };
            let fixed = needs.part_of(&concrete);
            // With IPv6 the lengths alone may tell, whatever the extension headers are.
            if !needs.are_all_met_by(&fixed) {
                let lengths = Layout { chain: None, ..fixed.clone() };
                if lengths != general && self.possible(layer, &lengths, needs)? == Bdd::FALSE {
                    let same = self.like(&general, &lengths)?;
                    possible = self.diagrams.without(possible, same)?;
                    continue;
                }
            }
            match self.layout(layer, &fixed, needs)? {
                Step::Witness(witness) => return Ok(Step::Witness(witness)),
                Step::Nothing if needs.are_all_met_by(&fixed) => {}
                Step::Nothing => open = open.or(Some(Reason::Extensions)),
                Step::Open(reason) => open = open.or(Some(reason)),
            }
            let same = self.like(&general, &fixed)?;
            possible = self.diagrams.without(possible, same)?;
        }
        Ok(Step::Open(open.unwrap_or(Reason::Layouts)))
    }

    /// The packets of the general layout with the lengths of `fixed`.
    fn like(&mut self, general: &Layout, fixed: &Layout) -> Built {
        let mut same = Bdd::TRUE;
        let mut numbers = Vec::new();
        numbers.extend(fixed.words.map(|words| (general.words(), u32::from(words))));
        numbers.extend(fixed.offset.map(|offset| (general.offset(), u32::from(offset))));
        numbers.extend(fixed.length.map(|length| (general.length(), length - general.length_base())));
        numbers.extend(fixed.payload.map(|payload| (general.payload_length(), payload)));
        if let Some(chain) = fixed.chain.as_ref().filter(|_| general.length_base() > 0) {
            numbers.push((general.extensions(), chain.size()));
            if let Some(first) = chain.first() {
                numbers.push((general.byte(6).to_vec(), first.into()));
            }
            numbers.push((ground::FRAGMENT.bits(), chain.has_fragment().into()));
            numbers.push((ground::LATER.bits(), chain.is_later().into()));
        }
        for (bits, value) in numbers {
            let is = self.diagrams.is(&bits, value.into())?;
            same = self.diagrams.and(same, is)?;
        }
        Ok(same)
    }

    /// The input with these values, if the slow evaluator and the VM agree that it is wanted.
    fn confirmed(&self, assignment: Assignment) -> Option<Witness> {
        let witness = assignment.witness()?;
        (self.is_wanted(&witness) && self.vm_agrees(&witness)).then_some(witness)
    }

    fn is_wanted(&self, witness: &Witness) -> bool {
        let verdicts =
            witness.with(|input| self.graphs.iter().map(|graph| eval(graph, input)).collect::<Vec<_>>());
        verdicts.is_some_and(|verdicts| self.goal.holds(&verdicts))
    }

    /// Runs the graphs' bytecode. Graphs too large for it are left to the slow evaluator.
    fn vm_agrees(&self, witness: &Witness) -> bool {
        self.graphs.iter().all(|graph| {
            let Ok(bytes) = emit(graph, &[]) else { return true };
            let Some(verified) =
                Program::decode(&bytes).ok().and_then(|program| program.verify(USER_WORK).ok())
            else {
                return false;
            };
            witness.with(|input| verified.matches(input) == eval(graph, input)).unwrap_or(false)
        })
    }

    /// Varies what is free until the hash is right, too.
    fn hashed(&mut self, mut assignment: Assignment) -> Option<Witness> {
        let mut witness = assignment.witness()?;
        let timestamp_is_free = !assignment.asks_for(ground::TIMESTAMP);
        while !self.is_wanted(&witness) {
            self.tries_left = self.tries_left.checked_sub(1)?;
            if timestamp_is_free {
                witness.address.timestamp = witness.address.timestamp.wrapping_add(1);
            } else {
                assignment.noise += 1;
                witness = assignment.witness()?;
            }
        }
        self.vm_agrees(&witness).then_some(witness)
    }
}
