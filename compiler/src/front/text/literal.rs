//! From the text of a number to its value: decimal, hexadecimal, IPv4 and IPv6 (language notes §1).

use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;
use divert_vm::address::{parse_ipv4, parse_ipv6};
use divert_vm::field::IPV4_MAPPED;

use crate::codes;

/// How a number was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `443`
    Decimal,
    /// `0x1bb`
    Hex,
    /// `10.0.0.1`, whose value is that of `::ffff:10.0.0.1`.
    Ipv4,
    /// `fe80::1`
    Ipv6,
}

/// A number as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// Its value.
    pub value: u128,
    /// How it was written.
    pub form: Form,
}

/// Why a word is no number. Each variant's doc names the smallest words that cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiteralError {
    /// `340282366920938463463374607431768211456`, `0x` and 33 digits.
    TooLarge,
    /// `0x`
    NoHexDigits,
    /// `0xfg`
    HexDigit,
    /// `0X1F`
    HexPrefix,
    /// `1_000`
    Separator,
    /// `5b` where no index is.
    ByteSuffix,
    /// `5B`
    UpperByteSuffix,
    /// `80x`, `1e5`
    Trailing,
    /// `1.2.3.256`
    Octet,
    /// `1.2.3`, `1.5`, `80..`, `1.2.3.4.5`
    DottedGroups,
    /// `1.2.3.x`
    DottedDigit,
    /// `ip:udp`, `80:udp`
    StrayColon,
    /// `fe80:::`
    TripleColon,
    /// `1::2::3`
    TwoGaps,
    /// `1:2:3:4:5:6:7:8:9`, `1::2:3:4:5:6:7:8`
    TooManyGroups,
    /// `1:2:3:4:5:6:7`
    TooFewGroups,
    /// `::12345`
    GroupDigits,
    /// `::g`
    GroupDigit,
    /// `::1.2.3.256`, `::1.2.3`
    DottedTail,
    /// `.`, `::1:` and whatever else is no number.
    Other,
}

/// The number that `word` is.
///
/// # Errors
/// When it is none.
pub fn literal(word: &str) -> Result<Literal, LiteralError> {
    let bytes = word.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        let value = decimal(bytes).ok_or(LiteralError::TooLarge)?;
        return Ok(Literal { value, form: Form::Decimal });
    }
    if let Some(digits) = word.strip_prefix("0x").filter(|rest| !rest.contains([':', '.'])) {
        return Ok(Literal { value: hexadecimal(digits.as_bytes())?, form: Form::Hex });
    }
    if bytes.contains(&b':') {
        let value = parse_ipv6(word).ok_or_else(|| not_ipv6(word))?;
        return Ok(Literal { value, form: Form::Ipv6 });
    }
    if bytes.contains(&b'.') {
        let address = parse_ipv4(word).ok_or_else(|| not_ipv4(word))?;
        return Ok(Literal { value: IPV4_MAPPED | u128::from(address), form: Form::Ipv4 });
    }
    Err(not_a_number(word))
}

/// The number of an index and whether it counts bytes: `5`, `0x10`, `5b`.
///
/// # Errors
/// When `word` is no number of any kind. An address is a number; whether an index may be one is for the caller.
pub fn index(word: &str) -> Result<(Literal, bool), LiteralError> {
    match word.strip_suffix('b') {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((literal(digits)?, true))
        }
        Some(_) | None => Ok((literal(word)?, false)),
    }
}

fn decimal(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() {
        return None;
    }
    // Nineteen digits always fit 64 bits, which are several times faster than 128.
    if digits.len() <= 19 {
        let value = digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        return Some(u128::from(value));
    }
    digits
        .iter()
        .try_fold(0_u128, |value, digit| value.checked_mul(10)?.checked_add(u128::from(digit - b'0')))
}

fn hexadecimal(digits: &[u8]) -> Result<u128, LiteralError> {
    if digits.is_empty() {
        return Err(LiteralError::NoHexDigits);
    }
    let mut value = 0_u128;
    for digit in digits {
        let digit = (*digit as char).to_digit(16).ok_or(match digit {
            b'_' => LiteralError::Separator,
            _ => LiteralError::HexDigit,
        })?;
        if value >> 124 != 0 {
            return Err(LiteralError::TooLarge);
        }
        value = value << 4 | u128::from(digit);
    }
    Ok(value)
}

#[cold]
fn not_a_number(word: &str) -> LiteralError {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    match word.get(digits..) {
        Some("b") if digits > 0 => LiteralError::ByteSuffix,
        Some("B") if digits > 0 => LiteralError::UpperByteSuffix,
        Some(rest) if digits == 1 && word.starts_with('0') && rest.starts_with('X') => {
            LiteralError::HexPrefix
        }
        Some(rest) if digits > 0 && rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit()) => {
            LiteralError::Separator
        }
        Some(_) if digits > 0 => LiteralError::Trailing,
        Some(_) | None => LiteralError::Other,
    }
}

