//! Every rule fires for a client that breaks it, and stays silent for one that does not.

use divert_driver_abi::wdm::GUID;
use divert_driver_abi::wfp::*;
use divert_testbed_model::arbiter::{Arbiter, Fate};
use divert_testbed_model::chain::{Moved, Place, advance, place, retreat};
use divert_testbed_model::engine::{Engine, NewFilter};
use divert_testbed_model::flows::{Context, Flows};
use divert_testbed_model::lists::Lists;
use divert_testbed_model::origin::{Injected, Origins};
use divert_testbed_model::pool::Pool;
use divert_testbed_model::requests::Requests;
use divert_testbed_model::threads::Threads;
use divert_testbed_model::{Findings, Rule};

const fn guid(number: u128) -> GUID {
    GUID::from_u128(number)
}

fn rules(findings: &Findings) -> Vec<Rule> {
    findings.kept().iter().map(|finding| finding.rule).collect()
}

#[test]
fn rules_have_their_numbers() {
    for (at, rule) in Rule::ALL.into_iter().enumerate() {
        assert_eq!(rule as usize, at + 1);
        assert_eq!(Rule::from_number(rule as u8), Some(rule));
    }
    assert_eq!(Rule::from_number(0), None);
}

#[test]
fn lists() {
    let mut lists = Lists::new();
    let mut findings = Findings::new();
    lists.allocate(0x10);
    assert_eq!(lists.inject(0x10), Ok(()));
    assert_eq!(lists.inject(0x10), Err(Rule::ListInjectedTwice));
    assert_eq!(lists.free(0x10), Err(Rule::ListFreedInStack));
    assert_eq!(lists.in_stack(), 1);
    lists.complete(0x10);
    assert_eq!(lists.free(0x10), Ok(()));
    assert_eq!(lists.free(0x10), Err(Rule::ListFreedTwice));
    assert_eq!(lists.free(0x20), Err(Rule::ListUnknown));
    assert_eq!(lists.inject(0x20), Err(Rule::ListUnknown));
    // The same address again is another list.
    lists.allocate(0x10);
    assert_eq!(lists.free(0x10), Ok(()));
    lists.close(&mut findings);
    assert_eq!(findings.count(), 0);
    lists.allocate(0x30);
    lists.close(&mut findings);
    assert_eq!(rules(&findings), [Rule::ListLeaked]);
    assert_eq!((lists.allocated, lists.injected), (3, 1));
}

#[test]
fn memory() {
    let mut pool = Pool::new();
    let mut findings = Findings::new();
    pool.allocate(0x1000, 64);
    pool.allocate(0x2000, 32);
    assert_eq!(pool.live(), (2, 96));
    assert_eq!(pool.free(0x1000), Ok(()));
    assert_eq!(pool.free(0x1000), Err(Rule::PoolFreedTwice));
    assert_eq!(pool.free(0), Err(Rule::PoolUnknown));
    assert_eq!(pool.free(0x9000), Ok(()));
    assert_eq!(pool.unknown, 1);
    pool.close(&mut findings);
    assert_eq!(rules(&findings), [Rule::PoolLeaked]);
    assert_eq!(findings.kept().first().map(|finding| finding.detail), Some(32));
    pool.fail_after(Some(2));
    assert_eq!([pool.admit(), pool.admit(), pool.admit(), pool.admit()], [true, true, false, true]);
    assert!(!pool.armed());
    assert_eq!(pool.failed, 1);
}

#[test]
fn requests() {
    let mut requests = Requests::new();
    let mut findings = Findings::new();
    requests.give(0x10);
    requests.give(0x20);
    assert_eq!(requests.complete(0x10), Ok(()));
    assert_eq!(requests.complete(0x10), Err(Rule::RequestCompletedTwice));
    // The same address again is another request.
    requests.give(0x10);
    assert_eq!(requests.complete(0x10), Ok(()));
    assert_eq!(requests.complete(0x30), Ok(()));
    assert_eq!((requests.given, requests.unknown, requests.live()), (3, 1, 1));
    requests.close(&mut findings);
    assert_eq!(rules(&findings), [Rule::RequestLeft]);
}

