//! Tokens; the only regexes of the crate.
//!
//! A word (name, number, address) is a maximal run of `A-Z a-z 0-9 . : _`, with three corners. It ends before `..`,
//! which is the range operator. One `:` at its end is given back, because it belongs to a conditional, unless the
//! word ends in `::`. And a `:` starts a word only when another `:` follows.

use logos::{Lexer, Logos};

use crate::ast::ValueKind;
use crate::span::Span;

/// A token, without its text.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(skip r"[ \t\n\x0B\x0C\r]+")]
pub enum Token {
    /// `(`
    #[token("(")]
    ParenOpen,
    /// `)`
    #[token(")")]
    ParenClose,
    /// `[`
    #[token("[")]
    BracketOpen,
    /// `]`
    #[token("]")]
    BracketClose,
    /// `{`
    #[token("{")]
    BraceOpen,
    /// `}`
    #[token("}")]
    BraceClose,
    /// `-`
    #[token("-")]
    Minus,
    /// `?`
    #[token("?")]
    Question,
    /// `:`
    #[token(":")]
    Colon,
    /// `,`
    #[token(",")]
    Comma,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `/`
    #[token("/")]
    Slash,
    /// `..`
    #[token("..")]
    Range,
    /// `!`
    #[token("!")]
    Bang,
    /// `=`
    #[token("=")]
    Assign,
    /// `==`
    #[token("==")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterEqual,
    /// `and`, `&&`
    #[token("&&")]
    And,
    /// `or`, `||`
    #[token("||")]
    Or,
    /// `&`
    #[token("&")]
    Ampersand,
    /// `|`, which is never right.
    #[token("|")]
    Pipe,
    /// `not`
    Not,
    /// `in`
    In,
    /// `not in`, joined by the parser's own lexer; [`tokens`] gives the two words.
    NotIn,
    /// `let`
    Let,
    /// `layer` where it begins a statement; [`tokens`] gives a name.
    Layer,
    /// `file` where it begins a set file; [`tokens`] gives a name.
    File,
    /// A word that begins with a letter or `_` and holds no `:`.
    #[regex(r"[A-Za-z0-9_]|\.|::", word)]
    Name,
    /// Any other word.
    Literal,
    /// `"…"`
    #[token("\"", double_quoted)]
    Text,
    /// `"…` that does not end on its line.
    OpenText,
    /// `'…'`, and a constant in typographic quotes, which are never right.
    #[token("'", single_quoted)]
    #[regex("[‘’‚‛“”„‟«»]", typographic)]
    SingleQuoted,
    /// `# …`
    #[regex("#[^\n]*", allow_greedy = true)]
    LineComment,
    /// `/* … */`
    #[token("/*", block_comment)]
    BlockComment,
    /// `/* …` that does not end.
    OpenComment,
    /// Characters that begin no token.
    Bad,
}

impl Token {
    /// Whether an operand may end in this token.
    pub(crate) const fn ends_operand(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::Literal
                | Self::Text
                | Self::ParenClose
                | Self::BracketClose
                | Self::BraceClose
        )
    }

    /// Whether the token stands between a field and what it is compared with.
    pub(crate) const fn is_operator(self) -> bool {
        matches!(
            self,
            Self::Assign
                | Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
                | Self::In
                | Self::NotIn
        )
    }

    /// Whether an operand of `and`, `or` or `not` may begin with this token, rightly or by mistake.
    pub(crate) const fn begins_operand(self) -> bool {
        matches!(self, Self::Name | Self::Literal | Self::ParenOpen | Self::Not | Self::Bang)
    }
}

/// All tokens of a text with their places: comments and bad characters included, white space and a leading byte-order
/// mark left out. Nothing is judged here.
pub fn tokens(source: &str) -> impl Iterator<Item = (Token, Span)> + '_ {
    let mut lexer = start(source);
    core::iter::from_fn(move || step(&mut lexer))
}

/// A lexer past the byte-order mark.
pub(crate) fn start(source: &str) -> Lexer<'_, Token> {
    let mut lexer = Token::lexer(source);
    if let Some(mark) = source.chars().next().filter(|&first| first == '\u{FEFF}') {
        lexer.bump(mark.len_utf8());
    }
    lexer
}

