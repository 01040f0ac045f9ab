//! Judging packets and events with a verified program.
//!
//! `judge`: from a record to a verdict, nothing else; `local`: which addresses are ours; `capture` and `lines`: the two
//! kinds of input, as loops around it; `report`: what is said of each record; `source`: what an input is.

mod assume;
mod capture;
mod explain;
mod judge;
mod lines;
mod local;
mod one;
mod report;
mod source;

pub(crate) use assume::Assume;
pub(crate) use capture::{capture, copy};
pub(crate) use explain::{Explain, Which};
pub(crate) use judge::Judge;
pub(crate) use lines::{Trouble, events};
pub(crate) use local::{Local, Subnet};
pub(crate) use one::one;
pub(crate) use report::{Json, List, Nothing, Sink};
pub(crate) use source::{Bytes, Opened, Source, open};

/// What was seen of one input, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Records.
    pub(crate) records: u64,
    /// Records that carried IP, or were an event.
    pub(crate) ip: u64,
    /// Records that matched.
    pub(crate) matched: u64,
    /// Frames of 802.11, which are not looked into.
    pub(crate) wireless: u64,
    /// Frames of link types that are not known.
    pub(crate) unsupported: u64,
    /// Whether something was damaged.
    pub(crate) damaged: bool,
}

impl Tally {
    /// Adds what was seen of another input.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { records, ip, matched, wireless, unsupported, damaged } = other;
        self.records += records;
        self.ip += ip;
        self.matched += matched;
        self.wireless += wireless;
        self.unsupported += unsupported;
        self.damaged |= damaged;
    }
}
