//! Damage: everything before and after it is read, and it is named.

use std::io::{self, Read};

use super::*;
use crate::capture::damage::{DamageKind, MAX_DAMAGE};

const A: &[u8] = b"first frame";
const B: &[u8] = b"second frame, which is longer";
const C: &[u8] = b"third";
const D: &[u8] = b"the last one";

fn kinds(bytes: &[u8]) -> Vec<(u64, DamageKind, Option<u64>)> {
    let mut reader = CaptureReader::open(bytes).unwrap();
    while reader.next().is_some() {}
    reader.damage().iter().map(|damage| (damage.offset, damage.kind.clone(), damage.resumed)).collect()
}

fn survivors(bytes: &[u8]) -> Vec<Vec<u8>> {
    read(bytes).0.into_iter().map(|record| record.bytes).collect()
}

/// Offsets of the records of `pcap(&[A, B, C, D])`.
const AT: [u64; 4] = [24, 24 + 27, 24 + 27 + 45, 24 + 27 + 45 + 21];

#[test]
fn a_cut_end_is_named() {
    let whole = pcap(&[A, B]);
    for cut in 1..45 {
        let file = &whole[..whole.len() - cut];
        assert_eq!(survivors(file), [A]);
        let have = 45 - cut as u64;
        let want = if have < 16 { 16 } else { 45 };
        assert_eq!(kinds(file), [(AT[1], DamageKind::Cut { want, have }, None)], "{cut}");
    }
    let whole = pcapng(&[A, B]);
    let last = 32 + B.len().next_multiple_of(4);
    for cut in 1..last {
        let file = &whole[..whole.len() - cut];
        assert_eq!(survivors(file), [A]);
        let have = (last - cut) as u64;
        let want = if have < 12 { 12 } else { last as u64 };
        let offset = (whole.len() - last) as u64;
        assert_eq!(kinds(file), [(offset, DamageKind::Cut { want, have }, None)], "{cut}");
    }
}

#[test]
fn a_destroyed_record_header_costs_one_record() {
    let impossible = |length| DamageKind::ImpossibleLength { length, limit: 262_144 };
    for (junk, kind) in [
        ([0xff; 16], impossible(u32::MAX)),
        ([0; 16], DamageKind::Zeros),
        ([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0], impossible(0x8_0000)),
        // More captured than there was, and no record where it would end.
        (
            [1, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0, 0, 4, 0, 0, 0],
            DamageKind::Implausible { captured: 40, original: 4 },
        ),
        // Plausible, but beyond the end of the file: nothing says that it is not the last one, cut.
        ([1, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0], DamageKind::Cut { want: 528, have: 94 }),
    ] {
        let mut file = pcap(&[A, B, C, D]);
        file[AT[1] as usize..][..16].copy_from_slice(&junk);
        assert_eq!(kinds(&file), [(AT[1], kind, Some(AT[2]))]);
        assert_eq!(survivors(&file), [A, C, D], "{junk:?}");
    }
}

#[test]
fn the_first_and_the_last_record_can_be_destroyed() {
    let mut file = pcap(&[A, B, C, D]);
    file[24..40].fill(0xff);
    assert_eq!(survivors(&file), [B, C, D]);
    let mut file = pcap(&[A, B, C, D]);
    file[AT[3] as usize..][..16].fill(0xff);
    assert_eq!(survivors(&file), [A, B, C]);
    assert_eq!(kinds(&file)[0].2, None);
    // The record before last: the last has nothing but the end of the file to prove it.
    let mut file = pcap(&[A, B, C, D]);
    file[AT[2] as usize..][..16].fill(0xff);
    assert_eq!(survivors(&file), [A, B, D]);
}

#[test]
fn lost_and_foreign_bytes_are_passed() {
    for (from, to) in [(0, 5), (3, 40), (20, 20)] {
        let whole = pcap(&[A, B, C, D, A, B]);
        let at = AT[2] as usize;
        let lost = [&whole[..at + from], &whole[at + to..]].concat();
        let rest = survivors(&lost);
        assert!(rest.starts_with(&[A.to_vec(), B.to_vec()]));
        assert!(rest.ends_with(&[A.to_vec(), B.to_vec()]), "{rest:?}");
        let foreign = [&whole[..at], &[0x5a; 1000], &whole[at..]].concat();
        assert_eq!(survivors(&foreign), [A, B, C, D, A, B]);
    }
}

