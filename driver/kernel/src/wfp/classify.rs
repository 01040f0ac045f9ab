//! A callout is asked: by the layer, it is about packets, a socket, or a flow. Up to DISPATCH_LEVEL.
//!
//! Other drivers may have been asked before. What they have dropped for good is shown to nobody: it is not there any more,
//! and who has it may send it on, as an impostor. What they have let through for good is shown to those who sniff; to take
//! it would be a veto, which the platform reserves for callouts that mean to overrule the other.

use divert_driver_core::{Verdict, WfpLayer};
use divert_vm::Event;

use super::callouts::TABLE;
use super::packets::{self, Way};
use super::{endpoint, flow};
use crate::platform::DRIVER;
use crate::sys::call::{Answer, Decided, Question};

/// The callout of a row of the table is asked.
pub(crate) fn asked(row: usize, question: &Question<'_>, answer: &mut Answer<'_>) {
    let (Some(entry), Some(driver)) = (TABLE.get(row), DRIVER.get()) else { return };
    let ipv6 = entry.ipv6;
    let decided = answer.decided();
    let socket = |event| endpoint::socket(driver, event, entry.layer, ipv6, question, decided);
    let verdict = match entry.layer {
        WfpLayer::InboundIpPacket => packets::take(driver, Way::In, ipv6, question, decided),
        WfpLayer::OutboundIpPacket => packets::take(driver, Way::Out, ipv6, question, decided),
        WfpLayer::IpForward => packets::take(driver, Way::Through, ipv6, question, decided),
        WfpLayer::AleFlowEstablished => {
            flow::established(driver, row, ipv6, question);
            Verdict::LetGo
        }
        WfpLayer::AleResourceAssignment => socket(Event::SocketBind),
        WfpLayer::AleAuthConnect => socket(Event::SocketConnect),
        WfpLayer::AleAuthListen => socket(Event::SocketListen),
        WfpLayer::AleAuthRecvAccept => socket(Event::SocketAccept),
        // Nothing can keep a socket from closing, and nobody be kept from seeing it.
        WfpLayer::AleResourceRelease | WfpLayer::AleEndpointClosure => {
            let _ = endpoint::socket(driver, Event::SocketClose, entry.layer, ipv6, question, Decided::No);
            Verdict::LetGo
        }
    };
    match (verdict, entry.layer) {
        (Verdict::LetGo, _) => answer.go_on(),
        (Verdict::Block, WfpLayer::InboundIpPacket | WfpLayer::OutboundIpPacket | WfpLayer::IpForward) => {
            answer.take();
        }
        (Verdict::Block, _) => answer.block(),
    }
}
