//! What holds for any bytes as a capture or as a file of events: for the fuzz targets of the same names.

use divert_fuzz::oracle::require;
use divert_fuzz::{Case, Finding, Outcome, Source};
use divert_vm::field::FIELDS;
use divert_vm::input::Input;
use divert_vm::layer::Layer;
use divert_vm::load;

use crate::capture::batch::Batch;
use crate::capture::link::{Layer3, network_layer};
use crate::capture::record::Record;
use crate::capture::{CaptureReader, Enough, Item, Visitor};
use crate::events::EventReader;

/// Sizes of reads: every record crosses one, and none does.
const READS: [usize; 2] = [17, 1 << 16];

/// What a record says, without what only the way of reading decides.
type Seen = (u64, Vec<u8>, Vec<u8>, String);

/// Any bytes as a capture: reading ends without a panic, all of the file is seen, records lie in it in order and are the
/// same whatever the size of the reads and whichever way they are asked for.
///
/// # Errors
/// What does not hold.
pub fn captures(bytes: &[u8]) -> Outcome {
    let [small, large] = READS.map(|size| records(bytes, size));
    let (small, large) = (small?, large?);
    require(small == large, || format!("the size of reads matters: {small:?}\n{large:?}"))?;
    let items = items(bytes)?;
    require(items == large, || format!("with other blocks there are other records: {items:?}\n{large:?}"))?;
    for size in READS {
        let (visited, filled) = (visited(bytes, size), filled(bytes, size));
        require(visited == large, || format!("visited there are other records: {visited:?}\n{large:?}"))?;
        require(filled == large, || format!("in batches there are other records: {filled:?}\n{large:?}"))?;
    }
    Ok(())
}

/// Sees what it visits, and has enough after each third record.
#[derive(Default)]
struct Seeing {
    seen: Vec<Seen>,
    stops: bool,
}

impl Visitor for Seeing {
    fn record(&mut self, record: &Record<'_>) -> Result<(), Enough> {
        self.seen.push(see(record));
        if self.stops && self.seen.len().is_multiple_of(3) { Err(Enough) } else { Ok(()) }
    }

    fn block(&mut self, _: &[u8]) -> Result<(), Enough> {
        Ok(())
    }
}

fn visited(file: &[u8], read_size: usize) -> Vec<Seen> {
    let Ok(mut reader) = CaptureReader::with_read_size(file, read_size) else { return Vec::new() };
    let mut seeing = Seeing { seen: Vec::new(), stops: true };
    while reader.visit(&mut seeing).is_err() {}
    seeing.seen
}

fn filled(file: &[u8], read_size: usize) -> Vec<Seen> {
    let Ok(mut reader) = CaptureReader::with_read_size(file, read_size) else { return Vec::new() };
    let (mut seeing, mut batch, mut more) = (Seeing::default(), Batch::default(), true);
    while more {
        more = reader.fill(&mut batch);
        // It never has enough.
        let _ = batch.visit(&mut seeing);
    }
    seeing.seen
}

fn see(record: &Record<'_>) -> Seen {
    let Record { index, raw, bytes, link, interface, direction, original_len, .. } = *record;
    let time = record.timestamp();
    let content = match network_layer(link, bytes) {
        // Where the packet begins; its bytes are compared as those of the record.
        Layer3::Ip { bytes: packet, direction } => format!("IP {} {direction:?}", packet.len()),
        other @ (Layer3::NotIp | Layer3::Wireless | Layer3::Unsupported(_)) => format!("{other:?}"),
    };
    let rest = format!("{link:?} {interface} {direction:?} {original_len} {time:?} {content}");
    (index, raw.to_vec(), bytes.to_vec(), rest)
}

