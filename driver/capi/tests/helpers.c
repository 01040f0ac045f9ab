/* The header and the pure functions of the DLL, from C. Prints "ok" or what is wrong. */
#include "windivert.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int failed;

#define CHECK(what)                                                               \
    do {                                                                          \
        if (!(what)) {                                                            \
            printf("line %d: %s (last error %lu)\n", __LINE__, #what, GetLastError()); \
            failed = 1;                                                           \
        }                                                                         \
    } while (0)

/* Reference, section 3. */
_Static_assert(sizeof(WINDIVERT_ADDRESS) == 80, "record");
_Static_assert(offsetof(WINDIVERT_ADDRESS, Reserved2) == 12, "record");
_Static_assert(offsetof(WINDIVERT_ADDRESS, Flow) == 16, "record");
_Static_assert(offsetof(WINDIVERT_DATA_FLOW, LocalAddr) == 20, "flow");
_Static_assert(offsetof(WINDIVERT_DATA_FLOW, Protocol) == 56, "flow");
_Static_assert(offsetof(WINDIVERT_DATA_REFLECT, Priority) == 24, "reflect");
_Static_assert(sizeof(WINDIVERT_IPHDR) == 20 && sizeof(WINDIVERT_IPV6HDR) == 40, "headers");
_Static_assert(sizeof(WINDIVERT_TCPHDR) == 20 && sizeof(WINDIVERT_UDPHDR) == 8, "headers");
_Static_assert(sizeof(WINDIVERT_ICMPHDR) == 8, "headers");

static const unsigned char packet[] = {
    0x45, 0, 0, 0x2C, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 8, 8, 4, 4, /* IPv4, TCP */
    0xA3, 0x1A, 0x01, 0xBB, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0x12, 0x34, 0, 0, 0, 0, 'd', 'a', 't', 'a'};

int main(int count, char **arguments)
{
    /* Whether the driver runs already. */
    int running = count > 1 && strcmp(arguments[1], "running") == 0;
    unsigned char bytes[sizeof(packet)];
    char text[4096], again[4096];
    const char *error;
    UINT position, data_length, next_length;
    UINT32 address4, address6[4];
    PWINDIVERT_IPHDR ip;
    PWINDIVERT_IPV6HDR ipv6;
    PWINDIVERT_TCPHDR tcp;
    PWINDIVERT_UDPHDR udp;
    PVOID data, next;
    UINT8 protocol;
    WINDIVERT_ADDRESS address;

    memcpy(bytes, packet, sizeof(packet));
    memset(&address, 0, sizeof(address));
    address.Outbound = 1;

    CHECK(WinDivertHelperParsePacket(bytes, sizeof(bytes), &ip, &ipv6, &protocol, NULL, NULL, &tcp, &udp, &data,
                                     &data_length, &next, &next_length));
    CHECK((void *)ip == bytes && ipv6 == NULL && protocol == 6 && (void *)tcp == bytes + 20 && udp == NULL);
    CHECK(data_length == 4 && memcmp(data, "data", 4) == 0 && next == NULL && next_length == 0);
    CHECK(ip->Version == 4 && ip->HdrLength == 5 && ip->TTL == 64 && WINDIVERT_IPHDR_GET_DF(ip));
    CHECK(WinDivertHelperNtohs(tcp->DstPort) == 443 && tcp->Psh && tcp->Ack && !tcp->Syn && tcp->HdrLength == 5);

    CHECK(WinDivertHelperCalcChecksums(bytes, sizeof(bytes), &address, 0));
    CHECK(address.IPChecksum && address.TCPChecksum && !address.UDPChecksum && ip->Checksum != 0);
    CHECK(WinDivertHelperHashPacket(bytes, sizeof(bytes), 7) != WinDivertHelperHashPacket(bytes, sizeof(bytes), 8));
    CHECK(WinDivertHelperDecrementTTL(bytes, sizeof(bytes)) && ip->TTL == 63);

    CHECK(WinDivertHelperCompileFilter("tcp.DstPort == 443 and outbound", WINDIVERT_LAYER_NETWORK, text, sizeof(text),
                                       &error, &position));
    CHECK(strncmp(text, "@Divert_", 8) == 0 && strcmp(error, "No error") == 0 && position == 0);
    CHECK(WinDivertHelperCompileFilter(text, WINDIVERT_LAYER_NETWORK, again, sizeof(again), NULL, NULL));
    CHECK(strcmp(text, again) == 0);
    SetLastError(5);
    CHECK(WinDivertHelperEvalFilter(text, bytes, sizeof(bytes), &address) && GetLastError() == 0);
    CHECK(!WinDivertHelperEvalFilter("udp", bytes, sizeof(bytes), &address) && GetLastError() == 0);
    CHECK(!WinDivertHelperEvalFilter("udp", NULL, 0, &address) && GetLastError() == 87);
    CHECK(!WinDivertHelperCompileFilter("tcp and", WINDIVERT_LAYER_NETWORK, NULL, 0, &error, &position));
    CHECK(position == 7 && error != NULL && error[0] != 0 && GetLastError() == 87);
    CHECK(WinDivertHelperFormatFilter(text, WINDIVERT_LAYER_NETWORK, again, sizeof(again)));
    CHECK(WinDivertHelperEvalFilter(again, bytes, sizeof(bytes), &address));
    /* An object of the original: tcp. */
    CHECK(WinDivertHelperEvalFilter("@WinDiv_WX_eXWWAX", bytes, sizeof(bytes), &address));

    CHECK(WinDivertHelperParseIPv4Address("10.1.2.3", &address4) && address4 == 0x0A010203);
    CHECK(WinDivertHelperParseIPv6Address("2001:db8::7", address6) && address6[0] == 7 && address6[3] == 0x20010DB8);
    CHECK(WinDivertHelperFormatIPv6Address(address6, text, sizeof(text)) && strcmp(text, "2001:db8::7") == 0);
    CHECK(!WinDivertHelperFormatIPv4Address(address4, text, 4) && GetLastError() == 122);
    CHECK(WinDivertHelperHtonl(1) == 0x01000000);

    /* No driver is installed without being wanted, or without being there. */
    if (!running) {
        CHECK(WinDivertOpen("true", WINDIVERT_LAYER_NETWORK, 0, WINDIVERT_FLAG_NO_INSTALL) == INVALID_HANDLE_VALUE);
        CHECK(GetLastError() == 1060);
        CHECK(WinDivertOpen("true", WINDIVERT_LAYER_NETWORK, 0, 0) == INVALID_HANDLE_VALUE && GetLastError() == 2);
    }
    CHECK(WinDivertOpen("true", WINDIVERT_LAYER_NETWORK, 30001, 0) == INVALID_HANDLE_VALUE && GetLastError() == 87);
    CHECK(WinDivertOpen("true", WINDIVERT_LAYER_FLOW, 0, 0) == INVALID_HANDLE_VALUE && GetLastError() == 87);
    CHECK(WinDivertOpen("foo", WINDIVERT_LAYER_NETWORK, 0, 0) == INVALID_HANDLE_VALUE && GetLastError() == 87);
    CHECK(WinDivertOpen(NULL, WINDIVERT_LAYER_NETWORK, 0, 0) == INVALID_HANDLE_VALUE && GetLastError() == 87);
    CHECK(!WinDivertClose(NULL) && GetLastError() == 6);
    CHECK(!WinDivertRecv(INVALID_HANDLE_VALUE, NULL, 0, NULL, NULL) && GetLastError() == 6);

    printf(failed ? "FAILED\n" : "ok\n");
    return failed;
}
