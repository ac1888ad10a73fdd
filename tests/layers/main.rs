//! The layers of ARCHITECTURE.md hold: no circle of files that import one another, and no arrow
//! that the table does not allow.
//!
//! An arrow runs from a file that names an item to the file that defines it, by `use` lines and
//! paths; unit tests are left out. Not an existing tool for module dependencies: those build the
//! compiler's front end first, which takes longer than all tests.

mod arrows;
mod prose;
mod source;

use std::collections::BTreeMap;

use arrows::{Arrows, arrows, circles, name, shown};
use source::{Segments, Sources, parse, read};
use support::repository;

/// Which layers of the module a layer may import from, besides itself.
const MODULE: &[(&str, &[&str])] = &[
    ("", &["command", "load", "server"]),
    ("load", &["error", "server"]),
    ("command", &["arguments", "error", "server"]),
    ("arguments", &["error", "server"]),
    ("server", &["error"]),
    ("error", &[]),
];

/// Which of the workspace's crates a crate may name; a binary names the library beside it.
const CRATES: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("core", &["redis_state_types"]),
    (".", &["redis_state_core"]),
    ("client", &["redis_state_types"]),
    ("vimbiso", &["redis_state_types", "redis_state_core", "redis_state_client", "redis_state_vimbiso"]),
    ("bot", &["redis_state_types", "redis_state_client", "redis_state_vimbiso", "redis_state_bot"]),
];

fn sources_of(package: &str) -> Sources {
    read(&repository().join(package).join("src"))
}

/// The arrows from one layer to another that the table does not have.
fn forbidden(arrows: &Arrows, table: &[(&str, &[&str])]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = table.iter().copied().collect();
    let layer = |module: &Segments| module.first().cloned().unwrap_or_default();
    let all = arrows.iter().flat_map(|(file, targets)| targets.iter().map(move |target| (file, target)));
    let bad = all.filter(|(file, target)| {
        let (from, to) = (layer(file), layer(target));
        from != to && !allowed.get(from.as_str()).is_some_and(|layers| layers.contains(&to.as_str()))
    });
    bad.map(|(file, target)| format!("{} -> {}", name(file), name(target))).collect()
}

/// Crates without a circle.
const WITHOUT_CIRCLES: [&str; 5] = ["types", "core", ".", "client", "vimbiso"];

#[test]
fn no_files_of_a_crate_import_one_another_in_a_circle() {
    for package in WITHOUT_CIRCLES {
        let arrows = arrows(&sources_of(package));
        let found: Vec<String> = circles(&arrows).iter().map(|circle| shown(&arrows, circle)).collect();
        assert!(found.is_empty(), "circles in {package}/src:\n{}", found.join("\n"));
    }
}

#[test]
fn layers_of_the_module_import_downwards_only() {
    let found = forbidden(&arrows(&sources_of(".")), MODULE);
    assert!(found.is_empty(), "arrows that the table does not allow:\n{}", found.join("\n"));
}

#[test]
fn crates_name_only_the_crates_below_them() {
    for (package, allowed) in CRATES {
        for (module, source) in sources_of(package) {
            let bad: Vec<&String> =
                source.crates.iter().filter(|other| !allowed.contains(&other.as_str())).collect();
            assert!(bad.is_empty(), "{package}/src: {} names {bad:?}", name(&module));
        }
    }
}

/// A crate of these files, each with its module path and text.
fn sample(files: &[(&str, &str)]) -> Arrows {
    let module = |path: &str| path.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let parsed = files.iter().map(|(path, text)| {
        let module: Segments = module(path);
        (module.clone(), parse(text, &module).expect("Rust"))
    });
    arrows(&parsed.collect())
}

#[test]
fn circle_is_found_through_re_exports_globs_and_paths() {
    let state = ("state", "pub mod event; pub use event::Event; pub use self::event::*;");
    for use_of_codec in
        ["use crate::codec::encode;", "fn f() { crate::codec::encode() }", "use super::super::codec::{self};"]
    {
        let files =
            [state, ("state::event", use_of_codec), ("codec", "use crate::state::Event; pub fn encode() {}")];
        let arrows = sample(&files);
        let found = circles(&arrows);
        assert_eq!(found.len(), 1, "{use_of_codec}");
        assert_eq!(shown(&arrows, &found[0]), "  codec -> state::event\n  state::event -> codec\n");
    }
}

#[test]
fn unit_tests_and_re_exports_make_no_circle() {
    let files = [
        ("state", "mod event; pub use self::event::Event;"),
        ("state::event", "pub struct Event; #[cfg(test)] mod tests { use crate::codec::encode; }"),
        ("codec", "use crate::state::Event; pub fn encode() {}"),
    ];
    assert_eq!(circles(&sample(&files)), Vec::new());
}

#[test]
fn arrow_upwards_is_found() {
    let files = [
        ("command::get", "use crate::server::value::Held;"),
        ("server::value", "use crate::command::words::integer; pub struct Held;"),
        ("command::words", "pub fn integer() {}"),
    ];
    assert_eq!(forbidden(&sample(&files), MODULE), ["server::value -> command::words"]);
}
