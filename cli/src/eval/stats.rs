//! What a filter did with many records: how often each test ran and what came of it, and what it matched most.

use std::fmt;

use divert_compiler::explain::{Explainer, Outcome};
use divert_vm::layer::Layer;

use super::report::Shown;
use super::top::Top;
use super::{Judge, Part};
use crate::brief::{End, ProtocolName};

/// What is remembered of some records.
#[derive(Default)]
pub(crate) struct Seen {
    /// For each test how often it was true, false and absent.
    tests: Vec<[u64; 3]>,
    /// Of each record that matched, in order.
    matches: Vec<Traits>,
}

/// What is counted of a match.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traits {
    /// Source and destination, or local and remote.
    pub(super) ends: Option<[End; 2]>,
    /// Of the same.
    pub(super) ports: Option<[Port; 2]>,
    /// Protocol.
    pub(super) protocol: Option<u8>,
    /// Process.
    pub(super) process: Option<u32>,
}

/// A port of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Port {
    pub(super) protocol: u8,
    pub(super) port: u16,
}

impl Seen {
    /// Takes a record into account.
    pub(super) fn record(&mut self, explainer: &Explainer<'_>, judge: &Judge<'_>, shown: &Shown<'_>) {
        self.tests.resize(explainer.tests().len(), [0; 3]);
        shown.see(judge, |input| {
            explainer.listen(input, |test, outcome| {
                if let Some([yes, no, absent]) = self.tests.get_mut(test) {
                    *match outcome {
                        Outcome::True => yes,
                        Outcome::False => no,
                        Outcome::Absent => absent,
                    } += 1;
                }
            })
        });
        if shown.matched() {
            self.matches.push(shown.traits());
        }
    }

    /// Matches that wait to be counted.
    pub(super) fn len(&self) -> usize {
        self.matches.len()
    }

    /// Bytes on the heap.
    pub(super) fn size(&self) -> usize {
        self.tests.capacity() * size_of::<[u64; 3]>() + self.matches.capacity() * size_of::<Traits>()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.tests.clear();
        self.matches.clear();
    }
}

/// What was seen of all records.
pub(crate) struct Stats {
    /// For each test of the filter how often it was true, false and absent.
    pub(crate) tests: Vec<[u64; 3]>,
    layer: Layer,
    ends: [Top<End>; 2],
    ports: [Top<Port>; 2],
    protocols: Top<u8>,
    processes: Top<u32>,
}

/// The most frequent values of a kind.
pub(crate) struct Most {
    /// Of what kind, as keys of JSON have it.
    pub(crate) kind: &'static str,
    /// The values, each with its count.
    pub(crate) values: Vec<(String, u64)>,
    /// How many different ones there were.
    pub(crate) different: usize,
    /// By how much counts may be too small: 0 unless there were very many different ones.
    pub(crate) lost: u64,
}

impl Stats {
    /// Nothing seen, for a filter of `layer` with so many tests.
    pub(crate) fn new(tests: usize, layer: Layer) -> Self {
        Self {
            tests: vec![[0; 3]; tests],
            layer,
            ends: Default::default(),
            ports: Default::default(),
            protocols: Top::default(),
            processes: Top::default(),
        }
    }

    /// Adds the next records.
    pub(crate) fn add(&mut self, part: &Part) {
        for (all, some) in self.tests.iter_mut().zip(&part.seen.tests) {
            for (all, some) in all.iter_mut().zip(some) {
                *all += some;
            }
        }
        for Traits { ends, ports, protocol, process } in &part.seen.matches {
            for (top, end) in self.ends.iter_mut().zip(ends.iter().flatten()) {
                top.add(*end);
            }
            for (top, port) in self.ports.iter_mut().zip(ports.iter().flatten()) {
                top.add(*port);
            }
            if let Some(protocol) = protocol {
                self.protocols.add(*protocol);
            }
            if let Some(process) = process {
                self.processes.add(*process);
            }
        }
    }

    /// The most frequent values of each kind that there were any of.
    pub(crate) fn most(&self, number: usize) -> Vec<Most> {
        fn of<K: Copy + Ord + std::hash::Hash + fmt::Display>(
            kind: &'static str,
            top: &Top<K>,
            number: usize,
        ) -> Most {
            let values =
                top.most(number).into_iter().map(|(value, count)| (value.to_string(), count)).collect();
            Most { kind, values, different: top.len(), lost: top.lost() }
        }
        let [source, destination] = &self.ends;
        let [from, to] = &self.ports;
        let names = if self.layer.has_packets() {
            ["source_addresses", "destination_addresses", "source_ports", "destination_ports"]
        } else {
            ["local_addresses", "remote_addresses", "local_ports", "remote_ports"]
        };
        let [source_name, destination_name, from_name, to_name] = names;
        let protocols = self.protocols.most(number).into_iter();
        let mut all = vec![
            of(source_name, source, number),
            of(destination_name, destination, number),
            of(from_name, from, number),
            of(to_name, to, number),
            Most {
                kind: "protocols",
                values: protocols.map(|(value, count)| (ProtocolName(value).to_string(), count)).collect(),
                different: self.protocols.len(),
                lost: self.protocols.lost(),
            },
            of("processes", &self.processes, number),
        ];
        all.retain(|most| !most.values.is_empty());
        all
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", ProtocolName(self.protocol), self.port)
    }
}
