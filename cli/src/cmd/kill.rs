//! `divertc kill`: end processes that use the driver.

use std::collections::BTreeSet;

use clap::Args;
use divert_driver_client::system;

use crate::console::{Console, Outcome, Status};
use crate::live;

/// End processes that have handles of the driver (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc kill 4711
  divertc kill --all

A process that has no handle is left alone. What its handles held back goes on
into the network.

Exit status: 0 all were ended, 1 some have no handle, 2 some cannot be ended.")]
pub(crate) struct Kill {
    /// The processes, by number
    #[arg(value_name = "PID", required_unless_present = "all")]
    processes: Vec<u32>,
    /// All that have handles
    #[arg(long, conflicts_with = "processes")]
    all: bool,
}

impl Kill {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let own = std::process::id();
        let users: BTreeSet<u32> = live::open_handles()?
            .iter()
            .map(|seen| seen.handle.process_id)
            .filter(|process| *process != own)
            .collect();
        let wanted: BTreeSet<u32> =
            if self.all { users.clone() } else { self.processes.into_iter().collect() };
        let (mut status, mut ended) = (Status::Fine, 0);
        for process in wanted {
            if !users.contains(&process) {
                console.remark(format_args!("process {process} has no handle of the driver"))?;
                status = status.max(Status::No);
                continue;
            }
            match system::terminate(process) {
                Ok(()) => ended += 1,
                Err(error) => {
                    console.remark(format_args!("process {process} cannot be ended: {error}"))?;
                    status = Status::Failed;
                }
            }
        }
        console.remark(format_args!("{} ended", plural_of(ended)))?;
        Ok(status)
    }
}

fn plural_of(count: u64) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}
