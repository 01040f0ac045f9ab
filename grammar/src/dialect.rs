//! Walks over the tree: which constructs the plain WinDivert 2.2 language does not have, and whether a tree holds errors.
//!
//! All walks keep their own stack, so that the depth of a tree costs no stack frames.

use crate::ast::{Expr, ExprKind, File, ItemKind, LetBody, Matcher, Operand, Set, SetItemKind, Test};
use crate::span::Span;
use crate::token::{Token, tokens};

/// A use of something that the plain language does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// What it is.
    pub kind: ExtensionKind,
    /// The token that shows it.
    pub span: Span,
}

/// What the extended dialect adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionKind {
    /// `# …` and `/* … */`; the span is the whole comment.
    Comment,
    /// `not (…)`; the span is the first byte of the parenthesis.
    NegatedGroup,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `..`
    Range,
    /// `/`
    Subnet,
    /// `{`
    Set,
    /// `file`
    File,
    /// `&`
    Mask,
    /// `"…"`; the span is the whole string.
    Bytes,
    /// `let`
    Let,
    /// `layer`
    Layer,
    /// The byte-order mark that some editors put at the beginning of a file.
    ByteOrderMark,
}

impl ExtensionKind {
    /// A few words for a message: "a comment".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comment => "a comment",
            Self::NegatedGroup => "a negated group",
            Self::In => "`in`",
            Self::NotIn => "`not in`",
            Self::Range => "a range",
            Self::Subnet => "a subnet",
            Self::Set => "a set",
            Self::File => "a set file",
            Self::Mask => "a mask",
            Self::Bytes => "a byte string",
            Self::Let => "a definition",
            Self::Layer => "a layer statement",
            Self::ByteOrderMark => "a byte-order mark",
        }
    }
}

/// Every use of a construct that the plain WinDivert 2.2 language does not have, in the order of the text. `source` is the
/// text that the tree was parsed from; it is needed for the signs that have no place of their own in the tree.
#[must_use]
pub fn extensions(file: &File, source: &str) -> Vec<Extension> {
    let mut finder = Finder { source, found: Vec::new() };
    if source.starts_with('\u{FEFF}') {
        finder.add(ExtensionKind::ByteOrderMark, Span::new(0, 3));
    }
    for comment in &file.comments {
        finder.add(ExtensionKind::Comment, comment.span);
    }
    let mut todo: Vec<&Expr> = file.filter.iter().collect();
    for item in &file.items {
        match &item.kind {
            ItemKind::Layer(_) => finder.word(ExtensionKind::Layer, item.span, 5),
            ItemKind::Let { name: _, body } => {
                finder.word(ExtensionKind::Let, item.span, 3);
                match body {
                    LetBody::Set(set) => finder.set(set),
                    LetBody::Filter(expr) => todo.push(expr),
                }
            }
            ItemKind::Error => {}
        }
    }
    while let Some(expr) = todo.pop() {
        if let ExprKind::Not { operators: _, operand } = &expr.kind
            && matches!(operand.kind, ExprKind::Paren(_) | ExprKind::Cond { .. })
        {
            finder.word(ExtensionKind::NegatedGroup, operand.span, 1);
        }
        if let ExprKind::Test(test) = &expr.kind {
            finder.test(test);
        }
        push_children(expr, &mut todo);
    }
    finder.found.sort_by_key(|extension| extension.span.start());
    finder.found
}

/// Whether the tree has an error in it, or no filter.
pub(crate) fn is_damaged(file: &File) -> bool {
    let Some(filter) = &file.filter else { return true };
    let bad = |set: &Set| set.items.iter().any(|item| matches!(item.kind, SetItemKind::Error));
    let mut todo = vec![filter];
    for item in &file.items {
        match &item.kind {
            ItemKind::Layer(_) => {}
            ItemKind::Let { name: _, body: LetBody::Filter(expr) } => todo.push(expr),
            ItemKind::Let { name: _, body: LetBody::Set(set) } if bad(set) => return true,
            ItemKind::Let { name: _, body: LetBody::Set(_) } => {}
            ItemKind::Error => return true,
        }
    }
    while let Some(expr) = todo.pop() {
        let damaged = match &expr.kind {
            ExprKind::Error => true,
            ExprKind::Test(Test { matcher: Some(Matcher::In { set, .. }), .. }) => bad(set),
            ExprKind::Or(_) | ExprKind::And(_) | ExprKind::Not { .. } | ExprKind::Paren(_) => false,
            ExprKind::Cond { .. } | ExprKind::Test(_) => false,
        };
        if damaged {
            return true;
        }
        push_children(expr, &mut todo);
    }
    false
}

/// Adds what is directly inside.
fn push_children<'e>(expr: &'e Expr, todo: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Or(operands) | ExprKind::And(operands) => todo.extend(operands),
        ExprKind::Not { operators: _, operand } => todo.push(operand),
        ExprKind::Paren(inner) => todo.push(inner),
        ExprKind::Cond { condition, yes, no } => todo.extend([&**condition, yes, no]),
        ExprKind::Test(_) | ExprKind::Error => {}
    }
}

struct Finder<'s> {
    source: &'s str,
    found: Vec<Extension>,
}

impl Finder<'_> {
    fn add(&mut self, kind: ExtensionKind, span: Span) {
        self.found.push(Extension { kind, span });
    }

    /// The first `length` bytes of a span.
    fn word(&mut self, kind: ExtensionKind, span: Span, length: u32) {
        self.add(kind, Span::new(span.start(), span.end().min(span.start() + length)));
    }

    /// The sign that stands between two places, among white space and comments.
    fn between(&mut self, kind: ExtensionKind, sign: Token, start: u32, end: u32) {
        let gap = Span::new(start, end);
        let place = tokens(gap.of(self.source)).find(|(token, _)| *token == sign).map(|(_, span)| span);
        let span = place.map_or(gap, |span| Span::new(start + span.start(), start + span.end()));
        self.add(kind, span);
    }

    fn test(&mut self, test: &Test) {
        if let Some(mask) = &test.mask {
            let field = test.index.as_ref().map_or(test.field.span, |index| index.span);
            self.between(ExtensionKind::Mask, Token::Ampersand, field.end(), mask.span.start());
        }
        match &test.matcher {
            Some(Matcher::In { negated, keyword, set }) => {
                self.add(if *negated { ExtensionKind::NotIn } else { ExtensionKind::In }, *keyword);
                self.set(set);
            }
            Some(Matcher::Compare { op: _, operand: Operand::Bytes(text) }) => {
                self.add(ExtensionKind::Bytes, text.span);
            }
            Some(Matcher::Compare { op: _, operand: Operand::Value(_) }) | None => {}
        }
    }

    fn set(&mut self, set: &Set) {
        if set.braces {
            self.word(ExtensionKind::Set, set.span, 1);
        }
        for item in &set.items {
            match &item.kind {
                SetItemKind::Range { low, high } => {
                    self.between(ExtensionKind::Range, Token::Range, low.span.end(), high.span.start());
                }
                SetItemKind::Subnet { base, prefix } => {
                    self.between(ExtensionKind::Subnet, Token::Slash, base.span.end(), prefix.span.start());
                }
                SetItemKind::File(_) => self.word(ExtensionKind::File, item.span, 4),
                SetItemKind::Value(_) | SetItemKind::Error => {}
            }
        }
    }
}
