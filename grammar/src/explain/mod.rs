//! The prose about syntax errors: the one place where their data becomes text for people.

mod characters;
mod help;
mod sets;
mod words;

use self::characters::{bad_character, single_quotes};
use self::help::{
    bare_conditional, constant_on_left, doubled_operator, lone_constant, paren_operand, set_operand,
    unexpected,
};
use self::sets::{dashed_range, set_brackets, stray_comma, text_in_set};
use self::words::{closer, describe, quote, spaced};
use crate::diagnostic::{Applicability, Diagnostic};
use crate::error::{Found, SyntaxError};
use crate::limits::{MAX_ERRORS, MAX_NESTING, MAX_SOURCE};
use crate::span::Span;
use crate::token::{is_constant, is_quote};

impl SyntaxError {
    /// Whether a number or an address stands in quotes that mean nothing.
    #[must_use]
    pub fn quotes_constant(&self, source: &str) -> bool {
        matches!(self, Self::SingleQuotes { span } if is_constant(span.of(source).trim_matches(is_quote)))
    }

    /// The error as a message. `source` is the text that was parsed.
    #[must_use]
    pub fn to_diagnostic(&self, source: &str) -> Diagnostic {
        let new = |message: String| Diagnostic::error(self.code(), message, self.span());
        let text = quote(self.span(), source);
        match self {
            Self::BadCharacter { span } => {
                let diagnostic = new(format!("{text} begins no name, number or operator"));
                bad_character(diagnostic, *span, source)
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
            Self::SingleQuotes { span } => single_quotes(&new, *span, source),
            Self::SlashComment { span } => new("comments begin with `#`".into())
                .suggest(
                    "write `#`",
                    Span::new(span.start(), span.start() + 2),
                    "#",
                    Applicability::MaybeIncorrect,
                )
                .note("`#` and `/* … */` are comments of the extended dialect; WinDivert's own language has none"),
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
            Self::EmptyFilter { span: _ } => new("there is no filter".into())
                .label("a filter was expected here")
                .help("`true` matches everything"),
            Self::MissingOperand { span, found } => {
                let what = describe(*found, *span, source);
                new(format!("expected a test, found {what}"))
                    .label("a field, `not` or `(` is missing here")
                    .help("a filter is made of tests such as `tcp` and `tcp.DstPort == 443`")
            }
            Self::MissingConstant { span, found: Found::Sign } if span.of(source) == "-" => {
                new("`-` stands before nothing".into()).label("a number is missing behind it")
            }
            Self::MissingConstant { span, found: Found::Sign } if span.of(source) == "&" => {
                new("`&` is not followed by a mask".into())
                    .label("a number is missing behind it")
                    .help("a masked field is compared like this: `ip.TOS & 0xfc == 0x20`")
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
            Self::LoneConstant { span, previous } => lone_constant(&new, *span, *previous, source),
            Self::ConstantOnLeft { span, op, right, chained } => {
                constant_on_left(&new, [*span, *right], *op, *chained, source)
            }
            Self::DoubledOperator { span: _, operators } => doubled_operator(&new, *operators, source),
            Self::ParenOperand { span: _, whole, field, op, constants } => {
                paren_operand(&new, [*whole, *field], *op, constants, source)
            }
            Self::SetOperand { span: _, op_span, op } => set_operand(&new, *op_span, *op, source),
            Self::BareConditional { span: _, whole } => bare_conditional(&new, *whole, source),
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
            Self::StrayComma { span: _, list } => stray_comma(&new, *list, source),
            Self::StraySemicolon { span } => new("a semicolon that ends no statement".into())
                .note("`layer …;` and `let …;` end in a semicolon, the filter does not")
                .suggest("remove it", *span, "", Applicability::MaybeIncorrect),
            Self::MissingSemicolon { span, keyword } => {
                new("the statement does not end in a semicolon".into())
                    .label("`;` is missing before this")
                    .also(*keyword, "the statement")
                    .suggest("write `;`", Span::empty(span.start()), ";", Applicability::MaybeIncorrect)
            }
            Self::MissingComma { span, .. } if span.of(source).starts_with('-') => {
                new("a set cannot hold a subtraction".into())
                    .label("a comma is missing before this")
                    .suggest("write `..` for a range", *span, "..", Applicability::MaybeIncorrect)
            }
            Self::MissingComma { span: _, after } => new(format!("a comma is missing before {text}"))
                .suggest("put a comma between them", Span::empty(*after), ",", Applicability::MaybeIncorrect),
            Self::NestedSet { span } => {
                let inside = span.of(source).trim_start_matches('{').trim_end_matches('}').trim();
                new("a set holds constants, ranges and subnets, not sets".into()).suggest(
                    "write its entries",
                    *span,
                    inside,
                    Applicability::MaybeIncorrect,
                )
            }
            Self::TextInSet { span } => text_in_set(&new, *span, source),
            Self::SetBrackets { span, whole } => set_brackets(&new, *span, *whole, source),
            Self::DashedRange { span, operator, whole } => dashed_range(&new, *span, *operator, *whole, source),
            Self::MaskAlone { span, mask } => new("a masked field must be compared with something".into())
                .label("this masks the field before it")
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
                new("definitions stand before the filter".into())
                    .label("the filter has already begun")
                    .help("move the definition up, before the filter")
            }
            Self::DoubledMinus { span } => new("a constant has one sign".into()).suggest(
                "remove it",
                *span,
                "",
                Applicability::MaybeIncorrect,
            ),
            Self::Unexpected { span, found, expected } => unexpected(&new, *span, *found, expected, source),
        }
    }
}