#[test]
fn locks_and_waiting() {
    let mut threads = Threads::new();
    assert_eq!(threads.may_wait(1), Ok(()));
    assert_eq!(threads.acquire(1, 0xA), Ok(()));
    assert_eq!(threads.acquire(1, 0xA), Err(Rule::LockTwice));
    assert_eq!(threads.acquire(2, 0xB), Ok(()));
    assert_eq!(threads.may_wait(1), Err(Rule::WaitsAtDispatch));
    assert_eq!(threads.may_wait(3), Ok(()));
    assert_eq!(threads.release(1, 0xB), Err(Rule::LockNotHeld));
    assert_eq!(threads.release(1, 0xA), Ok(()));
    assert_eq!(threads.release(1, 0xA), Err(Rule::LockNotHeld));
    assert_eq!(threads.may_wait(1), Ok(()));
    // Within a callback at DISPATCH_LEVEL; the lock that was held before may be held after.
    let entered = threads.enter(2);
    assert_eq!(threads.leave(2, entered), Ok(()));
    assert_eq!(threads.release(2, 0xB), Ok(()));
    let entered = threads.enter(2);
    assert_eq!(threads.may_wait(2), Err(Rule::WaitsAtDispatch));
    assert_eq!(threads.acquire(2, 0xC), Ok(()));
    assert_eq!(threads.leave(2, entered), Err(Rule::LockKept));
    // A lock of the client's own: it raises the level and lowers it.
    assert_eq!(threads.raise(4, 2), Ok(0));
    assert_eq!(threads.may_wait(4), Err(Rule::WaitsAtDispatch));
    assert_eq!(threads.raise(4, 2), Ok(2));
    assert_eq!(threads.raise(4, 1), Err(Rule::LevelOrder));
    assert_eq!(threads.lower(4, 2), Ok(()));
    assert_eq!(threads.lower(4, 0), Ok(()));
    assert_eq!(threads.lower(4, 2), Err(Rule::LevelOrder));
    assert_eq!(threads.may_wait(4), Ok(()));
    let entered = threads.enter(4);
    assert_eq!(threads.raise(4, 2), Ok(2));
    assert_eq!(threads.lower(4, 0), Ok(()));
    assert_eq!(threads.leave(4, entered), Err(Rule::LockKept));
    assert_eq!(threads.irql(4), 0);
}

#[test]
fn origins() {
    let mut origins = Origins::new();
    let (own, other) = (Injected { handle: 1, context: 7 }, Injected { handle: 2, context: 9 });
    assert_eq!(origins.query(1, 0x10), (FWPS_PACKET_NOT_INJECTED, 0));
    origins.present(0x10, vec![own]);
    assert_eq!(origins.query(1, 0x10), (FWPS_PACKET_INJECTED_BY_SELF, 7));
    assert_eq!(origins.query(2, 0x10), (FWPS_PACKET_INJECTED_BY_OTHER, 0));
    origins.present(0x10, vec![own, other]);
    assert_eq!(origins.query(1, 0x10), (FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF, 7));
    assert_eq!(origins.query(2, 0x10), (FWPS_PACKET_INJECTED_BY_SELF, 9));
    assert_eq!(origins.withdraw(0x10), [own, other]);
    assert_eq!(origins.query(1, 0x10), (FWPS_PACKET_NOT_INJECTED, 0));
}

#[test]
fn chains() {
    let parts = [4, 0, 6];
    assert_eq!(place(parts, 0), Some(Place { part: 0, offset: 0 }));
    assert_eq!(place(parts, 3), Some(Place { part: 0, offset: 3 }));
    assert_eq!(place(parts, 4), Some(Place { part: 2, offset: 0 }));
    assert_eq!(place(parts, 9), Some(Place { part: 2, offset: 5 }));
    assert_eq!(place(parts, 10), Some(Place { part: 2, offset: 6 }));
    assert_eq!(place(parts, 11), None);
    assert_eq!(place([], 0), None);
    assert_eq!(advance(2, 8, 8), Some(Moved { offset: 10, length: 0 }));
    assert_eq!(advance(2, 8, 9), None);
    assert_eq!(retreat(2, 8, 2), Some(Moved { offset: 0, length: 10 }));
    assert_eq!(retreat(2, 8, 3), None);
}

#[test]
fn flows() {
    let mut flows = Flows::new();
    let flow = flows.begin();
    let context = Context { layer: 52, callout: 3, context: 0xC0 };
    assert_eq!(flows.associate(flow, context), Ok(()));
    assert_eq!(flows.associate(flow, context), Err((STATUS_FWP_ALREADY_EXISTS, Some(Rule::FlowContext))));
    assert_eq!(flows.associate(flow + 1, context), Err((STATUS_FWP_NOT_FOUND, None)));
    assert_eq!(flows.contexts_of(3), 1);
    assert_eq!(flows.remove(flow, 52, 3), Some(context));
    assert_eq!(flows.remove(flow, 52, 3), None);
    assert_eq!(flows.associate(flow, context), Ok(()));
    assert_eq!(flows.end(flow), Some(vec![context]));
    assert_eq!(flows.end(flow), None);
    assert_eq!(flows.count(), (0, 0));
}

