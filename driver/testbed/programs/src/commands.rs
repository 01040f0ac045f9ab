//! The command line.

use std::time::Instant;

use divert_driver_protocol::limits::NAME;
use divert_testbed_control::{Fate, How};
use divert_testbed_model::layer::Kind;

use crate::child::Running;
use crate::packets::udp;
use crate::samples::expect;
use crate::stack::{PATIENCE, Stack};
use crate::{Check, Test};

pub(crate) const TESTS: &[Test] = &[
    ("divertc handles", handles),
    ("divertc watch", watch),
    ("divertc attach", attach),
    ("divertc attach --sniff", sniff),
    ("divertc watch, unread", unread_watch),
    ("divertc attach, unread", unread_attach),
    ("divertc attach --sniff, unread", unread_sniff),
    ("divertc kill", kill),
    ("divertc uninstall", uninstall),
];

fn divertc(arguments: &[&str]) -> Result<Running, String> {
    Running::start("divertc.exe", arguments)
}

fn handles(stack: &mut Stack) -> Check {
    let other = Running::start("netdump.exe", &["tcp.DstPort == 4444", "--priority", "-7"])?;
    stack.wait_for_handles(other.process(), 1)?;
    let said = divertc(&["handles"])?.succeed()?;
    let text = said.join("\n");
    let wanted = [
        &other.process().to_string(),
        "netdump.exe",
        "NETWORK",
        "-7",
        "sniff recv-only",
        "tcp.DstPort == 4444",
    ];
    for part in wanted {
        expect(part, text.contains(part), true)?;
    }
    // This program's own handle, too.
    expect("count", said.contains(&"2 handles".to_owned()), true)?;
    let said = divertc(&["handles", "--message-format", "json"])?.succeed()?;
    let own = said.iter().find(|line| line.contains("4444")).ok_or("no line of JSON")?;
    let wanted = [r#""priority":-7"#, r#""flags":["sniff","recv-only"]"#, r#""object":"@Divert_"#];
    expect("JSON", wanted.iter().all(|part| own.contains(part)), true)
}

fn watch(stack: &mut Stack) -> Check {
    // This program's handle, which is there; one that comes; and its end.
    let watching = divertc(&["watch", "--count", "3"])?;
    stack.wait_for_handles(watching.process(), 1)?;
    let other = Running::start("netdump.exe", &["udp.DstPort == 5555", "--count", "1"])?;
    stack.wait_for_handles(other.process(), 1)?;
    stack.packet(Kind::Outbound, &udp(1, 5555))?;
    other.succeed()?;
    let said = watching.succeed()?;
    let names: Vec<_> = said.iter().filter(|line| !line.starts_with(' ')).map(String::as_str).collect();
    expect("events", names, vec!["OPEN", "OPEN", "CLOSE"])?;
    expect("filters", said.iter().filter(|line| line.contains("udp.DstPort == 5555")).count(), 2)
}

fn attach(stack: &mut Stack) -> Check {
    let filter = "udp.DstPort in {53, 5353}";
    let arguments = ["attach", filter, "--priority", "5", "-w", "attached.pcap", "--count", "3"];
    let running = divertc(&arguments)?;
    stack.wait_for_handles(running.process(), 1)?;
    for (id, port) in [(1, 53), (2, 54), (3, 5353), (4, 53)] {
        let fate = stack.packet(Kind::Outbound, &udp(id, port))?;
        expect("a packet", fate == Fate::Permitted, port == 54)?;
    }
    let said = running.succeed()?;
    let lines = said.iter().filter(|line| line.starts_with("out if 5  10.0.0.1:4096 -> 10.0.0.2:")).count();
    expect("lines", (lines, said.contains(&"3 packets".to_owned())), (3, true))?;
    let sent = stack.outcomes()?.iter().filter(|outcome| outcome.how == How::Injected).count();
    expect("packets sent on", sent, 3)?;
    // The capture is one that `eval` reads.
    let said = divertc(&["eval", filter, "attached.pcap"])?.succeed()?;
    expect("capture", said.iter().any(|line| line.contains("matched 3 of 3 packets")), true)
}

fn sniff(stack: &mut Stack) -> Check {
    let arguments = ["attach", "udp", "--sniff", "--count", "1", "--message-format", "json"];
    let running = divertc(&arguments)?;
    stack.wait_for_handles(running.process(), 1)?;
    expect("a packet", stack.packet(Kind::Outbound, &udp(1, 53))?, Fate::Permitted)?;
    let said = running.succeed()?;
    let line = said.iter().find(|line| line.starts_with('{')).ok_or("no line of JSON")?;
    expect("JSON", line.contains(r#""packet":"4500002"#) && line.contains(r#""outbound":true"#), true)
}

/// Who reads goes away: the command ends when it would say more, and that is no error.
fn unread_watch(stack: &mut Stack) -> Check {
    // This program's handle.
    let watching = Running::heard("divertc.exe", &["watch"], 1)?;
    let process = watching.process();
    stack.wait_for_handles(process, 1)?;
    expect("a line", watching.line()?, Some("OPEN".to_owned()))?;
    let other = Running::start("netdump.exe", &["udp.DstPort == 5555"])?;
    let (said, status) = watching.finish()?;
    expect("end", (said, status), (vec![], 0))?;
    stack.wait_for_no_handles(process)?;
    stack.wait_for_handles(other.process(), 1).map(|_| ())
}

/// What was diverted goes on, read or not, and is in the capture as far as the command had it.
fn unread_attach(stack: &mut Stack) -> Check {
    for (name, format) in [("human", &[][..]), ("json", &["--message-format", "json"])] {
        let capture = format!("unread-{name}.pcap");
        let arguments = [&["attach", "udp.DstPort == 53", "-w", &capture][..], format].concat();
        let attached = Running::heard("divertc.exe", &arguments, 0)?;
        let process = attached.process();
        stack.wait_for_handles(process, 1)?;
        let diverted = packets_until_it_ends(stack, process)?;
        let (said, status) = attached.finish()?;
        expect("end", (said, status), (vec![], 0))?;
        stack.wait_for_no_handles(process)?;
        expect("that some are diverted", diverted.is_empty(), false)?;
        let outcomes = stack.outcomes()?;
        let sent = outcomes.iter().filter(|outcome| outcome.how == How::Injected);
        let mut sent: Vec<u16> = sent.filter_map(|outcome| id_of(&outcome.bytes)).collect();
        sent.sort_unstable();
        expect("what goes on", &sent, &diverted)?;
        let said = divertc(&["eval", "udp.DstPort == 53", &capture])?.succeed()?;
        let kept = (1..=diverted.len()).any(|count| {
            let wanted = format!("matched {count} of {count} packet");
            said.iter().any(|line| line.contains(&wanted))
        });
        expect("capture", (kept, &said), (true, &said))?;
    }
    Ok(())
}

/// Packets that are only looked at go on whatever becomes of the one who looks.
fn unread_sniff(stack: &mut Stack) -> Check {
    let sniffing = Running::heard("divertc.exe", &["attach", "udp", "--sniff"], 0)?;
    let process = sniffing.process();
    stack.wait_for_handles(process, 1)?;
    let diverted = packets_until_it_ends(stack, process)?;
    let (said, status) = sniffing.finish()?;
    expect("end", (said, status, diverted), (vec![], 0, vec![]))
}

/// Lets packets come by as long as a process has handles, of which it ends when it can say nothing of them; gives the
/// identifications of those that did not go on.
fn packets_until_it_ends(stack: &Stack, process: u32) -> Result<Vec<u16>, String> {
    let (begin, mut diverted) = (Instant::now(), Vec::new());
    for id in 1.. {
        let fate = stack.packet(Kind::Outbound, &udp(id, 53))?;
        if fate != Fate::Permitted {
            diverted.push(id);
        }
        if stack.has_no_handles(process)? {
            expect("a packet after it", stack.packet(Kind::Outbound, &udp(0, 53))?, Fate::Permitted)?;
            return Ok(diverted);
        }
        if begin.elapsed() > PATIENCE {
            break;
        }
    }
    Err(format!("process {process} does not end"))
}

/// The identification of an IPv4 packet.
fn id_of(packet: &[u8]) -> Option<u16> {
    packet.get(4..)?.first_chunk().map(|id| u16::from_be_bytes(*id))
}

fn kill(stack: &mut Stack) -> Check {
    let other = Running::start("netdump.exe", &["udp"])?;
    stack.wait_for_handles(other.process(), 1)?;
    let (said, status) = divertc(&["kill", "123456"])?.finish()?;
    expect("no such user", (status, said[0].contains("no handle")), (1, true))?;
    divertc(&["kill", &other.process().to_string()])?.succeed()?;
    let (_, status) = other.finish()?;
    expect("its status", status, 1)
}

/// With handles; not there; there and not running; running without handles; and the driver starts again after all of it.
fn uninstall(stack: &mut Stack) -> Check {
    const GONE: &str = "the driver is stopped, and its service removed";
    let ended = |wanted: &str, status| {
        expect("uninstall", divertc(&["uninstall"])?.finish()?, (vec![wanted.to_owned()], status))
    };
    let other = Running::start("netdump.exe", &["udp"])?;
    stack.wait_for_handles(other.process(), 1)?;
    // Wine takes the driver away from its handles; Windows would keep it.
    ended(GONE, 0)?;
    let (said, status) = other.finish()?;
    expect("a program that had a handle", (said.len(), status), (1, 2))?;
    let said = divertc(&["handles"])?.succeed()?;
    expect("handles", said, vec!["0 handles".to_owned()])?;
    stack.release();
    ended("the driver is not installed", 1)?;

    let folder = std::env::current_dir().map_err(|error| error.to_string())?;
    let path = format!("binPath={}", folder.join("divert64.sys").display());
    let create = ["create", NAME, "type=", "kernel", "start=", "demand", &path];
    for running in [false, true] {
        Running::start("sc.exe", &create)?.succeed()?;
        if running {
            Running::start("sc.exe", &["start", NAME])?.succeed()?;
        }
        ended(GONE, 0)?;
        ended("the driver is not installed", 1)?;
        let (said, status) = divertc(&["attach", "true", "--no-install"])?.finish()?;
        expect("attach", (said.iter().any(|line| line.contains("(error 1060)")), status), (true, 2))?;
    }

    // A service whose file is gone is replaced by one with the file beside the program.
    let create = ["create", NAME, "type=", "kernel", "start=", "demand", r"binPath=C:\gone\divert64.sys"];
    Running::start("sc.exe", &create)?.succeed()?;
    stack.restart()
}
