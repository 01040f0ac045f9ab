//! On which inputs a test of a filter runs with a certain outcome: the answer is a filter again, so that everything that
//! answers questions about filters answers this one.

use std::sync::Arc;

use divert_grammar::span::Span;

use crate::analysis::{Answer, Budget, Exists, Reason, sat};
use crate::explain::Outcome;
use crate::front::text::lower;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test, Typed};
use crate::graph::Builder;

/// Tests in a filter whose conditions are made; they grow with the square of it.
pub const MOST_TESTS: usize = 256;

/// Parts of the condition under which a definition runs; every use of a definition that uses others repeats theirs.
const MOST_PARTS: usize = 1 << 14;

/// The conditions under which the tests of a filter run, by their numbers in
/// [`Explainer::tests`](crate::explain::Explainer::tests).
#[derive(Clone, Debug)]
pub struct Reach<'t> {
    typed: &'t Typed,
    tests: Vec<(Expr, &'t Test)>,
}

impl<'t> Reach<'t> {
    /// The conditions of a filter; `None` when it has more than [`MOST_TESTS`] tests, or definitions that are used very
    /// often by each other.
    #[must_use]
    pub fn of(typed: &'t Typed) -> Option<Self> {
        let parts = typed.definitions.iter().map(|definition| &definition.filter).chain([&typed.filter]);
        if parts.map(count).sum::<usize>() > MOST_TESTS {
            return None;
        }
        // Definitions use earlier ones only, so from the end on all uses of one are known when it comes.
        let mut uses: Vec<Vec<Expr>> = vec![Vec::new(); typed.definitions.len()];
        let mut groups = Vec::new();
        let mut walk = Walk { uses: &mut uses, tests: Vec::new() };
        walk.expr(&typed.filter, &mut Vec::new());
        groups.push(std::mem::take(&mut walk.tests));
        for (number, definition) in typed.definitions.iter().enumerate().rev() {
            // A definition runs where it is used first, and so when any use is reached.
            let reached = walk.uses.get_mut(number).map(std::mem::take).unwrap_or_default();
            let reached = made(ExprKind::Or(reached));
            if size(&reached) > MOST_PARTS {
                return None;
            }
            walk.expr(&definition.filter, &mut vec![reached]);
            groups.push(std::mem::take(&mut walk.tests));
        }
        // The tests of the definitions have the first numbers.
        Some(Self { typed, tests: groups.into_iter().rev().flatten().collect() })
    }

    /// The filter that matches the inputs on which this test runs with this outcome.
    #[must_use]
    pub fn filter(&self, test: usize, outcome: Outcome) -> Option<Typed> {
        let (condition, test) = self.tests.get(test)?;
        let yes = made(ExprKind::Test((*test).clone()));
        // A test and the one with the opposite operator are both false when the field is absent, and only then.
        let no = made(ExprKind::Test(opposite(test)));
        let outcome = match outcome {
            Outcome::True => yes,
            Outcome::False => no,
            Outcome::Absent => not(made(ExprKind::Or(vec![yes, no]))),
        };
        let filter = made(ExprKind::And(vec![condition.clone(), outcome]));
        Some(Typed { filter, ..self.typed.clone() })
    }

    /// Whether there is an input on which this test runs with this outcome.
    #[must_use]
    pub fn ask(&self, test: usize, outcome: Outcome, budget: &Budget) -> Exists {
        match self.filter(test, outcome) {
            Some(filter) => matched(&filter, budget),
            None => Answer::No(()),
        }
    }
}

/// Whether there is an input that a filter matches.
#[must_use]
pub fn matched(typed: &Typed, budget: &Budget) -> Exists {
    let mut builder = Builder::simplifying(typed.layer);
    match lower(typed, &mut builder) {
        Ok(entry) => sat(&builder.finish(entry), budget),
        Err(_) => Answer::Unknown(Reason::Memory),
    }
}

struct Walk<'w, 't> {
    uses: &'w mut Vec<Vec<Expr>>,
    tests: Vec<(Expr, &'t Test)>,
}

impl<'t> Walk<'_, 't> {
    /// Visits a part that runs when all of `path` is true.
    fn expr(&mut self, expr: &'t Expr, path: &mut Vec<Expr>) {
        let length = path.len();
        match &expr.kind {
            ExprKind::And(operands) => {
                for operand in operands {
                    self.expr(operand, path);
                    path.push(operand.clone());
                }
            }
            ExprKind::Or(operands) => {
                for operand in operands {
                    self.expr(operand, path);
                    path.push(not(operand.clone()));
                }
            }
            ExprKind::Not(operand) => self.expr(operand, path),
            ExprKind::Cond { condition, yes, no } => {
                self.expr(condition, path);
                path.push((**condition).clone());
                self.expr(yes, path);
                path.truncate(length);
                path.push(not((**condition).clone()));
                self.expr(no, path);
            }
            ExprKind::Test(test) => self.tests.push((made(ExprKind::And(path.clone())), test)),
            ExprKind::Definition(id) => {
                if let Some(uses) = self.uses.get_mut(id.index()) {
                    uses.push(made(ExprKind::And(path.clone())));
                }
            }
            ExprKind::Const(_) => {}
        }
        path.truncate(length);
    }
}

/// Tests in an expression, those of definitions not included.
fn count(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().map(count).sum(),
        ExprKind::Not(operand) => count(operand),
        ExprKind::Cond { condition, yes, no } => count(condition) + count(yes) + count(no),
        ExprKind::Test(_) => 1,
        ExprKind::Definition(_) | ExprKind::Const(_) => 0,
    }
}

/// Parts of an expression, itself included.
fn size(expr: &Expr) -> usize {
    1 + match &expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().map(size).sum(),
        ExprKind::Not(operand) => size(operand),
        ExprKind::Cond { condition, yes, no } => size(condition) + size(yes) + size(no),
        ExprKind::Test(_) | ExprKind::Definition(_) | ExprKind::Const(_) => 0,
    }
}

/// The test that is true where this one is false and the field is there.
fn opposite(test: &Test) -> Test {
    let matcher = match &test.matcher {
        Matcher::Compare { op, number, written } => {
            Matcher::Compare { op: op.opposite(), number: *number, written: *written }
        }
        Matcher::In { negated, set, span } => {
            Matcher::In { negated: !negated, set: Arc::clone(set), span: *span }
        }
        Matcher::Bytes { negated, bytes, span } => {
            Matcher::Bytes { negated: !negated, bytes: Arc::clone(bytes), span: *span }
        }
    };
    Test { matcher, ..test.clone() }
}

fn not(expr: Expr) -> Expr {
    made(ExprKind::Not(Box::new(expr)))
}

/// A part that stands nowhere.
fn made(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}