fn filter(number: u128, sublayer: u128, weight: u64) -> NewFilter {
    NewFilter {
        key: guid(number),
        layer: FWPM_LAYER_INBOUND_IPPACKET_V4,
        sublayer: guid(sublayer),
        weight: Some(weight),
        action: FWP_ACTION_CALLOUT_UNKNOWN,
        callout: guid(0xC),
        context: number as u64,
    }
}

#[test]
fn engine_orders_by_sublayer_then_filter() {
    let mut findings = Findings::new();
    let f = &mut findings;
    let mut engine = Engine::new();
    let session = engine.open(false).unwrap();
    assert_eq!(engine.add_provider(session, guid(1), f), Ok(()));
    assert_eq!(engine.add_provider(session, guid(1), f), Err(STATUS_FWP_ALREADY_EXISTS));
    engine.add_sublayer(session, guid(2), 10, f).unwrap();
    engine.add_sublayer(session, guid(3), 20, f).unwrap();
    let id = engine.register(guid(0xC)).unwrap();
    assert_eq!(engine.register(guid(0xC)), Err(STATUS_FWP_ALREADY_EXISTS));
    assert_eq!(engine.add_callout(session, guid(0xC), FWPM_LAYER_INBOUND_IPPACKET_V4, f), Ok(id));
    assert_eq!(engine.add_callout(session, guid(0xD), guid(9), f), Err(STATUS_FWP_LAYER_NOT_FOUND));
    for (number, sublayer, weight) in [(1, 2, 5), (2, 2, 6), (3, 3, 1), (4, 3, 2)] {
        engine.add_filter(session, filter(number, sublayer, weight), f).unwrap();
    }
    let order: Vec<u64> =
        engine.steps(FWPM_LAYER_INBOUND_IPPACKET_V4).iter().map(|step| step.filter.new.context).collect();
    assert_eq!(order, [4, 3, 2, 1]);
    assert!(engine.steps(FWPM_LAYER_INBOUND_IPPACKET_V6).is_empty());
    assert_eq!(engine.add_filter(session, filter(1, 2, 1), f), Err(STATUS_FWP_ALREADY_EXISTS));
    assert_eq!(engine.add_filter(session, filter(9, 8, 1), f), Err(STATUS_FWP_SUBLAYER_NOT_FOUND));
    let other_layer = NewFilter { layer: FWPM_LAYER_IPFORWARD_V4, ..filter(9, 2, 1) };
    assert_eq!(engine.add_filter(session, other_layer, f), Err(STATUS_FWP_INCOMPATIBLE_LAYER));
    assert_eq!(engine.delete_callout(session, guid(0xC), f), Err(STATUS_FWP_IN_USE));
    assert_eq!(engine.delete_sublayer(session, guid(2), f), Err(STATUS_FWP_IN_USE));
    for number in 1..=4 {
        engine.delete_filter(session, |filter| filter.new.key == guid(number), f).unwrap();
    }
    assert_eq!(
        engine.delete_filter(session, |_| true, f).map(|filter| filter.id),
        Err(STATUS_FWP_FILTER_NOT_FOUND)
    );
    engine.delete_callout(session, guid(0xC), f).unwrap();
    engine.delete_sublayer(session, guid(2), f).unwrap();
    engine.delete_sublayer(session, guid(3), f).unwrap();
    engine.delete_provider(session, guid(1), f).unwrap();
    engine.unregister(id, f).unwrap();
    engine.close(session, f).unwrap();
    engine.leave(f);
    assert_eq!(findings.count(), 0);
}

#[test]
fn transactions_are_all_or_nothing() {
    let mut findings = Findings::new();
    let f = &mut findings;
    let mut engine = Engine::new();
    let session = engine.open(false).unwrap();
    engine.begin(session, f).unwrap();
    engine.add_sublayer(session, guid(2), 10, f).unwrap();
    assert_eq!(engine.counts()[2], 0, "not visible before the commit");
    engine.end(session, false, f).unwrap();
    assert_eq!(engine.counts()[2], 0);
    engine.begin(session, f).unwrap();
    engine.add_sublayer(session, guid(2), 10, f).unwrap();
    engine.end(session, true, f).unwrap();
    assert_eq!(engine.counts()[2], 1);
    // A commit that fails leaves things as they were.
    engine.begin(session, f).unwrap();
    engine.delete_sublayer(session, guid(2), f).unwrap();
    engine.fail_after(Some((0, STATUS_FWP_TXN_ABORTED)));
    assert_eq!(engine.end(session, true, f), Err(STATUS_FWP_TXN_ABORTED));
    assert_eq!(engine.counts()[2], 1);
    assert_eq!(engine.end(session, false, f), Err(STATUS_FWP_NO_TXN_IN_PROGRESS));
    assert_eq!(f.count(), 0);
    assert_eq!(engine.end(session, true, f), Err(STATUS_FWP_NO_TXN_IN_PROGRESS));
    engine.begin(session, f).unwrap();
    assert_eq!(engine.begin(session, f), Err(STATUS_FWP_TXN_IN_PROGRESS));
    assert_eq!(rules(f), [Rule::Transaction, Rule::Transaction]);
}

