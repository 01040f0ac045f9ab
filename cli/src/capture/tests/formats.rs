//! Each variant of both formats, byte by byte.

use super::*;
use crate::capture::damage::OpenError;
use crate::capture::sniff::Content;

const SECOND: i128 = 1_000_000_000;

#[test]
fn pcap_in_both_orders_and_resolutions() {
    for order in [Order::Little, Order::Big] {
        for (magic, fraction_ns) in [(MICROS, 1_000), (NANOS, 1)] {
            let mut file = pcap_header(order, magic, 4, 101);
            file.extend(pcap_record(order, 1_700_000_000, 999_999, b"E first"));
            file.extend(order.words(&[1_700_000_001, 2, 3, 1500]));
            file.extend(b"cut");
            let (records, damage) = read(&file);
            assert_eq!(damage, [""; 0]);
            let [first, second] = &records[..] else { panic!("{records:?}") };
            assert_eq!(
                (first.link, first.interface, first.original_len, &first.bytes[..]),
                (101, 0, 7, &b"E first"[..])
            );
            assert_eq!(first.nanos, Some(1_700_000_000 * SECOND + 999_999 * fraction_ns), "{order:?}");
            assert_eq!((second.index, second.original_len, &second.bytes[..]), (1, 1500, &b"cut"[..]));
            assert_eq!([&first.raw[..], &second.raw].concat(), file[24..]);
        }
    }
}

#[test]
fn modified_pcap_has_directions() {
    for order in [Order::Little, Order::Big] {
        let mut file = pcap_header(order, MODIFIED, 4, 1);
        for packet_type in [0, 4, 3] {
            file.extend(order.words(&[1, 2, 4, 4, 7]));
            file.extend([8, 0, packet_type, 0]);
            file.extend(b"data");
        }
        let (records, damage) = read(&file);
        assert_eq!(damage, [""; 0]);
        let directions: Vec<_> = records.iter().map(|record| record.direction).collect();
        assert_eq!(directions, [Some(Direction::Inbound), Some(Direction::Outbound), None]);
        assert!(records.iter().all(|record| record.bytes == b"data" && record.raw.len() == 28));
    }
}

#[test]
fn old_versions_swap_the_lengths() {
    for (minor, lengths) in [(2, [9, 4]), (3, [9, 4]), (3, [4, 9]), (4, [4, 9])] {
        let mut file = pcap_header(Order::Little, MICROS, minor, 1);
        for _ in 0..2 {
            file.extend(Order::Little.words(&[1, 2, lengths[0], lengths[1]]));
            file.extend(b"data");
        }
        let (records, damage) = read(&file);
        assert_eq!(damage, [""; 0], "2.{minor} {lengths:?}");
        assert_eq!(records.len(), 2);
        assert!(records.iter().all(|record| record.bytes == b"data" && record.original_len == 9));
    }
    let file = [&Order::Little.u32(MICROS)[..], &[3, 0, 0, 0], &[0; 16]].concat();
    assert!(matches!(CaptureReader::open(&file[..]), Err(OpenError::Version { major: 3, minor: 0 })));
}

#[test]
fn upper_bits_of_the_link_type_are_none_of_it() {
    let mut file = pcap_header(Order::Little, MICROS, 4, 0x2400_0001);
    file.extend(pcap_record(Order::Little, 1, 2, b"frame with check sequence"));
    assert_eq!(read(&file).0[0].link, 1);
}

#[test]
fn odd_but_real_records_are_read() {
    // Captured above the snap length, above the original, microseconds above a second, nothing captured.
    for words in [[9, 9, 70_000, 70_000], [9, 9, 5, 4], [9, 4_000_000_000, 5, 5], [9, 9, 0, 60]] {
        let mut file = pcap(&[b"before"]);
        file.extend(Order::Little.words(&words));
        file.extend(vec![1; words[2] as usize]);
        file.extend(pcap_record(Order::Little, 1_700_000_000, 1, b"after"));
        let (records, damage) = read(&file);
        assert_eq!(damage, [""; 0], "{words:?}");
        assert_eq!(records.len(), 3);
        assert_eq!(records[1].bytes.len() as u32, words[2]);
        assert_eq!(records[1].nanos, Some(9 * SECOND + i128::from(words[1]) * 1_000));
    }
}

