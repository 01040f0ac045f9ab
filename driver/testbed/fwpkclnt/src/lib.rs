//! Double of `fwpkclnt.sys`: Wine's loader finds it where the driver under test imports the filtering platform from.
//!
//! It lives in the driver's process and stands for the platform, the stack around it, and an observer: functions of the
//! kernel that the driver imports are watched (`watch`), and all of what it does is held against the rules of
//! `divert-testbed-model`. The harness speaks to it through a device of its own (`control`).
//!
//! Everything here is called as the interfaces say, or not at all: pointers of the client are followed as far as the
//! documentation says that they are valid. A client that gives others crashes the process, and the runner sees that.
#![no_std]
#![allow(non_snake_case)]

extern crate alloc;

mod control;
mod export;
mod ffi;
mod misuse;
mod packet;
mod present;
mod quarantine;
mod raw;
mod spin;
mod stack;
mod system;
mod unload;
mod watch;
mod world;
