//! `divertc completions`: what shells need to complete command lines.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::console::{Console, Outcome, Status};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc completions bash > /etc/bash_completion.d/divertc
  divertc completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "divertc", &mut text);
        console.bytes(&text)?;
        Ok(Status::Fine)
    }
}