#[test]
fn a_capture_in_a_packet_is_not_mistaken_for_the_outer_one() {
    // The header of the packet is damaged that carries a capture of another time.
    let mut inner = pcap_header(Order::Little, MICROS, 4, 1);
    for number in 0..3 {
        inner.extend(pcap_record(Order::Little, 1_000_000_000 + number, 0, b"inner"));
    }
    let mut file = pcap(&[A, &inner, C, D]);
    file[AT[1] as usize..][..16].fill(0xff);
    assert_eq!(survivors(&file), [A, C, D]);
}

#[test]
fn time_may_jump_over_damage() {
    let mut file = pcap(&[A]);
    file.extend([0xff; 50]);
    for number in 0..4 {
        file.extend(pcap_record(Order::Little, 1_200_000_000 + number, 0, B));
    }
    assert_eq!(survivors(&file), [A, B, B, B, B]);
}

#[test]
fn damage_across_the_buffer_is_passed() {
    // A small buffer, and frames that do not fit in it.
    let big = vec![7; 200_000];
    let mut file = pcap(&[A, &big, B, &big, C]);
    let at = 24 + 27 + 16 + 200_000;
    file.splice(at..at, vec![0xff; 70_000]);
    let mut reader = CaptureReader::with_read_size(&file[..], 64).unwrap();
    let mut lengths = Vec::new();
    while let Some(record) = reader.next() {
        lengths.push(record.bytes.len());
    }
    // The snap length of the file is 65,535, so the big ones are odd, which is no damage in itself.
    assert_eq!(lengths.first(), Some(&A.len()));
    assert_eq!(lengths.last(), Some(&C.len()));
    assert_eq!(reader.damage_total(), 1);
}