#[test]
fn pcapng_sections_differ_in_order_and_interfaces() {
    let mut file = Vec::new();
    for (order, link) in [(Order::Big, 101), (Order::Little, 1), (Order::Big, 228)] {
        file.extend(section(order));
        file.extend(interface(order, link, 0, &[]));
        file.extend(interface(order, 9, 0, &option(order, 9, &[9])));
        file.extend(enhanced(order, 0, 3_000_001, b"one", &[]));
        file.extend(enhanced(order, 1, 3_000_001, b"three", &[]));
        file.extend(block(order, 0x8000_1234, b"a block that nobody knows"));
    }
    let (records, damage) = read(&file);
    assert_eq!(damage, [""; 0]);
    let seen: Vec<_> =
        records.iter().map(|record| (record.link, record.interface, record.nanos.unwrap())).collect();
    let (micros, nanos) = (3 * SECOND + 1_000, 3_000_001);
    let expected = [101, 1, 228].map(|link| [(link, 0, micros), (9, 1, nanos)]);
    assert_eq!(seen, expected.concat());
    assert_eq!(records[5].index, 5);
    assert_eq!(records[5].original_len, 12);
    assert_eq!(items(&file).concat(), file, "nothing is lost between the items");
}

#[test]
fn resolutions_and_offsets() {
    let cases: &[(u8, i64, u64, Option<i128>)] = &[
        (6, 0, 1_500_000, Some(1_500_000_000)),
        (0, 0, 7, Some(7 * SECOND)),
        (3, 10, 1_234, Some(11_234_000_000)),
        (9, -1, 2_000_000_001, Some(1_000_000_001)),
        (12, 0, 2_000_000_001_999, Some(2_000_000_001)),
        (19, 0, u64::MAX, Some(1_844_674_407)),
        (127, 5, u64::MAX, Some(5 * SECOND)),
        (0x80, 0, 3, Some(3 * SECOND)),
        (0x80 | 10, 0, 1024 + 512, Some(1_500_000_000)),
        (0x80 | 63, 0, 1 << 62, Some(500_000_000)),
        (0x80 | 127, 0, u64::MAX, Some(0)),
        // Beyond what a date can be.
        (0, i64::MAX, 1, None),
        (0, 0, u64::MAX, None),
    ];
    for &(resolution, offset, ticks, expected) in cases {
        for order in [Order::Little, Order::Big] {
            let offset = if order == Order::Big { offset.to_be_bytes() } else { offset.to_le_bytes() };
            let options = [option(order, 9, &[resolution]), option(order, 14, &offset), vec![0; 4]].concat();
            let file =
                [section(order), interface(order, 1, 0, &options), enhanced(order, 0, ticks, b"x", &[])]
                    .concat();
            let (records, damage) = read(&file);
            assert_eq!(damage, [""; 0]);
            assert_eq!(records[0].nanos, expected, "{resolution:#x} {ticks}");
        }
    }
}

#[test]
fn packet_flags_give_the_direction() {
    for order in [Order::Little, Order::Big] {
        let mut file = [section(order), interface(order, 1, 0, &[])].concat();
        for flags in [0, 1, 2, 3, 0xffff_fffd] {
            let options =
                [option(order, 1, b"a comment"), option(order, 2, &order.u32(flags)), vec![0; 4]].concat();
            file.extend(enhanced(order, 0, 0, b"odd", &options));
        }
        // An option that exceeds the block says nothing.
        file.extend(enhanced(order, 0, 0, b"odd", &[&order.u16(2)[..], &order.u16(400)].concat()));
        let (records, damage) = read(&file);
        assert_eq!(damage, [""; 0]);
        let directions: Vec<_> = records.iter().map(|record| record.direction).collect();
        let (inbound, outbound) = (Some(Direction::Inbound), Some(Direction::Outbound));
        assert_eq!(directions, [None, inbound, outbound, None, inbound, None]);
    }
}

