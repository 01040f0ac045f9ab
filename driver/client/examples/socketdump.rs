//! Shows what happens to sockets, or forbids it: `socketdump [FILTER] [--block 1] [--count N]`.

mod common;

use std::process::ExitCode;

use common::{Arguments, ended, line};
use divert_driver_client::{Buffer, Error, Filter, Flags, Handle, Layer, Options};

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "what it is for")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let mut left = arguments.option("--count", u64::MAX);
    // 1 forbids what matches.
    let block = arguments.option("--block", 0_u8) != 0;
    let filter = Filter::compile(&arguments.word("true"), Layer::Socket)?;
    let look = if block { Flags::NONE } else { Flags::SNIFF };
    let handle = Handle::open(&filter, &Options { flags: look | Flags::RECV_ONLY, ..Options::default() })?;
    let mut buffer = Buffer::for_batch(32, 0).map_err(Error::Request)?;
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            let word = if event.address.sniffed { "saw" } else { "forbade" };
            println!("{word} {}", line(&event.address, event.data));
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}