#[cold]
fn not_ipv4(word: &str) -> LiteralError {
    let groups: Vec<&str> = word.split('.').collect();
    if groups.iter().any(|group| !group.bytes().all(|byte| byte.is_ascii_digit())) {
        LiteralError::DottedDigit
    } else if groups.len() != 4 || groups.iter().any(|group| group.is_empty()) {
        LiteralError::DottedGroups
    } else {
        LiteralError::Octet
    }
}

#[cold]
fn not_ipv6(word: &str) -> LiteralError {
    if word.matches(':').count() == 1 {
        return LiteralError::StrayColon;
    }
    if word.contains(":::") {
        return LiteralError::TripleColon;
    }
    let gaps = word.matches("::").count();
    let groups: Vec<&str> = word.split(':').filter(|group| !group.is_empty()).collect();
    let strange = |group: &&str| !group.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((last, rest)) = groups.split_last() {
        if rest.iter().any(strange) || (strange(last) && !last.contains('.')) {
            return LiteralError::GroupDigit;
        }
        if last.contains('.') && parse_ipv4(last).is_none() {
            return LiteralError::DottedTail;
        }
        if groups.iter().any(|group| group.len() > 4 && !group.contains('.')) {
            return LiteralError::GroupDigits;
        }
    }
    let count = groups.iter().map(|group| if group.contains('.') { 2 } else { 1 }).sum::<usize>();
    match gaps {
        2.. => LiteralError::TwoGaps,
        1 if count > 7 => LiteralError::TooManyGroups,
        0 if count > 8 => LiteralError::TooManyGroups,
        0 if count < 8 => LiteralError::TooFewGroups,
        _ => LiteralError::Other,
    }
}

impl LiteralError {
    /// What is wrong, and what would be right. `word` is what stands at `span`.
    #[must_use]
    pub fn diagnostic(self, word: &str, span: Span) -> Diagnostic {
        let found = Diagnostic::error(self.code(), format!("`{}` is not a number", shown(word)), span);
        let maybe = Applicability::MaybeIncorrect;
        match self {
            Self::TooLarge => Diagnostic::error(self.code(), "the number is too large", span)
                .label("over 2¹²⁸ − 1")
                .help("the greatest number is 340282366920938463463374607431768211455, the 128 bits of an IPv6 address"),
            Self::NoHexDigits => found.label("no digits after `0x`").help("write at least one digit: `0x0`"),
            Self::HexDigit => found.label("hexadecimal digits are 0-9, a-f and A-F"),
            Self::HexPrefix => {
                let right = word.replacen('X', "x", 1);
                found
                    .label("the prefix is a small `0x`")
                    .suggest(format!("write `{right}`"), span, right, maybe)
            }
            Self::Separator => {
                let right = word.replace('_', "");
                found
                    .label("numbers have no `_`")
                    .suggest(format!("write `{right}`"), span, right, maybe)
            }
            Self::ByteSuffix => Diagnostic::error(self.code(), "`b` is only for an index", span)
                .label("this `b` makes an index count bytes: `packet16[5b]`")
                .suggest("drop the `b`", span, word.trim_end_matches('b'), maybe),
            Self::UpperByteSuffix => found
                .label("the suffix of an index is a small `b`")
                .help("`packet16[5b]` is the 16-bit word that begins at byte 5"),
            Self::Trailing => found
                .label("digits with something behind them")
                .help("numbers are decimal (`443`), hexadecimal (`0x1bb`) or addresses (`10.0.0.1`, `fe80::1`)"),
            Self::Octet => {
                let part = word.split('.').find(|part| decimal(part.as_bytes()).is_none_or(|value| value > 255));
                Diagnostic::error(self.code(), format!("`{}` is not an IPv4 address", shown(word)), span)
                    .label(format!("{} is over 255", shown(part.unwrap_or("a part"))))
            }
            Self::DottedGroups | Self::DottedDigit => {
                Diagnostic::error(self.code(), format!("`{}` is not an IPv4 address", shown(word)), span)
                    .label("an IPv4 address is four numbers from 0 to 255 with dots between them")
                    .help("numbers have no fraction; there is no short form of an address")
            }
            Self::StrayColon => {
                let right = word.replacen(':', " : ", 1);
                Diagnostic::error(self.code(), format!("`{}` is read as one word", shown(word)), span)
                    .label("a `:` between letters and digits belongs to the word, as in `fe80::1`")
                    .help("write a blank before the colon of a conditional: `(a? b : c)`")
                    .suggest(format!("write `{right}`"), span, right, maybe)
            }
            Self::TripleColon => ipv6(self, word, span)
                .label("`:::`")
                .help("after an address that ends in `::`, write a blank before the colon of a conditional"),
            Self::TwoGaps => ipv6(self, word, span).label("`::` may stand once in an address"),
            Self::TooManyGroups => ipv6(self, word, span)
                .label("more than eight groups; `::` stands for at least one of them"),
            Self::TooFewGroups => ipv6(self, word, span)
                .label("fewer than eight groups")
                .help("write `::` where groups of zeros are left out"),
            Self::GroupDigits => ipv6(self, word, span).label("a group has one to four hexadecimal digits"),
            Self::GroupDigit => ipv6(self, word, span)
                .label("groups are hexadecimal")
                .help("write a blank before the colon of a conditional: `(a? b : c)`"),
            Self::DottedTail => ipv6(self, word, span).label("it does not end in an IPv4 address of four numbers from 0 to 255"),
            Self::Other => found
                .label("neither a name nor a number")
                .help("numbers are decimal (`443`), hexadecimal (`0x1bb`) or addresses (`10.0.0.1`, `fe80::1`)"),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => codes::NUMBER_TOO_LARGE,
            Self::ByteSuffix => codes::BYTE_SUFFIX,
            Self::Octet | Self::DottedGroups | Self::DottedDigit => codes::BAD_IPV4,
            Self::StrayColon => codes::COLON_IN_WORD,
            Self::TripleColon
            | Self::TwoGaps
            | Self::TooManyGroups
            | Self::TooFewGroups
            | Self::GroupDigits
            | Self::GroupDigit
            | Self::DottedTail => codes::BAD_IPV6,
            Self::NoHexDigits
            | Self::HexDigit
            | Self::HexPrefix
            | Self::Separator
            | Self::UpperByteSuffix
            | Self::Trailing
            | Self::Other => codes::BAD_NUMBER,
        }
    }
}

