//! The prose about syntax errors: the one place where their data becomes text for people.

use crate::ast::CompareOp;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::error::{Comparison, Expected, Found, SyntaxError};
use crate::limits::{MAX_ERRORS, MAX_NESTING, MAX_SOURCE};
use crate::span::Span;

/// The longest piece of the text that a message quotes.
const QUOTED: usize = 40;

impl SyntaxError {
    /// The error as a message. `source` is the text that was parsed.
    #[must_use]
    pub fn to_diagnostic(&self, source: &str) -> Diagnostic {
        let new = |message: String| Diagnostic::error(self.code(), message, self.span());
        let Self::Unexpected { span, found, expected } = self else {
            return self.lexical(source, &new).unwrap_or_else(|| self.syntactic(source, &new));
        };
        let what = describe(*found, *span, source);
        let diagnostic = new(format!("{what} has no meaning here"));
        let wanted = expected.iter().map(|&expected| wanted(expected)).collect::<Vec<_>>().join(", ");
        let diagnostic =
            if wanted.is_empty() { diagnostic } else { diagnostic.label(format!("expected {wanted}")) };
        unexpected_help(diagnostic, *span, *found, expected, source)
    }

    /// Errors about characters and words, and limits.
    fn lexical(&self, source: &str, new: &dyn Fn(String) -> Diagnostic) -> Option<Diagnostic> {
        let text = quote(self.span(), source);
        Some(match self {
            Self::BadCharacter { span } => {
                let diagnostic = new(format!("{text} begins no name, number or operator"));
                bad_character_help(diagnostic, *span, source)
            }
            Self::UnclosedComment { span: _ } => {
                new("this comment is not closed".into()).label("it goes on to the end of the text").help("end it with `*/`")
            }
            Self::UnclosedText { span } => new("this byte string is not closed".into())
                .label("it must end on its line")
                .suggest("close it", Span::empty(span.end()), "\"", Applicability::MaybeIncorrect)
                .note("a line end is written `\\n`, a quote `\\\"`"),
            Self::BadEscape { span: _ } => new(format!("{text} is no escape"))
                .help("there are `\\xNN` with two hexadecimal digits, `\\n`, `\\r`, `\\t`, `\\0`, `\\\\` and `\\\"`"),
            Self::SingleQuotes { span } => {
                let inside = span.of(source).trim_matches('\'').replace('"', "\\\"");
                new("byte strings stand in double quotes".into()).suggest(
                    "write double quotes",
                    *span,
                    format!("\"{inside}\""),
                    Applicability::MaybeIncorrect,
                )
            }
            Self::LoneAmpersand { span } => new("`&` does not join two tests".into())
                .suggest("write `and`", *span, spaced(*span, "and", source), Applicability::MaybeIncorrect)
                .note("`&` masks a field, as in `ip.TOS & 0xfc == 0x20`; `and` and `&&` join tests"),
            Self::LonePipe { span } => new("`|` is no operator".into())
                .suggest("write `or`", *span, spaced(*span, "or", source), Applicability::MaybeIncorrect),
            Self::WrongCase { span, keyword } => new(format!("keywords are written in lower case: `{keyword}`"))
                .suggest(format!("write `{keyword}`"), *span, *keyword, Applicability::MaybeIncorrect),
            Self::SplitOperator { span: _, operator } => new("`!=` is written without a blank".into()).suggest(
                "write `!=`",
                *operator,
                "!=",
                Applicability::MaybeIncorrect,
            ),
            Self::TooDeep { span: _ } => {
                new(format!("more than {MAX_NESTING} brackets are open at once")).label("this one is too many")
            }
            Self::TooLong { span: _ } => {
                new(format!("the text has {} bytes; the limit is {MAX_SOURCE}", source.len()))
                    .help("put long lists into a set file: `ip.DstAddr in file(\"routes.txt\")`")
            }
            Self::TooManyErrors { span: _ } => {
                new(format!("too much is wrong here; after {MAX_ERRORS} errors, or too long without any sense, parsing stops"))
                    .label("this and what follows was not looked at")
            }
            _ => return None,
        })
    }

