//! Layers and their fields, as far as the driver uses them.
//!
//! The numbers of layers up to ALE_FLOW_ESTABLISHED are those of Windows Vista and later. Those of ALE_RESOURCE_RELEASE
//! and ALE_ENDPOINT_CLOSURE depend on the version and are not declared: a callout that serves several layers is to tell
//! them apart by the `rawContext` of its filter (or by having a function for each), and takes `layerId` from what it is
//! given where it needs one. The fields of the IPv4 and the IPv6 form of a layer have the same numbers.

use crate::wdm::GUID;

pub const FWPS_LAYER_INBOUND_IPPACKET_V4: u16 = 0;
pub const FWPS_LAYER_INBOUND_IPPACKET_V6: u16 = 2;
pub const FWPS_LAYER_OUTBOUND_IPPACKET_V4: u16 = 4;
pub const FWPS_LAYER_OUTBOUND_IPPACKET_V6: u16 = 6;
pub const FWPS_LAYER_IPFORWARD_V4: u16 = 8;
pub const FWPS_LAYER_IPFORWARD_V6: u16 = 10;
pub const FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4: u16 = 36;
pub const FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6: u16 = 38;
pub const FWPS_LAYER_ALE_AUTH_LISTEN_V4: u16 = 40;
pub const FWPS_LAYER_ALE_AUTH_LISTEN_V6: u16 = 42;
pub const FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4: u16 = 44;
pub const FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6: u16 = 46;
pub const FWPS_LAYER_ALE_AUTH_CONNECT_V4: u16 = 48;
pub const FWPS_LAYER_ALE_AUTH_CONNECT_V6: u16 = 50;
pub const FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4: u16 = 52;
pub const FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6: u16 = 54;

pub const FWPM_LAYER_INBOUND_IPPACKET_V4: GUID = GUID::from_u128(0xc86fd1bf_21cd_497e_a0bb_17425c885c58);
pub const FWPM_LAYER_INBOUND_IPPACKET_V6: GUID = GUID::from_u128(0xf52032cb_991c_46e7_971d_2601459a91ca);
pub const FWPM_LAYER_OUTBOUND_IPPACKET_V4: GUID = GUID::from_u128(0x1e5c9fae_8a84_4135_a331_950b54229ecd);
pub const FWPM_LAYER_OUTBOUND_IPPACKET_V6: GUID = GUID::from_u128(0xa3b3ab6b_3564_488c_9117_f34e82142763);
pub const FWPM_LAYER_IPFORWARD_V4: GUID = GUID::from_u128(0xa82acc24_4ee1_4ee1_b465_fd1d25cb10a4);
pub const FWPM_LAYER_IPFORWARD_V6: GUID = GUID::from_u128(0x7b964818_19c7_493a_b71f_832c3684d28c);
pub const FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4: GUID =
    GUID::from_u128(0x1247d66d_0b60_4a15_8d44_7155d0f53a0c);
pub const FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V6: GUID =
    GUID::from_u128(0x55a650e1_5f0a_4eca_a653_88f53b26aa8c);
pub const FWPM_LAYER_ALE_AUTH_LISTEN_V4: GUID = GUID::from_u128(0x88bb5dad_76d7_4227_9c71_df0a3ed7be7e);
pub const FWPM_LAYER_ALE_AUTH_LISTEN_V6: GUID = GUID::from_u128(0x7ac9de24_17dd_4814_b4bd_a9fbc95a321b);
pub const FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4: GUID = GUID::from_u128(0xe1cd9fe7_f4b5_4273_96c0_592e487b8650);
pub const FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6: GUID = GUID::from_u128(0xa3b42c97_9f04_4672_b87e_cee9c483257f);
pub const FWPM_LAYER_ALE_AUTH_CONNECT_V4: GUID = GUID::from_u128(0xc38d57d1_05a7_4c33_904f_7fbceee60e82);
pub const FWPM_LAYER_ALE_AUTH_CONNECT_V6: GUID = GUID::from_u128(0x4a72393b_319f_44bc_84c3_ba54dcb3b6b4);
pub const FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4: GUID = GUID::from_u128(0xaf80470a_5596_4c13_9992_539e6fe57967);
pub const FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6: GUID = GUID::from_u128(0x7021d2b3_dfa4_406e_afeb_6afaf7e70efd);
pub const FWPM_LAYER_ALE_RESOURCE_RELEASE_V4: GUID = GUID::from_u128(0x74365cce_ccb0_401a_bfc1_b89934ad7e15);
pub const FWPM_LAYER_ALE_RESOURCE_RELEASE_V6: GUID = GUID::from_u128(0xf4e5ce80_edcc_4e13_8a2f_b91454bb057b);
pub const FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4: GUID = GUID::from_u128(0xb4766427_e2a2_467a_bd7e_dbcd1bd85a09);
pub const FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6: GUID = GUID::from_u128(0xbb536ccd_4755_4ba9_9ff7_f9edf8699c7b);

/// Fields of INBOUND_IPPACKET.
pub mod FWPS_FIELDS_INBOUND_IPPACKET {
    pub const IP_LOCAL_ADDRESS: usize = 0;
    pub const IP_REMOTE_ADDRESS: usize = 1;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 2;
    pub const IP_LOCAL_INTERFACE: usize = 3;
    pub const INTERFACE_INDEX: usize = 4;
    pub const SUB_INTERFACE_INDEX: usize = 5;
    pub const FLAGS: usize = 6;
    /// How many Windows 7 has.
    pub const COUNT: usize = 9;
}