fn ipv6(error: LiteralError, word: &str, span: Span) -> Diagnostic {
    Diagnostic::error(error.code(), format!("`{}` is not an IPv6 address", shown(word)), span)
}

/// A word as messages quote it: the beginning of a long one.
#[must_use]
pub(crate) fn shown(word: &str) -> std::borrow::Cow<'_, str> {
    match word.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", word.get(..end).unwrap_or(word)).into(),
        None => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (word, value) in [
            ("0", 0),
            ("0080", 80),
            ("340282366920938463463374607431768211455", u128::MAX),
            ("00000000000000000000000000000000000000000000000000001", 1),
            ("0x10b", 267),
            ("0xFf", 255),
            ("0xffffffffffffffffffffffffffffffff", u128::MAX),
            ("0x0000000000000000000000000000000000000000000001", 1),
            ("10.0.0.001", 0xFFFF_0A00_0001),
            ("::1", 1),
            ("64:ff9b::1.2.3.4", 0x64_FF9B << 96 | 0x0102_0304),
            ("1:2:3:4:5:6:1.2.3.4", 0x1_0002_0003_0004_0005_0006_0102_0304),
        ] {
            assert_eq!(literal(word).map(|literal| literal.value), Ok(value), "{word}");
        }
    }

    #[test]
    fn mistakes() {
        use LiteralError as E;
        for (word, error) in [
            ("340282366920938463463374607431768211456", E::TooLarge),
            ("0x100000000000000000000000000000000", E::TooLarge),
            ("0x", E::NoHexDigits),
            ("0xfg", E::HexDigit),
            ("0X1F", E::HexPrefix),
            ("1_000", E::Separator),
            ("5b", E::ByteSuffix),
            ("5B", E::UpperByteSuffix),
            ("80x", E::Trailing),
            ("1e5", E::Trailing),
            ("1.2.3.256", E::Octet),
            ("1.2.3.4294967296", E::Octet),
            ("1.2.3", E::DottedGroups),
            ("80..", E::DottedGroups),
            ("1.2.3.4.5", E::DottedGroups),
            ("1.2.3.x", E::DottedDigit),
            ("ip:udp", E::StrayColon),
            ("80:udp", E::StrayColon),
            ("fe80:::", E::TripleColon),
            ("1::2::3", E::TwoGaps),
            ("1:2:3:4:5:6:7:8:9", E::TooManyGroups),
            ("1::2:3:4:5:6:7:8", E::TooManyGroups),
            ("1:2:3:4:5:6:7", E::TooFewGroups),
            ("::12345", E::GroupDigits),
            ("::g", E::GroupDigit),
            ("::1.2.3.256", E::DottedTail),
            ("::1.2.3", E::DottedTail),
            (".", E::DottedGroups),
            ("1:2:3:4:5:6:7:8:", E::Other),
        ] {
            assert_eq!(literal(word), Err(error), "{word}");
            assert!(!error.diagnostic(word, Span::new(0, 1)).primary.message.is_empty());
        }
    }

    #[test]
    fn indexes() {
        assert_eq!(index("5b"), Ok((Literal { value: 5, form: Form::Decimal }, true)));
        assert_eq!(index("0x10b"), Ok((Literal { value: 267, form: Form::Hex }, false)));
        assert_eq!(index("b"), Err(LiteralError::Other));
        assert_eq!(index("5bb"), Err(LiteralError::Trailing));
    }
}
