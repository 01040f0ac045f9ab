//! Management types, identifiers and flags of the filtering platform agree with those of windows-sys.

use std::mem::{align_of, size_of};

use divert_driver_abi::{wdm, wfp};
use windows_sys::Win32::Foundation as foundation;
use windows_sys::Win32::NetworkManagement::WindowsFilteringPlatform as theirs;

/// Sizes, alignments and offsets; members are given as `ours` or as `ours = theirs`.
macro_rules! same {
    ($name:ident { $($ours:ident $(= $their:ident)?),* $(,)? }) => {
        assert_eq!(size_of::<wfp::$name>(), size_of::<theirs::$name>(), stringify!($name));
        assert_eq!(align_of::<wfp::$name>(), align_of::<theirs::$name>(), stringify!($name));
        $(same!(@member $name, $ours $(= $their)?);)*
    };
    (@member $name:ident, $ours:ident = $their:ident) => {
        assert_eq!(
            std::mem::offset_of!(wfp::$name, $ours),
            std::mem::offset_of!(theirs::$name, $their),
            concat!(stringify!($name), ".", stringify!($ours)),
        );
    };
    (@member $name:ident, $ours:ident) => { same!(@member $name, $ours = $ours); };
}

#[test]
fn layouts() {
    same!(FWP_BYTE_BLOB { size, data });
    same!(FWP_BYTE_ARRAY16 { byteArray16 });
    same!(FWP_VALUE0 { r#type, u = Anonymous });
    same!(FWP_CONDITION_VALUE0 { r#type, u = Anonymous });
    same!(FWPM_DISPLAY_DATA0 { name, description });
    same!(FWPM_SESSION0 {
        sessionKey,
        displayData,
        flags,
        txnWaitTimeoutInMSec,
        processId,
        sid,
        username,
        kernelMode
    });
    same!(FWPM_PROVIDER0 { providerKey, displayData, flags, providerData, serviceName });
    same!(FWPM_SUBLAYER0 { subLayerKey, displayData, flags, providerKey, providerData, weight });
    same!(FWPM_CALLOUT0 {
        calloutKey,
        displayData,
        flags,
        providerKey,
        providerData,
        applicableLayer,
        calloutId
    });
    same!(FWPM_FILTER_CONDITION0 { fieldKey, matchType, conditionValue });
    same!(FWPM_ACTION0 { r#type, calloutKey = Anonymous });
    same!(FWPM_FILTER0 {
        filterKey, displayData, flags, providerKey, providerData, layerKey, subLayerKey, weight, numFilterConditions,
        filterCondition, action, u = Anonymous, reserved, filterId, effectiveWeight
    });
}

/// Constants of one name and one value.
macro_rules! equal {
    ($from:ident: $($name:ident),* $(,)?) => {
        $(assert_eq!(i64::from(wfp::$name), i64::from($from::$name), stringify!($name));)*
    };
}

#[test]
fn constants() {
    equal!(theirs:
        FWP_EMPTY, FWP_UINT8, FWP_UINT16, FWP_UINT32, FWP_UINT64, FWP_BYTE_ARRAY16_TYPE, FWP_BYTE_BLOB_TYPE, FWP_SID,
        FWP_MATCH_EQUAL, FWP_MATCH_FLAGS_ALL_SET, FWP_MATCH_FLAGS_ANY_SET, FWP_MATCH_FLAGS_NONE_SET,
        FWP_DIRECTION_OUTBOUND, FWP_DIRECTION_INBOUND,
        FWP_CONDITION_FLAG_IS_LOOPBACK, FWP_CONDITION_FLAG_IS_IPSEC_SECURED, FWP_CONDITION_FLAG_IS_REAUTHORIZE,
        FWP_CONDITION_FLAG_IS_WILDCARD_BIND, FWP_CONDITION_FLAG_IS_RAW_ENDPOINT, FWP_CONDITION_FLAG_IS_FRAGMENT,
        FWP_CONDITION_FLAG_IS_FRAGMENT_GROUP, FWP_CONDITION_FLAG_IS_IMPLICIT_BIND, FWP_CONDITION_FLAG_IS_REASSEMBLED,
        FWP_CONDITION_FLAG_IS_RECLASSIFY, FWP_CONDITION_FLAG_IS_OUTBOUND_PASS_THRU,
        FWP_CONDITION_FLAG_IS_INBOUND_PASS_THRU,
        FWP_ACTION_FLAG_TERMINATING, FWP_ACTION_FLAG_NON_TERMINATING, FWP_ACTION_FLAG_CALLOUT, FWP_ACTION_BLOCK,
        FWP_ACTION_PERMIT, FWP_ACTION_CALLOUT_TERMINATING, FWP_ACTION_CALLOUT_INSPECTION, FWP_ACTION_CALLOUT_UNKNOWN,
        FWP_ACTION_CONTINUE, FWP_ACTION_NONE, FWP_ACTION_NONE_NO_MATCH,
        FWPS_RIGHT_ACTION_WRITE, FWPS_CLASSIFY_OUT_FLAG_ABSORB,
        FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT, FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED,
        FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW, FWP_CALLOUT_FLAG_ALLOW_OFFLOAD,
        FWPM_SESSION_FLAG_DYNAMIC, FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT,
        FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED,
        FWPS_METADATA_FIELD_DISCARD_REASON, FWPS_METADATA_FIELD_FLOW_HANDLE, FWPS_METADATA_FIELD_IP_HEADER_SIZE,
        FWPS_METADATA_FIELD_PROCESS_PATH, FWPS_METADATA_FIELD_TOKEN, FWPS_METADATA_FIELD_PROCESS_ID,
        FWPS_METADATA_FIELD_SYSTEM_FLAGS, FWPS_METADATA_FIELD_RESERVED,
        FWPS_METADATA_FIELD_SOURCE_INTERFACE_INDEX, FWPS_METADATA_FIELD_DESTINATION_INTERFACE_INDEX,
        FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE, FWPS_METADATA_FIELD_COMPARTMENT_ID,
        FWPS_METADATA_FIELD_FRAGMENT_DATA, FWPS_METADATA_FIELD_PATH_MTU, FWPS_METADATA_FIELD_COMPLETION_HANDLE,
        FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE, FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA,
        FWPS_METADATA_FIELD_REMOTE_SCOPE_ID, FWPS_METADATA_FIELD_PACKET_DIRECTION,
        FWPS_METADATA_FIELD_PACKET_SYSTEM_CRITICAL, FWPS_METADATA_FIELD_FORWARD_LAYER_OUTBOUND_PASS_THRU,
        FWPS_METADATA_FIELD_FORWARD_LAYER_INBOUND_PASS_THRU, FWPS_METADATA_FIELD_ALE_CLASSIFY_REQUIRED,
        FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER, FWPS_METADATA_FIELD_DESTINATION_PREFIX,
        FWPS_METADATA_FIELD_ETHER_FRAME_LENGTH, FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE,
        FWPS_METADATA_FIELD_ICMP_ID_AND_SEQUENCE, FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID,
        FWPS_METADATA_FIELD_ORIGINAL_DESTINATION, FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE,
        FWPS_METADATA_FIELD_SUB_PROCESS_TAG,
    );
    equal!(foundation:
        STATUS_FWP_CALLOUT_NOT_FOUND, STATUS_FWP_FILTER_NOT_FOUND, STATUS_FWP_LAYER_NOT_FOUND,
        STATUS_FWP_PROVIDER_NOT_FOUND, STATUS_FWP_SUBLAYER_NOT_FOUND, STATUS_FWP_NOT_FOUND, STATUS_FWP_ALREADY_EXISTS,
        STATUS_FWP_IN_USE, STATUS_FWP_NO_TXN_IN_PROGRESS, STATUS_FWP_TXN_IN_PROGRESS, STATUS_FWP_TXN_ABORTED,
        STATUS_FWP_INCOMPATIBLE_LAYER, STATUS_FWP_NULL_POINTER, STATUS_FWP_NULL_DISPLAY_NAME,
        STATUS_FWP_INVALID_ACTION_TYPE, STATUS_FWP_INVALID_WEIGHT, STATUS_FWP_TCPIP_NOT_READY,
        STATUS_FWP_INJECT_HANDLE_CLOSING, STATUS_FWP_INJECT_HANDLE_STALE, RPC_NT_SERVER_UNAVAILABLE,
    );
}

#[test]
fn layers() {
    fn number(guid: wdm::GUID) -> (u32, u16, u16, [u8; 8]) {
        (guid.Data1, guid.Data2, guid.Data3, guid.Data4)
    }
    macro_rules! layer {
        ($($name:ident),* $(,)?) => {
            $({
                let their = theirs::$name;
                assert_eq!(
                    number(wfp::$name),
                    (their.data1, their.data2, their.data3, their.data4),
                    stringify!($name),
                );
            })*
        };
    }
    layer!(
        FWPM_LAYER_INBOUND_IPPACKET_V4,
        FWPM_LAYER_INBOUND_IPPACKET_V6,
        FWPM_LAYER_OUTBOUND_IPPACKET_V4,
        FWPM_LAYER_OUTBOUND_IPPACKET_V6,
        FWPM_LAYER_IPFORWARD_V4,
        FWPM_LAYER_IPFORWARD_V6,
        FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
        FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V6,
        FWPM_LAYER_ALE_AUTH_LISTEN_V4,
        FWPM_LAYER_ALE_AUTH_LISTEN_V6,
        FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
        FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
        FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        FWPM_LAYER_ALE_AUTH_CONNECT_V6,
        FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4,
        FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6,
        FWPM_LAYER_ALE_RESOURCE_RELEASE_V4,
        FWPM_LAYER_ALE_RESOURCE_RELEASE_V6,
        FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4,
        FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6,
    );
}
