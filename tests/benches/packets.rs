//! The packets to filter: the captures beside the repository, or else its own sample.

use std::fs;
use std::path::{Path, PathBuf};

use divert_vm::packet::{Packet, Protocol, Version};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// All packets of the captures that every evaluator must read alike, from the IP header on.
pub fn load() -> (PathBuf, Vec<Vec<u8>>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let shared = root.parent().unwrap().join("shared/pcaps");
    let folder = if shared.is_dir() { shared } else { root.join("tests/captures") };
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut packets = Vec::new();
    for file in files {
        read(&file, &mut packets);
    }
    packets.retain(|packet| is_plain(packet));
    (folder, packets)
}

/// Whether libpcap sees the packet as we do: it ignores IPv6 extension headers and transport headers cut short.
fn is_plain(bytes: &[u8]) -> bool {
    let Ok(packet) = Packet::parse(bytes) else { return false };
    let transport = packet.transport();
    let known = matches!(transport.number, 1 | 6 | 17 | 58);
    let first = packet.version() == Version::V6 || bytes[6] & 0x1F == 0 && bytes[7] == 0;
    (transport.kind != Protocol::Other || !known || !first)
        && (packet.version() == Version::V4 || transport.offset == 40)
}

/// Reads one capture as far as it is whole.
fn read(path: &Path, packets: &mut Vec<Vec<u8>>) {
    let file = fs::File::open(path).unwrap();
    let Ok(mut reader) = create_reader(1 << 20, file) else { return };
    let mut links = Vec::new();
    loop {
        match reader.next() {
            Ok((consumed, block)) => {
                let found = match &block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        links.push(header.network);
                        None
                    }
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        links.push(interface.linktype);
                        None
                    }
                    PcapBlockOwned::Legacy(record) => links.first().map(|link| (*link, record.data)),
                    PcapBlockOwned::NG(Block::EnhancedPacket(record)) => {
                        links.get(record.if_id as usize).map(|link| (*link, record.data))
                    }
                    PcapBlockOwned::NG(_) => None,
                };
                packets.extend(found.and_then(|(link, data)| ip(link, data)).map(<[u8]>::to_vec));
                reader.consume(consumed);
            }
            Err(PcapError::Incomplete(_)) => match reader.refill() {
                Ok(()) => {}
                Err(_) => return,
            },
            Err(_) => return,
        }
    }
}

/// What lies behind the link layer, when that can be IP.
fn ip(link: Linktype, data: &[u8]) -> Option<&[u8]> {
    match link {
        Linktype::ETHERNET => {
            let mut at = 12;
            while matches!(data.get(at..at + 2)?, [0x81, 0x00] | [0x88, 0xA8]) {
                at += 4;
            }
            matches!(data.get(at..at + 2)?, [0x08, 0x00] | [0x86, 0xDD]).then(|| &data[at + 2..])
        }
        Linktype::RAW | Linktype(12) => Some(data),
        Linktype::LINUX_SLL => data.get(16..),
        Linktype::NULL => data.get(4..),
        _ => None,
    }
}
