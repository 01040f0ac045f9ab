//! Binary decision diagrams: reduced, ordered by the number of the variable, equal ones are one. So two functions are
//! equal when their diagrams are, and a function can be true when its diagram is not [`Bdd::FALSE`].
//!
//! The only operation is if-then-else. It keeps its own stack: a filter over many bytes makes deep diagrams.

use super::{Budget, Reason};

/// A diagram of a [`Diagrams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bdd(u32);

impl Bdd {
    /// Never true.
    pub(super) const FALSE: Self = Self(0);
    /// Always true.
    pub(super) const TRUE: Self = Self(1);

    /// The constant with this value.
    pub(super) const fn constant(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }
}

/// What an operation gives: a diagram, or the reason why the budget does not allow it.
pub(super) type Built = Result<Bdd, Reason>;

/// Tests a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Node {
    variable: u32,
    low: Bdd,
    high: Bdd,
}

/// A remembered result of if-then-else.
#[derive(Clone, Copy)]
struct Known {
    question: [Bdd; 3],
    answer: Bdd,
}

/// No question is "if false".
const NOTHING: Known = Known { question: [Bdd::FALSE; 3], answer: Bdd::FALSE };

/// A variable after every real one: that of the constants.
const END: u32 = u32::MAX;

/// Sizes of the two tables at first; powers of two.
const FIRST_TABLE: usize = 1 << 12;

/// Most remembered results: with four words each, a quarter of the memory of the greatest diagram.
const MOST_KNOWN: usize = 1 << 20;

#[derive(Clone, Copy)]
enum Task {
    /// Find the diagram of "if a then b else c".
    Find([Bdd; 3]),
    /// Both branches are found: make the node, remember it.
    Join(u32, [Bdd; 3]),
}

/// All diagrams of one question.
pub(super) struct Diagrams {
    nodes: Vec<Node>,
    /// Node numbers by hash, linear probing, 0 where free; at most half full.
    table: Vec<u32>,
    known: Vec<Known>,
    tasks: Vec<Task>,
    found: Vec<Bdd>,
    most_nodes: usize,
    steps_left: u64,
}

/// Spreads three words over the table (the multiplier is the golden ratio).
const fn hash(a: u32, b: u32, c: u32) -> usize {
    let mut mixed = (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ b as u64).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ c as u64).rotate_left(29).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ mixed >> 32) as usize
}

impl Diagrams {
    pub(super) fn new(budget: &Budget) -> Self {
        let constant = Node { variable: END, low: Bdd::FALSE, high: Bdd::FALSE };
        Self {
            nodes: vec![constant; 2],
            table: vec![0; FIRST_TABLE],
            known: vec![NOTHING; FIRST_TABLE],
            tasks: Vec::new(),
            found: Vec::new(),
            most_nodes: budget.nodes.min(1 << 30),
            steps_left: budget.steps,
        }
    }

