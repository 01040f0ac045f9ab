//! Filters as text: parsed by `divert-grammar`, understood here.
//!
//! [`analyse`] turns a text into a [`Typed`] tree and findings; [`lower`] turns the tree into a decision graph;
//! [`eval`](eval::eval) is what the tree means.

pub(crate) mod certain;
mod check;
mod clauses;
mod definitions;
pub mod eval;
mod files;
mod index;
pub mod literal;
mod lower;
mod names;
mod plain;
mod resolve;
mod sets;
pub mod typed;

use std::fmt;

use divert_grammar::SyntaxError;
use divert_grammar::ast::{File, ItemKind, Name};
use divert_grammar::diagnostic::{Applicability, Diagnostic, Severity};
use divert_grammar::span::Span;
use divert_vm::layer::Layer;

pub use clauses::{clauses, has_sets};
pub use files::{Directory, Loader, NoFiles, SetFile};
pub use lower::{LowerError, load_and_set, lower};
pub use typed::Typed;

use crate::codes;
use crate::dialect::Dialect;
use resolve::{Meaning, Resolver};

/// How a text is to be read.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The layer; without one the text may name it, and NETWORK is meant when it does not.
    pub layer: Option<Layer>,
    /// What the text may use.
    pub dialect: Dialect,
    /// Reads set files.
    pub loader: &'a dyn Loader,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { layer: None, dialect: Dialect::default(), loader: &NoFiles }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("layer", &self.layer)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

/// What came of a text.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The layer that the filter is for.
    pub layer: Layer,
    /// The filter; `None` exactly when there are errors.
    pub typed: Option<Typed>,
    /// Errors first: those about single words, then all others, each in the order of the text; then the rest.
    pub diagnostics: Vec<Diagnostic>,
    /// The set files that were read.
    pub files: Vec<SetFile>,
}

impl Analysis {
    /// Whether the text is no filter.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.typed.is_none()
    }
}

/// What a finding is about: decides the order, which is that in which the original would find the mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A word or character, wherever it stands.
    Word,
    /// Anything else.
    Sense,
}

#[derive(Clone, Debug)]
struct Finding {
    rank: Rank,
    diagnostic: Diagnostic,
}

/// Reads a filter. Never panics, whatever the text.
#[must_use]
pub fn analyse(source: &str, options: &Options<'_>) -> Analysis {
    let parsed = divert_grammar::parse(source);
    let mut findings = Vec::new();
    let layer = layer_of(&parsed.file, options.layer, &mut findings);
    let mut resolver = Resolver::new(source, layer, options.loader, &parsed.file.items, &parsed.words);
    resolver.items();
    let filter = parsed.file.filter.as_ref().and_then(|filter| resolver.filter(filter));
    if !parsed.errors.is_empty() {
        resolver.loose_words();
    }
    findings.append(&mut resolver.findings);
    if options.dialect == Dialect::Windivert {
        plain::check(&parsed.file, source, &parsed.errors, &mut findings);
    }
    syntax(&parsed.errors, source, &mut findings);
    if options.dialect == Dialect::Windivert && !parsed.errors.is_empty() {
        plain::dotted_words(source, &mut findings);
    }
    let failed = findings.iter().any(|finding| finding.diagnostic.severity == Severity::Error);
    if !failed {
        for (name, known) in &resolver.known {
            if !known.used && !matches!(known.meaning, Meaning::Poison) {
                findings
                    .push(Finding { rank: Rank::Sense, diagnostic: definitions::unused(name, known.span) });
            }
        }
    }
    findings.sort_by_key(|Finding { rank, diagnostic }| {
        let rank = if diagnostic.severity == Severity::Error { *rank } else { Rank::Sense };
        (diagnostic.severity, rank, diagnostic.primary.span.start())
    });
    let typed = match filter {
        Some((filter, _)) if !failed => Some(Typed { layer, definitions: resolver.definitions, filter }),
        Some(_) | None => None,
    };
    let diagnostics = findings.into_iter().map(|finding| finding.diagnostic).collect();
    Analysis { layer, typed, diagnostics, files: resolver.files }
}

/// The layer that the text or the caller names.
fn layer_of(file: &File, wanted: Option<Layer>, findings: &mut Vec<Finding>) -> Layer {
    let mut report = |diagnostic| findings.push(Finding { rank: Rank::Sense, diagnostic });
    let mut stated: Option<(Layer, Span)> = None;
    for (position, item) in file.items.iter().enumerate() {
        let ItemKind::Layer(name) = &item.kind else { continue };
        let Some(layer) = Layer::from_name(&name.node) else {
            let (diagnostic, meant) = unknown_layer(name);
            report(diagnostic);
            // What follows is probably written for that layer.
            stated = stated.or(meant.map(|layer| (layer, item.span)));
            continue;
        };
        match (stated, wanted) {
            (Some((_, first)), _) => report(
                Diagnostic::error(codes::LAYER_CONFLICT, "the layer is stated twice", item.span)
                    .label("stated again here")
                    .also(first, "first stated here"),
            ),
            (None, Some(wanted)) if wanted != layer => report(
                Diagnostic::error(
                    codes::LAYER_CONFLICT,
                    format!("the filter is for layer {}, but {} was asked for", layer.name(), wanted.name()),
                    name.span,
                )
                .label(format!("{} here", layer.name()))
                .help("drop the statement, or the option that names the other layer"),
            ),
            (None, _) if position > 0 => report(
                Diagnostic::error(codes::LAYER_LATE, "the layer is stated too late", item.span)
                    .label("this comes first")
                    .help("move the statement to the beginning"),
            ),
            (None, _) => {}
        }
        stated = stated.or(Some((layer, item.span)));
    }
    stated.map(|(layer, _)| layer).or(wanted).unwrap_or(Layer::Network)
}

