//! `divertc compile`: a filter in, another form of it out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use divert_compiler::Dialect;
use divert_compiler::back::windivert::{DRIVER_TESTS, EncodeError, encode};
use divert_compiler::back::windivert_text::{self, TextError, Written};
use divert_compiler::back::{dot, json, text};
use divert_compiler::graph::{Graph, Node};
use divert_grammar::diagnostic::Severity;
use divert_vm::disasm::Listing;
use divert_vm::limits::USER_WORK;
use divert_vm::program::Program;

use super::budget::Budget;
use super::prove;
use crate::args::{Forced, Reading, usage};
use crate::codes;
use crate::console::{Console, Outcome, Status};
use crate::finding::{Finding, Origin};
use crate::output;
use crate::pipeline;

/// Compile a filter
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc compile web.dvf -o web.dvc
  divertc compile --target windivert 'tcp.DstPort in {80, 443}'
  divertc compile --target listing -O0 web.dvf
  divertc compile --budget web.dvf
  divertc compile --target dot web.dvf | dot -Tsvg > web.svg

`windivert` prints the object that WinDivertOpen takes in place of a filter,
`windivert-text` a filter that it takes as text.")]
pub(crate) struct Compile {
    /// The filter: a file, text, an object, or - for standard input
    #[arg(value_name = "FILTER")]
    filter: Option<OsString>,
    #[command(flatten)]
    forced: Forced,
    #[command(flatten)]
    reading: Reading,
    /// What to make of it
    #[arg(short = 't', long, value_name = "TARGET", value_enum, default_value_t = Target::Bytecode)]
    target: Target,
    /// How much to optimise: 0 not at all, 1 keep the order of tests, 2 all
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=2))]
    level: u8,
    /// Keep the text in the debug section of bytecode, for `divertc explain`
    #[arg(short = 'g', long)]
    debug: bool,
    /// Say how many of an object's tests each clause costs, and compile nothing
    #[arg(long, conflicts_with = "output")]
    budget: bool,
    /// Prove that what is written out means what was read in, or write nothing
    #[arg(long, conflicts_with = "budget")]
    prove: bool,
    /// Write to this file instead of standard output
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a filter can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Verified bytecode (.dvc)
    Bytecode,
    /// The bytecode as object text, one line: what Divert's own library takes
    Object,
    /// A WinDivert 2.2 filter object, one line
    Windivert,
    /// Text that WinDivert 2.2 accepts, one line
    WindivertText,
    /// Text of the extended dialect
    ExtendedText,
    /// The bytecode as a listing
    Listing,
    /// The decision graph for Graphviz
    Dot,
    /// The decision graph as JSON
    Json,
}

/// Intervals of a set that a listing shows.
const LISTED: u32 = 16;

impl Compile {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let (selection, rest) = self.forced.one(self.filter.into_iter().collect())?;
        if !rest.is_empty() {
            return Err(usage("one filter is wanted, and beside the argument -f or -e names another"));
        }
        let output = self.output.filter(|path| !output::is_stdout(path));
        if self.target == Target::Bytecode && !self.budget && output.is_none() && console.out_is_terminal() {
            return Err(Finding::command(codes::USAGE, "bytecode is not for terminals")
                .help("write it to a file with -o FILE, or look at it with --target listing")
                .into());
        }
        let filter = pipeline::read(selection, &self.reading, output.as_deref())?;
        if self.target == Target::Windivert
            && let Some((text, finding)) = pipeline::foreign(&filter, &self.reading)
        {
            console.report(finding)?;
            return write(output.as_deref(), format!("{text}\n").as_bytes(), console);
        }
        let (graph, typed) = pipeline::meaning(&filter, &self.reading, self.level, console)?;
        let budget = Budget { source: &filter, typed: typed.as_ref(), level: self.level };
        if self.budget {
            let lines = budget.of(&graph).map_err(|error| too_small(&budget, &graph, &error))?;
            console.bytes(budget.table(&lines).as_bytes())?;
            return Ok(Status::Fine);
        }
        let bytes = match self.target {
            Target::Bytecode if self.debug => pipeline::assemble_with_text(&filter, &self.reading, &graph)?,
            Target::Bytecode => pipeline::assemble(&filter.origin, &graph)?,
            Target::Object => object_text(&filter.origin, &graph, &self.reading)?.into_bytes(),
            Target::Windivert => object(&budget, &graph, console)?.into_bytes(),
            Target::WindivertText => plain_text(&filter.origin, &graph, console)?.into_bytes(),
            Target::ExtendedText => text::text(&graph).into_bytes(),
            Target::Listing => listing(&filter.origin, &graph)?.into_bytes(),
            Target::Dot => dot::dot(&graph).into_bytes(),
            Target::Json => format!("{}\n", json::json(&graph)).into_bytes(),
        };
        if self.prove {
            let source = pipeline::graph(&filter, &self.reading, 0, console)?;
            let proof = match self.target {
                Target::Bytecode => prove::bytecode(&source, &bytes),
                Target::Windivert => prove::object(&source, &bytes),
                Target::WindivertText => prove::text(&source, &bytes, Dialect::Windivert),
                Target::ExtendedText => prove::text(&source, &bytes, Dialect::Extended),
                // Forms of the bytecode, and such as cannot be read back: it stands for them.
                Target::Listing | Target::Object | Target::Dot | Target::Json => {
                    prove::bytecode(&source, &pipeline::assemble(&filter.origin, &graph)?)
                }
            };
            prove::accept(&filter.origin, proof)?;
        }
        write(output.as_deref(), &bytes, console)
    }
}

