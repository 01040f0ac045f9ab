//! `divertc watch`: handles as they come and go.

use clap::Args;

use crate::args::MessageFormat;
use crate::console::{Console, Outcome, Status};
use crate::live::{self, Ending, Seen};

/// Show handles of the driver as they are opened and closed (Windows)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  divertc watch
  divertc watch --count 10 --message-format json

Handles that are open already come first. Ctrl-C ends it.

Exit status: 0 fine, 2 the driver cannot be asked.")]
pub(crate) struct Watch {
    #[command(flatten)]
    ending: Ending,
}

impl Watch {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let handle = live::watching(true).map_err(|error| live::failed(&error))?;
        live::follow(&handle, self.ending, |buffer, left| {
            let mut counted = 0;
            for event in buffer.events() {
                let Some(seen) = Seen::of(&event.address, event.data) else { continue };
                if counted == left {
                    break;
                }
                counted += 1;
                if console.format() == MessageFormat::Json {
                    console.result(format_args!("{}\n", seen.json()))?;
                } else {
                    console.result(format_args!("{}\n{}", seen.kind.name(), seen.lines()))?;
                }
            }
            console.flush()?;
            Ok(counted)
        })?;
        Ok(Status::Fine)
    }
}
