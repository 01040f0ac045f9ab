//! A callout is asked: by the layer, it is about packets, a socket, or a flow. Up to DISPATCH_LEVEL.

use divert_driver_core::{Verdict, WfpLayer};
use divert_vm::Event;

use super::callouts::TABLE;
use super::{endpoint, flow, packets};
use crate::platform::DRIVER;
use crate::sys::call::{Answer, Question};

/// The callout of a row of the table is asked.
pub(crate) fn asked(row: usize, question: &Question<'_>, answer: &mut Answer<'_>) {
    let (Some(entry), Some(driver)) = (TABLE.get(row), DRIVER.get()) else { return };
    let ipv6 = entry.ipv6;
    let socket = |event| endpoint::socket(driver, event, entry.layer, ipv6, question);
    match entry.layer {
        WfpLayer::InboundIpPacket | WfpLayer::OutboundIpPacket | WfpLayer::IpForward => {
            // Who was asked before has decided: what it dropped is not here to be taken, nor what it let through.
            if answer.may_decide() && packets::take(driver, entry.layer, ipv6, question) == Verdict::Block {
                answer.take();
            } else {
                answer.go_on();
            }
        }
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

fn decide(answer: &mut Answer<'_>, verdict: impl FnOnce() -> Verdict) {
    if answer.may_decide() && verdict() == Verdict::Block {
        answer.block();
    } else {
        answer.go_on();
    }
}
