//! A filter of the extended language on the original WinDivert: `original DLL [FILTER] [--count N]` shows what matches,
//! and sends it on.
#![allow(unsafe_code, reason = "loading somebody else's DLL")]

mod common;

use std::process::ExitCode;

use common::{Arguments, ended};
use divert_driver_client::Error;

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[cfg(windows)]
#[allow(clippy::print_stdout, reason = "what it is for")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    use common::line;
    use divert_driver_client::windows::library::Library;
    use divert_driver_client::{Buffer, Code, Filter, Handle, How, Layer, Options, Parameter};

    let mut left = arguments.option("--count", u64::MAX);
    let path = arguments.word("WinDivert.dll");
    // SAFETY: whoever names the file wants its code to run here.
    let library = unsafe { Library::load(path.as_ref()) }?;
    let filter = Filter::compile(&arguments.word("true"), Layer::Network)?;
    let handle = Handle::open_on(Box::new(library.device()), &filter, &Options::default())?;
    let version = [Parameter::VersionMajor, Parameter::VersionMinor].map(|number| handle.parameter(number));
    println!("version {:?}", version.into_iter().flatten().collect::<Vec<_>>());
    let mut buffer = Buffer::for_batch(16, 1 << 16).map_err(Error::Request)?;
    while left > 0 {
        let mut pending = handle.receive_later(buffer)?;
        while !pending.wait(std::time::Duration::from_secs(1)) {}
        let (back, ended) = pending.finish();
        ended?;
        buffer = back;
        for event in buffer.events() {
            println!("{}", line(&event.address, event.data));
            handle.send(event.data, &event.address)?;
            left = left.saturating_sub(1);
        }
    }
    // One that is given up, and the end.
    let mut pending = handle.receive_later(buffer)?;
    pending.cancel();
    let (mut buffer, ended) = pending.finish();
    println!("cancelled: {}", ended.is_err_and(|error| error.is(Code::OperationAborted)));
    handle.shutdown(How::Both)?;
    let ended = handle.receive(&mut buffer);
    println!("shut down: {}", ended.is_err_and(|error| error.is(Code::NoData)));
    Ok(())
}

#[cfg(not(windows))]
fn run(_: Arguments) -> Result<(), Error> {
    Err(Error::Unsupported)
}
