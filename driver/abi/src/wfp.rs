//! The Windows Filtering Platform: what callouts are given (`FWPS_`) and what the engine is told (`FWPM_`), as they are
//! on x86-64.
//!
//! Anonymous unions of the original are members named `u`. Layers and values are listed as far as the driver needs them.

mod callout;
mod engine;
mod layer;
mod metadata;
mod status;
mod value;

pub use callout::*;
pub use engine::*;
pub use layer::*;
pub use metadata::*;
pub use status::*;
pub use value::*;
