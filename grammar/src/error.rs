//! What can be wrong with a text, as data. The prose is in `explain.rs`, the list of codes in `codes.rs`.

use crate::ast::CompareOp;
use crate::span::Span;

/// A mistake that can be seen without knowing any field. Each variant's doc names the smallest texts that cause it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxError {
    /// `@`, `tcp $`, `é`: characters that begin no token.
    BadCharacter {
        /// All of a run of them.
        span: Span,
    },
    /// `/* tcp`
    UnclosedComment {
        /// The comment.
        span: Span,
    },
    /// `tcp.Payload[0] == "GET`
    UnclosedText {
        /// From the quote to the end of the line.
        span: Span,
    },
    /// `tcp.Payload[0] == "\q"`, `… == "\x4"`
    BadEscape {
        /// The backslash and what belongs to it.
        span: Span,
    },
    /// `tcp.Payload[0] == 'GET'`, `ip.SrcAddr == “10.0.0.1”`
    SingleQuotes {
        /// Both quotes included.
        span: Span,
    },
    /// `(tcp) & (udp)`, `tcp & not udp`
    LoneAmpersand {
        /// The `&`.
        span: Span,
    },
    /// `tcp | udp`
    LonePipe {
        /// The `|`.
        span: Span,
    },
    /// `tcp AND udp`, `Not tcp`
    WrongCase {
        /// The word.
        span: Span,
        /// What it should be.
        keyword: &'static str,
    },
    /// `tcp ! = 1`
    SplitOperator {
        /// The `!`.
        span: Span,
        /// From `!` to `=`.
        operator: Span,
    },
    /// `tcp // web`
    SlashComment {
        /// From the slashes to the end of the line.
        span: Span,
    },
    /// The empty text, `# only a comment`, `let a = 1;`
    EmptyFilter {
        /// The end of the text.
        span: Span,
    },
    /// `and tcp`, `tcp and`, `()`, `not`
    MissingOperand {
        /// What stands there instead; empty at the end of the text.
        span: Span,
        /// What kind of thing that is.
        found: Found,
    },
    /// `tcp.DstPort ==`, `packet[]`, `tcp.DstPort == [1]`, `- tcp`, `ip.TOS & == 3`
    MissingConstant {
        /// What stands there instead; empty at the end of the text.
        span: Span,
        /// What kind of thing that is.
        found: Found,
    },
    /// `tcp udp`, `tcp (udp)`, `tcp !udp`
    MissingOperator {
        /// The first token of the second operand.
        span: Span,
        /// The end of the first operand.
        after: u32,
    },
    /// `tcp.DstPort 80`
    MissingComparison {
        /// The constant.
        span: Span,
        /// The end of the field.
        after: u32,
    },
    /// `5`, `tcp.DstPort == 80 or 443`, `(tcp? ip:udp)`
    LoneConstant {
        /// The constant.
        span: Span,
        /// The comparison that it was probably meant for.
        previous: Option<Comparison>,
    },
    /// `5 == tcp.DstPort`, `80 < tcp.DstPort < 90`
    ConstantOnLeft {
        /// The constant.
        span: Span,
        /// The comparison.
        op: CompareOp,
        /// What stands on the right.
        right: Span,
        /// Whether a second comparison follows.
        chained: bool,
    },
    /// `tcp.DstPort == == 80`, `tcp.DstPort => 80`, `tcp.DstPort == !80`
    DoubledOperator {
        /// The second operator.
        span: Span,
        /// All of them.
        operators: Span,
    },
    /// `tcp.DstPort == (80 or 443)`
    ParenOperand {
        /// The `(`.
        span: Span,
        /// From the field to the `)`.
        whole: Span,
        /// The field, with index and mask.
        field: Span,
        /// The comparison.
        op: CompareOp,
        /// The constants in the parentheses, when there is nothing else.
        constants: Vec<Span>,
    },
    /// `tcp.DstPort == {80, 443}`, `ip.DstAddr == 10.0.0.0/8`, `tcp.DstPort == 1..2`
    SetOperand {
        /// `{`, `/`, `..` or `file`.
        span: Span,
        /// The comparison's place.
        op_span: Span,
        /// The comparison.
        op: CompareOp,
    },
    /// `tcp? ip: udp`
    BareConditional {
        /// The `?`.
        span: Span,
        /// From the first to the last byte.
        whole: Span,
    },
    /// `(tcp? ip)`
    MissingElse {
        /// The `)`.
        span: Span,
        /// The `?`.
        question: Span,
    },
    /// `(tcp`, `packet[0`, `tcp.DstPort in {80`
    Unclosed {
        /// Where the closing one is missed; empty at the end of the text.
        span: Span,
        /// The innermost bracket that is still open.
        opener: Span,
        /// How many brackets are missing.
        count: usize,
    },
    /// `tcp)`, `packet[0]]`
    Unopened {
        /// The bracket.
        span: Span,
    },
    /// `tcp: udp`
    StrayColon {
        /// The colon.
        span: Span,
    },
    /// `tcp, udp`, `tcp.DstPort in 80, 443`
    StrayComma {
        /// The comma.
        span: Span,
        /// The constants around it, when they look like a set without braces.
        list: Option<BareList>,
    },
    /// `tcp;`
    StraySemicolon {
        /// The semicolon.
        span: Span,
    },
    /// `let a = 1`
    MissingSemicolon {
        /// Where it is missed; empty at the end of the text.
        span: Span,
        /// The keyword of the statement.
        keyword: Span,
    },
    /// `tcp.DstPort in {80 443}`
    MissingComma {
        /// The first token of the second entry.
        span: Span,
        /// The end of the first entry.
        after: u32,
    },
    /// `tcp.DstPort in {80, {443}}`
    NestedSet {
        /// The inner set.
        span: Span,
    },
    /// `tcp.DstPort in {"GET"}`
    TextInSet {
        /// The byte string.
        span: Span,
    },
    /// `tcp & udp`, `ip.TOS & 3`
    MaskAlone {
        /// The `&`.
        span: Span,
        /// The mask.
        mask: Span,
    },
    /// `(ip.TOS & 0xfc) == 0x20`, `(tcp) == 1`
    GroupCompared {
        /// The operator.
        span: Span,
        /// The parentheses and what is in them.
        group: Span,
    },
    /// `tcp.DstPort in (80, 443)`, `tcp.DstPort in [80]`
    SetBrackets {
        /// The opening bracket.
        span: Span,
        /// From the opening to the closing bracket.
        whole: Span,
    },
    /// `tcp.DstPort == 80-90`, `tcp.DstPort in 80-90`
    DashedRange {
        /// The `-`.
        span: Span,
        /// The comparison before the constants; none for `in`.
        operator: Option<(Span, CompareOp)>,
        /// From the first constant to the last.
        whole: Span,
    },
    /// `tcp.DstPort {80, 443}`
    MissingIn {
        /// The `{`.
        span: Span,
        /// The end of the field.
        after: u32,
    },
    /// `tcp let a = 1;`
    LateStatement {
        /// The keyword.
        span: Span,
    },
    /// `tcp.DstPort == --5`
    DoubledMinus {
        /// The second minus.
        span: Span,
    },
    /// `tcp / udp`, `let 5 = tcp; udp`: anything else in a place where it has no meaning.
    Unexpected {
        /// What stands there; empty at the end of the text.
        span: Span,
        /// What kind of thing that is.
        found: Found,
        /// What could stand there.
        expected: Vec<Expected>,
    },
    /// `((((…`, 1,025 levels
    TooDeep {
        /// The bracket that is one too many.
        span: Span,
    },
    /// More than 64 MiB.
    TooLong {
        /// The beginning of the text.
        span: Span,
    },
    /// `@ @ @ …`: so much is wrong that parsing stopped.
    TooManyErrors {
        /// Where it stopped.
        span: Span,
    },
}

