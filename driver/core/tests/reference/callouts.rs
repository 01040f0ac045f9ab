//! Reference §7 (callouts), and what §4 says of the filtering engine.

use super::common::*;
use divert_driver_core::{Refusal, Verdict, WfpLayer};
use divert_driver_protocol::{Code, Flags, Open};
use divert_vm::Layer;

/// §7: the table of layers, and that only what a filter can need is installed.
#[test]
fn callouts_follow_needs() {
    use WfpLayer::*;
    let both =
        |layers: &[WfpLayer]| layers.iter().flat_map(|layer| [(*layer, false), (*layer, true)]).collect();
    for (layer, text, flags, expected) in [
        (Layer::Network, "true", 0, both(&[InboundIpPacket, OutboundIpPacket])),
        (Layer::Network, "false", 0, vec![]),
        (Layer::Network, "true", 8, vec![]),
        (Layer::Network, "true", 8 | 2, both(&[InboundIpPacket, OutboundIpPacket])),
        (Layer::Network, "outbound", 0, both(&[OutboundIpPacket])),
        (Layer::Network, "inbound and ip", 0, vec![(InboundIpPacket, false)]),
        (Layer::Network, "ipv6.HopLimit > 3 and outbound", 0, vec![(OutboundIpPacket, true)]),
        (Layer::Forward, "ip", 0, vec![(IpForward, false)]),
        (Layer::Flow, "true", 5, both(&[AleFlowEstablished])),
        (Layer::Flow, "event == DELETED and ipv6", 5, vec![(AleFlowEstablished, true)]),
        (Layer::Socket, "event == BIND and ip", 4, vec![(AleResourceAssignment, false)]),
        (Layer::Socket, "event == CONNECT", 4, both(&[AleAuthConnect])),
        (Layer::Socket, "event == LISTEN", 4, both(&[AleAuthListen])),
        (Layer::Socket, "event == ACCEPT", 4, both(&[AleAuthRecvAccept])),
        (Layer::Socket, "event == CLOSE", 4, both(&[AleResourceRelease, AleEndpointClosure])),
        (Layer::Reflect, "true", 5, vec![]),
    ] {
        let driver = driver();
        let id = open(&driver, layer, text, 0, flags);
        let installed: Vec<_> = driver.platform().callouts().iter().collect();
        assert_eq!(installed, expected, "{text}");
        driver.close(id).unwrap();
        assert_eq!(driver.platform().callouts().iter().count(), 0);
    }
}

/// §7: what several handles need is installed once, and stays as long as one needs it.
#[test]
fn callouts_are_shared() {
    let driver = driver();
    let first = network(&driver, "outbound and ip", 0, 0);
    let second = network(&driver, "ip", 0, 0);
    assert_eq!(driver.platform().callouts().iter().count(), 2);
    driver.close(second).unwrap();
    assert_eq!(driver.platform().callouts().iter().count(), 1);
    driver.close(first).unwrap();
    assert_eq!(driver.platform().callouts().iter().count(), 0);
}

/// §4: a disabled base filtering engine is code 1753, and nothing is left behind.
#[test]
fn a_disabled_engine_has_its_code() {
    use std::sync::atomic::Ordering;
    let driver = driver();
    driver.platform().engine_disabled.store(true, Ordering::Relaxed);
    let (id, program) = (driver.create().unwrap(), filter(Layer::Network, "true"));
    let request =
        Open { layer: Layer::Network, priority: 0, flags: Flags::NONE, work_limit: 0, program: &program };
    let refused = driver.open(id, 1, &request).unwrap_err();
    assert_eq!((refused.code().number(), driver.platform().memory.used()), (1753, 0));
}

/// Decided here: the filtering engine refuses, and so does the driver; nothing is left behind.
#[test]
fn a_refusing_engine_refuses_the_handle() {
    use std::sync::atomic::Ordering;
    let driver = driver();
    let id = driver.create().unwrap();
    driver.platform().refuse_callouts.store(true, Ordering::Relaxed);
    let program = filter(Layer::Network, "true");
    let request =
        Open { layer: Layer::Network, priority: 0, flags: Flags::NONE, work_limit: 0, program: &program };
    let refused = driver.open(id, 1, &request).unwrap_err();
    assert!(matches!(refused, Refusal::Engine(_)) && refused.code() == Code::NoSystemResources);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::LetGo);
    assert_eq!(driver.platform().memory.used(), 0);
    driver.platform().refuse_callouts.store(false, Ordering::Relaxed);
    assert!(driver.open(id, 1, &request).is_ok());
}
