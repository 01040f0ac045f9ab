//! Closed pipes, full disks, permissions, standard input that is much.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::run::{divertc, line, workplace};

/// A reader that goes away after a few bytes is no error, whatever the command.
#[test]
fn closed_pipes_are_quiet() {
    let folder = workplace();
    fs::write(folder.path().join("big.jsonl"), EVENT.repeat(20_000)).expect("events");
    for arguments in [
        &["eval", "true", "big.jsonl", "--json"][..],
        &["eval", "true", "big.jsonl", "--list"],
        &["eval", "true", "big.jsonl", "-w", "-"],
        &["eval", "true", "sample.pcap", "-w", "-"],
        &["man"],
        &["completions", "zsh"],
        &["--help"],
    ] {
        let mut child = divertc(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("divertc runs");
        let mut few = [0; 8];
        child.stdout.take().expect("piped").read_exact(&mut few).expect("something is printed");
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains("ipe") && !said.contains("panic"), "{arguments:?}: {said}");
    }
}

/// What is printed, written and said does not depend on the number of threads: captures of all kinds, compressed ones,
/// damaged ones, lines of events, one that is not there, and one that makes many parts.
#[test]
fn the_number_of_jobs_changes_nothing() {
    let folder = workplace();
    fs::write(folder.path().join("big.jsonl"), [EVENT, "no event\n"].concat().repeat(3_000)).expect("events");
    let sample = fs::read(folder.path().join("sample.pcapng")).expect("a capture");
    // Sections follow each other, so this is a capture of more than a megabyte.
    fs::write(folder.path().join("big.pcapng"), sample.repeat(120)).expect("a capture");
    let captures =
        "sample.pcap big.pcapng missing.pcap sample.pcap.zst damaged.pcap cut.pcapng.gz sample.pcapng.gz";
    for (filter, inputs, forms) in [
        (
            "udp or tcp.DstPort < 1000",
            &format!("{captures} big.jsonl big.pcapng")[..],
            &["", "--json", "--list", "--count", "--explain=misses", "--stats", "--stats --json"][..],
        ),
        ("ip.TTL > 60 and random16 < 30000", "big.pcapng sample.pcapng cut.pcapng.gz", &["-w out"]),
        ("timestamp > 100 and ip", "damaged.pcap sample.pcap", &["-w out --list"]),
        ("ip", "events.jsonl big.jsonl", &["-w out"]),
    ] {
        for form in forms {
            let run = |jobs: u32| {
                let _ = fs::remove_file(folder.path().join("out"));
                let ran =
                    line(&format!("divertc eval '{filter}' {inputs} {form} --jobs {jobs}"), folder.path());
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(&ran.stdout), text(&ran.stderr), ran.status, fs::read(folder.path().join("out")).ok())
            };
            let one = run(1);
            assert!(one.0.len() > 20 || one.3.is_some(), "{form}: {}", one.1);
            for jobs in [2, 3, 16] {
                assert!(run(jobs) == one, "{filter} {form} --jobs {jobs}");
            }
        }
    }
}

/// Threads stop when nobody reads what they find, or when it cannot be written.
#[test]
fn jobs_end_early() {
    let folder = workplace();
    let sample = fs::read(folder.path().join("sample.pcapng")).expect("a capture");
    fs::write(folder.path().join("big.pcapng"), sample.repeat(400)).expect("a capture");
    let inputs = ["big.pcapng"; 6];
    let mut child = divertc(folder.path())
        .args(["eval", "true", "--json", "--jobs", "3"])
        .args(inputs)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("divertc runs");
    child.stdout.take().expect("piped").read_exact(&mut [0; 8]).expect("something is printed");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");

    let ran = line("divertc eval ip --jobs 3 big.pcapng big.pcapng -w missing/out", folder.path());
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status == 2 && said.contains("does not exist"), "{said}");
    let ran = line("divertc eval ip --jobs 3 big.pcapng sample.pcap big.pcapng -w out", folder.path());
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status == 2 && said.contains("cannot hold packets"), "{said}");
    assert!(!folder.path().join("out").exists(), "no half of a file remains");
}

