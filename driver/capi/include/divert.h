/*
 * The C interface of the divert driver, compatible with WinDivert 2.2: a program written for that compiles with this
 * header and runs with the WinDivert.dll and divert64.sys of this project.
 *
 * A handle is a filter at a layer with a priority. What matches is received, changed at will, and sent on. Failing
 * functions return FALSE (WinDivertOpen: INVALID_HANDLE_VALUE) and set the last error.
 *
 * Filters are text of the filter language, or objects as WinDivertHelperCompileFilter writes them. Objects stand for the
 * filter wherever one is wanted, and are what a REFLECT handle receives for a handle that was opened with it.
 */
#ifndef DIVERT_H
#define DIVERT_H

#include <windows.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members without a name came with C11; compilers that have had them for longer are not to warn. */
#ifdef __GNUC__
#define DIVERT_UNNAMED_ __extension__
#else
#define DIVERT_UNNAMED_
#endif

#ifndef WINDIVERTEXPORT
#define WINDIVERTEXPORT __declspec(dllimport)
#endif

/* Where packets and events are seen. */
typedef enum {
    WINDIVERT_LAYER_NETWORK = 0,         /* packets from and to this machine */
    WINDIVERT_LAYER_NETWORK_FORWARD = 1, /* packets that pass through it */
    WINDIVERT_LAYER_FLOW = 2,            /* flows established and deleted */
    WINDIVERT_LAYER_SOCKET = 3,          /* operations of sockets */
    WINDIVERT_LAYER_REFLECT = 4          /* handles of this driver */
} WINDIVERT_LAYER, *PWINDIVERT_LAYER;

/* What happens there. */
typedef enum {
    WINDIVERT_EVENT_NETWORK_PACKET = 0,
    WINDIVERT_EVENT_FLOW_ESTABLISHED = 1,
    WINDIVERT_EVENT_FLOW_DELETED = 2,
    WINDIVERT_EVENT_SOCKET_BIND = 3,
    WINDIVERT_EVENT_SOCKET_CONNECT = 4,
    WINDIVERT_EVENT_SOCKET_LISTEN = 5,
    WINDIVERT_EVENT_SOCKET_ACCEPT = 6,
    WINDIVERT_EVENT_SOCKET_CLOSE = 7,
    WINDIVERT_EVENT_REFLECT_OPEN = 8,
    WINDIVERT_EVENT_REFLECT_CLOSE = 9
} WINDIVERT_EVENT, *PWINDIVERT_EVENT;

/* Flags of a handle. */
#define WINDIVERT_FLAG_SNIFF      0x0001 /* copy, do not block */
#define WINDIVERT_FLAG_DROP       0x0002 /* drop matches silently */
#define WINDIVERT_FLAG_RECV_ONLY  0x0004 /* it will not send */
#define WINDIVERT_FLAG_READ_ONLY  WINDIVERT_FLAG_RECV_ONLY
#define WINDIVERT_FLAG_SEND_ONLY  0x0008 /* it will not receive */
#define WINDIVERT_FLAG_WRITE_ONLY WINDIVERT_FLAG_SEND_ONLY
#define WINDIVERT_FLAG_NO_INSTALL 0x0010 /* fail with 1060 when the driver does not run */
#define WINDIVERT_FLAG_FRAGMENTS  0x0020 /* inbound: fragments instead of reassembled packets */

/* Handles of a higher priority see packets first. */
#define WINDIVERT_PRIORITY_HIGHEST 30000
#define WINDIVERT_PRIORITY_LOWEST  (-WINDIVERT_PRIORITY_HIGHEST)

/* Parameters of a handle. */
typedef enum {
    WINDIVERT_PARAM_QUEUE_LENGTH = 0,  /* packets that may wait */
    WINDIVERT_PARAM_QUEUE_TIME = 1,    /* milliseconds that a packet may wait at least */
    WINDIVERT_PARAM_QUEUE_SIZE = 2,    /* bytes that may wait */
    WINDIVERT_PARAM_VERSION_MAJOR = 3, /* read only */
    WINDIVERT_PARAM_VERSION_MINOR = 4  /* read only */
} WINDIVERT_PARAM, *PWINDIVERT_PARAM;
#define WINDIVERT_PARAM_MAX WINDIVERT_PARAM_VERSION_MINOR