fn write(output: Option<&Path>, bytes: &[u8], console: &mut Console) -> Outcome {
    match output {
        Some(path) => output::write_file(path, bytes)?,
        None => console.bytes(bytes)?,
    }
    Ok(Status::Fine)
}

fn object_text(origin: &Origin, graph: &Graph, reading: &Reading) -> Result<String, Finding> {
    let bytes = pipeline::assemble(origin, graph)?;
    let verified = pipeline::program(origin, &bytes, reading, USER_WORK)?;
    Ok(format!("{}\n", divert_compiler::back::object::text(&verified)))
}

fn listing(origin: &Origin, graph: &Graph) -> Result<String, Finding> {
    let bytes = pipeline::assemble(origin, graph)?;
    let program = Program::decode(&bytes)
        .map_err(|error| Finding::whole(origin, codes::NOT_BYTECODE, format!("internal error: {error}")))?;
    Ok(Listing::new(&program, LISTED).to_string())
}

fn object(budget: &Budget<'_>, graph: &Graph, console: &mut Console) -> Outcome<String> {
    let origin = &budget.source.origin;
    let encoded = encode(graph, budget.shape()).map_err(|error| too_small(budget, graph, &error))?;
    warn_of_driver(origin, "object", encoded.tests, console)?;
    Ok(format!("{}\n", encoded.object))
}

/// Warns of what WinDivert's library takes and its driver does not.
fn warn_of_driver(origin: &Origin, what: &str, tests: usize, console: &mut Console) -> Outcome<()> {
    if tests <= DRIVER_TESTS {
        return Ok(());
    }
    let message = format!(
        "the {what} has {tests} tests, and the driver of WinDivert 2.2 opens no handle with more than {DRIVER_TESTS}"
    );
    let mut finding = Finding::whole(origin, codes::TARGET, message);
    finding.diagnostic.severity = Severity::Warning;
    console.report(finding)
}

fn plain_text(origin: &Origin, graph: &Graph, console: &mut Console) -> Outcome<String> {
    let Written { text, tests } = windivert_text::written(graph).map_err(|error| {
        let it = if matches!(error, TextError::Mask { .. }) { "" } else { "it " };
        let message = format!("this filter cannot be said in WinDivert's language: {it}{error}");
        let finding = Finding::whole(origin, codes::TARGET, message);
        match error {
            TextError::Mask { .. } => finding.help(MASK_HELP),
            TextError::TooManyTests { .. } | TextError::TooManyTokens { .. } | TextError::TooDeep => {
                largest_part(finding, graph).help(
                    "an object (--target windivert) may need less, because it shares equal parts; bytecode has \
                     sets of any size",
                )
            }
        }
    })?;
    warn_of_driver(origin, "text", tests, console)?;
    Ok(format!("{text}\n"))
}

const MASK_HELP: &str = "write the mask as comparisons, or compile to bytecode";

/// Says what does not fit, and what does.
fn too_small(budget: &Budget<'_>, graph: &Graph, error: &EncodeError) -> Finding {
    let it = if matches!(error, EncodeError::Mask { .. }) { "" } else { "it " };
    let message = format!("this filter fits no WinDivert object: {it}{error}");
    let finding = Finding::whole(&budget.source.origin, codes::TARGET, message);
    match error {
        EncodeError::TooManyTests { .. } => budget.dearest(largest_part(finding, graph), graph).help(
            "divide the filter among several handles, or compile to bytecode, which has sets of any size",
        ),
        EncodeError::Mask { .. } => finding.help(MASK_HELP),
    }
}

/// Adds what needs the most room.
fn largest_part(mut finding: Finding, graph: &Graph) -> Finding {
    let size = |node: &Node| node.set.intervals().len();
    if let Some(node) = graph.nodes().iter().max_by_key(|node| size(node)).filter(|node| size(node) > 1) {
        let note = format!("the largest part: `{}` is compared with {} ranges", node.load, size(node));
        finding.diagnostic.notes.push(note);
    }
    finding
}
