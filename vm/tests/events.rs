//! Fields of every layer: keys stay in their range, and those of events are what the event says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Source, cases, input::with_input};
use divert_vm::{Address, Endpoint, Event, FIELDS, Field, Input, Layer, Reflected, load};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(2000))]

    /// The verifier trusts the ranges: a constant outside of one is refused because no key is there.
    #[test]
    fn keys_are_in_their_ranges(random in vec(any::<u8>(), 0..200)) {
        let mut source = Source::new(&random);
        let layer = source.pick(&Layer::ALL);
        with_input(&mut source, layer, |input| {
            for info in FIELDS.iter().filter(|info| info.layers.contains(layer)) {
                let key = load::key(input, info.field, 0);
                let (low, high) = info.field.keys_at(layer);
                assert!(key.is_none_or(|key| low <= key && key <= high), "{} is {key:?}", info.name);
                assert!(key.is_some() || !info.field.always_present(), "{} is absent", info.name);
            }
        });
    }
}

const ADDRESS: Address =
    Address { timestamp: -5, outbound: true, loopback: true, impostor: true, if_idx: 8, sub_if_idx: 9 };

#[test]
fn fields_of_flow_and_socket_events() {
    for ipv6 in [false, true] {
        for protocol in [1, 6, 17, 58] {
            let endpoint = Endpoint {
                ipv6,
                endpoint_id: 1 << 40,
                parent_endpoint_id: 1 << 41,
                process_id: 77,
                local_addr: 1 << 100,
                remote_addr: 1 << 101,
                local_port: 65_535,
                remote_port: 1,
                protocol,
            };
            let flow = Input::flow(Event::FlowDeleted, &endpoint, &ADDRESS).unwrap();
            let socket = Input::socket(Event::SocketListen, &endpoint, &ADDRESS).unwrap();
            for (input, event) in [(flow, 2), (socket, 5)] {
                for (field, key) in [
                    (Field::Zero, 0),
                    (Field::Event, event),
                    (Field::Outbound, 1),
                    (Field::Inbound, 0),
                    (Field::Loopback, 1),
                    (Field::Ip, u128::from(!ipv6)),
                    (Field::Ipv6, u128::from(ipv6)),
                    (Field::Icmp, u128::from(protocol == 1 && !ipv6)),
                    (Field::Icmpv6, u128::from(protocol == 58 && ipv6)),
                    (Field::Tcp, u128::from(protocol == 6)),
                    (Field::Udp, u128::from(protocol == 17)),
                    (Field::ProcessId, 77),
                    (Field::LocalAddr, 1 << 100),
                    (Field::RemoteAddr, 1 << 101),
                    (Field::LocalPort, 65_535),
                    (Field::RemotePort, 1),
                    (Field::Protocol, protocol.into()),
                    (Field::EndpointId, 1 << 40),
                    (Field::ParentEndpointId, 1 << 41),
                    (Field::Timestamp, (1 << 63) - 5),
                ] {
                    assert_eq!(load::key(&input, field, 0), Some(key), "{}", field.name());
                }
            }
        }
    }
}

#[test]
fn fields_of_reflect_events() {
    for (priority, key) in
        [(0, 32_768), (-30_000, 2_768), (30_000, 62_768), (i16::MIN, 2_768), (i16::MAX, 62_768)]
    {
        let handle = Reflected { process_id: 77, layer: Layer::Socket, priority };
        let input = Input::reflect(Event::ReflectClose, &handle, &ADDRESS).unwrap();
        for (field, key) in [
            (Field::Zero, 0),
            (Field::Event, 9),
            (Field::ProcessId, 77),
            (Field::Layer, 3),
            (Field::Priority, key),
            (Field::Timestamp, (1 << 63) - 5),
        ] {
            assert_eq!(load::key(&input, field, 0), Some(key), "{}", field.name());
        }
    }
}

#[test]
fn events_happen_at_their_layer_only() {
    let (endpoint, handle) =
        (Endpoint::default(), Reflected { process_id: 0, layer: Layer::Flow, priority: 0 });
    for event in Event::ALL {
        let made = [
            (Layer::Flow, Input::flow(event, &endpoint, &ADDRESS).is_ok()),
            (Layer::Socket, Input::socket(event, &endpoint, &ADDRESS).is_ok()),
            (Layer::Reflect, Input::reflect(event, &handle, &ADDRESS).is_ok()),
        ];
        for (layer, made) in made {
            assert_eq!(made, event.happens_at(layer));
        }
    }
}
