/*
 * A program that uses the interface of reference section 8 and nothing else, as programs of WinDivert do. Where it wants
 * packets, it says so in a line "want N" on standard output, and somebody lets N outbound UDP packets come by.
 */
#include "windivert.h"

#include <stdio.h>
#include <string.h>

static int failed;

#define CHECK(what)                                                                        \
    do {                                                                                   \
        if (!(what)) {                                                                     \
            printf("line %d: %s (last error %lu)\n", __LINE__, #what, GetLastError());     \
            fflush(stdout);                                                                \
            failed = 1;                                                                    \
        }                                                                                  \
    } while (0)

#define LAST(code) (GetLastError() == (code))

static void want(int packets)
{
    printf("want %d\n", packets);
    fflush(stdout);
}

static HANDLE open_at(const char *filter, WINDIVERT_LAYER layer, INT16 priority, UINT64 flags)
{
    HANDLE handle = WinDivertOpen(filter, layer, priority, flags);
    if (handle == INVALID_HANDLE_VALUE) {
        printf("%s at %d: error %lu\n", filter, layer, GetLastError());
        fflush(stdout);
        failed = 1;
    }
    return handle;
}

static UINT length_of(const unsigned char *packet)
{
    return (UINT)packet[2] << 8 | packet[3];
}

static unsigned char packet[65575];
static unsigned char many[1 << 18];

/* Two handles: the higher priority sees a packet first, and what it sends goes to the lower. */
static void priorities(void)
{
    HANDLE low = open_at("udp", WINDIVERT_LAYER_NETWORK, -100, 0);
    HANDLE high = open_at("outbound and udp.DstPort == 53", WINDIVERT_LAYER_NETWORK, 100, 0);
    WINDIVERT_ADDRESS address;
    UINT length = 0, sent = 0;

    want(1);
    memset(&address, 0xFF, sizeof(address));
    CHECK(WinDivertRecv(high, packet, sizeof(packet), &length, &address));
    CHECK(length == length_of(packet) && address.Outbound && !address.IPv6 && !address.Sniffed && !address.Impostor);
    CHECK(address.Layer == WINDIVERT_LAYER_NETWORK && address.Event == WINDIVERT_EVENT_NETWORK_PACKET);
    CHECK(address.Network.IfIdx != 0 && address.Timestamp != 0);
    packet[8] = 33; /* another time to live */
    CHECK(WinDivertHelperCalcChecksums(packet, length, &address, 0));
    CHECK(WinDivertSend(high, packet, length, &sent, &address) && sent == length);

    memset(packet, 0, sizeof(packet));
    CHECK(WinDivertRecv(low, packet, sizeof(packet), &length, &address) && packet[8] == 33);
    CHECK(WinDivertSend(low, packet, length, NULL, &address));

    /* A packet that does not fit is there in part. */
    want(1);
    CHECK(!WinDivertRecv(high, packet, 24, &length, &address) && LAST(122) && length == 24 && packet[0] == 0x45);
    want(1);
    CHECK(!WinDivertRecv(high, NULL, 0, NULL, NULL) && LAST(122));
    CHECK(!WinDivertRecv(high, NULL, 10, NULL, NULL) && LAST(87));

    CHECK(!WinDivertSend(high, packet, 12, NULL, &address) && LAST(122));
    CHECK(!WinDivertSend(high, packet, 28, NULL, NULL) && LAST(87));
    CHECK(!WinDivertSendEx(high, packet, 28, NULL, 1, &address, sizeof(address), NULL) && LAST(87));
    CHECK(!WinDivertSendEx(high, packet, 28, NULL, 0, &address, 79, NULL) && LAST(87));
    CHECK(!WinDivertRecvEx(high, packet, 28, NULL, 1, &address, NULL, NULL) && LAST(87));
    CHECK(WinDivertClose(high) && WinDivertClose(low));
}

/* As many packets as fit, in one call, and back in one call. */
static void batches(void)
{
    HANDLE handle = open_at("udp", WINDIVERT_LAYER_NETWORK, 0, 0);
    static WINDIVERT_ADDRESS addresses[WINDIVERT_BATCH_MAX];
    UINT received = 0, total = 0, bytes, sent;

    want(100);
    while (total < 100) {
        UINT at = 0, counted = 0;
        bytes = sizeof(addresses);
        CHECK(WinDivertRecvEx(handle, many, sizeof(many), &received, 0, addresses, &bytes, NULL));
        CHECK(bytes % sizeof(WINDIVERT_ADDRESS) == 0 && bytes > 0);
        if (failed || bytes == 0)
            break;
        while (at < received) {
            PVOID next = NULL;
            UINT next_length = 0;
            PWINDIVERT_UDPHDR udp = NULL;
            CHECK(WinDivertHelperParsePacket(many + at, received - at, NULL, NULL, NULL, NULL, NULL, NULL, &udp, NULL,
                                             NULL, &next, &next_length));
            CHECK(udp != NULL);
            counted++;
            if (next == NULL)
                break;
            at = received - next_length;
        }
        CHECK(counted == bytes / sizeof(WINDIVERT_ADDRESS));
        CHECK(WinDivertSendEx(handle, many, received, &sent, 0, addresses, bytes, NULL) && sent == received);
        total += counted;
    }
    CHECK(total == 100);
    CHECK(WinDivertClose(handle));
}

/* Receives that do not wait: by event, by completion port, cancelled, and cut short by the closing of the handle. */
static void overlapped(void)
{
    HANDLE handle = open_at("udp", WINDIVERT_LAYER_NETWORK, 0, 0);
    HANDLE port, event = CreateEventW(NULL, TRUE, TRUE, NULL);
    OVERLAPPED first, second, *ended = NULL;
    WINDIVERT_ADDRESS address, other;
    UINT bytes = sizeof(address);
    DWORD length = 0;
    ULONG_PTR key = 0;

    memset(&first, 0, sizeof(first));
    memset(&address, 0, sizeof(address));
    first.hEvent = event;
    CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, &bytes, &first) && LAST(ERROR_IO_PENDING));
    CHECK(WaitForSingleObject(event, 0) == WAIT_TIMEOUT);
    CHECK(!GetOverlappedResult(handle, &first, &length, FALSE) && LAST(ERROR_IO_INCOMPLETE));
    want(1);
    CHECK(WaitForSingleObject(event, 20000) == WAIT_OBJECT_0);
    /* Packet and record were there before the event was set. */
    CHECK(packet[0] == 0x45 && address.Outbound && bytes == sizeof(address));
    CHECK(GetOverlappedResult(handle, &first, &length, FALSE) && length == length_of(packet));

    /* One that finds a packet in the queue ends at once, or soon. */
    want(2);
    Sleep(200);
    bytes = sizeof(address);
    if (!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, &bytes, &first))
        CHECK(LAST(ERROR_IO_PENDING));
    CHECK(GetOverlappedResult(handle, &first, &length, TRUE) && length == length_of(packet));

    /* A packet in part. */
    bytes = sizeof(address);
    if (!WinDivertRecvEx(handle, packet, 21, NULL, 0, &address, &bytes, &first))
        CHECK(LAST(ERROR_IO_PENDING) || LAST(122));
    CHECK(WaitForSingleObject(event, 20000) == WAIT_OBJECT_0);
    CHECK(!GetOverlappedResult(handle, &first, &length, TRUE) && LAST(122) && length == 21);

    /* Sending is overlapped in form. */
    CHECK(packet[0] == 0x45);
    if (!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, NULL, &first))
        CHECK(LAST(ERROR_IO_PENDING));
    want(1);
    CHECK(GetOverlappedResult(handle, &first, &length, TRUE));
    if (!WinDivertSendEx(handle, packet, length, NULL, 0, &address, sizeof(address), &first))
        CHECK(LAST(ERROR_IO_PENDING));
    CHECK(GetOverlappedResult(handle, &first, &length, TRUE) && length == length_of(packet));

    /* By a completion port. */
    port = CreateIoCompletionPort(handle, NULL, 77, 0);
    CHECK(port != NULL);
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    bytes = sizeof(address);
    CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, &bytes, &first) && LAST(ERROR_IO_PENDING));
    CHECK(!WinDivertRecvEx(handle, many, sizeof(many), NULL, 0, &other, NULL, &second) && LAST(ERROR_IO_PENDING));
    want(2);
    CHECK(GetQueuedCompletionStatus(port, &length, &key, &ended, 20000) && key == 77 && ended == &first);
    CHECK(length == length_of(packet) && address.Outbound);
    CHECK(GetQueuedCompletionStatus(port, &length, &key, &ended, 20000) && ended == &second);
    CHECK(length == length_of(many) && other.Outbound);
    /* Nothing of the library's own arrives at the port. */
    CHECK(!GetQueuedCompletionStatus(port, &length, &key, &ended, 100) && ended == NULL);

    /* Cancelled. */
    CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, NULL, &first) && LAST(ERROR_IO_PENDING));
    CHECK(CancelIoEx(handle, &first));
    CHECK(!GetQueuedCompletionStatus(port, &length, &key, &ended, 20000) && ended == &first);
    CHECK(LAST(ERROR_OPERATION_ABORTED));
    want(1);
    CHECK(WinDivertRecv(handle, packet, sizeof(packet), NULL, &address));
    CHECK(!CancelIoEx(handle, &first));

    /* Shut down while it waits. */
    CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, NULL, &first) && LAST(ERROR_IO_PENDING));
    CHECK(WinDivertShutdown(handle, WINDIVERT_SHUTDOWN_RECV));
    CHECK(!GetQueuedCompletionStatus(port, &length, &key, &ended, 20000) && ended == &first && LAST(232));
    CHECK(WinDivertClose(handle));

    /* Closed while it waits. */
    handle = open_at("udp", WINDIVERT_LAYER_NETWORK, 0, 0);
    memset(&first, 0, sizeof(first));
    first.hEvent = event;
    CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, NULL, &first) && LAST(ERROR_IO_PENDING));
    CHECK(WinDivertClose(handle));
    CHECK(WaitForSingleObject(event, 20000) == WAIT_OBJECT_0);
    CloseHandle(port);
    CloseHandle(event);
}

