//! Shared by the tests: the conformance vectors, and the generators of `divert-fuzz` with a seed.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use std::path::PathBuf;

use divert_compiler::graph::Graph;
use divert_fuzz::r#gen::graph::{self, Masks};
use divert_fuzz::source::Source;
use divert_vm::layer::Layer;
use serde_json::Value;

pub(crate) use divert_fuzz::Case;

/// The lines of a conformance file; none where the files are not at hand.
pub(crate) fn vectors(name: &str) -> Vec<Value> {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../tests/conformance", "../../shared/conformance"];
    let text = places.iter().find_map(|place| std::fs::read_to_string(package.join(place).join(name)).ok());
    let Some(text) = text else { return Vec::new() };
    text.lines().map(|line| serde_json::from_str(line).expect("a vector is JSON")).collect()
}

pub(crate) fn text<'v>(line: &'v Value, name: &str) -> &'v str {
    line[name].as_str().unwrap_or_default()
}

pub(crate) fn layer(value: &Value) -> Layer {
    Layer::from_number(value.as_u64().unwrap() as u8).unwrap()
}

/// Random inputs and graphs.
pub(crate) struct Random(Source<'static>);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Source::seeded(seed))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.u64() % bound
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        self.0.pick(of)
    }

    pub(crate) fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn case(&mut self, layer: Layer) -> Case {
        Case::any(&mut self.0, layer)
    }

    /// A graph of at most `size` tests; `masks` whether it may have masks, which back ends can spell out.
    pub(crate) fn graph(&mut self, layer: Layer, size: u64, masks: bool) -> Graph {
        graph::any(&mut self.0, layer, size as usize, if masks { Masks::Few } else { Masks::None })
    }
}
