//! Reference §5.

use super::common::*;
use divert_driver_core::host::HostReceive;
use divert_driver_core::{Answer, Verdict};
use divert_driver_protocol::request::How;
use divert_driver_protocol::{Code, Counter, Parameter};
use std::sync::atomic::Ordering;

/// A diverted packet waits in the queue until received; the order is kept.
#[test]
fn packets_wait_in_order() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for number in 0..100 {
        driver.platform().pass(1);
        assert_eq!(outbound(&driver, &udp(number, 5)), Verdict::Block);
    }
    assert_eq!(counter(&driver, id, Counter::QueueLength), 100);
    for number in 0..100 {
        let got = receive(&driver, id).unwrap().unwrap();
        assert_eq!(got.data, udp(number, 5));
        assert_eq!(got.addresses[0].timestamp, (i64::from(number) + 1) * 10_000);
    }
    assert_eq!(receive_id(&driver, id), None);
    assert_eq!(counter(&driver, id, Counter::QueueLengthPeak), 100);
}

/// The table of parameters: defaults, bounds, read-only versions.
#[test]
fn parameters_have_bounds() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for parameter in Parameter::ALL {
        let value = driver.parameter(id, parameter).unwrap();
        match parameter.bounds() {
            Some(bounds) => {
                assert_eq!(value, bounds.default);
                for (value, fine) in [
                    (bounds.min, true),
                    (bounds.max, true),
                    (bounds.min - 1, false),
                    (bounds.max + 1, false),
                    (u64::MAX, false),
                ] {
                    let set = driver.set_parameter(id, parameter, value);
                    assert_eq!(set, if fine { Ok(()) } else { Err(Code::InvalidParameter) });
                    assert_eq!(driver.parameter(id, parameter) == Ok(value), fine);
                }
            }
            None => {
                assert_eq!(value, 2);
                assert_eq!(driver.set_parameter(id, parameter, 2), Err(Code::InvalidParameter));
            }
        }
    }
}

/// Full queue: the oldest packet is dropped to make room; by length and by size.
#[test]
fn a_full_queue_drops_the_oldest() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    driver.set_parameter(id, Parameter::QueueLength, 32).unwrap();
    for number in 0..40 {
        assert_eq!(outbound(&driver, &udp(number, 0)), Verdict::Block);
    }
    assert_eq!(counter(&driver, id, Counter::DroppedLength), 8);
    assert_eq!(receive_id(&driver, id), Some(8));
    driver.set_parameter(id, Parameter::QueueSize, 65_535).unwrap();
    // 31 packets of 28 bytes are there; three of 30,000 do not fit together.
    for number in 100..103 {
        let _ = outbound(&driver, &udp(number, 29_972));
    }
    assert_eq!(counter(&driver, id, Counter::DroppedLength), 8 + 2);
    assert_eq!(counter(&driver, id, Counter::DroppedSize), 29 + 1);
    assert_eq!(counter(&driver, id, Counter::QueueBytes), 60_000);
    assert_eq!((receive_id(&driver, id), receive_id(&driver, id)), (Some(101), Some(102)));
    assert_eq!(receive_id(&driver, id), None);
}

/// Limits are set at run time; a lower one holds at once.
#[test]
fn lower_limits_hold_at_once() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for number in 0..50 {
        let _ = outbound(&driver, &udp(number, 0));
    }
    driver.set_parameter(id, Parameter::QueueLength, 32).unwrap();
    assert_eq!(counter(&driver, id, Counter::DroppedLength), 18);
    assert_eq!(receive_id(&driver, id), Some(18));
}

/// Expired packets are dropped when the queue is served; a packet may wait that long at least.
#[test]
fn old_packets_are_dropped_when_served() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    driver.set_parameter(id, Parameter::QueueTime, 100).unwrap();
    let _ = outbound(&driver, &udp(1, 0));
    driver.platform().pass(50);
    let _ = outbound(&driver, &udp(2, 0));
    driver.platform().pass(51);
    assert_eq!(counter(&driver, id, Counter::QueueLength), 2);
    assert_eq!(receive_id(&driver, id), Some(2));
    assert_eq!(counter(&driver, id, Counter::DroppedTime), 1);
    let _ = outbound(&driver, &udp(3, 0));
    driver.platform().pass(100);
    assert_eq!(receive_id(&driver, id), Some(3));
    let _ = outbound(&driver, &udp(4, 0));
    driver.platform().pass(101);
    assert_eq!(receive_id(&driver, id), None);
    assert_eq!(counter(&driver, id, Counter::DroppedTime), 2);
}

/// A packet larger than the whole queue limit is dropped; a receive that waits can take it all the same.
#[test]
fn too_large_for_the_queue() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    driver.set_parameter(id, Parameter::QueueSize, 65_535).unwrap();
    let largest = udp6(65_527);
    assert_eq!(largest.len(), 65_575);
    assert_eq!(outbound(&driver, &largest), Verdict::Block);
    assert_eq!(counter(&driver, id, Counter::DroppedTooLarge), 1);
    assert_eq!(receive_id(&driver, id), None);
    pend(&driver, id, 1);
    assert_eq!(outbound(&driver, &largest), Verdict::Block);
    let (receive, completion) = driver.platform().take_completed().unwrap();
    assert_eq!(got(&receive, completion.unwrap()).data, largest);
}