static void parameters(void)
{
    HANDLE handle = open_at("false", WINDIVERT_LAYER_NETWORK, 0, 0);
    UINT64 value = 0;

    CHECK(WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, &value) && value == WINDIVERT_PARAM_QUEUE_LENGTH_DEFAULT);
    CHECK(WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_TIME, &value) && value == WINDIVERT_PARAM_QUEUE_TIME_DEFAULT);
    CHECK(WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_SIZE, &value) && value == WINDIVERT_PARAM_QUEUE_SIZE_DEFAULT);
    CHECK(WinDivertSetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, WINDIVERT_PARAM_QUEUE_LENGTH_MAX));
    CHECK(WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, &value) && value == WINDIVERT_PARAM_QUEUE_LENGTH_MAX);
    CHECK(!WinDivertSetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, WINDIVERT_PARAM_QUEUE_LENGTH_MIN - 1) && LAST(87));
    CHECK(!WinDivertSetParam(handle, WINDIVERT_PARAM_VERSION_MAJOR, 2) && LAST(87));
    CHECK(WinDivertGetParam(handle, WINDIVERT_PARAM_VERSION_MAJOR, &value) && value == 2);
    CHECK(!WinDivertGetParam(handle, (WINDIVERT_PARAM)5, &value) && LAST(87));
    CHECK(!WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_TIME, NULL) && LAST(87));
    CHECK(!WinDivertShutdown(handle, (WINDIVERT_SHUTDOWN)4) && LAST(87));
    CHECK(WinDivertClose(handle));
    CHECK(!WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_TIME, &value) && LAST(6));
}

