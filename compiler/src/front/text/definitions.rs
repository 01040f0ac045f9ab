//! What can be wrong with definitions and their uses, in words; and who uses whom.

use divert_grammar::Word;
use divert_grammar::ast::{self, ItemKind};
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::span::Span;

use super::resolve::{Meaning, Resolver};
use crate::{codes, limits};

/// A definition takes a name of the language.
#[cold]
pub(super) fn reserved(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(codes::RESERVED, format!("`{name}` cannot be defined"), span)
        .label("a field, macro or truth value of the language")
        .suggest(
            format!("write `my_{name}`"),
            span,
            format!("my_{}", name.replace('.', "_")),
            Applicability::MaybeIncorrect,
        )
}

/// A name is defined again.
#[cold]
pub(super) fn duplicate(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(codes::DUPLICATE, format!("`{name}` is defined twice"), span)
        .label("defined again here")
        .also(first, "first defined here")
}

/// A definition that nothing uses.
#[cold]
pub(super) fn unused(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::UNUSED,
        divert_grammar::diagnostic::Severity::Warning,
        format!("`{name}` is never used"),
        span,
    )
    .label("defined here")
    .help("remove the definition, or use it")
}

/// Too many levels.
#[cold]
pub(super) fn too_deep(depth: u32, span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_DEEP, "the filter is nested too deeply", span)
        .label(format!("{depth} levels with the definitions put in their places"))
        .note(format!("the limit is {} levels", limits::MAX_DEPTH))
}

impl Resolver<'_> {
    /// Looks up a definition and marks it as used. `None` when the name is not defined, or when it cannot be used and
    /// that was reported: the second value tells.
    pub(super) fn definition(&mut self, name: &str, span: Span) -> (Option<Meaning>, bool) {
        let Some(known) = self.known.get_mut(name) else { return (None, false) };
        known.used = true;
        let (defined, meaning) = (known.span, known.meaning.clone());
        match meaning {
            Meaning::Pending => {
                let diagnostic = self.early(name, span, defined);
                self.report(diagnostic);
                (None, true)
            }
            Meaning::Poison => (None, true),
            Meaning::Value(_) | Meaning::Set(_) | Meaning::Filter(_) => (Some(meaning), true),
        }
    }

    #[cold]
    fn early(&mut self, name: &str, span: Span, defined: Span) -> Diagnostic {
        if let Some(current) = self.current
            && let Some(through) = circle(self.items, self.words, self.source, name, current)
        {
            // Nobody in the circle can have a meaning; saying so once is enough.
            for member in &through {
                if let Some(known) = self.known.get_mut(&**member) {
                    known.meaning = Meaning::Poison;
                }
            }
            let way = through.join("` → `");
            let message = if through.len() == 1 {
                format!("`{name}` is defined by itself")
            } else {
                format!("`{current}` is defined by itself: `{current}` → `{way}`")
            };
            return Diagnostic::error(codes::CIRCULAR, message, span)
                .label("this closes the circle")
                .also(defined, format!("`{name}` is defined here"));
        }
        Diagnostic::error(codes::USED_EARLY, format!("`{name}` is used before it is defined"), span)
            .label("used here")
            .also(defined, "defined here")
            .help(format!("move `let {name} = …;` up"))
    }
}

/// The definitions on the way from `from` to `to`, both included and `from` first; `None` when there is no way.
fn circle(items: &[ast::Item], words: &[Word], source: &str, from: &str, to: &str) -> Option<Vec<String>> {
    let body = |wanted: &str| {
        items.iter().find_map(|item| match &item.kind {
            ItemKind::Let { name, body: _ } if &*name.node == wanted => {
                Some((name.span.end(), item.span.end()))
            }
            ItemKind::Let { .. } | ItemKind::Layer(_) | ItemKind::Error => None,
        })
    };
    let mut seen = vec![(from.to_owned(), usize::MAX)];
    let mut next = 0;
    while let Some((name, _)) = seen.get(next).cloned() {
        if name == to {
            let mut way = Vec::new();
            let mut at = next;
            while let Some((name, before)) = seen.get(at) {
                way.push(name.clone());
                at = *before;
            }
            way.reverse();
            return Some(way);
        }
        if let Some((start, end)) = body(&name) {
            for word in words.iter().filter(|word| start <= word.span.start() && word.span.end() <= end) {
                let text = word.span.of(source);
                if body(text).is_some() && seen.iter().all(|(name, _)| name != text) {
                    seen.push((text.to_owned(), next));
                }
            }
        }
        next += 1;
    }
    None
}
