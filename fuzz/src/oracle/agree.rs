//! Every way to evaluate a filter gives the same verdict.

use divert_compiler::Dialect;
use divert_compiler::back::{bytecode, text as extended, windivert, windivert_text};
use divert_compiler::explain::Explainer;
use divert_compiler::front::text::eval::eval as eval_tree;
use divert_compiler::front::text::{Options, Typed, analyse, lower};
use divert_compiler::front::{bytecode::lift, windivert as object};
use divert_compiler::graph::check::check;
use divert_compiler::graph::eval::eval as eval_graph;
use divert_compiler::graph::print::print;
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::opt::optimise;
use divert_vm::layer::Layer;
use divert_vm::limits::USER_WORK;
use divert_vm::{Input, Program};

use super::{Finding, Outcome, require};
use crate::r#gen::graph::Masks;
use crate::r#gen::{case::Case, graph, text, tree};
use crate::source::Source;

/// Cases that each filter is tried on.
const CASES: usize = 12;

/// How much is derived from a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The graphs of all levels, and their programs.
    Programs,
    /// These, and what comes back from bytecode, objects and texts.
    All,
}

/// An optimiser: [`optimise`], or a wrong one in tests.
pub type Optimiser = fn(&Graph, u8) -> Graph;

/// A filter in every form that can be run.
#[derive(Debug)]
pub struct Forms {
    layer: Layer,
    tree: Option<Typed>,
    /// Graphs with their names; the first is the plain one.
    graphs: Vec<(String, Graph)>,
    programs: Vec<(String, Vec<u8>)>,
    /// Whether there was no time to make all.
    cut: bool,
}

/// Whether there is time for another step.
type Time<'t> = &'t dyn Fn() -> bool;

impl Forms {
    /// The forms of a text; `None` when it is no filter, or is too large for a graph.
    ///
    /// # Errors
    /// When a form is not what it must be.
    pub fn of_text(source: &str, options: &Options<'_>) -> Result<Option<Self>, Finding> {
        match analyse(source, options).typed {
            Some(typed) => Self::of_tree(typed, Depth::All),
            None => Ok(None),
        }
    }

    /// The forms of a typed tree; `None` when it is too large for a graph.
    ///
    /// # Errors
    /// When a form is not what it must be.
    pub fn of_tree(typed: Typed, depth: Depth) -> Result<Option<Self>, Finding> {
        Self::of_tree_in_time(typed, depth, &|| true)
    }

    /// The same; once `in_time` says no, the forms that are not made yet are left out, and [`Forms::is_cut`] says so. The
    /// tree and its plain graph are always there.
    ///
    /// # Errors
    /// As [`Forms::of_tree`].
    pub fn of_tree_in_time(typed: Typed, depth: Depth, in_time: Time<'_>) -> Result<Option<Self>, Finding> {
        let mut plain = Builder::plain(typed.layer);
        let mut simple = Builder::simplifying(typed.layer);
        let (Ok(entry), Ok(simple_entry)) = (lower(&typed, &mut plain), lower(&typed, &mut simple)) else {
            return Ok(None);
        };
        let mut forms = Self::in_time(&plain.finish(entry), depth, optimise, in_time)?;
        forms.add("simplified", simple.finish(simple_entry))?;
        forms.tree = Some(typed);
        Ok(Some(forms))
    }

    /// The forms of a graph.
    ///
    /// # Errors
    /// When a form is not what it must be.
    pub fn of_graph(graph: &Graph, depth: Depth, optimise: Optimiser) -> Result<Self, Finding> {
        Self::in_time(graph, depth, optimise, &|| true)
    }

    fn in_time(graph: &Graph, depth: Depth, optimise: Optimiser, in_time: Time<'_>) -> Result<Self, Finding> {
        let (layer, graphs, programs) = (graph.layer(), Vec::new(), Vec::new());
        let mut forms = Self { layer, tree: None, graphs, programs, cut: false };
        forms.add("-O0", graph.clone())?;
        let mut known = vec![("-O0".to_owned(), graph.clone())];
        for level in 1..=2 {
            if forms.cut(in_time) {
                return Ok(forms);
            }
            let (name, graph) = (format!("-O{level}"), optimise(graph, level));
            forms.add(&name, graph.clone())?;
            known.push((name, graph));
        }
        for (name, graph) in known {
            if forms.cut(in_time) {
                return Ok(forms);
            }
            let Some(bytes) = program(&graph)? else { continue };
            if depth == Depth::All && !forms.cut(in_time) {
                forms.add(&format!("lifted {name}"), lifted(&bytes)?)?;
                forms.derive(&name, &graph, in_time)?;
            }
            forms.programs.push((name, bytes));
        }
        Ok(forms)
    }

    /// Whether there is no more time.
    fn cut(&mut self, in_time: Time<'_>) -> bool {
        self.cut = self.cut || !in_time();
        self.cut
    }