/* What was queued before a shutdown can be received, then there is nothing more. */
static void drain(void)
{
    HANDLE handle = open_at("udp", WINDIVERT_LAYER_NETWORK, 0, 0);
    WINDIVERT_ADDRESS address;
    UINT length, count = 0;

    want(5);
    CHECK(WinDivertRecv(handle, packet, sizeof(packet), &length, &address));
    Sleep(300);
    CHECK(WinDivertShutdown(handle, WINDIVERT_SHUTDOWN_RECV));
    for (count = 1; WinDivertRecv(handle, packet, sizeof(packet), &length, &address); count++)
        CHECK(WinDivertSend(handle, packet, length, NULL, &address));
    CHECK(LAST(232) && count == 5);
    CHECK(WinDivertShutdown(handle, WINDIVERT_SHUTDOWN_BOTH));
    CHECK(!WinDivertSend(handle, packet, length, NULL, &address) && LAST(232));
    CHECK(WinDivertClose(handle));
}

/* A monitor of handles compiles the filters that it is told of, and finds the same text. */
static void monitor(void)
{
    static const char *const filters[] = {
        "tcp.DstPort == 443 or udp.DstPort == 443",
        "(ip? ip.TTL < 5: ipv6.HopLimit < 5) and not loopback",
        "tcp.DstPort in {80, 443, 8000..8080} and remoteAddr not in 10.0.0.0/8",
        "@WinDiv_WX_eXWWAX",
        "true",
    };
    HANDLE reflect = open_at("true", WINDIVERT_LAYER_REFLECT, 7, WINDIVERT_FLAG_SNIFF | WINDIVERT_FLAG_RECV_ONLY);
    static char seen[1 << 16], object[1 << 16], again[1 << 16], text[1 << 16];
    WINDIVERT_ADDRESS address;
    UINT length;
    size_t number;

    for (number = 0; number < sizeof(filters) / sizeof(filters[0]); number++) {
        INT16 priority = (INT16)(number * 10 - 20);
        HANDLE handle = open_at(filters[number], WINDIVERT_LAYER_NETWORK, priority, WINDIVERT_FLAG_SNIFF);
        do { /* Handles of others may come and go. */
            length = 0;
            CHECK(WinDivertRecv(reflect, seen, sizeof(seen), &length, &address));
        } while (!failed && (address.Reflect.ProcessId != GetCurrentProcessId() ||
                             address.Event != WINDIVERT_EVENT_REFLECT_OPEN));
        CHECK(length > 1 && seen[length - 1] == 0 && strlen(seen) == length - 1);
        CHECK(address.Layer == WINDIVERT_LAYER_REFLECT && address.Sniffed);
        CHECK(address.Reflect.Priority == priority && address.Reflect.Layer == WINDIVERT_LAYER_NETWORK);
        CHECK(address.Reflect.Flags == WINDIVERT_FLAG_SNIFF && address.Reflect.Timestamp != 0);
        CHECK(WinDivertHelperCompileFilter(filters[number], WINDIVERT_LAYER_NETWORK, object, sizeof(object), NULL, NULL));
        CHECK(strcmp(seen, object) == 0);
        CHECK(WinDivertHelperCompileFilter(seen, WINDIVERT_LAYER_NETWORK, again, sizeof(again), NULL, NULL));
        CHECK(strcmp(seen, again) == 0);
        CHECK(WinDivertHelperFormatFilter(seen, WINDIVERT_LAYER_NETWORK, text, sizeof(text)));
        CHECK(WinDivertClose(handle));
        /* The object opens the same handle again. */
        handle = open_at(seen, WINDIVERT_LAYER_NETWORK, priority, WINDIVERT_FLAG_SNIFF);
        do {
            CHECK(WinDivertRecv(reflect, again, sizeof(again), &length, &address));
        } while (!failed && (address.Reflect.ProcessId != GetCurrentProcessId() ||
                             address.Event != WINDIVERT_EVENT_REFLECT_OPEN));
        CHECK(strcmp(seen, again) == 0);
        CHECK(WinDivertClose(handle));
    }
    CHECK(!WinDivertSend(reflect, packet, 28, NULL, &address) && LAST(87));
    CHECK(WinDivertClose(reflect));
}

