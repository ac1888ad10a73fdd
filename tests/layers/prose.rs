//! The text of the repository: comments wrap, and sentences name a component or a role.

use std::path::Path;

use support::repository;

/// Comments wrap here, as prose does.
const COLUMNS_MAX: usize = 100;
/// The start of each pronoun that hides which component or role a sentence is about. In two parts,
/// so that this file has none.
const PRONOUNS: [&str; 5] = [
    concat!("no", "body"),
    concat!("some", "body"),
    concat!("any", "body"),
    concat!("who", "ever"),
    concat!("who", "m"),
];
/// What is not in the repository, and the licence, whose text is fixed.
const LEFT_OUT: [&str; 5] = [".data", ".git", "LICENSE", "node_modules", "target"];

/// Finds lines in the files of the repository. A file that is not UTF-8 has no prose.
fn find(is_wrong: impl Fn(&Path, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![repository().to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            if LEFT_OUT.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let lines = text.lines().zip(1..).filter(|(line, _)| is_wrong(&path, line));
                found.extend(lines.map(|(line, number)| format!("{}:{number}: {line}", path.display())));
            }
        }
    }
    found
}

fn is_long_comment(line: &str) -> bool {
    line.trim_start().starts_with("//") && line.chars().count() > COLUMNS_MAX
}

fn has_pronoun(line: &str) -> bool {
    let mut words = line.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    words.any(|word| PRONOUNS.iter().any(|pronoun| word.starts_with(pronoun)))
}

#[test]
fn comments_wrap_at_100_columns() {
    let is_checked = |path: &Path| path.extension().is_some_and(|kind| kind == "rs");
    let found = find(|path, line| is_checked(path) && is_long_comment(line));
    assert!(found.is_empty(), "comments of more than {COLUMNS_MAX} columns:\n{}", found.join("\n"));
}

#[test]
fn sentences_name_a_component_or_a_role() {
    let found = find(|_, line| has_pronoun(line));
    assert!(found.is_empty(), "name the component or the role:\n{}", found.join("\n"));
}

#[test]
fn long_comments_and_pronouns_are_found() {
    let columns = |columns: usize| format!("    //! {}", "é".repeat(columns - 8));
    assert!(!is_long_comment(&columns(COLUMNS_MAX)));
    assert!(is_long_comment(&columns(COLUMNS_MAX + 1)));
    assert!(!is_long_comment(&format!("let text = \"{}\"; // why", "x".repeat(COLUMNS_MAX))));
    for pronoun in PRONOUNS {
        assert!(has_pronoun(&format!("(By {}!)", pronoun.to_uppercase())), "{pronoun}");
    }
    assert!(!has_pronoun("the whole body of anyone who does"));
}
