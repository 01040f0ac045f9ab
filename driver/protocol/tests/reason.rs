//! The reasons of a refused opening have the numbers of the protocol, and nothing else is one.
#![allow(clippy::unwrap_used, reason = "tests")]

use divert_driver_protocol::{Code, DecodeError, FlagError, Reason, Refused, Reply};
use divert_vm::Layer;

const MINUS_30_001: u64 = 0xFFFF_FFFF_FFFF_8ACF;

/// Number, detail, reason, what is said. The numbers stay as they are.
const ALL: [(u32, u64, Reason, &str); 20] = [
    (1, 0, Reason::State, "the handle's state does not allow it"),
    (2, 30_001, Reason::Priority(30_001), "priority 30001 is outside -30000 to 30000"),
    (2, MINUS_30_001, Reason::Priority(-30_001), "priority -30001 is outside -30000 to 30000"),
    (3, 0x140, Reason::Flags(FlagError::Unknown(0x140)), "flags 0x140 do not exist"),
    (3, u64::MAX, Reason::Flags(FlagError::Unknown(u64::MAX)), "flags 0xffffffffffffffff do not exist"),
    (4, 0, Reason::Flags(FlagError::SniffAndDrop), "SNIFF and DROP exclude each other"),
    (5, 0, Reason::Flags(FlagError::ReceiveAndSendOnly), "RECV_ONLY and SEND_ONLY exclude each other"),
    (6, 2, Reason::Flags(FlagError::NeedsSniff(Layer::Flow)), "FLOW needs SNIFF"),
    (7, 3, Reason::Flags(FlagError::NeedsReceiveOnly(Layer::Socket)), "SOCKET needs RECV_ONLY"),
    (8, 0, Reason::Unreadable, "the program cannot be read"),
    (
        9,
        513,
        Reason::TooCostly(513),
        "a packet could cost the filter 513 steps, more than the driver accepts",
    ),
    (10, 0, Reason::Program, "the verifier refuses the program"),
    (11, 7, Reason::Instruction(7), "the verifier refuses instruction 7 of the program"),
    (12, 0, Reason::Set(0), "the verifier refuses set 0 of the program"),
    (13, 0, Reason::Layer(Layer::Network), "the filter is for NETWORK"),
    (13, 4, Reason::Layer(Layer::Reflect), "the filter is for REFLECT"),
    (14, 0, Reason::NoMemory, "memory is exhausted"),
    (15, 0, Reason::TooManyHandles, "too many handles are open"),
    (16, 0, Reason::EngineDisabled, "the filtering engine is disabled"),
    (
        17,
        0xC022_0001,
        Reason::EngineRefused(0xC022_0001),
        "the filtering engine refused with status 0xc0220001",
    ),
];

#[test]
fn reasons_have_their_numbers() {
    for (number, detail, reason, said) in ALL {
        assert_eq!(reason.parts(), (number, detail), "{reason:?}");
        assert_eq!(Reason::from_parts(number, detail), Ok(reason));
        assert_eq!(reason.to_string(), said);
        let reply = Reply::Refused(Refused { code: Code::InvalidParameter, reason: Some(reason) });
        let mut message = [0; 24];
        reply.encode(&mut message).unwrap();
        assert_eq!(message[12..16], number.to_le_bytes());
        assert_eq!(message[16..], detail.to_le_bytes());
        assert_eq!(Reply::decode(&message), Ok(reply));
    }
}

#[test]
fn nothing_else_is_a_reason() {
    for (number, detail, wanted) in [
        (0, 0, DecodeError::Number(0)),
        (18, 0, DecodeError::Number(18)),
        (u32::MAX, 0, DecodeError::Number(u32::MAX)),
        (2, 32_768, DecodeError::Reserved),
        (2, 0xFFFF_FFFF_FFFF_7FFF, DecodeError::Reserved),
        (6, 5, DecodeError::Number(5)),
        (7, 256, DecodeError::Reserved),
        (9, 1 << 32, DecodeError::Reserved),
        (12, 1 << 32, DecodeError::Reserved),
        (13, 255, DecodeError::Number(255)),
        (17, 1 << 32, DecodeError::Reserved),
    ] {
        assert_eq!(Reason::from_parts(number, detail), Err(wanted), "{number}, {detail}");
    }
    for number in [1, 4, 5, 8, 10, 14, 15, 16] {
        assert_eq!(Reason::from_parts(number, 1), Err(DecodeError::Reserved), "{number}");
    }
}

/// Where there is but a code, both numbers are 0; a detail of nothing is none.
#[test]
fn a_reason_may_be_missing() {
    let reply = Reply::Refused(Refused { code: Code::AccessDenied, reason: None });
    let mut message = [0xFF; 24];
    reply.encode(&mut message).unwrap();
    assert_eq!(message[12..], [0; 12]);
    assert_eq!(Reply::decode(&message), Ok(reply));
    message[16] = 1;
    assert_eq!(Reply::decode(&message), Err(DecodeError::Number(0)));
}
