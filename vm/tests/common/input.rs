//! Packets and inputs: recorded ones, changed ones, and generated ones.

use std::sync::LazyLock;

use super::Source;
use divert_fuzz::Case;
use divert_fuzz::r#gen::{case, packet as generated};
use divert_vm::{Input, Layer};
use serde_json::Value;

/// The packets of the conformance tests.
pub(crate) static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/helpers.jsonl");
    let file = std::fs::read_to_string(path).unwrap();
    let mut packets: Vec<Vec<u8>> = file
        .lines()
        .filter_map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            case["packet"].as_str().map(from_hex)
        })
        .collect();
    packets.sort();
    packets.dedup();
    assert!(packets.len() > 50);
    packets
});

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    case::from_hex(text).unwrap()
}

/// A buffer that is a packet more often than not.
pub(crate) fn packet(source: &mut Source<'_>) -> Vec<u8> {
    if source.one_in(2) {
        let recorded = RECORDED[source.below(RECORDED.len())].clone();
        return generated::changed(source, recorded);
    }
    generated::any(source)
}

/// Calls `judge` with an input at `layer`; not at all when the random bytes are no packet.
pub(crate) fn with_input<R>(
    source: &mut Source<'_>,
    layer: Layer,
    judge: impl FnOnce(&Input<'_>) -> R,
) -> Option<R> {
    if layer.has_packets() {
        Case::Packet(layer, packet(source), case::address(source)).with(judge)
    } else {
        Case::any(source, layer).with(judge)
    }
}