    /// Errors about the order of words.
    fn syntactic(&self, source: &str, new: &dyn Fn(String) -> Diagnostic) -> Diagnostic {
        let text = quote(self.span(), source);
        match self {
            Self::EmptyFilter { span: _ } => new("there is no filter".into())
                .label("a filter was expected here")
                .help("`true` matches everything"),
            Self::MissingOperand { span, found } => {
                let what = describe(*found, *span, source);
                new(format!("expected a test, found {what}"))
                    .label("a field, `not` or `(` is missing here")
                    .help("a filter is made of tests such as `tcp` and `tcp.DstPort == 443`")
            }
            Self::MissingConstant { span, found } => {
                let what = describe(*found, *span, source);
                let diagnostic = new(format!("expected a constant, found {what}"))
                    .label("a number, an address or a name is missing here");
                if span.of(source) == "[" {
                    diagnostic.help("an IPv6 address is written without brackets")
                } else {
                    diagnostic
                }
            }
            Self::MissingOperator { span: _, after } => {
                new(format!("`and` or `or` is missing before {text}"))
                    .label("a second test begins here")
                    .suggest(
                        "join them with `and`",
                        Span::empty(*after),
                        " and",
                        Applicability::MaybeIncorrect,
                    )
            }
            Self::MissingComparison { span: _, after } => new(format!(
                "an operator is missing before {text}"
            ))
            .suggest("write `==`", Span::empty(*after), " ==", Applicability::MaybeIncorrect),
            Self::LoneConstant { span, previous } => lone_constant(new, *span, *previous, source),
            Self::ConstantOnLeft { span, op, right, chained } => {
                constant_on_left(new, [*span, *right], *op, *chained, source)
            }
            Self::DoubledOperator { span: _, operators } => doubled_operator(new, *operators, source),
            Self::ParenOperand { span: _, whole, field, op, constants } => {
                paren_operand(new, [*whole, *field], *op, constants, source)
            }
            Self::SetOperand { span: _, op_span, op } => {
                let diagnostic =
                    new(format!("`{}` compares with one constant", op.text())).label("this makes it a set");
                match in_word(*op) {
                    Some(word) => diagnostic.suggest(
                        format!("write `{word}`"),
                        *op_span,
                        spaced(*op_span, word, source),
                        Applicability::MaybeIncorrect,
                    ),
                    None => diagnostic.help("`in` and `not in` take sets, ranges, subnets and files"),
                }
            }
            Self::BareConditional { span: _, whole } => {
                let text = whole.of(source);
                let diagnostic = new("a conditional needs its own parentheses".into())
                    .also(*whole, "around this")
                    .help("write `(A? B: C)`");
                if !text.contains(':') {
                    return diagnostic;
                }
                let maybe = Applicability::MaybeIncorrect;
                diagnostic.suggest("add the parentheses", *whole, format!("({text})"), maybe)
            }
            Self::MissingElse { span: _, question } => new("the conditional has no third part".into())
                .label("`:` and a filter are missing here")
                .also(*question, "the conditional")
                .help("write `(A? B: C)`; where C does not matter, `(A and B)`"),
            Self::Unclosed { span: _, opener, count } => {
                let open = opener.of(source);
                let diagnostic = new(format!("`{open}` is not closed")).also(*opener, "opened here");
                if *count > 1 {
                    diagnostic.label(format!("`{}` is missing here, and {} more", closer(open), count - 1))
                } else {
                    diagnostic.label(format!("`{}` is missing here", closer(open)))
                }
            }
            Self::Unopened { span } => new(format!("{text} closes nothing")).suggest(
                format!("remove {text}"),
                *span,
                "",
                Applicability::MaybeIncorrect,
            ),
            Self::StrayColon { span: _ } => new("a colon without a conditional".into())
                .note("`:` stands only in `(A? B: C)`; inside an address it must touch its digits"),
            Self::StrayComma { span: _ } => new("a comma outside a set".into())
                .help("several constants are compared by `in {80, 443}`; tests are joined by `and` and `or`"),
            Self::StraySemicolon { span } => new("a semicolon that ends no statement".into())
                .note("`layer …;` and `let …;` end in a semicolon, the filter does not")
                .suggest("remove it", *span, "", Applicability::MaybeIncorrect),
            Self::MissingSemicolon { span, keyword } => {
                new("the statement does not end in a semicolon".into())
                    .label("`;` is missing before this")
                    .also(*keyword, "the statement")
                    .suggest("write `;`", Span::empty(span.start()), ";", Applicability::MaybeIncorrect)
            }
            Self::MissingComma { span: _, after } => new(format!("a comma is missing before {text}"))
                .suggest("write `,`", Span::empty(*after), ",", Applicability::MaybeIncorrect),
            Self::NestedSet { span } => {
                let inside = span.of(source).trim_start_matches('{').trim_end_matches('}').trim();
                new("a set holds constants, ranges and subnets, not sets".into()).suggest(
                    "write its entries",
                    *span,
                    inside,
                    Applicability::MaybeIncorrect,
                )
            }
            Self::TextInSet { span: _ } => new("a set cannot hold byte strings".into())
                .help("compare with each of them and join the tests by `or`"),
            Self::MaskAlone { span, mask } => new("a masked field must be compared with something".into())
                .also(*mask, "the mask")
                .help("to ask whether one of the bits is set, write `!= 0` behind the mask")
                .suggest(
                    "to join two tests, write `and`",
                    *span,
                    spaced(*span, "and", source),
                    Applicability::MaybeIncorrect,
                ),
            Self::GroupCompared { span: _, group } => new("parentheses cannot be compared".into())
                .also(*group, "this has no number")
                .help("a test is written without them: `tcp.DstPort == 80`, `ip.TOS & 0xfc == 0x20`"),
            Self::MissingIn { span: _, after } => new("`in` is missing before the set".into()).suggest(
                "write `in`",
                Span::empty(*after),
                " in",
                Applicability::MaybeIncorrect,
            ),
            Self::LateStatement { span: _ } => {
                new("definitions stand before the filter".into()).label("the filter has already begun")
            }
            Self::DoubledMinus { span } => new("a constant has one sign".into()).suggest(
                "remove it",
                *span,
                "",
                Applicability::MaybeIncorrect,
            ),
            _ => new(format!("{text} has no meaning here")),
        }
    }
}

