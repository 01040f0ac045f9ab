//! The helper functions: pure, on any machine.

pub mod address;
pub mod filter;
pub mod order;
pub mod packet;
