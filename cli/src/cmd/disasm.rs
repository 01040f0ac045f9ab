//! `divertc disasm`: the listing of a compiled filter.

use std::path::PathBuf;

use clap::Args;
use divert_vm::disasm::Listing;
use divert_vm::program::Program;
use divert_vm::wire::MAGIC;

use crate::codes;
use crate::console::{Console, Outcome, Status};
use crate::finding::{Finding, Origin};
use crate::input;

/// List the instructions of a compiled filter
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  divertc disasm web.dvc

The program need not pass the verifier. A line is an instruction: its number,
the test, where it goes on when the test succeeds : when it fails, and the
most steps from here on.")]
pub(crate) struct Disasm {
    /// The compiled filter; - for standard input
    #[arg(value_name = "FILE.dvc")]
    file: PathBuf,
    /// Show at most this many intervals of a set
    #[arg(long, value_name = "N", default_value_t = 16)]
    intervals: u32,
}

impl Disasm {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let (origin, bytes) = program_bytes(self.file)?;
        let program = Program::decode(&bytes).map_err(|error| {
            let message = format!("`{origin}` is no bytecode: {error}");
            let finding = Finding::whole(&origin, codes::NOT_BYTECODE, message);
            if bytes.starts_with(&MAGIC) {
                finding
            } else {
                finding.help("`divertc compile FILTER -o FILE.dvc` makes bytecode")
            }
        })?;
        console.result(Listing::new(&program, self.intervals))?;
        Ok(Status::Fine)
    }
}

/// The bytes of a compiled filter.
pub(crate) fn program_bytes(path: PathBuf) -> Result<(Origin, Vec<u8>), Finding> {
    if path.as_os_str() == "-" {
        return Ok((Origin::Stdin, input::read_stdin()?));
    }
    let bytes = input::read_file(&path)?;
    Ok((Origin::File(path), bytes))
}
