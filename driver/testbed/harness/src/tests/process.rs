//! A process that ends without closing anything.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use divert_driver_protocol::Flags;
use divert_testbed_control::{Completion, Settings};

use super::equal;
use crate::Check;
use crate::bed::Bed;
use crate::handle::Handle;
use crate::packets::{id_of, outbound, udp};

/// The child: opens handles, asks for packets, queues some, sends some, says so, and waits to be killed.
pub(crate) fn victim() -> ExitCode {
    let run = || -> Check {
        let waiting = Handle::network("udp.PayloadLength == 1", 0, Flags::NONE)?;
        let queueing = Handle::network("udp.PayloadLength == 2", 0, Flags::NONE)?;
        let _receives: Vec<_> = (0..8)
            .map(|_| waiting.start(1, 100).map_err(|code| format!("asking: error {code}")))
            .collect::<Check<_>>()?;
        std::fs::write("victim.ready", "1").map_err(|error| error.to_string())?;
        // One packet is sent on, and is in the stack when the end comes.
        let batch = queueing.receive().map_err(|code| format!("receiving: error {code}"))?;
        queueing.send_back(&batch).map_err(|code| format!("sending: error {code}"))?;
        std::fs::write("victim.sent", "1").map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_secs(60));
        Ok(())
    };
    if let Err(error) = run() {
        eprintln!("the victim: {error}");
    }
    ExitCode::FAILURE
}

fn wait_for(what: &str, mut condition: impl FnMut() -> Check<bool>) -> Check {
    let begin = Instant::now();
    while !condition()? {
        if begin.elapsed() > Duration::from_secs(20) {
            return Err(format!("{what} does not happen"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

pub(crate) fn killed(bed: &mut Bed) -> Check {
    for file in ["victim.ready", "victim.sent"] {
        let _ = std::fs::remove_file(file);
    }
    bed.set(Settings { completion: Completion::Delayed, delay: 300, ..Settings::default() })?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .arg("--child=victim")
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("starting the victim: {error}"))?;
    wait_for("the victim's start", || Ok(std::path::Path::new("victim.ready").exists()))?;
    bed.packets((0..5).map(|id| outbound(udp(id, 2))).collect())?;
    wait_for("the victim's sending", || Ok(std::path::Path::new("victim.sent").exists()))?;
    equal("one is in the stack", bed.report()?.lists[1], 1)?;
    child.kill().map_err(|error| format!("killing: {error}"))?;
    child.wait().map_err(|error| error.to_string())?;
    // Four were queued and go back into the stack; nobody diverts any more.
    let mut ids: Vec<u16> = Vec::new();
    wait_for("the packets' return", || {
        ids.extend(bed.outcomes()?.iter().map(|outcome| id_of(&outcome.bytes)));
        Ok(ids.len() >= 5)
    })?;
    equal("what left", ids, vec![0, 1, 2, 3, 4])?;
    bed.packets(vec![outbound(udp(7, 1)), outbound(udp(8, 2))])?;
    equal("nobody diverts", bed.outcomes()?.len(), 2)?;
    wait_for("the end of its filters", || Ok(bed.report()?.objects[4] == 0))
}
