//! What the grammar does when it has recognised something: builds the tree and records mistakes. A mistake always
//! leaves an `Error` node behind.

use crate::ast::{
    CompareOp, Expr, ExprKind, File, Index, Item, ItemKind, LetBody, Matcher, Name, Operand, Set, SetItem,
    SetItemKind, Test, Text, Value, ValueKind,
};
use crate::context::Context;
use crate::error::{Comparison, Expected, Found, SyntaxError};
use crate::span::{Span, Spanned};
use crate::token::{Token, is_quote};

/// An operand, or a constant whose place decides whether it is one.
pub(crate) enum Node {
    Expr(Expr),
    Constant(Value),
}

/// The left side of a test.
pub(crate) struct Head {
    pub(crate) name: Name,
    pub(crate) index: Option<Index>,
    /// With the place of its `&`.
    pub(crate) mask: Option<(Span, Value)>,
    pub(crate) span: Span,
}

/// An entry of a set and the token that makes it more than a constant.
pub(crate) struct Piece {
    pub(crate) mark: Span,
    pub(crate) item: SetItem,
}

/// The first and the last of several tokens.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

/// What is left of a mistake.
pub(crate) const fn mistake(span: Span) -> Expr {
    Expr { kind: ExprKind::Error, span }
}

fn is_error(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Error)
}

