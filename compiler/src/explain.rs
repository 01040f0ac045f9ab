//! Why a filter says what it says of an input: which tests ran, what they found, and which of them decided.
//!
//! The order is that of the text, and a test runs when nothing before it has settled the matter; a definition runs once,
//! where it is used first. The verdict is the one of [`eval`](crate::front::text::eval::eval), and so that of every other
//! form of the filter, though an optimised program may ask other questions to reach it.

use divert_grammar::span::Span;
use divert_vm::field::Field;
use divert_vm::input::Input;
use divert_vm::load;
use divert_vm::number::Number;

use crate::back::written;
use crate::front::text::eval;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test, Typed};

/// A filter, ready to be explained for many inputs.
#[derive(Clone, Debug)]
pub struct Explainer<'t> {
    typed: &'t Typed,
    tests: Vec<Site<'t>>,
    definitions: Vec<Node>,
    root: Node,
}

/// A test of the filter; its number is its position in [`Explainer::tests`].
#[derive(Clone, Copy, Debug)]
pub struct Site<'t> {
    /// The test.
    pub test: &'t Test,
    /// Where it stands, with any `not` before it.
    pub span: Span,
}

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It is true.
    True,
    /// The field is there, and the test is false.
    False,
    /// The input does not have the field, so the test is false.
    Absent,
}

impl Outcome {
    /// All three.
    pub const ALL: [Self; 3] = [Self::True, Self::False, Self::Absent];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Absent => "absent",
        }
    }
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The field's value, with the mask applied.
    Number(Number),
    /// The bytes that were compared with a byte string.
    Bytes(Box<[u8]>),
}

/// A test that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Its number.
    pub test: usize,
    /// What came of it.
    pub outcome: Outcome,
    /// What it found; `None` when the field is absent.
    pub value: Option<Value>,
    /// Whether it is part of the reason for the verdict: a conjunction is false because of one operand and true because
    /// of all, and the other way round for a disjunction.
    pub decides: bool,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the input matches.
    pub verdict: bool,
    /// The tests that ran, in the order in which they ran.
    pub evaluated: Vec<Evaluated>,
}

/// The tree with numbers for tests.
#[derive(Clone, Debug)]
enum Node {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Cond(Box<[Self; 3]>),
    Test(usize),
    Definition(usize),
    Const(bool),
}

impl<'t> Explainer<'t> {
    /// Numbers the tests of a filter in the order of its text.
    #[must_use]
    pub fn new(typed: &'t Typed) -> Self {
        let mut tests = Vec::new();
        let definitions =
            typed.definitions.iter().map(|definition| node(&definition.filter, &mut tests)).collect();
        let root = node(&typed.filter, &mut tests);
        Self { typed, tests, definitions, root }
    }

    /// The tests.
    #[must_use]
    pub fn tests(&self) -> &[Site<'t>] {
        &self.tests
    }

    /// Evaluates the filter, tells `heard` what came of each test that runs, and gives the verdict. An input of another
    /// layer matches nothing, without a test.
    pub fn listen(&self, input: &Input<'_>, mut heard: impl FnMut(usize, Outcome)) -> bool {
        if input.layer() != self.typed.layer {
            return false;
        }
        let mut run =
            Run { explainer: self, input, known: vec![None; self.definitions.len()], heard: &mut heard };
        run.node(&self.root)
    }

    /// Explains the verdict on an input.
    #[must_use]
    pub fn explain(&self, input: &Input<'_>) -> Explanation {
        let mut evaluated = Vec::new();
        let mut outcomes = vec![None; self.tests.len()];
        let verdict = self.listen(input, |test, outcome| {
            if let Some(place) = outcomes.get_mut(test) {
                *place = Some(outcome);
            }
            let value = self.tests.get(test).and_then(|site| found(site.test, input));
            evaluated.push(Evaluated { test, outcome, value, decides: false });
        });
        let mut deciding = vec![false; self.tests.len()];
        self.decide(&self.root, &outcomes, &mut deciding);
        for one in &mut evaluated {
            one.decides = deciding.get(one.test).copied().unwrap_or(false);
        }
        Explanation { verdict, evaluated }
    }

    /// Marks the tests that are the reason for the value of `node`.
    fn decide(&self, node: &Node, outcomes: &[Option<Outcome>], deciding: &mut [bool]) {
        match node {
            Node::And(operands) | Node::Or(operands) => {
                // One operand settles it: the first that is false of a conjunction, or true of a disjunction.
                let settling = matches!(node, Node::Or(_));
                match operands.iter().find(|operand| self.value(operand, outcomes) == Some(settling)) {
                    Some(operand) => self.decide(operand, outcomes, deciding),
                    None => operands.iter().for_each(|operand| self.decide(operand, outcomes, deciding)),
                }
            }
            Node::Not(operand) => self.decide(operand, outcomes, deciding),
            Node::Cond(parts) => {
                let [condition, yes, no] = &**parts;
                self.decide(condition, outcomes, deciding);
                let branch = if self.value(condition, outcomes) == Some(true) { yes } else { no };
                self.decide(branch, outcomes, deciding);
            }
            Node::Test(test) => {
                if let Some(place) = deciding.get_mut(*test) {
                    *place = true;
                }
            }
            Node::Definition(id) => {
                if let Some(definition) = self.definitions.get(*id) {
                    self.decide(definition, outcomes, deciding);
                }
            }
            Node::Const(_) => {}
        }
    }

