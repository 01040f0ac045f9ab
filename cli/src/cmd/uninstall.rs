//! `divertc uninstall`: stop the driver and remove its service.

use clap::Args;
use divert_driver_client::system;

use crate::console::{Console, Outcome, Status};
use crate::live::failed;

/// Stop the driver and remove its service (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  divertc uninstall

Programs that have handles lose them; what they held back goes on into the
network. The driver starts again with the next program that uses it.

Exit status: 0 it is gone, 1 it was not there, 2 it cannot be stopped.")]
pub(crate) struct Uninstall {}

impl Uninstall {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let Self {} = self;
        match system::uninstall() {
            Ok(()) => {
                console.remark("the driver is stopped, and its service removed")?;
                Ok(Status::Fine)
            }
            Err(error) if error.code() == 1060 => {
                console.remark("the driver is not installed")?;
                Ok(Status::No)
            }
            Err(error) => Err(failed(&error)),
        }
    }
}
