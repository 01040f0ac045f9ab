//! There and back: text, trees, objects.

use divert_compiler::back::windivert::{EncodeError, Shape, encode};
use divert_compiler::front::windivert::Object;
use divert_compiler::graph::check::check;
use divert_compiler::graph::eval::eval;
use divert_grammar::ast::{Comment, Expr, ExprKind, File, ItemKind, LetBody};
use divert_grammar::span::Span;
use divert_grammar::{SyntaxError, extensions, format, parse};
use divert_vm::layer::Layer;

use super::{Finding, Outcome, object_text, require};
use crate::r#gen::syntax::plain;
use crate::r#gen::{case::Case, graph, syntax, text};
use crate::source::Source;

/// A formatter: [`format()`], or a wrong one in tests.
pub type Formatter = fn(&File) -> String;

/// Whether the tree says that something is wrong with it.
#[must_use]
pub fn is_damaged(file: &File) -> bool {
    let items = file.items.iter().any(|item| match &item.kind {
        ItemKind::Layer(_) => false,
        ItemKind::Let { body: LetBody::Set(set), .. } => format!("{set:?}").contains("kind: Error"),
        ItemKind::Let { body: LetBody::Filter(filter), .. } => is_damaged_filter(filter),
        ItemKind::Error => true,
    });
    items || file.filter.as_ref().is_none_or(is_damaged_filter)
}

fn is_damaged_filter(filter: &Expr) -> bool {
    match &filter.kind {
        ExprKind::Or(operands) | ExprKind::And(operands) => operands.iter().any(is_damaged_filter),
        ExprKind::Not { operand, .. } | ExprKind::Paren(operand) => is_damaged_filter(operand),
        ExprKind::Cond { condition, yes, no } => {
            [condition, yes, no].into_iter().any(|part| is_damaged_filter(part))
        }
        ExprKind::Test(test) => format!("{test:?}").contains("kind: Error"),
        ExprKind::Error => true,
    }
}

/// What the parser says of a text makes sense, and a text without errors survives the formatter.
///
/// # Errors
/// What does not hold.
pub fn parsing(source: &str) -> Outcome {
    let parsed = parse(source);
    let inside = |span: Span, what: &str| {
        require(source.get(span.range()).is_some(), || format!("{what} at {span:?} of {source:?}"))
    };
    require(is_damaged(&parsed.file) != parsed.errors.is_empty(), || {
        format!("errors and tree do not agree: {:?}\n{source:?}\n{:?}", parsed.errors, parsed.file)
    })?;
    for error in &parsed.errors {
        inside(error.span(), "an error")?;
        let diagnostic = error.to_diagnostic(source);
        diagnostic.secondary.iter().try_for_each(|label| inside(label.span, "a label"))?;
        diagnostic.suggestions.iter().try_for_each(|edit| inside(edit.span, "an edit"))?;
    }
    let sorted = parsed.errors.is_sorted_by_key(|error: &SyntaxError| error.span().start())
        && parsed.words.is_sorted_by_key(|word| word.span.start());
    require(sorted, || format!("errors or words are not in order: {source:?}"))?;
    extensions(&parsed.file, source)
        .iter()
        .try_for_each(|extension| inside(extension.span, "an extension"))?;
    if parsed.errors.is_empty() {
        formatting(&parsed.file, format)
    } else {
        let _ = format(&parsed.file);
        Ok(())
    }
}

/// Formatting keeps tree and comments, and the second time changes nothing.
///
/// # Errors
/// What does not hold.
pub fn formatting(file: &File, format: Formatter) -> Outcome {
    let text = format(file);
    let again = parse(&text);
    let shown = |what: &str| format!("{what}\nfrom {file:?}\n---\n{text}");
    require(again.errors.is_empty(), || shown(&format!("formatted, it does not parse: {:?}", again.errors)))?;
    require(plain(&again.file) == plain(file), || shown("formatted, it is another tree"))?;
    require(format(&again.file) == text, || shown("formatted twice, it is another text"))?;
    let texts = |comments: &[Comment]| {
        comments.iter().map(|comment| comment.text.trim_end().to_owned()).collect::<Vec<_>>()
    };
    require(texts(&again.file.comments) == texts(&file.comments), || shown("formatted, comments differ"))
}