/// A comparison `field == constant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The field, with index and mask.
    pub field: Span,
    /// The constant.
    pub constant: Span,
    /// Whether the two would be joined by `not in`.
    pub negated: bool,
}

/// Constants with commas between them but no braces around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareList {
    /// From the first constant to the last.
    pub span: Span,
    /// The comparison before them; none for `in`, and in a definition.
    pub operator: Option<(Span, CompareOp)>,
}

/// What was found where something else should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// The end of the text.
    End,
    /// A name.
    Name,
    /// A number or an address.
    Constant,
    /// A byte string.
    Text,
    /// `and`, `or`, `not`, `in`, `let`, `layer`, `file`, and the signs for them.
    Keyword,
    /// A comparison.
    Operator,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Any other sign.
    Sign,
}

/// What could have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expected {
    /// A field, `not` or a parenthesis.
    Operand,
    /// A name.
    Name,
    /// A number, an address or a name.
    Constant,
    /// A byte string.
    Text,
    /// A comparison, `in` or `not in`.
    Operator,
    /// `and` or `or`.
    Connective,
    /// `=`
    Assign,
    /// `(`
    ParenOpen,
    /// `?`
    Question,
    /// `:`
    Colon,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `)`
    ParenClose,
    /// `]`
    BracketClose,
    /// `}`
    BraceClose,
    /// The end of the filter.
    End,
}

impl SyntaxError {
    /// Where it is: within the offending token, or the empty range at the end of the text.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::BadCharacter { span }
            | Self::UnclosedComment { span }
            | Self::UnclosedText { span }
            | Self::BadEscape { span }
            | Self::SingleQuotes { span }
            | Self::LoneAmpersand { span }
            | Self::LonePipe { span }
            | Self::WrongCase { span, .. }
            | Self::SplitOperator { span, .. }
            | Self::EmptyFilter { span }
            | Self::MissingOperand { span, .. }
            | Self::MissingConstant { span, .. }
            | Self::MissingOperator { span, .. }
            | Self::MissingComparison { span, .. }
            | Self::LoneConstant { span, .. }
            | Self::ConstantOnLeft { span, .. }
            | Self::DoubledOperator { span, .. }
            | Self::ParenOperand { span, .. }
            | Self::SetOperand { span, .. }
            | Self::BareConditional { span, .. }
            | Self::MissingElse { span, .. }
            | Self::Unclosed { span, .. }
            | Self::Unopened { span }
            | Self::StrayColon { span }
            | Self::StrayComma { span, .. }
            | Self::StraySemicolon { span }
            | Self::MissingSemicolon { span, .. }
            | Self::MissingComma { span, .. }
            | Self::NestedSet { span }
            | Self::TextInSet { span }
            | Self::MaskAlone { span, .. }
            | Self::GroupCompared { span, .. }
            | Self::MissingIn { span, .. }
            | Self::SetBrackets { span, .. }
            | Self::DashedRange { span, .. }
            | Self::SlashComment { span }
            | Self::LateStatement { span }
            | Self::DoubledMinus { span }
            | Self::Unexpected { span, .. }
            | Self::TooDeep { span }
            | Self::TooLong { span }
            | Self::TooManyErrors { span } => *span,
        }
    }
}