fn records(file: &[u8], read_size: usize) -> Result<Vec<Seen>, Finding> {
    let Ok(mut reader) = CaptureReader::with_read_size(file, read_size) else { return Ok(Vec::new()) };
    let (mut seen, mut at) = (Vec::new(), 0);
    while let Some(record) = reader.next() {
        require(record.index == seen.len() as u64, || {
            format!("record {} is number {}", seen.len(), record.index)
        })?;
        seen.push(see(&record));
        let length = record.raw.len();
        // What has been read ends behind the record.
        let end = reader.offset() as usize;
        let start = end.saturating_sub(length);
        let raw = seen.last().map(|(_, raw, ..)| raw.as_slice());
        require(length > 0 && start >= at && file.get(start..end) == raw, || {
            format!("record {} is not the bytes {start}..{end} of the file, or overlaps", seen.len() - 1)
        })?;
        at = end;
    }
    require(reader.next().is_none(), || "there is a record behind the end".to_owned())?;
    require(reader.offset() == file.len() as u64, || format!("read {} of {}", reader.offset(), file.len()))?;
    for damage in reader.damage() {
        let inside = damage.offset <= file.len() as u64;
        let forward = damage.resumed.is_none_or(|resumed| resumed >= damage.offset);
        require(inside && forward, || format!("damage out of place: {damage}"))?;
    }
    Ok(seen)
}

fn items(file: &[u8]) -> Result<Vec<Seen>, Finding> {
    let Ok(mut reader) = CaptureReader::open(file) else { return Ok(Vec::new()) };
    let mut seen = Vec::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Record(record) => seen.push(see(&record)),
            Item::Block(block) => require(block.len() >= 12, || format!("a block of {} bytes", block.len()))?,
        }
    }
    Ok(seen)
}

/// Any bytes as a file of events: no panic, every line is an event or a reason; and an event that is written down is
/// read as the same input.
///
/// # Errors
/// What does not hold.
pub fn events(bytes: &[u8]) -> Outcome {
    read_all(bytes)?;
    let mut source = Source::endless(bytes);
    let layer = source.pick(&Layer::ALL);
    let case = Case::any(&mut source, layer);
    let line = case.to_json().to_string();
    let mut reader = EventReader::new(line.as_bytes());
    let read = match reader.next() {
        Ok(Some(line)) => match line.event {
            Ok(event) => event.judge(line.packet, keys),
            Err(error) => return Err(Finding::new(format!("{error}\n{case}"))),
        },
        Ok(None) | Err(_) => return Err(Finding::new(format!("no line\n{case}"))),
    };
    let same = read == case.with(keys);
    require(same, || format!("written down and read it is another input\n{case}"))
}

fn read_all(bytes: &[u8]) -> Outcome {
    let mut reader = EventReader::new(bytes);
    let (mut number, mut index) = (0, 0);
    while let Ok(Some(line)) = reader.next() {
        let in_order = line.number > number && line.index == index;
        number = line.number;
        require(in_order, || format!("line {number} is event {}", line.index))?;
        match &line.event {
            Ok(event) => {
                index += 1;
                let at = event.judge(line.packet, |input| (input.layer(), input.event()));
                require(at.is_none_or(|at| at == (event.layer(), event.event())), || {
                    format!("the input of line {number} is at {at:?}")
                })?;
            }
            Err(error) => require(!error.to_string().is_empty(), || "no reason".to_owned())?,
        }
    }
    Ok(())
}

/// The keys of all fields that are no arrays: all that a filter can see of an input, but for its bytes.
pub(crate) fn keys(input: &Input<'_>) -> Vec<Option<u128>> {
    let fields = FIELDS.iter().filter(|info| info.layers.contains(input.layer()));
    let bytes = input.packet().map(|packet| packet.bytes().iter().map(|byte| u128::from(*byte)));
    let keys = fields.filter(|info| info.element == 0).map(|info| load::key(input, info.field, 0));
    keys.chain(bytes.into_iter().flatten().map(Some)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use divert_fuzz::must_hold;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hold_for_the_sample_captures() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = std::fs::read(entry.unwrap().path()).unwrap();
            must_hold("captures", captures(&file));
            seen += usize::from(!records(&file, READS[1]).unwrap().is_empty());
        }
        assert!(seen >= 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hold_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            must_hold("captures", captures(&bytes));
            must_hold("events", events(&bytes));
        }
    }
}
