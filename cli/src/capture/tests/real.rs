//! Captures of other people, where they are at hand: `../shared/pcaps` beside the repository.

use std::path::PathBuf;

use super::*;
use crate::capture::link::{Layer3, network_layer};
use crate::capture::write::CaptureWriter;
use crate::output::OutFile;

#[test]
fn all_are_read_to_their_end_and_copied() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/pcaps");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let (mut records, mut ip) = (0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        let file = std::fs::read(&path).unwrap();
        let mut reader = CaptureReader::open(&file[..]).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let target = out.path().join("copy");
        let mut writer = CaptureWriter::new(OutFile::create(&target).unwrap());
        writer.begin(&reader.announce()).unwrap();
        while let Some(item) = reader.next_item() {
            if let Item::Record(record) = &item {
                records += 1;
                ip += u64::from(matches!(network_layer(record.link, record.bytes), Layer3::Ip { .. }));
            }
            writer.write(item.raw()).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(reader.offset(), file.len() as u64, "{path:?}");
        if reader.damage_total() == 0 {
            assert!(std::fs::read(&target).unwrap() == file, "{path:?} was copied differently");
        }
    }
    assert!(records > 1_000 && ip > records / 2, "{ip} of {records}");
}
