//! The tree as canonical text; also serves trees that were never text, such as those of a decompiler.
//!
//! Two steps. Here the tree becomes a flat list of layout operations, with an own stack instead of recursion, so that a
//! deep tree costs no stack frames. `layout.rs` then decides which groups are broken over lines.
//!
//! Redundant parentheses go: around a whole filter, around a single test, doubled ones. Those around a chain stay, because
//! they say how the writer groups; and those after `not` stay, because `not (a)` is not `not a`. None are added.

mod comments;
mod layout;

use crate::ast::{
    Expr, ExprKind, File, Item, ItemKind, LetBody, Matcher, Operand, Set, SetItem, SetItemKind, Test, Value,
};
use comments::Comments;
use layout::Layout;

/// The columns that continuation lines and the insides of brackets are set in.
const STEP: u32 = 4;

/// The file as canonical text, with a line end at its end. A tree with `Error` nodes gives text that does not parse.
pub(crate) fn file(file: &File) -> String {
    let mut writer = Writer::new(Comments::new(&file.comments));
    let filter = file.filter.as_ref().map(without_parens);
    let start = filter.map_or(u32::MAX, |filter| filter.span.start());
    let starts = file.items.iter().skip(1).map(|item| item.span.start()).chain([start]);
    for (item, next) in file.items.iter().zip(starts) {
        writer.comments.before(item.span.start(), &mut writer.layout);
        writer.item(item);
        writer.comments.trailing(next, &mut writer.layout);
        writer.layout.hard();
    }
    if let Some(filter) = filter {
        if !file.items.is_empty() {
            writer.layout.hard();
        }
        writer.comments.before(start, &mut writer.layout);
        writer.filter(filter, false);
        writer.comments.trailing(u32::MAX, &mut writer.layout);
        writer.layout.hard();
    }
    writer.comments.before(u32::MAX, &mut writer.layout);
    writer.layout.print()
}

/// A filter alone, without a line end.
pub(crate) fn expr(expr: &Expr) -> String {
    let mut writer = Writer::new(Comments::new(&[]));
    writer.filter(without_parens(expr), false);
    writer.layout.print()
}

/// What is still to be written.
enum Todo<'a> {
    Expr {
        expr: &'a Expr,
        /// How far the operands of a chain are set in, the first excepted.
        inset: u32,
        /// Whether parentheses have a meaning here, as after `not`.
        kept: bool,
    },
    /// The operator before an operand, and that operand's place.
    Connective(&'static str, u32),
    Text(&'static str),
    /// After an opening bracket: the place of what is inside.
    Opened(u32),
    /// Before a closing bracket: its place.
    Closing(u32),
    /// Between the parts of a conditional: the sign, and the place of the next part.
    Part(char, u32),
    Begin,
    End,
    Indent(u32),
    Dedent(u32),
}

struct Writer<'a> {
    layout: Layout,
    comments: Comments<'a>,
    /// Last first.
    todo: Vec<Todo<'a>>,
}

