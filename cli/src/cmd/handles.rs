//! `divertc handles`: who uses the driver.

use clap::Args;

use super::plural;
use crate::args::MessageFormat;
use crate::console::{Console, Outcome, Status};
use crate::live;

/// List the handles of the driver: processes, priorities, filters (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc handles
  divertc handles --message-format json

Each handle is shown with its process, layer, priority, program, flags and
filter. The driver is not started for this.

Exit status: 0 fine, 2 the driver cannot be asked.")]
pub(crate) struct Handles {}

impl Handles {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let Self {} = self;
        let found = live::open_handles()?;
        for seen in &found {
            if console.format() == MessageFormat::Json {
                console.result(format_args!("{}\n", seen.json()))?;
            } else {
                console.result(seen.lines())?;
            }
        }
        console.remark(plural(found.len() as u64, "handle"))?;
        Ok(Status::Fine)
    }
}
