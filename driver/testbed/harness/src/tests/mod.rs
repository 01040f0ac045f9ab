//! The tests, in the order in which they run. Each opens what it needs and closes it; what is left is found.

mod basics;
mod events;
mod faults;
mod handles;
mod holds;
mod hostile;
mod lists;
mod others;
mod process;
mod rules;
mod verdicts;

use std::process::ExitCode;

use crate::Check;
use crate::bed::Bed;

/// A test.
type Test = fn(&mut Bed) -> Check;

/// All tests.
pub(crate) const ALL: &[(&str, Test)] = &[
    ("rules: every check of the double fires", rules::fire),
    ("rules: what is left at unload is found", rules::left),
    ("basics: a packet is diverted, received, sent back and leaves", basics::round_trip),
    ("handles: priorities", handles::priorities),
    ("handles: sniffing", handles::sniffing),
    ("handles: dropping", handles::dropping),
    ("handles: only receiving, only sending", handles::one_way),
    ("handles: batches", handles::batches),
    ("handles: limits of the queue", handles::limits),
    ("handles: truncation", handles::truncation),
    ("handles: receives that wait, and their cancelling", handles::waiting),
    ("handles: shutting down", handles::shutting_down),
    ("handles: closing puts back what was queued", handles::closing),
    ("handles: closing ends receives that wait", handles::close_while_waiting),
    ("handles: what is refused", handles::refusals),
    ("handles: impostors and loops", handles::impostors),
    ("lists: memory in pieces", lists::pieces),
    ("lists: several packets", lists::several),
    ("lists: fragments", lists::fragments),
    ("lists: checksums", lists::checksums),
    ("lists: layers and versions", lists::layers),
    ("lists: only callouts that are needed", lists::only_what_is_needed),
    ("lists: loopback", lists::loopback),
    ("lists: a capture", lists::captures),
    ("others: who is asked before the driver", others::before),
    ("others: who is asked after it", others::after),
    ("others: what they do when a packet comes by again", others::again),
    ("others: sockets", others::sockets),
    ("events: flows", events::flows),
    ("events: unloading with flows", events::flow_at_unload),
    ("events: sockets", events::sockets),
    ("events: blocking", events::blocking),
    ("events: handles", events::reflect),
    ("process: killed with receives waiting and packets in flight", process::killed),
    ("faults: no memory, at every point in turn", faults::memory),
    ("faults: the engine refuses, at every point in turn", faults::engine),
    ("faults: injections fail, at every point in turn", faults::injection),
    ("faults: completion at once, later, and out of order", faults::completion),
    ("faults: unloading with packets in flight", faults::unload_in_flight),
    ("faults: many handles", faults::many_handles),
    ("faults: many packets", faults::many_packets),
    ("faults: several threads", faults::parallel),
    ("faults: loading fails, at every point in turn", faults::loading),
    ("holds: a receive of the caller's, from beginning to end", holds::life),
    ("holds: cancelling, whenever it comes", holds::cancelling),
    ("holds: a thread that ends", holds::ending),
    ("holds: closing and shutting down", holds::closing),
    ("holds: no more than so many", holds::bound),
    ("holds: many threads", holds::stress),
    ("hostile: requests", hostile::requests),
    ("hostile: lengths", hostile::lengths),
    ("hostile: another process", hostile::another_process),
    ("verdicts: the driver and the virtual machine agree", verdicts::agree),
];

/// What a child process of a test does.
pub(crate) fn child(role: &str) -> ExitCode {
    match role {
        "victim" => process::victim(),
        "stranger" => hostile::stranger(),
        _ => {
            eprintln!("no role {role}");
            ExitCode::FAILURE
        }
    }
}

/// Fails unless two things are equal.
fn equal<T: PartialEq + std::fmt::Debug>(what: &str, left: T, right: T) -> Check {
    if left == right { Ok(()) } else { Err(format!("{what}: {left:?}, expected {right:?}")) }
}
