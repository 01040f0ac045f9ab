//! Names to meanings: definitions in the order written, then the filter. What can be said about one test alone is in
//! `check.rs`.

use foldhash::{HashMap, HashMapExt as _};
use std::sync::Arc;

use divert_grammar::Word;
use divert_grammar::ast::{self, ItemKind, LetBody, ValueKind};
use divert_grammar::diagnostic::Diagnostic;
use divert_grammar::span::Span;
use divert_grammar::token::{Token, tokens};
use divert_vm::layer::Layer;

use super::files::{Loader, SetFile};
use super::literal::{self, LiteralError};
use super::names::{self, Builtin, Place, builtin};
use super::sets::Constant;
use super::typed::{Definition, DefinitionId, Expr, ExprKind, Range};
use super::{Finding, Rank, definitions};
use crate::limits;

/// What a definition stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// Its `let` comes later.
    Pending,
    /// Something is wrong with it, and was reported.
    Poison,
    /// A constant.
    Value(Constant),
    /// A set.
    Set(Arc<[Range]>),
    /// A filter.
    Filter(DefinitionId),
}

/// A name that the text defines.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Where it is defined.
    pub(super) span: Span,
    /// What it stands for.
    pub(super) meaning: Meaning,
    /// Whether anything uses it.
    pub(super) used: bool,
}

