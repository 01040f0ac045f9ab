//! From the graph to bytecode: nodes in reverse, so that the entry comes first and every jump goes forward; then
//! through the same verifier as everybody's programs.

use foldhash::HashMap;
use std::fmt;

use divert_vm::limits::{MAX_BUCKETS, MAX_INSTRUCTIONS, MAX_SET_INTERVALS};
use divert_vm::op::{Certificate, Instruction, Op, SetInfo, Target};
use divert_vm::program::Program;
use divert_vm::verify::{Rule, VerifyError, certify};
use divert_vm::wire::{DecodeError, Parts};
use divert_vm::{Field, Layer, limits};

use crate::graph::{Graph, Load, Node, NodeId};
use crate::set::{Interval, IntervalSet};

/// Sets of fewer intervals are searched without a directory: the search is as short.
const LEAST_DIRECTORY: usize = 8;

/// Why a graph does not become bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmitError {
    /// More tests than a program can hold.
    TooManyTests {
        /// Tests of the graph.
        tests: usize,
        /// Most that a program can hold.
        limit: usize,
    },
    /// A set with more intervals than a program can hold.
    TooManyIntervals {
        /// Intervals of the set.
        intervals: usize,
        /// Most that a set can hold.
        limit: usize,
    },
    /// A program longer than the format allows.
    TooLong,
    /// More work than any embedder accepts.
    TooMuchWork {
        /// Worst-case steps.
        work: u32,
        /// Most that are accepted.
        limit: u32,
    },
    /// The verifier refuses the program: a defect of the compiler.
    Refused(VerifyError),
    /// The decoder refuses the program: a defect of the compiler.
    Undecodable(DecodeError),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTests { tests, limit } => {
                write!(f, "the filter needs {tests} tests; bytecode holds at most {limit}")
            }
            Self::TooManyIntervals { intervals, limit } => {
                write!(f, "a set has {intervals} separate ranges; bytecode holds at most {limit} in one set")
            }
            Self::TooLong => write!(f, "the program would be longer than {} bytes", limits::MAX_PROGRAM),
            Self::TooMuchWork { work, limit } => {
                write!(f, "a packet could cost {work} steps; at most {limit} are accepted")
            }
            Self::Refused(error) => {
                write!(f, "internal error: the verifier refuses the compiled program: {error}")
            }
            Self::Undecodable(error) => {
                write!(f, "internal error: the compiled program cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for EmitError {}

/// The program of `graph`, verified for user mode's work limit. `debug` becomes its debug section.
///
/// # Errors
/// When the graph is too large for the format or needs too much work.
pub fn emit(graph: &Graph, debug: &[u8]) -> Result<Vec<u8>, EmitError> {
    let mut tables = Tables::default();
    let count = graph.nodes().len();
    if count > MAX_INSTRUCTIONS {
        return Err(EmitError::TooManyTests { tests: count, limit: MAX_INSTRUCTIONS });
    }
    let target = |id: NodeId| match id.index() {
        Some(index) => Target::instruction(count - 1 - index).unwrap_or(Target::REJECT),
        None if id == NodeId::ACCEPT => Target::ACCEPT,
        None => Target::REJECT,
    };
    let mut instructions = Vec::with_capacity(count.max(1));
    for node in graph.nodes().iter().rev() {
        instructions.push(tables.instruction(graph, node, target(node.yes), target(node.no))?);
    }
    if graph.entry().index().is_none() {
        instructions.push(constant(target(graph.entry())));
    }
    assemble(graph.layer(), &instructions, &tables, debug)
}

/// The bytes of a program, verified for user mode's work limit.
///
/// # Errors
/// When it is too long, or the verifier refuses it.
pub(crate) fn assemble(
    layer: Layer,
    instructions: &[Instruction],
    tables: &Tables,
    debug: &[u8],
) -> Result<Vec<u8>, EmitError> {
    let mut certificates = vec![Certificate::default(); instructions.len()];
    let mut parts = Parts {
        layer,
        instructions,
        certificates: &[],
        constants: &tables.constants,
        sets: &tables.sets,
        narrow: &tables.narrow,
        wide: &tables.wide,
        directory: &tables.directory,
        debug,
    };
    certify(&parts, &mut certificates);
    parts.certificates = &certificates;
    let mut bytes = vec![0; parts.encoded_length().ok_or(EmitError::TooLong)?];
    parts.encode(&mut bytes).ok_or(EmitError::TooLong)?;
    let program = Program::decode(&bytes).map_err(EmitError::Undecodable)?;
    match program.verify(limits::USER_WORK) {
        Ok(_) => Ok(bytes),
        Err(VerifyError { rule: Rule::OverLimit { work, limit }, .. }) => {
            Err(EmitError::TooMuchWork { work, limit })
        }
        Err(error) => Err(EmitError::Refused(error)),
    }
}

/// A test that leads to one verdict whatever its outcome.
const fn constant(verdict: Target) -> Instruction {
    Instruction {
        op: Op::Range,
        field: Field::Zero,
        on_true: verdict,
        on_false: verdict,
        index: 0,
        mask: u32::MAX,
        low: 0,
        high: 0,
    }
}

/// The sections that instructions refer to.
#[derive(Default)]
pub(crate) struct Tables {
    constants: Vec<u128>,
    constant_numbers: HashMap<u128, u32>,
    sets: Vec<SetInfo>,
    set_numbers: HashMap<(bool, IntervalSet), u32>,
    narrow: Vec<(u32, u32)>,
    wide: Vec<(u128, u128)>,
    directory: Vec<u32>,
}

impl Tables {
    fn instruction(
        &mut self,
        graph: &Graph,
        node: &Node,
        on_true: Target,
        on_false: Target,
    ) -> Result<Instruction, EmitError> {
        let wide = node.load.field.is_wide();
        let keys = node.load.keys(graph.layer());
        let outside = node.set.complement(keys);
        // A complement is never empty: the set would cover all keys, which is a range.
        let (negated, set) = match (node.set.as_interval(), outside.as_interval()) {
            (None, Some(_)) => (true, &outside),
            (None, None) if outside.intervals().len() < node.set.intervals().len() => (true, &outside),
            (Some(_), _) | (None, None) => (false, &node.set),
        };
        let mask = self.mask(&node.load, wide);
        let (low, high) = match set.as_interval() {
            Some(Interval { low, high }) if wide => (self.constant(low), self.constant(high)),
            Some(Interval { low, high }) => (narrow(low), narrow(high)),
            None => (self.set(wide, set)?, 0),
        };
        Ok(Instruction {
            op: Op::new(wide, set.as_interval().is_none(), negated),
            field: node.load.field,
            on_true,
            on_false,
            index: node.load.index,
            mask,
            low,
            high,
        })
    }

    fn mask(&mut self, load: &Load, wide: bool) -> u32 {
        if wide { self.constant(load.mask) } else { narrow(load.mask) }
    }

    pub(crate) fn constant(&mut self, value: u128) -> u32 {
        let next = self.constants.len() as u32;
        let constants = &mut self.constants;
        *self.constant_numbers.entry(value).or_insert_with(|| {
            constants.push(value);
            next
        })
    }

    pub(crate) fn set(&mut self, wide: bool, set: &IntervalSet) -> Result<u32, EmitError> {
        if let Some(number) = self.set_numbers.get(&(wide, set.clone())) {
            return Ok(*number);
        }
        let intervals = set.intervals();
        if intervals.len() > MAX_SET_INTERVALS {
            return Err(EmitError::TooManyIntervals { intervals: intervals.len(), limit: MAX_SET_INTERVALS });
        }
        let first = if wide { self.wide.len() } else { self.narrow.len() } as u32;
        if wide {
            self.wide.extend(intervals.iter().map(|interval| (interval.low, interval.high)));
        } else {
            self.narrow
                .extend(intervals.iter().map(|interval| (narrow(interval.low), narrow(interval.high))));
        }
        let mut info = SetInfo { wide, first, count: intervals.len() as u32, ..SetInfo::default() };
        if intervals.len() >= LEAST_DIRECTORY {
            self.index(intervals, &mut info);
        } else {
            info.depth = SetInfo::depth_of(info.count);
        }
        let number = self.sets.len() as u32;
        self.sets.push(info);
        self.set_numbers.insert((wide, set.clone()), number);
        Ok(number)
    }

    /// Adds a directory of about two buckets an interval.
    fn index(&mut self, intervals: &[Interval], info: &mut SetInfo) {
        let base = intervals.first().map_or(0, |interval| interval.low);
        let span = intervals.last().map_or(0, |interval| interval.low - base);
        let most = u128::from((info.count.next_power_of_two() * 2).min(MAX_BUCKETS));
        let shift = (0..u128::BITS).find(|shift| span >> shift < most).unwrap_or(0);
        let buckets = (span >> shift) + 1;
        info.directory = self.directory.len() as u32;
        info.buckets = buckets as u32;
        info.shift = shift as u8;
        let (mut begun, mut fullest) = (0_usize, 0);
        for bucket in 0..buckets {
            self.directory.push(begun as u32);
            let reached = begun.saturating_sub(1);
            let inside = |interval: &&Interval| (interval.low - base) >> shift == bucket;
            begun += intervals[begun..].iter().take_while(inside).count();
            fullest = fullest.max(begun - reached);
        }
        self.directory.push(begun as u32);
        info.depth = SetInfo::depth_of(fullest as u32);
    }
}

/// A key of a field of 32 bits or less, or a mask, as 32 bits; "no mask" stays all ones.
const fn narrow(key: u128) -> u32 {
    key as u32
}