#[test]
fn blocks_with_wrong_lengths() {
    let whole = pcapng(&[A, B, C]);
    let at = 28 + 20 + 32 + 12;
    for (length, zero) in
        [(0, false), (0, true), (4, false), (13, false), (u32::MAX, false), (0x0200_0000, false)]
    {
        let mut file = whole.clone();
        file[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
        if zero {
            file[at..at + 4].fill(0);
        }
        let kind = if zero {
            DamageKind::Zeros
        } else {
            DamageKind::ImpossibleLength { length, limit: 16 * 1024 * 1024 }
        };
        assert_eq!(kinds(&file), [(at as u64, kind, Some(at as u64 + 64))]);
        assert_eq!(survivors(&file), [A, C]);
    }
    // Too long, but possible: beyond the end of the file.
    let mut file = whole.clone();
    file[at + 4..at + 8].copy_from_slice(&4096u32.to_le_bytes());
    let have = (whole.len() - at) as u64;
    assert_eq!(kinds(&file), [(at as u64, DamageKind::Cut { want: 4096, have }, Some(at as u64 + 64))]);
    assert_eq!(survivors(&file), [A, C]);
}

#[test]
fn a_trailer_alone_costs_nothing() {
    let mut file = pcapng(&[A, B, C]);
    let at = 28 + 20 + 44;
    file[at + 60..at + 64].fill(9);
    assert_eq!(survivors(&file), [A, B, C]);
    let kind = DamageKind::BadTrailer { length: 64, trailer: 0x0909_0909 };
    assert_eq!(kinds(&file), [(at as u64, kind, Some(at as u64))]);
    // With a wrong length before it, it is not believed.
    file[at + 4] = 60;
    assert_eq!(survivors(&file), [A, C]);
}

#[test]
fn sections_and_interfaces_can_be_damaged() {
    let order = Order::Little;
    let mut broken = section(order);
    broken[8..12].fill(0x33);
    let file = [pcapng(&[A]), broken, pcapng(&[B])].concat();
    let offset = pcapng(&[A]).len() as u64;
    assert_eq!(kinds(&file), [(offset, DamageKind::BadByteOrder { found: [0x33; 4] }, Some(offset + 28))]);
    assert_eq!(survivors(&file), [A, B]);

    let mut newer = section(order);
    newer[12] = 2;
    let file = [newer, interface(order, 1, 0, &[]), enhanced(order, 0, 0, A, &[])].concat();
    assert_eq!(kinds(&file), [(0, DamageKind::SectionVersion { major: 2, minor: 0 }, Some(28))]);
    assert_eq!(survivors(&file), [A]);

    let file = [pcapng(&[A]), enhanced(order, 3, 0, B, &[]), enhanced(order, 0, 0, C, &[])].concat();
    assert_eq!(kinds(&file)[0].1, DamageKind::UnknownInterface { id: 3, known: 1 });
    assert_eq!(survivors(&file), [A, C]);

    let options = [option(order, 9, &[9]), order.u16(14).to_vec(), order.u16(999).to_vec()].concat();
    let file = [section(order), interface(order, 1, 0, &options), enhanced(order, 0, 1, A, &[])].concat();
    assert_eq!(kinds(&file)[0].1, DamageKind::BadOption);
    assert_eq!(read(&file).0[0].nanos, Some(1));

    let short = block(order, 1, &[1, 0, 0, 0]);
    let file = [pcapng(&[A]), short, enhanced(order, 0, 0, C, &[])].concat();
    assert_eq!(kinds(&file)[0].1, DamageKind::ShortBlock { block: 1, length: 16 });
    assert_eq!(survivors(&file), [A, C]);

    let mut full = enhanced(order, 0, 0, B, &[]);
    full[20..24].copy_from_slice(&33u32.to_le_bytes());
    let file = [pcapng(&[A]), full, enhanced(order, 0, 0, C, &[])].concat();
    assert_eq!(kinds(&file)[0].1, DamageKind::PacketBeyondBlock { captured: 33, room: 32 });
    assert_eq!(survivors(&file), [A, C]);
}

#[test]
fn the_damaged_sample() {
    let file = sample("damaged.pcap");
    let whole = frames(&sample("sample.pcap"));
    let expected: Vec<_> =
        (0..39).filter(|number| ![10, 30].contains(number)).map(|number| whole[number].clone()).collect();
    assert_eq!(survivors(&file), expected);
    assert_eq!(kinds(&file).len(), 4);
    let (_, text) = read(&file);
    assert_eq!(
        text[0],
        "at byte 954: a record of 4008636142 bytes, which is more than the limit of 262144; \
         reading went on at byte 1096"
    );
    assert_eq!(text[3], "at byte 5593: the file ends after 81 of the 90 bytes of a record");
}

#[test]
fn much_damage_is_counted_and_not_kept() {
    let mut file = pcap(&[]);
    for number in 0..100 {
        file.extend([0xff; 40]);
        for _ in 0..3 {
            file.extend(pcap_record(Order::Little, 1_700_000_000 + number, 1, A));
        }
    }
    let mut reader = CaptureReader::open(&file[..]).unwrap();
    while reader.next().is_some() {}
    assert_eq!((reader.records(), reader.damage_total()), (300, 100));
    assert_eq!(reader.damage().len(), MAX_DAMAGE);
}

/// A source that gives a byte at a time, is interrupted, and fails in the end.
struct Weak<'a>(&'a [u8], u32);

impl Read for Weak<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.0.is_empty() {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0.read(&mut buffer[..1])
    }
}

#[test]
fn a_failing_source_is_damage_at_the_end() {
    for file in [pcap(&[A, B]), pcapng(&[A, B])] {
        let mut reader = CaptureReader::open(Weak(&file, 0)).unwrap();
        let mut count = 0;
        while reader.next().is_some() {
            count += 1;
        }
        assert_eq!(count, 2);
        assert_eq!(reader.damage().len(), 1);
        assert_eq!(reader.damage()[0].kind, DamageKind::Io("the disk is gone".into()));
    }
}