    /// Number of nodes so far: the memory that the question took.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, at: Bdd) -> Node {
        self.nodes[at.0 as usize]
    }

    /// What is tested first, and the diagrams for 0 and for 1; `None` for the constants.
    pub(super) fn top(&self, at: Bdd) -> Option<(u32, Bdd, Bdd)> {
        let node = self.node(at);
        (node.variable != END).then_some((node.variable, node.low, node.high))
    }

    /// The diagram that tests a variable which comes before all of both branches.
    fn make(&mut self, variable: u32, low: Bdd, high: Bdd) -> Built {
        if low == high {
            return Ok(low);
        }
        let node = Node { variable, low, high };
        let mask = self.table.len() - 1;
        let mut at = hash(variable, low.0, high.0) & mask;
        while self.table[at] != 0 {
            if self.nodes[self.table[at] as usize] == node {
                return Ok(Bdd(self.table[at]));
            }
            at = (at + 1) & mask;
        }
        if self.nodes.len() >= self.most_nodes {
            return Err(Reason::Memory);
        }
        let number = self.nodes.len() as u32;
        self.table[at] = number;
        self.nodes.push(node);
        if self.nodes.len() * 2 > self.table.len() {
            self.grow();
        }
        Ok(Bdd(number))
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        self.table.clear();
        self.table.resize(size, 0);
        for (number, node) in self.nodes.iter().enumerate().skip(2) {
            let mut at = hash(node.variable, node.low.0, node.high.0) & (size - 1);
            while self.table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = number as u32;
        }
        if self.known.len() < MOST_KNOWN {
            self.known = vec![NOTHING; size];
        }
    }

    /// "If the variable then `high` else `low`", in any order of the variables.
    pub(super) fn branch(&mut self, variable: u32, low: Bdd, high: Bdd) -> Built {
        if variable < self.node(low).variable && variable < self.node(high).variable {
            return self.make(variable, low, high);
        }
        let test = self.make(variable, Bdd::FALSE, Bdd::TRUE)?;
        self.ite(test, high, low)
    }

    pub(super) fn and(&mut self, a: Bdd, b: Bdd) -> Built {
        self.ite(a, b, Bdd::FALSE)
    }

    pub(super) fn or(&mut self, a: Bdd, b: Bdd) -> Built {
        self.ite(a, Bdd::TRUE, b)
    }

    /// `a` and not `b`.
    pub(super) fn without(&mut self, a: Bdd, b: Bdd) -> Built {
        self.ite(b, Bdd::FALSE, a)
    }

    pub(super) fn not(&mut self, a: Bdd) -> Built {
        self.ite(a, Bdd::FALSE, Bdd::TRUE)
    }

    /// "If `test` then `yes` else `no`".
    pub(super) fn ite(&mut self, test: Bdd, yes: Bdd, no: Bdd) -> Built {
        if let Some(done) = trivial([test, yes, no]) {
            return Ok(done);
        }
        let base = self.found.len();
        self.tasks.push(Task::Find([test, yes, no]));
        while let Some(task) = self.tasks.pop() {
            if let Err(reason) = self.work(task) {
                self.tasks.clear();
                self.found.clear();
                return Err(reason);
            }
        }
        debug_assert_eq!(self.found.len(), base + 1, "every task leaves one diagram");
        Ok(self.found.pop().unwrap_or(Bdd::FALSE))
    }

    fn work(&mut self, task: Task) -> Result<(), Reason> {
        match task {
            Task::Find(question) => {
                if let Some(done) = trivial(question) {
                    self.found.push(done);
                    return Ok(());
                }
                let known = self.known[self.slot(question)];
                if known.question == question {
                    self.found.push(known.answer);
                    return Ok(());
                }
                self.steps_left = self.steps_left.checked_sub(1).ok_or(Reason::Steps)?;
                let nodes = question.map(|part| self.node(part));
                let variable = nodes.iter().fold(END, |least, node| least.min(node.variable));
                let part = |at: usize, high: bool| match nodes[at] {
                    node if node.variable != variable => question[at],
                    node if high => node.high,
                    node => node.low,
                };
                self.tasks.push(Task::Join(variable, question));
                self.tasks.push(Task::Find([0, 1, 2].map(|at| part(at, true))));
                self.tasks.push(Task::Find([0, 1, 2].map(|at| part(at, false))));
            }
            Task::Join(variable, question) => {
                // The branch for 0 was found first.
                let (Some(high), Some(low)) = (self.found.pop(), self.found.pop()) else { return Ok(()) };
                let answer = self.make(variable, low, high)?;
                let slot = self.slot(question);
                self.known[slot] = Known { question, answer };
                self.found.push(answer);
            }
        }
        Ok(())
    }

    fn slot(&self, question: [Bdd; 3]) -> usize {
        hash(question[0].0, question[1].0, question[2].0) & (self.known.len() - 1)
    }
}

/// Answers that need no look at the diagrams.
fn trivial([test, yes, no]: [Bdd; 3]) -> Option<Bdd> {
    match (test, yes, no) {
        (Bdd::TRUE, _, _) => Some(yes),
        (Bdd::FALSE, _, _) => Some(no),
        _ if yes == no => Some(yes),
        (_, Bdd::TRUE, Bdd::FALSE) => Some(test),
        // "If a then a else false" and "if a then true else a".
        (_, _, Bdd::FALSE) if test == yes => Some(test),
        (_, Bdd::TRUE, _) if test == no => Some(test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(diagrams: &Diagrams, mut at: Bdd, bits: u32) -> bool {
        while let Some((variable, low, high)) = diagrams.top(at) {
            at = if bits >> variable & 1 == 1 { high } else { low };
        }
        at == Bdd::TRUE
    }

    #[test]
    fn equal_functions_are_equal_diagrams() {
        let mut diagrams = Diagrams::new(&Budget::default());
        let variable =
            |diagrams: &mut Diagrams, number| diagrams.branch(number, Bdd::FALSE, Bdd::TRUE).unwrap();
        let [a, b, c] = [2, 0, 1].map(|number| variable(&mut diagrams, number));
        let (ab, ac) = (diagrams.and(a, b).unwrap(), diagrams.and(a, c).unwrap());
        let left = diagrams.or(ab, ac).unwrap();
        let bc = diagrams.or(b, c).unwrap();
        assert_eq!(left, diagrams.and(a, bc).unwrap());
        for bits in 0..8 {
            let (a, b, c) = (bits >> 2 & 1 == 1, bits & 1 == 1, bits >> 1 & 1 == 1);
            assert_eq!(value(&diagrams, left, bits), a && (b || c));
        }
        let negated = diagrams.not(left).unwrap();
        assert_eq!(diagrams.without(Bdd::TRUE, left).unwrap(), negated);
        assert_eq!(diagrams.and(left, negated).unwrap(), Bdd::FALSE);
    }

    #[test]
    fn the_budget_ends_the_work() {
        let mut diagrams = Diagrams::new(&Budget { nodes: 8, ..Budget::default() });
        let mut all = Bdd::TRUE;
        let mut result = Ok(all);
        for number in (0..20).rev() {
            result = diagrams.branch(number, Bdd::FALSE, all);
            let Ok(next) = result else { break };
            all = next;
        }
        assert_eq!(result, Err(Reason::Memory));
    }
}
