//! Writing: what is kept is kept byte for byte.

use std::fs;
use std::path::Path;

use super::*;
use crate::capture::write::{CaptureWriter, WriteError};
use crate::output::OutFile;

fn create(target: &Path) -> Result<CaptureWriter, WriteError> {
    Ok(CaptureWriter::new(OutFile::create(target)?))
}

/// Copies the records that are wanted, and all other items.
fn copy(inputs: &[&[u8]], target: &Path, wanted: impl Fn(u64) -> bool) -> Result<u64, WriteError> {
    let mut writer = create(target)?;
    let mut count = 0;
    for input in inputs {
        let mut reader = CaptureReader::open(*input).unwrap();
        writer.begin(&reader.announce())?;
        while let Some(item) = reader.next_item() {
            if let Item::Record(record) = item {
                if !wanted(record.index) {
                    continue;
                }
                count += 1;
            }
            writer.write(item.raw())?;
        }
    }
    writer.finish().map(|()| count)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn all_records_make_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sample.pcap", "sample.pcapng"] {
        let (input, target) = (sample(name), folder.path().join(name));
        assert_eq!(copy(&[&input], &target, |_| true).unwrap(), 67);
        assert_eq!(fs::read(target).unwrap(), input);
    }
    assert_eq!(names(folder.path()), ["sample.pcap", "sample.pcapng"]);
}

#[test]
fn a_selection_keeps_records_and_other_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    for name in ["sample.pcap", "sample.pcapng"] {
        let input = sample(name);
        copy(&[&input], &target, |index| index % 3 == 1).unwrap();
        let output = fs::read(&target).unwrap();
        let expected: Vec<_> = read(&input).0.into_iter().filter(|record| record.index % 3 == 1).collect();
        let (found, damage) = read(&output);
        assert_eq!(damage, [""; 0]);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!((&found.raw, found.nanos), (&expected.raw, expected.nanos));
            assert_eq!((found.link, found.interface), (expected.link, expected.interface));
        }
        let blocks = items(&input).len() - read(&input).0.len();
        assert_eq!(items(&output).len() - found.len(), blocks, "{name}");
    }
}

#[test]
fn nothing_selected_is_a_capture_too() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    assert_eq!(copy(&[&sample("sample.pcap")], &target, |_| false).unwrap(), 0);
    assert_eq!(fs::read(&target).unwrap(), sample("sample.pcap")[..24]);
    copy(&[&sample("sample.pcapng")], &target, |_| false).unwrap();
    assert_eq!(frames(&fs::read(&target).unwrap()).len(), 0);
}

#[test]
fn inputs_go_together_if_the_format_allows() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let big = [section(Order::Big), interface(Order::Big, 101, 0, &[])].concat();
    let big = [big, enhanced(Order::Big, 0, 9, b"big", &[])].concat();
    copy(&[&pcapng(&[b"one"]), &big, &pcapng(&[b"two"])], &target, |_| true).unwrap();
    assert_eq!(frames(&fs::read(&target).unwrap()), [&b"one"[..], b"big", b"two"]);
    copy(&[&pcap(&[b"one"]), &pcap(&[b"two"])], &target, |_| true).unwrap();
    assert_eq!(frames(&fs::read(&target).unwrap()), [b"one", b"two"]);

    let before = fs::read(&target).unwrap();
    let raw = [pcap_header(Order::Little, MICROS, 4, 101), pcap_record(Order::Little, 1, 1, b"E")].concat();
    for other in [&raw, &pcapng(&[b"two"]), &pcap_header(Order::Big, MICROS, 4, 1)] {
        let error = copy(&[&pcap(&[b"one"]), other], &target, |_| true).unwrap_err();
        assert!(matches!(error, WriteError::Mixed(..)), "{error}");
    }
    assert_eq!(fs::read(&target).unwrap(), before, "a failure leaves what was there");
    assert_eq!(names(folder.path()), ["out"], "and nothing else");
}

#[test]
fn the_input_can_be_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("same");
    fs::write(&target, sample("sample.pcap")).unwrap();
    let mut reader = CaptureReader::open(fs::File::open(&target).unwrap()).unwrap();
    let mut writer = create(&target).unwrap();
    writer.begin(&reader.announce()).unwrap();
    while let Some(item) = reader.next_item() {
        writer.write(item.raw()).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(fs::read(&target).unwrap(), sample("sample.pcap"));
}

#[test]
fn what_damage_took_from_the_frame_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let mut input = pcapng(&[b"one!", b"two!"]);
    // The length of the section header, and the trailer of the first packet.
    input[4..8].fill(0xff);
    input[28 + 20 + 32..28 + 20 + 36].fill(0xee);
    assert_eq!(read(&input).1.len(), 2);
    copy(&[&input], &target, |_| true).unwrap();
    assert_eq!(frames(&fs::read(&target).unwrap()), [b"one!", b"two!"]);
}

#[test]
fn an_impossible_place_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(create(&folder.path().join("missing/out")).is_err());
    assert!(create(folder.path()).is_err(), "a directory");
}

#[cfg(unix)]
#[test]
fn devices_and_links_are_not_replaced() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&real, b"old").unwrap();
    symlink(&real, &link).unwrap();
    copy(&[&pcap(&[b"one"])], &link, |_| true).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(frames(&fs::read(&real).unwrap()), [b"one"]);
    assert_ne!(fs::metadata(&real).unwrap().permissions().mode() & 0o600, 0);

    let null = folder.path().join("null");
    symlink("/dev/null", &null).unwrap();
    copy(&[&pcap(&[b"one"])], &null, |_| true).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}