/// A header that bytes were lost or put in front of made sense by its lengths, and records behind it were swallowed, or
/// read each as far beside the true one, without a word.
#[test]
fn headers_that_only_seem_to_be_some_are_not_believed() {
    // Frames such that each seems to be followed by another when it is read some bytes too early or too late.
    let frame =
        |number: u8| [&[2, number, 0, 0, 0, 1, 2, 3][..], &vec![0; 52 + usize::from(number % 5)]].concat();
    let frames: Vec<Vec<u8>> = (0..200).map(frame).collect();
    for order in [Order::Little, Order::Big] {
        let records: Vec<Vec<u8>> = frames
            .iter()
            .enumerate()
            .map(|(number, frame)| pcap_record(order, 1_700_000_000, 7 * number as u32, frame))
            .collect();
        let header = pcap_header(order, MICROS, 4, 1);
        for at in [20, 50, 81] {
            let (before, after) = (records[..at].concat(), records[at..].concat());
            for extra in 1..40 {
                let foreign = [&header[..], &before, &vec![extra as u8; extra], &after].concat();
                assert!(survivors(&foreign) == frames, "{order:?} {at} {extra}");
                assert_eq!(kinds(&foreign).len(), 1);
            }
            for lost in 1..records[at].len() {
                // Only the damaged record may be gone, and the next, whose header it may have taken for a part of itself.
                let file = [&header[..], &before, &after[lost..]].concat();
                let left = survivors(&file);
                assert!(left.starts_with(&frames[..at]), "{order:?} {at} {lost}");
                assert!(left.ends_with(&frames[at + 2..]), "{order:?} {at} {lost}");
                assert!(left.len() <= frames.len());
            }
        }
    }
}

/// Three bytes too many made a block of an unknown type, whose length stood by chance where it would end, and hid packets.
#[test]
fn a_block_that_only_seems_to_be_one_is_not_believed() {
    let whole = pcapng(&[A, B, C, D]);
    // Read three bytes early in big-endian order, `00 00 00 06 00 00 00 2c` has the length 0x600.
    let order = Order::Big;
    let packet = |frame: &[u8]| {
        let mut body = order.words(&[0, 0, 0, frame.len() as u32, frame.len() as u32]);
        body.extend(frame);
        block(order, 6, &body)
    };
    let section =
        block(order, 0x0a0d_0d0a, &[&order.u32(0x1a2b_3c4d)[..], &[0, 1, 0, 0], &[0xff; 8]].concat());
    let interface = block(order, 1, &order.words(&[0x0001_0000, 65_535]));
    // 1536 bytes behind the foreign ones there is `06 00` again.
    let frames = [&[1; 4][..], &[2; 1536 - 36 - 32 - 8], &[3; 12], &[4; 8]];
    let packets: Vec<Vec<u8>> = frames.iter().map(|frame| packet(frame)).collect();
    let file = [&section[..], &interface, &[7, 7, 7], &packets.concat()].concat();
    assert!(survivors(&file) == frames, "{:?}", kinds(&file));
    assert!(matches!(kinds(&file)[..], [(_, DamageKind::Stray { block: 0x0707_0700 }, Some(_))]));
    // Types that nobody knows are no damage.
    let unknown = block(Order::Little, 0x1234, &[1, 2, 3, 4]);
    let file = [&whole[..], &unknown, &unknown, &whole, &unknown].concat();
    assert_eq!(kinds(&file), []);
    assert_eq!(survivors(&file), [A, B, C, D, A, B, C, D]);
}

/// A length that reached by chance from one record to a later one hid those between.
#[test]
fn a_length_that_spans_records_is_not_believed() {
    let frames: Vec<&[u8]> = [A, B, C, D].repeat(5);
    let mut file = pcap(&frames);
    let span = B.len() + 16 + C.len() + 16 + D.len();
    file[AT[1] as usize + 8] = u8::try_from(span).unwrap();
    assert_eq!(survivors(&file), [&frames[..1], &frames[2..]].concat());
}

/// Times may jump from record to record; nothing is lost for that, wherever the buffer ends.
#[test]
fn times_may_jump_anywhere() {
    for jump in [3_000_000, 400_000_000, 4_000_000_000_u32] {
        let mut file = pcap_header(Order::Little, MICROS, 4, 1);
        for number in 0..100_u32 {
            file.extend(pcap_record(Order::Little, jump.wrapping_mul(number), 5, &[9; 29]));
            file.extend(pcap_record(Order::Little, if number % 3 == 0 { 0 } else { 1_700_000_000 }, 5, A));
        }
        assert_eq!(kinds(&file), []);
        assert!(survivors(&file) == [&[9; 29], A].repeat(100), "{jump}");
    }
}
