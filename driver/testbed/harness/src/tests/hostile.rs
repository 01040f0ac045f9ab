//! Callers that mean harm: requests of random and of mutated bytes, every length, every code, in the wrong order.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use divert_driver_protocol::{
    Code, Completed, ControlCode, Flags, How, Open, Parameter, Receive, Request, Send,
};
use divert_vm::Layer;

use super::equal;
use crate::bed::Bed;
use crate::handle::{Context as _, Handle};
use crate::packets::{id_of, outbound, udp};
use crate::random::Random;
use crate::sys::{ABORTED, TIMEOUT};
use crate::{Check, filters};

/// `ERROR_INVALID_FUNCTION`, what a control code that the device does not have is answered with.
const INVALID_FUNCTION: u32 = 1;

/// Errors that are defined: the protocol's own, and the system's for cancelled requests and unknown codes.
fn is_defined(code: u32) -> bool {
    Code::from_number(code).is_some() || [ABORTED, INVALID_FUNCTION].contains(&code)
}

fn encode(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = vec![0; request.encoded_length()];
    let _ = request.encode(&mut bytes);
    bytes
}

/// One of each message.
fn messages(program: &[u8]) -> Check<Vec<Vec<u8>>> {
    let data = udp(3, 10);
    let records = [[0; 80]];
    let send = Send::new(&records, &data).map_err(|error| error.to_string())?;
    let open = |flags| Open { layer: Layer::Network, priority: 0, flags, work_limit: 0, program };
    Ok([
        Request::Open(open(Flags::NONE)),
        Request::Open(open(Flags::SNIFF)),
        Request::Receive(Receive { addresses: 2, hold: 0 }),
        Request::Receive(Receive { addresses: 2, hold: 5 }),
        Request::Hold { token: 5 },
        Request::Release { token: 5, completed: Completed { code: None, length: 0 } },
        Request::Send(send),
        Request::Shutdown(How::Send),
        Request::SetParameter(Parameter::QueueTime, 500),
        Request::GetParameter(Parameter::QueueLength),
        Request::Statistics,
        Request::Handles { from: 0 },
        Request::Complete(Completed { code: None, length: 5 }),
    ]
    .iter()
    .map(encode)
    .collect())
}

/// Makes a request, and gives up on it when it waits.
fn request(handle: &Handle, code: u32, input: &[u8], room: usize) -> Check {
    let outcome = handle.raw_start(code, input, room).and_then(|pending| {
        // What waits is cancelled when it goes.
        pending.wait(0)
    });
    match outcome {
        Ok(_) | Err(TIMEOUT) => Ok(()),
        Err(error) if is_defined(error) => Ok(()),
        Err(error) => {
            Err(format!("error {error} for code {code:#x} with {} bytes, room {room}", input.len()))
        }
    }
}

fn mutate(random: &mut Random, message: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(message.len().max(1));
        match random.below(5) {
            0 => message.truncate(at),
            1 => message.push(random.next() as u8),
            2 => message.extend(std::iter::repeat_n(random.next() as u8, random.below(200))),
            _ => {
                if let Some(byte) = message.get_mut(at) {
                    *byte = [0, 1, 0x7F, 0x80, 0xFF, random.next() as u8][random.below(6)];
                }
            }
        }
    }
}

