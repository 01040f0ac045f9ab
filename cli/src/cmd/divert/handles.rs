//! The file that describes the handles of a simulation.

use std::path::Path;

use divert_driver_core::simulate::{Action, Handle};
use divert_driver_protocol::Flags;
use serde::Deserialize;

use crate::args::{DialectName, LayerName, Reading, Selection};
use crate::codes;
use crate::console::{Console, Outcome, Stop};
use crate::finding::{Finding, Origin};
use crate::flags::Simulated;
use crate::input;
use crate::pipeline;

/// The file of handles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handles {
    #[serde(default)]
    handle: Vec<Described>,
}

/// One of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: Option<String>,
    filter: String,
    layer: Option<LayerWord>,
    #[serde(default)]
    priority: i16,
    #[serde(default)]
    flags: Vec<Simulated>,
    #[serde(default)]
    action: ActionWord,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LayerWord {
    Network,
    Forward,
    Flow,
    Socket,
    Reflect,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionWord {
    #[default]
    Pass,
    Drop,
    Ttl(u8),
    DelayMs(u32),
}

/// Reads and compiles the handles of a file; nothing that is read may be the output `written`.
///
/// # Errors
/// When it does not describe handles, or one of their filters is none.
pub(super) fn read(
    path: &Path,
    dialect: DialectName,
    written: Option<&Path>,
    console: &mut Console,
) -> Outcome<Vec<Handle>> {
    let origin = Origin::File(path.to_path_buf());
    let wrong = |message: String| Stop::from(Finding::whole(&origin, codes::HANDLES, message));
    let bytes = input::read_file(path)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(format!("`{origin}` is not UTF-8 text")))?;
    let file: Handles = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text.get(..span.start).unwrap_or_default().matches('\n').count());
        wrong(format!("`{origin}` does not describe handles: line {line}: {}", error.message()))
    })?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut handles = Vec::new();
    for (number, described) in file.handle.into_iter().enumerate() {
        let selection = match Selection::of(described.filter.into())? {
            Selection::File(path) => Selection::File(folder.join(path)),
            Selection::Bytecode(path) => Selection::Bytecode(folder.join(path)),
            Selection::Stdin => return Err(wrong(format!("handle {number} has no filter"))),
            other @ Selection::Text(_) => other,
        };
        let reading = Reading { layer: described.layer.map(LayerWord::name), dialect };
        let filter = pipeline::read(selection, &reading, written)?;
        let filter_origin = filter.origin.clone();
        let program = pipeline::compiled(filter, &reading, console)?;
        let limit = divert_vm::limits::USER_WORK;
        let layer = pipeline::program(&filter_origin, &program, &reading, limit)?.program().layer();
        handles.push(Handle {
            name: described.name.unwrap_or_else(|| number.to_string()),
            layer,
            priority: described.priority,
            flags: described.flags.into_iter().fold(Flags::NONE, |all, flag| all | flag.0),
            program,
            action: described.action.action(),
        });
    }
    Ok(handles)
}

impl LayerWord {
    const fn name(self) -> LayerName {
        match self {
            Self::Network => LayerName::Network,
            Self::Forward => LayerName::Forward,
            Self::Flow => LayerName::Flow,
            Self::Socket => LayerName::Socket,
            Self::Reflect => LayerName::Reflect,
        }
    }
}

impl ActionWord {
    const fn action(self) -> Action {
        match self {
            Self::Pass => Action::Pass,
            Self::Drop => Action::Drop,
            Self::Ttl(ttl) => Action::TimeToLive(ttl),
            Self::DelayMs(milliseconds) => Action::Delay(milliseconds),
        }
    }
}
