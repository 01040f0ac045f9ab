//! A transparent TCP proxy: connections to a port are led to a proxy on this machine, which shows what goes through
//! them: `streamdump PORT [--proxy PORT] [--other PORT] [--count N]`.
//!
//! Packets are led by their addresses. What goes out to PORT comes back in to the proxy's port, as if from the server;
//! what the proxy answers goes in to the client, as if from PORT. The proxy's own connections go to the other port, which
//! becomes PORT on the way out, and back on the way in.

mod common;

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

use common::answer::{Segment, along, set_word, swap_addresses};
use common::{Arguments, ended, packet, word};
use divert_driver_client::{Address, Buffer, Error, Filter, Handle, Layer, Options};

/// Which ports are which.
#[derive(Clone, Copy, Debug)]
struct Ports {
    /// The one that is watched.
    watched: u16,
    /// The proxy's own.
    proxy: u16,
    /// The one that the proxy connects to.
    other: u16,
}

fn main() -> ExitCode {
    ended(run(Arguments::read()))
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "samples talk to people")]
fn run(mut arguments: Arguments) -> Result<(), Error> {
    let proxy = arguments.option("--proxy", 34_010);
    let other = arguments.option("--other", 43_010);
    let mut left = arguments.option("--count", u64::MAX);
    let watched = arguments.word("80").parse().unwrap_or(80);
    let ports = Ports { watched, proxy, other };
    match TcpListener::bind(("0.0.0.0", proxy)) {
        Ok(listener) => {
            thread::spawn(move || serve(&listener, ports));
        }
        Err(error) => eprintln!("no proxy at port {proxy}: {error}"),
    }
    let text = format!(
        "tcp and not loopback and ((outbound and (tcp.DstPort in {{{watched}, {other}}} or tcp.SrcPort == {proxy})) \
         or (inbound and tcp.SrcPort == {watched}))"
    );
    let handle = Handle::open(&Filter::compile(&text, Layer::Network)?, &Options::default())?;
    let mut buffer = Buffer::for_one();
    while left > 0 {
        handle.receive(&mut buffer)?;
        for event in buffer.events() {
            let mut bytes = event.data.to_vec();
            let address = lead(&mut bytes, &event.address, ports);
            println!("{} => {}", packet(event.data), packet(&bytes));
            handle.send(&bytes, &address)?;
            left -= 1;
        }
    }
    Ok(())
}

/// Changes a packet so that it goes where it is to go; gives its new address.
fn lead(bytes: &mut [u8], address: &Address, ports: Ports) -> Address {
    let Some(at) = Segment::of(bytes).map(|segment| segment.offset) else { return *address };
    let (source, destination) = (word(bytes, at), word(bytes, at + 2));
    if !address.outbound {
        // The server answers the proxy.
        set_word(bytes, at, ports.other);
        return along(address);
    }
    if destination == ports.other {
        // The proxy asks the server.
        set_word(bytes, at + 2, ports.watched);
        return along(address);
    }
    // To the proxy, or from it: both come back in.
    swap_addresses(bytes);
    if source == ports.proxy {
        set_word(bytes, at, ports.watched);
    } else {
        set_word(bytes, at + 2, ports.proxy);
    }
    Address { outbound: false, ..along(address) }
}

/// Accepts what was led here.
#[allow(clippy::print_stderr, reason = "samples talk to people")]
fn serve(listener: &TcpListener, ports: Ports) {
    for client in listener.incoming().flatten() {
        thread::spawn(move || {
            // The client seems to be at the server's address: that is where it wanted to go.
            let Ok(server) = client.peer_addr().map(|peer| peer.ip()) else { return };
            if let Err(error) = connect(&client, server, ports) {
                eprintln!("{server}: {error}");
            }
        });
    }
}

fn connect(client: &TcpStream, server: IpAddr, ports: Ports) -> std::io::Result<()> {
    let server = TcpStream::connect(SocketAddr::new(server, ports.other))?;
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server, ">"));
        copy(&server, client, "<");
    });
    Ok(())
}

/// Passes a stream on, and shows it.
#[allow(clippy::print_stdout, reason = "what it is for")]
fn copy(mut from: &TcpStream, mut to: &TcpStream, mark: &str) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let data = buffer.get(..length).unwrap_or(&[]);
        println!("{mark} {}", data.escape_ascii());
        if to.write_all(data).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
