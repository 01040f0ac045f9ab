//! Judging packets and events with a verified program.
//!
//! `source`: what an input is; `judge`: from a record to a verdict, nothing else; `local`: which addresses are ours;
//! `work`: the records of an input one after the other, each part of them with what came of it (`part`); `jobs`: several
//! threads, and one order of what they say; `report`, `explain` and `stats`: what is said.

mod assume;
mod explain;
mod jobs;
mod judge;
mod local;
mod one;
mod part;
mod report;
mod source;
mod stats;
mod top;
mod work;
mod zstd;

pub(crate) use assume::Assume;
pub(crate) use explain::{Explain, Which};
pub(crate) use jobs::{Event, run};
pub(crate) use judge::Judge;
pub(crate) use local::{Local, Subnet};
pub(crate) use one::one;
pub(crate) use part::{Part, Trouble};
pub(crate) use source::{Name, Opened, Source, open};
pub(crate) use stats::{Most, Seen, Stats};
pub(crate) use work::{Form, Work};

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