/// A batch holds as many whole packets as fit, back to back, up to 255.
#[test]
fn batches_hold_whole_packets() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for number in 0..300 {
        let _ = outbound(&driver, &udp(number, usize::from(number) % 7));
    }
    // 28 + 29 + 30 bytes are two packets in 86 bytes.
    let got = receive_batch(&driver, id, 10, 86).unwrap().unwrap();
    assert_eq!((got.filled.packets, got.filled.bytes, got.filled.truncated), (2, 57, false));
    assert_eq!(got.data, [udp(0, 0), udp(1, 1)].concat());
    let got = receive_batch(&driver, id, 1, 70_000).unwrap().unwrap();
    assert_eq!((got.filled.packets, id_of(&got.data)), (1, 2));
    let got = receive_batch(&driver, id, 400, 70_000).unwrap().unwrap();
    assert_eq!((got.filled.packets, got.addresses.len()), (255, 255));
    let got = receive_batch(&driver, id, 255, 70_000).unwrap().unwrap();
    assert_eq!((got.filled.packets, id_of(&got.data)), (42, 258));
}

/// A packet is as long as its IP header says (§6): what stands behind it in its buffer, such as padding of the link, is
/// not received, and what was received as a batch can be sent as one.
#[test]
fn padding_is_no_part_of_a_packet() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for number in 0..3 {
        assert_eq!(outbound(&driver, &[udp(number, 3), vec![0; 15]].concat()), Verdict::Block);
    }
    let got = receive_batch(&driver, id, 3, 1000).unwrap().unwrap();
    assert_eq!(got.data, [udp(0, 3), udp(1, 3), udp(2, 3)].concat());
    assert_eq!(send(&driver, id, &got.addresses, &got.data).unwrap().packets, 3);
    pend(&driver, id, 1);
    let _ = outbound(&driver, &[udp6(3), vec![0; 15]].concat());
    let (receive, completion) = driver.platform().take_completed().unwrap();
    assert_eq!(super::common::got(&receive, completion.unwrap()).data, udp6(3));
}

/// Buffer too small: truncated, 122, the address is still filled, the packet is gone.
#[test]
fn short_buffers_truncate() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for waits in [false, true] {
        let packet = udp(9, 100);
        if waits {
            assert!(matches!(driver.receive(id, HostReceive::new(1, 1, 50)), Answer::Pended));
        }
        assert_eq!(outbound(&driver, &packet), Verdict::Block);
        let got = if waits {
            let (receive, completion) = driver.platform().take_completed().unwrap();
            got(&receive, completion.unwrap())
        } else {
            receive_batch(&driver, id, 5, 50).unwrap().unwrap()
        };
        assert_eq!((got.filled.packets, got.filled.truncated, got.addresses[0].outbound), (1, true, true));
        assert_eq!(got.data, packet[..50]);
        assert_eq!(receive_id(&driver, id), None);
    }
    assert_eq!(counter(&driver, id, Counter::Truncated), 2);
    assert_eq!(counter(&driver, id, Counter::ReceivedBytes), 100);
}

/// A receive of FLOW or SOCKET has no data, in no buffer; waiting or not.
#[test]
fn events_need_no_buffer() {
    use divert_vm::{Event, Layer};
    let driver = driver();
    let flow = open(&driver, Layer::Flow, "true", 0, 5);
    let socket = open(&driver, Layer::Socket, "true", 0, 5);
    for id in [flow, socket] {
        assert!(matches!(driver.receive(id, HostReceive::new(1, 1, 0)), Answer::Pended));
    }
    for _ in 0..2 {
        let _ = driver.flow_established(&endpoint(), true, false);
        let _ = driver.socket(Event::SocketConnect, &endpoint(), true, false, None);
    }
    for id in [flow, socket] {
        let (receive, completion) = driver.platform().take_completed().unwrap();
        let waited = got(&receive, completion.unwrap());
        let queued = receive_batch(&driver, id, 1, 0).unwrap().unwrap();
        assert_eq!(waited, queued);
        assert_eq!((queued.filled.packets, queued.filled.bytes, queued.filled.truncated), (1, 0, false));
    }
}

/// A receive that was asked for before the packet pends, and completes when it comes; the oldest first; without
/// queueing.
#[test]
fn receives_wait() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for key in 1..4 {
        pend(&driver, id, key);
    }
    for number in 1..3 {
        assert_eq!(outbound(&driver, &udp(number, 0)), Verdict::Block);
        let (receive, completion) = driver.platform().take_completed().unwrap();
        assert_eq!(id_of(&got(&receive, completion.unwrap()).data), number);
    }
    assert!(driver.platform().take_completed().is_none());
    assert_eq!(counter(&driver, id, Counter::HandedOver), 2);
    assert_eq!(counter(&driver, id, Counter::Queued), 0);
}

