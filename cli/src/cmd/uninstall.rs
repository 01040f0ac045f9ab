//! `divertc uninstall`: stop the driver and remove its service.

use clap::Args;
use divert_driver_client::system::{self, Uninstalled};

use crate::console::{Console, Outcome, Status};
use crate::live::failed;

/// Stop the driver and remove its service (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  divertc uninstall

While programs have handles, Windows keeps the driver: it goes with the last of
them (see `divertc handles` and `divertc kill`). The driver starts again with
the next program that uses it.

Exit status: 0 it is gone, or goes with the last handle; 1 it was not there;
2 it cannot be stopped.")]
pub(crate) struct Uninstall {}

impl Uninstall {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let Self {} = self;
        match system::uninstall() {
            Ok(Uninstalled::Gone) => {
                console.remark("the driver is stopped, and its service removed")?;
                Ok(Status::Fine)
            }
            Ok(Uninstalled::WithLastHandle) => {
                console.remark("the driver's service is removed; the driver goes with its last handle")?;
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
