//! What shows an answer: written to a file, and read again with the options that are named, it gives the same answer.

use std::fs;
use std::path::Path;

use crate::run::{line, workplace};

/// Filters that look at all that is known of a packet.
const FILTERS: [&str; 16] = [
    "true",
    "tcp.DstPort == 443 and outbound",
    "inbound and udp",
    "loopback",
    "not loopback and inbound",
    "impostor and outbound and ip.TTL < 3",
    "ifIdx == 7 and subIfIdx == 3",
    "ifIdx == 0",
    "remotePort == 80 and localAddr == 10.9.8.7",
    "localPort == 80 and inbound and ipv6",
    "timestamp == 17000000000000001",
    "timestamp > 1000 and loopback",
    "random8 < 200 and tcp",
    "event == PACKET and tcp.Payload[0] == \"x\"",
    "(outbound? loopback: impostor)",
    "ip.SrcAddr in file(\"routes.txt\") and inbound",
];

/// What a command wrote, and the options of `eval` that it named.
fn written(command: &str, folder: &Path) -> Vec<String> {
    let ran = line(command, folder);
    assert_eq!(ran.status, i32::from(command.contains("equiv")), "{command}");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!said.contains("no option"), "{command}: {said}");
    let options = said.lines().filter_map(|line| line.split_once("divertc eval ")?.1.strip_suffix('`'));
    options.map(str::to_owned).collect()
}

#[test]
fn answers_are_shown_by_what_is_written() {
    let folder = workplace();
    let mut named = 0;
    for name in ["w.jsonl", "w.pcapng", "w.pcap", "w"] {
        for filter in FILTERS {
            let count = |filter: &str, options: &str| {
                let command = format!("divertc eval --count {options} -e '{filter}' {name}");
                String::from_utf8_lossy(&line(&command, folder.path()).stdout).trim().to_owned()
            };
            let options = written(&format!("divertc sat -e '{filter}' -w {name}"), folder.path()).concat();
            assert_eq!(count(filter, &options), "1", "{filter} {name} {options}");
            assert!(name != "w.jsonl" || options.is_empty(), "lines keep everything");
            named += u32::from(!options.is_empty());
            let other = format!("not ({filter})");
            let command = format!("divertc equiv -e '{filter}' -e '{other}' -w {name}");
            let options = written(&command, folder.path()).concat();
            let both = [count(filter, &options), count(&other, &options)].concat();
            assert!(both == "01" || both == "10", "{filter} {name} {options}: {both}");
        }
    }
    assert!(named > 20, "options were named {named} times");
}

/// What goes to standard output is what goes to files.
#[test]
fn standard_output_is_a_file_like_any_other() {
    let folder = workplace();
    for command in [
        "divertc sat 'inbound and loopback'",
        "divertc equiv tcp udp",
        "divertc sat --layer socket 'event == BIND'",
        "divertc fuzz 'tcp and outbound' --runs 300",
        "divertc fuzz --layer flow 'localPort == 7' --runs 300",
        "divertc divert --simulate handles.toml sample.pcap",
        "divertc eval tcp sample.pcapng",
        "divertc eval true events.jsonl",
    ] {
        let [file, stream] = ["out", "-"].map(|name| line(&format!("{command} -w {name}"), folder.path()));
        let out = fs::read(folder.path().join("out")).expect("it was written");
        assert!(out == stream.stdout && !out.is_empty() && file.status == stream.status, "{command}");
        assert!(!folder.path().join("-").exists(), "{command}");
        let said = String::from_utf8_lossy(&file.stdout).trim_end().to_owned();
        assert!(String::from_utf8_lossy(&stream.stderr).contains(&said), "{command}: {said}");
    }
}