    /// Whether forms are missing for which there was no time.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// What comes back from objects and texts of a graph.
    fn derive(&mut self, name: &str, graph: &Graph, in_time: Time<'_>) -> Outcome {
        for shape in [windivert::Shape::Fewest, windivert::Shape::Shallow] {
            if self.cut(in_time) {
                return Ok(());
            }
            if let Ok(encoded) = windivert::encode(graph, shape) {
                let text = encoded.object.to_string();
                let read = object::decode(&text, self.layer)
                    .map_err(|error| Finding::new(format!("our own object is refused: {error}\n{text}")))?;
                self.add(&format!("{shape:?} object of {name}"), read)?;
            }
        }
        if self.cut(in_time) {
            return Ok(());
        }
        let text = extended::text(graph);
        if let Some(graph) = compiled(&text, self.layer, Dialect::Extended)? {
            self.add(&format!("text of {name}"), graph)?;
        }
        if let Ok(text) = windivert_text::text(graph)
            && let Some(graph) = compiled(&text, self.layer, Dialect::Windivert)?
        {
            self.add(&format!("WinDivert text of {name}"), graph)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, graph: Graph) -> Outcome {
        check(&graph).map_err(|defect| Finding::new(format!("{name}: {defect:?}\n{}", print(&graph, 20))))?;
        self.graphs.push((name.to_owned(), graph));
        Ok(())
    }

    /// The same with another program that must agree: one that was compiled before, perhaps by somebody else.
    #[must_use]
    pub fn with_program(mut self, bytes: &[u8]) -> Self {
        if self.programs.iter().all(|(_, known)| known != bytes) {
            self.programs.push(("as given".to_owned(), bytes.to_vec()));
        }
        self
    }

    /// The graphs, with their names.
    #[must_use]
    pub fn graphs(&self) -> &[(String, Graph)] {
        &self.graphs
    }

    /// The verdict on an input, when all agree.
    ///
    /// # Errors
    /// Who says what, when they do not agree; or what else is not as it must be.
    pub fn verdict(&self, input: &Input<'_>) -> Result<bool, Finding> {
        let mut said: Vec<(&str, &str, bool)> = Vec::with_capacity(16);
        if let Some(tree) = &self.tree {
            said.push(("tree", "", eval_tree(tree, input)));
            said.push(("explanation", "", Explainer::new(tree).explain(input).verdict));
        }
        said.extend(
            self.graphs.iter().map(|(name, graph)| ("graph ", name.as_str(), eval_graph(graph, input))),
        );
        for (name, bytes) in &self.programs {
            said.push(("VM ", name, run(bytes, input)?));
        }
        let first = said.first().is_some_and(|(_, _, verdict)| *verdict);
        require(said.iter().all(|(_, _, verdict)| *verdict == first), || {
            said.iter().map(|(kind, name, verdict)| format!("{kind}{name}: {verdict}\n")).collect()
        })?;
        Ok(first)
    }

    /// [`Forms::verdict`] of a case, with the filter and the case in what it finds; `None` when it is no input.
    ///
    /// # Errors
    /// As [`Forms::verdict`].
    pub fn judge(&self, case: &Case) -> Result<Option<bool>, Finding> {
        match case.with(|input| self.verdict(input)) {
            None => Ok(None),
            Some(Ok(verdict)) => Ok(Some(verdict)),
            Some(Err(finding)) => Err(Finding::new(format!("{finding}{}case: {case}", self.shown()))),
        }
    }

    fn shown(&self) -> String {
        let tree = self.tree.as_ref().map(|tree| format!("filter: {tree}"));
        let graph = self.graphs.first().map(|(name, graph)| format!("{name}: {}", print(graph, 20)));
        tree.unwrap_or_default() + &graph.unwrap_or_default()
    }
}

/// The program of a graph; `None` when it is too large for one.
fn program(graph: &Graph) -> Result<Option<Vec<u8>>, Finding> {
    match bytecode::emit(graph, b"") {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error @ (bytecode::EmitError::Refused(_) | bytecode::EmitError::Undecodable(_))) => {
            Err(Finding::new(format!("{error}\n{}", print(graph, 20))))
        }
        Err(_) => Ok(None),
    }
}

/// The graph of a program of ours, which is the same program when it is emitted again.
fn lifted(bytes: &[u8]) -> Result<Graph, Finding> {
    let unread = |error: &dyn std::fmt::Display| Finding::new(format!("our own program is refused: {error}"));
    let program = Program::decode(bytes).map_err(|error| unread(&error))?;
    let graph = lift(&program.verify(USER_WORK).map_err(|error| unread(&error))?);
    let again = bytecode::emit(&graph, b"").map_err(|error| unread(&error))?;
    require(again == bytes, || {
        format!("lifted and emitted, the program is another one\n{}", print(&graph, 20))
    })?;
    Ok(graph)
}