/// It can be cancelled, once; the others stay in order.
#[test]
fn receives_are_cancelled() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    for key in 1..4 {
        pend(&driver, id, key);
    }
    assert!(driver.cancel(id, 2).is_some());
    assert!(driver.cancel(id, 2).is_none());
    assert!(driver.cancel(id, 9).is_none());
    for expected in [1, 3] {
        let _ = outbound(&driver, &udp(7, 0));
        let (receive, _) = driver.platform().take_completed().unwrap();
        assert_eq!(divert_driver_core::platform::Receive::key(&receive), expected);
    }
    let _ = outbound(&driver, &udp(8, 0));
    assert_eq!(receive_id(&driver, id), Some(8));
    assert_eq!(counter(&driver, id, Counter::Cancelled), 1);
}

/// shutdown(RECV): nothing new is queued, later matches go on, what is queued can still be received, then 232.
#[test]
fn shutdown_of_receiving() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    let dropping = network(&driver, "ip.Id == 9", 5, 2);
    let _ = outbound(&driver, &udp(1, 0));
    let _ = outbound(&driver, &udp(2, 0));
    driver.shutdown(id, How::Receive).unwrap();
    driver.shutdown(dropping, How::Receive).unwrap();
    assert_eq!(outbound(&driver, &udp(3, 0)), Verdict::LetGo);
    assert_eq!(outbound(&driver, &udp(9, 0)), Verdict::LetGo);
    assert_eq!(receive_id(&driver, id), Some(1));
    assert_eq!(receive_id(&driver, id), Some(2));
    assert_eq!(receive(&driver, id), Err(Code::NoData));
    assert_eq!(send(&driver, id, &[out()], &udp(4, 0)).unwrap().packets, 1);
}

/// shutdown(RECV): later matches go on as if the handle were not there, to the handles below.
#[test]
fn others_see_past_a_shutdown() {
    let driver = driver();
    let above = network(&driver, "true", 1, 0);
    let below = network(&driver, "true", 0, 0);
    let _ = outbound(&driver, &udp(1, 0));
    driver.shutdown(above, How::Receive).unwrap();
    assert_eq!(outbound(&driver, &udp(2, 0)), Verdict::Block);
    assert_eq!((receive_id(&driver, above), receive_id(&driver, below)), (Some(1), Some(2)));
    assert_eq!(counter(&driver, above, Counter::Matched), 1);
}

/// Receives that wait at shutdown(RECV) end with 232: their queue is empty.
#[test]
fn shutdown_ends_waiting() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    pend(&driver, id, 1);
    pend(&driver, id, 2);
    driver.shutdown(id, How::Both).unwrap();
    for _ in 0..2 {
        let (_, completion) = driver.platform().take_completed().unwrap();
        assert_eq!(completion, Err(Code::NoData));
    }
}

/// shutdown(SEND): send fails; receiving goes on.
#[test]
fn shutdown_of_sending() {
    let driver = driver();
    let id = network(&driver, "true", 0, 0);
    driver.shutdown(id, How::Send).unwrap();
    assert_eq!(send(&driver, id, &[out()], &udp(1, 0)), Err(Code::NoData));
    let _ = outbound(&driver, &udp(1, 0));
    assert_eq!(receive_id(&driver, id), Some(1));
}

/// close: queued packets that were blocked are re-injected, not lost; receives that wait complete with an error.
#[test]
fn close_gives_packets_back() {
    let driver = driver();
    let id = network(&driver, "true", 7, 0);
    let sniffer = network(&driver, "true", 8, 1);
    for number in 1..5 {
        let _ = outbound(&driver, &udp(number, 0));
    }
    assert_eq!(receive_id(&driver, id), Some(1));
    driver.platform().pass(60_000);
    driver.close(sniffer).unwrap();
    assert!(driver.platform().take_injected().is_none());
    assert_eq!(driver.closed_statistics().get(Counter::DroppedAtClose), 4);
    driver.close(id).unwrap();
    assert_eq!(drain_injected(&driver), [2, 3, 4]);
    assert_eq!(driver.closed_statistics().get(Counter::Reinjected), 3);
    assert_eq!(driver.platform().memory.used(), 0);
    let id = network(&driver, "true", 0, 0);
    pend(&driver, id, 1);
    driver.close(id).unwrap();
    let (_, completion) = driver.platform().take_completed().unwrap();
    assert_eq!(completion, Err(Code::OperationAborted));
}

/// Decided here, for want of memory: a copy is missing, a diverted packet is lost; both are counted, neither is queued in part.
#[test]
fn want_of_memory_is_counted() {
    let driver = driver();
    let sniffer = network(&driver, "true", 8, 1);
    let id = network(&driver, "true", 0, 0);
    driver.platform().refuse_memory.store(2, Ordering::Relaxed);
    assert_eq!(outbound(&driver, &udp(1, 0)), Verdict::Block);
    assert_eq!(outbound(&driver, &udp(2, 0)), Verdict::Block);
    for handle in [sniffer, id] {
        assert_eq!(counter(&driver, handle, Counter::DroppedMemory), 1);
        assert_eq!(receive_id(&driver, handle), Some(2));
        assert_eq!(receive_id(&driver, handle), None);
    }
}