/// The next token; what logos cannot take becomes [`Token::Bad`].
pub(crate) fn step(lexer: &mut Lexer<'_, Token>) -> Option<(Token, Span)> {
    let token = lexer.next()?.unwrap_or(Token::Bad);
    let range = lexer.span();
    // `parse` has measured the text before; who calls `tokens` with 4 GiB gets saturated places.
    let at = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    Some((token, Span::new(at(range.start), at(range.end))))
}

/// Whether a word is a name or a literal.
fn word_kind(word: &[u8]) -> ValueKind {
    match word {
        [b'A'..=b'Z' | b'a'..=b'z' | b'_', rest @ ..] if !rest.contains(&b':') => ValueKind::Name,
        _ => ValueKind::Literal,
    }
}

/// Takes the rest of a word and says what it is.
fn word(lexer: &mut Lexer<'_, Token>) -> Token {
    let first = lexer.slice().as_bytes();
    let rest = lexer.remainder().as_bytes();
    let mut length = 0;
    let mut before = first.last().copied();
    while let Some(&byte) = rest.get(length) {
        if byte == b'.' && before == Some(b'.') {
            // Two dots: the word ended before the first of them.
            length = length.saturating_sub(1);
            before = rest.get(..length).and_then(|taken| taken.last().or(first.last())).copied();
            break;
        }
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_')) {
            break;
        }
        before = Some(byte);
        length += 1;
    }
    if before == Some(b':') && length > 0 {
        let second_last = length.checked_sub(2).map_or(first.last(), |index| rest.get(index));
        if second_last != Some(&b':') {
            length -= 1;
        }
    }
    lexer.bump(length);
    match lexer.slice().as_bytes() {
        b"and" => Token::And,
        b"or" => Token::Or,
        b"not" => Token::Not,
        b"in" => Token::In,
        b"let" => Token::Let,
        text => match word_kind(text) {
            ValueKind::Name => Token::Name,
            ValueKind::Literal => Token::Literal,
        },
    }
}

/// Takes the rest of a string, whose escapes are looked into later.
fn double_quoted(lexer: &mut Lexer<'_, Token>) -> Token {
    let mut escaped = false;
    for (index, byte) in lexer.remainder().bytes().enumerate() {
        match byte {
            b'\n' | b'\r' => {
                lexer.bump(index);
                return Token::OpenText;
            }
            b'"' if !escaped => {
                lexer.bump(index + 1);
                return Token::Text;
            }
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    lexer.bump(lexer.remainder().len());
    Token::OpenText
}

/// Takes the rest of a string in the wrong quotes; without a second quote on the line it is only a bad character.
fn single_quoted(lexer: &mut Lexer<'_, Token>) -> Token {
    let line = lexer.remainder().split(['\n', '\r']).next().unwrap_or("");
    match line.find('\'') {
        Some(length) => {
            lexer.bump(length + 1);
            Token::SingleQuoted
        }
        None => Token::Bad,
    }
}

/// Takes a constant in typographic quotes. Around anything else each of them is only a bad character: a whole filter may
/// have been copied with its quotes.
fn typographic(lexer: &mut Lexer<'_, Token>) -> Token {
    let line = lexer.remainder().split(['\n', '\r']).next().unwrap_or("");
    match line.find(is_quote) {
        Some(length) if line.get(..length).is_some_and(is_constant) => {
            let quote = line.get(length..).and_then(|rest| rest.chars().next());
            lexer.bump(length + quote.map_or(0, char::len_utf8));
            Token::SingleQuoted
        }
        Some(_) | None => Token::Bad,
    }
}

/// Whether somebody might take the character for a quote.
pub(crate) const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '‟' | '«' | '»')
}

/// Whether a text is a number or an address, a range of them, or a subnet; no names.
#[must_use]
pub fn is_constant(text: &str) -> bool {
    let mut places = tokens(text).map(|(token, _)| token).filter(|token| *token != Token::Minus);
    let first = places.next() == Some(Token::Literal);
    match places.next() {
        None => first,
        Some(Token::Range | Token::Slash) => {
            first && places.next() == Some(Token::Literal) && places.next().is_none()
        }
        Some(_) => false,
    }
}

/// Takes the rest of a comment, which holds no comments itself.
fn block_comment(lexer: &mut Lexer<'_, Token>) -> Token {
    match lexer.remainder().find("*/") {
        Some(length) => {
            lexer.bump(length + 2);
            Token::BlockComment
        }
        None => {
            lexer.bump(lexer.remainder().len());
            Token::OpenComment
        }
    }
}