fn bad_character_help(diagnostic: Diagnostic, span: Span, source: &str) -> Diagnostic {
    let text = span.of(source);
    let maybe = Applicability::MaybeIncorrect;
    match text.chars().next() {
        _ if text.chars().all(char::is_whitespace) => diagnostic
            .suggest("write an ordinary blank", span, " ", maybe)
            .note("this kind of blank is not one here"),
        Some('“' | '”' | '„' | '‘' | '’') => {
            diagnostic.help("write straight double quotes, and only around byte strings")
        }
        Some('–' | '—' | '−') => diagnostic.suggest("write `-`", span, "-", maybe),
        Some('≠') => diagnostic.suggest("write `!=`", span, "!=", maybe),
        Some('≤') => diagnostic.suggest("write `<=`", span, "<=", maybe),
        Some('≥') => diagnostic.suggest("write `>=`", span, ">=", maybe),
        Some('\'') => diagnostic.help("byte strings stand in double quotes and end on their line"),
        Some('*' | '+' | '%' | '^' | '~') => diagnostic.note("filters do not calculate; `&` masks a field"),
        Some('@') if source.trim_start().starts_with("@WinDiv_") => {
            diagnostic.note("an object begins with the first byte of the text")
        }
        Some(first) if first.is_alphabetic() => diagnostic.note("names are made of `A-Z a-z 0-9 . _`"),
        _ => diagnostic,
    }
}

fn unexpected_help(
    diagnostic: Diagnostic,
    span: Span,
    found: Found,
    expected: &[Expected],
    source: &str,
) -> Diagnostic {
    let text = span.of(source);
    match (found, expected) {
        (Found::Operator, [Expected::Assign]) if text == "==" => diagnostic
            .suggest("write `=`", span, "=", Applicability::Safe)
            .note("a definition is written `let name = …;`"),
        (Found::Operator, _) if !expected.contains(&Expected::Operator) => {
            diagnostic.help("a comparison has one field and one constant; join two of them by `and`")
        }
        (Found::Open, _) if text == "[" => diagnostic
            .help("an index follows the name of a field, on the left of a comparison, and there is only one"),
        (Found::Name, [Expected::BracketClose]) if text == "b" => {
            diagnostic.help("the `b` of a byte index touches its number: `packet32[10b]`")
        }
        (Found::Name, [Expected::Text]) => diagnostic.help("the path stands in double quotes"),
        _ => diagnostic,
    }
}

fn lone_constant(
    new: &dyn Fn(String) -> Diagnostic,
    span: Span,
    previous: Option<Comparison>,
    source: &str,
) -> Diagnostic {
    let text = span.of(source);
    let quoted = quote(span, source);
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.contains(':') {
        let diagnostic = new(format!("{quoted} is read as one word, an address"));
        return match text.split_once(':') {
            Some((before, after)) => diagnostic
                .label("a filter begins with a field")
                .suggest(
                    "write a blank before the colon",
                    span,
                    format!("{before} : {after}"),
                    Applicability::MaybeIncorrect,
                )
                .note("words may hold colons, because addresses do"),
            None => diagnostic,
        };
    }
    let diagnostic =
        new(format!("the constant {quoted} cannot stand alone")).label("a filter begins with a field");
    match previous {
        Some(Comparison { field, constant, negated }) => {
            let word = if negated { "not in" } else { "in" };
            let set = format!("{} {word} {{{}, {text}}}", field.of(source), constant.of(source));
            let whole = field.to(span);
            diagnostic
                .suggest(format!("write `{set}`"), whole, set, Applicability::MaybeIncorrect)
                .note("`and` and `or` join tests, not constants")
        }
        None => diagnostic.help("write what it is compared with, as in `tcp.DstPort == 443`"),
    }
}

