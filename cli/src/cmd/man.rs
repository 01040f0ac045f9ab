//! `divertc man`: the manual pages.

use clap::{Args, CommandFactory as _};

use crate::args::{Cli, usage};
use crate::console::{Console, Outcome, Status, Stop};

/// Print the manual page of divertc or of one command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc man | man -l -
  divertc man eval > divertc-eval.1")]
pub(crate) struct Man {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let mut root = Cli::command();
        root.build();
        let command = match &self.command {
            None => root,
            Some(name) => match root.find_subcommand(name) {
                Some(found) => found.clone(),
                None => return Err(usage(&format!("there is no command `{name}`"))),
            },
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(Stop::Output)?;
        console.bytes(&page)?;
        Ok(Status::Fine)
    }
}