#[test]
fn simple_and_obsolete_packets() {
    let order = Order::Little;
    let mut file = [section(order), interface(order, 101, 5, &[])].concat();
    file.extend(block(order, 3, &[&order.u32(4)[..], b"four"].concat()));
    file.extend(block(order, 3, &[&order.u32(900)[..], b"first"].concat()));
    let mut old = [order.u16(0), order.u16(77)].concat();
    old.extend(order.words(&[0, 1_000_000, 3, 60]));
    old.extend(b"old\0");
    old.extend(option(order, 2, &order.u32(2)));
    file.extend(block(order, 2, &old));
    let (records, damage) = read(&file);
    assert_eq!(damage, [""; 0]);
    let seen: Vec<_> = records.iter().map(|r| (&r.bytes[..], r.original_len, r.nanos, r.direction)).collect();
    assert_eq!(
        seen,
        [
            (&b"four"[..], 4, None, None),
            (b"first", 900, None, None),
            (b"old", 60, Some(SECOND), Some(Direction::Outbound))
        ]
    );
}

#[test]
fn what_is_no_capture_is_named() {
    let cases: &[(&[u8], Content)] = &[
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", Content::Packed("gzip")),
        (b"\x28\xb5\x2f\xfd\x04", Content::Packed("zstd")),
        (b"BZh91AY", Content::Packed("bzip2")),
        (b"\xfd7zXZ\x00", Content::Packed("xz")),
        (b"PK\x03\x04", Content::Packed("zip")),
        (b"snoop\0\0\0\0\0\0\x02", Content::Foreign("snoop")),
        (b"  {\"packet\": null}\n", Content::Json),
        (b"[1]", Content::Json),
        ("tcp.DstPort == 443 # Gr\u{fc}\u{df}e\n".as_bytes(), Content::Text),
        (b"\0\x01\x02\x03\x04", Content::Unknown([0, 1, 2, 3], 4)),
        (b"\xd4\xc3", Content::Unknown([0xd4, 0xc3, 0, 0], 2)),
        // A section header without one of the two byte-order magics.
        (b"\n\r\r\n\x1c\0\0\0\x12\x34\x56\x78", Content::Unknown([10, 13, 13, 10], 4)),
    ];
    for (bytes, expected) in cases {
        match CaptureReader::open(*bytes) {
            Err(OpenError::NotCapture(content)) => assert_eq!(content, *expected),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{expected:?} was opened"),
        }
    }
    assert!(matches!(CaptureReader::open(&b""[..]), Err(OpenError::Empty)));
    let short = &pcap(&[])[..20];
    assert!(matches!(CaptureReader::open(short), Err(OpenError::HeaderCut { have: 20, want: 24 })));
}

#[test]
fn the_samples_are_read_as_they_were_made() {
    let (plain, damage) = read(&sample("sample.pcap"));
    assert_eq!(damage, [""; 0]);
    let (tagged, damage) = read(&sample("sample.pcapng"));
    assert_eq!(damage, [""; 0]);
    assert_eq!(plain.len(), tagged.len());
    for (plain, tagged) in plain.iter().zip(&tagged) {
        assert!(plain.bytes.ends_with(&tagged.bytes));
        let (plain, tagged) = (plain.nanos.unwrap(), tagged.nanos.unwrap());
        assert!((0..1_000).contains(&(tagged - plain)), "{plain} {tagged}");
    }
    let count = |direction| tagged.iter().filter(|record| record.direction == direction).count();
    assert!(count(Some(Direction::Inbound)) > 20 && count(Some(Direction::Outbound)) > 20 && count(None) > 0);
}

/// A second opinion: another parser sees the same records in the samples.
#[test]
fn another_parser_agrees() {
    use pcap_parser::traits::PcapNGPacketBlock;
    use pcap_parser::{Block, PcapBlockOwned, PcapError};

    for name in ["sample.pcap", "sample.pcapng"] {
        let file = sample(name);
        let mut theirs = Vec::new();
        let mut reader = pcap_parser::create_reader(65_536, &file[..]).unwrap();
        loop {
            match reader.next() {
                Ok((length, block)) => {
                    match block {
                        PcapBlockOwned::Legacy(record) => {
                            theirs.push((record.origlen, record.data.to_vec()));
                        }
                        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                            theirs.push((packet.origlen, packet.packet_data().to_vec()));
                        }
                        PcapBlockOwned::NG(_) | PcapBlockOwned::LegacyHeader(_) => {}
                    }
                    reader.consume(length);
                }
                Err(PcapError::Eof) => break,
                Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
                Err(error) => panic!("{error:?}"),
            }
        }
        let ours: Vec<_> =
            read(&file).0.into_iter().map(|record| (record.original_len, record.bytes)).collect();
        assert_eq!(ours, theirs, "{name}");
    }
}
