//! Bad filters and what is said of them. Each `tests/diagnostics/NAME.dvf` is checked; `NAME.txt` beside it holds what
//! a person sees. The first line of a filter may be a comment `# check: …` with further arguments.

use std::fs;
use std::path::Path;

use crate::run::{all_equal, compare, data, files, line};

#[test]
fn bad_filters() {
    let paths = files("diagnostics", "dvf");
    assert!(paths.len() >= 30, "the bad filters are there");
    all_equal(paths.iter().filter_map(|path| compare(&path.with_extension("txt"), &said(path))));
}

fn said(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy();
    let ran = line(&format!("divertc check {} {name}", arguments(path)), &data("diagnostics"));
    assert!(ran.status <= 1, "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    assert!(!ran.stdout.is_empty(), "{name} is accepted in silence");
    let text = String::from_utf8(ran.stdout).expect("messages are text");
    assert!(!text.contains('\u{1b}'), "{name}: no colours without a terminal");
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{name}: {line}");
        assert_eq!(line.trim_end(), line, "{name}");
    }
    text
}

fn arguments(path: &Path) -> String {
    let bytes = fs::read(path).expect("a filter");
    let text = String::from_utf8_lossy(&bytes);
    text.lines().next().and_then(|first| first.strip_prefix("# check: ")).unwrap_or_default().to_owned()
}

/// Whatever its form, each finding is there with its code and its place.
#[test]
fn every_form_says_the_same() {
    for path in files("diagnostics", "dvf") {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let form = |form: &str| {
            let command = format!("divertc check {} --message-format {form} {name}", arguments(&path));
            String::from_utf8(line(&command, &data("diagnostics")).stdout).expect("messages are text")
        };
        let json: Vec<serde_json::Value> =
            form("json").lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
        let sarif: serde_json::Value = serde_json::from_str(&form("sarif")).expect("one document");
        let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
        let github = form("github");
        assert_eq!((json.len(), github.lines().count()), (results.len(), results.len()), "{name}");
        let size = fs::metadata(&path).expect("a filter").len();
        for ((json, result), github) in json.iter().zip(&results).zip(github.lines()) {
            assert_eq!(json["file"], name.as_str());
            assert_eq!(json["code"], result["ruleId"]);
            let region = &result["locations"][0]["physicalLocation"]["region"];
            assert_eq!(json["span"]["start"], region["byteOffset"], "{name}");
            assert!(json["span"]["end"].as_u64().is_some_and(|end| end <= size), "{name}");
            let place = format!("line={},col={}", region["startLine"], region["startColumn"]);
            assert!(github.contains(&place) && github.contains(json["code"].as_str().unwrap()), "{github}");
            let rule = result["ruleIndex"].as_u64().unwrap() as usize;
            let rule = &sarif["runs"][0]["tool"]["driver"]["rules"][rule];
            assert_eq!(rule["id"], json["code"]);
            assert!(rule["fullDescription"]["text"].is_string(), "{} is explained", json["code"]);
        }
    }
}
