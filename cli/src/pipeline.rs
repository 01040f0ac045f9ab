//! The way of a filter from one form to the next. Each step either gives the next form or says what is wrong.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use divert_compiler::Dialect;
use divert_compiler::back::bytecode::emit;
use divert_compiler::debug;
use divert_compiler::front::object::ObjectError;
use divert_compiler::front::text::{Analysis, Loader, LowerError, Options, Typed, analyse, lower};
use divert_compiler::front::{self, bytecode, windivert};
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::lint::{self, Levels};
use divert_compiler::opt::optimise;
use divert_grammar::diagnostic::{Diagnostic, Severity};
use divert_grammar::span::Span;
use divert_vm::layer::Layer;
use divert_vm::limits::USER_WORK;
use divert_vm::object::{PREFIX, ReadError};
use divert_vm::program::{Program, Verified};

use crate::args::{DialectName, LayerName, Reading, Selection};
use crate::codes;
use crate::console::{Console, Outcome, Stop};
use crate::finding::{Finding, Origin, SourceText};
use crate::input::{self, Content, Filter, file_hint, read_set, swapped};
use crate::{identity, output};

/// What became of a filter on the way to its graph.
pub(crate) struct Understood {
    /// Everything that is to be said about it.
    pub(crate) findings: Vec<Finding>,
    /// Its meaning; none when there are errors.
    pub(crate) graph: Option<Graph>,
    /// What a text was understood as.
    pub(crate) typed: Option<Typed>,
}

/// Reads a filter, whose files `output` may not be: its own and those of its sets.
///
/// # Errors
/// When it is one of them, or the filter cannot be read.
pub(crate) fn read(selection: Selection, reading: &Reading, output: Option<&Path>) -> Outcome<Filter> {
    if let Some(output) = output {
        output::apart(output, selection.path())?;
    }
    let filter = input::read(selection)?;
    if let (Some(output), Content::Text(source)) = (output, &filter.content)
        && identity::of_output(output).is_some()
    {
        let named = RefCell::new(Vec::new());
        let list = |path: &str| {
            named.borrow_mut().push(folder(&source.origin).join(path));
            Err(String::new())
        };
        let _ = analyse(&source.text, &options(reading, &list));
        output::apart(output, named.borrow().iter().map(PathBuf::as_path))?;
    }
    Ok(filter)
}

/// Finds out what a filter means. At level 0 tests are kept whose outcome is certain.
pub(crate) fn understand(filter: &Filter, reading: &Reading, level: u8) -> Understood {
    match &filter.content {
        Content::Text(source) => text(source, reading, level),
        Content::Object(source) => match object(source, reading) {
            Ok(graph) => Understood { findings: Vec::new(), graph: Some(graph), typed: None },
            Err(finding) => Understood { findings: vec![finding], graph: None, typed: None },
        },
        Content::Bytecode(bytes) => match program(&filter.origin, bytes, reading, USER_WORK) {
            Ok(verified) => {
                Understood { findings: Vec::new(), graph: Some(bytecode::lift(&verified)), typed: None }
            }
            Err(finding) => Understood { findings: vec![finding], graph: None, typed: None },
        },
    }
}

/// The graph of a filter, optimised; everything that is to be said about it is said.
pub(crate) fn graph(filter: &Filter, reading: &Reading, level: u8, console: &mut Console) -> Outcome<Graph> {
    meaning(filter, reading, level, console).map(|(graph, _)| graph)
}

/// The graph of a filter, optimised, and what it was understood as when it is text.
pub(crate) fn meaning(
    filter: &Filter,
    reading: &Reading,
    level: u8,
    console: &mut Console,
) -> Outcome<(Graph, Option<Typed>)> {
    let Understood { findings, graph, typed } = understand(filter, reading, level);
    for finding in findings {
        console.report(finding)?;
    }
    graph.map(|graph| (optimise(&graph, level), typed)).ok_or(Stop::Said)
}

/// The graph of what was understood.
///
/// # Errors
/// When it would be too large.
pub(crate) fn lowered(typed: &Typed, level: u8) -> Result<Graph, LowerError> {
    let mut builder =
        if level == 0 { Builder::plain(typed.layer) } else { Builder::simplifying(typed.layer) };
    lower(typed, &mut builder).map(|entry| builder.finish(entry))
}

