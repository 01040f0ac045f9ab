//! Filters: from text, object or program to the program that the driver runs.

use std::fmt;

use divert_compiler::Dialect;
use divert_compiler::back::{bytecode::emit, object as back, text, windivert as object, windivert_text};
use divert_compiler::front::text::{Analysis, NoFiles, Options, analyse, lower};
use divert_compiler::front::{bytecode, object as own, windivert};
use divert_compiler::graph::{Builder, Graph};
use divert_compiler::opt::optimise;
use divert_vm::Layer;
use divert_vm::limits::USER_WORK;
use divert_vm::object::PREFIX;
use divert_vm::program::{Program, Verified};

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
    /// Compiles a text of the extended language, or reads a filter object (a text that begins with `@`): one of this
    /// project (`@Divert_…`) or of the original (`@WinDiv_…`).
    ///
    /// # Errors
    /// The first mistake.
    pub fn compile(text: &str, layer: Layer) -> Result<Self, FilterError> {
        if text.starts_with(PREFIX) {
            let program = own::program(text).map_err(|error| FilterError {
                position: if let own::ObjectError::Read(read) = &error { read.at } else { 0 },
                ..FilterError::whole(error)
            })?;
            let filter = Self::from_program(program)?;
            return if filter.layer == layer {
                Ok(filter)
            } else {
                let message = format!("the object is for {}, not for {}", filter.layer.name(), layer.name());
                Err(FilterError::whole(message))
            };
        }
        if text.starts_with('@') {
            let graph = windivert::decode(text, layer)
                .map_err(|error| FilterError { position: error.offset, ..FilterError::whole(error) })?;
            return Self::of_graph(&optimise(&graph, 2));
        }
        Self::of_graph(&Self::understand(text, layer)?)
    }

    /// What a text means, optimised.
    fn understand(source: &str, layer: Layer) -> Result<Graph, FilterError> {
        let options = Options { layer: Some(layer), dialect: Dialect::Extended, loader: &NoFiles };
        let analysis = analyse(source, &options);
        match &analysis.typed {
            Some(typed) => {
                let mut builder = Builder::simplifying(typed.layer);
                let entry = lower(typed, &mut builder).map_err(FilterError::whole)?;
                Ok(optimise(&builder.finish(entry), 2))
            }
            None => Err(first_mistake(&analysis)),
        }
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

    /// The program, verified; nothing else makes a filter.
    ///
    /// # Errors
    /// Never: what this type holds was verified when it was made.
    pub fn verified(&self) -> Result<Verified<'_>, FilterError> {
        let program = Program::decode(&self.program).map_err(FilterError::whole)?;
        program.verify(USER_WORK).map_err(FilterError::whole)
    }

    /// The decision graph of the program.
    ///
    /// # Errors
    /// As [`Filter::verified`].
    pub fn graph(&self) -> Result<Graph, FilterError> {
        Ok(bytecode::lift(&self.verified()?))
    }

    /// The filter as an object text, `@Divert_…`: what a REFLECT handle receives for a handle opened with it.
    ///
    /// # Errors
    /// As [`Filter::verified`].
    pub fn object(&self) -> Result<String, FilterError> {
        Ok(back::text(&self.verified()?))
    }

    /// The filter as text: in WinDivert's own language where that can say it, else in the extended one.
    ///
    /// # Errors
    /// As [`Filter::verified`].
    pub fn text(&self) -> Result<String, FilterError> {
        let graph = self.graph()?;
        Ok(windivert_text::text(&graph).unwrap_or_else(|_| text::text(&graph)))
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
