//! Languages out: what a decision graph is turned into.

pub mod bytecode;
pub mod dot;
pub mod json;
pub mod object;
pub(crate) mod plain;
mod render;
pub mod text;
mod tree;
pub mod windivert;
pub mod windivert_text;

use divert_vm::field::Field;
use divert_vm::layer::Layer;

use crate::graph::Load;

/// The value with this key, as the language writes it.
#[must_use]
pub fn written(field: Field, key: u128, layer: Layer) -> String {
    let value = render::literal(field, key, Load::NO_MASK, layer);
    let sign = if value.negative { "-" } else { "" };
    format!("{sign}{}", value.text)
}
