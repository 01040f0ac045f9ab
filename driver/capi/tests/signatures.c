/*
 * What reference sections 3 and 8 say of types and signatures, as the header has them: compiled as C and as C++, with
 * all warnings, and linked against the library's import library so that every name is exported. It runs, and says "ok".
 */
#include "windivert.h"

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
#define ASSERT(what) static_assert(what, #what)
#else
#define ASSERT(what) _Static_assert(what, #what)
#endif

/* Section 3: the address record. */
ASSERT(sizeof(WINDIVERT_ADDRESS) == 80);
ASSERT(offsetof(WINDIVERT_ADDRESS, Timestamp) == 0);
ASSERT(offsetof(WINDIVERT_ADDRESS, Reserved2) == 12);
ASSERT(offsetof(WINDIVERT_ADDRESS, Network) == 16);
ASSERT(offsetof(WINDIVERT_ADDRESS, Flow) == 16 && offsetof(WINDIVERT_ADDRESS, Socket) == 16);
ASSERT(offsetof(WINDIVERT_ADDRESS, Reflect) == 16);
ASSERT(offsetof(WINDIVERT_DATA_NETWORK, SubIfIdx) == 4);
ASSERT(offsetof(WINDIVERT_DATA_FLOW, ParentEndpointId) == 8);
ASSERT(offsetof(WINDIVERT_DATA_FLOW, ProcessId) == 16);
ASSERT(offsetof(WINDIVERT_DATA_FLOW, LocalAddr) == 20 && offsetof(WINDIVERT_DATA_FLOW, RemoteAddr) == 36);
ASSERT(offsetof(WINDIVERT_DATA_FLOW, LocalPort) == 52 && offsetof(WINDIVERT_DATA_FLOW, RemotePort) == 54);
ASSERT(offsetof(WINDIVERT_DATA_FLOW, Protocol) == 56);
ASSERT(offsetof(WINDIVERT_DATA_REFLECT, ProcessId) == 8 && offsetof(WINDIVERT_DATA_REFLECT, Layer) == 12);
ASSERT(offsetof(WINDIVERT_DATA_REFLECT, Flags) == 16 && offsetof(WINDIVERT_DATA_REFLECT, Priority) == 24);

/* Headers as they lie in packets. */
ASSERT(sizeof(WINDIVERT_IPHDR) == 20 && offsetof(WINDIVERT_IPHDR, DstAddr) == 16);
ASSERT(sizeof(WINDIVERT_IPV6HDR) == 40 && offsetof(WINDIVERT_IPV6HDR, DstAddr) == 24);
ASSERT(sizeof(WINDIVERT_ICMPHDR) == 8 && sizeof(WINDIVERT_ICMPV6HDR) == 8);
ASSERT(sizeof(WINDIVERT_TCPHDR) == 20 && offsetof(WINDIVERT_TCPHDR, UrgPtr) == 18);
ASSERT(sizeof(WINDIVERT_UDPHDR) == 8);

/* Section 8: every function has this type. */
static HANDLE(WINAPI *const open_)(const char *, WINDIVERT_LAYER, INT16, UINT64) = WinDivertOpen;
static BOOL(WINAPI *const recv_)(HANDLE, VOID *, UINT, UINT *, WINDIVERT_ADDRESS *) = WinDivertRecv;
static BOOL(WINAPI *const recv_ex)(HANDLE, VOID *, UINT, UINT *, UINT64, WINDIVERT_ADDRESS *, UINT *,
                                   LPOVERLAPPED) = WinDivertRecvEx;
static BOOL(WINAPI *const send_)(HANDLE, const VOID *, UINT, UINT *, const WINDIVERT_ADDRESS *) = WinDivertSend;
static BOOL(WINAPI *const send_ex)(HANDLE, const VOID *, UINT, UINT *, UINT64, const WINDIVERT_ADDRESS *, UINT,
                                   LPOVERLAPPED) = WinDivertSendEx;