/// Files and filters.
impl Context<'_> {
    pub(crate) fn file(&self, items: Vec<Item>, filter: Expr) -> File {
        File { items, filter: Some(filter), comments: Vec::new() }
    }

    pub(crate) fn layer(&self, name: Name, span: Span) -> Item {
        self.progress();
        Item { kind: ItemKind::Layer(name), span }
    }

    pub(crate) fn definition(&self, name: Name, body: LetBody, span: Span) -> Item {
        self.progress();
        Item { kind: ItemKind::Let { name, body }, span }
    }

    pub(crate) fn body(&self, node: Node) -> LetBody {
        match node {
            Node::Expr(expr) => LetBody::Filter(expr),
            Node::Constant(value) => LetBody::Set(self.set_of(self.entry(value))),
        }
    }

    /// A node in a place where a constant is a mistake.
    pub(crate) fn expr(&self, node: Node) -> Expr {
        match node {
            Node::Expr(expr) => expr,
            Node::Constant(value) => {
                self.report(SyntaxError::LoneConstant { span: value.span, previous: None });
                mistake(value.span)
            }
        }
    }

    pub(crate) fn first(&self, node: Node) -> Vec<Expr> {
        vec![self.expr(node)]
    }

    pub(crate) fn or(&self, operands: Vec<Expr>, span: Span) -> Node {
        Node::Expr(Expr { kind: ExprKind::Or(operands), span })
    }

    pub(crate) fn and(&self, operands: Vec<Expr>, span: Span) -> Node {
        Node::Expr(Expr { kind: ExprKind::And(operands), span })
    }

    /// Adds an operand to a chain. A constant there was probably meant for the comparison before it.
    pub(crate) fn join(&self, mut operands: Vec<Expr>, node: Node, and: bool) -> Vec<Expr> {
        let expr = match node {
            Node::Expr(expr) => expr,
            Node::Constant(value) => {
                let previous = operands.last().and_then(|last| comparison(last, and));
                self.report(SyntaxError::LoneConstant { span: value.span, previous });
                mistake(value.span)
            }
        };
        operands.push(expr);
        operands
    }

    /// Two operands side by side.
    pub(crate) fn juxtapose(&self, mut operands: Vec<Expr>, node: Node, span: Span) -> Vec<Expr> {
        self.progress();
        let last = operands.last();
        let after = last.map_or(span.start(), |last| last.span.end());
        let consequence = last.is_some_and(is_error);
        let first = Span::new(span.start(), span.start() + first_token(span.of(self.source)));
        match node {
            Node::Expr(expr) => {
                if !consequence {
                    self.report(SyntaxError::MissingOperator { span: first, after });
                    operands.push(mistake(Span::empty(span.start())));
                }
                operands.push(expr);
            }
            Node::Constant(value) => {
                if let Some(error) = last.and_then(|last| Self::dashed_range(last, &value)) {
                    self.report(error);
                    operands.push(mistake(span));
                    return operands;
                }
                let bare =
                    matches!(last.map(|last| &last.kind), Some(ExprKind::Test(Test { matcher: None, .. })));
                if bare {
                    self.report(SyntaxError::MissingComparison { span, after });
                } else if !consequence {
                    self.report(SyntaxError::MissingOperator { span: first, after });
                }
                operands.push(mistake(span));
            }
        }
        operands
    }

    /// What `80-90` was meant to be, after a comparison or `in`.
    fn dashed_range(last: &Expr, high: &Value) -> Option<SyntaxError> {
        let mut test = last;
        while let ExprKind::Not { operators: _, operand } = &test.kind {
            test = operand;
        }
        let ExprKind::Test(Test { matcher: Some(matcher), .. }) = &test.kind else { return None };
        let (operator, low) = match matcher {
            Matcher::Compare { op, operand: Operand::Value(low) } => (Some((op.span, op.node)), low.span),
            Matcher::In { negated: _, keyword: _, set: Set { braces: false, items, span } } => {
                let one = matches!(items.as_slice(), [SetItem { kind: SetItemKind::Value(_), span: _ }]);
                (None, one.then_some(*span)?)
            }
            Matcher::Compare { op: _, operand: Operand::Bytes(_) } | Matcher::In { .. } => return None,
        };
        let minus = Span::new(high.span.start(), high.span.start() + 1);
        high.negative.then(|| SyntaxError::DashedRange { span: minus, operator, whole: low.to(high.span) })
    }

    pub(crate) fn sign(&self, start: u32, end: u32) -> Span {
        self.progress();
        Span::new(start, end)
    }

    pub(crate) fn not(&self, operators: Vec<Span>, operand: Node, span: Span) -> Node {
        let operand = Box::new(self.expr(operand));
        Node::Expr(Expr { kind: ExprKind::Not { operators, operand }, span })
    }

    pub(crate) fn paren(&self, inner: Expr, span: Span) -> Expr {
        self.progress();
        Expr { kind: ExprKind::Paren(Box::new(inner)), span }
    }

    pub(crate) fn cond(&self, condition: Expr, yes: Expr, no: Expr, span: Span) -> Expr {
        self.progress();
        let (condition, yes, no) = (Box::new(condition), Box::new(yes), Box::new(no));
        Expr { kind: ExprKind::Cond { condition, yes, no }, span }
    }

    pub(crate) fn bare_conditional(&self, question: Span, whole: Span) -> Expr {
        self.report(SyntaxError::BareConditional { span: question, whole });
        mistake(whole)
    }

    pub(crate) fn missing_else(&self, question: Span, place: u32, whole: Span) -> Expr {
        self.progress();
        if !self.reported_since(question.start()) {
            let span = if whole.end() > place { Span::new(place, place + 1) } else { Span::empty(place) };
            self.report(SyntaxError::MissingElse { span, question });
        }
        mistake(whole)
    }

    pub(crate) fn lone_value(&self, span: Span, whole: Span) -> Node {
        self.report(SyntaxError::LoneConstant { span, previous: None });
        Node::Expr(mistake(whole))
    }

    pub(crate) fn constant_on_left(
        &self,
        value: Value,
        op: Spanned<CompareOp>,
        right: Span,
        chained: bool,
        span: Span,
    ) -> Node {
        self.report(SyntaxError::ConstantOnLeft { span: value.span, op: op.node, right, chained });
        Node::Expr(mistake(span))
    }
}

