//! Tests of the capture layer; here are the builders that they share.

mod damage;
mod formats;
mod links;
mod properties;
mod real;
mod writing;

use super::record::{Direction, Record, Timestamp};
use super::{CaptureReader, Item};

/// Numbers in one byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn words(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.u32(*number)).collect()
    }
}

/// The file header of a pcap.
fn pcap_header(order: Order, magic: u32, minor: u16, link: u32) -> Vec<u8> {
    [&order.u32(magic)[..], &order.u16(2), &order.u16(minor), &order.words(&[0, 0, 65_535, link])].concat()
}

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// A record of the usual pcap.
fn pcap_record(order: Order, secs: u32, fraction: u32, frame: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    [&order.words(&[secs, fraction, length, length])[..], frame].concat()
}

/// A little-endian pcap with one record per frame, a second apart.
fn pcap(frames: &[&[u8]]) -> Vec<u8> {
    let mut bytes = pcap_header(Order::Little, MICROS, 4, 1);
    for (number, frame) in frames.iter().enumerate() {
        bytes.extend(pcap_record(Order::Little, 1_700_000_000 + number as u32, 5, frame));
    }
    bytes
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut inner = body.to_vec();
    inner.resize(inner.len().next_multiple_of(4), 0);
    let length = order.u32(inner.len() as u32 + 12);
    [&order.u32(kind)[..], &length, &inner, &length].concat()
}

fn section(order: Order) -> Vec<u8> {
    block(
        order,
        0x0a0d_0d0a,
        &[&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat(),
    )
}

fn interface(order: Order, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    block(order, 1, &[&order.u16(link)[..], &[0, 0], &order.u32(snaplen), options].concat())
}

fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [&order.u16(code)[..], &order.u16(value.len() as u16), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn enhanced(order: Order, interface: u32, ticks: u64, frame: &[u8], options: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut body = order.words(&[interface, (ticks >> 32) as u32, ticks as u32, length, length + 7]);
    body.extend(frame);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(options);
    block(order, 6, &body)
}

/// A little-endian pcapng with one interface and one block per frame.
fn pcapng(frames: &[&[u8]]) -> Vec<u8> {
    let order = Order::Little;
    let mut bytes = [section(order), interface(order, 1, 0, &[])].concat();
    for (number, frame) in frames.iter().enumerate() {
        bytes.extend(enhanced(order, 0, 1_700_000_000_000_000 + number as u64, frame, &[]));
    }
    bytes
}

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    index: u64,
    link: u32,
    interface: u32,
    nanos: Option<i128>,
    direction: Option<Direction>,
    original_len: u32,
    bytes: Vec<u8>,
    raw: Vec<u8>,
}

impl Owned {
    fn new(record: &Record<'_>) -> Self {
        Self {
            index: record.index,
            link: record.link.0,
            interface: record.interface,
            nanos: record.timestamp().map(Timestamp::as_nanos),
            direction: record.direction,
            original_len: record.original_len,
            bytes: record.bytes.to_vec(),
            raw: record.raw.to_vec(),
        }
    }
}

/// All records, and the damage as text.
fn read(bytes: &[u8]) -> (Vec<Owned>, Vec<String>) {
    let mut reader = CaptureReader::open(bytes).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next() {
        records.push(Owned::new(&record));
    }
    assert!(reader.next().is_none(), "the end stays the end");
    assert_eq!(reader.records(), records.len() as u64);
    (records, reader.damage().iter().map(ToString::to_string).collect())
}

/// The frames of an undamaged capture.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (records, damage) = read(bytes);
    assert_eq!(damage, [""; 0]);
    records.into_iter().map(|record| record.bytes).collect()
}

/// The bytes of all items of a capture, one after the other.
fn items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::open(bytes).unwrap();
    let mut items = Vec::new();
    while let Some(item) = reader.next_item() {
        items.push(match item {
            Item::Record(record) => record.raw.to_vec(),
            Item::Block(block) => block.to_vec(),
        });
    }
    items
}

/// A sample of the repository.
fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../tests/captures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