#define WINDIVERT_PARAM_QUEUE_LENGTH_DEFAULT 4096
#define WINDIVERT_PARAM_QUEUE_LENGTH_MIN     32
#define WINDIVERT_PARAM_QUEUE_LENGTH_MAX     16384
#define WINDIVERT_PARAM_QUEUE_TIME_DEFAULT   2000
#define WINDIVERT_PARAM_QUEUE_TIME_MIN       100
#define WINDIVERT_PARAM_QUEUE_TIME_MAX       16000
#define WINDIVERT_PARAM_QUEUE_SIZE_DEFAULT   4194304
#define WINDIVERT_PARAM_QUEUE_SIZE_MIN       65535
#define WINDIVERT_PARAM_QUEUE_SIZE_MAX       33554432

/* What WinDivertShutdown ends. */
typedef enum {
    WINDIVERT_SHUTDOWN_RECV = 1,
    WINDIVERT_SHUTDOWN_SEND = 2,
    WINDIVERT_SHUTDOWN_BOTH = 3
} WINDIVERT_SHUTDOWN, *PWINDIVERT_SHUTDOWN;
#define WINDIVERT_SHUTDOWN_MAX WINDIVERT_SHUTDOWN_BOTH

#define WINDIVERT_BATCH_MAX 255          /* packets in one call */
#define WINDIVERT_MTU_MAX   (40 + 65535) /* bytes of one packet */

/*
 * The address record: 80 bytes. Addresses of flows and sockets are in the host's byte order, the least significant word
 * first; IPv4 addresses are mapped into IPv6.
 */
typedef struct {
    UINT32 IfIdx;
    UINT32 SubIfIdx;
} WINDIVERT_DATA_NETWORK, *PWINDIVERT_DATA_NETWORK;

typedef struct {
    UINT64 EndpointId;
    UINT64 ParentEndpointId;
    UINT32 ProcessId;
    UINT32 LocalAddr[4];
    UINT32 RemoteAddr[4];
    UINT16 LocalPort;
    UINT16 RemotePort;
    UINT8  Protocol;
} WINDIVERT_DATA_FLOW, *PWINDIVERT_DATA_FLOW;

typedef WINDIVERT_DATA_FLOW WINDIVERT_DATA_SOCKET, *PWINDIVERT_DATA_SOCKET;

typedef struct {
    INT64           Timestamp; /* when the handle was opened */
    UINT32          ProcessId; /* by which process */
    WINDIVERT_LAYER Layer;
    UINT64          Flags;
    INT16           Priority;
} WINDIVERT_DATA_REFLECT, *PWINDIVERT_DATA_REFLECT;

typedef struct {
    INT64  Timestamp; /* ticks of the performance counter */
    UINT32 Layer : 8;
    UINT32 Event : 8;
    UINT32 Sniffed : 1;     /* copied, not blocked */
    UINT32 Outbound : 1;    /* else inbound */
    UINT32 Loopback : 1;
    UINT32 Impostor : 1;    /* injected by another driver */
    UINT32 IPv6 : 1;        /* else IPv4 */
    UINT32 IPChecksum : 1;  /* valid; when sent: leave it alone */
    UINT32 TCPChecksum : 1;
    UINT32 UDPChecksum : 1;
    UINT32 Reserved1 : 8;
    UINT32 Reserved2;
    DIVERT_UNNAMED_ union {
        WINDIVERT_DATA_NETWORK Network;
        WINDIVERT_DATA_FLOW    Flow;
        WINDIVERT_DATA_SOCKET  Socket;
        WINDIVERT_DATA_REFLECT Reflect;
        UINT8                  Reserved3[64];
    };
} WINDIVERT_ADDRESS, *PWINDIVERT_ADDRESS;

/* ---- handles ---- */

WINDIVERTEXPORT HANDLE WINAPI WinDivertOpen(const char *filter, WINDIVERT_LAYER layer, INT16 priority, UINT64 flags);

/* Waits for a packet or event. Error 122: the packet is there in part. Error 232: shut down, and nothing is left. */
WINDIVERTEXPORT BOOL WINAPI WinDivertRecv(HANDLE handle, VOID *packet, UINT length, UINT *received,
                                          WINDIVERT_ADDRESS *address);

/* Receives as many as are there and fit; address_length: bytes of records, there and then filled. */
WINDIVERTEXPORT BOOL WINAPI WinDivertRecvEx(HANDLE handle, VOID *packet, UINT length, UINT *received, UINT64 flags,
                                            WINDIVERT_ADDRESS *address, UINT *address_length, LPOVERLAPPED overlapped);

WINDIVERTEXPORT BOOL WINAPI WinDivertSend(HANDLE handle, const VOID *packet, UINT length, UINT *sent,
                                          const WINDIVERT_ADDRESS *address);

WINDIVERTEXPORT BOOL WINAPI WinDivertSendEx(HANDLE handle, const VOID *packet, UINT length, UINT *sent, UINT64 flags,
                                            const WINDIVERT_ADDRESS *address, UINT address_length,
                                            LPOVERLAPPED overlapped);