/// Fields of OUTBOUND_IPPACKET.
pub mod FWPS_FIELDS_OUTBOUND_IPPACKET {
    pub const IP_LOCAL_ADDRESS: usize = 0;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 1;
    pub const IP_REMOTE_ADDRESS: usize = 2;
    pub const IP_LOCAL_INTERFACE: usize = 3;
    pub const INTERFACE_INDEX: usize = 4;
    pub const SUB_INTERFACE_INDEX: usize = 5;
    pub const FLAGS: usize = 6;
    /// How many Windows 7 has.
    pub const COUNT: usize = 9;
}

/// Fields of IPFORWARD.
pub mod FWPS_FIELDS_IPFORWARD {
    pub const IP_SOURCE_ADDRESS: usize = 0;
    pub const IP_DESTINATION_ADDRESS: usize = 1;
    pub const IP_DESTINATION_ADDRESS_TYPE: usize = 2;
    pub const IP_LOCAL_INTERFACE: usize = 3;
    pub const IP_FORWARD_INTERFACE: usize = 4;
    pub const SOURCE_INTERFACE_INDEX: usize = 5;
    pub const SOURCE_SUB_INTERFACE_INDEX: usize = 6;
    pub const DESTINATION_INTERFACE_INDEX: usize = 7;
    pub const DESTINATION_SUB_INTERFACE_INDEX: usize = 8;
    pub const FLAGS: usize = 9;
    /// How many Windows 7 has.
    pub const COUNT: usize = 14;
}

/// Fields of ALE_RESOURCE_ASSIGNMENT.
pub mod FWPS_FIELDS_ALE_RESOURCE_ASSIGNMENT {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const ALE_PROMISCUOUS_MODE: usize = 6;
    pub const IP_LOCAL_INTERFACE: usize = 7;
    pub const FLAGS: usize = 8;
    pub const COUNT: usize = 13;
}

/// Fields of ALE_RESOURCE_RELEASE.
pub mod FWPS_FIELDS_ALE_RESOURCE_RELEASE {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const IP_LOCAL_INTERFACE: usize = 6;
    pub const FLAGS: usize = 7;
    pub const COUNT: usize = 8;
}

/// Fields of ALE_ENDPOINT_CLOSURE.
pub mod FWPS_FIELDS_ALE_ENDPOINT_CLOSURE {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const IP_REMOTE_ADDRESS: usize = 6;
    pub const IP_REMOTE_PORT: usize = 7;
    pub const IP_LOCAL_INTERFACE: usize = 8;
    pub const FLAGS: usize = 9;
    pub const COUNT: usize = 10;
}

/// Fields of ALE_AUTH_LISTEN; all its sockets are TCP.
pub mod FWPS_FIELDS_ALE_AUTH_LISTEN {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_LOCAL_INTERFACE: usize = 5;
    pub const FLAGS: usize = 6;
    pub const COUNT: usize = 11;
}

/// Fields of ALE_AUTH_RECV_ACCEPT.
pub mod FWPS_FIELDS_ALE_AUTH_RECV_ACCEPT {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const IP_REMOTE_ADDRESS: usize = 6;
    pub const IP_REMOTE_PORT: usize = 7;
    pub const ALE_REMOTE_USER_ID: usize = 8;
    pub const ALE_REMOTE_MACHINE_ID: usize = 9;
    pub const IP_LOCAL_INTERFACE: usize = 10;
    pub const FLAGS: usize = 11;
    pub const COUNT: usize = 32;
}

/// Fields of ALE_AUTH_CONNECT.
pub mod FWPS_FIELDS_ALE_AUTH_CONNECT {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const IP_REMOTE_ADDRESS: usize = 6;
    pub const IP_REMOTE_PORT: usize = 7;
    pub const ALE_REMOTE_USER_ID: usize = 8;
    pub const ALE_REMOTE_MACHINE_ID: usize = 9;
    pub const IP_DESTINATION_ADDRESS_TYPE: usize = 10;
    pub const IP_LOCAL_INTERFACE: usize = 11;
    pub const FLAGS: usize = 12;
    pub const COUNT: usize = 32;
}

/// Fields of ALE_FLOW_ESTABLISHED.
pub mod FWPS_FIELDS_ALE_FLOW_ESTABLISHED {
    pub const ALE_APP_ID: usize = 0;
    pub const ALE_USER_ID: usize = 1;
    pub const IP_LOCAL_ADDRESS: usize = 2;
    pub const IP_LOCAL_ADDRESS_TYPE: usize = 3;
    pub const IP_LOCAL_PORT: usize = 4;
    pub const IP_PROTOCOL: usize = 5;
    pub const IP_REMOTE_ADDRESS: usize = 6;
    pub const IP_REMOTE_PORT: usize = 7;
    pub const ALE_REMOTE_USER_ID: usize = 8;
    pub const ALE_REMOTE_MACHINE_ID: usize = 9;
    pub const IP_DESTINATION_ADDRESS_TYPE: usize = 10;
    pub const IP_LOCAL_INTERFACE: usize = 11;
    /// [`FWP_DIRECTION`](crate::wfp::value::FWP_DIRECTION) as `FWP_UINT32`.
    pub const DIRECTION: usize = 12;
    pub const INTERFACE_TYPE: usize = 13;
    pub const TUNNEL_TYPE: usize = 14;
    pub const FLAGS: usize = 15;
    pub const COUNT: usize = 16;
}