impl<'a> Writer<'a> {
    const fn new(comments: Comments<'a>) -> Self {
        Self { layout: Layout::new(), comments, todo: Vec::new() }
    }

    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Layer(name) => {
                self.layout.text("layer ");
                self.layout.text(&name.node);
            }
            ItemKind::Let { name, body } => {
                self.layout.text("let ");
                self.layout.text(&name.node);
                self.layout.text(" = ");
                match body {
                    LetBody::Set(set) => self.set(set),
                    // `let a = (b);` defines a filter, whatever `b` is.
                    LetBody::Filter(expr) if is_name(without_parens(expr)) => self.filter(expr, true),
                    LetBody::Filter(expr) => self.filter(without_parens(expr), false),
                }
            }
            ItemKind::Error => self.layout.text("<error>"),
        }
        self.layout.text(";");
    }

    fn filter(&mut self, expr: &'a Expr, kept: bool) {
        self.todo.push(Todo::Expr { expr, inset: STEP, kept });
        while let Some(todo) = self.todo.pop() {
            match todo {
                Todo::Expr { expr, inset, kept } => self.expr(expr, inset, kept),
                Todo::Connective(word, place) => {
                    self.comments.trailing(place, &mut self.layout);
                    self.layout.soft(" ");
                    self.comments.before(place, &mut self.layout);
                    self.layout.text(word);
                }
                Todo::Text(text) => self.layout.text(text),
                Todo::Opened(place) => self.opened(place),
                Todo::Closing(place) => self.closing(place),
                Todo::Part(sign, place) => {
                    self.layout.sign(sign);
                    self.comments.trailing(place, &mut self.layout);
                    self.layout.soft(" ");
                    self.comments.before(place, &mut self.layout);
                }
                Todo::Begin => self.layout.begin(),
                Todo::End => self.layout.end(),
                Todo::Indent(columns) => self.layout.indent(columns),
                Todo::Dedent(columns) => self.layout.dedent(columns),
            }
        }
    }

    fn opened(&mut self, place: u32) {
        self.comments.trailing(place, &mut self.layout);
        self.layout.indent(STEP);
        self.layout.soft("");
        self.comments.before(place, &mut self.layout);
    }

    fn closing(&mut self, place: u32) {
        self.comments.trailing(place, &mut self.layout);
        self.comments.after(place, &mut self.layout);
        self.layout.dedent(STEP);
        self.layout.soft("");
    }

    fn expr(&mut self, expr: &'a Expr, inset: u32, kept: bool) {
        let expr = if kept { kept_parens(expr) } else { plain_operand(expr) };
        let end = expr.span.end();
        match &expr.kind {
            ExprKind::Or(operands) => self.chain(operands, "or ", inset),
            ExprKind::And(operands) => self.chain(operands, "and ", inset),
            ExprKind::Not { operators, operand } => {
                for _ in operators {
                    self.layout.text("not ");
                }
                self.todo.push(Todo::Expr { expr: operand, inset, kept: true });
            }
            ExprKind::Paren(inner) => self.push_bracketed(&[inner], end),
            ExprKind::Cond { condition, yes, no } => self.push_bracketed(&[condition, yes, no], end),
            ExprKind::Test(test) => self.test(test),
            ExprKind::Error => self.layout.text("<error>"),
        }
    }

    fn chain(&mut self, operands: &'a [Expr], word: &'static str, inset: u32) {
        self.layout.begin();
        self.todo.extend([Todo::End, Todo::Dedent(inset)]);
        for (index, expr) in operands.iter().enumerate().rev() {
            // A chain in a chain is set in one step more than the operators of the outer one.
            let deeper = if index == 0 { inset + STEP } else { STEP };
            if index == 0 {
                self.todo.push(Todo::Indent(inset));
            }
            self.todo.push(Todo::Expr { expr, inset: deeper, kept: false });
            if index > 0 {
                self.todo.push(Todo::Connective(word, plain_operand(expr).span.start()));
            }
        }
        if operands.is_empty() {
            self.todo.push(Todo::Indent(inset));
        }
    }

    /// One expression, or the three of a conditional, in parentheses.
    fn push_bracketed(&mut self, parts: &[&'a Expr], end: u32) {
        let start = parts.first().map_or(end, |first| plain_operand(first).span.start());
        self.todo.extend([Todo::End, Todo::Text(")"), Todo::Closing(end)]);
        for (index, &expr) in parts.iter().enumerate().rev() {
            // In a conditional the lines of a broken part must not look like parts themselves.
            let inset = if parts.len() > 1 { STEP } else { 0 };
            self.todo.push(Todo::Expr { expr, inset, kept: false });
            match index {
                0 => {}
                1 => self.todo.push(Todo::Part('?', plain_operand(expr).span.start())),
                _ => self.todo.push(Todo::Part(':', plain_operand(expr).span.start())),
            }
        }
        self.todo.extend([Todo::Opened(start), Todo::Text("("), Todo::Begin]);
    }

    fn test(&mut self, test: &'a Test) {
        let Test { field, index, mask, matcher } = test;
        self.layout.text(&field.node);
        if let Some(index) = index {
            self.layout.text("[");
            self.value(&index.value);
            self.layout.text("]");
        }
        if let Some(mask) = mask {
            self.layout.text(" & ");
            self.value(mask);
        }
        match matcher {
            Some(Matcher::Compare { op, operand }) => {
                self.layout.text(" ");
                self.layout.text(op.node.text());
                self.layout.text(" ");
                match operand {
                    Operand::Value(value) => self.value(value),
                    Operand::Bytes(text) => self.quoted(&text.raw),
                }
            }
            Some(Matcher::In { negated, keyword: _, set }) => {
                self.layout.text(if *negated { " not in " } else { " in " });
                self.set(set);
            }
            None => {}
        }
    }

    fn value(&mut self, value: &Value) {
        if value.negative {
            self.layout.text("-");
        }
        self.layout.text(&value.text);
    }

    fn quoted(&mut self, raw: &str) {
        self.layout.text("\"");
        self.layout.text(raw);
        self.layout.text("\"");
    }

    fn set(&mut self, set: &Set) {
        if let ([only], false) = (set.items.as_slice(), set.braces) {
            return self.entry(only);
        }
        if set.items.is_empty() {
            return self.layout.text("{}");
        }
        self.layout.begin();
        self.layout.text("{");
        for (index, item) in set.items.iter().enumerate() {
            let place = item.span.start();
            if index == 0 {
                self.opened(place);
            } else {
                self.layout.text(",");
                self.comments.trailing(place, &mut self.layout);
                if self.comments.any_before(place) {
                    self.layout.hard();
                } else {
                    self.layout.fill();
                }
                self.comments.before(place, &mut self.layout);
            }
            self.entry(item);
        }
        self.closing(set.span.end());
        self.layout.text("}");
        self.layout.end();
    }

    fn entry(&mut self, item: &SetItem) {
        match &item.kind {
            SetItemKind::Value(value) => self.value(value),
            SetItemKind::Range { low, high } => {
                self.value(low);
                // A word takes a single dot with it.
                self.layout.text(if low.text.ends_with('.') { " .." } else { ".." });
                self.value(high);
            }
            SetItemKind::Subnet { base, prefix } => {
                self.value(base);
                self.layout.text("/");
                self.value(prefix);
            }
            SetItemKind::File(path) => {
                self.layout.text("file(");
                self.quoted(&path.raw);
                self.layout.text(")");
            }
            SetItemKind::Error => self.layout.text("<error>"),
        }
    }
}

/// Without any parentheses around it.
fn without_parens(mut expr: &Expr) -> &Expr {
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    expr
}

/// An operand without parentheses that say nothing.
fn plain_operand(expr: &Expr) -> &Expr {
    let inner = without_parens(expr);
    if matches!(inner.kind, ExprKind::Or(_) | ExprKind::And(_)) { innermost_paren(expr) } else { inner }
}

/// An expression without parentheses that say nothing even after `not`: those around a conditional, and all but one.
fn kept_parens(expr: &Expr) -> &Expr {
    let inner = without_parens(expr);
    if matches!(inner.kind, ExprKind::Cond { .. }) { inner } else { innermost_paren(expr) }
}

/// The last of several parentheses around each other; the expression itself when there are none.
fn innermost_paren(mut expr: &Expr) -> &Expr {
    while let ExprKind::Paren(inner) = &expr.kind {
        if !matches!(inner.kind, ExprKind::Paren(_)) {
            break;
        }
        expr = inner;
    }
    expr
}

/// Whether an expression is a name that may stand for a set or a value.
const fn is_name(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Test(Test { field: _, index: None, mask: None, matcher: None }))
}
