//! Reading vectors: files, layers, answers.

use std::path::{Path, PathBuf};

use divert_vm::Layer;
use serde_json::Value;

pub use divert_fuzz::Case;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The lines of `tests/conformance/name`.
#[must_use]
pub fn conformance(name: &str) -> Vec<Value> {
    read(&root().join("tests/conformance").join(name)).expect("the vectors are in the repository")
}

/// The lines of `../shared/name`, which is beside the repository on some machines only.
#[must_use]
pub fn shared(name: &str) -> Option<Vec<Value>> {
    read(&root().join("../shared").join(name))
}

/// The lines of a file of JSON values; `None` where there is none.
#[must_use]
pub fn read(path: &Path) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
}

/// The layer with this number; the vectors also have numbers without one.
#[must_use]
pub fn layer(number: &Value) -> Option<Layer> {
    Layer::from_number(u8::try_from(number.as_u64()?).ok()?)
}

/// What a line says the right answer is: `documented` where the original breaks its documentation.
#[must_use]
pub fn expected(line: &Value) -> &Value {
    line.get("documented").unwrap_or(line)
}
