//! The stack behind the platform: takes what is injected, lets it come by again, and gives it back.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use divert_driver_abi::ndis::NET_BUFFER_LIST;
use divert_driver_abi::wdm::{NTSTATUS, PVOID, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use divert_driver_abi::wfp::{FWP_CONDITION_FLAG_IS_LOOPBACK, FWPS_INJECT_COMPLETE0};
use divert_testbed_control::{Blast, Blasted, Completion, Hands, How, Outcome, Packet, Settings};
use divert_testbed_model::Rule;
use divert_testbed_model::arbiter::Fate;
use divert_testbed_model::layer::Kind;
use divert_testbed_model::origin::Injected;

use crate::spin::Spin;
use crate::system::Thread;
use crate::world::{WORLD, blow};
use crate::{packet, present, raw, system};

/// A list that the client injected.
struct Job {
    list: usize,
    complete: FWPS_INJECT_COMPLETE0,
    context: usize,
    packet: Packet,
    hands: Vec<Injected>,
    status: NTSTATUS,
    due: u64,
}

static JOBS: Spin<VecDeque<Job>> = Spin::new(VecDeque::new());
/// Jobs that were taken from the queue and are not done.
static BUSY: AtomicU32 = AtomicU32::new(0);
static THREAD: Spin<Option<Thread>> = Spin::new(None);
static STARTED: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

/// An injection, as it was asked for.
pub(crate) struct Asked {
    pub(crate) handle: u64,
    pub(crate) context: u64,
    pub(crate) kind: Kind,
    pub(crate) interface: u32,
    pub(crate) sub_interface: u32,
    pub(crate) list: *mut NET_BUFFER_LIST,
    pub(crate) complete: FWPS_INJECT_COMPLETE0,
    pub(crate) completion_context: PVOID,
}

/// Injects a list.
pub(crate) fn inject(asked: &Asked) -> NTSTATUS {
    let number = asked.list.addr() as u64;
    let accepted = WORLD.with(|world| {
        if !world.known(asked.handle, |world| &world.handles) {
            return Err(STATUS_INVALID_HANDLE);
        }
        if let Some(status) = blow(&mut world.refuse) {
            return Err(status);
        }
        if let Err(rule) = world.lists.inject(number) {
            world.findings.add(rule, number, 0);
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok((world.settings, blow(&mut world.spoil).unwrap_or(STATUS_SUCCESS)))
    });
    let (settings, status) = match accepted {
        Ok(accepted) => accepted,
        Err(status) => return status,
    };
    let checksum = raw::see(asked.list).map_or(0, |list| list.NetBufferListInfo[0].addr() as u32);
    let Some(buffers) = packet::packets(asked.list) else {
        WORLD.with(|world| {
            world.findings.add(Rule::ListMalformed, number, 0);
            world.lists.complete(number);
        });
        return STATUS_INVALID_PARAMETER;
    };
    let job = Job {
        list: asked.list.expose_provenance(),
        complete: asked.complete,
        context: asked.completion_context.expose_provenance(),
        packet: Packet {
            kind: asked.kind,
            flags: if loopback(asked.kind, &buffers) { FWP_CONDITION_FLAG_IS_LOOPBACK } else { 0 },
            interface: asked.interface,
            sub_interface: asked.sub_interface,
            checksum,
            hands: Hands::None,
            split: settings.split,
            before: 0,
            chained: false,
            buffers,
        },
        hands: alloc::vec![Injected { handle: asked.handle, context: asked.context }],
        status,
        due: system::now() + u64::from(settings.delay) * 10_000,
    };
    if settings.completion == Completion::Now || !start() {
        pass(&job);
        finish(job);
    } else {
        JOBS.with(|jobs| jobs.push_back(job));
    }
    STATUS_SUCCESS
}

/// Whether what goes out goes to this host: to 127/8 or ::1.
fn loopback(kind: Kind, buffers: &[Vec<u8>]) -> bool {
    let Some(packet) = buffers.first() else { return false };
    let v6 = || packet.get(24..40).is_some_and(|to| u128::from_be_bytes(to.try_into().unwrap_or_default()) == 1);
    kind == Kind::Outbound
        && match packet.first().map(|byte| byte >> 4) {
            Some(4) => packet.get(16) == Some(&127),
            Some(6) => v6(),
            _ => false,
        }
}

/// What was injected comes by again, and leaves if nobody holds it.
fn pass(job: &Job) {
    if job.status != STATUS_SUCCESS {
        return;
    }
    if present::packet(&job.packet, job.hands.clone()) == Fate::Permitted {
        leave(&job.packet, How::Injected);
    }
}

/// The packets of a list leave.
fn leave(packet: &Packet, how: How) {
    WORLD.with(|world| {
        for bytes in &packet.buffers {
            world.leaves(Outcome {
                kind: packet.kind,
                how,
                interface: packet.interface,
                sub_interface: packet.sub_interface,
                checksum: packet.checksum,
                bytes: bytes.clone(),
            });
        }
    });
}

/// The list goes back to the client.
fn finish(job: Job) {
    let list: *mut NET_BUFFER_LIST = core::ptr::with_exposed_provenance_mut(job.list);
    WORLD.with(|world| world.lists.complete(job.list as u64));
    if let Some(list) = raw::change(list) {
        list.Status = job.status;
    }
    let context: *mut c_void = core::ptr::with_exposed_provenance_mut(job.context);
    if let Some(complete) = job.complete {
        present::at_dispatch(|| {
            // SAFETY: the client gave the function with the list for this one call; the list is its own again.
            unsafe { complete(context, list, 1) }
        });
    }
}

/// A list comes by from outside.
pub(crate) fn arrive(packet: &Packet) -> Fate {
    let fate = present::packet(packet, Vec::new());
    if fate == Fate::Permitted {
        leave(packet, How::Passed);
    }
    fate
}

/// Starts the stack's thread, once.
fn start() -> bool {
    if STARTED.swap(true, Ordering::AcqRel) {
        return true;
    }
    let thread = system::start(run, core::ptr::null_mut());
    let started = thread.is_some();
    THREAD.with(|kept| *kept = thread);
    STARTED.store(started, Ordering::Release);
    started
}

/// Ends the stack's thread.
pub(crate) fn stop() {
    settle();
    STOP.store(true, Ordering::Release);
    if let Some(thread) = THREAD.with(Option::take) {
        thread.join();
    }
}

/// Takes the jobs that are due.
fn take(settings: &Settings) -> Vec<Job> {
    let now = system::now();
    JOBS.with(|jobs| {
        let due = match settings.completion {
            // The first one's time is the time of all that came meanwhile.
            Completion::Reversed if jobs.front().is_some_and(|job| job.due <= now) => jobs.len(),
            Completion::Reversed => 0,
            Completion::Now | Completion::Thread | Completion::Delayed => {
                jobs.iter().take_while(|job| job.due <= now).count()
            }
        };
        BUSY.fetch_add(due as u32, Ordering::AcqRel);
        jobs.drain(..due).collect()
    })
}

/// The stack's thread: for as long as the client is loaded.
unsafe extern "system" fn run(_: PVOID) {
    while !STOP.load(Ordering::Acquire) {
        let settings = WORLD.with(|world| world.settings);
        let mut jobs = take(&settings);
        if jobs.is_empty() {
            system::sleep(1);
            continue;
        }
        for job in &jobs {
            pass(job);
        }
        if settings.completion == Completion::Reversed {
            jobs.reverse();
        }
        for job in jobs {
            finish(job);
            BUSY.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Waits until there is nothing to do.
pub(crate) fn settle() {
    while BUSY.load(Ordering::Acquire) != 0 || JOBS.with(|jobs| !jobs.is_empty()) {
        system::sleep(1);
    }
}

static PERMITTED: AtomicU64 = AtomicU64::new(0);
static BLOCKED: AtomicU64 = AtomicU64::new(0);

/// Lets lists come by on several threads at once.
pub(crate) fn blast(blast: &Blast) -> Blasted {
    PERMITTED.store(0, Ordering::Release);
    BLOCKED.store(0, Ordering::Release);
    let begin = system::now();
    if blast.threads <= 1 {
        shoot(blast);
    } else {
        let context: PVOID = (&raw const *blast).cast_mut().cast();
        let threads: Vec<Thread> =
            (0..blast.threads).filter_map(|_| system::start(shooter, context)).collect();
        threads.into_iter().for_each(Thread::join);
    }
    Blasted {
        time: system::now() - begin,
        permitted: PERMITTED.load(Ordering::Acquire),
        blocked: BLOCKED.load(Ordering::Acquire),
    }
}

unsafe extern "system" fn shooter(context: PVOID) {
    // `blast` waits for the thread before the structure goes.
    if let Some(blast) = raw::see(context.cast_const().cast::<Blast>()) {
        shoot(blast);
    }
}

fn shoot(blast: &Blast) {
    for packet in blast.packets.iter().cycle().take(blast.count as usize) {
        let counter = match arrive(packet) {
            Fate::Permitted => &PERMITTED,
            Fate::Blocked | Fate::Absorbed => &BLOCKED,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }
}