/// The bytes as text, and rows of tokens.
///
/// # Errors
/// What does not hold.
pub fn any_text(bytes: &[u8]) -> Outcome {
    parsing(&String::from_utf8_lossy(bytes))?;
    parsing(&text::soup(&mut Source::new(bytes)))
}

/// A tree, and its text with comments anywhere.
///
/// # Errors
/// What does not hold.
pub fn any_tree(bytes: &[u8]) -> Outcome {
    any_tree_with(bytes, format)
}

/// [`any_tree`] with another formatter.
///
/// # Errors
/// What does not hold.
pub fn any_tree_with(bytes: &[u8], formatter: Formatter) -> Outcome {
    let mut source = Source::endless(bytes);
    let file = syntax::file(&mut source);
    formatting(&file, formatter)?;
    let text = text::scattered(&mut source, &format(&file));
    let parsed = parse(&text);
    require(parsed.errors.is_empty(), || format!("comments make it wrong: {:?}\n{text}", parsed.errors))?;
    require(plain(&parsed.file) == plain(&file), || format!("comments change the tree\n{text}"))?;
    formatting(&parsed.file, formatter)
}

/// The bytes as an object of either kind, an object of ours, and one of ours with something changed.
///
/// # Errors
/// What does not hold.
pub fn any_object(bytes: &[u8]) -> Outcome {
    object_text::any_text(bytes)?;
    object(&String::from_utf8_lossy(bytes), bytes)?;
    let mut source = Source::endless(bytes);
    let layer = source.pick(&Layer::ALL);
    let size = 1 + source.below(12);
    let graph = graph::any(&mut source, layer, size, graph::Masks::Few);
    let Ok(encoded) = encode(&graph, Shape::Fewest) else { return Ok(()) };
    let mut text = encoded.object.to_string().into_bytes();
    object(&String::from_utf8_lossy(&text), bytes)?;
    for _ in 0..=source.below(3) {
        let at = source.below(text.len());
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_+=";
        if let Some(sign) = text.get_mut(at) {
            *sign = source.pick(digits);
        }
    }
    object(&String::from_utf8_lossy(&text), bytes)
}

/// An object is read back as it is written, and as a graph it is written again with the same meaning.
///
/// # Errors
/// What does not hold.
pub fn object(text: &str, seed: &[u8]) -> Outcome {
    let Ok(object) = Object::parse(text) else { return Ok(()) };
    let written = object.to_string();
    let again = Object::parse(&written);
    // With 256 tests it is written as nobody reads it.
    let unreadable = object.instructions().len() >= divert_compiler::front::windivert::MAX_TESTS;
    require(unreadable || again.as_ref() == Ok(&object), || {
        format!("{text} is written as {written}: {again:?}")
    })?;
    for layer in Layer::ALL {
        let Ok(graph) = object.graph(layer) else { continue };
        check(&graph).map_err(|defect| Finding::new(format!("{text}: {defect:?}")))?;
        let encoded = match encode(&graph, Shape::Fewest) {
            Ok(encoded) => encoded,
            Err(EncodeError::TooManyTests { .. }) if unreadable => continue,
            Err(error) => return Err(Finding::new(format!("{text} cannot be written again: {error}"))),
        };
        let back = Object::parse(&encoded.object.to_string()).and_then(|object| object.graph(layer));
        let back = back.map_err(|error| Finding::new(format!("{} of {text}: {error}", encoded.object)))?;
        let mut source = Source::endless(seed);
        for _ in 0..8 {
            let case = Case::any(&mut source, layer);
            let same = case.with(|input| eval(&graph, input) == eval(&back, input));
            require(same != Some(false), || format!("{text} is not {}\ncase: {case}", encoded.object))?;
        }
    }
    Ok(())
}