/// Tests.
impl Context<'_> {
    pub(crate) fn test(&self, head: Head) -> Node {
        let Head { name, index, mask, span } = head;
        Node::Expr(match mask {
            Some((ampersand, mask)) => {
                self.report(SyntaxError::MaskAlone { span: ampersand, mask: mask.span });
                mistake(span)
            }
            None => finished(name, index, None, None, span),
        })
    }

    pub(crate) fn compare(
        &self,
        head: Head,
        op: Spanned<CompareOp>,
        operand: Option<Operand>,
        span: Span,
    ) -> Node {
        Node::Expr(match operand {
            Some(operand) => head.with(Matcher::Compare { op, operand }, span),
            None => mistake(span),
        })
    }

    /// A comparison that is compared again. It is kept, so that what is wrong within it is found, too.
    pub(crate) fn compared_again(
        &self,
        head: Head,
        op: Spanned<CompareOp>,
        operand: Option<Operand>,
        again: Spanned<CompareOp>,
        span: Span,
    ) -> Node {
        let expected = vec![Expected::Connective];
        self.report(SyntaxError::Unexpected { span: again.span, found: Found::Operator, expected });
        self.compare(head, op, operand, span)
    }

    pub(crate) fn inside(&self, head: Head, keyword: Spanned<bool>, set: Set, span: Span) -> Node {
        Node::Expr(head.with(Matcher::In { negated: keyword.node, keyword: keyword.span, set }, span))
    }

    pub(crate) fn doubled(&self, op: Spanned<CompareOp>, extra: Bounds, span: Span) -> Node {
        self.report(SyntaxError::DoubledOperator { span: extra.first, operators: op.span.to(extra.last) });
        Node::Expr(mistake(span))
    }

    pub(crate) fn paren_operand(
        &self,
        head: Head,
        op: Spanned<CompareOp>,
        place: u32,
        inner: Expr,
        whole: Span,
    ) -> Node {
        self.progress();
        self.forget_consequences(Span::new(place, whole.end()));
        let constants = constants(&inner).unwrap_or_default();
        let span = Span::new(place, place + 1);
        self.report(SyntaxError::ParenOperand { span, whole, field: head.span, op: op.node, constants });
        Node::Expr(mistake(whole))
    }

    pub(crate) fn compared_group(&self, group: Expr, op: Spanned<CompareOp>, span: Span) -> Node {
        self.forget_consequences(group.span);
        self.report(SyntaxError::GroupCompared { span: op.span, group: group.span });
        Node::Expr(mistake(span))
    }

    pub(crate) fn set_operand(&self, op: Spanned<CompareOp>, set: Spanned<Set>, span: Span) -> Node {
        self.report(SyntaxError::SetOperand { span: set.span, op_span: op.span, op: op.node });
        Node::Expr(mistake(span))
    }

    pub(crate) fn missing_in(&self, head: Head, set: Spanned<Set>, span: Span) -> Node {
        self.report(SyntaxError::MissingIn { span: set.span, after: head.span.end() });
        Node::Expr(mistake(span))
    }

    pub(crate) fn name(&self, span: Span) -> Name {
        self.progress();
        Spanned::new(self.text(span), span)
    }

    /// The constant of a word; `minus` is where its sign stands.
    pub(crate) fn value(&self, word: Span, token: Token, minus: Option<u32>) -> Value {
        self.progress();
        let kind = if token == Token::Name { ValueKind::Name } else { ValueKind::Literal };
        let span = Span::new(minus.unwrap_or(word.start()), word.end());
        Value { negative: minus.is_some(), kind, text: self.text(word), span }
    }

    pub(crate) fn doubled_minus(&self, span: Span) {
        self.report(SyntaxError::DoubledMinus { span });
    }

    pub(crate) fn string(&self, span: Span) -> Text {
        self.progress();
        let text = span.of(self.source);
        let inside = text.strip_prefix(is_quote).unwrap_or(text);
        let raw = inside.strip_suffix(is_quote).unwrap_or(inside);
        Text { raw: raw.into(), bytes: crate::text::unescape(raw, |_| ()), span }
    }
}

