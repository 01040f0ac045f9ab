//! Statuses of the engine in kernel mode.

use crate::wdm::NTSTATUS;

const fn status(bits: u32) -> NTSTATUS {
    bits.cast_signed()
}

pub const STATUS_FWP_CALLOUT_NOT_FOUND: NTSTATUS = status(0xC022_0001);
pub const STATUS_FWP_FILTER_NOT_FOUND: NTSTATUS = status(0xC022_0003);
pub const STATUS_FWP_LAYER_NOT_FOUND: NTSTATUS = status(0xC022_0004);
pub const STATUS_FWP_PROVIDER_NOT_FOUND: NTSTATUS = status(0xC022_0005);
pub const STATUS_FWP_SUBLAYER_NOT_FOUND: NTSTATUS = status(0xC022_0007);
pub const STATUS_FWP_NOT_FOUND: NTSTATUS = status(0xC022_0008);
pub const STATUS_FWP_ALREADY_EXISTS: NTSTATUS = status(0xC022_0009);
pub const STATUS_FWP_IN_USE: NTSTATUS = status(0xC022_000A);
pub const STATUS_FWP_NO_TXN_IN_PROGRESS: NTSTATUS = status(0xC022_000D);
pub const STATUS_FWP_TXN_IN_PROGRESS: NTSTATUS = status(0xC022_000E);
pub const STATUS_FWP_TXN_ABORTED: NTSTATUS = status(0xC022_000F);
pub const STATUS_FWP_INCOMPATIBLE_LAYER: NTSTATUS = status(0xC022_0014);
pub const STATUS_FWP_NULL_POINTER: NTSTATUS = status(0xC022_001C);
pub const STATUS_FWP_NULL_DISPLAY_NAME: NTSTATUS = status(0xC022_0023);
pub const STATUS_FWP_INVALID_ACTION_TYPE: NTSTATUS = status(0xC022_0024);
pub const STATUS_FWP_INVALID_WEIGHT: NTSTATUS = status(0xC022_0025);
/// The filtering engine runs no more, or does not run yet.
pub const STATUS_FWP_TCPIP_NOT_READY: NTSTATUS = status(0xC022_0100);
pub const STATUS_FWP_INJECT_HANDLE_CLOSING: NTSTATUS = status(0xC022_0101);
pub const STATUS_FWP_INJECT_HANDLE_STALE: NTSTATUS = status(0xC022_0102);
/// `RPC_S_SERVER_UNAVAILABLE` in kernel mode: the base filtering engine is disabled.
pub const RPC_NT_SERVER_UNAVAILABLE: NTSTATUS = status(0xC002_0017);