static BOOL(WINAPI *const shutdown_)(HANDLE, WINDIVERT_SHUTDOWN) = WinDivertShutdown;
static BOOL(WINAPI *const close_)(HANDLE) = WinDivertClose;
static BOOL(WINAPI *const set_param)(HANDLE, WINDIVERT_PARAM, UINT64) = WinDivertSetParam;
static BOOL(WINAPI *const get_param)(HANDLE, WINDIVERT_PARAM, UINT64 *) = WinDivertGetParam;
static UINT64(WINAPI *const hash)(const VOID *, UINT, UINT64) = WinDivertHelperHashPacket;
static BOOL(WINAPI *const parse)(const VOID *, UINT, PWINDIVERT_IPHDR *, PWINDIVERT_IPV6HDR *, UINT8 *,
                                 PWINDIVERT_ICMPHDR *, PWINDIVERT_ICMPV6HDR *, PWINDIVERT_TCPHDR *,
                                 PWINDIVERT_UDPHDR *, PVOID *, UINT *, PVOID *, UINT *) = WinDivertHelperParsePacket;
static BOOL(WINAPI *const parse4)(const char *, UINT32 *) = WinDivertHelperParseIPv4Address;
static BOOL(WINAPI *const parse6)(const char *, UINT32 *) = WinDivertHelperParseIPv6Address;
static BOOL(WINAPI *const format4)(UINT32, char *, UINT) = WinDivertHelperFormatIPv4Address;
static BOOL(WINAPI *const format6)(const UINT32 *, char *, UINT) = WinDivertHelperFormatIPv6Address;
static BOOL(WINAPI *const checksums)(VOID *, UINT, WINDIVERT_ADDRESS *, UINT64) = WinDivertHelperCalcChecksums;
static BOOL(WINAPI *const decrement)(VOID *, UINT) = WinDivertHelperDecrementTTL;
static BOOL(WINAPI *const compile)(const char *, WINDIVERT_LAYER, char *, UINT, const char **,
                                   UINT *) = WinDivertHelperCompileFilter;
static BOOL(WINAPI *const eval)(const char *, const VOID *, UINT, const WINDIVERT_ADDRESS *) = WinDivertHelperEvalFilter;
static BOOL(WINAPI *const format)(const char *, WINDIVERT_LAYER, char *, UINT) = WinDivertHelperFormatFilter;
static UINT16(WINAPI *const short_order[])(UINT16) = { WinDivertHelperNtohs, WinDivertHelperHtons };
static UINT32(WINAPI *const long_order[])(UINT32) = { WinDivertHelperNtohl, WinDivertHelperHtonl };
static UINT64(WINAPI *const longest_order[])(UINT64) = { WinDivertHelperNtohll, WinDivertHelperHtonll };
static VOID(WINAPI *const address_order[])(const UINT *, UINT *) = {
    WinDivertHelperNtohIPv6Address,
    WinDivertHelperHtonIPv6Address,
    WinDivertHelperNtohIpv6Address,
    WinDivertHelperHtonIpv6Address,
};

int main(void)
{
    /* Bit fields, least significant first, at offset 8. */
    static WINDIVERT_ADDRESS address;
    const unsigned char *bytes = (const unsigned char *)&address;
    address.Layer = WINDIVERT_LAYER_SOCKET;
    address.Event = WINDIVERT_EVENT_SOCKET_CLOSE;
    address.Sniffed = 1;
    address.Impostor = 1;
    address.UDPChecksum = 1;
    if (bytes[8] != 3 || bytes[9] != 7 || bytes[10] != 0x89 || bytes[11] != 0) {
        printf("bit fields lie elsewhere\n");
        return 1;
    }
    if (!open_ || !recv_ || !recv_ex || !send_ || !send_ex || !shutdown_ || !close_ || !set_param || !get_param ||
        !hash || !parse || !parse4 || !parse6 || !format4 || !format6 || !checksums || !decrement || !compile ||
        !eval || !format || short_order[0](0x0102) != 0x0201 || long_order[1](1) != 0x01000000 ||
        longest_order[0](1) != (UINT64)1 << 56 || !address_order[3]) {
        printf("a function is missing\n");
        return 1;
    }
#ifdef __cplusplus
    /* The seed may be left out. */
    if (WinDivertHelperHashPacket(NULL, 0) != hash(NULL, 0, 0))
        return 1;
#endif
    printf("ok\n");
    return 0;
}