/// A filter that is nested too deeply, its definitions put in their places.
const TOO_DEEP: &str = "E0426";

/// The graph of a text that we wrote. None for a text that is too deep to be read: a long chain of conditionals, which
/// programs may be and texts may not.
fn compiled(text: &str, layer: Layer, dialect: Dialect) -> Result<Option<Graph>, Finding> {
    let analysis = analyse(text, &Options { layer: Some(layer), dialect, ..Options::default() });
    let refused = |why: String| Finding::new(format!("our own text is refused: {why}\n{text}"));
    if analysis.diagnostics.iter().any(|found| found.code == TOO_DEEP) {
        return Ok(None);
    }
    let typed = analysis.typed.ok_or_else(|| refused(format!("{:?}", analysis.diagnostics)))?;
    let mut builder = Builder::simplifying(layer);
    let entry = lower(&typed, &mut builder).map_err(|error| refused(error.to_string()))?;
    Ok(Some(builder.finish(entry)))
}

/// The verdict of the VM, which keeps its bound and needs what it says.
pub(super) fn run(bytes: &[u8], input: &Input<'_>) -> Result<bool, Finding> {
    let unread = |error: &dyn std::fmt::Display| Finding::new(format!("the program is refused: {error}"));
    let program = Program::decode(bytes).map_err(|error| unread(&error))?;
    let verified = program.verify(USER_WORK).map_err(|error| unread(&error))?;
    let (verdict, steps) = verified.matches_counting(input);
    require(verdict == verified.matches(input), || "counting steps changes the verdict".to_owned())?;
    require(steps <= verified.work(), || format!("{steps} steps, {} were promised", verified.work()))?;
    if let (true, Some(ipv6)) = (verdict, input.is_ipv6()) {
        let needed = verified.needs().can_match(input.event(), input.address().outbound, ipv6);
        require(needed, || "it matches an input of a class that it says cannot match".to_owned())?;
    }
    Ok(verdict)
}

fn on_cases(forms: &Forms, source: &mut Source<'_>) -> Outcome {
    for _ in 0..CASES {
        forms.judge(&Case::any(source, forms.layer))?;
    }
    Ok(())
}

/// Network half of the time.
fn layer(source: &mut Source<'_>) -> Layer {
    if source.one_in(2) { source.pick(&Layer::ALL) } else { Layer::Network }
}

/// A filter as text: made of the bytes, or the bytes themselves.
///
/// # Errors
/// What does not hold.
pub fn any_text(bytes: &[u8]) -> Outcome {
    let mut source = Source::endless(bytes);
    let layer = layer(&mut source);
    let generated = source.one_in(2);
    let filter = match std::str::from_utf8(source.rest()) {
        Ok(text) if !generated => text.to_owned(),
        Ok(_) | Err(_) => text::filter(&mut source, layer),
    };
    for dialect in Dialect::ALL {
        let options = Options { layer: Some(layer), dialect, ..Options::default() };
        let shown = |finding: Finding| Finding::new(format!("{finding}\ntext: {filter}"));
        if let Some(forms) = Forms::of_text(&filter, &options).map_err(shown)? {
            on_cases(&forms, &mut source).map_err(shown)?;
        }
    }
    Ok(())
}

/// A typed tree that fits a case.
///
/// # Errors
/// What does not hold.
pub fn any_tree(bytes: &[u8]) -> Outcome {
    let mut source = Source::endless(bytes);
    let layer = layer(&mut source);
    let case = Case::any(&mut source, layer);
    let Some(Some(typed)) = case.with(|input| tree::any(&mut source, input)) else { return Ok(()) };
    let shown = typed.to_string();
    let Some(forms) =
        Forms::of_tree(typed, Depth::All).map_err(|finding| Finding::new(format!("{finding}\n{shown}")))?
    else {
        return Ok(());
    };
    forms.judge(&case)?;
    on_cases(&forms, &mut source)
}

/// A graph.
///
/// # Errors
/// What does not hold.
pub fn any_graph(bytes: &[u8]) -> Outcome {
    any_graph_with(bytes, optimise)
}

/// [`any_graph`] with another optimiser.
///
/// # Errors
/// What does not hold.
pub fn any_graph_with(bytes: &[u8], optimise: Optimiser) -> Outcome {
    let mut source = Source::endless(bytes);
    let layer = layer(&mut source);
    let masks = source.pick(&[Masks::None, Masks::Few, Masks::Any]);
    let size = 1 + source.below(30);
    let graph = graph::any(&mut source, layer, size, masks);
    let forms = Forms::of_graph(&graph, Depth::All, optimise)
        .map_err(|finding| Finding::new(format!("{finding}\n{}", print(&graph, 20))))?;
    on_cases(&forms, &mut source)
}