/// The bytecode of a filter. What is bytecode already stays as it is, once the verifier accepts it.
pub(crate) fn compiled(filter: Filter, reading: &Reading, console: &mut Console) -> Outcome<Vec<u8>> {
    if let Content::Bytecode(bytes) = filter.content {
        program(&filter.origin, &bytes, reading, USER_WORK)?;
        return Ok(bytes);
    }
    let graph = graph(&filter, reading, 2, console)?;
    Ok(assemble(&filter.origin, &graph)?)
}

/// The bytecode of a graph.
///
/// # Errors
/// When it is too large for that.
pub(crate) fn assemble(origin: &Origin, graph: &Graph) -> Result<Vec<u8>, Finding> {
    emit(graph, &[]).map_err(|error| Finding::whole(origin, codes::TARGET, format!("no bytecode: {error}")))
}

/// The bytecode of a graph, with the filter's text in its debug section where it has one.
///
/// # Errors
/// When it is too large for that.
pub(crate) fn assemble_with_text(
    filter: &Filter,
    reading: &Reading,
    graph: &Graph,
) -> Result<Vec<u8>, Finding> {
    let section = match &filter.content {
        Content::Text(source) => debug::section(&source.text, dialect(reading)),
        Content::Object(_) | Content::Bytecode(_) => Vec::new(),
    };
    let refused = |error| Finding::whole(&filter.origin, codes::TARGET, format!("no bytecode: {error}"));
    emit(graph, &section).map_err(refused)
}

/// The text of a filter that is no text.
pub(crate) fn decompile(filter: &Filter, reading: &Reading, console: &mut Console) -> Outcome<String> {
    let graph = graph(filter, reading, 2, console)?;
    Ok(divert_compiler::back::text::text(&graph))
}

/// Bytecode that the verifier accepts.
///
/// # Errors
/// When it is none, or is for another layer than the one asked for.
pub(crate) fn program<'b>(
    origin: &Origin,
    bytes: &'b [u8],
    reading: &Reading,
    limit: u32,
) -> Result<Verified<'b>, Finding> {
    let program = Program::decode(bytes).map_err(|error| {
        Finding::whole(origin, codes::NOT_BYTECODE, format!("`{origin}` is no bytecode: {error}"))
    })?;
    if let Some(wanted) = reading.layer.map(LayerName::layer).filter(|wanted| *wanted != program.layer()) {
        let message = format!(
            "`{origin}` was compiled for layer {}, and --layer says {}",
            program.layer().name(),
            wanted.name()
        );
        return Err(Finding::whole(origin, codes::LAYER_GIVEN, message));
    }
    program.verify(limit).map_err(|error| {
        Finding::whole(origin, codes::REFUSED, format!("the verifier refuses `{origin}`: {error}"))
    })
}

fn object(source: &Arc<SourceText>, reading: &Reading) -> Result<Graph, Finding> {
    if source.text.starts_with(PREFIX) {
        return object_text(source, reading);
    }
    let layer = reading.layer.map_or(Layer::Network, LayerName::layer);
    windivert::decode(&source.text, layer).map_err(|error| {
        let whole = matches!(error.kind, windivert::ObjectErrorKind::Layer { .. });
        let rest = source.text.get(error.offset..).unwrap_or_default();
        let end = error.offset + rest.chars().next().map_or(0, char::len_utf8);
        let range = if whole { 0..source.text.len() } else { error.offset..end };
        let span = Span::new(place(range.start), place(range.end));
        let found =
            |message: &str| Diagnostic::error(codes::BAD_OBJECT, message, span).label(error.to_string());
        let diagnostic = if whole {
            found("the filter object is for another layer")
                .help("an object does not say its layer; name it with --layer")
        } else {
            found("this is no filter object of WinDivert")
        };
        Finding::text(source, diagnostic)
    })
}

/// A place in a text, as spans have it.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The canonical text of a WinDivert object with tests on fields that its layer does not have, and what is to be said of it.
/// WinDivert reads and writes such an object, though it has no meaning (`front::windivert::ObjectErrorKind::Layer`).
pub(crate) fn foreign(filter: &Filter, reading: &Reading) -> Option<(String, Finding)> {
    let Content::Object(source) = &filter.content else { return None };
    let object = windivert::Object::parse(&source.text).ok()?;
    let layer = reading.layer.map_or(Layer::Network, LayerName::layer);
    let error = object.graph(layer).err()?;
    let span = Span::new(0, place(source.text.len()));
    let message = "WinDivert writes this object, but evaluates nothing with it";
    let mut diagnostic = Diagnostic::error(codes::BAD_OBJECT, message, span).label(error.to_string());
    diagnostic.severity = Severity::Warning;
    Some((object.to_string(), Finding::text(source, diagnostic)))
}

