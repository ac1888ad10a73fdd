//! Compares `docs/requirements.md` with the tests that it names: every row exists, and every test
//! exists and cites its row.

use std::collections::BTreeMap;
use std::path::Path;

use support::repository;

const ROWS: usize = 70;

/// Test names, such as `suite::create::created_state_has…`, with the test's source and the comment
/// above it.
fn tests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let crates = ["client", "vimbiso", "bot", "languages", "trust"];
    let roots = ["suite", "model", "schemas", "conversation", "rules", "time"].into_iter().chain(crates);
    for root in roots.map(|root| repository().join("tests").join(root)) {
        for file in std::fs::read_dir(&root).into_iter().flatten() {
            let path = file.expect("a file").path();
            if path.is_dir() {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            for (at, _) in text.match_indices("#[test]") {
                let name = text[at..].split_once("fn ").expect("a function").1;
                let name = name.split('(').next().expect("a name");
                let above = text[..at].rfind("\n\n").map_or(0, |start| start);
                let body = text[at..].find("\n}").map_or(text.len(), |end| at + end);
                let about: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
                found.insert(
                    format!("{}::{name}", module(&root, &path)),
                    format!("{about}{}", &text[above..body]),
                );
            }
        }
    }
    found
}

/// `suite::create` for `tests/suite/create.rs`, `model` for `tests/model/main.rs`.
fn module(root: &Path, path: &Path) -> String {
    let root = root.file_name().expect("a folder").to_string_lossy().into_owned();
    match path.file_stem().expect("a file").to_string_lossy() {
        main if main == "main" => root,
        stem => format!("{root}::{stem}"),
    }
}

#[test]
fn every_requirement_names_tests_that_cite_it() {
    let page =
        std::fs::read_to_string(repository().join("docs/requirements.md")).expect("docs/requirements.md");
    let tests = tests();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| S"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let expected: Vec<String> = (1..=ROWS).map(|number| format!("S{number}")).collect();
    assert_eq!(numbers, expected);
    for row in &rows {
        let [number, _, shown] = row[..] else { panic!("three columns: {row:?}") };
        let named: Vec<&str> =
            shown.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect();
        assert!(!named.is_empty(), "{number} has no test: {shown}");
        for name in named {
            let text = tests.get(name).unwrap_or_else(|| panic!("{number}: there is no test {name}"));
            assert!(cites(text, number), "{name} does not cite {number}");
        }
    }
}

/// Whether a text names a row, alone or within a range: `S12`, `S20 to S22`.
fn cites(text: &str, number: &str) -> bool {
    let wanted: usize = number[1..].parse().expect("a number");
    let digits =
        |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>();
    text.match_indices('S').any(|(at, _)| {
        let Ok(first) = digits(&text[at + 1..]) else { return false };
        let rest = text[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
        let last = rest.strip_prefix(" to S").and_then(|rest| digits(rest).ok()).unwrap_or(first);
        (first..=last).contains(&wanted)
    })
}
