//! `divertc overlap`: can two of several filters match the same packet?

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use divert_compiler::analysis::{Answer, Reason, Witness, overlap};
use divert_compiler::graph::Graph;
use divert_vm::layer::Layer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Question, Told, shown};
use super::plural;
use crate::args::{LayerName, Once, Reading, Selection, usage};
use crate::codes;
use crate::console::{Console, Outcome};
use crate::finding::{Finding, Origin};
use crate::found;
use crate::input;

/// Tell whether some packet matches two of several filters
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc overlap web.dvf 'udp.DstPort == 53' dns.dvf
  divertc overlap --handles handles.json

A file of handles is a JSON array of objects: `filter` (as on the command
line, files relative to the handles' file), and where wanted `name`, `layer`
(network, forward, flow, socket, reflect) and `priority`. Handles of one layer
and priority are compared, each with each.

Exit status: 0 yes (with a packet), 1 no (proved), 2 unknown.")]
pub(crate) struct Overlap {
    /// Two filters or more: files, texts, objects, or - for standard input
    #[arg(value_name = "FILTER")]
    filters: Vec<OsString>,
    #[command(flatten)]
    question: Question,
    /// Read filters, layers and priorities from this file
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["filters", "files", "texts"])]
    handles: Option<PathBuf>,
}

/// A handle as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    filter: String,
    name: Option<String>,
    layer: Option<String>,
    #[serde(default)]
    priority: i16,
}

/// A filter with its place.
struct Handle {
    name: String,
    priority: i16,
    graph: Graph,
}

/// Two handles that can match the same.
struct Pair<'h> {
    first: &'h Handle,
    second: &'h Handle,
    witness: Box<Witness>,
}

impl Overlap {
    pub(crate) fn run(mut self, console: &mut Console) -> Outcome {
        let handles = match self.handles.take() {
            Some(path) => {
                self.question.check(console)?;
                read(&path, &self.question, console)?
            }
            None => {
                let graphs = self.question.graphs(std::mem::take(&mut self.filters), console)?;
                let named = graphs.into_iter().enumerate();
                named
                    .map(|(at, graph)| Handle { name: format!("filter {}", at + 1), priority: 0, graph })
                    .collect()
            }
        };
        if handles.len() < 2 {
            return Err(usage("two filters or more are wanted"));
        }
        let (pairs, open) = compare(&handles);
        let about = pairs.first().map(|pair| [&pair.first.graph, &pair.second.graph]);
        self.question.tell(told(&pairs, open), about.as_ref().map_or(&[], |about| about), console)
    }
}

/// Compares all pairs of one layer and priority.
fn compare(handles: &[Handle]) -> (Vec<Pair<'_>>, Option<Reason>) {
    let (mut pairs, mut open) = (Vec::new(), None);
    for (at, first) in handles.iter().enumerate() {
        for second in handles.iter().skip(at + 1) {
            if first.graph.layer() != second.graph.layer() || first.priority != second.priority {
                continue;
            }
            match overlap(&first.graph, &second.graph, &Question::budget()) {
                Answer::Yes(witness) => pairs.push(Pair { first, second, witness }),
                Answer::No(()) => {}
                Answer::Unknown(reason) => open = open.or(Some(reason)),
            }
        }
    }
    (pairs, open)
}

fn told(pairs: &[Pair<'_>], open: Option<Reason>) -> Told {
    let Some(first) = pairs.first() else {
        return open.map_or_else(|| Told::new(false, "no packet matches two of them", None), Told::unknown);
    };
    let mut words = if pairs.len() == 1 {
        format!("{} and {} can match the same", first.first.name, first.second.name)
    } else {
        format!("{} can match the same", plural(pairs.len() as u64, "pair"))
    };
    if pairs.len() > 1 {
        for pair in pairs {
            words.push_str(&format!("\n{} and {}\n", pair.first.name, pair.second.name));
            words.push_str(shown(&pair.witness).trim_end());
        }
    }
    let mut told = Told::new(true, words, Some(first.witness.clone()));
    let list: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "handles": [pair.first.name, pair.second.name],
                "layer": pair.first.graph.layer().name(),
                "priority": pair.first.priority,
                "witness": found::event(&pair.witness),
            })
        })
        .collect();
    told.more.insert("pairs".to_owned(), Value::from(list));
    told.is_listed = pairs.len() > 1;
    told
}

/// Reads a file of handles.
fn read(path: &Path, question: &Question, console: &mut Console) -> Outcome<Vec<Handle>> {
    let reading = question.reading();
    question.keeps(path)?;
    let origin = Origin::File(path.to_path_buf());
    let wrong = |message: String| Finding::whole(&origin, codes::USAGE, message);
    let bytes = input::read_file(path)?;
    let written: Vec<Written> = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("`{origin}` is no list of handles: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut handles = Vec::with_capacity(written.len());
    let mut stdin = Once::default();
    for (at, handle) in written.into_iter().enumerate() {
        let name = handle.name.unwrap_or_else(|| format!("handle {}", at + 1));
        let layer = match &handle.layer {
            Some(text) => {
                Some(layer(text).ok_or_else(|| wrong(format!("{name}: there is no layer `{text}`")))?)
            }
            None => reading.layer,
        };
        let selection = match Selection::of(handle.filter.into())? {
            Selection::File(path) => Selection::File(folder.join(path)),
            Selection::Bytecode(path) => Selection::Bytecode(folder.join(path)),
            other @ (Selection::Text(_) | Selection::Stdin) => other,
        };
        stdin.take(&selection)?;
        let graph = question.graph(selection, Reading { layer, ..reading }, console)?;
        handles.push(Handle { name, priority: handle.priority, graph });
    }
    Ok(handles)
}

fn layer(text: &str) -> Option<LayerName> {
    let named = |layer: Layer| match layer {
        Layer::Network => LayerName::Network,
        Layer::Forward => LayerName::Forward,
        Layer::Flow => LayerName::Flow,
        Layer::Socket => LayerName::Socket,
        Layer::Reflect => LayerName::Reflect,
    };
    let upper = text.to_ascii_uppercase();
    let name = if upper == "FORWARD" { "NETWORK_FORWARD" } else { &upper };
    Layer::from_name(name).map(named)
}
