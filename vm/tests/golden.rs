//! Programs of every released format version still load and still mean the same; `tests/golden/README.md`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use common::Assembly;
use common::case::{assemble, get, number, tables};
use common::input::from_hex;
use divert_vm::{Address, Endpoint, Event, Input, Layer, Packet, Reflected, Verified};
use toml::Table;

fn truth(table: &Table, key: &str) -> bool {
    table.get(key).is_some_and(|value| value.as_bool().unwrap())
}

fn signed(table: &Table, key: &str) -> i64 {
    table.get(key).map_or(0, |value| value.as_integer().unwrap())
}

fn text<'t>(table: &'t Table, key: &str) -> &'t str {
    table[key].as_str().unwrap()
}

/// The verdict on the input that the table describes.
fn judge(verified: &Verified<'_>, input: &Table, packets: &Table) -> bool {
    let layer = verified.program().layer();
    let address = Address {
        outbound: truth(input, "outbound"),
        timestamp: signed(input, "timestamp"),
        ..Address::default()
    };
    let event = || Event::from_name(text(input, "event"), layer).unwrap();
    let endpoint = Endpoint {
        ipv6: truth(input, "ipv6"),
        process_id: get(input, "process", 0),
        local_addr: input.get("local").map_or(0, number),
        local_port: get(input, "port", 0) as u16,
        protocol: get(input, "protocol", 0) as u8,
        ..Endpoint::default()
    };
    match layer {
        Layer::Network | Layer::Forward => {
            let buffer = from_hex(text(packets, text(input, "packet")));
            let packet = Packet::parse(&buffer).unwrap();
            let make = if layer == Layer::Network { Input::network } else { Input::forward };
            verified.matches(&make(&packet, &address))
        }
        Layer::Flow => verified.matches(&Input::flow(event(), &endpoint, &address).unwrap()),
        Layer::Socket => verified.matches(&Input::socket(event(), &endpoint, &address).unwrap()),
        Layer::Reflect => {
            let handle = Reflected {
                process_id: 0,
                layer: Layer::from_name(text(input, "of")).unwrap(),
                priority: signed(input, "priority").try_into().unwrap(),
            };
            verified.matches(&Input::reflect(event(), &handle, &address).unwrap())
        }
    }
}

#[test]
fn version_1_loads_and_means_the_same() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let source: Table = std::fs::read_to_string(directory.join("v1.toml")).unwrap().parse().unwrap();
    let packets = source["packets"].as_table().unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in tables(&source, "case") {
        let name = text(case, "name");
        let path = directory.join(format!("v1-{name}.bin"));
        if std::env::var_os("BLESS").is_some() && !path.exists() {
            std::fs::write(&path, assemble(case)).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Version 1 is the current one; drop this line when it is not.
        assert!(bytes == assemble(case), "{name}: other bytes than when it was made");
        let verified = Assembly::verify(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.work(), get(case, "work", 0), "{name}");
        for input in tables(case, "verdicts") {
            if judge(&verified, input, packets) != truth(input, "match") {
                wrong.push(format!("{name}: {input:?}"));
            }
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Every file has its source.
    let files = std::fs::read_dir(directory).unwrap();
    let files =
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "bin"));
    assert_eq!(files.count(), count);
}
