//! A firewall: what matches is refused. TCP is reset, other packets are answered by ICMP "unreachable", and what can be
//! answered by neither is dropped: `netfilter FILTER [--priority N] [--count N]`.

mod common;

use std::process::ExitCode;

use common::answer::{Segment, back, unreachable};
use common::{Arguments, ended, packet};
use divert_driver_client::{Buffer, Error, Filter, Handle, Layer, Options};

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "samples talk to people")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let priority = arguments.option("--priority", 0);
    let mut left = arguments.option("--count", u64::MAX);
    let filter = Filter::compile(&arguments.word("false"), Layer::Network)?;
    let handle = Handle::open(&filter, &Options { priority, ..Options::default() })?;
    let mut buffer = Buffer::for_one();
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            let answer = match Segment::of(event.data) {
                Some(segment) => Some(("reset", segment.reset())),
                None => unreachable(event.data).map(|answer| ("unreachable", answer)),
            };
            match answer {
                Some((name, answer)) => {
                    println!("{name} {}", packet(event.data));
                    handle.send(&answer, &back(&event.address))?;
                }
                None => println!("dropped {}", packet(event.data)),
            }
            left -= 1;
        }
    }
    Ok(())
}