    /// The value that was found; `None` for what did not have to run.
    fn value(&self, node: &Node, outcomes: &[Option<Outcome>]) -> Option<bool> {
        let value = |node: &Node| self.value(node, outcomes);
        match node {
            Node::And(operands) | Node::Or(operands) => {
                let settling = matches!(node, Node::Or(_));
                for operand in operands {
                    if value(operand)? == settling {
                        return Some(settling);
                    }
                }
                Some(!settling)
            }
            Node::Not(operand) => value(operand).map(|value| !value),
            Node::Cond(parts) => {
                let [condition, yes, no] = &**parts;
                value(if value(condition)? { yes } else { no })
            }
            Node::Test(test) => {
                outcomes.get(*test).copied().flatten().map(|outcome| outcome == Outcome::True)
            }
            Node::Definition(id) => self.definitions.get(*id).and_then(value),
            Node::Const(value) => Some(*value),
        }
    }
}

struct Run<'r, 't, 'i, F> {
    explainer: &'r Explainer<'t>,
    input: &'r Input<'i>,
    /// The verdicts of the definitions that have run.
    known: Vec<Option<bool>>,
    heard: &'r mut F,
}

impl<F: FnMut(usize, Outcome)> Run<'_, '_, '_, F> {
    fn node(&mut self, node: &Node) -> bool {
        match node {
            Node::And(operands) => operands.iter().all(|operand| self.node(operand)),
            Node::Or(operands) => operands.iter().any(|operand| self.node(operand)),
            Node::Not(operand) => !self.node(operand),
            Node::Cond(parts) => {
                let [condition, yes, no] = &**parts;
                let branch = if self.node(condition) { yes } else { no };
                self.node(branch)
            }
            Node::Test(test) => {
                let Some(site) = self.explainer.tests.get(*test) else { return false };
                let outcome = outcome(site.test, self.input);
                (self.heard)(*test, outcome);
                outcome == Outcome::True
            }
            Node::Definition(id) => {
                if let Some(verdict) = self.known.get(*id).copied().flatten() {
                    return verdict;
                }
                let explainer = self.explainer;
                let verdict = explainer.definitions.get(*id).is_some_and(|definition| self.node(definition));
                if let Some(place) = self.known.get_mut(*id) {
                    *place = Some(verdict);
                }
                verdict
            }
            Node::Const(value) => *value,
        }
    }
}

fn node<'t>(expr: &'t Expr, tests: &mut Vec<Site<'t>>) -> Node {
    match &expr.kind {
        ExprKind::And(operands) => Node::And(operands.iter().map(|operand| node(operand, tests)).collect()),
        ExprKind::Or(operands) => Node::Or(operands.iter().map(|operand| node(operand, tests)).collect()),
        ExprKind::Not(operand) => Node::Not(Box::new(node(operand, tests))),
        ExprKind::Cond { condition, yes, no } => {
            Node::Cond(Box::new([condition, yes, no].map(|part| node(part, tests))))
        }
        ExprKind::Test(test) => {
            tests.push(Site { test, span: expr.span });
            Node::Test(tests.len() - 1)
        }
        ExprKind::Definition(id) => Node::Definition(id.index()),
        ExprKind::Const(value) => Node::Const(*value),
    }
}

/// What comes of one test.
#[must_use]
pub fn outcome(test: &Test, input: &Input<'_>) -> Outcome {
    if eval::test(test, input) {
        Outcome::True
    } else if found(test, input).is_some() {
        Outcome::False
    } else {
        Outcome::Absent
    }
}

/// What a test looks at; `None` when it is absent.
fn found(test: &Test, input: &Input<'_>) -> Option<Value> {
    match &test.matcher {
        Matcher::Compare { .. } | Matcher::In { .. } => eval::value(test, input).map(Value::Number),
        Matcher::Bytes { bytes, .. } => {
            let byte = |index| load::key(input, test.field, index).and_then(|key| u8::try_from(key).ok());
            let all: Option<Vec<u8>> = (test.index..).take(bytes.len()).map(byte).collect();
            all.map(|bytes| Value::Bytes(bytes.into()))
        }
    }
}

/// A value as the language writes it: addresses, names of events and layers; masked values in hexadecimal.
#[must_use]
pub fn shown(value: &Value, test: &Test, input: &Input<'_>) -> String {
    match value {
        Value::Bytes(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Value::Number(number) => match (test.mask, load::key(input, test.field, test.index)) {
            (None, Some(key)) if test.field != Field::Zero => written(test.field, key, input.layer()),
            (None, _) => number.to_string(),
            (Some(_), _) => format!("{:#x}", number.magnitude()),
        },
    }
}
