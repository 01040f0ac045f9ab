//! Blocks web pages by host and path: `webfilter HOST[/PATH]… [--count N]`. A request for one of them is answered with
//! a page that says so, and reset towards the server; everything else goes on.

mod common;

use std::process::ExitCode;

use common::answer::{Segment, along, back};
use common::{Arguments, ended};
use divert_driver_client::{Buffer, Error, Filter, Handle, Layer, Options};

const PAGE: &[u8] = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n\
<!doctype html><title>Blocked</title><h1>This page is blocked</h1>\n";

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, reason = "samples talk to people")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let mut left = arguments.option("--count", u64::MAX);
    let blocked = arguments.rest();
    let filter = Filter::compile("outbound and tcp.DstPort == 80 and tcp.PayloadLength > 0", Layer::Network)?;
    let handle = Handle::open(&filter, &Options::default())?;
    let mut buffer = Buffer::for_one();
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            let segment = Segment::of(event.data);
            let asked = segment.and_then(|segment| url(segment.payload));
            let refused = asked.filter(|url| blocked.iter().any(|blocked| is_within(url, blocked)));
            match (segment, refused) {
                (Some(segment), Some(url)) => {
                    println!("blocked {url}");
                    handle.send(&segment.reset_along(), &along(&event.address))?;
                    handle.send(&segment.reply(PAGE), &back(&event.address))?;
                }
                _ => handle.send(event.data, &event.address)?,
            }
            left -= 1;
        }
    }
    Ok(())
}

/// Host and path of a request.
fn url(payload: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(payload);
    let mut lines = text.split("\r\n");
    let mut request = lines.next()?.split(' ');
    let (method, path) = (request.next()?, request.next()?);
    if !["GET", "POST", "HEAD", "PUT"].contains(&method) {
        return None;
    }
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim().to_ascii_lowercase())
    })?;
    Some(format!("{host}{path}"))
}

/// Whether an address belongs to a host (or one below it) and begins with a path.
fn is_within(url: &str, blocked: &str) -> bool {
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let (wanted, begin) = blocked.split_once('/').unwrap_or((blocked, ""));
    let host_fits = host == wanted || host.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'));
    host_fits && path.starts_with(begin)
}