#[cold]
fn unknown_layer(name: &Name) -> (Diagnostic, Option<Layer>) {
    let small = name.node.to_ascii_lowercase();
    let meant = match small.as_str() {
        "forward" | "network_forward" => Some(Layer::Forward),
        _ => Layer::ALL.into_iter().find(|layer| layer.name().eq_ignore_ascii_case(&small)),
    };
    let meant = meant.or_else(|| {
        let upper = name.node.to_ascii_uppercase();
        let names = crate::suggest::similar(&upper, Layer::ALL.into_iter().map(Layer::name));
        names.first().and_then(|name| Layer::from_name(name))
    });
    let found = Diagnostic::error(
        codes::UNKNOWN_LAYER,
        format!("unknown layer `{}`", literal::shown(&name.node)),
        name.span,
    );
    let found = match meant {
        Some(layer) => found.label(meant_layer(&name.node, layer)).suggest(
            format!("write `{}`", layer.name()),
            name.span,
            layer.name(),
            Applicability::MaybeIncorrect,
        ),
        None => found.label("not a layer"),
    };
    (found.help("the layers are NETWORK, NETWORK_FORWARD, FLOW, SOCKET and REFLECT"), meant)
}

fn meant_layer(written: &str, layer: Layer) -> String {
    let name = layer.name();
    if written.eq_ignore_ascii_case(name) {
        format!("names of layers are in capitals: `{name}`")
    } else if written.eq_ignore_ascii_case("forward") {
        format!("in a filter this layer is called `{name}`")
    } else {
        format!("did you mean `{name}`?")
    }
}

/// Adds the syntax errors, without those that a mistaken word explains.
fn syntax(errors: &[SyntaxError], source: &str, findings: &mut Vec<Finding>) {
    if errors.is_empty() {
        return;
    }
    let mut words: Vec<Span> = findings
        .iter()
        .filter(|finding| finding.rank == Rank::Word)
        .map(|finding| finding.diagnostic.primary.span)
        .collect();
    words.sort_unstable_by_key(|span| span.start());
    for error in errors {
        let span = error.span();
        let after = words.partition_point(|word| word.end() <= span.start());
        let explained = words.get(after).is_some_and(|word| word.start() < span.end());
        if explained && !matches!(error, SyntaxError::WrongCase { .. }) {
            continue;
        }
        let bad_word = matches!(error, SyntaxError::WrongCase { .. }) || begins_no_token(source, span);
        let rank = if bad_word { Rank::Word } else { Rank::Sense };
        let mut diagnostic = error.to_diagnostic(source);
        if span.len() > 1 && span.of(source).starts_with('-') {
            // The sign is the first token that is wrong.
            diagnostic.primary.span = Span::new(span.start(), span.start().saturating_add(1));
        }
        findings.push(Finding { rank, diagnostic });
    }
    findings.retain(|finding| !errors.iter().any(|error| is_consequence(&finding.diagnostic, error, source)));
    // A keyword in capitals is said to be one, not to be an unknown name.
    let capitals: Vec<Span> = errors
        .iter()
        .filter(|error| matches!(error, SyntaxError::WrongCase { .. }))
        .map(SyntaxError::span)
        .collect();
    findings.retain(|finding| {
        finding.diagnostic.code != codes::UNKNOWN_NAME || !capitals.contains(&finding.diagnostic.primary.span)
    });
}

/// Whether a mistake in a string or a foreign letter in a word has made what a finding speaks of.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other mistakes have been mended, or left nothing to be judged"
)]
fn is_consequence(found: &Diagnostic, error: &SyntaxError, source: &str) -> bool {
    let (at, span) = (error.span(), found.primary.span);
    match error {
        SyntaxError::BadEscape { .. } => {
            matches!(found.code, codes::BYTES_LENGTH | codes::BYTES_BOUNDS)
                && span.start() <= at.start()
                && at.end() <= span.end()
        }
        SyntaxError::SingleQuotes { .. } => {
            found.code == codes::BYTES_FIELD && span == at && error.quotes_constant(source)
        }
        SyntaxError::BadCharacter { .. } => {
            let touches = span.end() == at.start() || span.start() == at.end();
            let in_word = at.of(source).chars().all(char::is_alphabetic);
            touches
                && in_word
                && matches!(found.code, codes::UNKNOWN_NAME | codes::BAD_NUMBER | codes::BAD_IPV4)
        }
        _ => false,
    }
}

/// Whether the original has no token that begins like this: such mistakes it finds before all others.
fn begins_no_token(source: &str, span: Span) -> bool {
    let rest = source.get(span.start() as usize..).unwrap_or("");
    let mut characters = rest.chars();
    match characters.next() {
        None | Some('(' | ')' | '[' | ']' | '-' | '?' | ':' | '!' | '=' | '<' | '>' | '.' | '_') => false,
        Some(sign @ ('&' | '|')) => characters.next() != Some(sign),
        Some(letter) if letter.is_ascii_alphanumeric() => matches!(span.of(source), "in" | "let"),
        Some(other) => !other.is_ascii_whitespace(),
    }
}