fn object_text(source: &Arc<SourceText>, reading: &Reading) -> Result<Graph, Finding> {
    let bytes = front::object::program(&source.text).map_err(|error| {
        let start = match error {
            ObjectError::Read(ReadError { at, .. }) => place(at),
            ObjectError::Emit(_) => 0,
        };
        let span = Span::new(start, place(source.text.len()));
        let message = "this is not the object text of a program";
        Finding::text(source, Diagnostic::error(codes::BAD_OBJECT, message, span).label(error.to_string()))
    })?;
    program(&source.origin, &bytes, reading, USER_WORK).map(|verified| bytecode::lift(&verified))
}

fn text(source: &Arc<SourceText>, reading: &Reading, level: u8) -> Understood {
    let analysis = analysis(source, reading);
    let mut diagnostics = lint::quieted(&source.text, analysis.diagnostics);
    let typed = analysis.typed;
    let graph = typed.as_ref().and_then(|typed| match lowered(typed, level) {
        Ok(graph) => Some(graph),
        Err(error) => {
            diagnostics.push(error.diagnostic(typed.filter.span));
            None
        }
    });
    Understood { findings: findings(source, diagnostics), graph, typed }
}

fn findings(source: &Arc<SourceText>, mut diagnostics: Vec<Diagnostic>) -> Vec<Finding> {
    let failed = diagnostics.first().is_some_and(|first| first.severity == Severity::Error);
    if let Some(finding) = failed.then(|| swapped(source)).flatten() {
        return vec![finding];
    }
    if let (Some(first), Some(hint)) = (diagnostics.first_mut(), file_hint(source))
        && first.severity == Severity::Error
    {
        first.help.push(hint);
    }
    diagnostics.into_iter().map(|diagnostic| Finding::text(source, diagnostic)).collect()
}

/// Everything that is to be said about a filter, lints included.
pub(crate) fn checked(filter: &Filter, reading: &Reading, levels: &Levels) -> Vec<Finding> {
    let Content::Text(source) = &filter.content else { return understand(filter, reading, 1).findings };
    let mut analysis = analysis(source, reading);
    let too_large = analysis
        .typed
        .as_ref()
        .and_then(|typed| lowered(typed, 1).err().map(|error| error.diagnostic(typed.filter.span)));
    if too_large.is_some() {
        // Lints would find that out again and again.
        analysis.typed = None;
    }
    let mut diagnostics = lint::lint(&source.text, &analysis, levels);
    if let Some(error) = too_large {
        diagnostics.insert(0, error);
    }
    findings(source, diagnostics)
}

/// A text after all edits that keep its meaning, and how many they were.
pub(crate) fn fixed(source: &SourceText, reading: &Reading, levels: &Levels) -> (String, usize) {
    with_options(source, reading, |options| lint::fix(&source.text, options, levels))
}

fn analysis(source: &SourceText, reading: &Reading) -> Analysis {
    with_options(source, reading, |options| analyse(&source.text, options))
}

/// The dialect that texts are written in.
pub(crate) const fn dialect(reading: &Reading) -> Dialect {
    match reading.dialect {
        DialectName::Extended => Dialect::Extended,
        DialectName::Windivert => Dialect::Windivert,
    }
}

fn with_options<T>(source: &SourceText, reading: &Reading, work: impl FnOnce(&Options<'_>) -> T) -> T {
    let load = loader(&source.origin);
    work(&options(reading, &load))
}

fn options<'l>(reading: &Reading, loader: &'l dyn Loader) -> Options<'l> {
    Options { layer: reading.layer.map(LayerName::layer), dialect: dialect(reading), loader }
}

/// What reads the set files of a filter.
pub(crate) fn loader(origin: &Origin) -> impl Loader + use<> {
    let folder = folder(origin);
    move |path: &str| read_set(&folder.join(path))
}

/// Where paths of set files begin: the folder of the filter's file, or here when it has none.
fn folder(origin: &Origin) -> PathBuf {
    match origin {
        Origin::File(path) => path.parent().map(PathBuf::from).unwrap_or_default(),
        Origin::Argument | Origin::Stdin => PathBuf::new(),
    }
}