/// Sets.
impl Context<'_> {
    pub(crate) fn entry(&self, value: Value) -> SetItem {
        SetItem { span: value.span, kind: SetItemKind::Value(value) }
    }

    /// A set of one entry, without braces.
    pub(crate) fn set_of(&self, item: SetItem) -> Set {
        Set { braces: false, span: item.span, items: vec![item] }
    }

    pub(crate) fn compound(&self, piece: Piece) -> Spanned<Set> {
        Spanned::new(self.set_of(piece.item), piece.mark)
    }

    pub(crate) fn braces(&self, items: Vec<SetItem>, span: Span) -> Spanned<Set> {
        self.progress();
        Spanned::new(Set { braces: true, items, span }, Span::new(span.start(), span.start() + 1))
    }

    pub(crate) fn range(&self, low: Value, mark: Span, high: Value) -> Piece {
        let span = low.span.to(high.span);
        Piece { mark, item: SetItem { kind: SetItemKind::Range { low, high }, span } }
    }

    pub(crate) fn subnet(&self, base: Value, mark: Span, prefix: Value) -> Piece {
        let span = base.span.to(prefix.span);
        Piece { mark, item: SetItem { kind: SetItemKind::Subnet { base, prefix }, span } }
    }

    pub(crate) fn set_file(&self, mark: Span, path: Text, span: Span) -> Piece {
        Piece { mark, item: SetItem { kind: SetItemKind::File(path), span } }
    }

    pub(crate) fn unquoted_file(&self, mark: Span, path: Value, span: Span) -> Piece {
        let expected = vec![Expected::Text];
        let found = if path.kind == ValueKind::Name { Found::Name } else { Found::Constant };
        self.report(SyntaxError::Unexpected { span: path.span, found, expected });
        Piece { mark, item: SetItem { kind: SetItemKind::Error, span } }
    }

    pub(crate) fn missing_comma(&self, mut items: Vec<SetItem>, item: SetItem) -> Vec<SetItem> {
        let last = items.last();
        if !last.is_some_and(|last| matches!(last.kind, SetItemKind::Error)) {
            let after = last.map_or(item.span.start(), |last| last.span.end());
            let first = item.span.start() + first_token(item.span.of(self.source));
            self.report(SyntaxError::MissingComma { span: Span::new(item.span.start(), first), after });
            items.push(SetItem { kind: SetItemKind::Error, span: Span::empty(item.span.start()) });
        }
        items.push(item);
        items
    }

    pub(crate) fn text_entry(&self, span: Span) -> SetItem {
        self.progress();
        self.report(SyntaxError::TextInSet { span });
        SetItem { kind: SetItemKind::Error, span }
    }

    pub(crate) fn nested_set(&self, set: Set) -> SetItem {
        self.report(SyntaxError::NestedSet { span: set.span });
        SetItem { kind: SetItemKind::Error, span: set.span }
    }
}

impl Head {
    /// A test of this field.
    fn with(self, matcher: Matcher, span: Span) -> Expr {
        finished(self.name, self.index, self.mask.map(|(_, mask)| mask), Some(matcher), span)
    }
}

fn finished(
    field: Name,
    index: Option<Index>,
    mask: Option<Value>,
    matcher: Option<Matcher>,
    span: Span,
) -> Expr {
    Expr { kind: ExprKind::Test(Test { field, index, mask, matcher }), span }
}

/// The comparison that `or CONSTANT` (or `and CONSTANT` after `!=`) was meant to go on.
fn comparison(expr: &Expr, and: bool) -> Option<Comparison> {
    let ExprKind::Test(test) = &expr.kind else { return None };
    let Some(Matcher::Compare { op, operand: Operand::Value(value) }) = &test.matcher else { return None };
    let wanted = if and { CompareOp::Ne } else { CompareOp::Eq };
    let end = test
        .mask
        .as_ref()
        .map_or_else(|| test.index.as_ref().map_or(test.field.span, |index| index.span), |mask| mask.span);
    (op.node == wanted).then(|| Comparison { field: expr.span_to(end), constant: value.span, negated: and })
}

impl Expr {
    /// From the beginning of this one to the end of `other`.
    fn span_to(&self, other: Span) -> Span {
        Span::new(self.span.start(), other.end())
    }
}

/// The constants of `80 or 443` (mistakes by now) and `TCP or UDP` (tests of fields, as far as the grammar knows).
fn constants(expr: &Expr) -> Option<Vec<Span>> {
    let operands = if let ExprKind::Or(operands) = &expr.kind {
        operands.as_slice()
    } else {
        core::slice::from_ref(expr)
    };
    let bare = |expr: &Expr| {
        matches!(expr.kind, ExprKind::Test(Test { index: None, mask: None, matcher: None, field: _ }))
    };
    operands.iter().map(|expr| (is_error(expr) || bare(expr)).then_some(expr.span)).collect()
}

/// The length of the first token of a text.
fn first_token(text: &str) -> u32 {
    crate::token::tokens(text).next().map_or(0, |(_, span)| span.end())
}