/* Reference section 4 and 5: every misuse has its error, and none of them leaves a handle open. */
static void misuse(void)
{
    static const struct {
        const char *filter;
        int layer;
        INT16 priority;
        UINT64 flags;
    } wrong[] = {
        { NULL, WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "tcp and", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "tcp.NoSuchField == 1", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "processId == 1", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "@WinDiv_", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "@Divert_", WINDIVERT_LAYER_NETWORK, 0, 0 },
        { "true", 5, 0, 0 },
        { "true", 256, 0, 0 },
        { "true", -1, 0, 0 },
        { "true", WINDIVERT_LAYER_NETWORK, 30001, 0 },
        { "true", WINDIVERT_LAYER_NETWORK, -30001, 0 },
        { "true", WINDIVERT_LAYER_NETWORK, 0, 0x40 },
        { "true", WINDIVERT_LAYER_NETWORK, 0, (UINT64)1 << 63 },
        { "true", WINDIVERT_LAYER_NETWORK, 0, WINDIVERT_FLAG_SNIFF | WINDIVERT_FLAG_DROP },
        { "true", WINDIVERT_LAYER_NETWORK, 0, WINDIVERT_FLAG_RECV_ONLY | WINDIVERT_FLAG_SEND_ONLY },
        { "true", WINDIVERT_LAYER_FLOW, 0, WINDIVERT_FLAG_SNIFF },
        { "true", WINDIVERT_LAYER_FLOW, 0, WINDIVERT_FLAG_RECV_ONLY },
        { "true", WINDIVERT_LAYER_SOCKET, 0, WINDIVERT_FLAG_SNIFF },
        { "true", WINDIVERT_LAYER_REFLECT, 0, WINDIVERT_FLAG_RECV_ONLY },
    };
    HANDLE none[] = { NULL, INVALID_HANDLE_VALUE, (HANDLE)(ULONG_PTR)0x7FFFFFF0 }, handle;
    static WINDIVERT_ADDRESS addresses[WINDIVERT_BATCH_MAX + 1];
    WINDIVERT_ADDRESS address;
    OVERLAPPED overlapped;
    UINT64 value;
    UINT bytes;
    size_t number;

    for (number = 0; number < sizeof(wrong) / sizeof(wrong[0]); number++) {
        handle = WinDivertOpen(wrong[number].filter, (WINDIVERT_LAYER)wrong[number].layer, wrong[number].priority,
                               wrong[number].flags);
        if (handle != INVALID_HANDLE_VALUE || !LAST(87)) {
            printf("misuse %u: error %lu\n", (unsigned)number, GetLastError());
            fflush(stdout);
            failed = 1;
        }
    }
    memset(&address, 0, sizeof(address));
    for (number = 0; number < sizeof(none) / sizeof(none[0]); number++) {
        handle = none[number];
        memset(&overlapped, 0, sizeof(overlapped));
        bytes = sizeof(address);
        CHECK(!WinDivertRecv(handle, packet, sizeof(packet), NULL, NULL) && LAST(6));
        CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, &bytes, &overlapped) && LAST(6));
        CHECK(!WinDivertSend(handle, packet, length_of(packet), NULL, &address) && LAST(6));
        CHECK(!WinDivertShutdown(handle, WINDIVERT_SHUTDOWN_BOTH) && LAST(6));
        CHECK(!WinDivertSetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, 64) && LAST(6));
        CHECK(!WinDivertGetParam(handle, WINDIVERT_PARAM_QUEUE_LENGTH, &value) && LAST(6));
        CHECK(!WinDivertClose(handle) && LAST(6));
    }

    /* Records that are none, too many, or cut short; with and without an overlapped structure. */
    handle = open_at("false", WINDIVERT_LAYER_NETWORK, 0, WINDIVERT_FLAG_NO_INSTALL);
    for (number = 0; number < 2; number++) {
        static const UINT lengths[] = { 0, 1, 79, 81, sizeof(addresses) };
        LPOVERLAPPED waits = number == 0 ? NULL : &overlapped;
        size_t at;
        for (at = 0; at < sizeof(lengths) / sizeof(lengths[0]); at++) {
            bytes = lengths[at];
            CHECK(!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, addresses, &bytes, waits) && LAST(87));
            CHECK(bytes == lengths[at]);
        }
        CHECK(!WinDivertSendEx(handle, packet, 28, NULL, 0, addresses, 0, waits) && LAST(87));
        CHECK(!WinDivertSendEx(handle, packet, 28, NULL, 0, addresses, sizeof(addresses), waits) && LAST(87));
        CHECK(!WinDivertSendEx(handle, NULL, 28, NULL, 0, addresses, sizeof(address), waits) && LAST(87));
    }
    CHECK(!WinDivertShutdown(handle, (WINDIVERT_SHUTDOWN)0) && LAST(87));
    CHECK(WinDivertClose(handle));

    /* What a handle was not opened for. */
    handle = open_at("true", WINDIVERT_LAYER_FLOW, 0, WINDIVERT_FLAG_SNIFF | WINDIVERT_FLAG_RECV_ONLY);
    CHECK(!WinDivertSend(handle, packet, 28, NULL, &address) && LAST(87));
    CHECK(WinDivertShutdown(handle, WINDIVERT_SHUTDOWN_RECV));
    CHECK(!WinDivertRecv(handle, NULL, 0, NULL, &address) && LAST(232));
    CHECK(WinDivertClose(handle));
    handle = open_at("false", WINDIVERT_LAYER_NETWORK, 0, WINDIVERT_FLAG_SEND_ONLY);
    CHECK(!WinDivertRecv(handle, packet, sizeof(packet), NULL, &address) && LAST(87));
    memset(&overlapped, 0, sizeof(overlapped));
    if (!WinDivertRecvEx(handle, packet, sizeof(packet), NULL, 0, &address, NULL, &overlapped)) {
        DWORD length;
        CHECK(LAST(87) || LAST(ERROR_IO_PENDING));
        if (LAST(ERROR_IO_PENDING))
            CHECK(!GetOverlappedResult(handle, &overlapped, &length, TRUE) && LAST(87));
    }
    CHECK(WinDivertClose(handle));
}

int main(void)
{
    misuse();
    priorities();
    batches();
    overlapped();
    parameters();
    drain();
    monitor();
    printf(failed ? "FAILED\n" : "ok\n");
    fflush(stdout);
    return failed;
}