pub(crate) fn requests(bed: &mut Bed) -> Check {
    let rounds = if bed.all { 500_000 } else { 6_000 };
    let mut random = Random::new(0x8057);
    let program = filters::program(Layer::Network, "udp")?;
    let messages = messages(&program)?;
    let codes = [ControlCode::Message.number(), ControlCode::Receive.number()];
    let mut handle = Handle::create().context("the device")?;
    for round in 0..rounds {
        if round % 50 == 0 {
            handle = Handle::create().context("the device")?;
        }
        let mut message = messages[random.below(messages.len())].clone();
        match random.below(4) {
            0 => {}
            1 => {
                message = (0..random.below(4096)).map(|_| random.next() as u8).collect();
            }
            _ => mutate(&mut random, &mut message),
        }
        let code = match random.below(20) {
            0 => random.next() as u32,
            1 => codes[0] ^ 1 << random.below(32),
            _ => codes[random.below(2)],
        };
        let room = [0, 1, 8, 24, 103, 184, 4096, random.below(4097)][random.below(8)];
        request(&handle, code, &message, room)?;
    }
    drop(handle);
    // Nobody else has suffered.
    let handle = Handle::network("udp", 0, Flags::NONE)?;
    bed.packet(outbound(udp(6, 1)))?;
    equal("works", id_of(&handle.receive().context("receiving")?.data), 6)
}

pub(crate) fn lengths(bed: &mut Bed) -> Check {
    let program = filters::program(Layer::Network, "false")?;
    let messages = messages(&program)?;
    let handle = Handle::network("false", 0, Flags::NONE)?;
    let step = if bed.all { 1 } else { 61 };
    for (code, message) in [ControlCode::Message, ControlCode::Receive]
        .into_iter()
        .flat_map(|code| messages.iter().map(move |message| (code.number(), message)))
    {
        for length in (0..=4096_usize).step_by(step).chain(message.len().saturating_sub(1)..message.len() + 2)
        {
            let mut input = message.clone();
            input.resize(length, 0);
            request(&handle, code, &input, 64)?;
        }
        for room in (0..=4096).step_by(step) {
            request(&handle, code, message, room)?;
        }
    }
    Ok(())
}

/// Where the number of the handle stands that a stranger is given.
const GIVEN: &str = "stranger.handle";

/// The child: makes requests of all kinds with a handle of its parent's, and with one of its own.
pub(crate) fn stranger() -> ExitCode {
    let run = || -> Check {
        let number = (0..1000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            std::fs::read_to_string(GIVEN).ok()?.parse::<usize>().ok()
        });
        let given = Handle::given(number.ok_or("no handle was given")?).context("the given handle")?;
        let own = Handle::create().context("the device")?;
        let program = filters::program(Layer::Network, "udp")?;
        let messages = messages(&program)?;
        let mut random = Random::new(0x57);
        for round in 0..2000 {
            let mut message = messages[round % messages.len()].clone();
            if round >= messages.len() * 4 {
                mutate(&mut random, &mut message);
            }
            let code = [ControlCode::Message, ControlCode::Receive][random.below(2)].number();
            let handle = if random.below(2) == 0 { &given } else { &own };
            request(handle, code, &message, [0, 64, 4096][random.below(3)])?;
        }
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("        the stranger: {error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn another_process(bed: &mut Bed) -> Check {
    let _ = std::fs::remove_file(GIVEN);
    let (given, own) = (Handle::network("udp", 1, Flags::NONE)?, Handle::network("udp", 0, Flags::NONE)?);
    // A request of the same name as one that the stranger releases, on another handle.
    let held = own.hold(5).context("holding")?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .arg("--child=stranger")
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("starting the stranger: {error}"))?;
    let number = given.give(&child).context("giving")?;
    std::fs::write("stranger.new", number.to_string()).map_err(|error| error.to_string())?;
    std::fs::rename("stranger.new", GIVEN).map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    equal("the stranger is content", status.success(), true)?;
    equal("what is held is held", held.is_done(), false)?;
    let process = |entry: divert_driver_protocol::HandleEntry| entry.process_id;
    let owners: Vec<u32> = own.handles().context("handles")?.into_iter().map(process).collect();
    equal("both are this process's still", owners, vec![std::process::id(); 2])?;
    drop(given);
    own.release(5, Completed { code: None, length: 3 }).context("releasing")?;
    equal("released", held.outcome(10_000), Ok(3))?;
    bed.packet(outbound(udp(6, 1)))?;
    equal("works", id_of(&own.receive().context("receiving")?.data), 6)
}