const EVENT: &str = "{\"packet\":\"4500001400000000403b00000a0000010a000002\",\"addr\":{\"layer\":0}}\n";

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said() {
    let folder = workplace();
    for arguments in [
        &["man"][..],
        &["sat", "tcp", "-w", "-"],
        &["sat", "tcp", "-w", "/dev/full"],
        &["sat", "--layer", "flow", "true", "-w", "-"],
        &["fuzz", "tcp", "--runs", "50", "-w", "-"],
        &["eval", "tcp", "sample.pcap", "-w", "-"],
        &["eval", "true", "events.jsonl", "-w", "-"],
        &["divert", "--simulate", "handles.toml", "sample.pcap", "-w", "-"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
        let output = divertc(folder.path()).args(arguments).stdout(full).output().expect("divertc runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("No space left") && !said.contains("`-`"), "{arguments:?}: {said}");
    }
}

#[test]
#[cfg(unix)]
fn format_keeps_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = workplace();
    let path = folder.path().join("mine.dvf");
    fs::write(&path, "tcp&&udp").expect("a filter");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).expect("permissions");
    symlink("mine.dvf", folder.path().join("link.dvf")).expect("a link");
    let ran = line("divertc format --write link.dvf", folder.path());
    assert_eq!(ran.status, 0, "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(fs::read_to_string(&path).expect("a filter"), "tcp and udp\n");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o604);
    assert!(fs::symlink_metadata(folder.path().join("link.dvf")).expect("a link").is_symlink());
}

/// A capture that arrives slowly and in pieces, on standard input.
#[test]
fn standard_input_in_pieces() {
    let folder = workplace();
    for name in ["sample.pcap", "sample.pcapng"] {
        let bytes = fs::read(folder.path().join(name)).expect("a capture");
        let mut child = divertc(folder.path())
            .args(["eval", "--count", "true", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("divertc runs");
        let mut stdin = child.stdin.take().expect("piped");
        for piece in bytes.chunks(97) {
            stdin.write_all(piece).expect("it reads");
            stdin.flush().expect("it reads");
        }
        drop(stdin);
        let piped = child.wait_with_output().expect("it ends").stdout;
        let direct = line(&format!("divertc eval --count true {name}"), folder.path()).stdout;
        assert_eq!(String::from_utf8_lossy(&piped), String::from_utf8_lossy(&direct), "{name}");
    }
}

/// The same verdicts, whichever way they are asked for; and what is written is what matched.
#[test]
fn all_forms_of_eval_agree() {
    let folder = workplace();
    for (filter, input) in
        [("tcp", "sample.pcap"), ("udp or icmpv6", "sample.pcapng"), ("ip.TTL > 60", "damaged.pcap")]
    {
        let run = |rest: &str| line(&format!("divertc eval '{filter}' {input} {rest}"), folder.path()).stdout;
        let text = |rest: &str| String::from_utf8(run(rest)).expect("text");
        let count: u64 = text("--count").trim().parse().expect("a number");
        let json = text("--json");
        let matches = json.lines().filter(|line| line.ends_with("\"match\":true}")).count();
        assert_eq!(matches as u64, count, "{filter}");
        assert!(json.lines().last().expect("a summary").contains(&format!("\"matched\":{count},")));
        assert_eq!(text("--list").lines().count() as u64, count);
        run("-w out.cap");
        let again = line(&format!("divertc eval --count '{filter}' out.cap"), folder.path()).stdout;
        let all = line("divertc eval --count true out.cap", folder.path()).stdout;
        assert_eq!(String::from_utf8_lossy(&again).trim(), count.to_string());
        assert_eq!(again, all, "all that was written matches");
    }
}

/// The arguments, and the status whoever reads what is said.
const ANSWERS: &[(&[&str], i32)] = &[
    (&["check", "tcpp"], 1),
    (&["check", "--message-format", "sarif", "tcpp"], 1),
    (&["compile", "tcpp"], 2),
    (&["format", "--check", "crooked.dvf"], 1),
    (&["verify", "noise.dvc"], 1),
    (&["equiv", "tcp", "udp"], 1),
    (&["sat", "tcp and udp"], 1),
    (&["eval", "--exit-status", "tcp and udp", "sample.pcap"], 1),
    (&["eval", "--exit-status", "--json", "tcp and udp", "sample.pcap"], 1),
    (&["eval", "--exit-status", "tcp", "sample.pcap"], 0),
    (&["eval", "tcp", "damaged.pcap"], 2),
    (&["eval", "tcp", "missing.pcap", "sample.pcap", "--list"], 2),
    (&["check", "tcp"], 0),
    (&["sat", "tcp", "-w", "-"], 0),
    (&["equiv", "tcp", "udp", "-w", "-"], 1),
    (&["sat", "--layer", "flow", "true", "-w", "-"], 0),
    (&["fuzz", "tcp", "--runs", "50", "-w", "-"], 0),
    (&["divert", "--simulate", "handles.toml", "sample.pcap", "-w", "-"], 0),
    (&["divert", "--simulate", "handles.toml", "damaged.pcap", "-w", "-"], 2),
    (&["eval", "tcp", "damaged.pcap", "-w", "-"], 2),
    (&["eval", "--exit-status", "tcp and udp", "sample.pcap", "-w", "-"], 1),
];

/// A pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

/// A reader that went away changes no answer.
#[test]
fn closed_pipes_keep_the_status() {
    let folder = workplace();
    for (arguments, status) in ANSWERS {
        let run = |out: bool, err: bool| {
            let mut command = divertc(folder.path());
            command.args(*arguments);
            command.stdout(if out { Stdio::from(unread()) } else { Stdio::piped() });
            command.stderr(if err { Stdio::from(unread()) } else { Stdio::piped() });
            command.output().expect("divertc runs")
        };
        for (out, err) in [(false, false), (true, false), (false, true), (true, true)] {
            let ran = run(out, err);
            assert_eq!(ran.status.code(), Some(*status), "{arguments:?}, closed: {out} {err}");
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(!said.contains("ipe") && !said.contains("panic"), "{arguments:?}: {said}");
        }
    }
}

/// What cannot be said keeps nothing from being done.
#[test]
fn work_goes_on_when_nothing_can_be_said() {
    let folder = workplace();
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [("one.dvf", "tcp&&udp"), ("two.dvf", "tcp &&"), ("three.dvf", "udp&&tcp")] {
        fs::write(path(name), text).expect("a filter");
    }
    let status = |arguments: &[&str]| {
        divertc(folder.path()).args(arguments).stderr(unread()).status().expect("divertc runs").code()
    };
    assert_eq!(status(&["format", "--write", "one.dvf", "two.dvf", "three.dvf"]), Some(2));
    assert_eq!(fs::read_to_string(path("three.dvf")).expect("a filter"), "udp and tcp\n");
    assert_eq!(status(&["eval", "tcp", "sample.pcap", "missing.pcap", "-w", "out.pcap"]), Some(2));
    assert!(path("out.pcap").exists(), "what matches is written");
    // `tcp and udp` is warned of.
    assert_eq!(status(&["compile", "tcp and tcp.DstPort == 70000", "-o", "out.dvc"]), Some(0));
    assert!(path("out.dvc").exists(), "the program is written");
}

/// What never ends is read up to a limit, whatever is expected to be there.
#[test]
#[cfg(target_os = "linux")]
fn endless_files_are_refused() {
    let folder = workplace();
    for (command, said) in [
        ("check -f /dev/zero", "more than 67108864 bytes"),
        ("compile -f /dev/zero", "more than 67108864 bytes"),
        ("verify /dev/zero", "more than 67108864 bytes"),
        ("disasm /dev/zero", "more than 67108864 bytes"),
        ("overlap --handles /dev/zero", "more than 67108864 bytes"),
        ("divert --simulate /dev/zero sample.pcap", "more than 67108864 bytes"),
        ("eval tcp /dev/zero", "not a capture"),
        ("compile 'ip.SrcAddr in file(\"/dev/zero\")'", "which is the limit"),
    ] {
        let ran = line(&format!("divertc {command}"), folder.path());
        let text =
            [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.status == 2 && text.contains(said), "{command}: {} {text}", ran.status);
    }
}

/// The same for a pipe, and what is written into it without end.
#[test]
fn endless_pipes_are_refused() {
    let folder = workplace();
    for arguments in [&["check", "-"][..], &["verify", "-"], &["format", "-"], &["sat", "-"]] {
        let mut command = divertc(folder.path());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("divertc runs");
        let mut stdin = child.stdin.take().expect("piped");
        let piece = "tcp and ".repeat(8192);
        while stdin.write_all(piece.as_bytes()).is_ok() {}
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("67108864"), "{arguments:?}: {said}");
    }
}

/// A file is the same by any name, and as a standard stream.
#[test]
#[cfg(unix)]
fn inputs_are_not_written_over() {
    let folder = workplace();
    let path = |name: &str| folder.path().join(name);
    fs::hard_link(path("sample.pcap"), path("hard.pcap")).expect("a link");
    std::os::unix::fs::symlink("sample.pcap", path("soft.pcap")).expect("a link");
    let before = fs::read(path("sample.pcap")).expect("a capture");
    let open = |name: &str| fs::OpenOptions::new().read(true).append(true).open(path(name)).expect("a file");
    let refused = |arguments: &[&str], stdin: Stdio, stdout: Stdio| {
        let mut command = divertc(folder.path());
        command.args(arguments).stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let output = command.output().expect("divertc runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("read"), "{arguments:?}: {said}");
        assert_eq!(fs::read(path("sample.pcap")).expect("a capture"), before, "{arguments:?}");
    };
    for output in ["soft.pcap", "hard.pcap"] {
        refused(&["eval", "tcp", "sample.pcap", "-w", output], Stdio::null(), Stdio::piped());
        refused(&["eval", "tcp", output, "-w", "sample.pcap"], Stdio::null(), Stdio::piped());
    }
    refused(&["eval", "tcp", "-", "-w", "sample.pcap"], open("sample.pcap").into(), Stdio::piped());
    refused(&["eval", "tcp", "sample.pcap", "-w", "-"], Stdio::null(), open("soft.pcap").into());
    // What nothing replaces may be both.
    let ran = line("divertc eval tcp sample.pcap -w /dev/null", folder.path());
    assert_eq!(ran.status, 0);
}

/// Names of inputs may hold anything; in what people read they stay on their line and steer no terminal.
#[cfg(unix)]
#[test]
fn names_are_shown_on_one_line() {
    let folder = workplace();
    let name = "a\u{1b}[31m\nb.pcap";
    fs::copy(folder.path().join("sample.pcap"), folder.path().join(name)).expect("a copy");
    for form in ["--list", "--count", "--stats", "--explain"] {
        let output =
            divertc(folder.path()).args(["eval", "udp", name, name, form]).output().expect("divertc runs");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        assert!(said.contains("a␛[31m␊b.pcap") && !said.contains('\u{1b}'), "{said}");
    }
    for form in [&["--json"][..], &["--explain", "--message-format", "json"]] {
        let output =
            divertc(folder.path()).args(["eval", "udp", name]).args(form).output().expect("divertc runs");
        let first = output.stdout.split(|byte| *byte == b'\n').next().expect("a line");
        let record: serde_json::Value = serde_json::from_slice(first).expect("JSON");
        assert_eq!(record["input"], name);
    }
}

/// Whatever ends the process, nothing is left of an output that it did not finish; where the file system has files without
/// names.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_process_leaves_nothing() {
    let folder = workplace();
    let sample = fs::read(folder.path().join("sample.pcap")).expect("a capture");
    let before = names(folder.path());
    let mut child = divertc(folder.path())
        .args(["eval", "true", "-", "-w", "out.pcap"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("divertc runs");
    // It goes on waiting for more.
    child.stdin.as_mut().expect("piped").write_all(&sample.repeat(20)).expect("it reads");
    let real = folder.path().canonicalize().expect("a folder");
    let making = || {
        let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).find(|path| path.starts_with(&real))
    };
    let made = (0..10_000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        making()
    });
    let made = made.expect("it makes a file");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let is_named = made.extension().is_some_and(|extension| extension == "part");
    assert!(is_named || names(folder.path()) == before, "{made:?}");
}

/// What is in a folder.
#[cfg(target_os = "linux")]
fn names(folder: &std::path::Path) -> std::collections::BTreeSet<std::ffi::OsString> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
}