WINDIVERTEXPORT BOOL WINAPI WinDivertShutdown(HANDLE handle, WINDIVERT_SHUTDOWN how);
WINDIVERTEXPORT BOOL WINAPI WinDivertClose(HANDLE handle);
WINDIVERTEXPORT BOOL WINAPI WinDivertSetParam(HANDLE handle, WINDIVERT_PARAM parameter, UINT64 value);
WINDIVERTEXPORT BOOL WINAPI WinDivertGetParam(HANDLE handle, WINDIVERT_PARAM parameter, UINT64 *value);

/* ---- packets ---- */

typedef struct {
    UINT8  HdrLength : 4; /* words of 32 bits */
    UINT8  Version : 4;
    UINT8  TOS;
    UINT16 Length;
    UINT16 Id;
    UINT16 FragOff0;
    UINT8  TTL;
    UINT8  Protocol;
    UINT16 Checksum;
    UINT32 SrcAddr;
    UINT32 DstAddr;
} WINDIVERT_IPHDR, *PWINDIVERT_IPHDR;

typedef struct {
    UINT8  TrafficClass0 : 4;
    UINT8  Version : 4;
    UINT8  FlowLabel0 : 4;
    UINT8  TrafficClass1 : 4;
    UINT16 FlowLabel1;
    UINT16 Length;
    UINT8  NextHdr;
    UINT8  HopLimit;
    UINT32 SrcAddr[4];
    UINT32 DstAddr[4];
} WINDIVERT_IPV6HDR, *PWINDIVERT_IPV6HDR;

typedef struct {
    UINT8  Type;
    UINT8  Code;
    UINT16 Checksum;
    UINT32 Body;
} WINDIVERT_ICMPHDR, *PWINDIVERT_ICMPHDR;

typedef WINDIVERT_ICMPHDR WINDIVERT_ICMPV6HDR, *PWINDIVERT_ICMPV6HDR;

typedef struct {
    UINT16 SrcPort;
    UINT16 DstPort;
    UINT32 SeqNum;
    UINT32 AckNum;
    UINT16 Reserved1 : 4;
    UINT16 HdrLength : 4; /* words of 32 bits */
    UINT16 Fin : 1;
    UINT16 Syn : 1;
    UINT16 Rst : 1;
    UINT16 Psh : 1;
    UINT16 Ack : 1;
    UINT16 Urg : 1;
    UINT16 Reserved2 : 2;
    UINT16 Window;
    UINT16 Checksum;
    UINT16 UrgPtr;
} WINDIVERT_TCPHDR, *PWINDIVERT_TCPHDR;

typedef struct {
    UINT16 SrcPort;
    UINT16 DstPort;
    UINT16 Length;
    UINT16 Checksum;
} WINDIVERT_UDPHDR, *PWINDIVERT_UDPHDR;

/* Parts of words, as they lie in the packet (network byte order) on a little-endian machine. */
#define WINDIVERT_IPHDR_GET_FRAGOFF(header)  ((header)->FragOff0 & 0xFF1F)
#define WINDIVERT_IPHDR_GET_MF(header)       (((header)->FragOff0 & 0x0020) != 0)
#define WINDIVERT_IPHDR_GET_DF(header)       (((header)->FragOff0 & 0x0040) != 0)
#define WINDIVERT_IPHDR_GET_RESERVED(header) (((header)->FragOff0 & 0x0080) != 0)
#define WINDIVERT_IPHDR_SET_BITS_(header, mask, bits) \
    ((header)->FragOff0 = (UINT16)(((header)->FragOff0 & ~(mask)) | ((bits) & (mask))))
#define WINDIVERT_IPHDR_SET_FRAGOFF(header, value)  WINDIVERT_IPHDR_SET_BITS_(header, 0xFF1F, value)
#define WINDIVERT_IPHDR_SET_MF(header, value)       WINDIVERT_IPHDR_SET_BITS_(header, 0x0020, ((value) & 1) << 5)
#define WINDIVERT_IPHDR_SET_DF(header, value)       WINDIVERT_IPHDR_SET_BITS_(header, 0x0040, ((value) & 1) << 6)
#define WINDIVERT_IPHDR_SET_RESERVED(header, value) WINDIVERT_IPHDR_SET_BITS_(header, 0x0080, ((value) & 1) << 7)

