//! Follows flows: which process talks to whom, and for how long: `flowtrack [FILTER] [--count N]`.

mod common;

use std::collections::HashMap;
use std::process::ExitCode;

use common::{Arguments, ended, line};
use divert_driver_client::{Buffer, Data, Error, EventKind, Filter, Flags, Handle, Layer, Options, system};

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "what it is for")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let mut left = arguments.option("--count", u64::MAX);
    let filter = Filter::compile(&arguments.word("true"), Layer::Flow)?;
    let flags = Flags::SNIFF | Flags::RECV_ONLY;
    let handle = Handle::open(&filter, &Options { flags, ..Options::default() })?;
    let (_, frequency) = system::ticks();
    let mut flows: HashMap<u64, i64> = HashMap::new();
    let mut buffer = Buffer::for_batch(32, 0).map_err(Error::Request)?;
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            let Data::Endpoint(end) = event.address.data else { continue };
            let since = if event.address.event == EventKind::FlowEstablished.number() {
                flows.insert(end.endpoint_id, event.address.timestamp);
                None
            } else {
                flows.remove(&end.endpoint_id)
            };
            let lasted = since.map_or_else(String::new, |since| {
                format!(" after {} ms", (event.address.timestamp - since).saturating_mul(1000) / frequency)
            });
            println!("{}{lasted}, {} open", line(&event.address, event.data), flows.len());
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}
