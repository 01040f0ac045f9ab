//! Sends on everything that matches, as fast as it can: `passthru [FILTER] [--threads N] [--batch N] [--priority N]
//! [--count N]`.

mod common;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use common::{Arguments, ended};
use divert_driver_client::{Buffer, Code, Error, Filter, Handle, How, Layer, Options, Outgoing};

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "samples talk to people")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let priority = arguments.option("--priority", 0);
    let threads = arguments.option("--threads", 1_usize).max(1);
    let batch = arguments.option("--batch", 1_usize);
    let count = arguments.option("--count", u64::MAX);
    let filter = Filter::compile(&arguments.word("true"), Layer::Network)?;
    let handle = Handle::open(&filter, &Options { priority, ..Options::default() })?;
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| pass(&handle, batch, &done, count))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(Error::Unsupported)))
    })?;
    println!("{} packets", done.load(Ordering::SeqCst));
    Ok(())
}

/// What one thread does.
fn pass(handle: &Handle, batch: usize, done: &AtomicU64, count: u64) -> Result<(), Error> {
    let mut buffer = Buffer::for_batch(batch, batch * 1514 + 65_575).map_err(Error::Request)?;
    let mut outgoing = Outgoing::new();
    loop {
        match handle.receive(&mut buffer) {
            // Another thread had the last of them, and the queue is empty.
            Err(error) if error.is(Code::NoData) => return Ok(()),
            received => received?,
        }
        outgoing.clear();
        for event in buffer.events() {
            outgoing.push(event.data, &event.address).map_err(Error::Request)?;
        }
        let sent = u64::from(handle.send_batch(&outgoing)?.packets);
        if done.fetch_add(sent, Ordering::SeqCst) + sent >= count {
            handle.shutdown(How::Receive)?;
        }
    }
}