#[test]
fn what_is_left_or_used_afterwards_is_found() {
    let mut findings = Findings::new();
    let f = &mut findings;
    let mut engine = Engine::new();
    let session = engine.open(false).unwrap();
    engine.add_sublayer(session, guid(2), 10, f).unwrap();
    let id = engine.register(guid(0xC)).unwrap();
    engine.close(session, f).unwrap();
    assert_eq!(f.count(), 0);
    engine.leave(f);
    assert_eq!(rules(f), [Rule::ObjectLeft, Rule::ObjectLeft]);
    f.take();
    assert!(engine.close(session, f).is_err());
    assert!(engine.add_provider(session, guid(1), f).is_err());
    engine.unregister(id, f).unwrap();
    assert!(engine.unregister(id, f).is_err());
    assert_eq!(rules(f), [Rule::UsedAfterRelease; 3]);
    // What belongs to a dynamic session goes with it.
    let mut engine = Engine::new();
    let session = engine.open(true).unwrap();
    engine.add_sublayer(session, guid(2), 10, f).unwrap();
    engine.close(session, f).unwrap();
    assert_eq!(engine.counts(), [0; 6]);
}

#[test]
fn arbitration() {
    let out = |action, absorb: bool, hard: bool| FWPS_CLASSIFY_OUT0 {
        actionType: action,
        flags: if absorb { FWPS_CLASSIFY_OUT_FLAG_ABSORB } else { 0 },
        rights: if hard { 0 } else { FWPS_RIGHT_ACTION_WRITE },
        ..Arbiter::new().ask(1)
    };
    let run = |answers: &[FWPS_CLASSIFY_OUT0]| {
        let mut arbiter = Arbiter::new();
        let mut broken = Vec::new();
        for answer in answers {
            if let Err(rule) = arbiter.answer(answer) {
                broken.push(rule);
            }
        }
        (arbiter.fate(), broken)
    };
    assert_eq!(run(&[]), (Fate::Permitted, vec![]));
    assert_eq!(run(&[out(FWP_ACTION_CONTINUE, false, false)]), (Fate::Permitted, vec![]));
    assert_eq!(run(&[out(FWP_ACTION_BLOCK, true, true)]), (Fate::Absorbed, vec![]));
    assert_eq!(run(&[out(FWP_ACTION_BLOCK, false, false)]), (Fate::Blocked, vec![]));
    // A soft permit is overruled, a hard one can be vetoed only.
    assert_eq!(
        run(&[out(FWP_ACTION_PERMIT, false, false), out(FWP_ACTION_BLOCK, true, true)]),
        (Fate::Absorbed, vec![])
    );
    assert_eq!(
        run(&[out(FWP_ACTION_BLOCK, true, true), out(FWP_ACTION_PERMIT, false, false)]),
        (Fate::Absorbed, vec![Rule::ActionWithoutRight])
    );
    // A soft block is overruled by a permit.
    assert_eq!(
        run(&[out(FWP_ACTION_BLOCK, false, false), out(FWP_ACTION_PERMIT, false, false)]),
        (Fate::Permitted, vec![])
    );
    // A hard permit is vetoed, but not taken back otherwise; what is left as it was is no answer.
    assert_eq!(
        run(&[out(FWP_ACTION_PERMIT, false, true), out(FWP_ACTION_BLOCK, false, true)]),
        (Fate::Blocked, vec![])
    );
    assert_eq!(
        run(&[out(FWP_ACTION_PERMIT, false, true), out(FWP_ACTION_CONTINUE, false, true)]),
        (Fate::Permitted, vec![Rule::ActionWithoutRight])
    );
    for (action, fate) in [(FWP_ACTION_PERMIT, Fate::Permitted), (FWP_ACTION_BLOCK, Fate::Blocked)] {
        assert_eq!(run(&[out(action, false, true), out(action, false, true)]), (fate, vec![]));
    }
    assert_eq!(run(&[out(0x77, false, false)]), (Fate::Permitted, vec![Rule::UnknownAction]));
    let mut arbiter = Arbiter::new();
    assert_eq!(arbiter.ask(5).rights, FWPS_RIGHT_ACTION_WRITE);
    let _ = arbiter.answer(&out(FWP_ACTION_BLOCK, true, true));
    assert_eq!((arbiter.ask(5).rights, arbiter.ask(5).actionType), (0, FWP_ACTION_BLOCK));
}
