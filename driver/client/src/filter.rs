//! Filters: from text, object or program to the program that the driver runs.

use std::fmt;

use divert_compiler::Dialect;
use divert_compiler::back::{bytecode::emit, windivert as object};
use divert_compiler::front::text::{Analysis, NoFiles, Options, analyse, lower};
use divert_compiler::front::{bytecode, windivert};
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::opt::optimise;
use divert_vm::Layer;
use divert_vm::limits::USER_WORK;
use divert_vm::program::Program;

/// A compiled filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    program: Vec<u8>,
    layer: Layer,
}

/// Why a text, an object or a program is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The kind by its code (`E0201`), for mistakes in a text.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the beginning of the text.
    pub position: usize,
    /// What may help.
    pub help: Vec<String>,
}

impl FilterError {
    fn whole(message: impl fmt::Display) -> Self {
        Self { code: None, message: message.to_string(), position: 0, help: Vec::new() }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.position)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Compiles a text of the extended language, or reads a filter object (a text that begins with `@`).
    ///
    /// # Errors
    /// The first mistake.
    pub fn compile(text: &str, layer: Layer) -> Result<Self, FilterError> {
        Self::of_graph(&Self::understand(text, layer)?)
    }

    /// What a text or an object means, optimised.
    ///
    /// # Errors
    /// The first mistake.
    pub fn understand(text: &str, layer: Layer) -> Result<Graph, FilterError> {
        if text.starts_with('@') {
            return Self::object_graph(text, layer);
        }
        let options = |dialect| Options { layer: Some(layer), dialect, loader: &NoFiles };
        let analysis = analyse(text, &options(Dialect::Extended));
        match &analysis.typed {
            Some(typed) => {
                let mut builder = Builder::simplifying(typed.layer);
                let entry = lower(typed, &mut builder).map_err(FilterError::whole)?;
                Ok(optimise(&builder.finish(entry), 2))
            }
            None => Err(first_mistake(&analysis)),
        }
    }

    fn object_graph(text: &str, layer: Layer) -> Result<Graph, FilterError> {
        let graph = windivert::decode(text, layer)
            .map_err(|error| FilterError { position: error.offset, ..FilterError::whole(error) })?;
        Ok(optimise(&graph, 2))
    }

    /// The program of a graph.
    ///
    /// # Errors
    /// When it is too large for one.
    pub fn of_graph(graph: &Graph) -> Result<Self, FilterError> {
        let program = emit(graph, &[]).map_err(FilterError::whole)?;
        Ok(Self { program, layer: graph.layer() })
    }

    /// Takes a compiled program (`.dvc`).
    ///
    /// # Errors
    /// When it is none, or the verifier refuses it.
    pub fn from_program(program: Vec<u8>) -> Result<Self, FilterError> {
        let decoded = Program::decode(&program).map_err(FilterError::whole)?;
        let layer = decoded.layer();
        decoded.verify(USER_WORK).map_err(FilterError::whole)?;
        Ok(Self { program, layer })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &[u8] {
        &self.program
    }

    /// The layer it is for.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The decision graph of the program.
    ///
    /// # Errors
    /// Never for a filter of this type; a program that changed under our hands would be one.
    pub fn graph(&self) -> Result<Graph, FilterError> {
        let verified = Program::decode(&self.program)
            .map_err(FilterError::whole)?
            .verify(USER_WORK)
            .map_err(FilterError::whole)?;
        Ok(bytecode::lift(&verified))
    }

    /// The filter as an object of the original WinDivert, `@WinDiv_…`.
    ///
    /// # Errors
    /// When it needs more tests than such an object can have.
    pub fn windivert_object(&self) -> Result<String, FilterError> {
        let encoded = object::encode(&self.graph()?, object::Shape::Fewest).map_err(FilterError::whole)?;
        Ok(encoded.object.to_string())
    }
}

fn first_mistake(analysis: &Analysis) -> FilterError {
    match analysis.diagnostics.first() {
        Some(found) => FilterError {
            code: Some(found.code),
            message: found.message.clone(),
            position: found.primary.span.start() as usize,
            help: found.help.clone(),
        },
        None => FilterError::whole("the filter cannot be understood"),
    }
}