fn constant_on_left(
    new: &dyn Fn(String) -> Diagnostic,
    [left, right]: [Span; 2],
    op: CompareOp,
    chained: bool,
    source: &str,
) -> Diagnostic {
    let diagnostic = new("the constant stands on the left".into()).label("a filter begins with a field");
    if chained {
        return diagnostic
            .help("write two tests and join them by `and`, or `in` and a range: `tcp.DstPort in 80..90`");
    }
    let mirrored = match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    };
    let swapped = format!("{} {} {}", right.of(source), mirrored.text(), left.of(source));
    diagnostic.suggest("write the field first", left.to(right), swapped, Applicability::MaybeIncorrect)
}

fn doubled_operator(new: &dyn Fn(String) -> Diagnostic, operators: Span, source: &str) -> Diagnostic {
    let text = operators.of(source);
    let meant = match text {
        "=>" => Some(">="),
        "=<" => Some("<="),
        "<>" | "=!" | "!==" => Some("!="),
        "===" => Some("=="),
        _ => None,
    };
    let quoted = quote(operators, source);
    let diagnostic =
        new(format!("{quoted} is not one operator")).also(operators, "one operator is expected here");
    match meant {
        Some(meant) => {
            diagnostic.suggest(format!("write `{meant}`"), operators, meant, Applicability::MaybeIncorrect)
        }
        None => diagnostic
            .help("`not` stands before the field; the operators are `==`, `!=`, `<`, `<=`, `>` and `>=`"),
    }
}

fn paren_operand(
    new: &dyn Fn(String) -> Diagnostic,
    [whole, field]: [Span; 2],
    op: CompareOp,
    constants: &[Span],
    source: &str,
) -> Diagnostic {
    let diagnostic = new(format!("`{}` compares with one constant, not with parentheses", op.text()))
        .label("a constant is expected here");
    match (constants, in_word(op)) {
        ([], _) | (_, None) => diagnostic.help("for several constants write `in {80, 443}`"),
        ([only], _) => {
            let plain = format!("{} {} {}", field.of(source), op.text(), only.of(source));
            diagnostic.suggest("write it without parentheses", whole, plain, Applicability::MaybeIncorrect)
        }
        (several, Some(word)) => {
            let list = several.iter().map(|span| span.of(source)).collect::<Vec<_>>().join(", ");
            let set = format!("{} {word} {{{list}}}", field.of(source));
            diagnostic.suggest(format!("write `{set}`"), whole, set, Applicability::MaybeIncorrect)
        }
    }
}

/// The set operator that does for several constants what a comparison does for one.
const fn in_word(op: CompareOp) -> Option<&'static str> {
    match op {
        CompareOp::Eq => Some("in"),
        CompareOp::Ne => Some("not in"),
        CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => None,
    }
}

const fn closer(opener: &str) -> &'static str {
    match opener.as_bytes() {
        b"[" => "]",
        b"{" => "}",
        _ => ")",
    }
}

/// A word in the place of a sign, with blanks where it would touch other words.
fn spaced(place: Span, word: &str, source: &str) -> String {
    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_whitespace());
    let (start, end) = (place.range().start, place.range().end);
    let before = start.checked_sub(1).and_then(|before| source.as_bytes().get(before));
    let after = source.as_bytes().get(end);
    format!("{}{word}{}", if touches(before) { " " } else { "" }, if touches(after) { " " } else { "" })
}

/// A piece of the text for a message, in back quotes.
fn quote(span: Span, source: &str) -> String {
    let text = span.of(source);
    let mut quoted: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    format!("`{}`", quoted.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\"))
}

fn describe(found: Found, span: Span, source: &str) -> String {
    match found {
        Found::End if span.range().end >= source.len() => "the end of the text".into(),
        Found::End => "nothing".into(),
        Found::Name => format!("the name {}", quote(span, source)),
        Found::Constant => format!("the constant {}", quote(span, source)),
        Found::Text => format!("the byte string {}", quote(span, source)),
        Found::Keyword | Found::Operator | Found::Open | Found::Close | Found::Sign => quote(span, source),
    }
}

const fn wanted(expected: Expected) -> &'static str {
    match expected {
        Expected::Operand => "a field, `not` or `(`",
        Expected::Name => "a name",
        Expected::Constant => "a constant",
        Expected::Text => "a byte string",
        Expected::Operator => "an operator",
        Expected::Connective => "`and` or `or`",
        Expected::Assign => "`=`",
        Expected::ParenOpen => "`(`",
        Expected::Question => "`?`",
        Expected::Colon => "`:`",
        Expected::Comma => "`,`",
        Expected::Semicolon => "`;`",
        Expected::ParenClose => "`)`",
        Expected::BracketClose => "`]`",
        Expected::BraceClose => "`}`",
        Expected::End => "the end of the filter",
    }
}
