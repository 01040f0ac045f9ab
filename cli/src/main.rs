//! placeholder
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "the commands that use it are not here yet")]

mod capture;

fn main() {}
