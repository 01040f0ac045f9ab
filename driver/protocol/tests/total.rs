//! Decoders are total: any bytes are a message or an error; what decodes encodes to the same bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use divert_driver_protocol::limits::VERSION;
use divert_driver_protocol::{Address, Data, HandleEntry, Layout, Reply, Request};
use proptest::prelude::*;

fn check(bytes: &[u8]) {
    let mut again = vec![0; bytes.len()];
    if let Ok(request) = Request::decode(bytes) {
        assert_eq!(request.encoded_length(), bytes.len());
        assert_eq!(request.encode(&mut again), Ok(bytes.len()));
        assert_eq!(again, bytes);
        if let Request::Send(send) = request {
            assert_eq!(send.addresses().count(), send.len());
        }
    }
    if let Ok(reply) = Reply::decode(bytes) {
        assert_eq!(reply.encoded_length(), bytes.len());
        assert_eq!(reply.encode(&mut again), Ok(bytes.len()));
        assert_eq!(again, bytes);
        if let Reply::Handles(handles) = reply {
            // All entries were checked when the list was.
            assert_eq!(handles.entries().count(), (bytes.len() - 16) / 40);
        }
    }
    for addresses in [1, 2, 255] {
        if let Ok(layout) = Layout::new(bytes.len(), addresses)
            && let Ok(received) = layout.read(bytes)
        {
            assert!(received.len() <= usize::from(addresses) && received.data.len() < bytes.len());
        }
    }
}

#[test]
fn every_prefix_of_a_message_is_refused() {
    for (name, bytes) in common::messages() {
        for end in 0..bytes.len() {
            assert!(Request::decode(&bytes[..end]).is_err(), "{name}, {end}");
            assert!(Reply::decode(&bytes[..end]).is_err(), "{name}, {end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Request::decode(&longer).is_err() && Reply::decode(&longer).is_err(), "{name}");
    }
}

#[test]
fn short_buffers_are_refused() {
    for (name, bytes) in common::messages() {
        if let Ok(request) = Request::decode(&bytes) {
            for length in 0..bytes.len() {
                assert!(request.encode(&mut vec![0; length]).is_err(), "{name}, {length}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn random_bodies(
        kind in prop_oneof![0_u16..12, 0x8000_u16..0x800C, Just(0x8101)],
        body in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..400),
    ) {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend(kind.to_le_bytes());
        bytes.extend((body.len() as u32 + 8).to_le_bytes());
        bytes.extend(body);
        check(&bytes);
    }

    #[test]
    fn mutated_messages(
        which in 0_usize..16,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = common::messages().swap_remove(which).1;
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(&bytes);
    }

    #[test]
    fn any_80_bytes_are_an_address(bytes in proptest::array::uniform32(any::<u8>()), layer in any::<u8>()) {
        let mut record = [0; 80];
        for (at, byte) in record.iter_mut().enumerate() {
            *byte = bytes[at % 32] ^ at as u8;
        }
        record[8] = layer;
        let address = Address::decode(&record);
        let again = Address::decode(&address.encode());
        prop_assert_eq!(address, again);
        match (layer, address.data) {
            (2 | 3, Data::Endpoint(_)) | (4, Data::Reflect(_)) => {}
            (0 | 1 | 5.., Data::Network { .. }) => {}
            (layer, data) => prop_assert!(false, "layer {layer}: {data:?}"),
        }
        let _ = HandleEntry::decode(record.first_chunk().unwrap());
    }
}
