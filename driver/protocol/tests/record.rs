//! The address record against the table of reference §3, byte by byte.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use divert_driver_protocol::{Address, Data, Flags, Parameter};
use divert_vm::Layer;

/// Sets one thing and tells which bytes changed, against the empty record of the same layer.
fn bytes_of(layer: u8, set: impl Fn(&mut Address)) -> Vec<(usize, u8)> {
    let data = common::addresses().into_iter().find(|address| address.layer == layer);
    let mut address = Address { layer, ..Address::default() };
    if let Some(Data::Endpoint(_)) = data.map(|address| address.data) {
        address.data = Data::Endpoint(divert_vm::Endpoint::default());
    } else if layer == 4 {
        address.data = Data::Reflect(divert_driver_protocol::Reflect::default());
    }
    let before = address.encode();
    set(&mut address);
    let after = address.encode();
    assert_eq!(Address::decode(&after), address);
    (0..80).filter(|at| before[*at] != after[*at]).map(|at| (at, after[at])).collect()
}

/// Reference §3: timestamp at 0, the bit fields at 8, least significant first, eight reserved bits and word.
#[test]
fn reference_3_head() {
    assert_eq!(bytes_of(0, |address| address.timestamp = 0x0102), [(0, 2), (1, 1)]);
    assert_eq!(bytes_of(0, |address| address.timestamp = i64::MIN), [(7, 0x80)]);
    assert_eq!(bytes_of(0, |address| address.layer = 1), [(8, 1)]);
    assert_eq!(bytes_of(0, |address| address.event = 9), [(9, 9)]);
    let bits: [fn(&mut Address); 8] = [
        |address| address.sniffed = true,
        |address| address.outbound = true,
        |address| address.loopback = true,
        |address| address.impostor = true,
        |address| address.ipv6 = true,
        |address| address.ip_checksum = true,
        |address| address.tcp_checksum = true,
        |address| address.udp_checksum = true,
    ];
    for (bit, set) in bits.into_iter().enumerate() {
        assert_eq!(bytes_of(0, set), [(10, 1 << bit)]);
    }
}

/// Reference §3: the union at 16.
#[test]
fn reference_3_union() {
    let network =
        |if_idx, sub_if_idx| move |address: &mut Address| address.data = Data::Network { if_idx, sub_if_idx };
    assert_eq!(bytes_of(0, network(0x0403_0201, 0)), [(16, 1), (17, 2), (18, 3), (19, 4)]);
    assert_eq!(bytes_of(1, network(0, 5)), [(8 + 12, 5)]);
    for layer in [2, 3] {
        let found = bytes_of(layer, |address| {
            address.ipv6 = true;
            address.data = Data::Endpoint(common::endpoint());
        });
        let mut expected = vec![(10, 0x10)];
        let mut put = |at: usize, bytes: &[u8]| {
            expected.extend(bytes.iter().enumerate().map(|(number, byte)| (at + number, *byte)));
        };
        put(16, &0x0102_0304_0506_0708_u64.to_le_bytes());
        put(24, &0x1112_1314_1516_1718_u64.to_le_bytes());
        put(32, &0x2122_2324_u32.to_le_bytes());
        // Words in host order, the least significant first.
        for (word, value) in [0x3D3E_3F40_u32, 0x393A_3B3C, 0x3536_3738, 0x3132_3334].into_iter().enumerate()
        {
            put(36 + 4 * word, &value.to_le_bytes());
        }
        put(52, &0x4142_4344_4546_4748_494A_4B4C_4D4E_4F50_u128.to_le_bytes());
        put(68, &0x5152_u16.to_le_bytes());
        put(70, &0x6162_u16.to_le_bytes());
        // "At offset 56 of the member".
        put(16 + 56, &[0x71]);
        assert_eq!(found, expected);
    }
    let reflect = common::addresses()[3];
    let found = bytes_of(4, |address| address.data = reflect.data);
    let priority = (-30_000_i16).to_le_bytes();
    // The priority is at offset 24 of the member.
    assert_eq!(found, [(16, 5), (24, 6), (28, 3), (32, 0x25), (40, priority[0]), (41, priority[1])]);
}

/// Reference §4: which flags exist, exclude each other, and are required.
#[test]
fn reference_4_flags() {
    for bits in 0..=0x7F_u64 {
        let (sniff, drop, recv, send) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0);
        for layer in Layer::ALL {
            let required = match layer.number() {
                0 | 1 => true,
                3 => recv,
                _ => sniff && recv,
            };
            let valid = bits < 0x40 && !(sniff && drop) && !(recv && send) && required;
            assert_eq!(Flags::from_bits(bits).check(layer).is_ok(), valid, "{bits:#x} at {layer:?}");
        }
    }
    assert!(Flags::from_bits(1 << 63).check(Layer::Network).is_err());
}

/// Reference §5: the table of parameters.
#[test]
fn reference_5_parameters() {
    let table: Vec<_> = (0..6)
        .map(|number| {
            let bounds = Parameter::from_number(number).map(Parameter::bounds);
            bounds.map(|bounds| bounds.map(|bounds| (bounds.default, bounds.min, bounds.max)))
        })
        .collect();
    let expected = [
        Some(Some((4096, 32, 16_384))),
        Some(Some((2000, 100, 16_000))),
        Some(Some((4_194_304, 65_535, 33_554_432))),
        Some(None),
        Some(None),
        None,
    ];
    assert_eq!(table, expected);
}
