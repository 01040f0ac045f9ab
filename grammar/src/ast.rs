//! The tree as written. Names and numbers stay text (no field table here), comments and spelling are kept, and the
//! tree owns all of its text, so that a decompiler can build one too.

use crate::span::{Span, Spanned};

/// A whole filter file: statements, then the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// `layer …;` and `let …;` in the order written.
    pub items: Vec<Item>,
    /// The filter; `None` when the text had none (an error was recorded).
    pub filter: Option<Expr>,
    /// Every comment, in the order written.
    pub comments: Vec<Comment>,
}

/// A comment, with its delimiters: `# …` without the line end, or `/* … */`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text with its delimiters.
    pub text: Box<str>,
    /// Where it stands.
    pub span: Span,
    /// Whether only white space stands before it on its line.
    pub own_line: bool,
}

/// A statement before the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it says.
    pub kind: ItemKind,
    /// From its keyword to its semicolon.
    pub span: Span,
}

/// The statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `layer SOCKET;`
    Layer(Name),
    /// `let name = body;`
    Let {
        /// The name that is defined.
        name: Name,
        /// What it stands for.
        body: LetBody,
    },
    /// A statement that could not be understood; an error was recorded.
    Error,
}

/// What a definition stands for. A lone name (`let a = b;`) is parsed as a filter; who resolves names knows better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetBody {
    /// `53`, `-5`, `8000..8080`, `10.0.0.0/8`, `{80, 443}`, `file("routes.txt")`.
    Set(Set),
    /// Any filter.
    Filter(Expr),
}

/// A name as written: a field, a macro, a definition, or a mistake.
pub type Name = Spanned<Box<str>>;

/// A filter or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// From its first to its last byte, parentheses included.
    pub span: Span,
}

/// The forms of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// `a or b or c`: two operands or more, none of them an `Or` without parentheses.
    Or(Vec<Expr>),
    /// `a and b and c`: two operands or more, none of them an `And` or `Or` without parentheses.
    And(Vec<Expr>),
    /// `not a`, `!a`; the operand is a `Test`, a `Paren` or a `Cond`.
    Not {
        /// Where each `not` or `!` stands, in the order written; at least one.
        operators: Vec<Span>,
        /// What is negated.
        operand: Box<Expr>,
    },
    /// `(a)`
    Paren(Box<Expr>),
    /// `(a? b: c)`
    Cond {
        /// Decides which of the two others counts.
        condition: Box<Expr>,
        /// Counts when the condition is true.
        yes: Box<Expr>,
        /// Counts when the condition is false.
        no: Box<Expr>,
    },
    /// `field`, `field[index] op value`, `field in set`.
    Test(Test),
    /// Something that could not be understood; an error was recorded.
    Error,
}

/// One test on one field; also a lone name that may turn out to be a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The field's name.
    pub field: Name,
    /// `[i]`, `[-i]`, `[ib]`.
    pub index: Option<Index>,
    /// `& mask`.
    pub mask: Option<Value>,
    /// What the field is compared with; `None` is "not zero".
    pub matcher: Option<Matcher>,
}

/// The index of an array field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The number with its sign; a trailing `b` (`10b`) is part of the literal's text.
    pub value: Value,
    /// From `[` to `]`.
    pub span: Span,
}

/// What stands right of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// `== 80`, `!= "GET "`.
    Compare {
        /// The operator and where it stands.
        op: Spanned<CompareOp>,
        /// The constant.
        operand: Operand,
    },
    /// `in {…}`, `not in {…}`.
    In {
        /// Whether it is `not in`.
        negated: bool,
        /// Where `in` or `not in` stands.
        keyword: Span,
        /// The set.
        set: Set,
    },
}

/// The six comparisons. `=` and `==` are one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`, `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CompareOp {
    /// The operator as the formatter writes it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// The operator that is true exactly when this one is false (for a field that is there).
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
        }
    }
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A number, an address or a name.
    Value(Value),
    /// A byte string.
    Bytes(Text),
}

/// A constant: a literal or a name, perhaps with a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Whether `-` stands before it.
    pub negative: bool,
    /// What it is.
    pub kind: ValueKind,
    /// The word, without the sign.
    pub text: Box<str>,
    /// From the sign to the end of the word.
    pub span: Span,
}

/// Whether a constant's word is a number or a name. Words that begin with a letter or `_` and hold no `:` are names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Decimal, hexadecimal, IPv4 or IPv6, not yet looked into: `80`, `0x1F`, `10.0.0.1`, `fe80::1`, `10b`.
    Literal,
    /// A macro or a definition.
    Name,
}

/// A quoted text: a byte string or the path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As written, without the quotes.
    pub raw: Box<str>,
    /// With the escapes replaced.
    pub bytes: Box<[u8]>,
    /// Quotes included.
    pub span: Span,
}

/// The right side of `in`, or of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Whether it was written in braces. Without them there is exactly one item.
    pub braces: bool,
    /// The entries in the order written.
    pub items: Vec<SetItem>,
    /// Braces included.
    pub span: Span,
}

/// One entry of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetItem {
    /// What it is.
    pub kind: SetItemKind,
    /// Where it stands.
    pub span: Span,
}

/// The entries of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetItemKind {
    /// A constant, or the name of a set.
    Value(Value),
    /// `low..high`, both included.
    Range {
        /// The least value.
        low: Value,
        /// The greatest value.
        high: Value,
    },
    /// `10.0.0.0/8`
    Subnet {
        /// The address.
        base: Value,
        /// The prefix length, a literal.
        prefix: Value,
    },
    /// `file("routes.txt")`
    File(Text),
    /// Something that could not be understood; an error was recorded.
    Error,
}
