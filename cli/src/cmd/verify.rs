//! `divertc verify`: what the verifier says of a compiled filter, and what it knows of it.

use std::path::PathBuf;

use clap::Args;
use divert_vm::layer::Event;
use divert_vm::limits::{DRIVER_WORK, USER_WORK};
use divert_vm::program::{Program, Verified};
use divert_vm::verify::{VerifyError, Where};
use serde_json::{Value, json};

use super::disasm::program_bytes;
use super::plural;
use crate::args::MessageFormat;
use crate::codes;
use crate::console::{Console, Outcome, Status};
use crate::finding::{Finding, Origin};

/// Verify a compiled filter
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc verify web.dvc
  divertc verify --limit 512 web.dvc        # what a driver does by default
  divertc verify --message-format json web.dvc

Exit status: 0 accepted, 1 refused, 2 could not read.")]
pub(crate) struct Verify {
    /// The compiled filter; - for standard input
    #[arg(value_name = "FILE.dvc")]
    file: PathBuf,
    /// Refuse programs that can cost more steps than this
    #[arg(long, value_name = "STEPS", default_value_t = USER_WORK)]
    limit: u32,
}

impl Verify {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let (origin, bytes) = program_bytes(self.file)?;
        let json = console.format() == MessageFormat::Json;
        let refusal = match Program::decode(&bytes).map(|program| program.verify(self.limit)) {
            Ok(Ok(verified)) => {
                if json {
                    console.result(format_args!("{}\n", accepted_json(&origin, &verified, self.limit)))?;
                } else {
                    console.result(accepted(&origin, &verified, self.limit))?;
                }
                return Ok(Status::Fine);
            }
            Ok(Err(error)) => Refusal::Sense(error),
            Err(error) => Refusal::Shape(error.to_string()),
        };
        if json {
            console.result(format_args!("{}\n", refused_json(&origin, &refusal)))?;
        } else {
            console.findings_are_results();
            console.report(refused(&origin, &refusal))?;
        }
        Ok(Status::No)
    }
}

/// Why a program is refused.
enum Refusal {
    /// It has not the shape of a program.
    Shape(String),
    /// The verifier says no.
    Sense(VerifyError),
}

fn refused(origin: &Origin, refusal: &Refusal) -> Finding {
    match refusal {
        Refusal::Shape(reason) => {
            Finding::whole(origin, codes::NOT_BYTECODE, format!("`{origin}` is no bytecode: {reason}"))
        }
        Refusal::Sense(error) => {
            Finding::whole(origin, codes::REFUSED, format!("the verifier refuses `{origin}`: {error}"))
        }
    }
}

fn refused_json(origin: &Origin, refusal: &Refusal) -> Value {
    let (rule, message, place) = match refusal {
        Refusal::Shape(reason) => (None, reason.clone(), Where::Program),
        Refusal::Sense(error) => (Some(format!("V{}", error.rule.number())), error.to_string(), error.place),
    };
    let (instruction, set) = match place {
        Where::Program => (None, None),
        Where::Instruction(number) => (Some(number), None),
        Where::Set(number) => (None, Some(number)),
    };
    let error = json!({ "rule": rule, "message": message, "instruction": instruction, "set": set });
    json!({ "file": origin.to_string(), "verified": false, "error": error })
}

fn accepted(origin: &Origin, verified: &Verified<'_>, limit: u32) -> String {
    let (program, needs) = (verified.program(), verified.needs());
    let driver = match verified.work() {
        work if work <= DRIVER_WORK => format!("within the {DRIVER_WORK} of a driver"),
        work => format!("{} over the {DRIVER_WORK} that a driver allows", work - DRIVER_WORK),
    };
    let instructions = plural(program.len() as u64, "instruction");
    let sets = plural(program.set_count() as u64, "set");
    let bytes = plural(program.bytes().len() as u64, "byte");
    let work = plural(verified.work().into(), "step");
    let mut lines = vec![
        ("layer", program.layer().name().to_owned()),
        ("size", format!("{bytes}: {instructions}, {sets}")),
        ("work", format!("at most {work} (limit {limit}; {driver})")),
    ];
    if needs.is_nothing() {
        lines.push(("matches", "nothing".to_owned()));
    } else {
        let versions: Vec<String> = versions(verified).iter().map(ToString::to_string).collect();
        lines.push(("directions", directions(verified).join(", ")));
        lines.push(("IP versions", versions.join(", ")));
        lines.push(("events", events(verified).join(", ")));
    }
    let reads = reads(verified);
    lines.push(("reads", if reads.is_empty() { "fixed headers only".to_owned() } else { reads.join(", ") }));
    let lines: String = lines.iter().map(|(name, value)| format!("  {name:<12} {value}\n")).collect();
    format!("{origin}: verified\n{lines}")
}

/// What of a packet is looked at beside its IP header.
fn reads(verified: &Verified<'_>) -> Vec<String> {
    let needs = verified.needs();
    let mut reads = Vec::new();
    if needs.transport {
        reads.push("the transport header".to_owned());
    }
    if needs.packet_bytes > 0 {
        reads.push(format!("{} from the IP header on", plural(needs.packet_bytes.into(), "byte")));
    }
    if needs.payload_bytes > 0 {
        reads.push(format!("{} of payload", plural(needs.payload_bytes.into(), "byte")));
    }
    if needs.whole_packet {
        reads.push("the length of the whole packet".to_owned());
    }
    if needs.hash {
        reads.push("the hash of the packet".to_owned());
    }
    reads
}

fn accepted_json(origin: &Origin, verified: &Verified<'_>, limit: u32) -> Value {
    let (program, needs) = (verified.program(), verified.needs());
    json!({
        "file": origin.to_string(),
        "verified": true,
        "layer": program.layer().name(),
        "bytes": program.bytes().len(),
        "instructions": program.len(),
        "sets": program.set_count(),
        "work": verified.work(),
        "limit": limit,
        "needs": {
            "nothing": needs.is_nothing(),
            "directions": directions(verified),
            "ipVersions": versions(verified),
            "events": events(verified),
            "transport": needs.transport,
            "packetBytes": needs.packet_bytes,
            "payloadBytes": needs.payload_bytes,
            "wholePacket": needs.whole_packet,
            "hash": needs.hash,
        },
    })
}

fn directions(verified: &Verified<'_>) -> Vec<&'static str> {
    let named = [(false, "inbound"), (true, "outbound")];
    named.into_iter().filter(|(out, _)| verified.needs().direction(*out)).map(|(_, name)| name).collect()
}

fn versions(verified: &Verified<'_>) -> Vec<u8> {
    let named = [(false, 4), (true, 6)];
    named.into_iter().filter(|(six, _)| verified.needs().version(*six)).map(|(_, number)| number).collect()
}

fn events(verified: &Verified<'_>) -> Vec<&'static str> {
    Event::ALL.into_iter().filter(|event| verified.needs().event(*event)).map(Event::name).collect()
}
