//! For any bytes: no panic, an end, records in order that lie where they say, and the same whatever the buffer.

use proptest::prelude::*;

use super::*;
use crate::capture::link::network_layer;
use crate::capture::record::LinkType;

/// Reads all of a capture and checks what holds for each; returns the records.
fn check(file: &[u8], read_size: usize) -> Option<Vec<Owned>> {
    let mut reader = CaptureReader::with_read_size(file, read_size).ok()?;
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(record) = reader.next() {
        assert_eq!(record.index, records.len() as u64);
        let _ = network_layer(record.link, record.bytes);
        assert!(!record.raw.is_empty() && record.raw.len() >= record.bytes.len());
        let raw = record.raw.to_vec();
        records.push(Owned::new(&record));
        // `offset` is behind the record.
        let end = reader.offset() as usize;
        let start = end - raw.len();
        assert!(start >= at, "records overlap");
        assert_eq!(file[start..end], raw, "not the bytes of the file");
        at = end;
    }
    assert!(reader.next().is_none());
    assert_eq!(reader.offset(), file.len() as u64, "all of the file has been seen");
    for damage in reader.damage() {
        assert!(damage.offset <= file.len() as u64, "{damage}");
        assert!(damage.resumed.is_none_or(|resumed| resumed >= damage.offset), "{damage}");
    }
    Some(records)
}

/// Changes that happen to files.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Word(usize, u32),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Zero(usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..20_000usize;
    let lengths = prop::sample::select(vec![0, 1, 4, 12, 16, 28, 32, 262_144, 16_777_216, u32::MAX - 3]);
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at.clone(), lengths).prop_map(|(at, word)| Change::Word(at, word)),
        (at.clone(), 1..300usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (at.clone(), prop::collection::vec(any::<u8>(), 1..100))
            .prop_map(|(at, new)| Change::Insert(at, new)),
        (at.clone(), 1..600usize).prop_map(|(at, length)| Change::Zero(at, length)),
        at.prop_map(Change::Cut),
    ]
}

fn apply(file: &mut Vec<u8>, change: Change) {
    let clamp = |at: usize| at % (file.len() + 1);
    match change {
        Change::Set(at, byte) => {
            let at = clamp(at);
            file.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
        }
        Change::Word(at, word) => {
            let at = clamp(at) & !3;
            file.iter_mut().skip(at).zip(word.to_le_bytes()).for_each(|(old, new)| *old = new);
        }
        Change::Remove(at, length) => {
            let at = clamp(at);
            let end = file.len().min(at + length);
            file.drain(at..end);
        }
        Change::Insert(at, new) => {
            let at = clamp(at);
            file.splice(at..at, new);
        }
        Change::Zero(at, length) => {
            let at = clamp(at);
            file.iter_mut().skip(at).take(length).for_each(|old| *old = 0);
        }
        Change::Cut(at) => file.truncate(clamp(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(tail in prop::collection::vec(any::<u8>(), 0..2000), kind in 0..4usize, size in 1..300usize) {
        let head = match kind {
            0 => Vec::new(),
            1 => pcap_header(Order::Little, MICROS, 4, 1),
            2 => pcap_header(Order::Big, MODIFIED, 3, 1),
            _ => pcapng(&[]),
        };
        let file = [head, tail].concat();
        prop_assert_eq!(check(&file, size), check(&file, 1 << 16));
    }

    /// Small numbers make many records that are nearly right.
    #[test]
    fn small_numbers(words in prop::collection::vec(0..40u32, 0..500), ng: bool, size in 1..300usize) {
        let head = if ng { pcapng(&[]) } else { pcap(&[]) };
        let file = [head, Order::Little.words(&words)].concat();
        prop_assert_eq!(check(&file, size), check(&file, 1 << 16));
    }

    #[test]
    fn damaged_samples(ng: bool, changes in prop::collection::vec(change(), 1..6), size in 1..5000usize) {
        let mut file = sample(if ng { "sample.pcapng" } else { "sample.pcap" });
        for change in changes {
            apply(&mut file, change);
        }
        prop_assert_eq!(check(&file, size), check(&file, 1 << 16));
    }

    /// One changed place costs a few records at most, wherever it is behind the headers.
    #[test]
    fn one_damaged_place_costs_little(ng: bool, at in 0..100_000usize, length in 1..64usize) {
        let mut file = sample(if ng { "sample.pcapng" } else { "sample.pcap" });
        let whole = read(&file).0;
        // Behind the interfaces of the pcapng.
        let start = 300;
        let at = start + at % (file.len() - start);
        file.iter_mut().skip(at).take(length).for_each(|byte| *byte ^= 0x5a);
        let (left, _) = read(&file);
        let same = left.iter().filter(|record| whole.iter().any(|other| other.raw == record.raw)).count();
        prop_assert!(same + 3 >= whole.len(), "{} of {}", same, whole.len());
    }

    #[test]
    fn any_frame_of_any_link(link in 0..300u32, frame in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = network_layer(LinkType(link), &frame);
    }
}
