//! The Windows Filtering Platform: which callouts there are, when they are installed, what they are asked, and how
//! packets and events get from there to the runtime and back.

pub(crate) mod callouts;
pub(crate) mod classify;
mod endpoint;
pub(crate) mod engine;
pub(crate) mod flow;
pub(crate) mod inject;
mod packets;
