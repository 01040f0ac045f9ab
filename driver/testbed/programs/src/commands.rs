//! The command line.

use divert_testbed_control::{Fate, How};
use divert_testbed_model::layer::Kind;

use crate::child::Running;
use crate::packets::udp;
use crate::samples::expect;
use crate::stack::Stack;
use crate::{Check, Test};

pub(crate) const TESTS: &[Test] = &[
    ("divertc handles", handles),
    ("divertc watch", watch),
    ("divertc attach", attach),
    ("divertc attach --sniff", sniff),
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
    let lines = said.iter().filter(|line| line.contains("UDP 10.0.0.1 port 4096 > 10.0.0.2")).count();
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

fn kill(stack: &mut Stack) -> Check {
    let other = Running::start("netdump.exe", &["udp"])?;
    stack.wait_for_handles(other.process(), 1)?;
    let (said, status) = divertc(&["kill", "123456"])?.finish()?;
    expect("no such user", (status, said[0].contains("no handle")), (1, true))?;
    divertc(&["kill", &other.process().to_string()])?.succeed()?;
    let (_, status) = other.finish()?;
    expect("its status", status, 1)
}

fn uninstall(stack: &mut Stack) -> Check {
    stack.release();
    let (said, status) = divertc(&["uninstall"])?.finish()?;
    // Marked for deletion as it is, the service may be gone with its last handle already.
    expect("status", status == 0 || (status == 1 && said[0].contains("not installed")), true)
}
