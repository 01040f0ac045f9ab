//! Shows packets that match a filter, and lets them be: `netdump [FILTER] [--priority N] [--count N]`.

mod common;

use std::process::ExitCode;

use common::{Arguments, ended, line};
use divert_driver_client::{Buffer, Error, Filter, Flags, Handle, Layer, Options};

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "what it is for")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let priority = arguments.option("--priority", 0);
    let mut left = arguments.option("--count", u64::MAX);
    let filter = Filter::compile(&arguments.word("true"), Layer::Network)?;
    let options = Options { priority, flags: Flags::SNIFF | Flags::RECV_ONLY, ..Options::default() };
    let handle = Handle::open(&filter, &options)?;
    let mut buffer = Buffer::for_one();
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            println!("{}", line(&event.address, event.data));
            left -= 1;
        }
    }
    Ok(())
}