#define WINDIVERT_IPV6HDR_GET_TRAFFICCLASS(header) ((UINT8)(((header)->TrafficClass0 << 4) | (header)->TrafficClass1))
#define WINDIVERT_IPV6HDR_GET_FLOWLABEL(header)    ((UINT32)(((header)->FlowLabel0 << 16) | (header)->FlowLabel1))
#define WINDIVERT_IPV6HDR_SET_TRAFFICCLASS(header, value)          \
    do {                                                           \
        (header)->TrafficClass0 = (UINT8)((value) >> 4) & 0x0F;    \
        (header)->TrafficClass1 = (UINT8)(value) & 0x0F;           \
    } while (0)
#define WINDIVERT_IPV6HDR_SET_FLOWLABEL(header, value)             \
    do {                                                           \
        (header)->FlowLabel0 = (UINT8)((value) >> 16) & 0x0F;      \
        (header)->FlowLabel1 = (UINT16)(value);                    \
    } while (0)

/* Where the parts of a packet are. Every place may be null; a part that is not there is null. */
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperParsePacket(const VOID *packet, UINT length, PWINDIVERT_IPHDR *ip,
                                                       PWINDIVERT_IPV6HDR *ipv6, UINT8 *protocol,
                                                       PWINDIVERT_ICMPHDR *icmp, PWINDIVERT_ICMPV6HDR *icmpv6,
                                                       PWINDIVERT_TCPHDR *tcp, PWINDIVERT_UDPHDR *udp, PVOID *data,
                                                       UINT *data_length, PVOID *next, UINT *next_length);

WINDIVERTEXPORT UINT64 WINAPI WinDivertHelperHashPacket(const VOID *packet, UINT length, UINT64 seed
#ifdef __cplusplus
                                                                                            = 0
#endif
);

#define WINDIVERT_HELPER_NO_IP_CHECKSUM     1
#define WINDIVERT_HELPER_NO_ICMP_CHECKSUM   2
#define WINDIVERT_HELPER_NO_ICMPV6_CHECKSUM 4
#define WINDIVERT_HELPER_NO_TCP_CHECKSUM    8
#define WINDIVERT_HELPER_NO_UDP_CHECKSUM    16

/* Writes checksums, and says in the address (which may be null) which are valid now. */
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperCalcChecksums(VOID *packet, UINT length, WINDIVERT_ADDRESS *address,
                                                         UINT64 flags);

/* FALSE, with nothing changed, when it is 0 or 1 already. */
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperDecrementTTL(VOID *packet, UINT length);

/* ---- filters ---- */

/* error is a static text; position is in bytes. All but the filter and the layer may be null. */
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperCompileFilter(const char *filter, WINDIVERT_LAYER layer, char *object,
                                                         UINT length, const char **error, UINT *position);

/* FALSE with last error 0 when it does not match. */
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperEvalFilter(const char *filter, const VOID *packet, UINT length,
                                                      const WINDIVERT_ADDRESS *address);

WINDIVERTEXPORT BOOL WINAPI WinDivertHelperFormatFilter(const char *filter, WINDIVERT_LAYER layer, char *buffer,
                                                        UINT length);

/* ---- addresses and byte order ---- */

WINDIVERTEXPORT BOOL WINAPI WinDivertHelperParseIPv4Address(const char *text, UINT32 *address);
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperParseIPv6Address(const char *text, UINT32 *address);
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperFormatIPv4Address(UINT32 address, char *buffer, UINT length);
WINDIVERTEXPORT BOOL WINAPI WinDivertHelperFormatIPv6Address(const UINT32 *address, char *buffer, UINT length);

WINDIVERTEXPORT UINT16 WINAPI WinDivertHelperNtohs(UINT16 number);
WINDIVERTEXPORT UINT16 WINAPI WinDivertHelperHtons(UINT16 number);
WINDIVERTEXPORT UINT32 WINAPI WinDivertHelperNtohl(UINT32 number);
WINDIVERTEXPORT UINT32 WINAPI WinDivertHelperHtonl(UINT32 number);
WINDIVERTEXPORT UINT64 WINAPI WinDivertHelperNtohll(UINT64 number);
WINDIVERTEXPORT UINT64 WINAPI WinDivertHelperHtonll(UINT64 number);
WINDIVERTEXPORT VOID WINAPI WinDivertHelperNtohIPv6Address(const UINT *from, UINT *to);
WINDIVERTEXPORT VOID WINAPI WinDivertHelperHtonIPv6Address(const UINT *from, UINT *to);
/* The old spellings. */
WINDIVERTEXPORT VOID WINAPI WinDivertHelperNtohIpv6Address(const UINT *from, UINT *to);
WINDIVERTEXPORT VOID WINAPI WinDivertHelperHtonIpv6Address(const UINT *from, UINT *to);

#ifdef __cplusplus
}
#endif

#endif
