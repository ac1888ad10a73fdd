//! Compares docs/guarantees.md with docs/evidence.md: each guarantee has a row of tests, and each
//! test module exists.

use std::collections::BTreeSet;

use support::console::page;
use support::repository;

/// The first two columns of the tables of a page.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let cells = |line: &'_ str| line.split(" | ").count() > 1 && line.starts_with("| ");
    let rows = page.lines().filter(|line| cells(line)).map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        (cells.next().expect("a column"), cells.next().expect("a column"))
    });
    rows.collect()
}

#[test]
fn every_guarantee_has_evidence() {
    let (guarantees, evidence) = (page("docs/guarantees.md"), page("docs/evidence.md"));
    let bold = |cell: &'_ str| Some(cell.strip_prefix("**")?.strip_suffix("**")?.to_owned());
    let guaranteed: BTreeSet<String> = rows(&guarantees).iter().filter_map(|(name, _)| bold(name)).collect();
    let table = evidence.split("\n## ").nth(1).expect("a section of tests");
    let proved = rows(table).into_iter().filter(|(name, _)| *name != "guarantee");
    let names: BTreeSet<String> = proved.clone().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, guaranteed);
    for (name, tests) in proved {
        let modules = tests.split('`').skip(1).step_by(2).filter(|module| !module.starts_with("schema::"));
        for module in modules.filter(|module| *module != "state_test") {
            assert!(exists(module), "{name}: there are no tests {module}");
        }
    }
}

/// Whether `suite::changes` has a file, a folder or a test of this name; `suite::hostile*` matches
/// a prefix.
fn exists(module: &str) -> bool {
    let (folder, name) = module.split_once("::").unwrap_or((module, "main"));
    let begins = name.strip_suffix('*');
    let files = std::fs::read_dir(repository().join("tests").join(folder)).expect("a folder of tests");
    let mut files = files.map(|file| file.expect("a file").path());
    files.any(|path| {
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        stem == name
            || begins.is_some_and(|begin| stem.starts_with(begin))
            || text.contains(&format!("fn {name}("))
    })
}