/// Everything that resolving one text needs.
pub(super) struct Resolver<'a> {
    pub(super) source: &'a str,
    pub(super) layer: Layer,
    pub(super) loader: &'a dyn Loader,
    pub(super) findings: Vec<Finding>,
    pub(super) known: HashMap<Box<str>, Known>,
    pub(super) definitions: Vec<Definition>,
    pub(super) files: Vec<SetFile>,
    /// The statements, to explain circles.
    pub(super) items: &'a [ast::Item],
    /// The words of the text, in order.
    pub(super) words: &'a [Word],
    /// The name whose definition is being resolved.
    pub(super) current: Option<&'a str>,
    /// Deepest nesting seen since the definition or the filter began.
    deepest: u32,
    /// Entries of sets that were copied into other sets.
    pub(super) copied: usize,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        source: &'a str,
        layer: Layer,
        loader: &'a dyn Loader,
        items: &'a [ast::Item],
        words: &'a [Word],
    ) -> Self {
        Self {
            source,
            layer,
            loader,
            findings: Vec::new(),
            known: HashMap::new(),
            definitions: Vec::new(),
            files: Vec::new(),
            items,
            words,
            current: None,
            deepest: 0,
            copied: 0,
        }
    }

    /// Records a mistake that concerns a word, wherever it stands.
    pub(super) fn word(&mut self, diagnostic: Diagnostic) {
        self.findings.push(Finding { rank: Rank::Word, diagnostic });
    }

    /// Records any other finding.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.findings.push(Finding { rank: Rank::Sense, diagnostic });
    }

    /// The definitions, in the order written.
    pub(super) fn items(&mut self) {
        self.announce();
        for item in self.items {
            if let ItemKind::Let { name, body } = &item.kind {
                // The first definition of a name counts; a second one was reported.
                if self.known.get(&*name.node).is_none_or(|known| known.span != name.span) {
                    continue;
                }
                self.current = Some(&name.node);
                let meaning = self.body(&name.node, body);
                self.current = None;
                if let Some(known) = self.known.get_mut(&*name.node)
                    && !matches!(known.meaning, Meaning::Poison)
                {
                    known.meaning = meaning.unwrap_or(Meaning::Poison);
                }
            }
        }
    }

    /// Makes all defined names known, so that none of them is called unknown.
    fn announce(&mut self) {
        for item in self.items {
            if let ItemKind::Let { name, body: _ } = &item.kind {
                let mut meaning = Meaning::Pending;
                if builtin(&name.node, self.layer).is_some() {
                    self.report(definitions::reserved(&name.node, name.span));
                    meaning = Meaning::Poison;
                } else if let Some(first) = self.known.get(&*name.node) {
                    let first = first.span;
                    self.report(definitions::duplicate(&name.node, name.span, first));
                    continue;
                }
                let known = Known { span: name.span, meaning, used: false };
                self.known.insert(name.node.clone(), known);
            }
        }
        if self.items.iter().any(|item| matches!(item.kind, ItemKind::Error)) {
            // What a broken statement would have defined is known too.
            let mut after_let = false;
            for (token, span) in tokens(self.source) {
                if after_let && token == Token::Name {
                    let known = Known { span, meaning: Meaning::Poison, used: true };
                    self.known.entry(span.of(self.source).into()).or_insert(known);
                }
                after_let = token == Token::Let;
            }
        }
    }

    fn body(&mut self, name: &str, body: &LetBody) -> Option<Meaning> {
        match body {
            LetBody::Set(set) => self.definition_set(set),
            LetBody::Filter(filter) => {
                if let ast::ExprKind::Test(test) = &filter.kind
                    && let Some(meaning) = self.alias(test)
                {
                    return Some(meaning);
                }
                let (filter, depth) = self.filter(filter)?;
                let id = DefinitionId(u32::try_from(self.definitions.len()).ok()?);
                self.definitions.push(Definition { name: name.into(), filter, depth });
                Some(Meaning::Filter(id))
            }
        }
    }

    /// A lone name that stands for a constant or a set: `let a = b;`, `let a = TCP;`.
    fn alias(&mut self, test: &ast::Test) -> Option<Meaning> {
        let (None, None, None) = (&test.index, &test.mask, &test.matcher) else { return None };
        if let Some(Builtin::Macro(value)) = builtin(&test.field.node, self.layer) {
            return Some(Meaning::Value(Constant::plain(value)));
        }
        let known = self.known.get_mut(&*test.field.node)?;
        match &known.meaning {
            Meaning::Value(_) | Meaning::Set(_) => {
                known.used = true;
                Some(known.meaning.clone())
            }
            Meaning::Pending | Meaning::Poison | Meaning::Filter(_) => None,
        }
    }

    /// The filter and its depth; `None` when something in it is wrong.
    pub(super) fn filter(&mut self, filter: &ast::Expr) -> Option<(Expr, u32)> {
        self.deepest = 0;
        let filter = self.expr(filter, 1)?;
        if self.deepest > limits::MAX_DEPTH {
            let span = filter.span;
            self.report(definitions::too_deep(self.deepest, span));
            return None;
        }
        Some((filter, self.deepest))
    }

    fn expr(&mut self, outer: &ast::Expr, depth: u32) -> Option<Expr> {
        let mut expr = outer;
        let mut complement = false;
        let inner = loop {
            match &expr.kind {
                ast::ExprKind::Paren(inner) => expr = inner,
                ast::ExprKind::Not { operators, operand } => {
                    let odd = operators.len() % 2 == 1;
                    if let ast::ExprKind::Test(test) = &operand.kind {
                        break self.test(test, odd, expr.span);
                    }
                    complement ^= odd;
                    expr = operand;
                }
                ast::ExprKind::And(operands) => {
                    let operands = self.operands(operands, depth);
                    break operands.map(|operands| Expr { kind: ExprKind::And(operands), span: expr.span });
                }
                ast::ExprKind::Or(operands) => {
                    let operands = self.operands(operands, depth);
                    break operands.map(|operands| Expr { kind: ExprKind::Or(operands), span: expr.span });
                }
                ast::ExprKind::Cond { condition, yes, no } => {
                    let condition = self.boxed(condition, depth);
                    let yes = self.boxed(yes, depth);
                    let no = self.boxed(no, depth);
                    let (condition, yes, no) = (condition?, yes?, no?);
                    break Some(Expr { kind: ExprKind::Cond { condition, yes, no }, span: expr.span });
                }
                ast::ExprKind::Test(test) => break self.test(test, false, expr.span),
                ast::ExprKind::Error => return None,
            }
        }?;
        // A negated definition is a `Not` of it.
        let used = if let ExprKind::Not(operand) = &inner.kind { operand } else { &inner };
        let below = if let ExprKind::Definition(id) = &used.kind {
            self.definitions.get(id.index()).map_or(0, |known| known.depth)
        } else {
            0
        };
        self.deepest = self.deepest.max(depth.saturating_add(below));
        Some(if complement { not(inner, outer.span) } else { inner })
    }

    fn boxed(&mut self, expr: &ast::Expr, depth: u32) -> Option<Box<Expr>> {
        self.expr(expr, depth.saturating_add(1)).map(Box::new)
    }

    fn operands(&mut self, operands: &[ast::Expr], depth: u32) -> Option<Vec<Expr>> {
        let mut all = Some(Vec::with_capacity(operands.len()));
        for operand in operands {
            // One that is wrong does not keep the others from being looked at.
            match (self.expr(operand, depth.saturating_add(1)), &mut all) {
                (Some(operand), Some(all)) => all.push(operand),
                (None, _) => all = None,
                (Some(_), None) => {}
            }
        }
        all
    }

    /// Says that `word` means nothing, unless it is a definition or was reported.
    pub(super) fn unknown(&mut self, word: &str, span: Span, place: Place) {
        let defined: Vec<&str> = self.known.keys().map(|name| &**name).collect();
        let diagnostic = names::unknown(word, span, place, self.layer, defined.into_iter());
        self.word(diagnostic);
    }

    /// Looks at words that are not part of the tree because the text does not parse.
    pub(super) fn loose_words(&mut self) {
        let mut reported: Vec<u32> =
            self.findings.iter().map(|finding| finding.diagnostic.primary.span.start()).collect();
        reported.sort_unstable();
        for Word { span, kind } in self.words {
            if reported.binary_search(&span.start()).is_ok() {
                continue;
            }
            let word = span.of(self.source);
            match kind {
                ValueKind::Literal => match literal::literal(word) {
                    Ok(_) | Err(LiteralError::ByteSuffix) => {}
                    Err(error) => self.word(error.diagnostic(word, *span)),
                },
                ValueKind::Name => match builtin(word, self.layer) {
                    Some(Builtin::FieldElsewhere(field)) => {
                        self.word(names::elsewhere(field, *span, self.layer));
                    }
                    Some(_) => {}
                    None if self.known.contains_key(word) || self.names_layer(*span) => {}
                    None => self.unknown(word, *span, Place::Unclear),
                },
            }
        }
    }

    /// Whether the word at `span` is the name in a `layer` statement, which is judged there.
    fn names_layer(&self, span: Span) -> bool {
        self.items.iter().any(|item| match &item.kind {
            ItemKind::Layer(name) => name.span == span,
            ItemKind::Let { .. } => false,
            ItemKind::Error => {
                let text = item.span.of(self.source);
                text.starts_with("layer")
                    && item.span.start() <= span.start()
                    && span.end() <= item.span.end()
            }
        })
    }
}

fn not(operand: Expr, span: Span) -> Expr {
    Expr { kind: ExprKind::Not(Box::new(operand)), span }
}
