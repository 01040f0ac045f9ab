//! A callout is asked: by the layer, it is about packets, a socket, or a flow. Up to DISPATCH_LEVEL.

use divert_driver_core::{Verdict, WfpLayer};
use divert_vm::Event;

use super::callouts::TABLE;
use super::packets::{self, Way};
use super::{endpoint, flow};
use crate::platform::DRIVER;
use crate::sys::call::{Answer, Question};

/// The callout of a row of the table is asked.
pub(crate) fn asked(row: usize, question: &Question<'_>, answer: &mut Answer<'_>) {
    let (Some(entry), Some(driver)) = (TABLE.get(row), DRIVER.get()) else { return };
    let ipv6 = entry.ipv6;
    let socket = |event| endpoint::socket(driver, event, entry.layer, ipv6, question);
    match entry.layer {
        WfpLayer::InboundIpPacket => take(answer, || packets::take(driver, Way::In, ipv6, question)),
        WfpLayer::OutboundIpPacket => take(answer, || packets::take(driver, Way::Out, ipv6, question)),
        WfpLayer::IpForward => take(answer, || packets::take(driver, Way::Through, ipv6, question)),
        WfpLayer::AleFlowEstablished => {
            flow::established(driver, row, ipv6, question);
            answer.go_on();
        }
        WfpLayer::AleResourceAssignment => decide(answer, || socket(Event::SocketBind)),
        WfpLayer::AleAuthConnect => decide(answer, || socket(Event::SocketConnect)),
        WfpLayer::AleAuthListen => decide(answer, || socket(Event::SocketListen)),
        WfpLayer::AleAuthRecvAccept => decide(answer, || socket(Event::SocketAccept)),
        WfpLayer::AleResourceRelease | WfpLayer::AleEndpointClosure => {
            // Nothing can keep a socket from closing.
            let _ = socket(Event::SocketClose);
            answer.go_on();
        }
    }
}

/// Packets. Who was asked before may have decided: what was dropped is not here to be taken, nor what was let through
/// for good.
fn take(answer: &mut Answer<'_>, verdict: impl FnOnce() -> Verdict) {
    if answer.may_decide() && verdict() == Verdict::Block {
        answer.take();
    } else {
        answer.go_on();
    }
}

/// Sockets.
fn decide(answer: &mut Answer<'_>, verdict: impl FnOnce() -> Verdict) {
    if answer.may_decide() && verdict() == Verdict::Block {
        answer.block();
    } else {
        answer.go_on();
    }
}
